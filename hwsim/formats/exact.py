"""Roundings in exact arithmetic, one number at a time: what golden rules of formats are written with.

Plain Python integers and fractions, no kernel: this is what the kernels are compared with.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

HALF = Fraction(1, 2)
TWO = Fraction(2)


class Draw(NamedTuple):
    """The random bits of one rounding."""

    bits: int
    """How many, n."""
    word: int
    """The integer r in [0, 2**n) that they make."""


def rounds_up(above: Fraction, negative: bool, odd: bool, rounding: str, draw: Draw | None = None) -> bool:
    """Whether a magnitude goes to the upper one of the two neighbours that hold it between them.

    ``above``, in (0, 1), is the fraction of the way from the lower one, whose code is ``odd`` or even. The modes are
    those of `hwsim.formats.base.Format.encode`.
    """
    if rounding == "rne":
        return above > HALF or (above == HALF and odd)
    if rounding in _RANDOM:
        assert draw is not None
        return _RANDOM[rounding](above, draw)
    return {"rna": above >= HALF, "rz": False, "ru": not negative, "rd": negative, "odd": not odd}[rounding]


def _form_a(above: Fraction, draw: Draw) -> bool:
    return math.floor(above * (1 << draw.bits)) + draw.word >= 1 << draw.bits


def _form_b(above: Fraction, draw: Draw) -> bool:
    return math.floor(above * (2 << draw.bits)) + 2 * draw.word + 1 >= 2 << draw.bits


def _form_c(above: Fraction, draw: Draw) -> bool:
    return round(above * (1 << draw.bits)) + draw.word >= 1 << draw.bits  # Python rounds a fraction to nearest even


def _equal(above: Fraction, draw: Draw) -> bool:
    return draw.word % 2 == 1


_RANDOM = {
    "stochastic_a": _form_a,
    "stochastic": _form_a,
    "stochastic_b": _form_b,
    "stochastic_c": _form_c,
    "equal_probability": _equal,
}
"""IEEE P3109 interim report, section on stochastic rounding; the last one ignores how far it is."""


def round_to_integer(negative: bool, magnitude: Fraction, rounding: str, draw: Draw | None = None) -> int:
    """``magnitude`` of a number of that sign as an integer; ties and oddness by the integer itself."""
    lower = math.floor(magnitude)
    above = magnitude - lower
    return lower + int(above != 0 and rounds_up(above, negative, lower % 2 == 1, rounding, draw))


def goes_beyond(negative: bool, rounding: str, overflow: str) -> bool:
    """Whether a finite value that rounds beyond the largest one becomes infinite, rather than the largest."""
    if overflow != "inf":
        return False
    return rounding not in ("rz", "odd", "ru" if negative else "rd")


def floor_log2(magnitude: Fraction) -> int:
    """The ``e`` with ``2**e <= magnitude < 2**(e + 1)``, for a magnitude above zero."""
    guess = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    return guess if TWO**guess <= magnitude else guess - 1
