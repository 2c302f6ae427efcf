"""Fused multi-term sums: align to the largest exponent, cut, add exactly, round once per block of lanes."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.accumulate import STEP, add_tags, drawn, round_infinity, round_number
from hwsim.kernels.multiply import FINITE, MINUS_INFINITY, MINUS_ZERO, PLUS_INFINITY, multiply, product_tag
from hwsim.kernels.rounding import RD, RZ, bit_length, round_significand

# No term at all: far below every exponent, and far from the ends of int64.
NO_EXPONENT = -(1 << 40)

# Places in the tuple that describes a fused unit; each optional number follows a 0 or 1 for whether it counts.
LANES, KEPT, MODE = 0, 1, 2
HAS_ZERO, ZERO_EXPONENT = 3, 4
GROUPS, INTERLEAVED = 5, 6  # 0 groups: every product is a term of its own
HAS_GROUP_BITS, GROUP_BITS, GROUP_MODE = 7, 8, 9
SCALED = 10
LATE, LATE_BITS, LATE_SUM_BITS, LATE_MODE = 11, 12, 13, 14
HAS_LATE_ZERO, LATE_ZERO = 15, 16
HAS_DROP, DROP_BELOW = 17, 18
HAS_NORMALIZED, NORMALIZED_BITS = 19, 20
HAS_LIMIT, PRODUCT_LIMIT = 21, 22
KEEPS_MINUS = 23


@njit(cache=True)
def align(significand, exponent, last_place, mode):
    """``significand · 2**exponent`` as a signed multiple of ``2**last_place``, cut by rounding ``mode``."""
    if significand == 0:
        return np.int64(0)
    up = exponent - last_place
    if up >= 0:
        return significand << up
    magnitude = abs(significand)
    if mode == RZ:
        magnitude >>= min(-up, 63)
    else:
        magnitude, exponent = round_significand(significand < 0, magnitude, exponent, 62, last_place, mode)
        magnitude <<= exponent - last_place
    return -magnitude if significand < 0 else magnitude


@njit(cache=True)
def sum_exponent(significand, exponent, emin):
    """Exponent of a sum that is an addend of the next block: normalised, but not below its format's emin."""
    return max(bit_length(abs(significand)) + exponent - 1, emin)


@njit(cache=True)
def zero_top(unit):
    """Exponent of a zero term in the search for the largest."""
    return unit[ZERO_EXPONENT] if unit[HAS_ZERO] else NO_EXPONENT


@njit(cache=True)
def lane_products(
    i, row, start, stop, a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, unit,
    tag, term, place, top,
):  # fmt: skip
    """Fill term, place (of the last bit) and top (exponent) of every lane; the block's tag so far with theirs."""
    fraction = rule[3]
    for lane in range(unit[LANES]):
        k = start + lane
        term[lane], place[lane], top[lane] = 0, 0, zero_top(unit)
        if k >= stop:  # an idle lane holds a zero
            continue
        p, pe = multiply(
            rule, a[i, k], np.int64(a_exponent[i, k]), b[row, k], np.int64(b_exponent[row, k]), table, table_exponent
        )
        if (a_tag[i, k] | b_tag[row, k]) & 3:
            tag = add_tags(tag, product_tag(np.int64(a_tag[i, k]), np.int64(b_tag[row, k]), p, 0))
        elif p != 0 and unit[HAS_LIMIT] and bit_length(abs(p)) + pe > unit[PRODUCT_LIMIT]:
            tag = add_tags(tag, np.int64(MINUS_INFINITY if p < 0 else PLUS_INFINITY))
        if p != 0:
            term[lane], place[lane], top[lane] = p, pe, pe + fraction
    return tag


@njit(cache=True)
def sum_group(group, unit, term, place, top):
    """``(sum, its last place, its exponent, whether a product is not zero)`` of one group's lanes."""
    count = unit[GROUPS]
    size = unit[LANES] // count
    first, step = (group, count) if unit[INTERLEAVED] else (group * size, np.int64(1))
    largest = np.int64(NO_EXPONENT)
    lowest = np.int64(-NO_EXPONENT)
    some = False
    for member in range(size):
        lane = first + member * step
        largest = max(largest, top[lane])
        if term[lane] != 0:
            some = True
            lowest = min(lowest, place[lane])
    if not some:
        return np.int64(0), np.int64(0), largest, some
    mode = RZ
    if unit[HAS_GROUP_BITS]:
        lowest, mode = largest - unit[GROUP_BITS], unit[GROUP_MODE]
    total = np.int64(0)
    for member in range(size):
        lane = first + member * step
        total += align(term[lane], place[lane], lowest, mode)
    return total, lowest, largest, some


@njit(cache=True)
def join_groups(
    i, row, start, unit, a_scale, a_scale_exponent, b_scale, b_scale_exponent, scale_rule, term, place, top,
):  # fmt: skip
    """Put every group's sum into the lanes 0, 1, …; with scales, times those of its block."""
    size = unit[LANES] // unit[GROUPS]
    for group in range(unit[GROUPS]):
        total, last, exponent, some = sum_group(group, unit, term, place, top)
        if unit[SCALED]:
            block = min((start + group * size) // scale_rule[0], a_scale.shape[1] - 1)
            scale = a_scale[i, block] * b_scale[row, block]
            scale_exponent = np.int64(a_scale_exponent[i, block]) + np.int64(b_scale_exponent[row, block])
            total *= scale
            last += scale_exponent
            exponent = scale_exponent + scale_rule[1] if some and scale != 0 else zero_top(unit)
        term[group], place[group], top[group] = total, last, exponent


@njit(cache=True)
def add_terms(count, unit, s, e, own, term, place, top):
    """``(sum, its last place)`` of the terms and of the addend ``s · 2**e`` with exponent ``own`` beside them."""
    largest = own
    for lane in range(count):
        largest = max(largest, top[lane])
    if largest == NO_EXPONENT:
        return np.int64(0), np.int64(0), largest
    last_place = largest - unit[KEPT]
    total = align(s, e, last_place, unit[MODE])
    for lane in range(count):
        total += align(term[lane], place[lane], last_place, unit[MODE])
    return total, last_place, largest


@njit(cache=True)
def add_late(total, last_place, largest, s, e, own, unit):
    """The products' sum and the addend, cut below the larger of their exponents: ``(sum, its last place)``."""
    if s == 0:
        own = unit[LATE_ZERO] if unit[HAS_LATE_ZERO] else NO_EXPONENT
    reach = max(largest, own)
    if unit[HAS_DROP] and own < reach - unit[DROP_BELOW]:
        s = np.int64(0)
    fine = max(unit[LATE_BITS], unit[LATE_SUM_BITS])
    products = align(total, last_place, reach - unit[LATE_SUM_BITS], unit[LATE_MODE])
    addend = align(s, e, reach - unit[LATE_BITS], unit[LATE_MODE])
    both = (products << (fine - unit[LATE_SUM_BITS])) + (addend << (fine - unit[LATE_BITS]))
    return both, reach - fine


@njit(cache=True)
def block_sum(count, unit, s, e, emin, emin_sum, term, place, top):
    """``(sum, its last place)`` of a block of finite terms, before the accumulator rounds it."""
    own = sum_exponent(s, e, emin) if s != 0 else zero_top(unit)
    if unit[LATE]:
        total, last_place, largest = add_terms(count, unit, np.int64(0), e, NO_EXPONENT, term, place, top)
        total, last_place = add_late(total, last_place, largest, s, e, own, unit)
    else:
        total, last_place, _ = add_terms(count, unit, s, e, own, term, place, top)
    if unit[HAS_NORMALIZED] and total != 0:
        coarse = sum_exponent(total, last_place, emin_sum) - unit[NORMALIZED_BITS]
        if coarse > last_place:
            total, last_place = align(total, last_place, coarse, RD), coarse
    return total, last_place


@njit(cache=True, nogil=True)
def fused(
    a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, k_range, rows_per_matrix,
    scales, scale_rule, unit, accumulator, emins, outputs, sums, sums_exponent, sums_tag, span,
):  # fmt: skip
    """Chain blocks of ``lanes`` products over K, each block summed with the sum so far; see `Fused`.

    ``unit`` has the places named above, ``emins`` the emin of the first addend's format and of the accumulator.
    ``scales`` are significands, exponents and tags of the scales of a [G·M, blocks] and of b [G·N, blocks],
    ``scale_rule`` their block size and the fraction bits of their products. The other arrays, ``outputs`` and the
    span are those of `sequential`.
    """
    columns = sums.shape[1]
    a_scale, a_scale_exponent, a_scale_tag, b_scale, b_scale_exponent, b_scale_tag = scales
    count = 0
    terms = unit[GROUPS] if unit[GROUPS] else unit[LANES]
    term = np.empty(unit[LANES], np.int64)
    place = np.empty(unit[LANES], np.int64)
    top = np.empty(unit[LANES], np.int64)
    for where in range(span[0], span[1]):
        output = outputs[where] if outputs.size else where
        i = output // columns
        j = output - i * columns
        row = i // rows_per_matrix * columns + j
        s, e, tag = sums[i, j], np.int64(sums_exponent[i, j]), np.int64(sums_tag[i, j])
        emin = emins[0]
        for start in range(k_range[0], k_range[1], unit[LANES]):
            stop = min(start + unit[LANES], k_range[1])
            if tag == MINUS_ZERO:
                tag = np.int64(FINITE)
            tag = lane_products(
                i, row, start, stop, a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, unit,
                tag, term, place, top,
            )  # fmt: skip
            if unit[SCALED]:
                for block in range(start // scale_rule[0], (stop - 1) // scale_rule[0] + 1):
                    if (a_scale_tag[i, block] | b_scale_tag[row, block]) & 3:
                        tag = np.int64(3)
            if tag != FINITE:
                s, e, tag, _ = round_infinity(tag, accumulator)
                emin = emins[1]
                continue
            if unit[GROUPS]:
                join_groups(
                    i, row, start, unit, a_scale, a_scale_exponent, b_scale, b_scale_exponent, scale_rule,
                    term, place, top,
                )  # fmt: skip
            total, last_place = block_sum(terms, unit, s, e, emin, emins[1], term, place, top)
            s, e, tag, overflowed = round_number(
                total < 0, abs(total), last_place, drawn(accumulator, output, start, STEP)
            )
            count += overflowed
            if tag == MINUS_ZERO and not unit[KEEPS_MINUS]:
                tag = np.int64(FINITE)
            emin = emins[1]
        sums[i, j], sums_exponent[i, j], sums_tag[i, j] = s, e, tag
    return count
