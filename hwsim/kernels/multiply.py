"""One product of two unpacked operands, by any multiplier: exact, from a table of all products, or by rule.

An operand is a signed significand, an exponent (value = significand · 2**exponent) and a tag. Tags carry what
the significand cannot: infinities, NaN, and the sign of a zero.
"""

from __future__ import annotations

from numba import njit

from hwsim.kernels.rounding import bit_length

# Bits of an operand's tag.
INFINITE = 1
NAN = 2
ZERO = 4
NEGATIVE = 8

# What a sum is beside its significand and exponent.
FINITE = 0
PLUS_INFINITY = 1
MINUS_INFINITY = 2
NOT_A_NUMBER = 3
MINUS_ZERO = 4

# Rules, as multipliers name them in their `kernel`.
EXACT = 0
TABLE = 1
LMUL = 2


@njit(cache=True)
def lmul(x, x_exponent, y, y_exponent, offset_bits, formula, fraction):
    """L-Mul of two non-zero significands (hwsim.datapath.multipliers.lmul) in units of ``2**-fraction``."""
    negative = (x < 0) != (y < 0)
    x, y = abs(x), abs(y)
    x_bits, y_bits = bit_length(x), bit_length(y)
    one = 1 << fraction
    s = (x << (fraction + 1 - x_bits)) + (y << (fraction + 1 - y_bits)) - one - one + (one >> offset_bits)
    exponent = x_exponent + x_bits - 1 + y_exponent + y_bits - 1 - fraction
    if formula:
        magnitude = one + s
    else:
        magnitude = (one + (s & (one - 1))) << (s >> fraction)
    return (-magnitude if negative else magnitude), exponent


@njit(cache=True)
def multiply(rule, x, x_exponent, y, y_exponent, table, table_exponent):
    """``(significand, exponent)`` of the product. ``rule`` is (rule number, two parameters, fraction bits, …).

    With a table, ``x`` is the code of a, times the number of codes of b, and ``y`` the code of b.
    """
    if rule[0] == EXACT:
        return x * y, x_exponent + y_exponent
    if rule[0] == TABLE:
        return table[x + y], x_exponent + y_exponent + table_exponent[x + y]
    if x == 0 or y == 0:
        return x * y, x_exponent + y_exponent
    return lmul(x, x_exponent, y, y_exponent, rule[1], rule[2], rule[3])


@njit(cache=True)
def product_tag(x_tag, y_tag, significand, signed_zero):
    """The tag of a product as that of a sum: IEEE 754 section 7.2 for 0 · inf, signs by exclusive or."""
    both = x_tag | y_tag
    negative = ((x_tag ^ y_tag) & NEGATIVE) != 0
    if both & (INFINITE | NAN):
        if both & NAN or both & ZERO:
            return NOT_A_NUMBER
        return MINUS_INFINITY if negative else PLUS_INFINITY
    if significand == 0 and negative and signed_zero:
        return MINUS_ZERO
    return FINITE
