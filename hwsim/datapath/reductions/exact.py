"""Exact sums in a long fixed-point word, rounded once: a Kulisch accumulator."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.factor import exponent_range
from hwsim.datapath.float64_sums import exact_float64_sums, exact_serves
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.sums import Sums
from hwsim.formats.base import Format
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

CARRY_BITS = 32
"""Room at the top of the word for the carries of up to 2**32 additions."""
SHORT_BLOCK = 8
"""Products that are added as an expansion, whose work grows with their square, sooner than in the long word."""


@reductions.register("exact")
class Exact(Reduction):
    """All products and c are added without error and rounded once into the accumulator; an exact zero is +0.

    Kulisch, Computer Arithmetic and Validity, chapter 8. With ``lanes``, blocks are: each block's products and
    the sum so far are added exactly and rounded, as AMD's CDNA1 does with 4 fp16 products (MMA-Sim,
    arXiv:2511.10909).
    """

    kind: Literal["exact"] = "exact"
    lanes: int | None = Field(default=None, ge=1)
    """Products per rounding; all K when not given."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(lanes=4)]

    def lanes_of(self, k: int) -> int:
        return self.lanes or max(k, 1)

    @property
    def is_chain(self) -> bool:
        return True

    @property
    def shared_by(self) -> int:
        return 1  # one lane adds to the word each cycle, however many products it rounds together

    @property
    def loads_exactly(self) -> bool:
        return True

    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        if products.length == 0:
            return 0
        if self.lanes_of(products.length) <= SHORT_BLOCK and exact_serves(products, accumulator, sums):
            return exact_float64_sums(products, accumulator, sums, self.lanes_of(products.length), self._general)
        return self._general(products, accumulator, sums, np.zeros(0, np.int64))

    def _general(self, products: Products, accumulator: FloatAccumulator, sums: Sums, outputs: np.ndarray) -> int:
        """Any format, on the sums that ``outputs`` lists, all where it is empty."""
        from hwsim.kernels.matmul_exact import exact

        low, high = range_of(products)
        if sums.significand.size:
            target = accumulator.float_format
            low = min(low, int(sums.exponent.min()), target.last_place_min)
            high = max(high, int(sums.exponent.max()) + sums.bits, target.emax + 1)
        limbs = (high + CARRY_BITS - low) // 32 + 3
        return over_threads(
            exact, outputs.size or products.sum_count, products.count // SCALAR_SPAN,
            *products.unpacked, products.rule(), (products.first, products.last), products.rows_per_matrix,
            self.lanes_of(products.length), (low, limbs), accumulator.parameters(), outputs,
            sums.significand, sums.exponent, sums.tag,
        )  # fmt: skip

    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        """A shifter and an adder over the whole word; normaliser and rounder are assumed idle beside them."""
        from hwsim.technology.primitives import IntegerAdder, LeadingZeroCounter, Register, Rounder, Shifter

        if accumulator.kind == "integer":
            parts: list[Part] = accumulator.parts(1, True)
            return parts
        low, high = product_range(a, b, multiplier)
        word = high - low + CARRY_BITS
        return [
            Part("aligner", Shifter(multiplier.product_bits(a, b), word)),
            Part("accumulator adder", IntegerAdder(word)),
            Part("accumulator register", Register(word)),
            # Once per output; its energy per multiply-accumulate goes to 0 with growing K.
            Part("normaliser", LeadingZeroCounter(word), 1, 0, chain="output"),
            Part("normaliser", Shifter(word, word), 1, 0, chain="output"),
            Part("rounder", Rounder(accumulator.float_format.precision), 1, 0, chain="output"),
        ]


def range_of(products: Products) -> tuple[int, int]:
    """`product_range` with the scales of products, where they have some."""
    low, high = product_range(products.a_format, products.b_format, products.multiplier)
    if products.scales is not None and products.scales_products:
        lowest, highest = exponent_range(products.scales.format)
        low, high = low + 2 * lowest, high + 2 * highest + 2  # significands are below 2
    return low, high


def product_range(a: Format, b: Format, multiplier: Multiplier) -> tuple[int, int]:
    """Exponents of the lowest last place and above the highest bit of any finite product."""
    point = multiplier.fraction_bits(a, b)
    (a_low, a_high), (b_low, b_high) = exponent_range(a), exponent_range(b)  # a normalised subnormal's are below emin
    return a_low + b_low - point, a_high + b_high - point + multiplier.product_bits(a, b)
