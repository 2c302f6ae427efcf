"""From the largest magnitude of a block to its scale: the rules by the names that papers and libraries give them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.base import Format
from hwsim.formats.exact import floor_log2

Rule = Literal["floor", "ceil", "rceil", "even", "round", "divide"]
"""With A = max|x| of a block, Q the element's largest value and emax = ⌊log2 Q⌋, the scale is

- ``floor``: 2**(⌊log2 A⌋ − emax), the OCP Microscaling specification 1.0, section 6.3;
- ``ceil``: 2**(⌈log2 A⌉ − emax) (torchao's CEIL);
- ``rceil``: 2**⌈log2(A / Q)⌉, the least power of two under which nothing saturates (torchao's RCEIL; the
  ``ceil`` of INT v.s. FP, arXiv:2510.25602);
- ``even``: as ``floor``, of A rounded to the significand bits of the element first (torchao's EVEN);
- ``round``: the power of two whose logarithm is nearest to log2(A / Q);
- ``divide``: A / Q itself, rounded into the scale's format.
"""


def exponents(largest: NDArray[np.float64], element: Format, rule: Rule) -> NDArray[np.int64]:
    """The exponent that a power-of-two ``rule`` gives each of the finite ``largest``; meaningless for 0.

    Exact for any float64: a rule is an exponent and one comparison of the significand.
    """
    fraction, exponent = np.frexp(largest)  # in [1/2, 1)
    top_fraction, top_exponent = math.frexp(float(element.max))
    floor = exponent.astype(np.int64) - 1
    if rule == "floor":
        return floor - (top_exponent - 1)
    if rule == "ceil":
        return floor + (fraction > 0.5) - (top_exponent - 1)
    if rule == "even":
        carries = 1 - math.ldexp(1.0, -significand_bits(element) - 1)
        return floor + (fraction >= carries) - (top_exponent - 1)
    ratio = exponent.astype(np.int64) - top_exponent
    if rule == "rceil":
        return ratio + (fraction > top_fraction)
    up, down = (_times_root_two(top_fraction, power) for power in (1, -1))
    return ratio + (fraction >= up) - (fraction < down)


def significand_bits(element: Format) -> int:
    """Bits of the significand of the element's largest binade, the leading one among them."""
    top = Fraction(float(element.max))
    step = top - Fraction(float(element.next_down(float(element.max))))
    return floor_log2(top) - floor_log2(step) + 1


def _times_root_two(x: float, power: int) -> float:
    """The least float64 above ``x · 2**(power / 2)`` for power ±1, which is irrational."""
    exact = Fraction(x) ** 2 * Fraction(2) ** power
    candidate = math.nextafter(x * math.sqrt(2.0) ** power, 0.0)
    while Fraction(candidate) ** 2 <= exact:
        candidate = math.nextafter(candidate, math.inf)
    return candidate


def clipped(exponent: NDArray[np.int64], scale: Format) -> NDArray[np.int64]:
    """Exponents within those of the powers of two that a scale format has (e8m0fnu: −127 to 127)."""
    least = math.ceil(math.log2(scale.smallest))
    return np.clip(exponent, least, math.floor(math.log2(scale.max)))
