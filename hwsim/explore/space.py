"""The levels of one parameter and the grid of several: which designs a study visits, in which order."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import Field, model_validator

from hwsim.base.record import Record

MAX_LEVELS = 10_000
"""More levels than this in one range is a slip of the pen."""
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)")


class Range(Record):
    """``{from: 10, to: 24}``, ``{from: 8, to: 64, factor: 2}``, ``{from: 64 KiB, to: 512 KiB, factor: 2}``."""

    start: int | float | str = Field(alias="from")
    """The first level."""
    to: int | float | str
    """The last level, included where a step meets it; in the unit of ``from``."""
    step: int | float | str | None = None
    """What is added from level to level; 1 between whole numbers."""
    factor: int | float | None = None
    """What each level is multiplied with, instead of a step."""

    @model_validator(mode="after")
    def _has_levels(self) -> Range:
        self.levels()
        return self

    def levels(self) -> list[Any]:
        """All levels in rising order, exact in decimal; whole numbers stay whole. Raises `ValueError`."""
        first, unit = _parse(self.start)
        last, other = _parse(self.to)
        if unit != other:
            raise ValueError(f"write 'from' and 'to' in one unit, got '{self.start}' and '{self.to}'")
        if first > last:
            raise ValueError(f"'from' must not be above 'to', got {self.start} and {self.to}")
        numbers = self._products(first, last) if self.factor is not None else self._sums(first, last, unit)
        return [_written(number, unit) for number in numbers]

    def _sums(self, first: Decimal, last: Decimal, unit: str) -> list[Decimal]:
        if self.step is None and not _whole(first, last):
            raise ValueError("give a 'step' or a 'factor'; only whole numbers have a step of their own")
        step, written = (Decimal(1), unit) if self.step is None else _parse(self.step)
        if written not in ("", unit):
            raise ValueError(f"write 'step' in the unit of 'from', got '{self.step}'")
        if step <= 0:
            raise ValueError(f"'step' must be positive, got {self.step}")
        count = int((last - first) / step) + 1
        if count > MAX_LEVELS:
            raise ValueError(f"{count} levels are more than {MAX_LEVELS}; take a larger step or a factor")
        return [first + position * step for position in range(count)]

    def _products(self, first: Decimal, last: Decimal) -> list[Decimal]:
        if self.step is not None:
            raise ValueError("give either 'step' or 'factor', not both")
        factor = Decimal(str(self.factor))
        if factor <= 1 or first <= 0:
            raise ValueError("a 'factor' must be above 1 and its 'from' above 0")
        numbers = [first]
        while numbers[-1] * factor <= last and len(numbers) <= MAX_LEVELS:
            numbers.append(numbers[-1] * factor)
        if len(numbers) > MAX_LEVELS:
            raise ValueError(f"more than {MAX_LEVELS} levels; take a larger factor")
        return numbers


def _parse(value: float | str) -> tuple[Decimal, str]:
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"expected a number or a quantity such as '64 KiB', got '{value}'")
        return Decimal(match[1]), match[2]
    return Decimal(str(value)), ""


def _whole(*numbers: Decimal) -> bool:
    return all(number == number.to_integral_value() for number in numbers)


def _written(number: Decimal, unit: str) -> Any:
    plain = int(number) if _whole(number) else float(number)
    return f"{plain} {unit}" if unit else plain


Axes = Mapping[str, Sequence[Any]]
"""Dotted path to its levels; the last path varies fastest."""


def size(axes: Axes) -> int:
    """The number of designs in the grid."""
    return math.prod(len(levels) for levels in axes.values())


def design(axes: Axes, index: int) -> dict[str, Any]:
    """The ``index``-th design of the grid: path to level."""
    chosen = {}
    for path, levels in reversed(list(axes.items())):
        index, position = divmod(index, len(levels))
        chosen[path] = levels[position]
    return {path: chosen[path] for path in axes}


def grid(axes: Axes) -> Iterator[dict[str, Any]]:
    """Every design, in order."""
    return (design(axes, index) for index in range(size(axes)))


def drawn(axes: Axes, count: int, seed: int) -> list[dict[str, Any]]:
    """``count`` different designs of the grid chosen at random by ``seed``, in the grid's order."""
    total = size(axes)
    chosen = sorted(random.Random(seed).sample(range(total), min(count, total)))
    return [design(axes, index) for index in chosen]
