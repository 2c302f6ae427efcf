"""Chains of fused multiply-adds in float64 or float32, by the machine's own instruction (or its library's)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from hwsim.kernels.bands import band_of

COLUMNS_PER_STRIP = 256
ROWS_PER_TASK = 16
K_PER_BLOCK = 32


def _fma(context, x, y, z):
    """``x · y + z`` rounded once (IEEE 754 fusedMultiplyAdd, LLVM's llvm.fma)."""
    number = types.float32 if x == types.float32 else types.float64

    def generate(_context, builder, _signature, arguments):
        return builder.fma(*arguments)

    return number(number, number, number), generate


fma: Any = intrinsic(_fma)


@njit(cache=True, nogil=True)
def multiply_add_chain(a, b, k_range, rows_per_matrix, sums, span):
    """``sums[i, j] ← fma(a[i, k], b[matrix, k, j], sums[i, j])`` in ascending k; returns the overflows.

    ``a`` is [G·M, K], ``b`` [G, K, N] and ``sums`` [G·M, N], all of one type. Tasks and spans are those of
    `hwsim.kernels.matmul_float64.sequential_float64`.
    """
    columns = sums.shape[1]
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    count = 0
    for task in range(span[0], span[1]):
        strip, matrix, first, stop = band_of(task, strips, rows_per_matrix, ROWS_PER_TASK)
        left = strip * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        beyond = np.zeros(right - left, np.int64)
        for start in range(k_range[0], k_range[1], K_PER_BLOCK):
            for i in range(first, stop):
                s = sums[i, left:right]
                for k in range(start, min(start + K_PER_BLOCK, k_range[1])):
                    x = a[i, k]
                    y = b[matrix, k, left:right]
                    for j in range(s.size):
                        r = fma(x, y[j], s[j])
                        beyond[j] += np.isinf(r) and np.isfinite(x) and np.isfinite(y[j]) and np.isfinite(s[j])
                        s[j] = r
        count += beyond.sum()
    return count
