"""One product at a time into the accumulator."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.float64_sums import (
    carrier_numbers,
    float64_serves,
    float64_sums,
    tree_float64_sums,
    tree_serves,
)
from hwsim.datapath.fma_sums import fma_sums, is_fma_chain, is_single_chain
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.rounding import ProductRounding
from hwsim.datapath.sums import NO_FORMAT, Sums
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.kernels.threads import SCALAR_SPAN, over_threads


@reductions.register("sequential")
class Sequential(ProductRounding, Reduction):
    """``s ← round(s + a·b)`` in ascending k: a chain of fused multiply-adds, or of multiply-then-add."""

    kind: Literal["sequential"] = "sequential"
    fused: bool = True
    """A fused multiply-add rounds once; otherwise the product is first rounded into ``product``."""

    @model_validator(mode="after")
    def _product_needs_rounding(self) -> Sequential:
        if self.fused and self.product is not None:
            raise ValueError("a fused multiply-add does not round its product; give 'fused: false' with 'product'")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(fused=False), cls(fused=False, product=get("e5m2"), product_rounding="ru")]

    def lanes_of(self, k: int) -> int:
        return 1

    @property
    def is_chain(self) -> bool:
        return True

    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        if is_fma_chain(products.a_format, products.b_format, products.multiplier, self, accumulator):
            return fma_sums(products, sums, "fp64")
        if is_single_chain(products, self, accumulator):
            return fma_sums(products, sums, "fp32")
        if self.fused and float64_serves(products, accumulator, sums):
            return float64_sums(products, accumulator, sums, self._general)
        rounded = None if self.fused else self.product_format(accumulator)
        target = accumulator.float_format
        steps = [f for f in (rounded, target) if f is not None]
        roundings = self.product_rounding, accumulator.rounding
        if tree_serves(products, steps, roundings, sums):  # of one lane
            first = carrier_numbers(rounded, self.product_rounding, accumulator.flush and rounded == target)
            last = carrier_numbers(target, accumulator.rounding, accumulator.flush)
            return tree_float64_sums(products, accumulator, sums, 1, (first, np.array([last]), last), self._general)
        return self._general(products, accumulator, sums, np.zeros(0, np.int64))

    def _general(self, products: Products, accumulator: FloatAccumulator, sums: Sums, outputs: np.ndarray) -> int:
        """Any format, on the sums that ``outputs`` lists, all where it is empty."""
        from hwsim.kernels.matmul_sequential import sequential

        rounding = NO_FORMAT if self.fused else self.product_parameters(accumulator)
        return over_threads(
            sequential, outputs.size or products.sum_count, products.count // SCALAR_SPAN,
            *products.unpacked, products.rule(rounding[0]), (products.first, products.last),
            products.rows_per_matrix, rounding, accumulator.parameters(), outputs,
            sums.significand, sums.exponent, sums.tag,
        )  # fmt: skip

    def check(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> None:
        if accumulator.kind == "integer" and not self.fused:
            raise ValueError("'fused: false' rounds products, which an integer accumulator takes as they are")

    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        if accumulator.kind == "integer":
            whole: list[Part] = accumulator.parts(1, True)
            return whole
        first = self.product_parts(accumulator) if not self.fused else []
        product = multiplier.product_bits(a, b) if self.fused else 0
        return [*first, *accumulator.entry(1, product), *accumulator.parts(1, False)]
