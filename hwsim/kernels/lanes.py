"""Rounding in lanes: bits are dropped from significands by one addition and one shift, without a branch.

The rules are those of `hwsim.kernels.rounding`, for array loops that vectorise. They are written once, over unsigned
integers of type T (uint32 or uint64; S is the signed type of its width, ``top`` that width less one). Every result
is cast back to T and every shift count masked with ``top``, without which Numba widens to 64 bits and the loops run
at a third of the speed; they are inlined before the compiler sees them, so that ``top`` is a constant there.
"""

from __future__ import annotations

from numba import njit

from hwsim.kernels.rounding import EQUAL, ODD, RNA, RNE, RU, RZ, STOCHASTIC_A, STOCHASTIC_B, STOCHASTIC_C


@njit(cache=True)
def rounding_masks(T, mode, top):
    """``(positive, negative, always, ties, odd)`` with which a deterministic mode adds; see `increment`.

    ``positive`` and ``negative`` say how far the mask of the dropped bits is shifted before it is added: not at all
    rounds away from zero, by one to nearest, by ``top`` truncates. ``ties``: half-way cases may go up, those of an
    even code too if ``always``. ``odd``: an even code goes up whenever anything is dropped.
    """
    none, one, zero = T(top), T(1), T(0)
    if mode == RNE:
        return one, one, zero, one, zero
    if mode == RNA:
        return one, one, one, one, zero
    if mode == RU:
        return zero, none, zero, zero, zero
    if mode == RZ:
        return none, none, zero, zero, zero
    if mode == ODD:
        return none, none, zero, zero, T(zero - one)
    return none, zero, zero, zero, zero


@njit(cache=True)
def random_masks(T, mode, bits):
    """``(b, bits, c, equal)`` by which `random_increment` tells the random modes apart."""
    second, third = T(1 if mode == STOCHASTIC_B else 0), T(1 if mode == STOCHASTIC_C else 0)
    return second, T(T(bits) + second), third, mode == EQUAL


@njit(cache=True)
def is_random(mode):
    """Whether a mode takes random bits."""
    return mode >= STOCHASTIC_A


@njit(cache=True, inline="always")
def increment(T, mask, parity, negative, masks, top):
    """What a deterministic mode adds to a significand before the bits under ``mask`` are dropped."""
    positive_shift, negative_shift, always, ties, odd = masks
    shift = T((negative_shift if negative else positive_shift) & top)
    nearest = T(T(T(parity | always) & ties) & mask)
    return T(T(T(mask >> shift) + nearest) + T(T(mask & T(parity - T(1))) & odd))


@njit(cache=True, inline="always")
def random_increment(T, significand, shift, mask, word, random, top):
    """``(significand, addend)`` of a random rounding that drops ``shift`` bits, by IEEE P3109's three forms.

    ``word`` holds n random bits r; with the dropped fraction d the magnitude goes up where
    a: ``floor(d·2**n) + r >= 2**n``; b: ``floor(d·2**(n+1)) + 2r + 1 >= 2**(n+1)``; c: ``rint(d·2**n) + r >= 2**n``;
    equal probability: d > 0 and the lowest bit of r is set. Each is an addition whose carry leaves the dropped bits.
    """
    second, bits, third, equal = random
    one = T(1)
    coin = T(T(0) - T(word & one))
    word = T(T(word << second) + second)
    reach = T(max(shift, bits))
    fewer = T(T(reach - bits) & top)  # dropped bits that the random ones do not reach
    coarse = T(T(fewer * third) & top)
    below = T(T(one << coarse) - one)
    parity = T(T(significand >> coarse) & one)
    significand = T(T(significand + T(T(below >> one) + T(parity & below))) & T(~below))
    lined_up = T(T(word >> T(T(reach - shift) & top)) << fewer)
    return significand, T((coin if equal else lined_up) & mask)


@njit(cache=True, inline="always")
def drop(T, S, significand, down, code, parity_bit, negative, masks, word, random, randomly, top, source_bits):
    """``significand / 2**down`` rounded; the parity that breaks ties is that of ``code`` plus the quotient.

    ``randomly`` is a literal that says which kind of rounding is compiled. Of ``parity_bit`` 0 the quotient does not
    count. A significand has ``source_bits`` bits below its hidden one.
    """
    one = T(1)
    if randomly:
        # What lies below the places that random bits reach is remembered by the last of them.
        lost = T(T(min(max(S(down - S(top)), S(0)), S(S(source_bits) + S(1)))) & top)
        kept = T(significand >> lost)
        significand = T(kept | (one if T(kept << lost) != significand else T(0)))
        shift = T(T(min(down, S(top))) & top)
        mask = T(T(one << shift) - one)
        significand, addend = random_increment(T, significand, shift, mask, word, random, top)
    else:
        shift = T(T(min(down, S(S(source_bits) + S(2)))) & top)
        mask = T(T(one << shift) - one)
        parity = T(T(code + T(T(significand >> shift) & parity_bit)) & one)
        addend = increment(T, mask, parity, negative, masks, top)
    return T(T(significand + addend) >> shift)
