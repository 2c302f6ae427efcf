"""Adder trees in float64 carriers, vectorised over columns: the bits of `hwsim.kernels.matmul_tree`, much sooner.

Additions are those of `hwsim.kernels.matmul_float64`: float64's own, turned into a rounding to odd by its error, then
rounded to the adder's format.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.matmul_float64 import add_rounded
from hwsim.kernels.rounding import RNE

COLUMNS_PER_STRIP = 128

# Places in the tuple of float64 numbers that describes a format and its rounding here.
SMALLEST, MAGIC, LAST_PLACE, LARGEST, MODE, FLUSH = 0, 1, 2, 3, 4, 5


@njit(cache=True)
def add_all(x, y, numbers, beyond):
    """``x[j] ← round(x[j] + y[j])``; ``beyond`` grows where that leaves the format's range."""
    smallest, magic, last_place, largest = numbers[SMALLEST], numbers[MAGIC], numbers[LAST_PLACE], numbers[LARGEST]
    mode, least = int(numbers[MODE]), numbers[SMALLEST] if numbers[FLUSH] else 0.0
    if mode == RNE:
        for j in range(x.size):
            r = add_rounded(x[j], y[j], smallest, magic, last_place, RNE)
            r = r if abs(r) >= least else np.copysign(0.0, r)
            beyond[j] += abs(r) > largest
            x[j] = r
    else:
        for j in range(x.size):
            r = add_rounded(x[j], y[j], smallest, magic, last_place, mode)
            r = r if abs(r) >= least else np.copysign(0.0, r)
            beyond[j] += abs(r) > largest
            x[j] = r


@njit(cache=True)
def round_all(x, numbers, beyond):
    """``x[j] ← round(x[j])``, zeros with their sign."""
    smallest, magic, last_place, largest = numbers[SMALLEST], numbers[MAGIC], numbers[LAST_PLACE], numbers[LARGEST]
    mode, least = int(numbers[MODE]), numbers[SMALLEST] if numbers[FLUSH] else 0.0
    for j in range(x.size):
        r = add_rounded(x[j], -0.0, smallest, magic, last_place, mode)
        r = r if abs(r) >= least else np.copysign(0.0, r)
        beyond[j] += abs(r) > largest
        x[j] = r if x[j] != 0.0 else x[j]


@njit(cache=True, nogil=True)
def tree_float64(
    a, b, a_code, b_code, table, k_range, rows_per_matrix, lanes, product, adders, accumulator, sums, failed, span
):
    """Add blocks of ``lanes`` products of finite ``a`` [G·M, K] and ``b`` [G, K, N] to ``sums`` [G·M, N] in place.

    ``product``, each row of ``adders`` (one a level) and ``accumulator`` are the numbers named above; a ``product`` of
    magic 0 leaves products exact. With a ``table`` (size above 1) they are looked up by the sum of the codes. Where a
    sum leaves a range the strip's ``failed`` is set and its sums are of no use. Tasks and spans are those of
    `sequential_float64`. Returns 0.
    """
    columns = sums.shape[1]
    strips = failed.shape[1]
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        matrix = i // rows_per_matrix
        s = sums[i, left:right]
        terms = np.empty((lanes, right - left))
        beyond = np.zeros(right - left, np.int64)
        for start in range(k_range[0], k_range[1], lanes):
            for lane in range(lanes):
                k = start + lane
                term = terms[lane]
                if k >= k_range[1]:  # an idle lane holds +0
                    term[:] = 0.0
                elif table.size > 1:
                    code = a_code[i, k]
                    codes = b_code[matrix, k, left:right]
                    for j in range(term.size):
                        term[j] = table[code + codes[j]]
                else:
                    x = a[i, k]
                    y = b[matrix, k, left:right]
                    for j in range(term.size):
                        term[j] = x * y[j]
                if product[MAGIC] != 0.0:
                    round_all(term, product, beyond)
            width = lanes
            level = 0
            while width > 1:
                for pair in range(width // 2):
                    first = terms[pair]
                    if pair:
                        first[:] = terms[2 * pair]
                    add_all(first, terms[2 * pair + 1], adders[level], beyond)
                if width & 1:
                    terms[width // 2] = terms[width - 1]
                width = (width + 1) // 2
                level += 1
            add_all(s, terms[0], accumulator, beyond)
        failed[i, task - i * strips] = beyond.sum() != 0
    return 0
