"""The array work of blocks: their largest magnitudes, and the codes of their quotients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.arrays import FLOAT32, Array
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.float_kernel import kernel_parameters
from hwsim.formats.integer import UniformFormat
from hwsim.formats.rounding import RNE
from hwsim.kernels.threads import VECTOR_SPAN, over_threads


def largest_magnitudes(blocks: Array, finite: bool) -> NDArray[np.float64]:
    """``max|x|`` of each row, NaN if one is there; ``finite``: of the finite ones alone."""
    if blocks.dtype == np.float32 and blocks.size:
        from hwsim.kernels import blocks as kernels

        count, size = blocks.shape
        patterns = np.empty(count, np.uint32)
        flat = blocks.reshape(-1).view(np.uint32)
        over_threads(kernels.largest, count, blocks.size // VECTOR_SPAN, flat, size, finite, patterns)
        return patterns.view(np.float32).astype(np.float64)
    magnitude = np.abs(blocks.astype(np.float64))
    if finite:
        magnitude = np.where(np.isfinite(magnitude), magnitude, 0.0)
    return np.asarray(magnitude.max(axis=1, initial=0.0), np.float64)


def encode_blocks(element: Format, blocks: Array, scales: Array, rounding: str, divides: bool, seed: int) -> Array:
    """Codes of ``blocks / scales`` by rows, saturated; a power-of-two scale (not ``divides``) divides exactly.

    NaN, which the caller sees to, becomes zero where the element has none. Rows under a scale of 0 become zero.
    """
    if _is_fast(element, blocks, scales, rounding, divides):
        return _encode_fast(element, blocks, scales, divides)
    with np.errstate(all="ignore"):
        wide = blocks if divides else blocks.astype(np.float64)
        column = scales.astype(wide.dtype)[:, None]
        quotients = np.where(column == 0, wide.dtype.type(0), wide / column)
    return element.encode(quotients, rounding, "saturate", "zero", seed=seed)


def _is_fast(element: Format, blocks: Array, scales: Array, rounding: str, divides: bool) -> bool:
    """Whether the kernels do this: float32 to nearest even, in blocks that fit their room."""
    from hwsim.kernels.blocks import ROOM

    if blocks.dtype != np.float32 or rounding != "rne" or not blocks.size or blocks.shape[1] > ROOM:
        return False
    # Quotients of float32 that underflow must be zero in the element too.
    if element.bits > 16 or element.smallest < 2.0**-100:
        return False
    if isinstance(element, FloatFormat) and (element.mantissa_bits > FLOAT32[0] or element.emin < -126):
        return False
    if not isinstance(element, (FloatFormat, UniformFormat)):
        return False
    usable = scales[~np.isnan(scales)]
    return divides or bool(((usable >= 2.0**-127) & (usable <= 2.0**127)).all())


def _encode_fast(element: Format, blocks: Array, scales: Array, divides: bool) -> Array:
    from hwsim.kernels import blocks as kernels

    count, size = blocks.shape
    out = np.empty(blocks.size, element.code_dtype)
    by = (scales if divides else 1 / scales).astype(np.float32)
    if isinstance(element, FloatFormat):
        parameters = kernel_parameters(element, RNE, "saturate", "zero")
    else:
        assert isinstance(element, UniformFormat)
        parameters = element.parameters(RNE, "saturate", "zero")
    fixed = isinstance(element, UniformFormat)
    worth = blocks.size // VECTOR_SPAN
    with np.errstate(all="ignore"):
        over_threads(kernels.encode, count, worth, blocks.reshape(-1), by, not divides, size, out, parameters, fixed)
    return out.reshape(count, size)


def scale_rows(values: Array, scales: Array) -> NDArray[np.float64]:
    """``values · scales`` by rows, in float64."""
    from hwsim.kernels import blocks as kernels

    count, size = values.shape
    out = np.empty(values.size, np.float64)
    wide = scales.astype(np.float64)
    over_threads(kernels.scale_blocks, count, values.size // VECTOR_SPAN, values.reshape(-1), wide, size, out)
    return out.reshape(values.shape)
