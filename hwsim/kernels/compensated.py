"""Sums held in two words, the second of which keeps what the roundings of the first lose.

A number is the tuple (significand, exponent, tag) of `hwsim.kernels.accumulate`; ``p`` are a format's parameters,
those of every operation here, and ``p[0]`` bits hold every number that one of them gave.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.accumulate import add, round_sum
from hwsim.kernels.multiply import FINITE, MINUS_INFINITY, MINUS_ZERO, PLUS_INFINITY, multiply, product_tag

# Rules, as accumulators name them.
KAHAN = 0
TWO_SUM = 1
TWO_WORD = 2


@njit(cache=True)
def negated(x):
    """``−x``; of +0 it is −0."""
    significand, exponent, tag = x
    if tag == PLUS_INFINITY:
        return significand, exponent, np.int64(MINUS_INFINITY)
    if tag == MINUS_INFINITY:
        return significand, exponent, np.int64(PLUS_INFINITY)
    if tag == MINUS_ZERO:
        return significand, exponent, np.int64(FINITE)
    if tag == FINITE and significand == 0:
        return significand, exponent, np.int64(MINUS_ZERO)
    return -significand, exponent, tag


@njit(cache=True)
def plus(x, x_bits, y, y_bits, p):
    """``x ⊕ y`` and whether it left the range."""
    significand, exponent, tag, overflowed = add(x[0], x[1], x[2], x_bits, y[0], y[1], y[2], y_bits, p)
    return (np.int64(significand), np.int64(exponent), np.int64(tag)), overflowed


@njit(cache=True)
def minus(x, x_bits, y, p):
    """``x ⊖ y``."""
    return plus(x, x_bits, negated(y), p[0], p)[0]


@njit(cache=True)
def two_sum(x, y, p):
    """``s = x ⊕ y``, the error of it, and whether s left the range (Knuth's six operations)."""
    total, overflowed = plus(x, p[0], y, p[0], p)
    x_share = minus(total, p[0], y, p)
    y_share = minus(total, p[0], x_share, p)
    error, _ = plus(minus(x, p[0], x_share, p), p[0], minus(y, p[0], y_share, p), p[0], p)
    return total, error, overflowed


@njit(cache=True)
def split(x, x_bits, p):
    """``h``, x rounded, and ``x − h`` rounded."""
    significand, exponent, tag, _ = round_sum(x[0], x[1], x[2], p)
    head = (np.int64(significand), np.int64(exponent), np.int64(tag))
    return head, minus(x, x_bits, head, p)


@njit(cache=True)
def step(rule, high, low, x, x_bits, p):
    """``(high, low, overflows)`` after the addition of x; see the accumulators' docstrings."""
    if rule == KAHAN:
        y, _ = plus(x, x_bits, low, p[0], p)
        total, overflowed = plus(high, p[0], y, p[0], p)
        return total, plus(minus(high, p[0], total, p), p[0], y, p[0], p)[0], overflowed
    head, tail = split(x, x_bits, p)
    total, error, overflowed = two_sum(high, head, p)
    error, _ = plus(error, p[0], tail, p[0], p)
    rest, _ = plus(low, p[0], error, p[0], p)
    if rule == TWO_SUM:
        return total, rest, overflowed
    renewed, again = plus(total, p[0], rest, p[0], p)
    return renewed, minus(rest, p[0], minus(renewed, p[0], total, p), p), overflowed + again


@njit(cache=True)
def load(words, i, j):
    """The number at [i, j] of arrays (significand, exponent, tag)."""
    return words[0][i, j], np.int64(words[1][i, j]), np.int64(words[2][i, j])


@njit(cache=True)
def store(words, i, j, x):
    """Put a number at [i, j]."""
    words[0][i, j], words[1][i, j], words[2][i, j] = x[0], x[1], x[2]


@njit(cache=True, nogil=True)
def compensated(
    a, a_exponent, a_tag, b, b_exponent, b_tag, table, table_exponent, rule, k_range, rows_per_matrix,
    product_format, sum_rule, p, highs, lows, span,
):  # fmt: skip
    """`hwsim.kernels.matmul_sequential.sequential` into the two words ``highs`` and ``lows``, by ``sum_rule``."""
    columns = highs[0].shape[1]
    count = 0
    for output in range(span[0], span[1]):
        i = output // columns
        j = output - i * columns
        row = i // rows_per_matrix * columns + j
        high, low = load(highs, i, j), load(lows, i, j)
        for k in range(k_range[0], k_range[1]):
            x, xe = multiply(
                rule, a[i, k], np.int64(a_exponent[i, k]), b[row, k], np.int64(b_exponent[row, k]),
                table, table_exponent,
            )  # fmt: skip
            xt = product_tag(np.int64(a_tag[i, k]), np.int64(b_tag[row, k]), x, rule[5])
            if product_format[0] != 0:
                x, xe, xt, _ = round_sum(x, xe, xt, product_format)
            term = (np.int64(x), np.int64(xe), np.int64(xt))
            high, low, overflowed = step(sum_rule, high, low, term, rule[4], p)
            count += overflowed
        store(highs, i, j, high)
        store(lows, i, j, low)
    return count


@njit(cache=True, nogil=True)
def compensate_arrays(highs, lows, terms, term_bits, sum_rule, p, span):
    """Add ``terms`` of magnitudes below ``2**term_bits`` to the words of rows ``span``; returns the overflows."""
    count = 0
    for i in range(span[0], span[1]):
        for j in range(highs[0].shape[1]):
            high, low, overflowed = step(sum_rule, load(highs, i, j), load(lows, i, j), load(terms, i, j), term_bits, p)
            store(highs, i, j, high)
            store(lows, i, j, low)
            count += overflowed
    return count
