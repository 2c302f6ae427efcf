"""Linear takums: tapered precision whose exponent prefix never outgrows eleven bits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

from hwsim.base.errors import InputError
from hwsim.formats.base import families
from hwsim.formats.tapered import Prefix, TaperedFormat

_TAKUM = re.compile(r"takum_linear([1-9]\d?)")


@families.register("takum")
@dataclass(frozen=True)
class TakumFormat(TaperedFormat):
    """``(1 + f) · 2**c`` with a direction bit D, three regime bits, r characteristic bits C and a fraction f.

    D = 1: r is the regime and ``c = 2**r − 1 + C``; D = 0: r is seven less the regime and ``c = −2**(r+1) + 1 + C``.
    Bits that a short code lacks are zero. Hunhold, Beating Posits at Their Own Game: Takum Arithmetic, 2024
    (arXiv:2404.18603), definition 2 with linear significands (its section on linear takums).
    """

    kind: ClassVar[str] = "takum"
    name: str
    bits: int
    """Width of a code, 3 to 32."""

    def __post_init__(self) -> None:
        if not 3 <= self.bits <= 32:
            raise InputError(f"takum format '{self.name}': expected 3 to 32 bits, got {self.bits}")

    def prefix(self, exponent: int) -> Prefix:
        if exponent >= 0:
            r = (exponent + 1).bit_length() - 1
            return Prefix((8 | r) << r | (exponent + 1 - (1 << r)), 4 + r)
        r = (-exponent).bit_length() - 1
        return Prefix((7 - r) << r | (exponent + (2 << r) - 1), 4 + r)

    def positive_value(self, string: int, length: int) -> Fraction:
        if string == 0:
            return Fraction(0)
        bits = f"{string:0{length}b}".ljust(11, "0")
        regime = int(bits[1:4], 2)
        r = regime if bits[0] == "1" else 7 - regime
        characteristic = int(bits[4 : 4 + r] or "0", 2)
        exponent = (1 << r) - 1 + characteristic if bits[0] == "1" else 1 - (2 << r) + characteristic
        fraction = bits[4 + r :]
        return (1 + Fraction(int(fraction or "0", 2), 1 << len(fraction))) * Fraction(2) ** exponent

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``takum_linear{n}``."""
        match = _TAKUM.fullmatch(name)
        return None if match is None else cls(name, int(match[1]))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(f"takum_linear{n}", n) for n in (3, 5, 10, 12, 25, 32)]
