"""float32 values rounded to nearest into a narrower float format, in one pass and without codes.

A value above the smallest normal is its float32 pattern with low bits rounded away; below it the format is fixed
point, and adding and taking away a power of two rounds there as float32's own addition does (to nearest, ties to
even).
"""

from __future__ import annotations

import numpy as np
from numba import njit

T = np.uint32

# Parameters of `round_to_nearest`; patterns are those of float32.
DROPPED = 0  # bits of a float32 significand that the format does not have, 1 to 23
FLIP = 1  # 1 where a code's parity is the opposite of its pattern's
SMALLEST_NORMAL = 2  # pattern
FLUSH = 3  # 1: no subnormals
HALF = 4  # pattern of half the smallest normal
LIMIT = 5  # pattern of the largest magnitude above zero, and below
NEGATIVE_LIMIT = 6
OVERFLOW = 7  # patterns of what becomes of a magnitude beyond the limit
NEGATIVE_OVERFLOW = 8
INFINITY = 9  # and of infinities
NEGATIVE_INFINITY = 10
NAN = 11  # and of NaN
NEGATIVE_ZERO = 12  # what becomes of −0


@njit(cache=True, nogil=True)
def round_to_nearest(patterns, out, parameters, magic, span):
    """Patterns of the float32 ``patterns`` (uint32) rounded to nearest, ties to even; how many were NaN.

    ``magic``: ``2**23`` times the least subnormal of the format, as float32.
    """
    p = parameters
    dropped, flip = T(T(p[DROPPED]) & T(31)), T(p[FLIP])
    below_half = T(T(T(1) << T(T(dropped - T(1)) & T(31))) - T(1))
    place = T(T(1) << dropped)
    kept = T(~T(place - T(1)))
    smallest_normal, half, flush = T(p[SMALLEST_NORMAL]), T(p[HALF]), p[FLUSH] != 0
    limit, limits = T(p[LIMIT]), T(T(p[LIMIT]) ^ T(p[NEGATIVE_LIMIT]))
    overflow, overflows = T(p[OVERFLOW]), T(T(p[OVERFLOW]) ^ T(p[NEGATIVE_OVERFLOW]))
    infinity, infinities = T(p[INFINITY]), T(T(p[INFINITY]) ^ T(p[NEGATIVE_INFINITY]))
    nan, negative_zero = T(p[NAN]), T(p[NEGATIVE_ZERO])
    alike = limits == T(0) and negative_zero != T(0) and (overflows == T(0x80000000) or overflow == nan)
    infinite_alike = overflow == infinity and overflows == infinities
    patterns, out = patterns[span[0] : span[1]], out[span[0] : span[1]]
    nans = T(0)
    if alike and infinite_alike and flip == T(0) and not flush:
        for i in range(patterns.size):
            pattern = patterns[i]
            magnitude = T(pattern & T(0x7FFFFFFF))
            parity = T(1) if T(magnitude & place) != T(0) else T(0)
            normal = T(T(magnitude + T(below_half + parity)) & kept)
            fixed = np.float32(np.float32(magnitude.view(np.float32) + magic) - magic).view(np.uint32)
            rounded = fixed if magnitude < smallest_normal else normal
            result = T((overflow if rounded > limit else rounded) | T(pattern & T(0x80000000)))
            is_nan = magnitude > T(0x7F800000)
            out[i] = nan if is_nan else result
            nans = T(nans + (T(1) if is_nan else T(0)))
        return nans
    for i in range(patterns.size):
        pattern = patterns[i]
        magnitude = T(pattern & T(0x7FFFFFFF))
        sign = T(pattern & T(0x80000000))
        negative = T(T(0) - T(sign >> T(31)))  # all ones below zero
        parity = T(T(T(1) if T(magnitude & place) != T(0) else T(0)) ^ flip)
        normal = T(T(magnitude + T(below_half + parity)) & kept)
        fixed = np.float32(np.float32(magnitude.view(np.float32) + magic) - magic).view(np.uint32)
        flushed = smallest_normal if magnitude > half else T(0)
        below = flushed if flush else fixed
        rounded = below if magnitude < smallest_normal else normal
        result = T(sign & negative_zero) if rounded == T(0) else T(rounded | sign)
        beyond = rounded > T(limit ^ T(limits & negative))
        result = T(overflow ^ T(overflows & negative)) if beyond else result
        result = T(infinity ^ T(infinities & negative)) if magnitude == T(0x7F800000) else result
        is_nan = magnitude > T(0x7F800000)
        out[i] = nan if is_nan else result
        nans = T(nans + (T(1) if is_nan else T(0)))
    return nans
