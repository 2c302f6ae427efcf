"""What a study answers: one point per design, judged by constraints and dominance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hwsim.explore.metrics import combined, read_metrics
from hwsim.explore.pareto import pareto_front
from hwsim.explore.study import Study


@dataclass(frozen=True)
class Point:
    """One design: its values, what they cost, and how it stands."""

    index: int
    values: Mapping[str, Any]
    """Dotted path to level."""
    metrics: Mapping[str, float | None]
    """Metric name to value over all workloads; empty where the design could not be evaluated."""
    runs: Mapping[str, Mapping[str, Any]]
    """Workload to the totals of its run."""
    status: str
    """``ok``, ``excluded`` by a constraint, or ``failed``."""
    reason: str = ""
    """The constraints that it breaks, or why it could not be evaluated."""
    front: bool = False
    """Whether no other design dominates it."""


@dataclass(frozen=True)
class StudyResult:
    """All points of a study in design order, with what it was made from."""

    study: Study
    points: Sequence[Point]
    inputs: Mapping[str, str]
    """File name to text: the study first, then the architecture and the workloads."""
    versions: Mapping[str, str]

    @property
    def front(self) -> list[Point]:
        """The Pareto front, in design order."""
        return [point for point in self.points if point.front]


def judged(study: Study, designs: Sequence[Mapping[str, Any]], found: Mapping[int, Mapping[str, Any]]) -> list[Point]:
    """Points from what was found for each design: constraints checked, the front marked."""
    points = [_point(study, index, values, found[index]) for index, values in enumerate(designs)]
    good = [point for point in points if point.status == "ok"]
    if not good:
        return points
    costs = [[_cost(point, name, way) for name, way in study.objectives.items()] for point in good]
    front = {point.index for point, on in zip(good, pareto_front(np.array(costs)), strict=True) if on}
    return [replace(point, front=point.index in front) for point in points]


def _point(study: Study, index: int, values: Mapping[str, Any], found: Mapping[str, Any]) -> Point:
    if found["runs"] is None:
        return Point(index, values, {}, {}, "failed", found["reason"])
    metrics = read_metrics(combined(list(found["runs"].values())))
    broken = [limit.text for limit in study.limits if not limit.satisfied(metrics)]
    reason = f"breaks {', '.join(broken)}" if broken else ""
    return Point(index, values, metrics, found["runs"], "excluded" if broken else "ok", reason)


def _cost(point: Point, metric: str, way: str) -> float:
    value = point.metrics[metric]
    if value is None:
        return float("nan")
    return -value if way == "max" else value
