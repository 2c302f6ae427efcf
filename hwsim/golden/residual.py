"""Residual expansion of one channel in plain integers and fractions.

Source: Yvinec et al., REx, NeurIPS 2023 (arXiv:2203.14645), figure 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hwsim.formats.exact import round_to_integer
from hwsim.formats.float import FloatFormat
from hwsim.golden.formats import decode, encode

FLOAT32 = FloatFormat("fp32", 8, 24, 127)


def expand(channel: Sequence[float], bits: int, levels: int) -> tuple[list[list[int]], list[Fraction], list[Fraction]]:
    """Integers per level, the scale of each level, and what all of them leave."""
    residual = [Fraction(x) for x in channel]
    integers, scales = [], []
    for _ in range(levels):
        scale = channel_scale(residual, (1 << (bits - 1)) - 1)
        level = [quantize(r, scale, (1 << (bits - 1)) - 1) for r in residual]
        residual = [r - scale * q for r, q in zip(residual, level, strict=True)]
        integers.append(level)
        scales.append(scale)
    return integers, scales, residual


def channel_scale(residual: Sequence[Fraction], greatest: int) -> Fraction:
    """``max|r| / greatest`` as a float64 quotient rounded to float32, a normal one; 1 for a channel of zeros."""
    largest = max(abs(r) for r in residual)
    if largest == 0:
        return Fraction(1)
    quotient = max(float(largest) / greatest, FLOAT32.min_normal)
    return Fraction(decode(FLOAT32, encode(FLOAT32, Fraction(quotient))))


def quantize(value: Fraction, scale: Fraction, greatest: int) -> int:
    """``clamp(round(value / scale))``, ties to even, of the float64 quotient of two numbers that are float64."""
    quotient = Fraction(float(value) / float(scale))
    magnitude = min(round_to_integer(value < 0, abs(quotient), "rne"), greatest)
    return -magnitude if value < 0 else magnitude
