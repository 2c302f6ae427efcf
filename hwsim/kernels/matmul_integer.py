"""Integer sums of products in two's complement accumulators that wrap or saturate, vectorised over columns.

The carriers are int32 where every exact total fits, int64 otherwise; one source serves both.
"""

from __future__ import annotations

import numpy as np
from numba import njit

WRAP = 0
SATURATE = 1

COLUMNS_PER_STRIP = 1024


@njit(cache=True)
def accumulate_any_integers(sums, terms, count, bits, policy):
    """`accumulate_integers` where the carrier itself may overflow: both terms have one sign and the total the other."""
    high = np.int64((np.int64(1) << (bits - 1)) - 1)
    low = np.int64(-high - 1)
    mask = np.int64(high - low)
    for j in range(sums.size):
        total = np.int64(sums[j] + terms[j])
        carried = ((total ^ sums[j]) & (total ^ terms[j])) < 0
        if policy == SATURATE:
            end = low if terms[j] < 0 else high
            kept = end if carried else min(max(total, low), high)
        else:
            kept = np.int64(((total - low) & mask) + low)
        count[j] += carried or kept != total
        sums[j] = kept


@njit(cache=True)
def accumulate_integers(sums, terms, count, bits, policy):
    """``sums += terms`` in ``bits``-wide words; ``count`` grows where the exact total is out of their range."""
    word = sums.dtype.type
    high = word((np.int64(1) << (bits - 1)) - 1)
    low = word(-high - 1)
    if bits == 64:
        accumulate_any_integers(sums, terms, count, bits, policy)
    elif policy == SATURATE:
        for j in range(sums.size):
            total = word(sums[j] + terms[j])
            kept = min(max(total, low), high)
            count[j] += word(kept != total)
            sums[j] = kept
    else:
        mask = word(high - low)
        for j in range(sums.size):
            total = word(sums[j] + terms[j])
            kept = word((word(total - low) & mask) + low)
            count[j] += word(kept != total)
            sums[j] = kept


@njit(cache=True, nogil=True)
def integer(a, b, table, k_range, rows_per_matrix, lanes, bits, policy, sums, overflows, span):
    """Add products k_range[0] … k_range[1]−1 to ``sums`` in place.

    ``a`` is [G·M, K], ``b`` [G, K, N] and ``sums`` [G·M, N] of G matrices of M rows (``rows_per_matrix``). Blocks
    of ``lanes`` products are summed exactly and enter the accumulator at once. With a ``table`` (size above 1)
    ``a`` holds codes times the number of codes of b and ``b`` codes. ``overflows``, like ``sums``, is increased by
    the additions whose exact total was out of range. A task is a row's strip of `COLUMNS_PER_STRIP` columns; this
    call's are ``span[0]`` to ``span[1]`` − 1. Returns 0.
    """
    columns = sums.shape[1]
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        matrix = i // rows_per_matrix
        total = sums[i, left:right]
        terms = np.empty(right - left, sums.dtype)
        for start in range(k_range[0], k_range[1], lanes):
            terms[:] = 0
            for k in range(start, min(start + lanes, k_range[1])):
                x = a[i, k]
                y = b[matrix, k, left:right]
                if table.size > 1:
                    for j in range(terms.size):
                        terms[j] += table[x + y[j]]
                else:
                    for j in range(terms.size):
                        terms[j] += x * y[j]
            accumulate_integers(total, terms, overflows[i, left:right], bits, policy)
    return 0


@njit(cache=True, nogil=True)
def add_integers(sums, terms, bits, policy, overflows, span):
    """``sums += terms`` [M, N] of any int64 in ``bits``-wide words, on rows ``span``; ``overflows`` as in `integer`."""
    for i in range(span[0], span[1]):
        accumulate_any_integers(sums[i], terms[i], overflows[i], bits, policy)
    return 0
