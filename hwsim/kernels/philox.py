"""Random words by counter: word i of a seed is the same whatever came before it and on whichever thread.

Philox4x32-10: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011, section 3.3; the
multipliers and Weyl constants are those of its table 2 and section 4. A block of 4·64 words takes 64 consecutive
counters; word ``64·l + j`` of block b is the l-th output of counter ``64·b + j``, so that the loop writes runs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

COUNTERS = 64
BLOCK = 4 * COUNTERS
"""Words per block."""


@njit(cache=True)
def first_word(a, b, c, d, key_low, key_high):
    """The first of the four words of counter (a, b, c, d), all int64 that hold 32 bits; so is the result."""
    a, b, c, d = np.uint32(a), np.uint32(b), np.uint32(c), np.uint32(d)
    k, l = np.uint32(key_low), np.uint32(key_high)  # noqa: E741
    for _ in range(10):
        first = np.uint64(a) * np.uint64(0xD2511F53)
        second = np.uint64(c) * np.uint64(0xCD9E8D57)
        a = np.uint32(np.uint32(np.uint32(second >> np.uint64(32)) ^ b) ^ k)
        c = np.uint32(np.uint32(np.uint32(first >> np.uint64(32)) ^ d) ^ l)
        b, d = np.uint32(second), np.uint32(first)
        k = np.uint32(k + np.uint32(0x9E3779B9))
        l = np.uint32(l + np.uint32(0xBB67AE85))  # noqa: E741
    return np.int64(a)


@njit(cache=True, nogil=True)
def fill_block(block, key_low, key_high, words):
    """``words[0:BLOCK]`` of block number ``block`` (both keys uint32)."""
    for j in range(COUNTERS):
        counter = np.uint64(block) * np.uint64(COUNTERS) + np.uint64(j)
        a, b = np.uint32(counter), np.uint32(counter >> np.uint64(32))
        c, d = np.uint32(0), np.uint32(0)
        k, l = np.uint32(key_low), np.uint32(key_high)  # noqa: E741
        for _ in range(10):
            first = np.uint64(a) * np.uint64(0xD2511F53)
            second = np.uint64(c) * np.uint64(0xCD9E8D57)
            a = np.uint32(np.uint32(np.uint32(second >> np.uint64(32)) ^ b) ^ k)
            c = np.uint32(np.uint32(np.uint32(first >> np.uint64(32)) ^ d) ^ l)
            b, d = np.uint32(second), np.uint32(first)
            k = np.uint32(k + np.uint32(0x9E3779B9))
            l = np.uint32(l + np.uint32(0xBB67AE85))  # noqa: E741
        words[j] = a
        words[COUNTERS + j] = b
        words[2 * COUNTERS + j] = c
        words[3 * COUNTERS + j] = d


@njit(cache=True, nogil=True)
def fill(first, words, key_low, key_high, block_words):
    """``words[i]`` is word ``first + i`` of the key; ``block_words`` is room for a block."""
    done = 0
    while done < words.size:
        block, start = (first + done) // BLOCK, (first + done) % BLOCK
        count = min(BLOCK - start, words.size - done)
        fill_block(block, key_low, key_high, block_words)
        words[done : done + count] = block_words[start : start + count]
        done += count


@njit(cache=True, nogil=True)
def draw(given, first, words, key, bits, block_words):
    """``words``: those given from ``first`` on, or where none are, the top ``bits`` bits of the words of ``key``.

    ``key``: the two words of a Philox key, and of the number of the word that counts as the first.
    """
    if given.size:
        words[:] = given[first : first + words.size]
        return
    offset = np.int64(key[2]) + (np.int64(key[3]) << 32)
    fill(offset + first, words, key[0], key[1], block_words)
    unused = np.uint32(np.uint32(32 - bits) & np.uint32(31))
    for i in range(words.size):
        words[i] = np.uint32(words[i] >> unused)
