"""Every code of a narrow format as multipliers see it: for rules that depend on which values there are."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from hwsim.datapath.factor import Factor
from hwsim.formats.base import TABLE_BITS, Format


@lru_cache(maxsize=64)
def values(number_format: Format) -> tuple[Fraction | None, ...]:
    """The value of each code, None for infinities and NaN; `ValueError` for formats of more than 16 bits."""
    if number_format.bits > TABLE_BITS:
        raise ValueError(f"expected a format of at most {TABLE_BITS} bits, got '{number_format.name}'")
    parts = number_format.unpack(np.arange(1 << number_format.bits, dtype=np.uint64))
    return tuple(
        None if special else Fraction(int(significand)) * Fraction(2) ** int(exponent)
        for significand, exponent, special in zip(*parts, strict=True)
    )


@lru_cache(maxsize=64)
def codes(number_format: Format) -> dict[tuple[bool, Fraction], int]:
    """The code of each ``(negative, value)``, the lowest of several; −0 apart from +0."""
    every = np.arange(1 << number_format.bits, dtype=np.uint64)
    signs = np.signbit(number_format.decode(every))
    found: dict[tuple[bool, Fraction], int] = {}
    for code, (value, negative) in enumerate(zip(values(number_format), signs, strict=True)):
        if value is not None:
            found.setdefault((bool(negative), value), code)
    return found


def code(x: Factor, number_format: Format) -> int:
    """The code of a factor."""
    return codes(number_format)[x.negative, x.value]
