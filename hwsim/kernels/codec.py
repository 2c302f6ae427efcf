"""Encode, pack and look up: between float bit patterns and codes, every format by run-time parameters.

A float format is an int64 array of parameters, indexed by the names below (`hwsim.formats.float` fills it).
The magnitude part of a code counts the format's non-negative values in order, so with ``m`` stored
significand bits a number with significand ``s`` (hidden bit included) and exponent field ``f`` has the code
``((f - 1) << m) + s``; subnormals are ``f = 1`` without the hidden bit, a carry of the rounding moves into
the exponent by itself, and the parity that breaks ties is the code's.
The array loops are written without branches so that they vectorise.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.rounding import RNA, RNE, RU, RZ, bit_length, round_significand

# Parameters of a float format with a rounding mode and policies.
MANTISSA_BITS = 0  # stored significand bits m
BIAS = 1
MODE = 2
CODE_OFFSET = 3  # codes skipped where there is no zero: 2**m, otherwise 0
SUBNORMALS = 4  # 0: no values between zero and 2**(1 - bias)
POSITIVE_LIMIT = 5  # the largest finite magnitude code (before CODE_OFFSET is taken off)
NEGATIVE_LIMIT = 6  # the same below zero; 0 for unsigned formats
POSITIVE_OVERFLOW = 7  # code of a finite value beyond the limit
NEGATIVE_OVERFLOW = 8
POSITIVE_INFINITY = 9  # code of +inf
NEGATIVE_INFINITY = 10
NAN = 11
SIGN = 12  # the sign bit, or 0
NEGATIVE_ZERO = 13
FLOAT_PARAMETERS = 14

# Parameters of an integer or fixed point format; magnitudes are uint64 patterns in int64.
FRACTION_BITS = 0
FIXED_MODE = 1
POSITIVE_MAGNITUDE = 2  # the largest magnitude above zero
NEGATIVE_MAGNITUDE = 3  # and below
WRAP = 4  # 1: out of range gives the low bits, 0: the limit
CODE_MASK = 5
FIXED_NAN = 6  # code of NaN


@njit(cache=True)
def _rounding_masks(mode):
    """How a mode adds: ``((mask >> p) + ((parity | a) & t & mask))``; p for either sign, always, tie.

    ``mask`` covers the discarded bits: all of it rounds away from zero, half of it to nearest, with one more
    for ties that go up (always, or for odd parity); shifted out it truncates.
    """
    if mode == RNE:
        return 1, 1, 0, 1
    if mode == RNA:
        return 1, 1, 1, 1
    if mode == RZ:
        return 63, 63, 0, 0
    if mode == RU:
        return 0, 63, 0, 0
    return 63, 0, 0, 0


@njit(cache=True)
def _flush_thresholds(mode, smallest_normal, half):
    """Least source patterns, by sign, that round up to the smallest normal where there are no subnormals."""
    if mode == RNE:
        return half + 1, half + 1
    if mode == RNA:
        return half, half
    if mode == RZ:
        return smallest_normal, smallest_normal
    if mode == RU:
        return 1, smallest_normal
    return smallest_normal, 1


@njit(cache=True, nogil=True)
def encode_floats(patterns, out, source_mantissa_bits, source_bias, parameters, span):
    """Codes of the IEEE patterns in ``span`` (int32 of float32, or int64 of float64); returns the number of NaN.

    The format's ``m`` is at most the source's and its smallest normal is a normal number of the source, so
    that bits are only ever discarded, once; wider formats take float32 by way of float64, which is exact.
    """
    m = parameters[MANTISSA_BITS]
    offset = parameters[BIAS] - source_bias
    code_offset = parameters[CODE_OFFSET]
    # Skipping an odd number of codes (one, for m = 0) inverts the parity of all but the zero below them.
    parity_bit = 0 if code_offset == 1 else 1
    positive_limit, negative_limit = parameters[POSITIVE_LIMIT], parameters[NEGATIVE_LIMIT]
    positive_overflow, negative_overflow = parameters[POSITIVE_OVERFLOW], parameters[NEGATIVE_OVERFLOW]
    positive_infinity, negative_infinity = parameters[POSITIVE_INFINITY], parameters[NEGATIVE_INFINITY]
    nan, sign, negative_zero = parameters[NAN], parameters[SIGN], parameters[NEGATIVE_ZERO]
    positive_shift, negative_shift, always, ties = _rounding_masks(parameters[MODE])
    infinity = (2 * source_bias + 1) << source_mantissa_bits
    magnitude_mask = infinity | ((1 << source_mantissa_bits) - 1)
    smallest_normal = 0
    positive_flush, negative_flush = 0, 0
    if parameters[SUBNORMALS] == 0:
        field = 1 - parameters[BIAS] + source_bias
        smallest_normal = field << source_mantissa_bits
        half = (field - 1) << source_mantissa_bits if field > 1 else 1 << (source_mantissa_bits - 1)
        positive_flush, negative_flush = _flush_thresholds(parameters[MODE], smallest_normal, half)
    smallest_normal_code = 1 << m
    dropped = source_mantissa_bits - m
    all_dropped = source_mantissa_bits + 2
    nans = 0
    patterns, out = patterns[span[0] : span[1]], out[span[0] : span[1]]  # from 0 on the loop vectorises
    for i in range(patterns.size):
        pattern = np.int64(patterns[i])
        negative = pattern < 0
        magnitude = pattern & magnitude_mask
        field = max(magnitude >> source_mantissa_bits, 1) - 1
        significand = magnitude - (field << source_mantissa_bits)
        target = field + offset
        target_field = max(target, 0)
        shift = min(dropped + target_field - target, all_dropped)
        mask = (1 << shift) - 1
        base = target_field << m
        parity = (base + ((significand >> shift) & parity_bit)) & 1
        add = (mask >> (negative_shift if negative else positive_shift)) + ((parity | always) & ties & mask)
        code = base + ((significand + add) >> shift)
        flushed = smallest_normal_code if magnitude >= (negative_flush if negative else positive_flush) else 0
        code = flushed if magnitude < smallest_normal else code
        result = max(code - code_offset, 0) + (sign if negative else 0)
        result = (negative_zero if negative else 0) if code == 0 else result
        beyond = code > (negative_limit if negative else positive_limit)
        result = (negative_overflow if negative else positive_overflow) if beyond else result
        result = (negative_infinity if negative else positive_infinity) if magnitude == infinity else result
        result = nan if magnitude > infinity else result
        nans += 1 if magnitude > infinity else 0
        out[i] = result
    return nans


@njit(cache=True)
def pack(negative, magnitude, exponent, parameters):
    """Code of the finite ``±magnitude · 2**exponent`` in a float format, and whether it overflowed.

    ``magnitude`` is an int64 in [0, 2**63); it may carry a sticky bit as `round_significand` allows.
    """
    m = parameters[MANTISSA_BITS]
    mode = parameters[MODE]
    last_place_min = 1 - parameters[BIAS] - m
    code = 0
    if magnitude != 0 and parameters[SUBNORMALS] == 0 and bit_length(magnitude) + exponent <= 1 - parameters[BIAS]:
        # Below the smallest normal: its neighbours are zero and the smallest normal.
        if round_significand(negative, magnitude, exponent, 1, 1 - parameters[BIAS], mode)[0] != 0:
            code = 1 << m
    elif magnitude != 0:
        least = last_place_min
        if parameters[CODE_OFFSET] == 1 and bit_length(magnitude) + exponent > least:
            least -= 1  # the code before this one is skipped, so parity counts from one place lower
        rounded, place = round_significand(negative, magnitude, exponent, m + 1, least, mode)
        if rounded != 0:
            up = min(m + 1 - bit_length(rounded), place - last_place_min)
            # No finite value has a field above 2046; what is capped there lies beyond the limit all the same.
            code = (min(place - up - last_place_min, 2046) << m) + (rounded << up)
    return _signed_code(negative, code, parameters)


@njit(cache=True)
def _signed_code(negative, code, parameters):
    if code > (parameters[NEGATIVE_LIMIT] if negative else parameters[POSITIVE_LIMIT]):
        return (parameters[NEGATIVE_OVERFLOW] if negative else parameters[POSITIVE_OVERFLOW]), True
    if code == 0:
        return (parameters[NEGATIVE_ZERO] if negative else 0), False
    return max(code - parameters[CODE_OFFSET], 0) + (parameters[SIGN] if negative else 0), False


@njit(cache=True)
def encode_integers(negative, magnitude, out, parameters):
    """Codes of ``±magnitude`` (uint64) in a float format, each rounded once."""
    for i in range(magnitude.size):
        wide = magnitude[i]
        exponent = 0
        if wide >> np.uint64(62):
            # Two bits go, the last remembers what they held: at most 53 of the 62 that remain are kept.
            lost = (wide & np.uint64(3)) != np.uint64(0)
            wide = (wide >> np.uint64(2)) | (np.uint64(1) if lost else np.uint64(0))
            exponent = 2
        out[i] = pack(negative[i], np.int64(wide), exponent, parameters)[0]


@njit(cache=True, nogil=True)
def encode_fixed(patterns, out, source_mantissa_bits, source_bias, parameters, span):
    """Two's complement codes of the IEEE patterns in ``span``, in multiples of ``2**-fraction_bits``.

    Returns the number of NaN. Magnitudes are uint64, so that 64-bit formats fit; a pattern of float32 is
    int32, of float64 int64.
    """
    fraction_bits = parameters[FRACTION_BITS]
    positive_limit, negative_limit = (
        np.uint64(parameters[POSITIVE_MAGNITUDE]),
        np.uint64(parameters[NEGATIVE_MAGNITUDE]),
    )
    wrap = parameters[WRAP] != 0
    code_mask = np.uint64(parameters[CODE_MASK])
    nan = np.uint64(parameters[FIXED_NAN])
    positive_shift, negative_shift, always, ties = _rounding_masks(parameters[FIXED_MODE])
    infinity = (2 * source_bias + 1) << source_mantissa_bits
    magnitude_mask = infinity | ((1 << source_mantissa_bits) - 1)
    all_dropped = source_mantissa_bits + 2
    last_place = -fraction_bits + source_bias + source_mantissa_bits - 1
    nans = 0
    patterns, out = patterns[span[0] : span[1]], out[span[0] : span[1]]  # from 0 on the loop vectorises
    for i in range(patterns.size):
        pattern = np.int64(patterns[i])
        negative = pattern < 0
        magnitude = pattern & magnitude_mask
        field = max(magnitude >> source_mantissa_bits, 1) - 1
        significand = magnitude - (field << source_mantissa_bits)
        down = last_place - field
        shift = min(max(down, 0), all_dropped)
        mask = (1 << shift) - 1
        parity = (significand >> shift) & 1
        add = (mask >> (negative_shift if negative else positive_shift)) + ((parity | always) & ties & mask)
        rounded = np.uint64((significand + add) >> shift)
        up = np.uint64(min(max(-down, 0), 63))
        limit = negative_limit if negative else positive_limit
        beyond = rounded > (limit >> up) or magnitude == infinity
        shifted = rounded << up if -down <= 63 and magnitude != infinity else np.uint64(0)
        kept = limit if beyond and not wrap else shifted
        code = (np.uint64(0) - kept if negative else kept) & code_mask
        out[i] = nan if magnitude > infinity else code
        nans += 1 if magnitude > infinity else 0
    return nans


@njit(cache=True, nogil=True)
def decode_floats(codes, out, places, hidden, parameters):
    """Values of codes: ``(stored + hidden[field]) · places[field]``, exact since the format is part of float64.

    ``places`` has the value of the last place for every exponent field, ``hidden`` the hidden bit or 0.
    """
    m = parameters[MANTISSA_BITS]
    sign = parameters[SIGN]
    limit = parameters[POSITIVE_LIMIT] - parameters[CODE_OFFSET]
    nan, infinity = parameters[NAN], parameters[POSITIVE_INFINITY]
    stored_mask = (1 << m) - 1
    for i in range(codes.size):
        code = np.int64(codes[i])
        magnitude = code & ~sign
        field = magnitude >> m
        value = float((magnitude & stored_mask) + hidden[field]) * places[field]
        if magnitude > limit:
            value = np.inf if magnitude == infinity and infinity != nan else np.nan
        elif code == nan and limit < nan:
            value = np.nan
        out[i] = -value if code & sign else value


@njit(cache=True, nogil=True)
def look_up(codes, table, out):
    """``out[i] = table[codes[i]]``; the table has an entry for every code."""
    for i in range(codes.size):
        out[i] = table[codes[i]]
