"""Encode and decode formats whose significands taper: a prefix tells the exponent, what is left are fraction bits.

A positive number ``(1 + f) · 2**e`` is the bit string ``prefix(e) ++ f``, cut to the width of a body (all bits but
the sign) and rounded there; negative numbers are two's complements. Which prefix an exponent has is a table, so that
one kernel serves every such format (`hwsim.formats.tapered` fills it).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels import philox
from hwsim.kernels.encode_float import CHUNK
from hwsim.kernels.lanes import increment, is_random, random_increment, random_masks, rounding_masks
from hwsim.kernels.rounding import RD, RU, RZ

# Parameters, int64.
MODE = 0
LARGEST = 1  # body of the largest value
CODE_MASK = 2
NOT_A_REAL = 3  # code of NaN
POSITIVE_INFINITY = 4  # what infinities become
NEGATIVE_INFINITY = 5

# Columns of the table of exponents: a row for each biased exponent of the source.
BASE = 0  # the prefix, moved up to make room for the fraction bits that are kept
LOST = 1  # fraction bits that only a sticky bit remembers
DOWN = 2  # bits of the string that do not fit a body
UP = 3  # or bits that it lacks

TABLE_BITS = 12
"""Leading bits of a body that decoding looks the exponent up by; longer prefixes are searched."""


@njit(cache=True, inline="always")
def _code(body, sign, magnitude, infinity, parameters):
    """Two's complement of a body, or what infinities and NaN become; ``sign`` is 0 or 1.

    The sign by arithmetic: a branch on that of random data costs more than all the rest.
    """
    T = np.uint64
    positive_least, negative_least, largest, code_mask, nan, positive_infinity, negative_infinity = parameters
    if magnitude >= infinity:
        if magnitude > infinity:
            return nan
        return negative_infinity if sign else positive_infinity
    every = T(T(0) - sign)
    least = T(positive_least ^ T(T(positive_least ^ negative_least) & every))
    body = T(min(T(max(body, least)), largest)) if magnitude else T(0)
    return T(T(T(body ^ every) - every) & code_mask)


@njit(cache=True)
def _typed(parameters):
    """To nearest, by chance and to odd nothing but zero becomes zero (Posit Standard 2022, section 4.1)."""
    T = np.uint64
    mode = parameters[MODE]
    positive_least = T(0) if mode in (RZ, RD) else T(1)
    negative_least = T(0) if mode in (RZ, RU) else T(1)
    return (
        positive_least, negative_least, T(parameters[LARGEST]), T(parameters[CODE_MASK]), T(parameters[NOT_A_REAL]),
        T(parameters[POSITIVE_INFINITY]), T(parameters[NEGATIVE_INFINITY]),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def encode_float32_to_nearest(patterns, out, base, down, up, parameters, span):
    """Codes of the float32 ``patterns`` (uint32) in ``span``, ties to even; how many were NaN.

    ``base``: for each exponent field the prefix, 23 + ``up`` places to the left; ``down``: the bits of the string that
    do not fit a body. Prefixes that leave no room for a fraction are cut before, so that all strings have 63 bits.
    """
    T = np.uint64
    one, infinity = T(1), T(0x7F800000)
    p = _typed(parameters)
    nans = 0
    patterns, out = patterns[span[0] : span[1]], out[span[0] : span[1]]  # from 0 on no index is checked
    for i in range(patterns.size):
        pattern = T(patterns[i])
        magnitude = T(pattern & T(0x7FFFFFFF))
        field = T(magnitude >> T(23))  # unsigned: no index from the end
        string = T(base[field] + T(T(magnitude & T(0x7FFFFF)) << T(up)))
        shift = T(down[field] & T(63))
        parity = T(T(string >> shift) & one)
        body = T(T(string + T(T(T(T(one << shift) - one) >> one) + parity)) >> shift)
        out[i] = _code(body, T(pattern >> T(31)), magnitude, infinity, p)
        nans += 1 if magnitude > infinity else 0
    return nans


@njit(cache=True, nogil=True)
def encode(patterns, out, exponents, source_bits, parameters, words, key, bits, span):
    """Codes of the IEEE ``patterns`` (uint32 or uint64) in ``span`` by any mode; how many were NaN.

    The format's smallest value is a normal number of the source, and nothing finite goes beyond its largest value.
    """
    T = np.uint64
    top, one = T(8 * patterns.itemsize - 1), T(1)
    source_bits = T(source_bits)
    infinity = T(T(one_bit(T, top - source_bits) - one) << source_bits)
    masks, random = rounding_masks(T, parameters[MODE], T(63)), random_masks(T, parameters[MODE], bits)
    p, randomly = _typed(parameters), is_random(parameters[MODE])
    drawn, room = np.zeros(CHUNK, np.uint32), np.empty(philox.BLOCK, np.uint32)
    nans = 0
    for start in range(span[0], span[1], CHUNK):
        x, o = patterns[start : min(start + CHUNK, span[1])], out[start : min(start + CHUNK, span[1])]
        if randomly:
            philox.draw(words, start, drawn[: x.size], key, bits, room)
        for i in range(x.size):
            pattern = T(x[i])
            sign = T(pattern >> top)
            magnitude = T(pattern & T(one_bit(T, top) - one))
            field = T(magnitude >> source_bits)
            fraction = T(magnitude & T(one_bit(T, source_bits) - one))
            lost = T(exponents[field, LOST])
            kept = T(fraction >> lost)
            sticky = one if T(kept << lost) != fraction else T(0)
            string = T(T(T(exponents[field, BASE]) + kept) | sticky)
            down = T(exponents[field, DOWN])
            mask = T(one_bit(T, down) - one)
            if randomly:
                string, addend = random_increment(T, string, down, mask, T(drawn[i]), random, T(63))
            else:
                parity = T(T(string >> down) & one)
                addend = increment(T, mask, parity, sign != T(0), masks, T(63))
            body = T(T(T(string + addend) >> down) << T(exponents[field, UP]))
            o[i] = _code(body, sign, magnitude, infinity, p)
            nans += 1 if magnitude > infinity else 0
    return nans


@njit(cache=True)
def one_bit(T, position):
    """``2**position`` in T."""
    return T(T(1) << T(position))


@njit(cache=True, nogil=True)
def decode(codes, out, width, starts, lengths, lowest, first, last, span):
    """float64 values of ``codes`` in ``span``; NaN for the code of a lone sign.

    ``width``: bits of a code. ``starts[j]``: the prefix of exponent ``lowest + j`` at the top of 63 bits, ascending,
    ``lengths[j]`` its length; ``first`` and ``last``: the least and greatest j of each value of `TABLE_BITS` bits.
    """
    sign, mask = np.int64(1) << (width - 1), (np.int64(1) << width) - 1
    codes, out = codes[span[0] : span[1]], out[span[0] : span[1]]
    for i in range(codes.size):
        code = np.int64(codes[i])
        negative = (code & sign) != 0
        body = (mask + 1 - code) if negative else code
        string = body << (64 - width)
        if code == sign:
            out[i] = np.nan
        elif code == 0:
            out[i] = 0.0
        else:
            index = string >> (63 - TABLE_BITS)
            low, high = first[np.uint64(index)], last[np.uint64(index)]
            while low < high:
                middle = (low + high + 1) >> 1
                if starts[middle] <= string:
                    low = middle
                else:
                    high = middle - 1
            rest = string - starts[np.uint64(low)]
            length = lengths[np.uint64(low)]
            # The fraction, whose first bit has the value 1/2, at the 52 stored bits of a float64.
            fraction = (rest << (length - 11)) if length >= 11 else (rest >> (11 - length))
            pattern = ((lowest + low + 1023) << 52) + fraction + (np.int64(-(2**63)) if negative else 0)
            out[i] = np.int64(pattern).view(np.float64)
    return 0
