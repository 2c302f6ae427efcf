"""One product of two unpacked operands, by any multiplier: exact, from a table of all products, or by rule.

An operand is a signed significand, an exponent (value = significand · 2**exponent) and a tag. Tags carry what
the significand cannot: infinities, NaN, and the sign of a zero.
"""

from __future__ import annotations

from numba import njit

from hwsim.kernels.rounding import bit_length, round_significand

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
MITCHELL = 3
TRUNCATED = 4
SHIFT_ADD = 5
ROUNDED = 6
ROUNDED_FIXED = 7

# How a truncated array makes up for its dropped columns.
BY_NOTHING = 0
BY_COLUMN = 1  # the highest dropped column counts double
BY_CONSTANT = 2  # by the constant c, given as BY_CONSTANT + c


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
def mitchell(x, y):
    """``|x|·|y|`` of two non-zero significands with log2(1 + f) taken for f (hwsim.datapath.multipliers.mitchell)."""
    x, y = abs(x), abs(y)
    x_top, y_top = bit_length(x) - 1, bit_length(y) - 1
    one = 1 << (x_top + y_top)
    fractions = (x << y_top) + (y << x_top) - one - one
    return one + fractions if fractions < one else fractions << 1


@njit(cache=True)
def truncated(x, y, columns, compensation):
    """``|x|·|y|`` by rows of partial products without their lowest ``columns`` columns.

    ``compensation`` is one of the three above.
    """
    x, y = abs(x), abs(y)
    total = 0
    carried = 0
    while y != 0:
        low = y & -y
        row = x * low
        total += row >> columns
        carried += (row >> (columns - 1)) & 1
        y ^= low
    if compensation == BY_COLUMN:
        total += carried
    elif compensation != BY_NOTHING:
        total += compensation - BY_CONSTANT
    return total << columns


@njit(cache=True)
def leading_digits(y, count, signed):
    """The ``count`` highest non-zero digits of ``|y|``, binary or (``signed``) of its non-adjacent form."""
    y = abs(y)
    half = y >> 1 if signed else 0
    sum_ = y + half
    places = half ^ sum_  # of the non-zero digits; those also in sum_ are +1, the others −1
    kept = 0
    rest = places
    for _ in range(count):
        if rest == 0:
            break
        top = 1 << (bit_length(rest) - 1)
        kept |= top
        rest ^= top
    return (kept & sum_) - (kept & ~sum_)


@njit(cache=True)
def rounded(negative, magnitude, exponent, target):
    """``±magnitude · 2**exponent`` rounded into a float format, saturating, normalised down to its last place."""
    precision, last_place_min, emax, largest, mode = target[0], target[1], target[2], target[3], target[4]
    magnitude, exponent = round_significand(negative, magnitude, exponent, precision, last_place_min, mode)
    if magnitude == 0:
        return 0, last_place_min
    up = min(precision - bit_length(magnitude), exponent - last_place_min)
    magnitude, exponent = magnitude << up, exponent - up
    last_place_max = emax - (precision - 1)
    if exponent > last_place_max or (exponent == last_place_max and magnitude > largest):
        magnitude, exponent = largest, last_place_max
    return (-magnitude if negative else magnitude), exponent


@njit(cache=True)
def rounded_fixed(product, drop, mode, least, greatest):
    """An integer rounded to a multiple of ``2**drop`` and clamped."""
    magnitude, exponent = round_significand(product < 0, abs(product), 0, 62, drop, mode)
    magnitude <<= exponent
    return min(max(-magnitude if product < 0 else magnitude, least), greatest)


@njit(cache=True)
def multiply_by_rule(rule, x, x_exponent, y, y_exponent):
    """`multiply` by the rules that are neither exact nor a table: large, so that the compiler leaves it a call."""
    exponent = x_exponent + y_exponent
    if x == 0 or y == 0:
        return x * y, exponent
    if rule[0] == LMUL:
        return lmul(x, x_exponent, y, y_exponent, rule[1], rule[2], rule[3])
    if rule[0] == ROUNDED:
        return rounded((x < 0) != (y < 0), abs(x * y), exponent, rule[6:11])
    if rule[0] == ROUNDED_FIXED:
        return rounded_fixed(x * y, rule[1], rule[2], rule[6], rule[7]), exponent
    if rule[0] == MITCHELL:
        magnitude = mitchell(x, y)
    elif rule[0] == TRUNCATED:
        magnitude = truncated(x, y, rule[1], rule[2])
    else:
        magnitude = abs(x) * leading_digits(y, rule[1], rule[2])
    return (-magnitude if (x < 0) != (y < 0) else magnitude), exponent


@njit(cache=True)
def multiply(rule, x, x_exponent, y, y_exponent, table, table_exponent):
    """``(significand, exponent)`` of the product.

    ``rule`` is (rule number, two parameters, fraction bits, product bits, whether products have signed zeros, eight
    parameters of a target format). With a table, ``x`` is the code of a, times the number of codes of b, and ``y``
    the code of b.
    """
    if rule[0] == EXACT:
        return x * y, x_exponent + y_exponent
    if rule[0] == TABLE:
        return table[x + y], x_exponent + y_exponent + table_exponent[x + y]
    return multiply_by_rule(rule, x, x_exponent, y, y_exponent)


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
