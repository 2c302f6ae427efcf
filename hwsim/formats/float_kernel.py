"""Between float records and the kernels: a format's run-time parameters, and the calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.arrays import FLOAT32, Array, int64_patterns, lanes
from hwsim.formats.rounding import ODD, RD, RNE, RU, RZ, Mode
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

if TYPE_CHECKING:
    from hwsim.formats.float import FloatFormat


def kernel_parameters(fmt: FloatFormat, mode: int, overflow: str, nan: str) -> Array:
    """What `hwsim.kernels.codec` needs to know of ``fmt`` under these policies, in the order of its indices."""
    least = fmt.sign_code | fmt.limit_code if fmt.signed else 0
    positive, negative = _infinity(fmt, False), _infinity(fmt, True)
    # Rounding without a limit stays inside where the mode rounds inward.
    stops = overflow == "saturate_finite"
    over_positive = fmt.limit_code if stops or mode in (RZ, RD, ODD) else positive
    over_negative = least if stops or mode in (RZ, RU, ODD) else negative
    if overflow == "saturate":
        positive, negative, over_positive, over_negative = fmt.limit_code, least, fmt.limit_code, least
    if stops and not fmt.signed:
        negative = least  # P3109: what is below an unsigned format becomes its least value, −inf too
    skipped = 0 if fmt.zero else 1 << fmt.mantissa_bits
    return int64_patterns(
        [
            fmt.mantissa_bits,
            1 - fmt.emin,
            mode,
            skipped,
            int(fmt.subnormals or not fmt.zero),
            fmt.limit_code + skipped,
            fmt.limit_code if fmt.signed else 0,
            over_positive,
            over_negative,
            positive,
            negative,
            _nan_replacement(fmt, nan),
            fmt.sign_code,
            fmt.sign_code if fmt.has_negative_zero else 0,
        ]
    )


def _infinity(fmt: FloatFormat, negative: bool) -> int:
    """Code of an infinity, or of what stands for it: NaN, or without that the limit on its side."""
    if fmt.has_inf and (fmt.signed or not negative):
        return (fmt.sign_code if negative else 0) | (fmt.limit_code + 1)
    if fmt.nan_code is not None:
        return fmt.nan_code
    if not negative:
        return fmt.limit_code
    return fmt.sign_code | fmt.limit_code if fmt.signed else 0


def _nan_replacement(fmt: FloatFormat, nan: str) -> int:
    if fmt.nan_code is not None:
        return fmt.nan_code
    return {"max": fmt.limit_code, "negative_zero": fmt.sign_code}.get(nan, 0)


def encode_floats(fmt: FloatFormat, x: Array, out: Array, parameters: Array, mode: Mode) -> int:
    """Fill ``out`` with the codes of float32 or float64 ``x``; returns the number of NaN."""
    from hwsim.kernels import encode_float as kernels

    x = x if fits_lanes(fmt, x, mode) else x.astype(np.float64)
    single = x.dtype == np.float32
    worth = x.size // VECTOR_SPAN
    if mode.random:
        randomly = kernels.encode_float32_randomly if single else kernels.encode_float64_randomly
        return over_threads(randomly, x.size, worth, *lanes(x), out, parameters, mode.words, mode.key, mode.bits)
    return over_threads(
        kernels.encode_float32 if single else kernels.encode_float64, x.size, worth, *lanes(x), out, parameters
    )


def fits_lanes(fmt: FloatFormat, x: Array, mode: Mode) -> bool:
    """Whether the kernels take ``x`` as it is. They only discard bits; what float32 lacks, float64 has."""
    return x.dtype != np.float32 or (within_float32(fmt) and fmt.bits <= 32 and mode.bits <= 24)


def within_float32(fmt: FloatFormat) -> bool:
    """Whether float32 has the format's normal numbers, and its infinity lies beyond them."""
    return fmt.mantissa_bits <= FLOAT32[0] and fmt.emin >= -126 and fmt.emax <= 127


def round_to_nearest(fmt: FloatFormat, x: Array, overflow: str, nan: str) -> tuple[Array, int]:
    """float32 ``x`` to nearest even in a narrower format with a zero, without codes; and the number of NaN."""
    from hwsim.kernels import codec, round_float32

    ends = [
        codec.POSITIVE_OVERFLOW, codec.NEGATIVE_OVERFLOW, codec.POSITIVE_INFINITY, codec.NEGATIVE_INFINITY,
        codec.NAN, codec.NEGATIVE_ZERO,
    ]  # fmt: skip
    codes = kernel_parameters(fmt, RNE, overflow, nan)[ends]
    bounds = [fmt.min_normal, fmt.min_normal / 2, fmt.max, fmt.max if fmt.signed else 0.0]
    smallest_normal, half, limit, negative_limit = np.array(bounds, np.float32).view(np.uint32)
    # With no stored bits a code's parity is that of its exponent field, which float32 counts from another bias.
    flip = (fmt.emin + 126) % 2 if fmt.mantissa_bits == 0 else 0
    parameters = np.array(
        [FLOAT32[0] - fmt.mantissa_bits, flip, smallest_normal, not fmt.subnormals, half, limit, negative_limit,
         *fmt.decode(codes.astype(fmt.code_dtype), np.float32).view(np.uint32)], np.int64,
    )  # fmt: skip
    magic = np.float32(np.ldexp(1.0, fmt.last_place_min + FLOAT32[0]))
    out = np.empty(x.shape, np.float32)
    worth = x.size // VECTOR_SPAN
    kernel = round_float32.round_to_nearest
    return out, over_threads(kernel, x.size, worth, x.view(np.uint32), out.view(np.uint32), parameters, magic)


def encode_integers(negative: Array, magnitude: Array, out: Array, parameters: Array) -> None:
    """Fill ``out`` with the codes of ``±magnitude`` (uint64)."""
    from hwsim.kernels import codec

    codec.encode_integers(negative, magnitude, out, parameters)


def decode_floats(fmt: FloatFormat, codes: Array) -> NDArray[np.float64]:
    """Values of codes by arithmetic, for formats too wide for a table."""
    from hwsim.kernels import codec

    out = np.empty(codes.shape, np.float64)
    fields = np.arange(1 << fmt.exponent_bits, dtype=np.int64)
    places = np.ldexp(1.0, np.maximum(fields - int(fmt.zero), 0) + fmt.last_place_min)
    hidden = np.full(fields.size, 1 << fmt.mantissa_bits, np.int64)
    if fmt.zero:
        hidden[0] = 0
        places[0] *= fmt.subnormals
    codec.decode_floats(codes, out, places, hidden, kernel_parameters(fmt, RNE, fmt.overflows[0], "zero"))
    return out
