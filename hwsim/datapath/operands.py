"""The two ends of a datapath: formats of what is multiplied, and the rounding on the way out."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from hwsim.base.record import Record
from hwsim.datapath.factor import ENUMERATED_BITS
from hwsim.datapath.sums import Counts
from hwsim.formats import FormatName
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import NanPolicy, Rounding


class Operands(Record):
    """Formats of what is multiplied and of the first addend."""

    a: FormatName
    """First operand (activations)."""
    b: FormatName
    """Second operand (weights)."""
    c: FormatName | None = None
    """First addend; the format of the result when not given."""
    convert: FormatName | None = None
    """Format that a and b are converted to, exactly, before they are multiplied (FP8 through FP16 hardware)."""
    flush: bool = False
    """Whether subnormal operands a, b and c count as +0."""
    scale: FormatName | None = None
    """Format of the scales that blocks of a and b share, if they do: each scale is an exact factor."""
    scale_block: int = Field(default=32, ge=1)
    """Elements along K that share a scale."""

    @model_validator(mode="after")
    def _converts_exactly(self) -> Self:
        if self.convert is not None:
            for operand in (self.a, self.b):
                if not holds(self.convert, operand):
                    raise ValueError(f"{self.convert.name} does not hold every value of {operand.name}")
        if self.scale is not None and (self.scale.kind != "float" or self.scale.signed):
            raise ValueError(f"scales are unsigned floats, such as e8m0fnu or ue4m3, not '{self.scale.name}'")
        return self

    @property
    def multiplied(self) -> tuple[Format, Format]:
        """Formats of what the multiplier sees."""
        return (self.convert, self.convert) if self.convert is not None else (self.a, self.b)


class Output(Record):
    """The rounding on the way out of the accumulator."""

    format: FormatName
    rounding: Rounding = "rne"
    overflow: str | None = None
    """As in `Format.encode`; the format's default when not given."""
    nan: NanPolicy | None = None
    """What NaN becomes where the format has none, as in `Format.encode`; an error when not given."""

    @model_validator(mode="after")
    def _format_has_overflow(self) -> Self:
        if self.overflow is not None and self.overflow not in self.format.overflows:
            known = " or ".join(self.format.overflows)
            raise ValueError(f"{self.format.name} overflows by {known}, not '{self.overflow}'")
        return self

    def counts(self, values: np.ndarray) -> Counts:
        """Finite sums outside the range of the format, by what becomes of them."""
        beyond = (values > self.format.max) | (values < self.format.min)
        outside = int((beyond & np.isfinite(values)).sum())
        saturates = (self.overflow or self.format.overflows[0]) == "saturate"
        return Counts(0, outside) if saturates else Counts(outside, 0)


def holds(number_format: Format, other: Format) -> bool:
    """Whether a format holds every value of another one of at most 16 bits, NaN and infinities included."""
    if other.bits > ENUMERATED_BITS:
        return False
    values = other.decode(np.arange(other.code_count), np.float64)
    if np.isnan(values).any() and not number_format.has_nan:
        return False
    return bool(np.array_equal(number_format.round(values), values, equal_nan=True))


def flushed(codes: np.ndarray, number_format: Format) -> np.ndarray:
    """Codes with +0 in place of every subnormal number."""
    if not isinstance(number_format, FloatFormat):
        return codes
    stored = np.asarray(codes).astype(np.uint64)
    field = (stored >> np.uint64(number_format.mantissa_bits)) & np.uint64((1 << number_format.exponent_bits) - 1)
    fraction = stored & np.uint64((1 << number_format.mantissa_bits) - 1)
    return np.where((field == 0) & (fraction != 0), 0, codes).astype(np.asarray(codes).dtype)
