"""Encode float32 and float64 arrays into any float format, in lanes of 32 and of 64 bits.

The magnitude part of a code counts the format's non-negative values in order, so with ``m`` stored significand bits
a number with significand ``s`` (hidden bit included) and exponent field ``f`` has the code ``((f - 1) << m) + s``;
subnormals are ``f = 1`` without the hidden bit, a carry of the rounding moves into the exponent by itself, and the
parity that breaks ties is the code's.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels import philox
from hwsim.kernels.codec import (
    BIAS,
    CODE_OFFSET,
    MANTISSA_BITS,
    MODE,
    NAN,
    NEGATIVE_INFINITY,
    NEGATIVE_LIMIT,
    NEGATIVE_OVERFLOW,
    NEGATIVE_ZERO,
    POSITIVE_INFINITY,
    POSITIVE_LIMIT,
    POSITIVE_OVERFLOW,
    SIGN,
    SUBNORMALS,
)
from hwsim.kernels.lanes import drop, random_masks, rounding_masks
from hwsim.kernels.rounding import RD, RU

CHUNK = 8 * philox.BLOCK
"""Values that are taken at a time where one loop reads what another wrote: all stay in the L1 cache."""


@njit(cache=True)
def typed(T, parameters):
    """A format's parameters in the kernel's own type, in the order that `float_code` takes them apart."""
    m, code_offset = T(parameters[MANTISSA_BITS]), T(parameters[CODE_OFFSET])
    # Skipping an odd number of codes (one, for m = 0) inverts the parity of all but the zero below them.
    parity_bit = T(0) if parameters[CODE_OFFSET] == 1 else T(1)
    flush_bits = T(0) if parameters[SUBNORMALS] != 0 else m
    return (
        m, code_offset, parity_bit, flush_bits, T(parameters[POSITIVE_LIMIT]), T(parameters[NEGATIVE_LIMIT]),
        T(parameters[POSITIVE_OVERFLOW]), T(parameters[NEGATIVE_OVERFLOW]), T(parameters[POSITIVE_INFINITY]),
        T(parameters[NEGATIVE_INFINITY]), T(parameters[NAN]), T(parameters[SIGN]), T(parameters[NEGATIVE_ZERO]),
    )  # fmt: skip


# How much of the rule a format needs; a literal in each loop, so that the rest is not compiled into it.
GENERAL = 0
SIGNED = 1  # subnormals and a zero, and as many negative codes as positive ones
PLAIN = 2  # besides, both signs round alike, and infinities become what overflows do


@njit(cache=True)
def shape_of(parameters):
    """`GENERAL`, `SIGNED` or `PLAIN`."""
    has_zero = parameters[SUBNORMALS] != 0 and parameters[CODE_OFFSET] == 0
    if not has_zero or parameters[NEGATIVE_LIMIT] != parameters[POSITIVE_LIMIT]:
        return GENERAL
    directed = parameters[MODE] == RU or parameters[MODE] == RD
    positive = parameters[POSITIVE_INFINITY] == parameters[POSITIVE_OVERFLOW]
    negative = parameters[NEGATIVE_INFINITY] == parameters[NEGATIVE_OVERFLOW]
    return PLAIN if positive and negative and not directed else SIGNED


@njit(cache=True, inline="always")
def float_code(T, S, pattern, parameters, masks, offset, shape, word, random, randomly, top, source_bits):
    """Code of one IEEE pattern; T, S, ``top`` and the literal ``randomly`` are those of `hwsim.kernels.lanes`.

    The format's ``m`` is at most ``source_bits`` and its smallest normal, divided by ``2**offset``, a normal number
    of the source, so that bits are only ever discarded, once. ``shape`` is a literal, see `shape_of`.
    """
    (m, code_offset, parity_bit, flush_bits, positive_limit, negative_limit, positive_overflow, negative_overflow,
     positive_infinity, negative_infinity, nan, sign, negative_zero) = parameters  # fmt: skip
    one, zero = T(1), T(0)
    negative = False if shape == PLAIN else T(pattern >> top) != zero
    magnitude = T(pattern & T(T(one << top) - one))
    infinity = T(T(T(one << T(top - source_bits)) - one) << source_bits)
    field = S(max(S(T(magnitude >> source_bits)), S(1)) - S(1))
    significand = T(magnitude - T(T(field) << source_bits))
    target = S(field + offset)
    target_field = S(max(target, S(0)))
    down = S(S(S(source_bits) - S(m)) + S(target_field - target))
    base = T(T(target_field) << T(m & top))
    flushed = zero
    if shape == GENERAL:
        # Below the smallest normal the next value down is zero where there are no subnormals: m more bits go.
        below = (target < S(0)) | (significand < T(one << source_bits))
        flushed = T(flush_bits if below else zero)
        down = S(down + S(flushed))
    counts = parity_bit if shape == GENERAL else one
    rounded = drop(T, S, significand, down, base, counts, negative, masks, word, random, randomly, top, source_bits)
    code = T(base + T(rounded << T(flushed & top)))
    if shape != GENERAL:
        beyond = code > positive_limit
        signed = T(negative_overflow - positive_overflow) if beyond else (negative_zero if code == zero else sign)
        result = positive_overflow if beyond else code
        if shape == SIGNED:
            infinite = magnitude == infinity
            signed = T(negative_infinity - positive_infinity) if infinite else signed
            result = positive_infinity if infinite else result
        result = T(result + T(T(pattern >> top) * signed))
    else:
        result = T(T(max(code, code_offset) - code_offset) + (sign if negative else zero))
        result = (negative_zero if negative else zero) if code == zero else result
        beyond = code > (negative_limit if negative else positive_limit)
        result = (negative_overflow if negative else positive_overflow) if beyond else result
        result = (negative_infinity if negative else positive_infinity) if magnitude == infinity else result
    return nan if magnitude > infinity else result


@njit(cache=True, inline="always")
def is_nan(T, pattern, top, source_bits):
    """1 for the pattern of a NaN, 0 for any other."""
    infinity = T(T(T(T(1) << T(top - source_bits)) - T(1)) << source_bits)
    return T(1) if T(pattern & T(T(T(1) << top) - T(1))) > infinity else T(0)


@njit(cache=True, inline="always")
def _encode(patterns, signed, out, parameters, top, source_bits, source_bias):
    T, S = patterns.dtype.type, signed.dtype.type
    p = typed(T, parameters)
    masks, none = rounding_masks(T, parameters[MODE], top), random_masks(T, 0, 0)
    offset = S(parameters[BIAS] - source_bias)
    nans = T(0)
    shape = shape_of(parameters)
    if shape == PLAIN:
        for i in range(patterns.size):
            x = patterns[i]
            out[i] = float_code(T, S, x, p, masks, offset, PLAIN, T(0), none, False, top, source_bits)
            nans = T(nans + is_nan(T, x, top, source_bits))
    elif shape == SIGNED:
        for i in range(patterns.size):
            x = patterns[i]
            out[i] = float_code(T, S, x, p, masks, offset, SIGNED, T(0), none, False, top, source_bits)
            nans = T(nans + is_nan(T, x, top, source_bits))
    else:
        for i in range(patterns.size):
            x = patterns[i]
            out[i] = float_code(T, S, x, p, masks, offset, GENERAL, T(0), none, False, top, source_bits)
            nans = T(nans + is_nan(T, x, top, source_bits))
    return nans


@njit(cache=True, nogil=True)
def encode_float32(patterns, signed, out, parameters, span):
    """Codes of the float32 ``patterns`` (uint32; ``signed`` is their int32 view) in ``span``; how many were NaN."""
    x, s, o = patterns[span[0] : span[1]], signed[span[0] : span[1]], out[span[0] : span[1]]
    return _encode(x, s, o, parameters, np.uint32(31), np.uint32(23), np.int64(127))


@njit(cache=True, nogil=True)
def encode_float64(patterns, signed, out, parameters, span):
    """The same of float64 patterns (uint64, int64)."""
    x, s, o = patterns[span[0] : span[1]], signed[span[0] : span[1]], out[span[0] : span[1]]
    return _encode(x, s, o, parameters, np.uint64(63), np.uint64(52), np.int64(1023))


@njit(cache=True, inline="always")
def _encode_randomly(patterns, signed, out, parameters, words, key, bits, span, top, source_bits, source_bias):
    T, S = patterns.dtype.type, signed.dtype.type
    p = typed(T, parameters)
    masks, random = rounding_masks(T, 0, top), random_masks(T, parameters[MODE], bits)
    offset = S(parameters[BIAS] - source_bias)
    nans = T(0)
    drawn, room = np.empty(CHUNK, np.uint32), np.empty(philox.BLOCK, np.uint32)
    for start in range(span[0], span[1], CHUNK):
        end = min(start + CHUNK, span[1])
        x, o = patterns[start:end], out[start:end]
        philox.draw(words, start, drawn[: x.size], key, bits, room)
        for i in range(x.size):
            w = T(drawn[i])
            o[i] = float_code(T, S, x[i], p, masks, offset, GENERAL, w, random, True, top, source_bits)
            nans = T(nans + is_nan(T, x[i], top, source_bits))
    return nans


@njit(cache=True, nogil=True)
def encode_float32_randomly(patterns, signed, out, parameters, words, key, bits, span):
    """`encode_float32` by a random mode of up to 24 random bits: given ``words``, or those of a Philox ``key``."""
    top, source = np.uint32(31), np.uint32(23)
    return _encode_randomly(patterns, signed, out, parameters, words, key, bits, span, top, source, np.int64(127))


@njit(cache=True, nogil=True)
def encode_float64_randomly(patterns, signed, out, parameters, words, key, bits, span):
    """The same of float64, of up to 32 random bits."""
    top, source = np.uint64(63), np.uint64(52)
    return _encode_randomly(patterns, signed, out, parameters, words, key, bits, span, top, source, np.int64(1023))
