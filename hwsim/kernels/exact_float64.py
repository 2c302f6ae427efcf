"""Exact sums of short blocks in float64 carriers, vectorised over columns: the bits of `hwsim.kernels.matmul_exact`.

A block's terms are kept as an expansion of float64 numbers that do not overlap (Shewchuk, Discrete & Computational
Geometry 18, 1997, GROW-EXPANSION: each new term passes through all of them by TwoSum). Summed up from the smallest,
the last sum is the nearest to the exact one and the sign of what remains is that of the largest error; with it the
sum is rounded to odd, and from there to the format (Boldo and Melquiond, 2008).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.matmul_float64 import add_rounded, two_sum

COLUMNS_PER_STRIP = 128


@njit(cache=True)
def grow(expansion, count, term):
    """Add ``term`` [n], which is used up, to the ``count`` components [count, n]; there are count + 1 afterwards."""
    for c in range(count):
        component = expansion[c]
        for j in range(term.size):
            total, error = two_sum(term[j], component[j])
            component[j] = error
            term[j] = total
    expansion[count] = term


@njit(cache=True)
def gather(expansion, count, total, rest):
    """``total`` ← the nearest float64 to the exact sum, ``rest`` ← a number of the sign of what remains, 0 for none."""
    total[:] = expansion[0]
    rest[:] = 0.0
    for c in range(1, count):
        component = expansion[c]
        for j in range(total.size):
            t, error = two_sum(total[j], component[j])
            rest[j] = error if error != 0.0 else rest[j]
            total[j] = t


@njit(cache=True, nogil=True)
def exact_float64(
    a, b, k_range, rows_per_matrix, lanes, smallest, magic, last_place, mode, largest, keeps_minus, sums, failed, span
):
    """Add blocks of ``lanes`` products of finite ``a`` [G·M, K] and ``b`` [G, K, N] to ``sums`` [G·M, N] in place.

    The format is described as in `sequential_float64`; where a sum leaves its range the strip's ``failed`` is set and
    its sums are of no use. An exact zero is +0; ``keeps_minus`` is whether the format has a −0 for a sum that rounds
    to zero. Tasks and spans are those of `sequential_float64`. Returns 0.
    """
    columns = sums.shape[1]
    strips = failed.shape[1]
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        matrix = i // rows_per_matrix
        s = sums[i, left:right]
        expansion = np.empty((lanes + 1, right - left))
        term, rest = np.empty(right - left), np.empty(right - left)
        beyond = np.zeros(right - left, np.int64)
        for start in range(k_range[0], k_range[1], lanes):
            expansion[0] = s
            stop = min(start + lanes, k_range[1])
            for k in range(start, stop):
                x, row = a[i, k], b[matrix, k, left:right]
                for j in range(term.size):
                    term[j] = x * row[j]
                grow(expansion, k - start + 1, term)
            gather(expansion, stop - start + 1, term, rest)
            for j in range(s.size):
                # The remainder is less than half a last place: added, it decides the rounding to odd and no more.
                r = add_rounded(term[j], rest[j], smallest, magic, last_place, mode)
                r = r if keeps_minus or r != 0.0 else 0.0
                r = r if term[j] != 0.0 else 0.0
                beyond[j] += abs(r) > largest
                s[j] = r
        failed[i, task - i * strips] = beyond.sum() != 0
    return 0
