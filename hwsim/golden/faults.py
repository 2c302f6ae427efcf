"""Bit errors in plain integers: one code and its random words at a time, and the generator of those words.

The generator is Philox4x64-10 of Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011, with
the constants of its reference code (Random123).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

MASK = (1 << 64) - 1
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
ROUNDS = 10


def philox(counter: int, key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Four words for a 256-bit counter and a key of two words."""
    c = [(counter >> (64 * i)) & MASK for i in range(4)]
    k = list(key)
    for _ in range(ROUNDS):
        first, second = MULTIPLIERS[0] * c[0], MULTIPLIERS[1] * c[2]
        c = [(second >> 64) ^ c[1] ^ k[0], second & MASK, (first >> 64) ^ c[3] ^ k[1], first & MASK]
        k = [(k[0] + WEYL[0]) & MASK, (k[1] + WEYL[1]) & MASK]
    return c[0], c[1], c[2], c[3]


def word(seed: int, stream: int, index: int) -> int:
    """Word ``index`` of a stream: blocks of four, counted from 1 (as numpy counts them)."""
    return philox(index // 4 + 1, (seed, stream))[index % 4]


def is_event(random_word: int, rate: float) -> bool:
    """An event of probability ``rate``."""
    return random_word < int(Fraction(rate) * (1 << 64))


def flip_bits(code: int, rates: Sequence[float], words: Sequence[int]) -> int:
    """``code`` with bit i flipped where word i says so."""
    return code ^ sum(1 << bit for bit, rate in enumerate(rates) if is_event(words[bit], rate))


def disturb_cells(code: int, error_rates: Sequence[float], becomes: Sequence[int], words: Sequence[int]) -> int:
    """``code`` with each pair of bits replaced by the state that it becomes where its word says so."""
    read = 0
    for cell, random_word in enumerate(words):
        state = (code >> (2 * cell)) & 3
        after = becomes[state] if is_event(random_word, error_rates[state]) else state
        read |= after << (2 * cell)
    return read
