"""A finite number as multipliers see it: sign, significand and an exponent that is not normalised."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from hwsim.formats.base import Format, Unpacked
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import UniformFormat


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


def is_whole(number_format: Format) -> bool:
    """Whether a number is its own significand: integers and fixed point."""
    return number_format.kind in ("integer", "fixed")


def fraction_places(number_format: Format) -> int:
    """Places after the binary point of an integer or fixed-point format; 0 for other kinds."""
    return int(number_format.fraction_bits) if isinstance(number_format, UniformFormat) else 0


def fraction_bits(number_format: Format) -> int:
    """Bits of a significand after the binary point: none of integers and fixed point, else one less than all."""
    return 0 if is_whole(number_format) else significand_bits(number_format) - 1


def significand_bits(number_format: Format) -> int:
    """Bits that hold every significand's magnitude: p of a float, the word of an integer or fixed-point number.

    Of other kinds (posits, codebooks, …) the longest significand among all codes, or the word of wide ones.
    """
    if isinstance(number_format, FloatFormat):
        return number_format.precision
    return number_format.bits if is_whole(number_format) else _longest_significand(number_format)


ENUMERATED_BITS = 16
"""Formats up to this width are looked at code by code."""


@lru_cache(maxsize=64)
def _longest_significand(number_format: Format) -> int:
    if number_format.bits > ENUMERATED_BITS:
        return number_format.bits
    significand = np.abs(_all_codes(number_format).significand)
    odd = significand // np.maximum(significand & -significand, 1)
    return max(int(odd.max()).bit_length(), 1)


def _all_codes(number_format: Format) -> Unpacked:
    return number_format.unpack(np.arange(1 << number_format.bits, dtype=np.uint64))


@lru_cache(maxsize=64)
def exponent_range(number_format: Format) -> tuple[int, int]:
    """Exponents of the lowest last place of any significand and of the highest top bit (the scale of whole numbers)."""
    if isinstance(number_format, FloatFormat):
        return number_format.emin - fraction_bits(number_format), number_format.emax
    if is_whole(number_format):
        scale = -fraction_places(number_format)
        return scale, scale
    low, high = np.frexp([number_format.smallest, max(number_format.max, -number_format.min)])[1] - 1
    return int(low) - fraction_bits(number_format), int(high)


def placed(number_format: Format, parts: Unpacked) -> tuple[np.ndarray, np.ndarray]:
    """Significands int64 with `fraction_bits` and the exponents int32 of their last place.

    Floats and whole numbers come so; significands of other kinds are brought to the one length here.
    """
    significand, exponent = parts.significand.astype(np.int64), parts.exponent.astype(np.int32)
    if number_format.kind == "float" or is_whole(number_format):
        return significand, exponent
    odd = significand // np.maximum(significand & -significand, 1)
    up = significand_bits(number_format) - np.frexp(np.abs(odd).astype(np.float64))[1]
    zeros = np.frexp((significand & -significand).astype(np.float64))[1] - 1
    moved = np.where(significand == 0, 0, up - zeros)
    return odd << np.where(significand == 0, 0, up), (exponent - moved).astype(np.int32)
