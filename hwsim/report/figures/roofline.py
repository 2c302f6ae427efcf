"""The roofline: what each layer attains, against what arithmetic and memory allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import engineering
from hwsim.report.figures.style import ARCHITECTURE_COLOURS, INK, MUTED, PAPER, colours_of, drawn, new_figure
from hwsim.report.table import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.engine.result import Result

_LABELLED = 8


@drawn
def roofline(results: Sequence[Result]) -> Figure:
    """Attained MAC/s over MACs per byte of the outermost memory (Williams, Waterman and Patterson 2009).

    A layer under the slope waits for memory, one under the flat part for the arithmetic.
    """
    from matplotlib.ticker import EngFormatter, NullFormatter

    figure = new_figure(8.0, 4.6)
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.set_yscale("log")
    colours = colours_of([result.architecture for result in results], ARCHITECTURE_COLOURS)
    reach = _reach(results)
    axes.set_xlim(*reach)
    for position, result in enumerate(results):
        colour = colours[result.architecture]
        memory = _outermost(result)
        # Roofs of chips with the same memory coincide: each is drawn narrower over the last.
        line = {"color": colour, "linewidth": 2.2 if len(results) == 1 else max(4.4 - 1.1 * position, 1.2)}
        _roof(axes, result, memory, line, reach, alone=len(results) == 1)
        _layers(axes, result, memory, colour, named=len(results) == 1)
    axes.margins(y=0.12)
    axes.set_title("Roofline")
    axes.set_xlabel(f"MACs per byte of {_memories(results)}", loc="right")
    axes.set_ylabel("MAC/s")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(EngFormatter(sep="\u2009"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(which="major")
    axes.tick_params(which="both", length=0)
    if len(results) > 1:
        axes.legend(loc="upper left", fontsize=8)
    return figure


def _outermost(result: Result) -> str | None:
    """The first memory: results list them from the outside in."""
    return next(iter(result.roofline["bandwidth_bytes_per_s"]), None)


def _memories(results: Sequence[Result]) -> str:
    names = dict.fromkeys(filter(None, (_outermost(result) for result in results)))
    return " or ".join(names) or "memory"


def _points(result: Result, memory: str | None) -> list[tuple[str, float, float]]:
    """(layer, MACs per byte, MAC/s) of every layer that multiplies and moves something."""
    totals = result.totals
    clock = totals["cycles"] / totals["time_s"] if totals["time_s"] else 0.0
    found = []
    for row in result.operators:
        traffic = (row["traffic_bytes"] or {}).get(memory, {})
        moved = (traffic.get("read") or 0) + (traffic.get("write") or 0)
        if row["macs"] and row["cycles"] and moved:
            found.append((row["name"], row["macs"] / moved, row["macs"] * clock / row["cycles"]))
    return found


def _reach(results: Sequence[Result]) -> tuple[float, float]:
    """The span of intensities: every layer and every ridge, with a margin."""
    marks = [x for result in results for _, x, _ in _points(result, _outermost(result))]
    marks += [ridge for result in results if (ridge := _ridge(result, _outermost(result)))]
    return (min(marks) / 4, max(marks) * 8) if marks else (0.1, 1000.0)


def _ridge(result: Result, memory: str | None) -> float | None:
    bandwidth = result.roofline["bandwidth_bytes_per_s"].get(memory)
    peak: float = result.roofline["peak_macs_per_s"]
    return peak / bandwidth if bandwidth else None


def _roof(
    axes: Axes, result: Result, memory: str | None, line: dict[str, Any], reach: tuple[float, float], alone: bool
) -> None:
    peak, ridge = result.roofline["peak_macs_per_s"], _ridge(result, memory)
    label = None if alone else result.architecture
    if ridge is None:
        axes.axhline(peak, label=label, **line)
        return
    bandwidth = peak / ridge
    xs = [reach[0], ridge, reach[1]]
    axes.plot(xs, [bandwidth * xs[0], peak, peak], label=label, **line)
    if alone:
        note: dict[str, Any] = {"fontsize": 8, "color": MUTED, "va": "bottom"}
        axes.text(reach[1] / 1.15, peak * 1.12, engineering(peak, "MAC/s"), ha="right", **note)
        axes.annotate(
            f"{memory}  {engineering(bandwidth, 'B/s')}", (2 * xs[0], bandwidth * 2 * xs[0]), xytext=(9, -3),
            textcoords="offset points", fontsize=8, color=MUTED, va="top",
        )  # fmt: skip


def _layers(axes: Axes, result: Result, memory: str | None, colour: str, named: bool) -> None:
    points = _points(result, memory)
    if not points:
        return
    axes.scatter(
        [x for _, x, _ in points],
        [y for _, _, y in points],
        s=44,
        color=colour,
        edgecolors=PAPER,
        linewidths=0.8,
        zorder=3,
    )
    if named:
        macs = {row["name"]: row["macs"] or 0 for row in result.operators}
        for name, x, y in sorted(points, key=lambda point: -macs[point[0]])[:_LABELLED]:
            axes.annotate(
                shortened(name, 20), (x, y), xytext=(7, -3), textcoords="offset points", fontsize=8, color=INK, va="top"
            )
