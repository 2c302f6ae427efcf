"""Affine quantization ``x ≈ scale · (q − zero_point)``: which values share a scale, and how it is chosen.

Source of the scheme: Jacob et al., Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, CVPR 2018 (arXiv:1712.05877), section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.formats.arrays import Array
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.names import FormatName
from hwsim.formats.requantize import fixed_point_multiplier, requantize
from hwsim.formats.rounding import Rounding
from hwsim.formats.scale_search import PowerOfTwo, as_scale, min_mse_scale, power_of_two_scale

__all__ = [
    "Percentile",
    "Scale",
    "Scaling",
    "calibrate",
    "dequantize",
    "fixed_point_multiplier",
    "quantize",
    "requantize",
]


class Percentile(Record):
    """Clip to a percentile of the magnitudes (asymmetric: of the values, from both ends)."""

    percentile: Annotated[float, Field(gt=50, le=100)]
    """Percent of the values that are kept, by linear interpolation between order statistics."""


class Scaling(Record):
    """How a tensor becomes codes of ``format``."""

    format: FormatName
    """Format of the quantized values."""
    granularity: Literal["tensor", "channel", "group"] = "tensor"
    """One scale for the tensor, for each index along ``axis``, or for each run of ``group_size`` along ``axis``."""
    group_size: Annotated[int, Field(gt=0)] | None = None
    """Consecutive values along ``axis`` that share a scale; the last group may be shorter."""
    axis: int = -1
    """The channel axis, or the axis that is divided into groups; negative counts from the last."""
    symmetric: bool = True
    """Zero point 0 and scale max|x| / max(format); otherwise the range of x, zero included, fills the format's."""
    scale: Literal["absmax", "min_mse"] | Percentile = "absmax"
    """What counts as the range of x: all of it, what makes the mean squared error least, or a percentile."""
    power_of_two: PowerOfTwo | None = None
    """Scales become powers of two: the next one up, down, the nearest; or powers of two below_greatest of them."""
    rounding: Rounding = "rne"
    """How a quotient x / scale becomes a value of the format."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.granularity == "group") != (self.group_size is not None):
            raise ValueError("'group_size' goes with granularity 'group', and only with it")
        if not self.symmetric and self.format.kind != "integer":
            raise ValueError(f"asymmetric scaling has a zero point, which needs an integer format, got {self.format}")
        if not self.symmetric and self.format.bits > 32:
            raise ValueError(f"asymmetric scaling takes integers of up to 32 bits, got {self.format}")
        if not self.symmetric and self.scale == "min_mse":
            raise ValueError("scale 'min_mse' is for symmetric scaling; asymmetric: 'absmax' or a percentile")
        return self


@dataclass(frozen=True)
class Scale:
    """Scales and zero points: shape ``()`` per tensor, ``(channels,)`` per channel.

    Per group the shape is that of the tensor with ``axis`` of n values replaced by ⌈n / group_size⌉ groups.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    """In units of the quantized integers; 0 where symmetric."""

    def spread(self, scaling: Scaling, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Scale and zero point as arrays that broadcast with a tensor of ``shape``."""
        return _spread(self.scale, scaling, shape), _spread(self.zero_point, scaling, shape)


def calibrate(x: ArrayLike, scaling: Scaling) -> Scale:
    """The scales that bring the range of ``x`` onto the range of ``scaling.format``.

    Symmetric: ``scale = r / max(format)`` with r = max|x| or its percentile, or the scale of least squared error
    (`hwsim.formats.scale_search.min_mse_scale`). Asymmetric: with
    ``lo = min(x, 0)`` and ``hi = max(x, 0)`` (or percentiles), ``scale = (hi − lo) / (max − min)`` and
    ``zero_point = min − lo / scale``, rounded and clamped, so that 0 is a quantized value.
    Computed in float64 and rounded to float32, then to a power of two if so wished
    (`hwsim.formats.scale_search.power_of_two_scale`). Where the range is zero the scale is 1.

    Raises `InputError` if ``x`` is empty or holds NaN or infinity, or if the axis does not exist.
    """
    values = np.asarray(x, np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError("cannot calibrate a scale on " + ("NaN or infinity" if values.size else "no values"))
    if scaling.scale == "min_mse":
        groups = _grouped(values, scaling)
        searched = [min_mse_scale(group, scaling.format, scaling.rounding) for group in groups]
        scale = _restricted(_joined(searched, scaling, values.shape), scaling)
        return Scale(scale, np.zeros(scale.shape, np.int64))
    low, high = _range(values, scaling)
    if scaling.symmetric:
        scale = _restricted(high / scaling.format.max, scaling)
        return Scale(scale, np.zeros(scale.shape, np.int64))
    least, greatest = scaling.format.min, scaling.format.max
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    scale = _restricted((high - low) / (greatest - least), scaling)
    zero_point = np.clip(np.rint(least - low / scale), least, greatest).astype(np.int64)
    return Scale(scale, zero_point)


def quantize(x: ArrayLike, scaling: Scaling, scale: Scale) -> Array:
    """Codes of ``clamp(round(x / scale) + zero_point)``; the quotient is that of float64.

    Values out of range saturate, infinities too. Raises `InputError` for NaN if the format has none.
    """
    values = np.asarray(x, np.float64)
    scales, zero_points = scale.spread(scaling, values.shape)
    quotients = values / scales
    if scaling.symmetric:
        return scaling.format.encode(quotients, scaling.rounding, "saturate")
    if np.isnan(values).any():
        raise InputError(f"{scaling.format} has no NaN, but {np.isnan(values).sum()} of {values.size} values are NaN")
    # Rounded before the zero point is added, with room for any sum.
    whole = _WIDE.decode(_WIDE.encode(quotients, scaling.rounding, "saturate")).astype(np.int64)
    return scaling.format.encode(whole + zero_points, overflow="saturate")


def dequantize(codes: ArrayLike, scaling: Scaling, scale: Scale) -> NDArray[np.float64]:
    """``scale · (q − zero_point)`` in float64, exact for values of up to 29 significand bits."""
    values = scaling.format.decode(codes)
    scales, zero_points = scale.spread(scaling, values.shape)
    product: NDArray[np.float64] = (values - zero_points) * scales.astype(np.float64)
    return product


_WIDE = IntegerFormat("int53", 53)


def _restricted(scale: Array, scaling: Scaling) -> NDArray[np.float32]:
    """``scale`` as a normal float32, and as a power of two where the rule says so."""
    narrowed = as_scale(scale)
    return narrowed if scaling.power_of_two is None else power_of_two_scale(narrowed, scaling.power_of_two)


def _range(values: Array, scaling: Scaling) -> tuple[Array, Array]:
    """Lower and upper end per scale; symmetric: the lower one is unused."""
    kept = scaling.scale.percentile if isinstance(scaling.scale, Percentile) else 100.0
    groups = _grouped(np.abs(values) if scaling.symmetric else values, scaling)
    low = [np.percentile(group, 100 - kept, axis=-1) for group in groups]
    high = [np.percentile(group, kept, axis=-1) for group in groups]
    return _joined(low, scaling, values.shape), _joined(high, scaling, values.shape)


def _joined(parts: list[Array], scaling: Scaling, shape: tuple[int, ...]) -> Array:
    """One array of the shape that `Scale` describes, from what was found for each of `_grouped`."""
    return np.stack(parts, axis=_axis(scaling, shape)) if scaling.granularity == "group" else np.asarray(parts[0])


def _grouped(values: Array, scaling: Scaling) -> list[Array]:
    """Arrays whose last axis holds the values that share a scale."""
    if scaling.granularity == "tensor":
        return [values.reshape(-1)]
    axis = _axis(scaling, values.shape)
    if scaling.granularity == "channel":
        return [np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)]
    ends = range(scaling.group_size or 1, values.shape[axis], scaling.group_size or 1)
    return [np.moveaxis(part, axis, -1) for part in np.split(values, list(ends), axis=axis)]


def _spread(values: Array, scaling: Scaling, shape: tuple[int, ...]) -> Array:
    if scaling.granularity == "tensor":
        return values
    axis = _axis(scaling, shape)
    if scaling.granularity == "channel":
        return values.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    index = np.arange(shape[axis]) // (scaling.group_size or 1)
    return np.take(values, index, axis=axis)


def _axis(scaling: Scaling, shape: tuple[int, ...]) -> int:
    if not -len(shape) <= scaling.axis < len(shape):
        raise InputError(f"scaling axis {scaling.axis} does not exist in a tensor of shape {list(shape)}")
    return scaling.axis % len(shape)
