"""Error-free transformations and pairs of floats in exact fractions, one code at a time.

Sources: as in `hwsim.formats.schemes.multiword`.
"""

from __future__ import annotations

import math
from fractions import Fraction

from hwsim.formats.float import FloatFormat
from hwsim.golden.formats import Value, decode, encode

Codes = tuple[int, int]


def rounded(fmt: FloatFormat, value: Value) -> int:
    """The code of ``value``, to nearest even, with the format's own overflow."""
    return encode(fmt, value)


def _negative(value: Value) -> bool:
    return math.copysign(1, value) < 0 if isinstance(value, float) else value < 0


def _is_special(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _signed(magnitude: Fraction, zero_is_negative: bool) -> Value:
    return -0.0 if magnitude == 0 and zero_is_negative else magnitude


def exact_sum(a: Value, b: Value) -> Value:
    """IEEE 754-2019, section 6.3: a zero sum is −0 only of two negative zeros."""
    if _is_special(a) or _is_special(b):
        return float(a) + float(b)
    return _signed(Fraction(a) + Fraction(b), _negative(a) and _negative(b))


def exact_product(a: Value, b: Value) -> Value:
    """The sign of a zero is that of the product; 0 · inf is NaN."""
    if _is_special(a) or _is_special(b):
        return float(a) * float(b)
    return _signed(Fraction(a) * Fraction(b), _negative(a) != _negative(b))


def negated(value: Value) -> Value:
    """``−value``; of 0 it is −0."""
    if isinstance(value, float):
        return -value
    return _signed(-value, True)


def add(fmt: FloatFormat, a: int, b: int) -> int:
    """Code of ``a + b``."""
    return rounded(fmt, exact_sum(decode(fmt, a), decode(fmt, b)))


def subtract(fmt: FloatFormat, a: int, b: int) -> int:
    """Code of ``a − b``."""
    return rounded(fmt, exact_sum(decode(fmt, a), negated(decode(fmt, b))))


def multiply(fmt: FloatFormat, a: int, b: int) -> int:
    """Code of ``a · b``."""
    return rounded(fmt, exact_product(decode(fmt, a), decode(fmt, b)))


def two_sum(fmt: FloatFormat, a: int, b: int) -> Codes:
    """Joldes et al., algorithm 2."""
    s = add(fmt, a, b)
    a1 = subtract(fmt, s, b)
    b1 = subtract(fmt, s, a1)
    return s, add(fmt, subtract(fmt, a, a1), subtract(fmt, b, b1))


def fast_two_sum(fmt: FloatFormat, a: int, b: int) -> Codes:
    """Algorithm 1."""
    s = add(fmt, a, b)
    return s, subtract(fmt, b, subtract(fmt, s, a))


def two_product(fmt: FloatFormat, a: int, b: int) -> Codes:
    """Algorithm 3: the error by one fused multiply-add."""
    p = multiply(fmt, a, b)
    exact = exact_product(decode(fmt, a), decode(fmt, b))
    return p, rounded(fmt, exact_sum(exact, negated(decode(fmt, p))))


def grow(fmt: FloatFormat, x: Codes, a: int) -> Codes:
    """Algorithm 4."""
    s, e = two_sum(fmt, x[0], a)
    return fast_two_sum(fmt, s, add(fmt, x[1], e))


def add_pairs(fmt: FloatFormat, x: Codes, y: Codes, accurate: bool) -> Codes:
    """Algorithm 6, or 5."""
    sh, sl = two_sum(fmt, x[0], y[0])
    if not accurate:
        return fast_two_sum(fmt, sh, add(fmt, sl, add(fmt, x[1], y[1])))
    th, tl = two_sum(fmt, x[1], y[1])
    vh, vl = fast_two_sum(fmt, sh, add(fmt, sl, th))
    return fast_two_sum(fmt, vh, add(fmt, tl, vl))


def multiply_pairs(fmt: FloatFormat, x: Codes, y: Codes) -> Codes:
    """Algorithm 10."""
    ch, cl = two_product(fmt, x[0], y[0])
    crossed = add(fmt, multiply(fmt, x[0], y[1]), multiply(fmt, x[1], y[0]))
    return fast_two_sum(fmt, ch, add(fmt, cl, crossed))


def split(value: Value, formats: tuple[FloatFormat, ...]) -> list[int]:
    """Codes of ``value`` as a sum: each component rounds what the previous ones left, zero after inf or NaN."""
    codes = []
    for fmt in formats:
        code = rounded(fmt, value)
        part = decode(fmt, code)
        specials = _is_special(value) or _is_special(part)
        value = Fraction(0) if specials else exact_sum(value, negated(part))
        codes.append(code)
    return codes
