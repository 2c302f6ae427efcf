"""Blocks that share a scale: their largest magnitudes, and the codes of their quotients."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels import encode_fixed, encode_float

ROOM = 4096
"""Values whose quotients are kept at a time, in the L1 cache; longer blocks are taken in parts."""


@njit(cache=True, nogil=True)
def largest(patterns, size, finite, out, span):
    """``out[b]``: the greatest magnitude pattern of the float32 values of block b in ``span``, NaN above infinity.

    Block b are the values [b·size, (b + 1)·size). ``finite``: infinities and NaN do not count.
    """
    infinity = np.uint32(0x7F800000)
    for b in range(span[0], span[1]):
        block = patterns[b * size : (b + 1) * size]
        found = np.uint32(0)
        if finite:
            for i in range(block.size):
                magnitude = np.uint32(block[i] & np.uint32(0x7FFFFFFF))
                found = np.uint32(max(found, magnitude if magnitude < infinity else np.uint32(0)))
        else:
            for i in range(block.size):
                found = np.uint32(max(found, np.uint32(block[i] & np.uint32(0x7FFFFFFF))))
        out[b] = found
    return 0


@njit(cache=True, inline="always")
def _divide(x, scales, size, first, room):
    for b in range(x.size // size):
        zero = scales[first + b] == np.float32(0)
        scale = np.float32(1) if zero else scales[first + b]
        block, o = x[b * size : (b + 1) * size], room[b * size : (b + 1) * size]
        for i in range(size):
            o[i] = np.float32(0) if zero else np.float32(block[i] / scale)


@njit(cache=True)
def _quotients(x, scales, inverse, size, first, room):
    """``x / scale`` of whole blocks from the block ``first`` on, or ``x · scale`` where ``inverse`` ones are given."""
    if inverse:
        for b in range(x.size // size):
            scale = scales[first + b]
            block, o = x[b * size : (b + 1) * size], room[b * size : (b + 1) * size]
            for i in range(size):
                o[i] = block[i] * scale
    elif size == 16:  # a literal, so that the division of a block is one instruction
        _divide(x, scales, 16, first, room)
    else:
        _divide(x, scales, size, first, room)


@njit(cache=True, nogil=True)
def encode(x, scales, inverse, size, out, parameters, fixed, span):
    """Codes of the float32 quotients of the blocks in ``span``; how many were NaN.

    ``parameters`` are those of a float format or, ``fixed``, of an integer or fixed-point one of up to 32 bits.
    """
    room = np.empty(ROOM, np.float32)
    patterns, signed = room.view(np.uint32), room.view(np.int32)
    at_once = ROOM // size
    nans = 0
    for first in range(span[0], span[1], at_once):
        last = min(first + at_once, span[1])
        values = (0, (last - first) * size)
        o = out[first * size : last * size]
        _quotients(x[first * size : last * size], scales, inverse, size, first, room)
        if fixed:
            nans += encode_fixed.encode_float32(patterns, signed, o, parameters, values)
        else:
            nans += encode_float.encode_float32(patterns, signed, o, parameters, values)
    return nans


@njit(cache=True, nogil=True)
def scale_blocks(values, scales, size, out, span):
    """``out[i] = values[i] · scales[i // size]`` for the blocks in ``span``."""
    for b in range(span[0], span[1]):
        scale = scales[b]
        block, o = values[b * size : (b + 1) * size], out[b * size : (b + 1) * size]
        for i in range(size):
            o[i] = block[i] * scale
    return 0
