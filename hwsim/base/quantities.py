"""Quantities as people write them (``1 MiB``, ``3.35 TB/s``, ``1 GHz``), SI units without prefix inside."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

_SI = {"f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12, "P": 15}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
_NUMBER = re.compile(r"^\s*([-+]?(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*(.*?)\s*$")

_LONGEST = 64
"""Characters of a quantity; longer text is none."""


def parse_quantity(value: Any, unit: str, powers: int = 1) -> float:
    """``value`` in ``unit`` without prefix. A bare number is already in ``unit``.

    ``powers`` is the exponent a prefix is raised to: 2 for areas, so that ``5 mm2`` is 5e-6 m².
    Binary prefixes (Ki, Mi, Gi, Ti) are understood for bytes and bits only.
    Raises `ValueError` naming the units that would have been understood.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"expected a quantity in {unit} such as '1 {_example(unit)}', got {repr(value)[:_LONGEST]}")
    if not isinstance(value, str):
        return _finite(value, value)
    match = _NUMBER.match(value) if len(value) <= _LONGEST else None
    if match is None:
        raise ValueError(f"expected a quantity in {unit} such as '1 {_example(unit)}', got '{value[:_LONGEST]}'")
    _finite(float(match[1]), value)
    number, written = Fraction(match[1]), match[2]
    if written in ("", unit):
        return _finite(_nearest(number), value)
    prefix = written[: -len(unit)] if written.endswith(unit) else None
    if prefix in _BINARY and unit[0] in "Bb":
        return _finite(_nearest(number * 2 ** _BINARY[prefix]), value)
    if prefix in _SI:
        return _finite(_nearest(number * Fraction(10) ** (_SI[prefix] * powers)), value)
    raise ValueError(f"unknown unit '{written}', expected {unit} with a prefix, such as '1 {_example(unit)}'")


def parse_rate(value: Any, unit: str, per: Mapping[str, float]) -> float:
    """``'80 fJ/bit/mm'``: a quantity in ``unit`` over one of the denominators of ``per`` (each with its size in SI).

    A bare number, or one in plain ``unit``, is already over the SI denominator, whose size is 1.

    >>> parse_rate("12 mW/mm2", "W", {"m2": 1, "mm2": 1e-6})
    12000.0
    """
    if not isinstance(value, str) or "/" not in value:
        return parse_quantity(value, unit)
    amount, _, written = value.partition("/")
    size = per.get(written.strip())
    if size is None:
        words = " or ".join(f"{unit}/{name}" for name in per)
        raise ValueError(f"unknown unit '{value[:_LONGEST]}', expected {words} with a prefix")
    return parse_quantity(amount, unit) / size


def _nearest(number: Fraction) -> float:
    """Rounded once, so that '3.35 TB/s' is the double that a person writes as 3.35e12."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _finite(number: float, written: object) -> float:
    if abs(number) <= sys.float_info.max:
        return number
    raise ValueError(f"expected a finite number, got '{str(written)[:_LONGEST]}'")


def _example(unit: str) -> str:
    return {"B": "MiB", "Hz": "GHz", "B/s": "GB/s", "m2": "mm2", "s": "ns", "J": "pJ", "W": "mW", "V": "mV"}.get(
        unit, unit
    )


def _quantity(unit: str, powers: int = 1, integer: bool = False, most: float = math.inf) -> Any:
    def parse(value: Any) -> float | int:
        number = parse_quantity(value, unit, powers)
        if number > most:
            raise ValueError(f"expected at most {most:g} {unit}, got '{value}'")
        if not integer:
            return number
        if number != int(number):
            raise ValueError(f"expected a whole number of {unit}, got '{value}'")
        return int(number)

    schema = {"anyOf": [{"type": "number"}, {"type": "string"}], "description": f"in {unit}, e.g. '1 {_example(unit)}'"}
    return BeforeValidator(parse), WithJsonSchema(schema)


def parse_bits_per_cycle(value: Any) -> float:
    """``2048 bit/cycle`` or ``256 B/cycle``: what a port moves in a cycle, in bits. A bare number is in bits.

    Raises `ValueError` for anything else.
    """
    try:
        if isinstance(value, str) and value.strip().endswith("B/cycle"):
            return 8 * parse_quantity(value, "B/cycle")
        return parse_quantity(value, "bit/cycle")
    except ValueError:
        written = str(value)[:_LONGEST]
        raise ValueError(f"expected a port such as '2048 bit/cycle' or '256 B/cycle', got '{written}'") from None


def parse_fraction(value: Any) -> float:
    """``0.5 %`` or ``0.005``: a fraction of one."""
    if isinstance(value, str):
        number, percent, rest = value.strip().partition("%")
        try:
            return float("" if rest else number) / (100 if percent else 1)
        except ValueError:
            raise ValueError(f"expected a fraction such as '0.5 %' or 0.005, got '{value}'") from None
    return value  # type: ignore[no-any-return]  # pydantic refuses what is no number


Bytes = Annotated[int, *_quantity("B", integer=True, most=2**60), Field(gt=0)]
Hertz = Annotated[float, *_quantity("Hz", most=1e15), Field(gt=0)]
BytesPerSecond = Annotated[float, *_quantity("B/s", most=1e21), Field(gt=0)]
_PER_CYCLE = WithJsonSchema(
    {"anyOf": [{"type": "number"}, {"type": "string"}], "description": "in bit/cycle, e.g. '2048 bit/cycle'"}
)
BitsPerCycle = Annotated[float, BeforeValidator(parse_bits_per_cycle), Field(gt=0), _PER_CYCLE]
Watts = Annotated[float, *_quantity("W"), Field(ge=0)]
Joules = Annotated[float, *_quantity("J"), Field(ge=0)]
Volts = Annotated[float, *_quantity("V", most=5), Field(gt=0)]
SquareMetres = Annotated[float, *_quantity("m2", powers=2), Field(ge=0)]
_FRACTION = WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "description": "0 to 1, e.g. '0.5 %'"})
Fraction01 = Annotated[float, BeforeValidator(parse_fraction), Field(ge=0, le=1), _FRACTION]
