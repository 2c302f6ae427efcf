"""Sequential sums in float64 carriers, vectorised over columns: the same bits, much sooner.

An exact product (at most 53 bits) is added to the sum in float64. The error of that addition (Knuth's TwoSum)
turns the float64 result into the one rounded to odd, whose rounding to p <= 51 bits is that of the exact sum
(Boldo and Melquiond, IEEE Transactions on Computers 57(4), 2008). Adding and taking off
``1.5 · 2**(e + 53 − p)`` rounds to p bits, ties to even, e being the sum's exponent or the format's emin.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from hwsim.kernels.bands import band_of
from hwsim.kernels.bits import EXPONENT_FIELD, binade, bits_to_float, float_to_bits
from hwsim.kernels.rounding import RD, RNE, RU, RZ

COLUMNS_PER_STRIP = 256
ROWS_PER_TASK = 16
K_PER_BLOCK = 32

PLAIN = -1
"""To nearest, by float64's own addition: where its rounding cannot turn into a tie (`hwsim.datapath.float64_sums`)."""


@njit(cache=True, inline="always")
def two_sum(x, y):
    """``x + y`` to the nearest float64 and the error of that, both exact together (Knuth)."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


@njit(cache=True)
def add_rounded(s, p, smallest, magic, last_place, mode):
    """``s + p`` rounded once to the format.

    ``smallest`` is 2**emin, ``magic`` 1.5 · 2**(53 − precision) and ``last_place`` 2**(1 − precision). Directed
    modes start from the nearest number and step back to the neighbour where that lies on the wrong side.
    """
    if mode == PLAIN:
        t = s + p
        shift = max(binade(t), smallest) * magic
        return math.copysign((t + shift) - shift, t)
    t, error = two_sum(s, p)
    bits = float_to_bits(t)
    # Away from zero where the error has the sum's sign, else toward zero; only if the last bit is even.
    step = 1 - 2 * ((float_to_bits(error) ^ bits) >> 63 & 1)
    bits += step if error != 0.0 and (bits & 1) == 0 else 0
    odd = bits_to_float(bits)
    power = max(bits_to_float(bits & EXPONENT_FIELD), smallest)
    shift = power * magic
    r = (odd + shift) - shift
    if mode != RNE:
        unit = math.copysign(power * last_place, odd)
        if mode == RZ:
            r -= unit if abs(r) > abs(odd) else 0.0
        elif mode == RU:
            r += abs(unit) if r < odd else 0.0
        elif mode == RD:
            r -= abs(unit) if r > odd else 0.0
            # Zeros of unlike sign, and numbers that cancel, give −0 (IEEE 754 section 6.3).
            if t == 0.0 and (float_to_bits(s) | float_to_bits(p)) != 0:
                return -0.0
        else:  # RNA: a tie that went to the even number toward zero
            r += unit if (odd - r) + (odd - r) == unit else 0.0
    return math.copysign(r, t)


def _add_four(mode):
    """A kernel for one rounding: the number is a constant inside it."""

    @njit(cache=True)
    def add_four(x, y, k, left, s, smallest, magic, last_place, largest, beyond):
        """Add ``x[k + q] · y[k + q, left + j]`` for q = 0 … 3 to ``s[j]``, which stays in a register meanwhile."""
        right = left + s.size
        x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
        y0, y1, y2, y3 = y[k, left:right], y[k + 1, left:right], y[k + 2, left:right], y[k + 3, left:right]
        for j in range(s.size):
            r = add_rounded(s[j], x0 * y0[j], smallest, magic, last_place, mode)
            count = np.int64(abs(r) > largest)
            r = add_rounded(min(max(r, -largest), largest), x1 * y1[j], smallest, magic, last_place, mode)
            count += np.int64(abs(r) > largest)
            r = add_rounded(min(max(r, -largest), largest), x2 * y2[j], smallest, magic, last_place, mode)
            count += np.int64(abs(r) > largest)
            r = add_rounded(min(max(r, -largest), largest), x3 * y3[j], smallest, magic, last_place, mode)
            beyond[j] += count + np.int64(abs(r) > largest)
            s[j] = min(max(r, -largest), largest)

    return add_four


add_four_plain = _add_four(PLAIN)
add_four_nearest = _add_four(RNE)


@njit(cache=True)
def add_terms(terms, s, smallest, magic, last_place, mode, largest, beyond):
    """Add ``terms[j]`` to ``s[j]``."""
    if mode == PLAIN:
        for j in range(s.size):
            r = add_rounded(s[j], terms[j], smallest, magic, last_place, PLAIN)
            beyond[j] += abs(r) > largest
            s[j] = min(max(r, -largest), largest)
    elif mode == RNE:
        for j in range(s.size):
            r = add_rounded(s[j], terms[j], smallest, magic, last_place, RNE)
            beyond[j] += abs(r) > largest
            s[j] = min(max(r, -largest), largest)
    else:
        for j in range(s.size):
            r = add_rounded(s[j], terms[j], smallest, magic, last_place, mode)
            beyond[j] += abs(r) > largest
            s[j] = min(max(r, -largest), largest)


@njit(cache=True, nogil=True)
def sequential_float64(
    a,
    b,
    a_code,
    b_code,
    table,
    k_range,
    rows_per_matrix,
    smallest,
    magic,
    last_place,
    mode,
    largest,
    saturates,
    sums,
    failed,
    span,
):
    """Add products k_range[0] … k_range[1]−1 of finite ``a`` [G·M, K] and ``b`` [G, K, N] to ``sums`` in place.

    ``sums`` is [G·M, N], M is ``rows_per_matrix``. With a ``table`` (size above 1) products are looked up by the
    sum of the codes instead. Returns the number of saturations. Where a sum leaves the range of a format that
    does not saturate, the strip's ``failed`` [G·M, ⌈N / 256⌉] is set and its sums are of no use. A task is
    `ROWS_PER_TASK` rows of one matrix by a strip of `COLUMNS_PER_STRIP` columns, which takes `K_PER_BLOCK` products of
    all its rows at a time, so that b stays near; this call's tasks are ``span[0]`` to ``span[1]`` − 1.
    """
    columns = sums.shape[1]
    strips = failed.shape[1]
    clamped = 0
    for task in range(span[0], span[1]):
        strip, matrix, first, stop = band_of(task, strips, rows_per_matrix, ROWS_PER_TASK)
        left = strip * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        terms = np.empty(right - left)
        beyond = np.empty(right - left, np.int64)
        for start in range(k_range[0], k_range[1], K_PER_BLOCK):
            end = min(start + K_PER_BLOCK, k_range[1])
            for i in range(first, stop):
                s = sums[i, left:right]
                beyond[:] = 0
                k = start
                while table.size == 1 and mode <= RNE and k + 4 <= end:
                    if mode == PLAIN:
                        add_four_plain(a[i], b[matrix], k, left, s, smallest, magic, last_place, largest, beyond)
                    else:
                        add_four_nearest(a[i], b[matrix], k, left, s, smallest, magic, last_place, largest, beyond)
                    k += 4
                for rest in range(k, end):
                    if table.size > 1:
                        code = a_code[i, rest]
                        codes = b_code[matrix, rest, left:right]
                        for j in range(s.size):
                            terms[j] = table[code + codes[j]]
                    else:
                        x = a[i, rest]
                        y = b[matrix, rest, left:right]
                        for j in range(s.size):
                            terms[j] = x * y[j]
                    add_terms(terms, s, smallest, magic, last_place, mode, largest, beyond)
                count = beyond.sum()
                failed[i, strip] |= count != 0 and not saturates
                clamped += count
    return clamped
