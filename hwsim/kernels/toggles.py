"""Bits that change between successive codes: what a register, or an input of a multiplier, toggles."""

from __future__ import annotations

from numba import njit, uint64

_PAIRS = uint64(0x5555555555555555)
_FOURS = uint64(0x3333333333333333)
_BYTES = uint64(0x0F0F0F0F0F0F0F0F)
_SUM = uint64(0x0101010101010101)


@njit(cache=True, inline="always")
def _ones(x):
    """How many bits of a uint64 are set: sums of 2, 4 and 8 bits side by side, then of all bytes."""
    x = x - ((x >> uint64(1)) & _PAIRS)
    x = (x & _FOURS) + ((x >> uint64(2)) & _FOURS)
    x = (x + (x >> uint64(4))) & _BYTES
    return (x * _SUM) >> uint64(56)


@njit(cache=True, nogil=True)
def toggles(codes, weights):
    """Σ over sequences s and times t of ``weights[t] · ones(codes[s, t] ^ codes[s, t + 1])``.

    ``codes`` uint64 [S, T], ``weights`` uint64 [T − 1]; a uint64.
    """
    total = uint64(0)
    for sequence in range(codes.shape[0]):
        for time in range(codes.shape[1] - 1):
            total += weights[time] * _ones(codes[sequence, time] ^ codes[sequence, time + 1])
    return total
