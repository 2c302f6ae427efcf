"""Encode float32 and float64 arrays into two's complement integers and fixed point, in lanes of 32 and 64 bits."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels import philox
from hwsim.kernels.encode_float import CHUNK, is_nan
from hwsim.kernels.lanes import drop, random_masks, rounding_masks

# Parameters of an integer or fixed point format; magnitudes are uint64 patterns in int64.
FRACTION_BITS = 0
MODE = 1
POSITIVE_MAGNITUDE = 2  # the largest magnitude above zero
NEGATIVE_MAGNITUDE = 3  # and below
WRAP = 4  # 1: out of range gives the low bits, 0: the limit
CODE_MASK = 5
NAN = 6  # code of NaN


@njit(cache=True, inline="always")
def fixed_code(T, S, pattern, parameters, masks, word, random, randomly, top, source_bits):
    """Code of one IEEE pattern; T, S, ``top`` and the literal ``randomly`` are those of `hwsim.kernels.lanes`.

    ``parameters``: the biased exponent, less one, of a source whose last place is the format's; the limits above and
    below zero, whether to wrap, the mask of a code and the code of NaN, all but the first in T.
    """
    last_place, positive_limit, negative_limit, wrap, code_mask, nan = parameters
    one, zero = T(1), T(0)
    negative = T(pattern >> top) != zero
    magnitude = T(pattern & T(T(one << top) - one))
    infinity = T(T(T(one << T(top - source_bits)) - one) << source_bits)
    field = S(max(S(T(magnitude >> source_bits)), S(1)) - S(1))
    significand = T(magnitude - T(T(field) << source_bits))
    down = S(last_place - field)
    rounded = drop(
        T, S, significand, S(max(down, S(0))), zero, one, negative, masks, word, random, randomly, top, source_bits
    )
    up = T(T(min(S(max(S(S(0) - down), S(0))), S(top))) & top)
    limit = negative_limit if negative else positive_limit
    infinite = magnitude == infinity
    beyond = (rounded > T(limit >> up)) | infinite
    shifted = zero if infinite | (S(S(0) - down) > S(top)) else T(rounded << up)
    kept = limit if beyond & (not wrap) else shifted
    code = T((T(zero - kept) if negative else kept) & code_mask)
    return nan if magnitude > infinity else code


@njit(cache=True)
def typed(T, S, parameters, source_bits, source_bias):
    """A format's parameters in the kernel's own types; see `fixed_code`."""
    last_place = S(np.int64(source_bits) + source_bias - 1 - parameters[FRACTION_BITS])
    limits = T(parameters[POSITIVE_MAGNITUDE]), T(parameters[NEGATIVE_MAGNITUDE])
    return last_place, limits[0], limits[1], parameters[WRAP] != 0, T(parameters[CODE_MASK]), T(parameters[NAN])


@njit(cache=True, inline="always")
def _encode(patterns, signed, out, parameters, top, source_bits, source_bias):
    T, S = patterns.dtype.type, signed.dtype.type
    p = typed(T, S, parameters, source_bits, source_bias)
    masks, none = rounding_masks(T, parameters[MODE], top), random_masks(T, 0, 0)
    nans = T(0)
    for i in range(patterns.size):
        x = patterns[i]
        out[i] = fixed_code(T, S, x, p, masks, T(0), none, False, top, source_bits)
        nans = T(nans + is_nan(T, x, top, source_bits))
    return nans


@njit(cache=True, nogil=True)
def encode_float32(patterns, signed, out, parameters, span):
    """Codes of up to 32 bits of the float32 ``patterns`` (uint32, int32) in ``span``; how many were NaN."""
    x, s, o = patterns[span[0] : span[1]], signed[span[0] : span[1]], out[span[0] : span[1]]
    return _encode(x, s, o, parameters, np.uint32(31), np.uint32(23), np.int64(127))


@njit(cache=True, nogil=True)
def encode_float64(patterns, signed, out, parameters, span):
    """Codes of up to 64 bits of the float64 ``patterns`` (uint64, int64)."""
    x, s, o = patterns[span[0] : span[1]], signed[span[0] : span[1]], out[span[0] : span[1]]
    return _encode(x, s, o, parameters, np.uint64(63), np.uint64(52), np.int64(1023))


@njit(cache=True, nogil=True)
def encode_float64_randomly(patterns, signed, out, parameters, words, key, bits, span):
    """Codes by a random mode of up to 32 random bits: given ``words``, or those of a Philox ``key``."""
    T, S = patterns.dtype.type, signed.dtype.type
    top, source_bits = np.uint64(63), np.uint64(52)
    p = typed(T, S, parameters, source_bits, np.int64(1023))
    masks, random = rounding_masks(T, 0, top), random_masks(T, parameters[MODE], bits)
    nans = T(0)
    drawn, room = np.empty(CHUNK, np.uint32), np.empty(philox.BLOCK, np.uint32)
    for start in range(span[0], span[1], CHUNK):
        x, o = patterns[start : min(start + CHUNK, span[1])], out[start : min(start + CHUNK, span[1])]
        philox.draw(words, start, drawn[: x.size], key, bits, room)
        for i in range(x.size):
            o[i] = fixed_code(T, S, x[i], p, masks, T(drawn[i]), random, True, top, source_bits)
            nans = T(nans + is_nan(T, x[i], top, source_bits))
    return nans
