"""Fixed point: ``q{i}.{f}`` with ``i`` bits before the binary point, the sign among them, and ``f`` after it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from hwsim.base.errors import InputError
from hwsim.formats.base import families
from hwsim.formats.integer import UniformFormat

_FIXED = re.compile(r"(u?)q(\d\d?)\.(\d\d?)(_symmetric)?")


@families.register("fixed")
@dataclass(frozen=True)
class FixedFormat(UniformFormat):
    """Multiples of ``2**−fraction_bits``: −2**(integer_bits−1) to 2**(integer_bits−1) − 2**−fraction_bits.

    Unsigned: 0 to 2**integer_bits − 2**−fraction_bits. The sign bit counts as an integer bit, as in ARM's
    Q notation (ARM Developer Suite AXD and armsd Debuggers Guide, section 4.7.9): q4.4 has 8 bits.
    At most 53 bits, so that every value is a float64.
    """

    kind: ClassVar[str] = "fixed"

    name: str
    integer_bits: int
    """Bits before the binary point, the sign bit among them."""
    fraction_bits: int
    """Bits after the binary point."""
    signed: bool = True
    symmetric: bool = False

    def __post_init__(self) -> None:
        if self.integer_bits < int(self.signed) or self.fraction_bits < 0 or not 1 <= self.bits <= 53:
            raise InputError(
                f"fixed point format '{self.name}': expected 1 to 53 bits, one of them before the point if signed"
            )

    @property
    def bits(self) -> int:
        return self.integer_bits + self.fraction_bits

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``q{i}.{f}`` signed, ``uq{i}.{f}`` unsigned; ``_symmetric`` behind leaves the most negative value out."""
        match = _FIXED.fullmatch(name)
        return None if match is None else cls(name, int(match[2]), int(match[3]), match[1] == "", match[4] is not None)

    @classmethod
    def examples(cls) -> list[Self]:
        symmetric = cls("q2.6_symmetric", 2, 6, symmetric=True)
        return [cls("q4.4", 4, 4), cls("q1.15", 1, 15), cls("uq0.8", 0, 8, False), cls("uq3.2", 3, 2, False), symmetric]
