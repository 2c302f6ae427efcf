"""Precision-scalable multipliers: wide products composed of narrow slices."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from hwsim.datapath.factor import significand_bits
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, digit_count, digits, exponent_parts
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat


@multipliers.register("slices")
class SlicesMultiplier(ExactStructure):
    """The exact product as ``Σ_ij a_i · b_j · 2**(s·(i + j))`` of slices of s bits, the top ones signed.

    ``composition``:
    - ``spatial``: all slice products at once, in a unit of (widest/s)² slice multipliers that makes one product of
      the widest operands or many of narrow ones, as Bit Fusion does (Sharma et al., ISCA 2018);
    - ``temporal``: one slice product per cycle; RBE, with slices of one bit, has int2 to int8 operands this way
      (Conti et al., Marsellus, arXiv:2305.08415);
    - ``separate``: no composition but an array for each width from s to the widest, the others idle (XpulpNN,
      Garofalo et al., DATE 2020).

    With ``fp16`` the slices also multiply the significands of floats, for which an exponent adder stands beside
    them: fp16's 11 bits take a 12-bit corner of 2- or 4-bit slices, 16 of 8-bit ones.
    """

    kind: Literal["slices"] = "slices"
    slice_bits: Literal[1, 2, 4, 8] = 2
    """s, the width of a slice: the narrowest operand."""
    widest: Literal[4, 8, 16] = 8
    """The widest operand that is composed."""
    composition: Literal["spatial", "temporal", "separate"] = "spatial"
    """How the slice products of one product meet: at once, one after the other, or not at all."""
    fp16: bool = False
    """Whether floats of up to 11 significand bits use the slices too."""

    @model_validator(mode="after")
    def _widest_holds_a_slice(self) -> Self:
        if self.slice_bits > self.widest:
            raise ValueError(
                f"expected slices of at most {self.widest} bits, the widest operand, got {self.slice_bits}"
            )
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(widest=16, fp16=True),
            cls(slice_bits=4, widest=16),
            cls(slice_bits=1, composition="temporal"),
            cls(composition="separate", widest=16, fp16=True),
        ]

    def check(self, a: Format, b: Format) -> None:
        for operand in (a, b):
            if isinstance(operand, FloatFormat) and not self.fp16:
                raise ValueError(f"slices without 'fp16: true' multiply integers, got '{operand.name}'")
            if isinstance(operand, FloatFormat) and operand.precision > 11:
                raise ValueError(f"slices take floats of at most 11 significand bits, '{operand.name}' has more")
            if significand_bits(operand) > self.widest:
                raise ValueError(f"slices compose operands of at most {self.widest} bits, got '{operand.name}'")

    def partial_products(self, x: Word, y: Word) -> list[int]:
        s = self.slice_bits if self.composition != "separate" else self.widest
        return [(p * q) << (s * (i + j)) for i, p in enumerate(digits(x, s)) for j, q in enumerate(digits(y, s))]

    def slice_products(self, a: Format, b: Format) -> int:
        """Slice products that make one product."""
        return digit_count(a, self.slice_bits) * digit_count(b, self.slice_bits)

    def cycles(self, a: Format, b: Format) -> int:
        return self.slice_products(a, b) if self.composition == "temporal" else 1

    def products_per_unit(self, a: Format, b: Format) -> int:
        """Products that one unit of (widest/s)² slices makes at once; slices that fill no product idle."""
        return (self.widest // self.slice_bits) ** 2 // self.slice_products(a, b)

    def parts(self, a: Format, b: Format) -> list[Part]:
        if self.composition == "separate":
            return self._separate(a, b)
        return (self._temporal(a, b) if self.composition == "temporal" else self._spatial(a, b)) + self._float(a, b)

    def _spatial(self, a: Format, b: Format) -> list[Part]:
        """A lane's share of a unit. *Assumed*: slice products meet in a quad tree of shifts by two ways and adders."""
        from hwsim.technology.primitives import IntegerAdder, IntegerMultiplier, Multiplexer

        used, share = self.slice_products(a, b), 1 / self.products_per_unit(a, b)
        slices, bits = (self.widest // self.slice_bits) ** 2, 2 * self.slice_bits + 2
        parts = [Part("slice", IntegerMultiplier(self.slice_bits + 1, self.slice_bits + 1), slices * share, used)]
        while slices > 1:  # four meet in three additions
            bits += bits - 2
            additions = used - -(-used // 4)
            parts.append(Part("recombination adder", IntegerAdder(bits), slices * 3 / 4 * share, additions))
            parts.append(Part("recombination shifter", Multiplexer(bits, 2), slices * 3 / 4 * share, additions))
            slices, used = slices // 4, -(-used // 4)
        return parts

    def _temporal(self, a: Format, b: Format) -> list[Part]:
        from hwsim.technology.primitives import IntegerAdder, IntegerMultiplier, Register, Shifter

        cycles, s = self.cycles(a, b), self.slice_bits
        width = 2 * self.widest
        return [
            Part("slice", IntegerMultiplier(s + 1, s + 1) if s > 1 else IntegerMultiplier(1, 1), 1, cycles),
            Part("recombination shifter", Shifter(2 * s, width - 2 * s), 1, cycles),
            Part("recombination adder", IntegerAdder(width), 1, cycles),
            Part("partial sum register", Register(width), 1, cycles),
        ]

    def _separate(self, a: Format, b: Format) -> list[Part]:
        """Arrays of s, 2s, … widest bits side by side, of as many lanes as fill one word of ``widest`` bits."""
        from hwsim.technology.primitives import IntegerMultiplier

        needed = max(significand_bits(a), significand_bits(b))
        widths = [w for w in (1, 2, 4, 8, 16) if self.slice_bits <= w <= self.widest]
        used = next(w for w in widths if w >= needed)
        lanes = self.widest // used
        arrays = [
            Part(f"{w}-bit array", IntegerMultiplier(w, w), self.widest / w / lanes, float(w == used)) for w in widths
        ]
        return arrays + self._float(a, b)

    def _float(self, a: Format, b: Format) -> list[Part]:
        """The exponent adder that makes the slices a float multiplier, there whether or not floats come."""
        from hwsim.technology.primitives import IntegerAdder

        if not self.fp16:
            return []
        used = exponent_parts(a, b)
        return used or [Part("exponent adder", IntegerAdder(5), 1, 0)]
