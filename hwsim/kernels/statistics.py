"""What additions into a floating-point accumulator lose, counted from each sum before and after."""

from __future__ import annotations

from numba import njit

from hwsim.kernels.multiply import MINUS_ZERO
from hwsim.kernels.rounding import bit_length

# Places in the counts.
ADDITIONS = 0
SWAMPED = 1
CANCELLED = 2
UNDERFLOWS = 3
COUNTS = 4

TOP = 62


@njit(cache=True)
def same(x, x_exponent, y, y_exponent):
    """Whether ``x · 2**x_exponent`` is ``y · 2**y_exponent``; each number has many spellings."""
    if x == 0 or y == 0 or (x < 0) != (y < 0):
        return x == y == 0
    x_up, y_up = TOP - bit_length(abs(x)), TOP - bit_length(abs(y))
    return x_exponent - x_up == y_exponent - y_up and abs(x) << x_up == abs(y) << y_up


@njit(cache=True)
def above(x, exponent):
    """The exponent just above the top bit of a number that is not zero."""
    return bit_length(abs(x)) + exponent


@njit(cache=True, nogil=True)
def count_additions(before, term, after, kept, emin, lost_bits, counts):
    """Add to ``counts`` what happened where ``before`` plus ``term`` became ``after`` (significands, exponents, tags).

    ``kept``: whether what the register holds besides is as it was; ``emin``: the exponent of its smallest normal
    number; ``lost_bits``: how far below the larger operand's a result's exponent lies that counts as cancelled.
    """
    s, s_exponent, s_tag = before
    x, x_exponent, x_tag = term
    r, r_exponent, r_tag = after
    for i in range(s.shape[0]):
        for j in range(s.shape[1]):
            counts[ADDITIONS] += 1
            if (s_tag[i, j] | x_tag[i, j] | r_tag[i, j]) & (MINUS_ZERO - 1):
                continue
            if x[i, j] != 0 and kept[i, j] and same(s[i, j], s_exponent[i, j], r[i, j], r_exponent[i, j]):
                counts[SWAMPED] += 1
            if s[i, j] != 0 and x[i, j] != 0 and (s[i, j] < 0) != (x[i, j] < 0):
                larger = max(above(s[i, j], s_exponent[i, j]), above(x[i, j], x_exponent[i, j]))
                if r[i, j] == 0 or above(r[i, j], r_exponent[i, j]) <= larger - lost_bits:
                    counts[CANCELLED] += 1
            if r[i, j] == 0:
                nothing = same(-s[i, j], s_exponent[i, j], x[i, j], x_exponent[i, j])
                counts[UNDERFLOWS] += 0 if nothing else 1
            elif above(r[i, j], r_exponent[i, j]) <= emin:
                counts[UNDERFLOWS] += 1
