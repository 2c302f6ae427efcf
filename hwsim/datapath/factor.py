"""A finite number as multipliers see it: sign, significand and an exponent that is not normalised."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat


@dataclass(frozen=True)
class Factor:
    """``±significand · 2**exponent``.

    A float's exponent is ``biased − bias`` for normals and ``emin`` for subnormals and zeros, so that its
    significand lies in [0, 2) and in [0, 1) for subnormals: the definition of facts about matrix units
    (MMA-Sim, arXiv:2511.10909, section 3). An integer is its own significand, with exponent 0; a fixed-point
    number with f fraction bits has exponent −f.
    """

    negative: bool
    significand: Fraction
    exponent: int

    @property
    def value(self) -> Fraction:
        """The number itself; a negative zero becomes 0."""
        magnitude = self.significand * Fraction(2) ** self.exponent
        return -magnitude if self.negative else magnitude


def fraction_bits(number_format: Format) -> int:
    """Bits of a significand after the binary point: p − 1 of a float, none of an integer or fixed-point number."""
    return number_format.mantissa_bits if isinstance(number_format, FloatFormat) else 0


def significand_bits(number_format: Format) -> int:
    """Bits that hold every significand's magnitude: p of a float, the word of an integer or fixed-point number."""
    return number_format.precision if isinstance(number_format, FloatFormat) else number_format.bits
