"""Fused multi-term sums, vectorised over output columns: the bits of `hwsim.kernels.matmul_fused`, much sooner.

Operands are float32 values beside the powers of two of their exponents, so that the largest exponent is a maximum
of products of powers, alignment one multiplication by a power of two, and truncation the conversion to an integer.
Products of at most 24 bits and sums of a format within float32 are exact in these carriers; what is not ordinary
(an infinity, a NaN, a sum beyond the range or below the smallest normal number) is left to the general kernel.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bands import band_of
from hwsim.kernels.bits import bits_to_float32, float32_to_bits, floor32, nearest32, toward_zero32
from hwsim.kernels.fused_leave import (
    FIRST_SMALLEST,
    GROUP_KEPT,
    KEPT,
    LEAST_NORMAL,
    LEAST_POWER,
    SMALLEST,
    ZERO_POWER,
    join,
    leave_late,
    leave_nearest,
    leave_toward_zero,
    leave_truncated,
)
from hwsim.kernels.rounding import RD, RNA, RNE, RZ

COLUMNS_PER_STRIP = 128
ROWS_PER_TASK = 64

FIELD = 0x7F800000  # the exponent of a float32
BIAS = 127 << 23
HALF = np.float32(0.5)
ONE = np.ones(1, np.float32)

# Places in the tuple of integers that describes a unit to this kernel; those of numbers are in `fused_leave`.
LANES, GROUPS, MODE, LATE, ALIGN, NARROW = 0, 1, 2, 3, 4, 5


@njit(cache=True)
def raise_powers(x, y, first, stop, left, top):
    """``top[j] ← max(top[j], x[k] · y[k, left + j])`` for k in [first, stop), a multiple of 4 of them."""
    right = left + top.size
    whole = first + (stop - first) // 8 * 8
    for k in range(first, whole, 8):
        x0, x1, x2, x3, x4, x5, x6, x7 = x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7]
        y0, y1, y2, y3 = y[k, left:right], y[k + 1, left:right], y[k + 2, left:right], y[k + 3, left:right]
        y4, y5, y6, y7 = y[k + 4, left:right], y[k + 5, left:right], y[k + 6, left:right], y[k + 7, left:right]
        for j in range(top.size):
            t = max(x0 * y0[j], x1 * y1[j], x2 * y2[j], x3 * y3[j])
            u = max(x4 * y4[j], x5 * y5[j], x6 * y6[j], x7 * y7[j])
            top[j] = max(top[j], t, u)
    for k in range(whole, stop, 4):
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        y0, y1, y2, y3 = y[k, left:right], y[k + 1, left:right], y[k + 2, left:right], y[k + 3, left:right]
        for j in range(top.size):
            t = max(x0 * y0[j], x1 * y1[j], x2 * y2[j], x3 * y3[j])
            top[j] = max(top[j], t)


@njit(cache=True)
def add_products(x, y, first, stop, left, scale, total):
    """``total[j] += Σ trunc(x[k] · y[k, left + j] · scale[j])`` for k in [first, stop); eight terms fit int32."""
    right = left + scale.size
    whole = first + (stop - first) // 8 * 8
    for k in range(first, whole, 8):
        x0, x1, x2, x3, x4, x5, x6, x7 = x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7]
        y0, y1, y2, y3 = y[k, left:right], y[k + 1, left:right], y[k + 2, left:right], y[k + 3, left:right]
        y4, y5, y6, y7 = y[k + 4, left:right], y[k + 5, left:right], y[k + 6, left:right], y[k + 7, left:right]
        for j in range(scale.size):
            q = scale[j]
            t = np.int32(x0 * y0[j] * q) + np.int32(x1 * y1[j] * q) + np.int32(x2 * y2[j] * q)
            t += np.int32(x3 * y3[j] * q) + np.int32(x4 * y4[j] * q) + np.int32(x5 * y5[j] * q)
            t += np.int32(x6 * y6[j] * q) + np.int32(x7 * y7[j] * q)
            total[j] += np.int32(t)
    for k in range(whole, stop, 4):
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        y0, y1, y2, y3 = y[k, left:right], y[k + 1, left:right], y[k + 2, left:right], y[k + 3, left:right]
        for j in range(scale.size):
            q = scale[j]
            t = np.int32(x0 * y0[j] * q) + np.int32(x1 * y1[j] * q)
            t += np.int32(x2 * y2[j] * q) + np.int32(x3 * y3[j] * q)
            total[j] += np.int32(t)


@njit(cache=True)
def add_cut(x, y, first, stop, left, scale, total, mode):
    """`add_products` with terms cut by another rounding than toward zero (numbers of `hwsim.kernels.rounding`).

    A product far below the last place may vanish when it is scaled; its sign and that it is not zero still count.
    """
    right = left + scale.size
    for k in range(first, stop):
        value, row = x[k], y[k, left:right]
        if mode == RD:
            for j in range(scale.size):
                p = value * row[j]
                t = floor32(p * scale[j])
                total[j] += np.int32(t) - np.int32((t == 0) & (p < 0))
        elif mode == RNE:
            for j in range(scale.size):
                total[j] += np.int32(nearest32(value * row[j] * scale[j]))
        elif mode == RNA:
            for j in range(scale.size):
                p = value * row[j] * scale[j]
                t = toward_zero32(p)
                total[j] += np.int32(t) + np.int32(p - t >= HALF) - np.int32(t - p >= HALF)
        else:  # ODD: the last bit is set when anything was cut
            for j in range(scale.size):
                p = value * row[j]
                q = abs(p * scale[j])
                t = toward_zero32(q)
                m = np.int32(t) | np.int32((t != q) | ((q == 0) & (p != 0)))
                total[j] += -m if p < 0 else m


@njit(cache=True)
def begin_block(s, smallest, zero, kept, top, bad):
    """``top[j]`` ← the power of the addend's exponent: at least its format's ``smallest``, ``zero`` of a zero."""
    for j in range(s.size):
        own = max(bits_to_float32(np.int32(float32_to_bits(s[j]) & FIELD)), smallest)
        own = own if s[j] != 0 else zero
        bad[j] |= np.int32((s[j] != 0) & (own < LEAST_POWER))
        top[j] = max(own, LEAST_POWER)


@njit(cache=True)
def begin_sum(s, kept, top, scale, total):
    """``scale[j]`` ← ``2**F`` over the largest power; ``total[j]`` ← the addend, truncated."""
    one = np.int32(float32_to_bits(kept))
    for j in range(s.size):
        # 2**F / 2**e by exponents: the fields subtract, plus the bias that the subtraction takes off.
        q = bits_to_float32(np.int32(one + BIAS - float32_to_bits(top[j])))
        scale[j] = q
        total[j] = np.int32(s[j] * q)


@njit(cache=True, nogil=True)
def fused_columns(a, a_power, b, b_power, k_range, rows_per_matrix, integers, numbers, total, sums, failed, span):
    """Chain blocks over K into ``sums`` [G·M, N] float32 in place; ``failed`` (int32) is not 0 where they are no use.

    ``a`` [G·M, K] and ``b`` [G, K, N] are float32 values, ``a_power`` and ``b_power`` the powers of their exponents (0
    of zeros). ``total`` is an array of one int32, or float64 where a block's sum needs more than 31 bits. A task is
    `ROWS_PER_TASK` rows of one matrix by a strip of `COLUMNS_PER_STRIP` columns; this call's are ``span[0]`` to
    ``span[1]`` − 1. Returns 0.
    """
    columns, lanes, groups = sums.shape[1], integers[LANES], max(integers[GROUPS], 1)
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    size = lanes // groups
    kept = np.float32(numbers[GROUP_KEPT] if integers[GROUPS] else numbers[KEPT])
    zero = np.float32(numbers[ZERO_POWER])
    for task in range(span[0], span[1]):
        strip, matrix, first, stop = band_of(task, strips, rows_per_matrix, ROWS_PER_TASK)
        left = strip * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        top = np.empty((groups, right - left), np.float32)
        scale = np.empty(right - left, np.float32)
        part = np.empty((groups, right - left), total.dtype)
        joined = np.empty(right - left, np.int64)
        nothing = np.zeros(right - left, np.float32)
        for start in range(k_range[0], k_range[1], lanes):
            smallest = numbers[FIRST_SMALLEST] if start == k_range[0] else numbers[SMALLEST]
            for i in range(first, stop):
                s, bad = sums[i, left:right], failed[i, left:right]
                if not integers[LATE]:
                    begin_block(s, np.float32(smallest), zero, kept, top[0], bad)
                    raise_powers(a_power[i], b_power[matrix], start, start + lanes, left, top[0])
                    begin_sum(s, kept, top[0], scale, part[0])
                    if integers[ALIGN] == RZ:
                        add_products(a[i], b[matrix], start, start + lanes, left, scale, part[0])
                    else:
                        part[0] = 0
                        add_cut(ONE, s.reshape((1, s.size)), 0, 1, 0, scale, part[0], integers[ALIGN])
                        add_cut(a[i], b[matrix], start, start + lanes, left, scale, part[0], integers[ALIGN])
                    if integers[MODE] == RNE:
                        leave_nearest(part[0], top[0], numbers, s, bad)
                    elif numbers[SMALLEST] == LEAST_NORMAL:
                        leave_truncated(part[0], top[0], numbers, s, bad)
                    else:
                        leave_toward_zero(part[0], top[0], numbers, s, bad)
                    continue
                for group in range(groups):
                    begin = start + group * size
                    top[group] = LEAST_POWER
                    raise_powers(a_power[i], b_power[matrix], begin, begin + size, left, top[group])
                    begin_sum(nothing, kept, top[group], scale, part[group])
                    add_products(a[i], b[matrix], begin, begin + size, left, scale, part[group])
                if integers[GROUPS]:
                    join(part, top, integers[NARROW], numbers, scale, joined)
                    leave_late(joined, scale, numbers, smallest, s, bad)
                else:
                    leave_late(part[0], top[0], numbers, smallest, s, bad)
    return 0
