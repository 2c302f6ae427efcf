"""Fused multi-term sums, vectorised over output columns: the bits of `hwsim.kernels.matmul_fused`, much sooner.

Operands are float32 values beside the powers of two of their exponents, so that the largest exponent is a maximum
of products of powers, alignment one multiplication by a power of two, and truncation the conversion to an integer.
Products of at most 24 bits and sums of a format within float32 are exact in these carriers; what is not ordinary
(an infinity, a NaN, a sum beyond the range or below the smallest normal number) is left to the general kernel.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.matmul_float64 import EXPONENT_FIELD, bits_to_float, float_to_bits
from hwsim.kernels.rounding import RNE

COLUMNS_PER_STRIP = 128
ROWS_PER_TASK = 16

LEAST_POWER = np.float32(2.0**-101)
"""Below the exponent of every product here; a sum below is left to the general kernel, lest ``2**(F − E)`` leave
float32. The largest exponent of zeros alone."""

# Places in the tuple of integers and in that of float64 numbers that describe a unit to this kernel.
LANES, GROUPS, MODE, LATE = 0, 1, 2, 3
KEPT = 0  # 2**F of the terms that meet the addend, or of all products where it comes late
GROUP_KEPT = 1  # 2**F within groups
ZERO_POWER = 2  # 2**exponent of a zero addend, 0 where zeros do not count
FIRST_SMALLEST, SMALLEST = 3, 4  # 2**emin of the first addend's format, of the accumulator's
MAGIC, LAST_PLACE, LARGEST = 5, 6, 7  # as in `hwsim.kernels.matmul_float64`
LATE_KEPT, LATE_SUM_KEPT, LATE_ZERO_POWER, LATE_DROP, NORMALIZED = 8, 9, 10, 11, 12


@njit(cache=True)
def raise_powers(x, y, top):
    """``top[j] ← max(top[j], x[k] · y[k, j])`` over all k, a multiple of 4."""
    whole = x.size // 8 * 8
    for k in range(0, whole, 8):
        x0, x1, x2, x3, x4, x5, x6, x7 = x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7]
        y0, y1, y2, y3, y4, y5, y6, y7 = y[k], y[k + 1], y[k + 2], y[k + 3], y[k + 4], y[k + 5], y[k + 6], y[k + 7]
        for j in range(top.size):
            t = max(x0 * y0[j], x1 * y1[j], x2 * y2[j], x3 * y3[j])
            u = max(x4 * y4[j], x5 * y5[j], x6 * y6[j], x7 * y7[j])
            top[j] = max(top[j], t, u)
    for k in range(whole, x.size, 4):
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        y0, y1, y2, y3 = y[k], y[k + 1], y[k + 2], y[k + 3]
        for j in range(top.size):
            t = max(x0 * y0[j], x1 * y1[j], x2 * y2[j], x3 * y3[j])
            top[j] = max(top[j], t)


@njit(cache=True)
def add_products(x, y, scale, total):
    """``total[j] += Σ trunc(x[k] · y[k, j] · scale[j])`` over all k, a multiple of 4; eight of them fit int32."""
    whole = x.size // 8 * 8
    for k in range(0, whole, 8):
        x0, x1, x2, x3, x4, x5, x6, x7 = x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7]
        y0, y1, y2, y3, y4, y5, y6, y7 = y[k], y[k + 1], y[k + 2], y[k + 3], y[k + 4], y[k + 5], y[k + 6], y[k + 7]
        for j in range(scale.size):
            q = scale[j]
            t = np.int32(x0 * y0[j] * q) + np.int32(x1 * y1[j] * q) + np.int32(x2 * y2[j] * q)
            t += np.int32(x3 * y3[j] * q) + np.int32(x4 * y4[j] * q) + np.int32(x5 * y5[j] * q)
            t += np.int32(x6 * y6[j] * q) + np.int32(x7 * y7[j] * q)
            total[j] += np.int32(t)
    for k in range(whole, x.size, 4):
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        y0, y1, y2, y3 = y[k], y[k + 1], y[k + 2], y[k + 3]
        for j in range(scale.size):
            q = scale[j]
            t = np.int32(x0 * y0[j] * q) + np.int32(x1 * y1[j] * q)
            t += np.int32(x2 * y2[j] * q) + np.int32(x3 * y3[j] * q)
            total[j] += np.int32(t)


@njit(cache=True, inline="always")
def binade(x):
    """The power of two of a float64's exponent, 0 for 0."""
    return bits_to_float(float_to_bits(x) & EXPONENT_FIELD)


@njit(cache=True, inline="always")
def rounded(v, smallest, magic, last_place):
    """``v`` to the nearest number of a format, ties to even; see `hwsim.kernels.matmul_float64.add_rounded`."""
    shift = max(binade(v), smallest) * magic
    return (v + shift) - shift


@njit(cache=True, inline="always")
def truncated(v, smallest, magic, last_place):
    """``v`` toward zero."""
    unit = max(binade(v), smallest)
    r = (v + unit * magic) - unit * magic
    return r - np.copysign(unit * last_place, v) if abs(r) > abs(v) else r


@njit(cache=True)
def leave_early(total, top, numbers, mode, s, failed):
    """The block's sums ``total · top · 2**−F`` rounded into the accumulator's format."""
    last = 1.0 / numbers[KEPT]
    smallest, magic, last_place, largest = numbers[SMALLEST], numbers[MAGIC], numbers[LAST_PLACE], numbers[LARGEST]
    if mode == RNE:
        for j in range(s.size):
            r = rounded(np.float64(total[j]) * (np.float64(top[j]) * last), smallest, magic, last_place)
            beyond = abs(r) > largest
            failed[j] |= beyond
            s[j] = np.float32(0.0 if beyond else r + 0.0)  # −0 becomes +0
    else:
        for j in range(s.size):
            r = truncated(np.float64(total[j]) * (np.float64(top[j]) * last), smallest, magic, last_place)
            beyond = abs(r) > largest
            failed[j] |= beyond
            s[j] = np.float32(0.0 if beyond else r + 0.0)


@njit(cache=True)
def leave_late(total, unit, top, numbers, smallest_addend, s, failed):
    """The products' sums ``total · unit`` and the addends ``s``, cut below the larger exponent, added and rounded."""
    smallest, magic, last_place, largest = numbers[SMALLEST], numbers[MAGIC], numbers[LAST_PLACE], numbers[LARGEST]
    kept, sum_kept, drop = numbers[LATE_KEPT], numbers[LATE_SUM_KEPT], numbers[LATE_DROP]
    zero_power, normalized = numbers[LATE_ZERO_POWER], numbers[NORMALIZED]
    for j in range(s.size):
        addend = np.float64(s[j])
        own = max(binade(addend), smallest_addend) if s[j] != 0 else zero_power
        reach = max(np.float64(top[j]) if top[j] > LEAST_POWER else 0.0, own)
        reach = reach if reach > 0.0 else 1.0  # zeros without an exponent
        c = addend if own >= reach * drop else 0.0
        products = np.floor(total[j] * unit[j] * (sum_kept / reach)) * (reach / sum_kept)
        v = products + np.floor(c * (kept / reach)) * (reach / kept)
        if normalized != 0.0:
            step = max(binade(v), smallest) * normalized
            v = np.floor(v / step) * step
        r = rounded(v, smallest, magic, last_place)
        # A sum that is not zero but below the smallest number may be −0.
        beyond = (abs(r) > largest) | ((abs(v) < smallest) & (v != 0.0))
        failed[j] |= beyond
        s[j] = np.float32(0.0 if beyond else r + 0.0)


@njit(cache=True, nogil=True)
def fused_columns(
    a, a_power, b, b_power, k_range, rows_per_matrix, integers, numbers, total, sums, failed, span,
):  # fmt: skip
    """Chain blocks over K into ``sums`` [G·M, N] float32 in place; outputs of no use are marked in ``failed``.

    ``a`` [G·M, K] and ``b`` [G, K, N] are float32 values, ``a_power`` and ``b_power`` the powers of their exponents (0
    of zeros). ``total`` is an array of one int32, or float64 where a block's sum needs more than 31 bits. A task is
    `ROWS_PER_TASK` rows of one matrix by a strip of `COLUMNS_PER_STRIP` columns; this call's are ``span[0]`` to
    ``span[1]`` − 1. Returns 0.
    """
    columns, lanes, groups = sums.shape[1], integers[LANES], max(integers[GROUPS], 1)
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    row_tasks = (rows_per_matrix + ROWS_PER_TASK - 1) // ROWS_PER_TASK
    size = lanes // groups
    for task in range(span[0], span[1]):
        strip = task % strips
        band = task // strips
        matrix = band // row_tasks
        first = matrix * rows_per_matrix + (band - matrix * row_tasks) * ROWS_PER_TASK
        stop = min(first + ROWS_PER_TASK, (matrix + 1) * rows_per_matrix)
        left = strip * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        top = np.empty((groups, right - left), np.float32)
        scale = np.empty(right - left, np.float32)
        part = np.empty((groups, right - left), total.dtype)
        joined = np.empty(right - left, np.float64)
        place = np.empty(right - left, np.float64)
        for start in range(k_range[0], k_range[1], lanes):
            smallest_addend = numbers[FIRST_SMALLEST] if start == k_range[0] else numbers[SMALLEST]
            for i in range(first, stop):
                s = sums[i, left:right]
                bad = failed[i, left:right]
                for group in range(groups):
                    begin = start + group * size
                    block = b[matrix, begin : begin + size, left:right]
                    powers = b_power[matrix, begin : begin + size, left:right]
                    largest = top[group]
                    if integers[LATE]:
                        largest[:] = LEAST_POWER
                    else:
                        small, zero = np.float32(smallest_addend), np.float32(numbers[ZERO_POWER])
                        for j in range(s.size):
                            own = max(np.float32(binade(np.float64(s[j]))), small)
                            own = own if s[j] != 0 else zero
                            bad[j] |= (s[j] != 0) & (own < LEAST_POWER)
                            largest[j] = max(own, LEAST_POWER)
                    raise_powers(a_power[i, begin : begin + size], powers, largest)
                    kept = np.float32(numbers[GROUP_KEPT] if integers[GROUPS] else numbers[KEPT])
                    sum_of = part[group]
                    if integers[LATE]:
                        for j in range(s.size):
                            scale[j] = kept / largest[j]
                            sum_of[j] = 0
                    else:
                        for j in range(s.size):
                            scale[j] = kept / largest[j]
                            sum_of[j] = np.int32(s[j] * scale[j])
                    add_products(a[i, begin : begin + size], block, scale, sum_of)
                if not integers[LATE]:
                    leave_early(part[0], top[0], numbers, integers[MODE], s, bad)
                    continue
                if groups == 1:
                    for j in range(s.size):
                        joined[j] = part[0, j]
                        place[j] = np.float64(top[0, j]) / numbers[KEPT]
                else:
                    join(part, top, numbers, joined, place)
                leave_late(joined, place, top[0], numbers, smallest_addend, s, bad)
    return 0


@njit(cache=True)
def join(part, top, numbers, joined, place):
    """Sums of groups, each floored to the last place below the largest exponent of all, which goes to ``top[0]``."""
    kept, group_kept = numbers[KEPT], numbers[GROUP_KEPT]
    for j in range(joined.size):
        reach = top[0, j]
        for group in range(1, part.shape[0]):
            reach = max(reach, top[group, j])
        unit = np.float64(reach) / kept
        t = 0.0
        for group in range(part.shape[0]):
            t += np.floor(part[group, j] * (np.float64(top[group, j]) / group_kept) / unit)
        joined[j], place[j], top[0, j] = t, unit, reach
