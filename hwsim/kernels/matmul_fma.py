"""Chains of fused multiply-adds in float64, by the machine's own instruction (or its library's)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import intrinsic

COLUMNS_PER_STRIP = 256


def _fma(context, x, y, z):
    """``x · y + z`` rounded once (IEEE 754 fusedMultiplyAdd, LLVM's llvm.fma)."""

    def generate(_context, builder, _signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


fma: Any = intrinsic(_fma)


@njit(cache=True, nogil=True)
def multiply_add_chain(a, b, k_range, rows_per_matrix, sums, span):
    """``sums[i, j] ← fma(a[i, k], b[matrix, k, j], sums[i, j])`` in ascending k; returns the overflows.

    ``a`` is [G·M, K], ``b`` [G, K, N] and ``sums`` [G·M, N], all float64. A task is a row's strip of
    `COLUMNS_PER_STRIP` columns; this call's are ``span[0]`` to ``span[1]`` − 1.
    """
    columns = sums.shape[1]
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    count = 0
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        s = sums[i, left:right]
        beyond = np.zeros(s.size, np.int64)
        for k in range(k_range[0], k_range[1]):
            x = a[i, k]
            y = b[i // rows_per_matrix, k, left:right]
            for j in range(s.size):
                r = fma(x, y[j], s[j])
                beyond[j] += np.isinf(r) and np.isfinite(x) and np.isfinite(y[j]) and np.isfinite(s[j])
                s[j] = r
        count += beyond.sum()
    return count
