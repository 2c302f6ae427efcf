"""Integer sums of products by a rule other than the exact product, of operands too wide for a table."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.matmul_integer import COLUMNS_PER_STRIP, accumulate_integers
from hwsim.kernels.multiply import multiply


@njit(cache=True, nogil=True)
def integer_by_rule(a, b, table, rule, k_range, rows_per_matrix, lanes, bits, policy, sums, overflows, span):
    """`hwsim.kernels.matmul_integer.integer` with each product by ``rule`` (`hwsim.kernels.multiply`), all int64.

    The rules leave the exponents of integers alone, so these stand at 0.
    """
    columns = sums.shape[1]
    strips = (columns + COLUMNS_PER_STRIP - 1) // COLUMNS_PER_STRIP
    for task in range(span[0], span[1]):
        i = task // strips
        left = (task - i * strips) * COLUMNS_PER_STRIP
        right = min(columns, left + COLUMNS_PER_STRIP)
        matrix = i // rows_per_matrix
        terms = np.empty(right - left, np.int64)
        exponents = np.zeros(1, np.int32)
        for start in range(k_range[0], k_range[1], lanes):
            terms[:] = 0
            for k in range(start, min(start + lanes, k_range[1])):
                for j in range(terms.size):
                    product, _ = multiply(rule, a[i, k], 0, b[matrix, k, left + j], 0, table, exponents)
                    terms[j] += product
            accumulate_integers(sums[i, left:right], terms, overflows[i, left:right], bits, policy)
    return 0
