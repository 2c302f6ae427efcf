"""OliVe's outlier–victim pairs in plain integers and fractions, one pair at a time.

Source: Guo et al., OliVe, ISCA 2023 (arXiv:2304.07493).
"""

from __future__ import annotations

import math
from fractions import Fraction


def abfloat(code: int, exponent_bits: int, mantissa_bits: int, bias: int) -> int:
    """The integer that an abfloat code means: ``(−1)**sign · ((1 << mb) + m) << (e + bias)``."""
    mantissa = code % (1 << mantissa_bits)
    exponent = (code >> mantissa_bits) % (1 << exponent_bits)
    magnitude = ((1 << mantissa_bits) + mantissa) << (exponent + bias)
    return -magnitude if code >> (exponent_bits + mantissa_bits) else magnitude


def _nearest(value: Fraction, choices: dict[int, int]) -> int:
    """The code in ``choices`` (code to value) nearest to ``value``; of two the even one."""
    return min(choices, key=lambda code: (abs(choices[code] - value), code % 2))


def encode_pair(pair: tuple[float, float], bits: int, exponent_bits: int, bias: int) -> tuple[int, int]:
    """The two codes of a pair of quotients ``x / scale``."""
    mantissa_bits = bits - 1 - exponent_bits
    identifier = 1 << (bits - 1)
    integers = {n % (1 << bits): n for n in range(1 - identifier, identifier)}
    outliers = {
        code: abfloat(code, exponent_bits, mantissa_bits, bias) for code in range(1 << bits) if code % identifier != 0
    }
    limit = max(outliers.values())
    exact = [Fraction(max(min(x, limit), -limit)) if math.isinf(x) else Fraction(x) for x in pair]
    threshold = Fraction(identifier - 1 + min(abs(v) for v in outliers.values()), 2)
    abfloats = [_nearest(x, outliers) if abs(x) > threshold else None for x in exact]
    kept = 0 if abs(pair[0]) >= abs(pair[1]) else 1
    outlier = abfloats[kept]
    if outlier is not None:
        return (outlier, identifier) if kept == 0 else (identifier, outlier)
    first, second = (_nearest(x, integers) for x in exact)
    return first, second


def decode_pair(codes: tuple[int, int], bits: int, exponent_bits: int, bias: int) -> tuple[int, int]:
    """The two integers of a pair of codes; a victim is 0, and so are codes that encoding never gives."""
    identifier = 1 << (bits - 1)
    mantissa_bits = bits - 1 - exponent_bits

    def value(code: int, other: int) -> int:
        if code == identifier or (other == identifier and code == 0):
            return 0
        if other == identifier:
            return abfloat(code, exponent_bits, mantissa_bits, bias)
        return code - (1 << bits) if code > identifier else code

    return value(codes[0], codes[1]), value(codes[1], codes[0])
