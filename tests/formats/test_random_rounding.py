"""Random roundings: their exact bias over all random words, and the words of Philox themselves."""

import os
from fractions import Fraction

import numpy as np
import pytest
from _reference import RANDOM_MODES, philox4x32, philox_words

from hwsim.formats import get
from hwsim.kernels import philox

STEP = 12
"""Fractions d are multiples of 2**−STEP, finer than any number of random bits here."""


# Exact facts, over all words ----------------------------------------------------------------------


def _between(low: float, gap: float, dtype) -> np.ndarray:
    """``low ± d · gap``, away from zero, for all fractions d = j / 2**STEP from 0 up to 1."""
    x = np.copysign(abs(low) + gap * (np.arange(1 << STEP) / (1 << STEP)), low).astype(dtype)
    assert np.unique(x).size == x.size  # float32 holds them
    return x


def _ups(fmt, x: np.ndarray, low: float, mode: str, bits: int) -> np.ndarray:
    """For each x how many of all 2**bits words take it away from ``low``."""
    words = np.arange(1 << bits)
    rounded = fmt.round(np.repeat(x, words.size), mode, random=np.tile(words, x.size), random_bits=bits)
    return (rounded.reshape(x.size, words.size) != low).sum(axis=1)


# A value and the gap to its neighbour away from zero, by the widths of each format.
PLACES = [
    ("e4m3fn", 1.0, 2.0**-3), ("e4m3fn", 2.0**-8, 2.0**-9), ("fp16", -1.5, 2.0**-10), ("bf16", 1.0, 2.0**-7),
    ("e2m1fn", 4.0, 2.0), ("e4m3_flush", 1.75, 2.0**-3), ("e4m3_flush", 0.0, 2.0**-6), ("int8", 3.0, 1.0),
    ("int8", -7.0, 1.0), ("q4.4", 0.0625, 2.0**-4), ("posit8_0", 0.5, 2.0**-6), ("posit16_1", 16.0, 2.0**-6),
    ("takum_linear16", -2.0, 2.0**-9),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "low", "gap"), PLACES)
def test_how_many_words_round_away(name, low, gap, dtype):
    """Of 2**n words: form a takes ``floor(d · 2**n)`` away from zero, b and c the nearest integer to ``d · 2**n``.

    Half-way cases of b go up, those of c to even. It follows for d uniform on multiples of 2**−STEP that a is low by
    ``(2**−n − 2**−STEP) / 2`` on average, b high by ``2**−STEP / 2``, and c exact.
    """
    fmt, x = get(name), _between(low, gap, dtype)
    j = np.arange(1 << STEP)
    d = [Fraction(int(i), 1 << STEP) for i in j]
    for n in (1, 2, 3, 5) if name != "e4m3fn" else range(1, 9):
        rest = STEP - n
        ups = {mode: _ups(fmt, x, low, mode, n) for mode in RANDOM_MODES}
        np.testing.assert_array_equal(ups["stochastic_a"], j >> rest)
        np.testing.assert_array_equal(ups["stochastic_b"], (j + (1 << (rest - 1))) >> rest)
        np.testing.assert_array_equal(ups["stochastic_c"], [round(f * (1 << n)) for f in d])
        np.testing.assert_array_equal(ups["equal_probability"], np.where(j == 0, 0, 1 << (n - 1)))
        bias = {mode: (Fraction(int(count.sum()), 1 << n) - sum(d)) / len(d) for mode, count in ups.items()}
        assert bias["stochastic_a"] == -(Fraction(1, 1 << n) - Fraction(1, 1 << STEP)) / 2
        assert bias["stochastic_b"] == Fraction(1, 1 << STEP) / 2
        assert bias["stochastic_c"] == 0


@pytest.mark.parametrize("mode", RANDOM_MODES)
def test_values_stay_whatever_the_word(mode):
    for name in ("e4m3fn", "fp16", "int8", "q4.4", "posit8_0", "takum_linear8", "e8m0fnu"):
        fmt = get(name)
        codes = np.arange(fmt.code_count, dtype=fmt.code_dtype)
        codes = codes[np.isfinite(fmt.decode(codes))]
        for bits in (1, 24, fmt.max_random_bits):
            for word in (0, 1, (1 << bits) - 1):
                again = fmt.encode(fmt.decode(codes), mode, random=np.full(codes.size, word), random_bits=bits)
                np.testing.assert_array_equal(again, codes)


def test_the_fraction_below_the_random_bits_counts_as_the_forms_say():
    """d = 2**−40 with 24 random bits: a and c never go up, b with no word either; d = 1 − 2**−40: c with each word."""
    fmt, n = get("e4m3fn"), 24
    little, most = 1 + 2.0**-43, 1 + 2.0**-3 - 2.0**-43
    words = np.array([0, 1, (1 << n) - 1])
    for mode, expected in {
        "stochastic_a": [[0, 0, 0], [0, 1, 1]],  # 2**24 − 1 + r >= 2**24
        "stochastic_b": [[0, 0, 0], [1, 1, 1]],  # 2**25 − 1 + 2r + 1 >= 2**25
        "stochastic_c": [[0, 0, 0], [1, 1, 1]],  # 2**24 + r >= 2**24
        "equal_probability": [[0, 1, 1], [0, 1, 1]],
    }.items():
        for x, ups in zip((little, most), expected, strict=True):
            rounded = fmt.round(np.full(3, x), mode, random=words, random_bits=n)
            assert ((rounded - 1) * 8).tolist() == ups, (mode, x)


# Words --------------------------------------------------------------------------------------------

# Random123 1.14.0, tests/kat_vectors: philox4x32 10, counter, key, words.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_the_model_has_the_published_answers(counter, key, words):
    assert philox4x32(counter, key) == words


def _block(number: int, key) -> np.ndarray:
    """One row per counter: its four words, which the kernel lays out a word at a time for 64 counters."""
    words = np.empty(philox.BLOCK, np.uint32)
    philox.fill_block(number, np.uint32(key[0]), np.uint32(key[1]), words)
    return words.reshape(4, philox.COUNTERS).T


def test_the_kernel_has_the_published_answers():
    """Those of counters below 2**64, which is the first; beyond them the model, which has them all, stands in."""
    counter, key, words = KNOWN_ANSWERS[0]
    assert tuple(_block(counter[0] // philox.COUNTERS, key)[0]) == words
    keys = [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), KNOWN_ANSWERS[2][1], (0, 1), (1, 0)]
    for key in keys:
        for block in (0, 1, (1 << 26) - 1, 1 << 26, (1 << 40) + 12345, (1 << 57) - 1):
            rows = _block(block, key)
            for j in (0, 1, 63):
                low, high = (64 * block + j) & 0xFFFFFFFF, (64 * block + j) >> 32
                assert tuple(rows[j]) == philox4x32((low, high, 0, 0), key)


@pytest.mark.parametrize("seed", [0, 1, 1 << 32, (5 << 32) + 9, (1 << 64) - 1])
def test_a_seed_is_the_key_and_bits_are_the_top_ones(seed):
    fmt, x = get("e4m3fn"), np.random.default_rng(1).standard_normal(700)
    words = philox_words(seed, x.size)
    for mode in RANDOM_MODES:
        for bits in (1, 7, 24, 32):
            given = fmt.encode(x, mode, random=words >> np.uint32(32 - bits), random_bits=bits)
            np.testing.assert_array_equal(fmt.encode(x, mode, seed=seed, random_bits=bits), given)


def test_words_do_not_depend_on_where_a_span_begins():
    key, room = np.array([3, 4], np.uint32), np.empty(philox.BLOCK, np.uint32)
    whole = np.empty(5000, np.uint32)
    philox.fill(0, whole, key[0], key[1], room)
    np.testing.assert_array_equal(whole, philox_words(3 + (4 << 32), whole.size))
    for first, count in ((0, 1), (1, 300), (255, 2), (256, 256), (700, 4000), (4999, 1)):
        part = np.empty(count, np.uint32)
        philox.fill(first, part, key[0], key[1], room)
        np.testing.assert_array_equal(part, whole[first : first + count])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["e4m3fn", "int8", "posit16_1"])
def test_the_same_for_any_number_of_threads(name, dtype):
    """More values than one thread's share (2**19 each), of a length that no chunk divides."""
    import numba

    fmt = get(name)
    x = (np.random.default_rng(2).standard_normal((1 << 21) + 777) * 8).astype(dtype)
    before, codes = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            codes.append(fmt.encode(x, "stochastic_b", "saturate", seed=11))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(codes[0], codes[1])
    # In pieces, with the words that belong to each.
    words = np.empty(x.size, np.uint32)
    philox.fill(0, words, np.uint32(11), np.uint32(0), np.empty(philox.BLOCK, np.uint32))
    words >>= np.uint32(32 - 24)
    for start, end in ((0, 1000), (1 << 19, (1 << 19) + 3001), (x.size - 999, x.size)):
        piece = fmt.encode(x[start:end], "stochastic_b", "saturate", random=words[start:end])
        np.testing.assert_array_equal(piece, codes[0][start:end])


# Statistics, of fixed seeds -----------------------------------------------------------------------

COUNT = (1 << 24) if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1 << 20


def _words(seed: int) -> np.ndarray:
    words = np.empty(COUNT, np.uint32)
    philox.fill(0, words, np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32), np.empty(philox.BLOCK, np.uint32))
    return words


@pytest.mark.parametrize("seed", [0, 1, 2**63])
def test_bits_of_words_are_even_and_independent(seed):
    """Within five standard deviations: each bit's count, χ² of each byte's values, of bits of neighbours and seeds."""
    words, other = _words(seed), _words(seed ^ 1)
    deviation = np.sqrt(COUNT) / 2
    for pairs in (words, words[1:] ^ words[:-1], words[256:] ^ words[:-256], words ^ other):
        ones = np.array([(pairs >> np.uint32(bit) & np.uint32(1)).sum() for bit in range(32)])
        assert (np.abs(ones - pairs.size / 2) < 5 * deviation).all()
    for byte in range(4):
        counts = np.bincount(words >> np.uint32(8 * byte) & np.uint32(255), minlength=256)
        chi_square = ((counts - COUNT / 256) ** 2 / (COUNT / 256)).sum()
        assert abs(chi_square - 255) < 5 * np.sqrt(2 * 255)


@pytest.mark.parametrize(("name", "gap"), [("e4m3fn", 2.0**-3), ("int8", 1.0), ("posit16_1", 2.0**-12)])
def test_as_many_go_up_as_the_fraction_says(name, gap):
    """A constant, so that what varies is the word: a binomial count with p = d (to within 2**−24)."""
    fmt, d = get(name), 0.3
    x = np.full(COUNT, 1 + d * gap)
    for mode, p in {"stochastic_a": d, "stochastic_b": d, "stochastic_c": d, "equal_probability": 0.5}.items():
        up = fmt.round(x, mode, seed=5) > 1
        assert abs(up.sum() - p * COUNT) < 5 * np.sqrt(p * (1 - p) * COUNT)
        both = (up[1:] & up[:-1]).sum()  # neighbours in pairs: p², and no more in common
        assert abs(both - p * p * COUNT) < 6 * np.sqrt(p * p * (1 + 2 * p - 3 * p * p) * COUNT)
