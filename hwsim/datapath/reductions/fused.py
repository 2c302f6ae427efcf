"""Fused multi-term sums, as matrix units compute them: align, cut, add exactly, round once."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.reductions.tree import integer_tree_parts
from hwsim.datapath.sums import Sums
from hwsim.formats.base import Format
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

ALIGNMENTS = {"rne": 0, "rna": 1, "truncate": 2, "floor": 4}
"""How an aligned term loses its low bits, as the rounding modes of `hwsim.kernels.rounding`."""

SUM_BITS = 62
"""Bits of the kernel's exact sum."""


@reductions.register("fused")
class Fused(Reduction):
    """Blocks of ``lanes`` products and the sum so far are aligned to the largest exponent E among them.

    Every term is cut to a multiple of ``2**(E − align_bits)``, all are added exactly, and the accumulator
    rounds the sum; the result is an addend of the next block. Exponents are not normalised: that of a product
    is the sum of its operands' (`hwsim.datapath.factor.Factor`), that of the sum so far its own, at least its
    format's emin. A block's NaN, or infinities of both signs, give NaN; a zero result is +0.

    This is T-FDPA of MMA-Sim (arXiv:2511.10909): Ampere fp16 has 8 lanes and 24 bits, Hopper's FP8 32 and 13.
    """

    kind: Literal["fused"] = "fused"
    lanes: int = Field(ge=1, le=4096)
    """Products per block (L)."""
    align_bits: int = Field(ge=1, le=56)
    """Fraction bits kept below the largest exponent (F)."""
    align: Literal["truncate", "floor", "rne", "rna"] = "truncate"
    """How the bits below are cut: toward zero, toward −inf, or rounded to nearest (ties to even, or away)."""
    zero_exponent: int | None = None
    """Exponent that zero terms take in the search for E; when not given they take no part in it. It shows only
    where c is 0 and every product lies below it (NVIDIA: −131 to −133 for FP32 results)."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(lanes=4, align_bits=10), cls(lanes=3, align_bits=2, align="rne", zero_exponent=-3)]

    def lanes_of(self, k: int) -> int:
        return self.lanes

    @property
    def loads_exactly(self) -> bool:
        return True

    @property
    def overflow(self) -> str | None:
        return "always_inf"

    @property
    def canonical_nan(self) -> bool:
        return True

    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        from hwsim.kernels.matmul_fused import fused

        zeros_count, zero_exponent = int(self.zero_exponent is not None), self.zero_exponent or 0
        unit = (self.lanes, self.align_bits, ALIGNMENTS[self.align], zeros_count, zero_exponent)
        emin = accumulator.float_format.emin
        first_emin = sums.emin if sums.emin is not None else emin
        return over_threads(
            fused, products.sum_count, products.count // SCALAR_SPAN,
            *products.unpacked, products.rule(), (products.first, products.last), products.rows_per_matrix,
            unit, accumulator.parameters(self.overflow), (first_emin, emin),
            sums.significand, sums.exponent, sums.tag,
        )  # fmt: skip

    def check(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> None:
        if accumulator.kind == "integer":
            return
        integer_part = multiplier.product_bits(a, b) - multiplier.fraction_bits(a, b)
        needed = self.align_bits + max(integer_part, 1) + self.lanes.bit_length() + 1
        if needed > SUM_BITS:
            raise ValueError(
                f"{self.lanes} lanes and {self.align_bits} align_bits need a sum of {needed} bits, more than "
                f"{SUM_BITS}; 'reduction: exact' has no limit"
            )

    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        """Exponent maximum tree, aligners, adder tree, and one normaliser and rounder per block."""
        from hwsim.technology.primitives import Comparator, LeadingZeroCounter, Multiplexer, Rounder, Shifter

        if accumulator.kind == "integer":
            tree = integer_tree_parts(multiplier.product_bits(a, b), self.lanes)
            return [*tree, *accumulator.parts(self.lanes, True)]
        lanes, width = self.lanes, self.align_bits + 2
        exponent_bits = max(getattr(a, "exponent_bits", 0), getattr(b, "exponent_bits", 0)) + 1
        total = width + lanes.bit_length()
        once = 1 / lanes
        return [
            Part("exponent maximum", Comparator(exponent_bits)),
            Part("exponent maximum", Multiplexer(exponent_bits, 2)),
            Part("aligner", Shifter(width, width), 1 + once, 1 + once),
            *integer_tree_parts(width, lanes + 1),
            Part("normaliser", LeadingZeroCounter(total), once, once),
            Part("normaliser", Shifter(total, total), once, once),
            Part("rounder", Rounder(accumulator.float_format.precision), once, once),
            *accumulator.parts(lanes, False),
        ]
