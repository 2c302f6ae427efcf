"""Quantization in plain Python integers and fractions, one value at a time."""

from __future__ import annotations

import math
from fractions import Fraction

from hwsim.formats.base import Format
from hwsim.formats.exact import round_to_integer
from hwsim.golden.formats import encode

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def quantize(fmt: Format, value: float, scale: float, zero_point: int, rounding: str = "rne") -> int:
    """Code of ``clamp(round(value / scale) + zero_point)``; the quotient is a float64, all else exact."""
    quotient = value / scale
    if zero_point == 0 and fmt.kind != "integer":
        return encode(
            fmt, quotient if quotient == 0 or math.isinf(quotient) else Fraction(quotient), rounding, "saturate"
        )
    if math.isinf(quotient):
        return encode(fmt, quotient, rounding, "saturate")
    negative = quotient < 0
    whole = round_to_integer(negative, abs(Fraction(quotient)), rounding)
    return encode(fmt, Fraction((-whole if negative else whole) + zero_point), overflow="saturate")


def fixed_point_multiplier(real: float) -> tuple[int, int]:
    """``(m, shift)`` with ``real ≈ m · 2**(−31 − shift)`` and ``2**30 <= m < 2**31``."""
    exact = Fraction(real)
    shift = 0
    while exact < Fraction(1, 2):
        exact, shift = exact * 2, shift + 1
    while exact >= 1:
        exact, shift = exact / 2, shift - 1
    m = math.floor(exact * 2**31 + Fraction(1, 2))
    return (m, shift) if m < 2**31 else (m // 2, shift - 1)


def requantize(accumulator: int, multiplier: int, shift: int, zero_point: int, fmt: Format) -> int:
    """gemmlowp's two roundings: doubled high product to nearest with ties up, then division with ties away."""
    x = _saturated(_saturated(accumulator) * 2 ** max(-shift, 0))
    high = min(math.floor(Fraction(x * multiplier, 2**31) + Fraction(1, 2)), INT32_MAX)
    exact = Fraction(high, 2 ** max(shift, 0))
    quotient = math.floor(abs(exact) + Fraction(1, 2)) * (-1 if exact < 0 else 1)
    return encode(fmt, Fraction(quotient + zero_point), overflow="saturate")


def _saturated(x: int) -> int:
    return min(max(x, INT32_MIN), INT32_MAX)
