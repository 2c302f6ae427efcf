"""Axes for metrics: their names, units and tick labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from hwsim.report.figures.style import prefixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINEAR = ("accuracy", "sqnr", "utilization")
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


def format_axis(axes: Axes, which: Literal["x", "y"], metric: str, values: Sequence[float]) -> None:
    """Ticks with prefix and unit for metrics in plain SI units; logarithmic where costs span more than a decade."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    positive = [value for value in values if value > 0]
    wide = metric not in _LINEAR and len(positive) == len(values) > 0 and max(values) / min(values) > 20
    if wide:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        axis.set_minor_formatter(lambda value, _: "")
    if metric in _UNITS:
        prefixed(axis, _UNITS[metric])
    elif wide:
        axis.set_major_formatter(lambda value, _: f"{value:g}")
