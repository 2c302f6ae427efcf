"""Values of codes: by a table with an entry for every code."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def look_up(codes, table, out, span):
    """``out[i] = table[codes[i]]`` for i in ``span``; the table has an entry for every code."""
    codes, out = codes[span[0] : span[1]], out[span[0] : span[1]]  # from 0 on no index is checked
    for i in range(codes.size):
        out[i] = table[codes[i]]
    return 0


@njit(cache=True, nogil=True)
def look_up_bytes(words, table, out, span):
    """The same of codes of one byte, eight of which make a word (little-endian): one load instead of eight."""
    byte = np.uint64(255)
    words, out = words[span[0] : span[1]], out[8 * span[0] : 8 * span[1]]
    for j in range(words.size):
        word, i = words[j], 8 * j
        out[i] = table[word & byte]
        out[i + 1] = table[(word >> np.uint64(8)) & byte]
        out[i + 2] = table[(word >> np.uint64(16)) & byte]
        out[i + 3] = table[(word >> np.uint64(24)) & byte]
        out[i + 4] = table[(word >> np.uint64(32)) & byte]
        out[i + 5] = table[(word >> np.uint64(40)) & byte]
        out[i + 6] = table[(word >> np.uint64(48)) & byte]
        out[i + 7] = table[word >> np.uint64(56)]
    return 0
