"""What accumulators that hold floats have in common: a format, its rounding, overflow and subnormals."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from hwsim.datapath.accumulator import Accumulator
from hwsim.datapath.parts import Part
from hwsim.datapath.sums import Counts, FloatParameters, Sums, float_accumulator_problem, float_parameters
from hwsim.formats import FormatName
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import AnyRounding


class FloatRegister(Accumulator):
    """A register of ``format``. IEEE 754 rules for signed zeros, infinities and NaN."""

    format: FormatName
    """Format of the register."""
    rounding: AnyRounding = "rne"
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

    def zeros(self, shape: tuple[int, int], scale: int) -> Sums:
        return Sums.zeros(*shape, self.float_format.last_place_min, self.float_format.precision)

    def check(self, a: Format, b: Format) -> None:
        pass

    def entry(self, lanes: int, product_bits: int) -> list[Part]:
        """What an exact product of ``product_bits`` (0: a rounded one) passes on its way to the register."""
        return [self.adder(lanes, product_bits)]

    def adder(self, lanes: int, product_bits: int = 0) -> Part:
        """The adder in front of the register; of a fused multiply-add it takes an exact product of ``product_bits``.

        Both are aligned to the larger of the two, so that a product wider than the sum's significand needs an adder
        of its own width and three guard bits (what falls below them counts as sticky); a narrower one is an addend
        like any other. Aligning the addend beside the multiplier instead, to save time, would take both widths
        (J.-M. Muller et al., Handbook of Floating-Point Arithmetic, section 8.5).
        """
        from hwsim.technology.primitives import FloatAdder

        width = self.float_format
        fused = product_bits + 3 if product_bits > width.precision else 0
        adder = FloatAdder(width.exponent_bits, width.precision, fused)
        return Part("accumulator adder", adder, 1 / lanes, 1 / lanes)
