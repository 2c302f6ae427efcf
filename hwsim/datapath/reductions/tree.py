"""Adder trees: the products of all lanes are added in pairs, then the tree's sum enters the accumulator."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator

from hwsim.datapath.accumulators.float import RANDOM_REACH, FloatAccumulator
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
    rounding: Rounding | None = None
    """Rounding of the tree's adders; the accumulator's when not given."""

    @field_validator("format")
    @classmethod
    def _adds_floats(cls, value: Format | None) -> Format | None:
        problem = float_accumulator_problem(value) if value is not None else None
        if problem:
            raise ValueError(problem)
        return value

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(lanes=4), cls(lanes=3, format=get("bf16"), rounding="rz"), cls(lanes=5, product=get("e4m3"))]

    def lanes_of(self, k: int) -> int:
        return self.lanes

    @property
    def is_chain(self) -> bool:
        return True

    def adder_format(self, accumulator: FloatAccumulator) -> FloatFormat:
        """Format of the tree's adders."""
        chosen = self.format if self.format is not None else accumulator.format
        assert isinstance(chosen, FloatFormat)
        return chosen

    def adder_rounding(self, accumulator: FloatAccumulator) -> AnyRounding:
        """Rounding of the tree's adders; a random one draws by the accumulator's seed, at places of its own."""
        return self.rounding or accumulator.rounding

    def adder_parameters(self, accumulator: FloatAccumulator) -> FloatParameters:
        """The tree's adders for kernels; overflow as the accumulator's where they share its format."""
        overflow = accumulator.overflow if self.format is None else None
        adder = self.adder_format(accumulator)
        flush = accumulator.flush and adder == accumulator.format
        return accumulator.with_draws(float_parameters(adder, self.adder_rounding(accumulator), overflow, flush))

    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        from hwsim.kernels.matmul_tree import tree

        rounding = NO_FORMAT if self.product is None else self.product_parameters(accumulator)
        adder, target = self.adder_parameters(accumulator), accumulator.parameters()
        return over_threads(
            tree, products.sum_count, products.count // SCALAR_SPAN,
            *products.unpacked, products.rule(max(rounding[0], adder[0], target[0])),
            (products.first, products.last), products.rows_per_matrix, self.lanes, rounding, adder, target,
            sums.significand, sums.exponent, sums.tag,
        )  # fmt: skip

    def check(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> None:
        if accumulator.kind == "integer" and (self.format is not None or self.product is not None):
            raise ValueError("the adders before an integer accumulator grow and take no 'format' or 'product'")
        if accumulator.random and self.rounding is None:
            precision = self.adder_format(accumulator).precision
            if precision + accumulator.bits_drawn > RANDOM_REACH:
                raise ValueError(f"a random rounding of the tree's adders to {precision} bits needs fewer random bits")

    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        from hwsim.technology.primitives import FloatAdder

        if accumulator.kind == "integer":
            parts: list[Part] = integer_tree_parts(multiplier.product_bits(a, b), self.lanes)
        else:
            share, levels = (self.lanes - 1) / self.lanes, (self.lanes - 1).bit_length()
            adder = self.adder_format(accumulator)
            parts = self.product_parts(accumulator) if self.product is not None else []
            parts.append(Part("tree adder", FloatAdder(adder.exponent_bits, adder.precision), share, share, levels))
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
