"""Adder trees: the products of a block of lanes are added in pairs, level by level, then accumulated."""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.cpython.unsafe.tuple import tuple_setitem

from hwsim.kernels.accumulate import STEP, TREE, add, drawn, round_sum
from hwsim.kernels.multiply import FINITE, multiply, product_tag


@njit(cache=True, nogil=True)
def tree(
    a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, k_range, rows_per_matrix,
    lanes, product_format, adder, adders, accumulator, outputs, sums, sums_exponent, sums_tag, span,
):  # fmt: skip
    """Add blocks of ``lanes`` products to ``sums`` [M, N] in place; returns the accumulator's overflows.

    Each addition of level l is rounded into ``adders[l]`` (int64, a tuple like ``adder``), the block's sum is then
    added to the accumulator. Idle lanes of the last block hold +0; of an odd number of terms the last passes to the
    next level as it is.
    The arrays, ``outputs`` and the span are those of `sequential`.
    """
    columns = sums.shape[1]
    bits = rule[4]
    count = 0
    t = np.empty(lanes, np.int64)
    te = np.empty(lanes, np.int64)
    tt = np.empty(lanes, np.int64)
    for where in range(span[0], span[1]):
        output = outputs[where] if outputs.size else where
        i = output // columns
        j = output - i * columns
        row = i // rows_per_matrix * columns + j
        s, e, tag = sums[i, j], np.int64(sums_exponent[i, j]), np.int64(sums_tag[i, j])
        for start in range(k_range[0], k_range[1], lanes):
            for lane in range(lanes):
                k = start + lane
                if k >= k_range[1]:
                    t[lane], te[lane], tt[lane] = 0, 0, FINITE
                    continue
                p, pe = multiply(
                    rule, a[i, k], np.int64(a_exponent[i, k]), b[row, k], np.int64(b_exponent[row, k]),
                    table, table_exponent,
                )  # fmt: skip
                pt = product_tag(np.int64(a_tag[i, k]), np.int64(b_tag[row, k]), p, rule[5])
                if product_format[0] != 0:
                    p, pe, pt, _ = round_sum(p, pe, pt, product_format)
                t[lane], te[lane], tt[lane] = p, pe, pt
            width, node, level = lanes, TREE, 0
            while width > 1:
                for place in range(len(adder)):
                    adder = tuple_setitem(adder, place, adders[level, place])  # type: ignore[call-arg]  # an intrinsic
                for pair in range(width // 2):
                    x, y = 2 * pair, 2 * pair + 1
                    t[pair], te[pair], tt[pair], _ = add(
                        t[x], te[x], tt[x], bits, t[y], te[y], tt[y], bits, drawn(adder, output, start, node)
                    )
                    node += 1
                if width & 1:
                    last = width - 1
                    t[width // 2], te[width // 2], tt[width // 2] = t[last], te[last], tt[last]
                width = (width + 1) // 2
                level += 1
            s, e, tag, overflowed = add(
                s, e, tag, bits, t[0], te[0], tt[0], bits, drawn(accumulator, output, start, STEP)
            )
            count += overflowed
        sums[i, j], sums_exponent[i, j], sums_tag[i, j] = s, e, tag
    return count
