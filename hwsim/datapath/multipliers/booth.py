"""Booth multipliers: one operand recoded into signed digits, so that fewer partial products are added."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from hwsim.datapath.factor import significand_bits
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, exponent_parts
from hwsim.formats.base import Format
from hwsim.formats.integer import UniformFormat


@multipliers.register("booth")
class BoothMultiplier(ExactStructure):
    """The exact product as ``Σ d_i · a · r**i`` over Booth's digits ``d_i`` of b, ``−r/2 <= d_i <= r/2``, r = 4 or 8.

    A digit of r = 2**k looks at k bits of b and the one below: ``d = −2**(k−1)·b_top + … + b_low + b_below``
    (MacSorley, High-Speed Arithmetic in Binary Computers, Proc. IRE 49, 1961). A magnitude gets a zero above its top
    bit. Radix 8 needs 3·a, an addition ahead of the array.

    The digits depend on b alone. ``encoder: edge`` recodes b once where it enters the array and lets ``shared_by``
    processing elements of a row use the digits, as EN-T does (arXiv:2404.11887). Its digits travel instead of b, of
    k + 1 bits each (*assumed*; EN-T's own code of them is not modelled).
    """

    kind: Literal["booth"] = "booth"
    radix: Literal[4, 8] = 4
    """r, the number of values between one digit and the next."""
    encoder: Literal["pe", "edge"] = "pe"
    """Where b is recoded: in each processing element, or at the array's edge for a whole row."""
    shared_by: int = Field(default=16, ge=1)
    """Processing elements that share an encoder at the edge; without effect on ``encoder: pe``."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(radix=8), cls(encoder="edge", shared_by=32)]

    @property
    def digit_bits(self) -> int:
        """k, bits per digit."""
        return self.radix.bit_length() - 1

    def digits(self, y: Word) -> list[int]:
        """Booth's digits of y, the lowest first."""
        k, width = self.digit_bits, y.bits + int(not y.signed)
        bits = [0] + [(y.value >> i) & 1 for i in range(width + k)]  # sign-extended, with the bit below bit 0
        return [
            sum(bits[k * i + j + 1] << j for j in range(k - 1)) - (bits[k * i + k] << (k - 1)) + bits[k * i]
            for i in range(-(-width // k))
        ]

    def partial_products(self, x: Word, y: Word) -> list[int]:
        return [(digit * x.value) << (self.digit_bits * i) for i, digit in enumerate(self.digits(y))]

    def parts(self, a: Format, b: Format) -> list[Part]:
        """Encoders, selectors of the multiples, 3·a for radix 8, and one adder per digit but the first.

        *Assumed*: an encoder digit is k XOR2 and 2k NAND2 (it tells sign, zero and the multiple apart); a selector
        bit chooses among r/4 multiples, and zero, and inverts by an XOR2; a row is added by full adders, as wide
        as the multiple with its sign.
        """
        from hwsim.technology.primitives import Gate, IntegerAdder, Multiplexer, Register

        k, width = self.digit_bits, significand_bits(b) + int(not (isinstance(b, UniformFormat) and b.signed))
        count, multiple = -(-width // k), significand_bits(a) + k
        share = 1 / self.shared_by if self.encoder == "edge" else 1.0
        parts = [
            Part("booth encoder", Gate("xor2", k), count * share, count * share),
            Part("booth encoder", Gate("nand2", 2 * k), count * share, count * share),
            Part("booth selector", Multiplexer(multiple, self.radix // 2), count, count),
            Part("booth selector", Gate("xor2", multiple), count, count),
            Part("final adder", IntegerAdder(self.product_bits(a, b))),
        ]
        if count > 1:
            parts.append(Part("partial product adder", Gate("full_adder", multiple), count - 1, count - 1))
        if self.radix == 8:
            parts.append(Part("triple adder", IntegerAdder(significand_bits(a) + 2)))
        if self.encoder == "edge":  # k + 1 bits per digit travel instead of k
            parts.append(Part("digit register", Register(count)))
        return parts + exponent_parts(a, b)
