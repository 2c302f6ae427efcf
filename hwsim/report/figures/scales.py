"""Axes for metrics: their names, units and tick labels."""

from __future__ import annotations

from typing import Any

from hwsim.report.figures.style import prefixed

_UNITS = {"cycles": "", "time": "s", "energy": "J", "power": "W", "edp": "J s"}
_LABELS = {
    "accuracy": "accuracy in %", "sqnr": "SQNR in dB", "area": "area in mm²", "utilization": "utilization in %",
    "edp": "energy × time",
}  # fmt: skip
_FACTORS = {"accuracy": 100.0, "utilization": 100.0, "area": 1e6}


def scaled(metric: str, value: float) -> float:
    """The value as it is drawn: fractions in percent, areas in mm²."""
    return value * _FACTORS.get(metric, 1.0)


def label(metric: str) -> str:
    """The axis label, with the unit where the ticks do not carry it."""
    return _LABELS.get(metric, metric)


def format_axis(axis: Any, metric: str) -> None:
    """Ticks with prefix and unit for metrics in plain SI units."""
    if metric in _UNITS:
        prefixed(axis, _UNITS[metric])
