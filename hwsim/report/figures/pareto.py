"""The Pareto front: every design as a dot, the undominated ones in colour and named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from hwsim.report.figures.scales import format_axis, label, scaled
from hwsim.report.figures.style import ARCHITECTURE_COLOURS, INK, MUTED, PAPER, drawn, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.explore.result import Point, StudyResult

_NAMED = 14
_PANELS = 3
_ACCENT, _EXCLUDED = ARCHITECTURE_COLOURS[0], ARCHITECTURE_COLOURS[4]


@drawn
def pareto_figure(result: StudyResult) -> Figure:
    """The first objective upwards against each of the others; the front is over all objectives together."""
    upwards, *others = list(result.study.objectives)
    others = others[:_PANELS]
    figure = new_figure(8.0, 4.6) if len(others) == 1 else new_figure(8.0, 3.9 * len(others))
    panels = figure.subplots(len(others), 1, squeeze=False)[:, 0]
    for axes, sideways in zip(panels, others, strict=True):
        _panel(axes, result, sideways, upwards)
    panels[0].set_title("Pareto front")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=3, fontsize=8)
    figure.draw_without_rendering()  # the layout must be final before labels look for room
    for axes, sideways in zip(panels, others, strict=True):
        _name_front(axes, result, sideways, upwards)
    return figure


def _panel(axes: Axes, result: StudyResult, sideways: str, upwards: str) -> None:
    goals = result.study.objectives
    groups = (
        ("excluded by a constraint", [p for p in result.points if p.status == "excluded"], _EXCLUDED, 22, "x"),
        ("dominated", [p for p in result.points if p.status == "ok" and not p.front], MUTED, 22, "o"),
        ("on the front", result.front, _ACCENT, 52, "o"),
    )
    for name, points, colour, size, marker in groups:
        spots = _spots(points, sideways, upwards)
        if not spots:
            continue
        style: dict[str, Any] = {"alpha": 0.55} if name == "dominated" else {}
        if marker == "o":
            style |= {"edgecolors": PAPER, "linewidths": 0.8}
        xs, ys = [x for x, _ in spots], [y for _, y in spots]
        axes.scatter(xs, ys, s=size, marker=marker, color=colour, label=name, zorder=3, **style)
    if len(goals) == 2:
        _staircase(axes, result, sideways, upwards)
    arrow = {"max": "more is better", "min": "less is better"}
    axes.set_xlabel(f"{label(sideways)}  ({arrow[_goal(result, sideways)]})", loc="right")
    axes.set_ylabel(f"{label(upwards)}  ({arrow[_goal(result, upwards)]})", loc="top")
    spots = _spots(result.points, sideways, upwards)
    format_axis(axes, "x", sideways, [x for x, _ in spots])
    format_axis(axes, "y", upwards, [y for _, y in spots])
    axes.grid()
    axes.tick_params(which="both", length=0)
    axes.margins(0.09)


def _goal(result: StudyResult, metric: str) -> str:
    return {str(name): way for name, way in result.study.objectives.items()}[metric]


def _spots(points: Sequence[Point], sideways: str, upwards: str) -> list[tuple[float, float]]:
    spots = []
    for point in points:
        x, y = point.metrics.get(sideways), point.metrics.get(upwards)
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y):
            spots.append((scaled(sideways, x), scaled(upwards, y)))
    return spots


def _staircase(axes: Axes, result: StudyResult, sideways: str, upwards: str) -> None:
    """The edge of what is attainable: between two neighbours on the front, the worse value of each holds."""
    spots = sorted(_spots(result.front, sideways, upwards))
    # From left to right: a 'min' metric keeps its value until the next design, a 'max' one has the next's already.
    where: Literal["pre", "post"] = "post" if _goal(result, sideways) == "min" else "pre"
    axes.step(
        [x for x, _ in spots], [y for _, y in spots], where=where, color=_ACCENT, linewidth=1.2, alpha=0.6, zorder=2
    )


def _name_front(axes: Axes, result: StudyResult, sideways: str, upwards: str) -> None:
    """Write the varied values beside the front's designs where there is room; equal spots get one label."""
    from matplotlib.transforms import Bbox

    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]  # Agg's
    taken = [_dot(axes, spot) for spot in _spots(result.points, sideways, upwards)]
    frame = axes.get_window_extent(renderer)
    named: set[tuple[float, float]] = set()
    for point in result.front:
        spots = _spots([point], sideways, upwards)
        if not spots or spots[0] in named or len(named) >= _NAMED:
            continue
        named.add(spots[0])
        for offset, align in (((6, 5), "left"), ((6, -11), "left"), ((-6, 5), "right"), ((-6, -11), "right")):
            text = axes.annotate(
                _name(point, result),
                spots[0],
                xytext=offset,
                textcoords="offset points",
                ha=align,
                fontsize=7.5,
                color=INK,
            )
            box = text.get_window_extent(renderer)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(Bbox.intersection(box, other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _dot(axes: Axes, spot: tuple[float, float]) -> Any:
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform(spot)
    return Bbox.from_extents(x - 3, y - 3, x + 3, y + 3)


def _name(point: Point, result: StudyResult) -> str:
    from hwsim.report.study import level_text

    return " ".join(level_text(level) for level in point.values.values())
