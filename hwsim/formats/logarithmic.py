"""Logarithmic numbers: a sign and the fixed-point logarithm of the magnitude, so that products are sums."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, Self

from hwsim.base.errors import InputError
from hwsim.formats.base import families
from hwsim.formats.table import TableFormat

_LOGARITHMIC = re.compile(r"lns([1-9]\d?)_(\d)")


@families.register("logarithmic")
@dataclass(frozen=True)
class LogarithmicFormat(TableFormat):
    """``±2**((c − bias) / 2**f)`` of a magnitude code c > 0 with f fraction bits and bias 2**(bits−2); 0 for c = 0.

    A value is the float64 nearest to that power, and to-nearest is meant of the logarithm: it changes at the
    geometric mean of two neighbours (below the smallest at half of it), which is where the logarithm is half-way.
    Directed roundings go by the values. Miyashita et al., Convolutional Neural Networks using Logarithmic Data
    Representation, 2016 (arXiv:1603.01025), section 3; Zhao et al., LNS-Madam, 2021 (arXiv:2106.13914), section 2.
    """

    kind: ClassVar[str] = "logarithmic"
    name: str
    bits: int
    """Width of a code, the sign among them, 3 to 16."""
    fraction_bits: int
    """Bits of the logarithm after its binary point, 0 to 6."""

    def __post_init__(self) -> None:
        if not (3 <= self.bits <= 16 and 0 <= self.fraction_bits <= 6):
            raise InputError(f"logarithmic format '{self.name}': expected 3 to 16 bits and up to 6 fraction bits")
        if self.bias >> self.fraction_bits > 1022:
            raise InputError(
                f"logarithmic format '{self.name}': exponents reach ±{self.bias >> self.fraction_bits}, "
                "beyond float64's 1022"
            )

    @property
    def bias(self) -> int:
        """The magnitude code of 1."""
        return 1 << (self.bits - 2)

    @property
    def eps(self) -> float:
        """Distance from 1 to the next larger value."""
        return self._power(1, self.fraction_bits) - 1

    @cached_property
    def levels(self) -> tuple[float, ...]:
        magnitudes = [self._power(code - self.bias, self.fraction_bits) for code in range(1, 2 * self.bias)]
        return (0.0, *magnitudes, -0.0, *(-magnitude for magnitude in magnitudes))

    def split(self, lower: int) -> tuple[Fraction, bool]:
        """The least float64 above the geometric mean, which is irrational: nothing ties."""
        values = self.ascending
        if 0.0 in (values[lower], values[lower + 1]):
            return super().split(lower)
        negative = values[lower] < 0
        rank = len(values) - 1 - lower if negative else lower  # the codes of negative values mirror the others
        code = rank - bisect_right(values, 0.0) + 1 - int(negative)
        numerator, places = 2 * (code - self.bias) + 1, self.fraction_bits + 1
        mean = self._power(numerator, places)
        above = mean if _exceeds(Fraction(mean), numerator, places) else math.nextafter(mean, math.inf)
        return Fraction(-math.nextafter(above, 0.0) if negative else above), False

    def golden_above(self, lower: int, exact: Fraction, rounding: str) -> bool:
        """Compares powers: ``x > 2**(k / 2**g)`` is ``x**(2**g) > 2**k``, in whole numbers."""
        values = self.ascending
        if 0.0 in (values[lower], values[lower + 1]):
            return super().golden_above(lower, exact, rounding)
        ratio = Fraction(max(abs(values[lower]), abs(values[lower + 1])))
        k = round(math.log2(ratio) * (1 << self.fraction_bits)) * 2 - 1
        beyond = abs(exact) ** (2 << self.fraction_bits) > Fraction(2) ** k
        return not beyond if exact < 0 else beyond

    @staticmethod
    def _power(numerator: int, places: int) -> float:
        """The float64 nearest to ``2**(numerator / 2**places)``."""
        whole, rest = numerator >> places, numerator & ((1 << places) - 1)
        guess = 2.0 ** (rest / (1 << places))  # within an ulp; decided below
        around = [math.nextafter(guess, 0.0), guess, math.nextafter(guess, math.inf)]
        nearest = next(
            x for x, y in zip(around, [*around[1:], math.inf], strict=True)
            if y == math.inf or _exceeds((Fraction(x) + Fraction(y)) / 2, rest, places)
        )  # fmt: skip
        return math.ldexp(nearest, whole)

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``lns{n}_{f}``: n bits in all, f of them after the point of the logarithm."""
        match = _LOGARITHMIC.fullmatch(name)
        return None if match is None else cls(name, int(match[1]), int(match[2]))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(f"lns{n}_{f}", n, f) for n, f in ((3, 0), (4, 1), (6, 0), (8, 6), (10, 4), (12, 6))]


def _exceeds(x: Fraction, numerator: int, places: int) -> bool:
    """Whether ``x > 2**(numerator / 2**places)``."""
    return x ** (1 << places) > Fraction(2) ** numerator
