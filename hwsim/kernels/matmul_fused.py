"""Fused multi-term sums: align to the largest exponent, cut, add exactly, round once per block of lanes."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.accumulate import add_tags, round_infinity, round_number
from hwsim.kernels.multiply import FINITE, MINUS_ZERO, multiply, product_tag
from hwsim.kernels.rounding import RZ, bit_length, round_significand

# No term at all: far below every exponent, and far from the ends of int64.
NO_EXPONENT = -(1 << 40)


@njit(cache=True)
def align(significand, exponent, last_place, mode):
    """``significand · 2**exponent`` as a signed multiple of ``2**last_place``, cut by rounding ``mode``."""
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


@njit(cache=True, nogil=True)
def fused(
    a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, k_range, rows_per_matrix,
    unit, accumulator, emins, sums, sums_exponent, sums_tag, span,
):  # fmt: skip
    """Chain blocks of ``lanes`` products over K, each block summed with the sum so far; see `Fused`.

    ``unit`` is (lanes, kept bits F, alignment mode, whether zeros have an exponent, that exponent), ``emins``
    the emin of the first addend's format and of the accumulator. The arrays and the span are those of
    `sequential`.
    """
    columns = sums.shape[1]
    lanes, kept, mode, zeros_count, zero_exponent = unit
    fraction = rule[3]
    count = 0
    term = np.empty(lanes, np.int64)
    place = np.empty(lanes, np.int64)
    for output in range(span[0], span[1]):
        i = output // columns
        j = output - i * columns
        row = i // rows_per_matrix * columns + j
        s, e, tag = sums[i, j], np.int64(sums_exponent[i, j]), np.int64(sums_tag[i, j])
        emin = emins[0]
        for start in range(k_range[0], k_range[1], lanes):
            stop = min(start + lanes, k_range[1])
            if tag == MINUS_ZERO:
                tag = np.int64(FINITE)
            largest = sum_exponent(s, e, emin) if s != 0 else NO_EXPONENT
            zero = s == 0 or stop - start < lanes  # an idle lane holds a zero
            for k in range(start, stop):
                p, pe = multiply(
                    rule, a[i, k], np.int64(a_exponent[i, k]), b[row, k], np.int64(b_exponent[row, k]),
                    table, table_exponent,
                )  # fmt: skip
                if (a_tag[i, k] | b_tag[row, k]) & 3:
                    tag = add_tags(tag, product_tag(np.int64(a_tag[i, k]), np.int64(b_tag[row, k]), p, 0))
                term[k - start], place[k - start] = p, pe
                if p != 0:
                    largest = max(largest, pe + fraction)
                else:
                    zero = True
            if tag != FINITE:
                s, e, tag, _ = round_infinity(tag, accumulator)
                emin = emins[1]
                continue
            if zero and zeros_count:
                largest = max(largest, zero_exponent)
            last_place = largest - kept
            total = align(s, e, last_place, mode) if s != 0 else 0
            for lane in range(stop - start):
                if term[lane] != 0:
                    total += align(term[lane], place[lane], last_place, mode)
            s, e, tag, overflowed = round_number(total < 0, abs(total), last_place, accumulator)
            count += overflowed
            if tag == MINUS_ZERO:
                tag = np.int64(FINITE)
            emin = emins[1]
        sums[i, j], sums_exponent[i, j], sums_tag[i, j] = s, e, tag
    return count
