"""Codebooks: formats whose values somebody chose, one by one or by a rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from hwsim.base.errors import InputError
from hwsim.formats.base import TABLE_BITS, families
from hwsim.formats.table import TableFormat


@families.register("codebook")
@dataclass(frozen=True)
class CodebookFormat(TableFormat):
    """Any values: ``levels[code]`` is the value of a code, None (YAML's ``null``) of one that is not used.

    ``bits`` follows from their number. To nearest by arithmetic distance, which for NF4 and the like is also how
    their libraries look up.
    """

    kind: ClassVar[str] = "codebook"
    name: str
    levels: tuple[float | None, ...]
    """The value of each code, from 0 on; null for one that is not used."""

    def __post_init__(self) -> None:
        levels = tuple(None if level is None else float(level) for level in self.levels)
        object.__setattr__(self, "levels", levels)
        usable = [level for level in levels if level is not None]
        if not 2 <= len(self.levels) <= 1 << TABLE_BITS or len(set(usable)) < 2:
            raise InputError(f"codebook '{self.name}': expected 2 to 65536 levels, two of them different")
        if not all(math.isfinite(level) for level in usable) or max(usable) <= 0:
            raise InputError(f"codebook '{self.name}': expected finite levels, one of them above zero")

    @property
    def bits(self) -> int:
        """``⌈log2(number of levels)⌉``."""
        return (len(self.levels) - 1).bit_length()

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``bipolar{n}``, ``pot{n}``, ``apot{n}_{k}``, ``abfloat_e{x}m{y}b{z}``; see `hwsim.formats.codebooks`."""
        for rule in rules:
            levels = rule(name)
            if levels is not None:
                return cls(name, levels)
        return None

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls("thirds", (-1.0, -1 / 3, 1 / 3, 1.0)),
            cls("one_sided", (0.25, 1.0, 7.0)),
            cls("two_zeros", (0.0, 1.5, 4.0, None, -0.0, -1.5, -4.0, 1e-3)),
            cls("wide", tuple(float(i**3) for i in range(-100, 101))),
        ]


rules: list[Callable[[str], tuple[float | None, ...] | None]] = []
"""From a name to the levels that a rule gives it, or None; `hwsim.formats.codebooks` fills it."""
