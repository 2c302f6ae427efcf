"""Between two neighbouring values: where each rounding changes from the one to the other, in exact arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.rounding import EQUAL, STOCHASTIC_B, STOCHASTIC_C, Mode


@dataclass(frozen=True)
class Cell:
    """The reals from ``lower`` to ``upper``, two neighbouring values."""

    lower: float
    upper: float
    middle: Fraction
    """Where to-nearest changes."""
    ties: bool
    """Whether ``middle`` itself is as near to the one as to the other; otherwise it belongs to the upper one."""
    lower_odd: bool
    upper_odd: bool

    @property
    def negative(self) -> bool:
        """Whether the upper value is the one toward zero."""
        return self.upper <= 0

    @property
    def straddles(self) -> bool:
        """Whether zero lies strictly inside."""
        return self.lower < 0 < self.upper

    def odd(self, which: int) -> bool:
        """Whether the lower (0) or upper (1) value is the odd one."""
        return self.upper_odd if which else self.lower_odd

    def threshold(self, rounding: str) -> tuple[Fraction, bool]:
        """``(t, strictly)``: x becomes the upper value where x >= t, or x > t if ``strictly``."""
        beyond_lower, at_upper = (Fraction(self.lower), True), (Fraction(self.upper), False)
        if rounding in ("rne", "rna"):
            return self.middle, self._tie_goes_down(rounding)
        if rounding in ("ru", "rd"):
            return beyond_lower if rounding == "ru" else at_upper
        if self.straddles:
            return Fraction(0), False
        toward_zero = rounding == "rz" or self.odd(1 if self.negative else 0)  # an odd neighbour keeps what it has
        return beyond_lower if toward_zero == self.negative else at_upper

    def _tie_goes_down(self, rounding: str) -> bool:
        if not self.ties or self.straddles:
            return False
        return self.negative if rounding == "rna" else self.upper_odd


def least_double(threshold: Fraction, strictly: bool) -> float:
    """The least float64 x with ``x >= threshold``, or ``x > threshold``."""
    nearest = float(threshold)
    exact = Fraction(nearest)
    reached = exact > threshold if strictly else exact >= threshold
    return nearest if reached else math.nextafter(nearest, math.inf)


def random_ranks(x: NDArray[np.float64], values: NDArray[np.float64], mode: Mode) -> NDArray[np.int64]:
    """Ranks among ``values`` of ``x`` within their range, by a random rounding (see `Format.encode`).

    With whole numbers of any size, one value at a time: exact, at less than a million a second.
    """
    lower = np.clip(np.searchsorted(values, x, side="right") - 1, 0, values.size - 2)
    words = mode.drawn(x.size)
    negative = values[lower + 1] <= 0
    near, far = np.where(negative, lower + 1, lower), np.where(negative, lower, lower + 1)
    goes_far = [_goes_far(*args, mode) for args in zip(x, values[near], values[far], words.tolist(), strict=True)]
    return np.where(goes_far, far, near)


def _goes_far(x: float, near: float, far: float, word: int, mode: Mode) -> bool:
    """Whether the carry of the fraction of the way from ``near`` to ``far`` and the random word leaves n bits."""
    (a, b), (c, d), (e, f) = (number.as_integer_ratio() for number in (float(x), float(near), float(far)))
    done, whole = abs(a * d - c * b) * f, abs(e * d - c * f) * b  # their quotient is the fraction
    if done in (0, whole):
        return done > 0
    if mode.number == EQUAL:
        return word % 2 == 1
    if mode.number == STOCHASTIC_C:
        quotient, rest = divmod(done << mode.bits, whole)
        up = 2 * rest > whole or (2 * rest == whole and quotient % 2 == 1)
        return quotient + up + word >= 1 << mode.bits
    if mode.number == STOCHASTIC_B:
        return (done << (mode.bits + 1)) // whole + 2 * word + 1 >= 2 << mode.bits
    return (done << mode.bits) // whole + word >= 1 << mode.bits
