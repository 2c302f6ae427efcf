"""Two-level accumulation: short chains in one accumulator, their sums added up in another."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field

from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.accumulators.integer import IntegerAccumulator
from hwsim.datapath.accumulators.kahan import KahanAccumulator
from hwsim.datapath.accumulators.two_sum import TwoSumAccumulator
from hwsim.datapath.accumulators.two_word import TwoWordAccumulator
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction
from hwsim.datapath.sums import Counts, Sums
from hwsim.formats import get
from hwsim.formats.base import Format

OneLevel = FloatAccumulator | IntegerAccumulator | KahanAccumulator | TwoSumAccumulator | TwoWordAccumulator
Simple = Annotated[OneLevel, Field(discriminator="kind"), BeforeValidator(spell_out)]
"""An accumulator of one level, or the name of its format."""


@accumulators.register("chunked")
class ChunkedAccumulator(Accumulator):
    """Each ``every`` products are summed from +0 in ``inner``; each such sum is added, in order, to ``into``.

    The first addend c starts in ``into``. This is the promotion of DeepSeek-V3 (arXiv:2412.19437, section
    3.3.2: every 128 products into FP32), and a systolic array whose column sums meet in an accumulator memory.
    """

    kind: Literal["chunked"] = "chunked"
    every: int = Field(ge=1)
    """Products per chunk; the last chunk may be shorter."""
    into: Simple
    """The outer accumulator, or the name of its format."""
    inner: Simple | None = None
    """The accumulator of a chunk; when not given, the same as ``into``."""

    @classmethod
    def examples(cls) -> list[Self]:
        half, narrow = FloatAccumulator(format=get("fp16")), IntegerAccumulator(bits=9)
        wide = IntegerAccumulator(bits=20)
        pair, kahan = TwoWordAccumulator(format=get("bf16")), KahanAccumulator(format=get("e5m5"))
        return [
            cls(every=4, into=half),
            cls(every=3, into=wide, inner=narrow),
            cls(every=5, into=half, inner=narrow),
            cls(every=2, into=pair, inner=narrow),
            cls(every=4, into=TwoSumAccumulator(format=get("fp16")), inner=kahan),
        ]

    @property
    def chunk(self) -> OneLevel:
        """The accumulator of a chunk."""
        return self.inner if self.inner is not None else self.into

    @property
    def random(self) -> bool:
        return self.chunk.random or self.into.random

    def sum_format(self, scale: int) -> Format:
        return self.into.sum_format(scale)

    def load(self, c: Sums) -> tuple[Sums, Counts]:
        return self.into.load(c)

    def add(self, sums: Sums, terms: Sums, number: int = 0) -> tuple[Sums, Counts]:
        return self.into.add(sums, terms, number)

    def zeros(self, shape: tuple[int, int], scale: int) -> Sums:
        return self.into.zeros(shape, scale)

    def extend(self, products: Products, reduction: Reduction, sums: Sums) -> Counts:
        counts = Counts()
        for first in range(0, products.length, self.every):
            part = products.part(first, first + self.every)
            chunk, inner = self.chunk.accumulate(part, reduction, None)
            if products.scales is not None and products.scales.where == "chunk":
                chunk = products.scales.of_chunk(chunk, first // products.scales.block, products.matrices)
            _, outer = self.into.add(sums, chunk, (products.first + first) // self.every)
            counts = counts + inner + outer
        return counts

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        return self.into.finish(sums)

    def check(self, a: Format, b: Format) -> None:
        self.chunk.check(a, b)
        if self.into.kind == "integer" and self.chunk.kind != "integer":
            raise ValueError("chunks summed in floating point cannot go into an integer accumulator")
        if self.into.kind != "integer" and isinstance(self.chunk, IntegerAccumulator) and self.chunk.bits > 60:
            raise ValueError(f"chunks of {self.chunk.bits} bits do not fit a float accumulator's 60")

    def check_reduction(self, reduction: Reduction) -> None:
        self.chunk.check_reduction(reduction)

    def parts(self, lanes: int, adds: bool) -> list[Part]:
        return self.chunk.parts(lanes, adds) + self.outer_parts(lanes)

    def outer_parts(self, lanes: int) -> list[Part]:
        """Gates per lane of the outer accumulator, which works once per chunk, from the chunk's register on."""
        often = lanes / max(self.every, lanes)
        return [
            replace(part, name=f"outer {part.name}", per_mac=part.per_mac * often, chain="outer")
            for part in self.into.parts(lanes, True)
        ]
