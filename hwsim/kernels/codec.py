"""One number into a float format and out of it, every format by run-time parameters.

A float format is an int64 array of parameters, indexed by the names below (`hwsim.formats.float` fills it).
What a magnitude's code is says `hwsim.kernels.encode_float`, which encodes whole arrays.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.rounding import bit_length, round_significand

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
