"""Fused multi-term sums in float64 carriers, vectorised over columns: products of up to 53 bits and wide exponents.

The bits of `hwsim.kernels.matmul_fused` for blocks without groups and with an early addend; and for groups whose
exact sums are scaled (Blackwell's FP4), whose products are small enough to be summed in float32.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bits import ONE_FIELD, binade, bits_to_float, float_to_bits, floor, nearest, toward_zero
from hwsim.kernels.rounding import ODD, RD, RNA, RNE

COLUMNS_PER_STRIP = 128

# Places in the tuple of float64 numbers that describes a unit here.
KEPT, ZERO_POWER, FIRST_SMALLEST, SMALLEST = 0, 1, 2, 3  # as in `hwsim.kernels.fused_columns`
MAGIC, LAST_PLACE, LARGEST = 4, 5, 6  # as in `hwsim.kernels.matmul_float64`
NEAREST = 7  # whether the accumulator rounds to nearest even, else toward zero

NO_POWER = 2.0**-960
"""Below the power of every exponent here: that of zeros alone."""


@njit(cache=True)
def begin_block(s, smallest, zero, top):
    """``top[j]`` ← the power of the addend's exponent: at least its format's ``smallest``, ``zero`` of a zero."""
    for j in range(s.size):
        own = max(binade(s[j]), smallest)
        top[j] = max(own if s[j] != 0.0 else zero, NO_POWER)


@njit(cache=True)
def add_cut(value, row, scale, total, mode):
    """``total[j] += cut(value · row[j] · scale[j])``; see `hwsim.kernels.fused_columns.add_cut`."""
    if mode == RD:
        for j in range(total.size):
            p = value * row[j]
            t = floor(p * scale[j])
            total[j] += t - (1.0 if t == 0.0 and p < 0.0 else 0.0)
    elif mode == RNE:
        for j in range(total.size):
            total[j] += nearest(value * row[j] * scale[j])
    elif mode == RNA:
        for j in range(total.size):
            p = value * row[j] * scale[j]
            t = toward_zero(p)
            total[j] += t + (np.copysign(1.0, p) if abs(p - t) >= 0.5 else 0.0)
    elif mode == ODD:
        for j in range(total.size):
            p = value * row[j]
            q = abs(p * scale[j])
            t = toward_zero(q)
            even = floor(t * 0.5) * 2.0 == t
            t += 1.0 if even and (t != q or (q == 0.0 and p != 0.0)) else 0.0
            total[j] += np.copysign(t, p)
    else:
        for j in range(total.size):
            total[j] += toward_zero(value * row[j] * scale[j])


@njit(cache=True)
def leave(total, scale, numbers, s, bad):
    """The block's sums ``total / scale`` rounded into the accumulator's format."""
    smallest, magic, last_place, largest = numbers[SMALLEST], numbers[MAGIC], numbers[LAST_PLACE], numbers[LARGEST]
    to_nearest = numbers[NEAREST] != 0.0
    for j in range(s.size):
        v = total[j] * bits_to_float(2 * ONE_FIELD - float_to_bits(scale[j]))
        unit = max(binade(v), smallest)
        r = (v + unit * magic) - unit * magic
        r -= np.copysign(unit * last_place, v) if abs(r) > abs(v) and not to_nearest else 0.0
        beyond = not (abs(r) <= largest)
        bad[j] |= np.int64(beyond)
        s[j] = 0.0 if beyond else r + 0.0  # −0 becomes +0


@njit(cache=True, nogil=True)
def fused_float64(a, a_power, b, b_power, k_range, rows_per_matrix, lanes, mode, numbers, sums, failed, span):
    """Chain blocks over K into ``sums`` [G·M, N] in place; ``failed`` (int64) is not 0 where they are no use.

    ``a`` [G·M, K] and ``b`` [G, K, N] are float64 values, ``a_power`` and ``b_power`` the powers of their exponents.
    A task is a row's strip of `COLUMNS_PER_STRIP` columns; this call's are ``span[0]`` to ``span[1]`` − 1. Returns 0.
    """
    columns = sums.shape[1]
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    kept = float_to_bits(numbers[KEPT])
    one = np.ones(1)
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        matrix = i // rows_per_matrix
        s, bad = sums[i, left:right], failed[i, left:right]
        top, total = np.empty(right - left), np.empty(right - left)
        for start in range(k_range[0], k_range[1], lanes):
            stop = min(start + lanes, k_range[1])
            smallest = numbers[FIRST_SMALLEST] if start == k_range[0] else numbers[SMALLEST]
            begin_block(s, smallest, numbers[ZERO_POWER], top)
            for k in range(start, stop):
                power, row = a_power[i, k], b_power[matrix, k, left:right]
                for j in range(top.size):
                    top[j] = max(top[j], power * row[j])
            for j in range(top.size):  # 2**F / 2**E
                top[j] = bits_to_float(kept + ONE_FIELD - float_to_bits(top[j]))
                total[j] = 0.0
            add_cut(one[0], s, top, total, mode)
            for k in range(start, stop):
                add_cut(a[i, k], b[matrix, k, left:right], top, total, mode)
            leave(total, top, numbers, s, bad)
    return 0


@njit(cache=True, nogil=True)
def scaled_groups(
    a, b, k_range, rows_per_matrix, lanes, size, block, a_scale, b_scale, b_power, a_power, numbers, sums, failed, span
):
    """The same with ``size`` products a group, summed exactly in float32, times the scales of their blocks.

    ``a`` and ``b`` are float32; ``a_scale`` [G·M, K/block] and ``b_scale`` [G, K/block, N] float64 scales, and
    ``a_power`` and ``b_power`` the powers of their exponents. Terms are cut toward zero.
    """
    columns = sums.shape[1]
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    kept, groups = float_to_bits(numbers[KEPT]), lanes // size
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        matrix = i // rows_per_matrix
        s, bad = sums[i, left:right], failed[i, left:right]
        top, total = np.empty(right - left), np.empty(right - left)
        part = np.empty((groups, right - left), np.float32)
        some = np.empty(right - left, np.float32)
        for start in range(k_range[0], k_range[1], lanes):
            smallest = numbers[FIRST_SMALLEST] if start == k_range[0] else numbers[SMALLEST]
            begin_block(s, smallest, numbers[ZERO_POWER], top)
            for group in range(groups):
                first = start + group * size
                sum_of = part[group]
                sum_of[:] = 0
                some[:] = 0
                for k in range(first, min(first + size, k_range[1])):
                    x, row = a[i, k], b[matrix, k, left:right]
                    for j in range(some.size):
                        p = x * row[j]
                        sum_of[j] += p
                        some[j] += abs(p)
                where = min(first // block, a_scale.shape[1] - 1)
                scale, power = a_scale[i, where], a_power[i, where]
                scales, powers = b_scale[matrix, where, left:right], b_power[matrix, where, left:right]
                for j in range(top.size):
                    counts = some[j] != 0 and scale * scales[j] != 0.0
                    top[j] = max(top[j], power * powers[j] if counts else numbers[ZERO_POWER])
            for j in range(top.size):
                top[j] = bits_to_float(kept + ONE_FIELD - float_to_bits(top[j]))
                total[j] = toward_zero(s[j] * top[j])
            for group in range(groups):
                where = min((start + group * size) // block, a_scale.shape[1] - 1)
                scale, scales, sum_of = a_scale[i, where], b_scale[matrix, where, left:right], part[group]
                for j in range(top.size):
                    total[j] += toward_zero(np.float64(sum_of[j]) * (scale * scales[j]) * top[j])
            leave(total, top, numbers, s, bad)
    return 0
