"""Posits: a unary regime, then exponent bits, then the fraction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from hwsim.base.errors import InputError
from hwsim.formats.base import families
from hwsim.formats.tapered import Prefix, TaperedFormat

_POSIT = re.compile(r"posit([1-9]\d?)(?:_(\d\d?))?")


@families.register("posit")
@dataclass(frozen=True)
class PositFormat(TaperedFormat):
    """``(1 + f) · 2**(k·2**es + x)`` of a regime k, es exponent bits x and a fraction f.

    The regime is a run of equal bits and the opposite one after it: k + 1 ones for k >= 0, −k zeros for k < 0.
    Posit Standard (2022), sections 3 and 4, where es is 2; Gustafson and Yonemoto, Beating Floating Point at its Own
    Game, 2017, for any es. Exponents reach ±(bits − 2)·2**es, which float64 holds up to 1022.
    """

    kind: ClassVar[str] = "posit"
    name: str
    bits: int
    """Width of a code, 2 to 32."""
    exponent_bits: int = 2
    """es: bits of the exponent that follow the regime."""

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 32 or self.exponent_bits < 0:
            raise InputError(f"posit format '{self.name}': expected 2 to 32 bits and es from 0, got {self.bits} bits")
        if (self.bits - 2) << self.exponent_bits > 1022:
            raise InputError(
                f"posit format '{self.name}': exponents reach ±{(self.bits - 2) << self.exponent_bits}, "
                "beyond float64's 1022"
            )

    def prefix(self, exponent: int) -> Prefix:
        regime, rest = exponent >> self.exponent_bits, exponent & ((1 << self.exponent_bits) - 1)
        run = Prefix(((1 << (regime + 1)) - 1) << 1, regime + 2) if regime >= 0 else Prefix(1, 1 - regime)
        return Prefix(run.bits << self.exponent_bits | rest, run.length + self.exponent_bits)

    def positive_value(self, string: int, length: int) -> Fraction:
        if string == 0:
            return Fraction(0)
        bits = f"{string:0{length}b}"
        run = len(bits) - len(bits.lstrip(bits[0]))
        regime = run - 1 if bits[0] == "1" else -run
        rest = bits[run + 1 :]
        exponent = int(rest[: self.exponent_bits].ljust(self.exponent_bits, "0") or "0", 2)
        fraction = rest[self.exponent_bits :]
        significand = 1 + Fraction(int(fraction or "0", 2), 1 << len(fraction))
        return significand * Fraction(2) ** (regime * (1 << self.exponent_bits) + exponent)

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``posit{n}_{es}``, or ``posit{n}`` with the standard's es of 2."""
        match = _POSIT.fullmatch(name)
        return None if match is None else cls(name, int(match[1]), int(match[2] or 2))

    @classmethod
    def examples(cls) -> list[Self]:
        shapes = ((2, 0), (3, 0), (5, 1), (6, 3), (8, 1), (8, 4), (9, 5), (10, 2), (12, 0), (20, 1), (32, 4))
        return [cls(f"posit{n}_{es}", n, es) for n, es in shapes]
