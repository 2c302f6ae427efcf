"""Requantization without floating point: an integer multiplication and a rounding shift, as gemmlowp does it.

Sources: Jacob et al., arXiv:1712.05877, section 2.2 and appendix B; gemmlowp, ``fixedpoint/fixedpoint.h``,
``SaturatingRoundingDoublingHighMul`` and ``RoundingDivideByPOT``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.base import Format

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def fixed_point_multiplier(real: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """``(m, shift)`` with ``real ≈ m · 2**(−31 − shift)``, m in [2**30, 2**31): m = round half up of ``r · 2**31``.

    ``r`` in [0.5, 1) is the fraction of ``real > 0``; a positive shift is to the right. Raises `InputError`
    for what is not positive and finite.
    """
    values = np.asarray(real, np.float64)
    if not ((values > 0) & np.isfinite(values)).all():
        raise InputError(f"a requantization factor is positive and finite, got {values.min()}")
    fraction, exponent = np.frexp(values)
    multiplier = np.floor(fraction * 2.0**31 + 0.5)
    carried = multiplier == 2.0**31
    multiplier = np.where(carried, 2.0**30, multiplier)
    return multiplier.astype(np.int32), (-(exponent + carried)).astype(np.int32)


def requantize(
    accumulators: ArrayLike, multiplier: ArrayLike, shift: ArrayLike, zero_point: ArrayLike, fmt: Format
) -> Array:
    """Codes of ``round(accumulator · multiplier · 2**(−31 − shift)) + zero_point``, saturated to ``fmt``.

    Rounded twice, as the hardware it models does: the doubled high half of the product to nearest, ties
    upward, then the shift to the right, ties away from zero. A shift to the left (negative) comes first.
    Accumulators are int32 there; wider ones, and what a left shift makes of them, saturate to int32.
    ``multiplier``, ``shift`` and ``zero_point`` broadcast with the accumulators (per channel). ``fmt`` is an
    integer format.
    """
    if fmt.kind != "integer":
        raise InputError(f"requantization makes integers, got {fmt.name}")
    sums = np.clip(np.asarray(accumulators, np.int64), INT32_MIN, INT32_MAX)
    shifts = np.asarray(shift, np.int64)
    # 31 places move any int32 but 0 out of range.
    sums = np.clip(sums << np.clip(-shifts, 0, 31), INT32_MIN, INT32_MAX)
    high = doubling_high_multiply(sums, np.asarray(multiplier, np.int64))
    quotients = divide_by_power_of_two(high, np.clip(shifts, 0, 62))
    return fmt.encode(quotients + np.asarray(zero_point, np.int64), overflow="saturate")


def doubling_high_multiply(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """``a · b / 2**31`` for int32 values, to nearest, ties upward; −2**31 times itself saturates."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    truncated = np.where(nudged >= 0, nudged >> 31, -(-nudged >> 31))
    return np.minimum(truncated, INT32_MAX)


def divide_by_power_of_two(x: NDArray[np.int64], exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    """``x / 2**exponent`` to nearest, ties away from zero, for exponents from 0 to 62."""
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    quotient: NDArray[np.int64] = (x >> exponent) + ((x & mask) > threshold)
    return quotient
