"""Encode into any list of values: how many thresholds a number has reached says which value it becomes."""

from __future__ import annotations

import numpy as np
from numba import njit

CHUNK = 2048
"""Values that are counted at a time, so that their ranks stay in the L1 cache."""
COUNTED = 64
"""Up to this many thresholds all of them are compared, many values at once; more are searched by halves."""


@njit(cache=True, nogil=True)
def encode(x, out, thresholds, codes, zero_rank, negative_zero, nan, span):
    """Codes of float32 or float64 ``x`` (``thresholds`` of the same type, ascending); how many were NaN.

    A number that has reached r thresholds gets ``codes[r]``. ``negative_zero``: the code of numbers below zero, and
    of −0, that get rank ``zero_rank``; −1 where it is that of zero. ``nan``: the code of NaN.
    """
    ranks = np.zeros(CHUNK, np.uint16)
    nans = 0
    for start in range(span[0], span[1], CHUNK):
        part, o = x[start : min(start + CHUNK, span[1])], out[start : min(start + CHUNK, span[1])]
        if thresholds.size <= COUNTED:
            _count(part, thresholds, ranks)
        else:
            _search(part, thresholds, ranks)
        for i in range(part.size):
            rank = ranks[i]
            code = codes[rank]
            if rank == zero_rank and negative_zero >= 0 and np.signbit(part[i]):
                code = negative_zero
            if np.isnan(part[i]):
                code = nan
                nans += 1
            o[i] = code
    return nans


@njit(cache=True)
def _count(x, thresholds, ranks):
    for i in range(x.size):
        ranks[i] = np.uint16(0)
    for j in range(thresholds.size):
        threshold = thresholds[j]
        for i in range(x.size):
            ranks[i] = np.uint16(ranks[i] + (np.uint16(1) if x[i] >= threshold else np.uint16(0)))


@njit(cache=True)
def _search(x, thresholds, ranks):
    half = 1
    while 2 * half <= thresholds.size:
        half *= 2
    for i in range(x.size):
        value, rank, step = x[i], 0, half
        while step:
            if rank + step <= thresholds.size and value >= thresholds[rank + step - 1]:
                rank += step
            step >>= 1
        ranks[i] = np.uint16(rank)
