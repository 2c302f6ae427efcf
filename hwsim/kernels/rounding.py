"""Rounding of one number: the rule that scalar kernels end in, and the mode numbers of all of them.

Array loops have the same rule in a form that vectorises (`hwsim.kernels.lanes`).

A number is ``(negative, magnitude, exponent)`` with the value ``±magnitude · 2**exponent``, magnitude a
non-negative int64. Nothing here knows a format's specials; those are decided where codes are packed.
Source of the structure: Berkeley SoftFloat 3e, ``roundPackToF64`` and ``shiftRightJam64``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# IEEE 754-2019 section 4.3, plus round-to-odd (Boldo and Melquiond, IEEE TC 57(4), 2008).
# The numbers are those of hwsim.formats.rounding.MODES.
RNE = 0  # to nearest, ties to even
RNA = 1  # to nearest, ties away from zero
RZ = 2  # toward zero
RU = 3  # toward +infinity
RD = 4  # toward -infinity
ODD = 5  # the truncated significand, its last bit set when anything was discarded
# Random roundings, which take random bits besides: IEEE P3109's three forms, and up or down alike.
STOCHASTIC_A = 6
STOCHASTIC_B = 7
STOCHASTIC_C = 8
EQUAL = 9


@njit(cache=True)
def bit_length(x):
    """Number of bits of ``x >= 0`` (int64): ``floor(log2 x) + 1``, and 0 for 0."""
    length = 0
    if x >> 32:
        length += 32
        x >>= 32
    if x >> 16:
        length += 16
        x >>= 16
    if x >> 8:
        length += 8
        x >>= 8
    if x >> 4:
        length += 4
        x >>= 4
    if x >> 2:
        length += 2
        x >>= 2
    if x >> 1:
        length += 1
        x >>= 1
    return length + x


@njit(cache=True)
def shift_right_jam(x, n):
    """``floor(x / 2**n)`` with bit 0 set when a one was shifted out (a sticky bit), for any ``n >= 0``.

    ``x`` is a non-negative int64. Machine shifts count modulo 64, so large ``n`` is treated apart.
    """
    if n <= 0:
        return x
    if n > 62:
        return 1 if x != 0 else 0
    quotient = x >> n
    if (quotient << n) != x:
        quotient |= 1
    return quotient


@njit(cache=True)
def rounds_away(negative, odd, remainder, half, mode):
    """Whether a discarded ``remainder > 0`` (``half``: half a unit in the last place) raises the magnitude."""
    if mode == RNE:
        return remainder > half or (remainder == half and odd)
    if mode == RNA:
        return remainder >= half
    if mode == RU:
        return not negative
    if mode == RD:
        return bool(negative)
    if mode == ODD:
        return not odd
    return False


@njit(cache=True)
def round_significand(negative, magnitude, exponent, precision, last_place_min, mode):
    """Round ``±magnitude · 2**exponent`` to ``precision`` bits with a last place of at least ``last_place_min``.

    Returns ``(magnitude, exponent)``: the value in the direction ``mode`` among ``M · 2**E`` with
    ``M < 2**precision`` and ``E >= last_place_min``. A value that needs no rounding comes back as it is
    (its exponent may be above or below the canonical one, its bits are few enough); a carry out of the top
    is renormalised, so the magnitude never reaches ``2**precision``. There is no largest exponent: overflow
    is the caller's policy.

    The input may carry a jammed sticky bit in bit 0 as long as two bits or more are discarded here.
    ``magnitude`` is an int64 in [0, 2**63). With one significand bit, where every significand is odd, a tie
    goes to the even exponent field (IEEE P3109, section 4.6), the field of ``2**last_place_min`` being 1.
    """
    shift = max(bit_length(magnitude) - precision, last_place_min - exponent)
    if shift <= 0 or magnitude == 0:
        return magnitude, exponent
    exponent += shift
    if shift > 63:  # less than half of the last place, whatever the magnitude
        quotient = 0
        away = rounds_away(negative, False, 1, 2, mode)
    else:
        quotient = magnitude >> shift
        half = 1 << (shift - 1)
        remainder = magnitude & ((half - 1) + half)  # not (1 << 63) - 1, which overflows
        odd = (quotient & 1) != 0
        if precision == 1:
            odd = odd and ((exponent - last_place_min) & 1) == 0
        away = remainder != 0 and rounds_away(negative, odd, remainder, half, mode)
    if away:
        quotient += 1
        if quotient >> precision:
            quotient >>= 1
            exponent += 1
    return quotient, exponent


@njit(cache=True)
def goes_up(remainder, shift, mode, bits, word):
    """Whether ``bits`` random bits ``word`` raise the magnitude that a discarded ``remainder · 2**-shift`` is left of.

    With n bits r and the discarded fraction d (IEEE P3109 interim report): a: ``floor(d·2**n) + r >= 2**n``;
    b: ``floor(d·2**(n+1)) + 2r + 1 >= 2**(n+1)``; c: ``rint(d·2**n) + r >= 2**n``; equal probability: r is odd.
    """
    if mode == EQUAL:
        return remainder != 0 and (word & 1) != 0
    drop = shift - (bits + 1)
    if drop > 62:
        reached, rest = np.int64(0), remainder != 0
    elif drop > 0:
        reached = remainder >> drop
        rest = (reached << drop) != remainder
    else:
        reached, rest = remainder << -drop, False
    if mode == STOCHASTIC_B:
        return reached + 2 * word + 1 >= np.int64(2) << bits
    share = reached >> 1
    if mode == STOCHASTIC_C and (reached & 1) != 0 and (rest or (share & 1) != 0):
        share += 1
    return share + word >= np.int64(1) << bits


@njit(cache=True)
def round_significand_randomly(magnitude, exponent, precision, last_place_min, mode, bits, word):
    """`round_significand` by a random mode with the random bits ``word`` of ``bits`` bits, 1 to 32.

    The input may carry a jammed sticky bit in bit 0 as long as ``bits + 2`` bits or more are discarded here.
    """
    shift = max(bit_length(magnitude) - precision, last_place_min - exponent)
    if shift <= 0 or magnitude == 0:
        return magnitude, exponent
    exponent += shift
    quotient, remainder = np.int64(0), magnitude
    if shift <= 62:
        quotient = magnitude >> shift
        remainder = magnitude - (quotient << shift)
    if goes_up(remainder, shift, mode, bits, word):
        quotient += 1
        if quotient >> precision:
            quotient >>= 1
            exponent += 1
    return quotient, exponent
