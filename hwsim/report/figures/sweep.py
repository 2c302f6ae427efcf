"""Metrics against a varied parameter: one line per level of a second, one column per level of the rest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwsim.report.figures.scales import format_axis, label, scaled
from hwsim.report.figures.style import ARCHITECTURE_COLOURS, MUTED, drawn, new_figure
from hwsim.report.study import level_text, short_paths, shown_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.explore.result import StudyResult

_LINES = len(ARCHITECTURE_COLOURS)
_COLUMNS = 4
_ROWS = 4


@dataclass(frozen=True)
class SweepPlan:
    """Which varied path runs along x, which makes the lines, and the combinations of the others as columns."""

    along: str
    lines: str | None
    columns: list[dict[str, Any]]


def sweep_plan(result: StudyResult) -> SweepPlan | None:
    """How to draw the study as lines; None where it has too many dimensions or was drawn at random."""
    axes = {path: levels for path, levels in result.study.axes.items() if len(levels) > 1}
    numeric = [path for path, levels in axes.items() if len(levels) > 2 and _numeric(levels)]
    if not numeric or result.study.search.method != "grid" or not any(point.metrics for point in result.points):
        return None
    along = max(numeric, key=lambda path: len(axes[path]))
    others = sorted((path for path in axes if path != along), key=lambda path: -len(axes[path]))
    lines = next((path for path in others if len(axes[path]) <= _LINES), None)
    rest = [path for path in others if path != lines]
    columns = [dict(zip(rest, levels, strict=True)) for levels in itertools.product(*(axes[path] for path in rest))]
    return SweepPlan(along, lines, columns) if len(columns) <= _COLUMNS else None


@drawn
def sweep_figure(result: StudyResult) -> Figure:
    """One row of panels per metric, one column per combination of the remaining parameters."""
    plan = sweep_plan(result)
    assert plan is not None
    metrics = [name for name in shown_metrics(result) if any(p.metrics.get(name) is not None for p in result.points)]
    metrics = metrics[:_ROWS]
    height = 2.7 if len(plan.columns) == 1 else 2.1
    figure = new_figure(8.0, 0.7 + height * len(metrics))
    panels = figure.subplots(len(metrics), len(plan.columns), sharex=True, sharey="row", squeeze=False)
    short = short_paths(list(result.study.vary))
    for row, metric in zip(panels, metrics, strict=True):
        for axes, column in zip(row, plan.columns, strict=True):
            _panel(axes, result, plan, metric, column)
        row[0].set_ylabel(label(metric))
    for axes, column in zip(panels[0], plan.columns, strict=True):
        axes.set_title(", ".join(level_text(level) for level in column.values()))
    for axes in panels[-1]:
        axes.set_xlabel(short[plan.along], loc="right")
    handles, labels = panels[0][0].get_legend_handles_labels()
    if plan.lines is not None:
        figure.legend(
            handles, labels, loc="outside lower left", ncols=min(7, len(labels)), fontsize=8,
            title=short[plan.lines], title_fontsize=8, alignment="left",
        )  # fmt: skip
    return figure


def _panel(axes: Axes, result: StudyResult, plan: SweepPlan, metric: str, column: dict[str, Any]) -> None:
    levels = result.study.axes
    for number, level in enumerate(levels[plan.lines] if plan.lines else [None]):
        fixed = {**column, **({plan.lines: level} if plan.lines else {})}
        spots = _line(result, plan.along, fixed, metric)
        # Lines that coincide stay visible: each is narrower than the one below it.
        width = max(3.2 - 0.6 * number, 1.2)
        style: dict[str, Any] = {"color": ARCHITECTURE_COLOURS[number % _LINES], "linewidth": width}
        axes.plot(
            [x for x, _ in spots], [y for _, y in spots], "-o", markersize=3 + width / 2, label=_text(level), **style
        )
    _numbered_axis(axes, [float(level) for level in levels[plan.along]])
    everywhere = [value for point in result.points if (value := point.metrics.get(metric)) is not None]
    format_axis(axes, "y", metric, [scaled(metric, value) for value in everywhere if math.isfinite(value)])
    axes.grid(axis="y")
    axes.tick_params(which="both", length=0)
    axes.spines["bottom"].set_color(MUTED)


def _text(level: Any) -> str | None:
    return None if level is None else level_text(level)


def _line(result: StudyResult, along: str, fixed: dict[str, Any], metric: str) -> list[tuple[float, float]]:
    spots = []
    for point in result.points:
        value = point.metrics.get(metric)
        if value is not None and math.isfinite(value) and all(point.values[path] == at for path, at in fixed.items()):
            spots.append((float(point.values[along]), scaled(metric, value)))
    return sorted(spots)


def _numeric(levels: Sequence[Any]) -> bool:
    return all(isinstance(level, (int, float)) and not isinstance(level, bool) for level in levels)


def _numbered_axis(axes: Axes, levels: Sequence[float]) -> None:
    """The levels themselves as ticks; logarithmic where they grow by factors."""
    ordered = sorted(levels)
    if ordered[0] > 0 and ordered[-1] / ordered[0] >= 8:
        axes.set_xscale("log", base=2)
        axes.minorticks_off()
    shown = ordered[:: max(1, math.ceil(len(ordered) / 16))]
    axes.set_xticks(shown, [f"{level:g}" for level in shown])
