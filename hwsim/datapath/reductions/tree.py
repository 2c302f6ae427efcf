"""Adder trees: the products of all lanes are added in pairs, then the tree's sum enters the accumulator."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from hwsim.datapath.accumulators.float import RANDOM_REACH, FloatAccumulator
from hwsim.datapath.float64_sums import carrier_numbers, tree_float64_sums, tree_serves
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.rounding import ProductRounding
from hwsim.datapath.sums import NO_FORMAT, FloatParameters, Sums, float_accumulator_problem, float_parameters
from hwsim.formats import FormatName, get
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import AnyRounding, Rounding
from hwsim.kernels.threads import SCALAR_SPAN, over_threads


@reductions.register("tree")
class Tree(ProductRounding, Reduction):
    """``(p0 + p1) + (p2 + p3)`` …, each addition rounded into ``format``, then added to the accumulator.

    Of an odd number of terms the last passes to the next level as it is. Idle lanes hold +0. Products are exact
    unless ``product`` names a format. Before an integer accumulator the adders grow and nothing is rounded.
    """

    kind: Literal["tree"] = "tree"
    lanes: int = Field(ge=1, le=4096)
    """Products per tree."""
    format: FormatName | None = None
    """Format of the tree's adders; the accumulator's when not given."""
    levels: tuple[FormatName, ...] = ()
    """Formats of the adders level by level from the products on, the last one for all further levels; ``format``
    for every level when not given."""
    rounding: Rounding | None = None
    """Rounding of the tree's adders; the accumulator's when not given."""

    @field_validator("format", "levels")
    @classmethod
    def _adds_floats(cls, value: Any) -> Any:
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None and (problem := float_accumulator_problem(each)):
                raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.levels and self.format is not None:
            raise ValueError("give 'format' for all adders or 'levels', not both")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(lanes=4), cls(lanes=3, format=get("bf16"), rounding="rz"), cls(lanes=5, product=get("e4m3")), cls(
            lanes=7, levels=(get("e5m4"), get("fp16"))
        )]  # fmt: skip

    def lanes_of(self, k: int) -> int:
        return self.lanes

    @property
    def is_chain(self) -> bool:
        return True

    @property
    def depth(self) -> int:
        """Levels of adders: ⌈log2 lanes⌉."""
        return (self.lanes - 1).bit_length()

    def adder_formats(self, accumulator: FloatAccumulator) -> list[FloatFormat]:
        """Format of the adders of each level (of one where there are none)."""
        chosen = self.levels or (self.format or accumulator.format,)
        formats = [chosen[min(level, len(chosen) - 1)] for level in range(max(self.depth, 1))]
        return [f for f in formats if isinstance(f, FloatFormat)]

    def adder_rounding(self, accumulator: FloatAccumulator) -> AnyRounding:
        """Rounding of the tree's adders; a random one draws by the accumulator's seed, at places of its own."""
        return self.rounding or accumulator.rounding

    def adder_parameters(self, accumulator: FloatAccumulator) -> list[FloatParameters]:
        """The adders of each level for kernels; overflow as the accumulator's where none has a format of its own."""
        overflow = accumulator.overflow if self.format is None and not self.levels else None
        rounding = self.adder_rounding(accumulator)
        return [
            accumulator.with_draws(
                float_parameters(adder, rounding, overflow, accumulator.flush and adder == accumulator.format)
            )
            for adder in self.adder_formats(accumulator)
        ]

    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        rounded = self.product_format(accumulator) if self.product is not None else None
        adders, target = self.adder_formats(accumulator), accumulator.float_format
        roundings = self.product_rounding, self.adder_rounding(accumulator), accumulator.rounding
        if tree_serves(products, [f for f in (rounded, *adders, target) if f is not None], roundings, sums):

            def numbers(f: FloatFormat | None, rounding: str) -> tuple[float, ...]:
                return carrier_numbers(f, rounding, accumulator.flush and f == target)

            product = numbers(rounded, self.product_rounding)
            levels = np.array([numbers(f, self.adder_rounding(accumulator)) for f in adders])
            steps = product, levels, numbers(target, accumulator.rounding)
            return tree_float64_sums(products, accumulator, sums, self.lanes, steps, self._general)
        return self._general(products, accumulator, sums, np.zeros(0, np.int64))

    def _general(self, products: Products, accumulator: FloatAccumulator, sums: Sums, outputs: np.ndarray) -> int:
        """Any format, on the sums that ``outputs`` lists, all where it is empty."""
        from hwsim.kernels.matmul_tree import tree

        rounding = NO_FORMAT if self.product is None else self.product_parameters(accumulator)
        levels, target = self.adder_parameters(accumulator), accumulator.parameters()
        adders = np.array(levels, np.int64)
        widest = max(rounding[0], int(adders[:, 0].max()), target[0])
        return over_threads(
            tree, outputs.size or products.sum_count, products.count // SCALAR_SPAN,
            *products.unpacked, products.rule(widest),
            (products.first, products.last), products.rows_per_matrix, self.lanes, rounding, levels[0], adders,
            target,
            outputs, sums.significand, sums.exponent, sums.tag,
        )  # fmt: skip

    def check(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> None:
        if accumulator.kind == "integer" and (self.format or self.levels or self.product):
            raise ValueError("the adders before an integer accumulator grow and take no 'format' or 'product'")
        if accumulator.random and self.rounding is None:
            precision = max(f.precision for f in self.adder_formats(accumulator))
            if precision + accumulator.bits_drawn > RANDOM_REACH:
                raise ValueError(f"a random rounding of the tree's adders to {precision} bits needs fewer random bits")

    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        from hwsim.technology.primitives import FloatAdder

        if accumulator.kind == "integer":
            parts: list[Part] = integer_tree_parts(multiplier.product_bits(a, b), self.lanes)
        else:
            parts = self.product_parts(accumulator) if self.product is not None else []
            inputs = self.lanes
            for adder in self.adder_formats(accumulator)[: self.depth]:
                share = (inputs // 2) / self.lanes
                parts.append(Part("tree adder", FloatAdder(adder.exponent_bits, adder.precision), share, share))
                inputs = (inputs + 1) // 2
        return [*parts, *accumulator.parts(self.lanes, True)]


def integer_tree_parts(bits: int, lanes: int) -> list[Part]:
    """An exact tree of ``lanes`` terms of ``bits``: level l adds ``lanes / 2**l`` pairs of ``bits + l − 1`` bits."""
    from hwsim.technology.primitives import IntegerAdder

    parts, width = [], lanes
    while width > 1:
        share = (width // 2) / lanes
        parts.append(Part("tree adder", IntegerAdder(bits), share, share))
        bits, width = bits + 1, (width + 1) // 2
    return parts
