"""The totals of a run that people compare: their order, their names, how each is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.report.engineering import area, count, decibel, engineering, percent, ratio


@dataclass(frozen=True)
class Measure:
    """One total: its key, its heading, how to read it from a Result's totals and how to write it."""

    name: str
    label: str
    read: Callable[[Mapping[str, Any]], float | None]
    write: Callable[[float | None], str]
    better: str
    """``high`` or ``low``; empty where neither is better in itself."""
    column: str
    """The heading in CSV files: the name with its unit."""
    compared_by: str = "ratio"
    """``ratio`` to the first architecture, or ``difference`` from it (accuracy, decibels)."""


def _metric(totals: Mapping[str, Any]) -> float | None:
    metric = totals.get("metric")
    return None if metric is None else metric["value"]


def _edp(totals: Mapping[str, Any]) -> float | None:
    energy, time = totals.get("energy_j"), totals.get("time_s")
    return None if energy is None or time is None else energy * time


def _total(key: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda totals: totals.get(key)


MEASURES: tuple[Measure, ...] = (
    Measure("accuracy", "Accuracy", _metric, lambda value: percent(value, 2), "high", "accuracy", "difference"),
    Measure("sqnr", "SQNR", _total("sqnr_db"), decibel, "high", "sqnr_db", "difference"),
    Measure("cycles", "Cycles", _total("cycles"), count, "low", "cycles"),
    Measure("time", "Time", _total("time_s"), lambda value: engineering(value, "s"), "low", "time_s"),
    Measure("energy", "Energy", _total("energy_j"), lambda value: engineering(value, "J"), "low", "energy_j"),
    Measure("power", "Power", _total("power_w"), lambda value: engineering(value, "W"), "low", "power_w"),
    Measure("area", "Area", _total("area_m2"), area, "low", "area_m2"),
    Measure("utilization", "Utilization", _total("utilization"), percent, "high", "utilization", "difference"),
    Measure("edp", "Energy × time", _edp, lambda value: engineering(value, "J s"), "low", "energy_time_js"),
)


def heading(measure: Measure, totals: Mapping[str, Any]) -> str:
    """The measure's label; the task's own name where it is the task's metric."""
    metric = totals.get("metric")
    if measure.name == "accuracy" and metric is not None:
        return str(metric["name"]).replace("_", " ").capitalize()
    return measure.label


def counted(totals: Mapping[str, Any]) -> str:
    """'353 of 360' where the metric counts, else empty."""
    metric = totals.get("metric") or {}
    if metric.get("correct") is None or metric.get("total") is None:
        return ""
    return f"{metric['correct']} of {metric['total']}"


def versus(measure: Measure, value: float | None, reference: float | None) -> str:
    """How ``value`` stands to the first architecture's: '×0.85', '−1.4 points' or '+3.2 dB'."""
    if measure.compared_by == "ratio":
        return ratio(value, reference)
    if value is None or reference is None or abs(value) == float("inf") or abs(reference) == float("inf"):
        return ""
    difference = value - reference
    points = f"{100 * difference:+.{2 if measure.name == 'accuracy' else 1}f} pt"
    text = f"{difference:+.1f} dB" if measure.name == "sqnr" else points
    return text.replace("-", "−")


def present(measures: tuple[Measure, ...], totals: list[Mapping[str, Any]]) -> list[Measure]:
    """The measures that at least one of the runs has a value for."""
    return [measure for measure in measures if any(measure.read(each) is not None for each in totals)]
