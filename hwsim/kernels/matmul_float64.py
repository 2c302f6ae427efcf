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

from hwsim.kernels.bits import EXPONENT_FIELD, bits_to_float, float_to_bits
from hwsim.kernels.rounding import RD, RNE, RU, RZ

COLUMNS_PER_STRIP = 256


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
    t, error = two_sum(s, p)
    bits = float_to_bits(t)
    # Away from zero where the error has the sum's sign, else toward zero; only if the last bit is even.
    step = 1 - 2 * ((float_to_bits(error) ^ bits) >> 63 & 1)
    bits += step if error != 0.0 and (bits & 1) == 0 else 0
    odd = bits_to_float(bits)
    binade = max(bits_to_float(bits & EXPONENT_FIELD), smallest)
    shift = binade * magic
    r = (odd + shift) - shift
    if mode != RNE:
        unit = math.copysign(binade * last_place, odd)
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
    does not saturate, the strip's ``failed`` [G·M, ⌈N / 256⌉] is set and its sums are of no use. Strips are counted
    along the rows; this call's are ``span[0]`` to ``span[1]`` − 1.
    """
    columns = sums.shape[1]
    strips = failed.shape[1]
    clamped = 0
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        s = sums[i, left:right]
        terms = np.empty(s.size)
        beyond = np.zeros(s.size, np.int64)
        for k in range(k_range[0], k_range[1]):
            if table.size > 1:
                code = a_code[i, k]
                codes = b_code[i // rows_per_matrix, k, left:right]
                for j in range(s.size):
                    terms[j] = table[code + codes[j]]
            else:
                x = a[i, k]
                y = b[i // rows_per_matrix, k, left:right]
                for j in range(s.size):
                    terms[j] = x * y[j]
            if mode == RNE:
                for j in range(s.size):
                    r = add_rounded(s[j], terms[j], smallest, magic, last_place, RNE)
                    beyond[j] += abs(r) > largest
                    s[j] = min(max(r, -largest), largest)
            else:
                for j in range(s.size):
                    r = add_rounded(s[j], terms[j], smallest, magic, last_place, mode)
                    beyond[j] += abs(r) > largest
                    s[j] = min(max(r, -largest), largest)
        count = beyond.sum()
        failed[i, task - i * strips] = count != 0 and not saturates
        clamped += count
    return clamped
