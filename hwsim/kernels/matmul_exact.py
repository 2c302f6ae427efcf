"""Exact sums in a long fixed-point word (a Kulisch accumulator), rounded once per block of lanes.

The word is an array of limbs of 32 bits in int64, so that carries wait: 2**30 additions fit between two
settlements. Limb i weighs ``2**(32·i + base)``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.accumulate import STEP, add_tags, drawn, round_infinity, round_number
from hwsim.kernels.multiply import FINITE, MINUS_ZERO, multiply, product_tag
from hwsim.kernels.rounding import bit_length

LIMB = 32
LIMB_MASK = (1 << 32) - 1
SETTLE_EVERY = 1 << 28
NARROW_BITS = 24
"""Products of at most this many bits go into one limb whole: shifted by up to 31 they leave room for 64 of them."""
NARROW_EVERY = 64


@njit(cache=True)
def deposit(limbs, base, significand, exponent):
    """Add ``significand · 2**exponent`` (|significand| < 2**62, exponent >= base) to the word."""
    position = exponent - base
    i = position >> 5
    shift = position & 31
    magnitude = abs(significand)
    low = (magnitude & LIMB_MASK) << shift
    high = (magnitude >> LIMB) << shift
    sign = -1 if significand < 0 else 1
    limbs[i] += sign * (low & LIMB_MASK)
    limbs[i + 1] += sign * ((low >> LIMB) + (high & LIMB_MASK))
    limbs[i + 2] += sign * (high >> LIMB)


@njit(cache=True, inline="always")
def deposit_narrow(limbs, base, significand, exponent):
    """The same for |significand| < 2**`NARROW_BITS`; limbs then need settling every `NARROW_EVERY` times."""
    position = exponent - base
    limbs[position >> 5] += significand << (position & 31)


@njit(cache=True)
def settle(limbs):
    """Carry, so that each limb but the last lies in [0, 2**32); the last keeps the sign."""
    for i in range(limbs.size - 1):
        limbs[i + 1] += limbs[i] >> LIMB
        limbs[i] &= LIMB_MASK


@njit(cache=True)
def withdraw(limbs, base):
    """``(negative, magnitude, exponent)`` of the word, bit 0 sticky for all that lies below 61 bits."""
    settle(limbs)
    negative = limbs[limbs.size - 1] < 0
    if negative:
        for i in range(limbs.size):
            limbs[i] = -limbs[i]
        settle(limbs)
    top = limbs.size - 1
    while top > 0 and limbs[top] == 0:
        top -= 1
    magnitude = limbs[top]
    exponent = base + LIMB * top
    for i in range(top - 1, -1, -1):
        room = min(61 - bit_length(magnitude), LIMB)
        magnitude = (magnitude << room) | (limbs[i] >> (LIMB - room))
        exponent -= room
        if limbs[i] & ((1 << (LIMB - room)) - 1):
            magnitude |= 1
        if room < LIMB:
            for rest in range(i):
                if limbs[rest] != 0:
                    magnitude |= 1
            break
    return negative, magnitude, exponent


@njit(cache=True, nogil=True)
def exact(
    a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, k_range, rows_per_matrix,
    lanes, word, accumulator, outputs, sums, sums_exponent, sums_tag, span,
):  # fmt: skip
    """Sum blocks of ``lanes`` products and the sum so far exactly, round each block once; returns the overflows.

    ``word`` is (base, number of limbs). An exact zero is +0. The arrays, ``outputs`` and the span are those of
    `sequential`.
    """
    columns = sums.shape[1]
    base = word[0]
    count = 0
    limbs = np.zeros(word[1], np.int64)
    narrow = rule[4] <= NARROW_BITS
    every = NARROW_EVERY if narrow else SETTLE_EVERY
    for where in range(span[0], span[1]):
        output = outputs[where] if outputs.size else where
        i = output // columns
        j = output - i * columns
        row = i // rows_per_matrix * columns + j
        s, e, tag = sums[i, j], np.int64(sums_exponent[i, j]), np.int64(sums_tag[i, j])
        for start in range(k_range[0], k_range[1], lanes):
            limbs[:] = 0
            if tag == MINUS_ZERO:
                tag = np.int64(FINITE)
            if s != 0:
                deposit(limbs, base, s, e)
            for k in range(start, min(start + lanes, k_range[1])):
                p, pe = multiply(
                    rule, a[i, k], np.int64(a_exponent[i, k]), b[row, k], np.int64(b_exponent[row, k]),
                    table, table_exponent,
                )  # fmt: skip
                if (a_tag[i, k] | b_tag[row, k]) & 3:
                    tag = add_tags(tag, product_tag(np.int64(a_tag[i, k]), np.int64(b_tag[row, k]), p, 0))
                elif p != 0:
                    if narrow:
                        deposit_narrow(limbs, base, p, pe)
                    else:
                        deposit(limbs, base, p, pe)
                if (k - start) % every == every - 1:
                    settle(limbs)
            if tag != FINITE:
                s, e, tag, _ = round_infinity(tag, accumulator)
                continue
            negative, magnitude, exponent = withdraw(limbs, base)
            s, e, tag, overflowed = round_number(negative, magnitude, exponent, drawn(accumulator, output, start, STEP))
            count += overflowed
        sums[i, j], sums_exponent[i, j], sums_tag[i, j] = s, e, tag
    return count
