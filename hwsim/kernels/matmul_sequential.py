"""Products added one at a time into a floating-point accumulator."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.accumulate import STEP, add, drawn, round_sum
from hwsim.kernels.multiply import multiply, product_tag


@njit(cache=True, nogil=True)
def sequential(
    a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, k_range, rows_per_matrix,
    product_format, accumulator, outputs, sums, sums_exponent, sums_tag, span,
):  # fmt: skip
    """Add products k_range[0] … k_range[1]−1 to ``sums`` [M, N] in place; returns the number of overflows.

    ``outputs`` lists the sums to work on, counted along the rows; empty stands for all of them. Of these, the ones
    from ``span[0]`` to ``span[1]`` − 1 are this call's.

    ``a`` is [G·M, K], ``b`` [G·N, K] and ``sums`` [G·M, N] of G matrices of M rows (``rows_per_matrix``). ``rule`` is
    (rule, parameter, parameter, fraction bits, product bits, whether products have signed zeros). A
    ``product_format`` of precision 0 leaves products exact, so that each step is a fused multiply-add.
    """
    columns = sums.shape[1]
    bits = accumulator[0]
    count = 0
    for place in range(span[0], span[1]):
        output = outputs[place] if outputs.size else place
        i = output // columns
        j = output - i * columns
        row = i // rows_per_matrix * columns + j
        s, e, t = sums[i, j], np.int64(sums_exponent[i, j]), np.int64(sums_tag[i, j])
        for k in range(k_range[0], k_range[1]):
            p, pe = multiply(
                rule, a[i, k], np.int64(a_exponent[i, k]), b[row, k], np.int64(b_exponent[row, k]),
                table, table_exponent,
            )  # fmt: skip
            pt = product_tag(np.int64(a_tag[i, k]), np.int64(b_tag[row, k]), p, rule[5])
            if product_format[0] != 0:
                p, pe, pt, _ = round_sum(p, pe, pt, product_format)
            s, e, t, overflowed = add(s, e, t, bits, p, pe, pt, rule[4], drawn(accumulator, output, k, STEP))
            count += overflowed
        sums[i, j], sums_exponent[i, j], sums_tag[i, j] = s, e, t
    return count


@njit(cache=True, nogil=True)
def add_arrays(x, x_exponent, x_tag, x_bits, y, y_exponent, y_tag, y_bits, accumulator, which, span):
    """``x += y`` on rows ``span[0]`` to ``span[1]`` − 1, rounded into ``accumulator``; returns the overflows.

    ``which`` is the number and the place of this addition, for `drawn`.
    """
    count = 0
    for i in range(span[0], span[1]):
        for j in range(x.shape[1]):
            x[i, j], x_exponent[i, j], x_tag[i, j], overflowed = add(
                x[i, j], np.int64(x_exponent[i, j]), np.int64(x_tag[i, j]), x_bits,
                y[i, j], np.int64(y_exponent[i, j]), np.int64(y_tag[i, j]), y_bits,
                drawn(accumulator, i * x.shape[1] + j, which[0], which[1]),
            )  # fmt: skip
            count += overflowed
    return count
