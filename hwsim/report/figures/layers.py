"""What each layer costs in cycles and loses in precision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwsim.report.engineering import count, percent
from hwsim.report.figures.style import (
    ARCHITECTURE_COLOURS,
    INK,
    MUTED,
    colours_of,
    drawn,
    new_figure,
    prefixed,
    quiet,
)
from hwsim.report.table import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.engine.result import Result

_LAYERS = 48


@drawn
def cycles_by_layer(results: Sequence[Result]) -> Figure:
    """Cycles per layer: computing in full colour, stalled in pale; one colour per architecture."""
    names = _common_layers(results, "cycles")
    figure, axes, height = _frame(results, names)
    colours = _colours(results)
    longest = 0
    for position, result in enumerate(results):
        rows = {row["name"]: row for row in result.operators}
        for place, name in enumerate(names):
            if name not in rows or rows[name]["cycles"] is None:
                continue
            cycles, stall = rows[name]["cycles"], rows[name]["stall_cycles"] or 0
            longest = max(longest, cycles)
            y, colour = place + (position - (len(results) - 1) / 2) * height, colours[result.architecture]
            axes.barh(y, cycles - stall, height=height * 0.86, color=colour)
            axes.barh(y, stall, left=cycles - stall, height=height * 0.86, color=colour, alpha=0.35)
            stalled = f"  ({percent(stall / cycles, 0)} stalled)" if stall and len(results) == 1 else ""
            axes.text(cycles, y, f"  {count(cycles)}{stalled}", va="center", fontsize=7.5, color=INK)
    axes.set_xlim(0, longest * (1.24 if len(results) == 1 else 1.12) or 1)
    axes.set_title("Cycles by layer")
    axes.set_xlabel("cycles  (pale: stalled, waiting for a memory or the vector unit)", loc="right")
    prefixed(axes.xaxis, "")
    _legend(figure, results)
    return figure


@drawn
def sqnr_by_layer(results: Sequence[Result]) -> Figure:
    """Signal to quantization-noise ratio after each layer against the float reference; higher is better."""
    names = _common_layers(results, "sqnr_db")
    figure, axes, _ = _frame(results, names, tall=0.30)
    colours = _colours(results)
    found = [row["sqnr_db"] for each in results for row in each.operators if finite(row["sqnr_db"])]
    for position, result in enumerate(results):
        rows = {row["name"]: row["sqnr_db"] for row in result.operators}
        places = [place for place, name in enumerate(names) if finite(rows.get(name))]
        values = [rows[names[place]] for place in places]
        axes.plot(
            values, places, "-o", color=colours[result.architecture], markersize=6, linewidth=1.4,
            alpha=0.95, zorder=3 + len(results) - position,
        )  # fmt: skip
        for place, name in enumerate(names):
            if rows.get(name) == math.inf:
                axes.text(max(found), place, "exact", color=colours[result.architecture], va="center", ha="right")
    axes.set_xlim(min(0.0, *found), max(found) * 1.08 + 1)
    axes.set_title("Signal to quantization noise by layer")
    axes.set_xlabel("SQNR in dB  (higher is better; 6 dB is one bit)", loc="right")
    _legend(figure, results)
    return figure


def finite(value: float | None) -> bool:
    """Whether there is a value that a figure can show."""
    return value is not None and math.isfinite(value)


def _common_layers(results: Sequence[Result], key: str) -> list[str]:
    """Layer names with a value for ``key``, in the first architecture's order, the largest 48 by MACs."""
    rows = [row for result in results for row in result.operators if row[key] is not None]
    names = list(dict.fromkeys(row["name"] for row in rows))
    if len(names) <= _LAYERS:
        return names
    macs = {row["name"]: row["macs"] or 0 for row in rows}
    largest = set(sorted(names, key=lambda name: -macs[name])[:_LAYERS])
    return [name for name in names if name in largest]


def _frame(results: Sequence[Result], names: Sequence[str], tall: float | None = None) -> tuple[Figure, Axes, float]:
    """A figure with one line per layer, top to bottom; also the height of one architecture's bar."""
    per_layer = tall if tall is not None else 0.14 + 0.19 * len(results)
    figure = new_figure(8.0, 1.35 + per_layer * max(len(names), 1) + (0.2 if len(results) > 1 else 0))
    axes = figure.add_subplot()
    axes.set_yticks(range(len(names)), [shortened(name, 28) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    quiet(axes, "x")
    axes.spines["left"].set_color(MUTED)
    return figure, axes, 0.8 / len(results)


def _colours(results: Sequence[Result]) -> dict[str, str]:
    return colours_of([result.architecture for result in results], ARCHITECTURE_COLOURS)


def _legend(figure: Figure, results: Sequence[Result]) -> None:
    if len(results) < 2:
        return
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in _colours(results).items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=min(3, len(handles)), fontsize=8)
