"""Sums, differences and products of values of a float format, rounded once, by way of float64.

A float64 sum of two narrow values may be inexact where their exponents lie far apart, and rounding it again to the
narrow format would round twice. So the float64 sum is made *odd*: with the exact error of the addition known (TwoSum),
the sum is replaced by the neighbour whose last bit is 1 wherever it is inexact. Rounding that to a format with at
least two bits less gives the rounding of the exact sum. Products of up to 26 significand bits are exact in float64.

Sources: Knuth, The Art of Computer Programming 2, section 4.2.2, theorem C (TwoSum); Boldo and Melquiond, Emulation
of FMA and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd, IEEE Trans. Computers 57(4), 2008.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.float import FloatFormat

Values = NDArray[np.float64]


def checked(fmt: FloatFormat) -> FloatFormat:
    """``fmt`` if this module can compute in it; otherwise `InputError`.

    Products need at most 26 significand bits, and their lowest and highest exponents have to be float64's.
    """
    if not isinstance(fmt, FloatFormat) or not fmt.signed or not fmt.zero:
        raise InputError(f"expected a float format with a sign and a zero, got {fmt}")
    if fmt.precision > 26 or 2 * fmt.last_place_min < -1074 or 2 * (fmt.emax + 1) > 1023:
        raise InputError(f"{fmt} is too wide: its products are not exact in float64")
    return fmt


def add(a: ArrayLike, b: ArrayLike, fmt: FloatFormat) -> Values:
    """``a + b`` rounded once to ``fmt``, ties to even; arrays of values of ``fmt``."""
    return rounded(add_to_odd(np.asarray(a, np.float64), np.asarray(b, np.float64)), fmt)


def subtract(a: ArrayLike, b: ArrayLike, fmt: FloatFormat) -> Values:
    """``a − b`` rounded once to ``fmt``."""
    return add(a, -np.asarray(b, np.float64), fmt)


def multiply(a: ArrayLike, b: ArrayLike, fmt: FloatFormat) -> Values:
    """``a · b`` rounded once to ``fmt``."""
    with np.errstate(invalid="ignore"):  # 0 · inf is NaN
        return rounded(np.asarray(a, np.float64) * np.asarray(b, np.float64), fmt)


def fused_multiply_subtract(a: ArrayLike, b: ArrayLike, c: ArrayLike, fmt: FloatFormat) -> Values:
    """``a · b − c`` rounded once to ``fmt``."""
    with np.errstate(invalid="ignore"):
        product = np.asarray(np.asarray(a, np.float64) * np.asarray(b, np.float64))
        return rounded(add_to_odd(product, -np.asarray(c, np.float64)), fmt)


def add_to_odd(a: Values, b: Values) -> Values:
    """``a + b`` in float64, rounded to odd: truncated, and the last bit set where bits were lost."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinities: the error is NaN and the sum is final
        total = np.asarray(a + b)
        b_share = total - a
        error = (a - (total - b_share)) + (b - b_share)
        inexact = np.isfinite(total) & (error != 0)
        even = (total.view(np.int64) & 1) == 0
        toward = np.nextafter(total, np.copysign(np.inf, error))
    odd: Values = np.where(inexact & even, toward, total)
    return odd


def rounded(x: ArrayLike, fmt: FloatFormat) -> Values:
    """``x`` rounded to ``fmt``, ties to even, with the format's own overflow."""
    return fmt.decode(fmt.encode(np.asarray(x, np.float64)), np.float64)
