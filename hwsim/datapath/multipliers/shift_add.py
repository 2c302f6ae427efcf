"""Shift-and-add multipliers: a sum of shifted copies of one operand, one for each non-zero digit of the other."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field

from hwsim.datapath.factor import Factor, significand_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import exponent_parts, word
from hwsim.formats.base import Format

_ALL = 64  # no operand has more digits


@multipliers.register("shift_add")
class ShiftAddMultiplier(Multiplier):
    """``Σ_t ±a · 2**n_t`` over the ``terms`` highest non-zero digits of b, all of them when not given.

    ``digits: binary`` are the ones of b's magnitude; ``signed`` those of its non-adjacent form, with digits −1, at
    most one in two places (Reitwiesner, Binary Arithmetic, 1960). With all digits the product is exact: MixPE's
    processing element for weights of a few bits (arXiv:2411.16158). QFX allows weights at most K ones
    (arXiv:2401.17544); of such weights ``terms: K`` loses nothing, of others it drops the lowest digits (*assumed*:
    the nearest number of K ones may be another).

    What MixPE dequantizes once per group is the group's sum, which is the accumulator's part: ``accumulator: {every:
    128, inner: int24, into: fp32}``.
    """

    kind: Literal["shift_add"] = "shift_add"
    terms: int | None = Field(default=None, ge=1, le=32)
    """Shifted copies that are added; as many as b has digits when not given, which is exact."""
    digits: Literal["binary", "signed"] = "binary"
    """Digits of b: its ones, or the fewer of its non-adjacent form."""

    kernel: ClassVar[int | None] = 5

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(terms=1), cls(terms=2, digits="signed")]

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        left, right = abs(word(x, a).value), abs(word(y, b).value)
        kept = nonzero_digits(right, self.digits == "signed")[: self.terms]
        total = sum(digit * (left << place) for place, digit in kept)
        significand = Fraction(total, 1 << self.fraction_bits(a, b))
        return Factor(x.negative != y.negative, significand, x.exponent + y.exponent)

    def product_bits(self, a: Format, b: Format) -> int:
        return significand_bits(a) + significand_bits(b) + int(self.digits == "signed")  # 7 as 8 − 1 keeps 8

    def kernel_parameters(self, a: Format, b: Format) -> tuple[int, int]:
        return self.terms or _ALL, int(self.digits == "signed")

    def most_terms(self, b: Format) -> int:
        """Copies that the hardware adds."""
        bits = significand_bits(b)
        every = bits if self.digits == "binary" else bits // 2 + 1
        return min(self.terms or every, every)

    def parts(self, a: Format, b: Format) -> list[Part]:
        """A shifter per copy, or AND gates where every place has its own, and an adder for each but the first."""
        from hwsim.technology.primitives import Gate, IntegerAdder, LeadingZeroCounter, Shifter

        left, right, terms = significand_bits(a), significand_bits(b), self.most_terms(b)
        width = left + right
        if terms == right:  # wired shifts: a row of AND gates (NAND2) for each bit of b
            copies = [Part("copies", Gate("nand2", left), terms, terms)]
        else:  # *assumed*: the digits are found one below the other
            copies = [
                Part("digit search", LeadingZeroCounter(right), terms, terms),
                Part("copies", Shifter(width, right - 1), terms, terms),
            ]
        if self.digits == "signed":
            recoder = [Part("recoder", IntegerAdder(right + 1)), Part("recoder", Gate("xor2", right))]
            copies += [*recoder, Part("sign", Gate("xor2", width), terms, terms)]
        parts = [*copies, Part("adder", IntegerAdder(width), terms - 1, terms - 1)] if terms > 1 else copies
        return parts + exponent_parts(a, b)


def nonzero_digits(magnitude: int, signed: bool) -> list[tuple[int, int]]:
    """``(place, digit)`` of the non-zero digits, the highest first; ``signed``: of the non-adjacent form."""
    found = []
    place = 0
    while magnitude:
        if magnitude & 1:
            digit = 2 - (magnitude & 3) if signed else 1
            found.append((place, digit))
            magnitude -= digit
        magnitude >>= 1
        place += 1
    return found[::-1]
