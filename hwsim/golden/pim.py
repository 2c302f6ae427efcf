"""A PIM block's dot product in plain Python: exact fractions, one lane at a time, each rounding written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from hwsim.formats.base import Format
from hwsim.golden.formats import Value, decode, encode


def pim_dot(
    fmt: Format,
    inputs: Sequence[int],
    weights: Sequence[int],
    lanes: int,
    registers: int,
    reduction: str = "sequential",
    addend: int | None = None,
) -> int:
    """Code of Σ inputs·weights (+ addend) as HBM-PIM and its host add it; all codes of ``fmt``.

    Input k goes to lane k mod lanes. A register file holds ``registers`` bursts of inputs, an input tile; the
    even tiles come first, then the odd ones. In a lane the product is rounded, then the sum, to nearest even,
    from +0 on. The host adds the lanes from +0 up one by one (``sequential``) or pairwise (``tree``), then the
    addend, rounding every sum.
    """
    sums: list[Value] = [Fraction(0)] * lanes
    for k in _in_order(len(inputs), lanes * registers):
        product = rounded(fmt, multiply(decode(fmt, inputs[k]), decode(fmt, weights[k])))
        sums[k % lanes] = rounded(fmt, add(product, sums[k % lanes]))
    if reduction == "tree":
        while len(sums) > 1:
            sums = [rounded(fmt, add(sums[i], sums[i + 1])) for i in range(0, len(sums), 2)]
        total = sums[0]
    else:
        total = Fraction(0)
        for lane in sums:
            total = rounded(fmt, add(total, lane))
    if addend is not None:
        total = rounded(fmt, add(total, decode(fmt, addend)))
    return encode(fmt, total)


def _in_order(length: int, tile: int) -> list[int]:
    tiles = [range(first, min(first + tile, length)) for first in range(0, length, tile)]
    return [k for chosen in tiles[0::2] + tiles[1::2] for k in chosen]


def rounded(fmt: Format, value: Value) -> Value:
    """``value`` rounded to nearest even in ``fmt``."""
    return decode(fmt, encode(fmt, value))


def multiply(x: Value, y: Value) -> Value:
    """IEEE 754 product before rounding, signed zeros, infinities and NaN included."""
    if _special(x) or _special(y):
        return math.nan if 0 in (x, y) else float(x) * float(y)
    product = Fraction(x) * Fraction(y)
    if product == 0 and _negative(x) != _negative(y):
        return -0.0
    return product


def add(x: Value, y: Value) -> Value:
    """IEEE 754 sum before rounding: x + (−x) is +0, and only (−0) + (−0) is −0."""
    if _special(x) or _special(y):
        return _sum_of_specials(x, y)
    total = Fraction(x) + Fraction(y)
    if total == 0 and x == 0 and _negative(x) and _negative(y):
        return -0.0
    return total


def _sum_of_specials(x: Value, y: Value) -> float:
    specials = [float(value) for value in (x, y) if _special(value)]
    return sum(specials)  # inf − inf is NaN


def _special(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _negative(value: Value) -> bool:
    return math.copysign(1, value) < 0 if isinstance(value, float) else value < 0
