"""Products of chosen exponents: the operands that make them, and the range that a unit's formats leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.engine.probe.black_box import BlackBox, Questions
from hwsim.formats.base import Format

WIDEST = 100
"""Largest magnitude of an exponent in use; wider formats would show nothing more."""


@dataclass(frozen=True)
class Range:
    """Exponents of products whose operands are normal powers of two."""

    low: int
    """Least product exponent that is also a normal exponent of d."""
    high: int
    """Largest product exponent at which a few dozen products stay below d's largest number."""
    least: int
    """Least product exponent of normal operands, whatever d holds."""
    most: int
    """Largest product exponent, whatever d holds."""


def exponents(f: Any) -> tuple[int, int]:
    """Least and largest exponent of a float's normal numbers whose significand is 1 (of an integer: 0 and its top)."""
    if f.kind == "integer":
        return 0, int(f.bits) - 2
    return int(f.emin), int(np.floor(np.log2(f.max)))


def lowest(f: Any) -> int:
    """Exponent of a float's smallest number."""
    return int(np.floor(np.log2(f.smallest)))


def precision_of(f: Any) -> int:
    """Significand bits of a float."""
    return int(f.precision)


def product_range(box: BlackBox) -> Range:
    """The exponents that questions to ``box`` may use."""
    (a_low, a_high), (b_low, b_high) = exponents(box.a), exponents(box.b)
    d_low, d_high = exponents(box.d)
    least, most = a_low + b_low, a_high + b_high
    return Range(
        max(least, d_low, -WIDEST), min(most, d_high - 8, WIDEST), max(least, d_low - 40, -200), min(most, 130)
    )


def split(box: BlackBox, exponent: np.ndarray, subnormal: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Exponents of a and of b that make a product's, each within its own range, of normal numbers or of all."""
    (a_low, a_high), (b_low, b_high) = exponents(box.a), exponents(box.b)
    if subnormal:
        a_low, b_low = lowest(box.a), lowest(box.b)
    a = np.clip(exponent // 2, a_low, a_high)
    b = np.clip(exponent - a, b_low, b_high)
    return np.clip(exponent - b, a_low, a_high), b


def products(
    box: BlackBox,
    sign: np.ndarray,
    exponent: np.ndarray,
    c: np.ndarray,
    fraction: Any = (0.0, 0.0),
    subnormal: bool = False,
) -> Questions:
    """Rows of products ``sign·(1 + fraction_a)(1 + fraction_b)·2**exponent`` and addends c; a sign of 0 is a zero."""
    a, b = split(box, exponent, subnormal)
    left = np.ldexp(np.where(sign == 0, 0.0, sign * (1.0 + np.asarray(fraction[0]))), a)
    right = np.ldexp(1.0 + np.asarray(fraction[1]) * np.ones_like(left), b)
    return box.questions(left, right, c)


def values(f: Format, codes: np.ndarray) -> np.ndarray:
    """Codes of d as float64."""
    return np.asarray(f.decode(codes.astype(f.code_dtype)), np.float64)
