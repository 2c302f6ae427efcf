"""What designs are judged by: names of objectives and constraints, their units, several workloads as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hwsim.base.quantities import parse_fraction, parse_quantity

MetricName = Literal["accuracy", "sqnr", "cycles", "time", "energy", "power", "area", "utilization", "edp"]
Totals = Mapping[str, Any]
"""A Result's totals: ``cycles, time_s, energy_j, area_m2, power_w, macs, utilization, sqnr_db, metric``."""


@dataclass(frozen=True)
class Metric:
    """One figure of merit: where its value is in a Result's totals, and its unit without prefix."""

    name: str
    column: str
    """Its heading in CSV files, with the unit."""
    unit: str
    read: Callable[[Totals], float | None]
    powers: int = 1
    """The exponent that a prefix is raised to: 2 for areas."""

    def parse(self, text: str) -> float:
        """``5 mm2``, ``97 %``, ``1e6``: the value in `unit`. Raises `ValueError`."""
        text = text.replace("²", "2").strip()
        if self.unit == "1":
            return parse_fraction(text)
        return parse_quantity(text, self.unit, self.powers)


def _total(key: str) -> Callable[[Totals], float | None]:
    return lambda totals: totals.get(key)


def _accuracy(totals: Totals) -> float | None:
    metric = totals.get("metric")
    return None if metric is None else metric["value"]


def _energy_delay(totals: Totals) -> float | None:
    energy, time = totals.get("energy_j"), totals.get("time_s")
    return None if energy is None or time is None else energy * time


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", "1", _accuracy),
        Metric("sqnr", "sqnr_db", "dB", _total("sqnr_db")),
        Metric("cycles", "cycles", "cycles", _total("cycles")),
        Metric("time", "time_s", "s", _total("time_s")),
        Metric("energy", "energy_j", "J", _total("energy_j")),
        Metric("power", "power_w", "W", _total("power_w")),
        Metric("area", "area_m2", "m2", _total("area_m2"), powers=2),
        Metric("utilization", "utilization", "1", _total("utilization")),
        Metric("edp", "edp_js", "J s", _energy_delay),
    )
}
assert tuple(METRICS) == get_args(MetricName)


def read_metrics(totals: Totals) -> dict[str, float | None]:
    """Metric name to value, None where the run has none."""
    return {name: metric.read(totals) for name, metric in METRICS.items()}


def combined(runs: Sequence[Totals]) -> Totals:
    """Totals of several workloads run one after the other on one design.

    Cycles, time, energy and MACs add up; power is total energy over total time; utilization is weighted by the
    cycles spent; accuracy counts the right answers of all; SQNR is the worst; the area is the design's own.
    """
    if len(runs) == 1:
        return runs[0]
    summed: dict[str, Any] = {key: _sum(runs, key) for key in ("cycles", "time_s", "energy_j", "macs")}
    energy, time = summed["energy_j"], summed["time_s"]
    sqnr = [run["sqnr_db"] for run in runs if run.get("sqnr_db") is not None]
    areas = [run["area_m2"] for run in runs if run.get("area_m2") is not None]
    return {
        **summed,
        "power_w": energy / time if energy is not None and time else None,
        "area_m2": max(areas, default=None),
        "utilization": _utilization(runs),
        "sqnr_db": min(sqnr, default=None),
        "metric": _pooled([run["metric"] for run in runs if run.get("metric")]),
    }


def _sum(runs: Sequence[Totals], key: str) -> Any:
    values = [run.get(key) for run in runs]
    return None if any(value is None for value in values) else sum(values)


def _utilization(runs: Sequence[Totals]) -> float | None:
    """Σ MACs over Σ MACs that the same cycles could have done (MACs / utilization)."""
    if any(not run.get("utilization") or not run.get("macs") for run in runs):
        return None
    possible = sum(run["macs"] / run["utilization"] for run in runs)
    return float(sum(run["macs"] for run in runs) / possible)


def _pooled(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if not metrics:
        return None
    if all(metric.get("total") for metric in metrics):
        correct, total = sum(metric["correct"] for metric in metrics), sum(metric["total"] for metric in metrics)
        return {"name": metrics[0]["name"], "value": correct / total, "correct": correct, "total": total}
    return {"name": metrics[0]["name"], "value": sum(metric["value"] for metric in metrics) / len(metrics)}
