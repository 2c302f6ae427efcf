"""A limit on a metric, as people write it: ``area <= 5 mm2``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from hwsim.base.errors import did_you_mean
from hwsim.explore.metrics import METRICS

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "≤": operator.le, "≥": operator.ge,
}  # fmt: skip
_WRITTEN = re.compile(r"\s*([A-Za-z_]+)\s*(<=|>=|<|>|≤|≥)\s*([^=\s].*?)\s*")


@dataclass(frozen=True)
class Constraint:
    """``metric comparison limit``, the limit in the metric's unit without prefix."""

    text: str
    metric: str
    comparison: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read ``area <= 5 mm2``, ``accuracy >= 97 %``, ``cycles < 1e6``. Raises `ValueError` with the remedy.

        >>> Constraint.parse("area <= 5 mm2").limit
        5e-06
        """
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise ValueError(f"expected a constraint such as 'area <= 5 mm2', got '{text}'")
        name, comparison, limit = written.groups()
        if name not in METRICS:
            raise ValueError(f"unknown metric '{name}'{did_you_mean(name, METRICS)}")
        try:
            value = METRICS[name].parse(limit)
        except ValueError as error:
            raise ValueError(f"'{text}': {_plain(error, limit)}") from None
        return cls(text, name, comparison, value)

    def satisfied(self, metrics: Mapping[str, float | None]) -> bool:
        """Whether it holds; a metric without a value satisfies nothing."""
        value = metrics.get(self.metric)
        return value is not None and _COMPARISONS[self.comparison](value, self.limit)


def _plain(error: ValueError, limit: str) -> str:
    # float() says "could not convert string to float"; people write fractions.
    return f"expected a fraction such as 0.97 or 97 %, got '{limit}'" if "convert" in str(error) else str(error)


def _check(text: str) -> str:
    Constraint.parse(text)
    return text


ConstraintText = Annotated[str, AfterValidator(_check)]
"""The field type: text that `Constraint.parse` understands."""
