"""A floating-point accumulator of any format, rounding and overflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

from pydantic import field_validator

from hwsim.datapath.accumulator import Accumulator, accumulators
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction
from hwsim.datapath.sums import (
    Counts,
    FloatParameters,
    Sums,
    add_sums,
    float_accumulator_problem,
    float_parameters,
    round_sums,
)
from hwsim.formats import FormatName, get
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import Rounding


@accumulators.register("float")
class FloatAccumulator(Accumulator):
    """Every sum is rounded once into ``format``. IEEE 754 rules for signed zeros, infinities and NaN."""

    kind: Literal["float"] = "float"
    format: FormatName
    """Format of the register."""
    rounding: Rounding = "rne"
    overflow: Literal["inf", "saturate", "always_inf"] | None = None
    """What becomes of a sum beyond the largest number. ``inf``: infinity (NaN where the format has none), while
    directed roundings stop at the largest number on their inward side; ``saturate``: the largest number,
    infinities included; ``always_inf``: beyond the range whatever the rounding, which is what NVIDIA's matrix
    units do under RZ and the default with a ``fused`` reduction. Default otherwise: the format's own."""
    flush: bool = False
    """Whether results that are subnormal after rounding become zeros of their sign, as CDNA2's matrix units do
    (MMA-Sim, arXiv:2511.10909); products and tree adders of this accumulator's format then do so as well."""

    @field_validator("format")
    @classmethod
    def _is_float(cls, value: Format) -> Format:
        problem = float_accumulator_problem(value)
        if problem:
            raise ValueError(problem)
        return value

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(format=get("fp16")),
            cls(format=get("e8m13"), rounding="rz"),
            cls(format=get("e4m3fn"), overflow="inf"),
            cls(format=get("e3m4"), flush=True),
        ]

    @property
    def float_format(self) -> FloatFormat:
        """``format``, which is a float."""
        assert isinstance(self.format, FloatFormat)
        return self.format

    def parameters(self, default_overflow: str | None = None) -> FloatParameters:
        """For kernels; ``default_overflow`` is the reduction's."""
        return float_parameters(self.float_format, self.rounding, self.overflow or default_overflow, self.flush)

    def counts(self, overflowed: int) -> Counts:
        """``overflowed`` sums by what became of them."""
        return Counts(0, overflowed) if self.saturates else Counts(overflowed, 0)

    @property
    def saturates(self) -> bool:
        """Whether sums beyond the range become the largest number, by choice or for want of inf and NaN."""
        has_beyond = self.format.has_inf or self.format.has_nan
        return not has_beyond or (self.overflow or self.format.overflows[0]) == "saturate"

    def sum_format(self, scale: int) -> Format:
        return self.format

    def load(self, c: Sums) -> tuple[Sums, Counts]:
        rounded, overflowed = round_sums(c, self.parameters())
        return rounded, self.counts(overflowed)

    def add(self, sums: Sums, terms: Sums) -> tuple[Sums, Counts]:
        return sums, self.counts(add_sums(sums, terms, self.parameters()))

    def zeros(self, shape: tuple[int, int], scale: int) -> Sums:
        return Sums.zeros(*shape, self.float_format.last_place_min, self.float_format.precision)

    def accumulate(self, products: Products, reduction: Reduction, start: Sums | None) -> tuple[Sums, Counts]:
        counts = Counts()
        if start is None:
            start = self.zeros(products.shape, products.scale)
        elif products.length == 0 or not reduction.loads_exactly:
            start, counts = self.load(start)
        counts += self.counts(reduction.float_sums(products, self, start))
        return replace(start, bits=self.float_format.precision), counts

    def check(self, a: Format, b: Format) -> None:
        pass

    def parts(self, lanes: int, adds: bool) -> list[Part]:
        from hwsim.technology.primitives import Register

        once = 1 / lanes
        parts = [Part("accumulator register", Register(self.float_format.bits), once, once)]
        return [*parts, self.adder(lanes)] if adds else parts

    def adder(self, lanes: int, product_bits: int = 0) -> Part:
        """The adder in front of the register; of a fused multiply-add it takes an exact product of ``product_bits``.

        Product and sum may lie anywhere beside each other, so that a product wider than the sum's significand needs
        an adder of both widths and two guard bits (J.-M. Muller et al., Handbook of Floating-Point Arithmetic,
        section 8.5); a narrower one is an addend like any other.
        """
        from hwsim.technology.primitives import FloatAdder

        width = self.float_format
        fused = product_bits + width.precision + 2 if product_bits > width.precision else 0
        adder = FloatAdder(width.exponent_bits, width.precision, fused)
        return Part("accumulator adder", adder, 1 / lanes, 1 / lanes)
