"""How a block's sums leave `hwsim.kernels.fused_columns`: joined, met by a late addend, rounded."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bits import ONE_FIELD, binade, bits_to_float, float32_to_bits, float_to_bits, floor

LEAST_POWER = np.float32(2.0**-101)
"""Below the exponent of every product here; a sum below is left to the general kernel, lest ``2**(F − E)`` leave
float32. The largest exponent of zeros alone."""
LEAST_NORMAL = np.float32(2.0**-126)

# Places in the tuple of float64 numbers that describes a unit to these kernels.
KEPT = 0  # 2**F of the terms that meet the addend, or of all products where it comes late
GROUP_KEPT = 1  # 2**F within groups
ZERO_POWER = 2  # 2**exponent of a zero addend, 0 where zeros do not count
FIRST_SMALLEST, SMALLEST = 3, 4  # 2**emin of the first addend's format, of the accumulator's
MAGIC, PRECISION, LARGEST = 5, 6, 7  # the first as in `hwsim.kernels.matmul_float64`
LATE_KEPT, LATE_SUM_KEPT, LATE_ZERO_POWER, LATE_DROP, NORMALIZED = 8, 9, 10, 11, 12


@njit(cache=True)
def leave_truncated(total, top, numbers, s, bad):
    """The block's sums toward zero into a format of float32's exponents; below its normal numbers they are bad."""
    last, largest = np.float32(1.0 / numbers[KEPT]), np.float32(numbers[LARGEST])
    mask = ~((np.int64(1) << np.int64(53 - numbers[PRECISION])) - 1)
    for j in range(s.size):
        cut = bits_to_float(float_to_bits(np.float64(total[j])) & mask)
        r = np.float32(cut) * (top[j] * last)
        beyond = (abs(r) > largest) | ((abs(r) < LEAST_NORMAL) & (total[j] != 0))
        bad[j] |= np.int32(beyond)
        s[j] = np.float32(0.0) if beyond else r


@njit(cache=True)
def leave_nearest(total, top, numbers, s, bad):
    """The block's sums ``total · top · 2**−F`` to the nearest number of the accumulator's format, ties to even."""
    last, smallest, magic, largest = 1.0 / numbers[KEPT], numbers[SMALLEST], numbers[MAGIC], numbers[LARGEST]
    for j in range(s.size):
        v = np.float64(total[j]) * (np.float64(top[j]) * last)
        shift = max(binade(v), smallest) * magic
        r = (v + shift) - shift
        beyond = not (abs(r) <= largest)
        bad[j] |= np.int32(beyond)
        s[j] = np.float32(0.0 if beyond else r + 0.0)  # −0 becomes +0


@njit(cache=True)
def leave_toward_zero(total, top, numbers, s, bad):
    """The same toward zero, for formats of fewer exponents than float32."""
    last, smallest, magic, largest = 1.0 / numbers[KEPT], numbers[SMALLEST], numbers[MAGIC], numbers[LARGEST]
    last_place = 2.0 ** (1.0 - numbers[PRECISION])
    for j in range(s.size):
        v = np.float64(total[j]) * (np.float64(top[j]) * last)
        unit = max(binade(v), smallest)
        r = (v + unit * magic) - unit * magic
        r -= np.copysign(unit * last_place, v) if abs(r) > abs(v) else 0.0
        beyond = not (abs(r) <= largest)
        bad[j] |= np.int32(beyond)
        s[j] = np.float32(0.0 if beyond else r + 0.0)


@njit(cache=True)
def leave_late(total, top, numbers, smallest_addend, s, bad):
    """The products' sums ``total · top · 2**−F`` and the addends ``s``: cut below the larger exponent, added, rounded.

    All in units of the finer of the two last places, so that every number is whole until the accumulator rounds it.
    """
    smallest, magic, largest = numbers[SMALLEST], numbers[MAGIC], numbers[LARGEST]
    drop, zero_power = numbers[LATE_DROP], numbers[LATE_ZERO_POWER]
    fine = max(numbers[LATE_KEPT], numbers[LATE_SUM_KEPT])
    sum_kept, sum_unit = numbers[LATE_SUM_KEPT] / numbers[KEPT], fine / numbers[LATE_SUM_KEPT]
    kept, unit, last = numbers[LATE_KEPT], fine / numbers[LATE_KEPT], 1.0 / fine
    # Bits of a float64 below those that a sum keeps: a negative one is carried away from zero by them.
    below = (np.int64(1) << np.int64(52 - numbers[NORMALIZED])) - 1
    for j in range(s.size):
        c = np.float64(s[j])
        own = max(binade(c), smallest_addend) if c != 0.0 else zero_power
        power = np.float64(top[j])
        reach = max(power if top[j] > LEAST_POWER else 0.0, own)
        reach = reach if reach > 0.0 else 1.0  # zeros without an exponent
        inverse = bits_to_float(2 * ONE_FIELD - float_to_bits(reach))  # 1 / 2**e by the exponent field
        products = floor(np.float64(total[j]) * (power * inverse * sum_kept)) * sum_unit
        addend = floor(c * (inverse * kept)) * unit
        bits = float_to_bits(products + (addend if own >= reach * drop else 0.0))
        v = bits_to_float((bits + ((bits >> 63) & below)) & ~below)
        shift = binade(v) * magic
        r = ((v + shift) - shift) * (reach * last)
        # A sum that is not zero but below the smallest normal number is rounded at another place.
        beyond = (not (abs(r) <= largest)) | ((abs(v) * (reach * last) < smallest) & (v != 0.0))
        bad[j] |= np.int32(beyond)
        s[j] = np.float32(0.0 if beyond else r + 0.0)


@njit(cache=True)
def join(part, top, narrow, numbers, reach, total):
    """``total`` ← the groups' sums, each floored to the last place below the largest exponent of all, ``reach``.

    Exponents are compared, and sums shifted, as the integers that float32 has them in; ``narrow`` sums fit int32.
    """
    up = np.int64(np.log2(numbers[KEPT] / numbers[GROUP_KEPT]))
    reach[:] = top[0]
    for group in range(1, part.shape[0]):
        own = top[group]
        for j in range(reach.size):
            reach[j] = max(reach[j], own[j])
    total[:] = 0
    for group in range(part.shape[0]):
        own, sums = top[group], part[group]
        if narrow and up == 0:
            for j in range(reach.size):
                down = np.int32(float32_to_bits(reach[j]) - float32_to_bits(own[j])) >> 23
                total[j] += np.int64(np.int32(sums[j]) >> min(np.int32(down), np.int32(31)))
        else:
            for j in range(reach.size):
                lower = (np.int64(float32_to_bits(reach[j])) - np.int64(float32_to_bits(own[j]))) >> 23
                more = np.int64(up) - lower
                left, right = max(more, np.int64(0)), min(max(-more, np.int64(0)), np.int64(63))
                total[j] += (np.int64(sums[j]) << left) >> right
