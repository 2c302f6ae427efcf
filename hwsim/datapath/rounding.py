"""Products that are rounded into a format before they are added."""

from __future__ import annotations

from pydantic import field_validator

from hwsim.base.record import Record
from hwsim.datapath.float_register import FloatRegister
from hwsim.datapath.parts import Part
from hwsim.datapath.sums import FloatParameters, float_accumulator_problem, float_parameters
from hwsim.formats import FormatName
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import Rounding


class ProductRounding(Record):
    """The format that products are rounded into, for reductions that do so."""

    product: FormatName | None = None
    """Format of the rounded product; the accumulator's when not given. Its own default decides on overflow."""
    product_rounding: Rounding = "rne"

    @field_validator("product")
    @classmethod
    def _is_float(cls, value: Format | None) -> Format | None:
        problem = float_accumulator_problem(value) if value is not None else None
        if problem:
            raise ValueError(problem)
        return value

    def product_format(self, accumulator: FloatRegister) -> FloatFormat:
        """The format that products are rounded into."""
        chosen = self.product if self.product is not None else accumulator.format
        assert isinstance(chosen, FloatFormat)
        return chosen

    def product_parameters(self, accumulator: FloatRegister) -> FloatParameters:
        """`product_format` for kernels."""
        flush = accumulator.flush and self.product_format(accumulator) == accumulator.format
        return float_parameters(self.product_format(accumulator), self.product_rounding, None, flush)

    def product_parts(self, accumulator: FloatRegister) -> list[Part]:
        """The rounder behind the multiplier."""
        from hwsim.technology.primitives import Rounder

        return [Part("product rounder", Rounder(self.product_format(accumulator).precision))]
