"""Random words by position: word ``i`` of a stream depends on the seed, the stream and ``i``, on nothing else.

A counter-based generator (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011): no state is
carried from word to word, so neither chunks nor threads change what comes out. Here numpy's Philox4x64-10.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.base.errors import InputError

WORD_BITS = 64
_BLOCK = 4  # words per counter value of Philox4x64


def philox_words(seed: int, stream: int, first: int, count: int) -> NDArray[np.uint64]:
    """Words ``first`` to ``first + count − 1`` of a stream, uniform over ``[0, 2**64)``.

    Raises `InputError` for a seed outside ``[0, 2**64)`` or a negative position.
    """
    if not 0 <= seed < 1 << WORD_BITS:
        raise InputError(f"expected a seed from 0 to 2**64 − 1, got {seed}")
    if first < 0 or count < 0:
        raise InputError(f"expected positions from 0 on, got {first} and {count} words")
    block, skipped = divmod(first, _BLOCK)
    generator = np.random.Philox(key=np.array([seed, stream], np.uint64), counter=block)
    words: NDArray[np.uint64] = generator.random_raw(skipped + count)
    return words[skipped:]


def below(words: NDArray[np.uint64], threshold: int) -> NDArray[np.bool_]:
    """Which words are less than ``threshold``, which may be ``2**64``: an event of probability threshold / 2**64."""
    if threshold >= 1 << WORD_BITS:
        return np.ones(words.shape, np.bool_)
    return words < np.uint64(threshold)
