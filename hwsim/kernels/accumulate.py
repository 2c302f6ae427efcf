"""One addition into a floating-point accumulator: exact, then rounded once.

A sum is ``(significand, exponent, tag)``, the significand a signed int64 and the tag one of
`hwsim.kernels.multiply` (finite, ±infinity, NaN, −0). A float format is the tuple of `FLOAT_PARAMETERS`; one that
rounds by chance has those of `RANDOM_PARAMETERS` besides, and kernels are compiled for either length of the tuple.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.multiply import FINITE, MINUS_INFINITY, MINUS_ZERO, NOT_A_NUMBER, PLUS_INFINITY
from hwsim.kernels.philox import first_word
from hwsim.kernels.rounding import (
    ODD,
    RD,
    RNA,
    RNE,
    RU,
    bit_length,
    round_significand,
    round_significand_randomly,
    shift_right_jam,
)

# Places in the tuple that describes a float format, its rounding and its overflow to kernels.
FLOAT_PARAMETERS = (
    "precision",
    "last_place_min",  # exponent of the smallest last place, emin − (p − 1)
    "emax",
    "max_significand",  # of the largest finite number, with p bits
    "mode",
    "overflow",  # one of the three below
    "beyond",  # what lies beyond the largest number: PLUS_INFINITY, NOT_A_NUMBER, or FINITE for neither
    "signed_zero",
    "flush",  # whether subnormal results become zeros of their sign
)
RANDOM_PARAMETERS = (
    "random_bits",  # r, per rounding
    "key_low",
    "key_high",  # the two words of a Philox key
    "word",  # the random bits of the rounding at hand, see `drawn`
)
DETERMINISTIC = len(FLOAT_PARAMETERS)

# Which addition of an output a rounding belongs to: the last word of its counter.
STEP = 0  # a product's or a block's into the accumulator
CHUNK = 1  # a chunk's sum into the outer accumulator
LOAD = 2  # the first addend
TREE = 3  # of a block's tree, TREE + its number in the block

OVERFLOW_IEEE = 0  # directed roundings stop at the largest number on their inward side
OVERFLOW_SATURATE = 1
OVERFLOW_ALWAYS = 2  # beyond the range whatever the rounding, as NVIDIA's matrix units have it


@njit(cache=True)
def drawn(parameters, output, number, place):
    """``parameters`` with the random bits of an addition, where there are any: the top ones of a word of Philox.

    Its counter is the output's index in the whole product (two words), the ``number`` of the addition, which is that
    of the (first) product that it adds, and its ``place``. So bits depend on nothing else.
    """
    if len(parameters) == 9:
        return parameters
    word = first_word(output & 0xFFFFFFFF, output >> 32, number, place, parameters[10], parameters[11])
    return parameters[:12] + (word >> (32 - parameters[9]),)  # noqa: RUF005  Numba adds tuples, it does not unpack them


@njit(cache=True)
def _rounded(negative, magnitude, exponent, parameters):
    if len(parameters) == 9:
        return round_significand(negative, magnitude, exponent, parameters[0], parameters[1], parameters[4])
    return round_significand_randomly(
        magnitude, exponent, parameters[0], parameters[1], parameters[4], parameters[9], parameters[12]
    )


@njit(cache=True)
def _beyond(negative, policy, mode, special):
    """Tag of a sum beyond the range, FINITE where it is clamped to the largest number."""
    if policy == OVERFLOW_SATURATE or special == FINITE:
        return FINITE
    if policy == OVERFLOW_IEEE:
        outward = mode in (RNE, RNA) or mode > ODD or mode == (RD if negative else RU)
        if not outward:
            return FINITE
    if special == PLUS_INFINITY and negative:
        return MINUS_INFINITY
    return special


@njit(cache=True)
def round_number(negative, magnitude, exponent, parameters):
    """Round ``±magnitude · 2**exponent``: ``(significand, exponent, tag, overflowed)``."""
    precision, last_place_min, emax, max_significand, mode, policy, special, signed_zero, flush = parameters[:9]
    magnitude, exponent = _rounded(negative, magnitude, exponent, parameters)
    if flush and bit_length(magnitude) + exponent < last_place_min + precision:
        magnitude = np.int64(0)
    if magnitude == 0:
        return 0, last_place_min, (MINUS_ZERO if negative and signed_zero != 0 else FINITE), 0
    if exponent + precision > emax:  # the top bit may reach emax
        length = bit_length(magnitude)
        top = length + exponent - 1
        if top > emax or (top == emax and (magnitude << (precision - length)) > max_significand):
            tag = _beyond(negative, policy, mode, special)
            if tag != FINITE:
                return 0, last_place_min, tag, 1
            magnitude, exponent = max_significand, emax - (precision - 1)
            return (-magnitude if negative else magnitude), exponent, FINITE, 1
    return (-magnitude if negative else magnitude), exponent, FINITE, 0


@njit(cache=True)
def round_infinity(tag, parameters):
    """An infinite or NaN sum in this format: an infinity is clamped where the format saturates or has none."""
    if tag == NOT_A_NUMBER:
        return 0, parameters[1], tag, 0
    if parameters[5] == OVERFLOW_SATURATE or parameters[6] == FINITE:
        magnitude = parameters[3]
        significand = -magnitude if tag == MINUS_INFINITY else magnitude
        return significand, parameters[2] - (parameters[0] - 1), FINITE, 0
    return 0, parameters[1], (tag if parameters[6] == PLUS_INFINITY else NOT_A_NUMBER), 0


@njit(cache=True)
def round_sum(significand, exponent, tag, parameters):
    """A sum rounded into a format: ``(significand, exponent, tag, overflowed)``."""
    if tag & 3:  # neither finite nor −0
        return round_infinity(tag, parameters)
    negative = significand < 0 or tag == MINUS_ZERO
    return round_number(negative, abs(significand), exponent, parameters)


@njit(cache=True)
def add_tags(x_tag, y_tag):
    """Tag of a sum with an infinite or NaN term: opposite infinities give NaN, as 1 | 2 = 3 has it."""
    x = x_tag if x_tag != MINUS_ZERO else FINITE
    y = y_tag if y_tag != MINUS_ZERO else FINITE
    if x | y == NOT_A_NUMBER:
        return NOT_A_NUMBER
    return x | y


@njit(cache=True)
def _add_zeros(x_tag, y_tag, parameters):
    """±0 ± 0 (IEEE 754 section 6.3): −0 of two −0, and of unlike zeros when rounding down."""
    negative = x_tag == MINUS_ZERO and y_tag == MINUS_ZERO
    if x_tag != y_tag and parameters[4] == RD:
        negative = True
    return 0, parameters[1], (MINUS_ZERO if negative and parameters[7] != 0 else FINITE), 0


@njit(cache=True)
def add(x, x_exponent, x_tag, x_bits, y, y_exponent, y_tag, y_bits, parameters):
    """``x + y``, exact, rounded once: ``(significand, exponent, tag, overflowed)``.

    ``x_bits`` and ``y_bits`` (at most 60) bound the magnitudes. Far-apart terms are aligned at bit 60 and the
    smaller one shifted right with a sticky bit; that is exact for the rounding because a shift that loses
    bits is longer than 2, so the sum keeps its top bit or the one below.
    """
    if (x_tag | y_tag) & 3:
        return round_infinity(add_tags(x_tag, y_tag), parameters)
    if y == 0:
        if x == 0:
            return _add_zeros(x_tag, y_tag, parameters)
        return round_number(x < 0, abs(x), x_exponent, parameters)
    if x == 0:
        return round_number(y < 0, abs(y), y_exponent, parameters)
    distance = x_exponent - y_exponent
    if distance >= 0 and distance + x_bits <= 61:
        total, exponent = (x << distance) + y, y_exponent
    elif distance < 0 and y_bits - distance <= 61:
        total, exponent = x + (y << -distance), x_exponent
    else:
        total, exponent = _add_far(x, x_exponent, y, y_exponent)
    if total == 0:
        return 0, parameters[1], (MINUS_ZERO if parameters[4] == RD and parameters[7] != 0 else FINITE), 0
    return round_number(total < 0, abs(total), exponent, parameters)


@njit(cache=True)
def _add_far(x, x_exponent, y, y_exponent):
    """``x + y`` with the larger term's top bit at bit 60 and a sticky bit for what falls off the smaller."""
    x_up, y_up = 61 - bit_length(abs(x)), 61 - bit_length(abs(y))
    x_exponent, y_exponent = x_exponent - x_up, y_exponent - y_up
    if y_exponent > x_exponent:
        x, y, x_up, y_up = y, x, y_up, x_up
        x_exponent, y_exponent = y_exponent, x_exponent
    small = shift_right_jam(abs(y) << y_up, x_exponent - y_exponent)
    return (abs(x) << x_up) * (-1 if x < 0 else 1) + (-small if y < 0 else small), x_exponent
