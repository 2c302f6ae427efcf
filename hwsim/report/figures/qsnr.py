"""QSNR against crest factor: theory as lines, what was measured as dots, and where integers and floats cross."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError
from hwsim.formats.analysis import Block, theoretical_qsnr_db
from hwsim.formats.analysis.compare import Comparison, crossovers_of
from hwsim.formats.integer import IntegerFormat
from hwsim.report.figures.style import ARCHITECTURE_COLOURS, INK, MUTED, PAPER, RULE, colours_of, drawn, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (*ARCHITECTURE_COLOURS[:-1], "#7b4fa3", "#8c6d31", ARCHITECTURE_COLOURS[-1])
"""Two more, so that the four pairs of arXiv:2510.25602 fit; names stand beside the lines."""
_POINTS = 240
_TICKS = (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512, 1024)
_FARTHEST = 12.0
"""Crossovers beyond it, and beyond the data, are left out of the picture."""
_LABEL_GAP = 9.5
"""Points between the base lines of two labels."""


@drawn
def qsnr_figure(title: str, comparisons: Sequence[Comparison]) -> Figure:
    """QSNR of each format over the crest factor of the values that share a scale; below, the crest factors found.

    Lines are Gaussian values in theory (arXiv:2510.25602), solid for integers, dashed for floats, and pale where no
    block of that size has such a crest factor. Dots are groups of blocks of similar crest factor, as measured.
    """
    sizes = list(dict.fromkeys(each.shared_by for each in comparisons))
    figure = new_figure(8.0, 4.9 + 0.22 * len(sizes))
    axes, strip = figure.subplots(2, 1, sharex=True, height_ratios=(4.2, 0.3 + 0.26 * len(sizes)))
    colours = colours_of([each.name for each in comparisons], _COLOURS)
    reach = _reach(comparisons)
    axes.set_xscale("log")
    axes.set_xlim(1.0, reach)
    for each in comparisons:
        _format(axes, each, colours[each.name], reach)
    _mark_crossovers(axes, comparisons, reach)
    axes.set_title(f"Signal to quantization noise, {title}", fontsize=9.5)
    axes.set_ylabel("QSNR in dB")
    axes.grid(axis="y")
    axes.tick_params(which="both", length=0)
    axes.margins(y=0.1)
    _crest_factors(strip, comparisons, sizes, reach)
    _explain(figure)
    figure.draw_without_rendering()  # the layout must be final before labels find their places
    _name(axes, comparisons, colours, reach)
    return figure


def _reach(comparisons: Sequence[Comparison]) -> float:
    """The greatest crest factor drawn: of the data and of the crossovers that are not far beyond it."""
    crests = [point.crest_factor for each in comparisons for point in each.curve]
    crests += [each.crest_factor for each in comparisons]
    crests += [c.crest_factor for c in crossovers_of(comparisons) if c.crest_factor < max(_FARTHEST, *crests)]
    return max(*crests, 2.5) * 1.12


def _format(axes: Axes, each: Comparison, colour: str, reach: float) -> None:
    integer = each.block is not None and isinstance(each.block.element, IntegerFormat)
    marker = "s" if integer else "o" if each.block is not None else "D"
    if each.block is not None:
        style: dict[str, Any] = {"color": colour, "linestyle": "-" if integer else (0, (4, 1.6)), "linewidth": 1.6}
        attained = min(reach, each.block.greatest_crest_factor)
        axes.plot(*_line(each.block, 1.0, attained), **style)
        axes.plot(*_line(each.block, attained, reach), **style, alpha=0.3)
    points = [(x, y) for x, y in (each.curve or ((each.crest_factor, each.qsnr_db),)) if math.isfinite(y)]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    size = 20 if each.curve else 46
    axes.scatter(xs, ys, s=size, marker=marker, color=colour, edgecolors=PAPER, linewidths=0.6, zorder=3)


def _line(block: Block, low: float, high: float) -> tuple[list[float], list[float]]:
    """Theory from crest factor ``low`` to ``high``, as far as it has values."""
    xs, ys = [], []
    for step in range(_POINTS + 1):
        x = low * (high / low) ** (step / _POINTS)
        try:
            ys.append(theoretical_qsnr_db(block, x))
        except InputError:
            break
        xs.append(x)
    return xs, ys


def _mark_crossovers(axes: Axes, comparisons: Sequence[Comparison], reach: float) -> None:
    blocks = {each.name: each.block for each in comparisons}
    for crossing in crossovers_of(comparisons):
        block = blocks[crossing.integer]
        if block is None or crossing.crest_factor > reach:
            continue
        spot = (crossing.crest_factor, theoretical_qsnr_db(block, crossing.crest_factor))
        colour = INK if crossing.attainable else MUTED
        axes.scatter(*spot, s=70, facecolors="none", edgecolors=colour, linewidths=1.3, zorder=4)
        axes.annotate(
            f"{crossing.crest_factor:.2f}", spot, xytext=(0, 8), textcoords="offset points", ha="center", fontsize=8,
            color=colour, path_effects=_halo(), zorder=5,
        )  # fmt: skip


def _crest_factors(axes: Axes, comparisons: Sequence[Comparison], sizes: Sequence[int], reach: float) -> None:
    """A row per number of values that share a scale: the span of the crest factors, their quartiles and median."""
    for place, size in enumerate(sizes):
        found = next((each for each in comparisons if each.shared_by == size and each.curve), None)
        median = next(each.crest_factor for each in comparisons if each.shared_by == size)
        if found is not None:
            xs = [point.crest_factor for point in found.curve]
            quarter = len(xs) // 4
            axes.plot([xs[0], xs[-1]], [place, place], color=RULE, linewidth=4, solid_capstyle="butt")
            axes.plot([xs[quarter], xs[-1 - quarter]], [place, place], color=MUTED, linewidth=4, solid_capstyle="butt")
        axes.scatter([median], [place], s=26, color=INK, edgecolors=PAPER, linewidths=0.7, zorder=3)
    axes.set_yticks(range(len(sizes)), [f"{size:,} values" for size in sizes])
    axes.set_ylim(len(sizes) - 0.4, -0.6)
    ticks = [tick for tick in _TICKS if tick <= reach]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("crest factor, max|x| / RMS of the values that share a scale", loc="right")


def _explain(figure: Figure) -> None:
    """What lines, dots and rings are."""
    from matplotlib.lines import Line2D

    plain: dict[str, Any] = {"color": MUTED}
    handles = [
        Line2D([], [], **plain, linewidth=1.6, label="integer, theory"),
        Line2D([], [], **plain, linewidth=1.6, linestyle=(0, (4, 1.6)), label="float, theory"),
        Line2D([], [], **plain, linestyle="", marker="o", markersize=4.5, label="measured"),
        Line2D([], [], color=INK, linestyle="", marker="o", fillstyle="none", markersize=7.5, label="crossover"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, fontsize=8, handlelength=2.2)


def _name(axes: Axes, comparisons: Sequence[Comparison], colours: dict[str, str], reach: float) -> None:
    """Each name behind the end of its line or dots; those that end at the same place keep apart."""
    ends = [(*_end(each, reach), each.name) for each in comparisons]
    to_points = 72 / axes.figure.dpi
    for x in dict.fromkeys(x for x, _, _ in ends):
        here = sorted((y, name) for own, y, name in ends if own == x and math.isfinite(y))
        heights = [axes.transData.transform((x, y))[1] * to_points for y, _ in here]
        for (y, name), own, placed in zip(here, heights, _apart(heights), strict=True):
            axes.annotate(
                name, (x, y), xytext=(6, placed - own), textcoords="offset points", va="center", fontsize=8,
                color=colours[name], fontweight="bold", annotation_clip=False, path_effects=_halo(), zorder=6,
            )  # fmt: skip


def _end(each: Comparison, reach: float) -> tuple[float, float]:
    """Where the line or the dots end; at the right margin when there is no room before it."""
    if each.block is not None:
        xs, ys = _line(each.block, 1.0, reach)
        x, y = xs[-1], ys[-1]
    else:
        x, y = (each.curve[-1] if each.curve else (each.crest_factor, each.qsnr_db))[:2]
    return (reach if math.log(x) > 0.85 * math.log(reach) else x), y


def _halo() -> list[Any]:
    """Paper around letters that cross a line."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.5, foreground=PAPER)]


def _apart(heights: Sequence[float]) -> list[float]:
    """Ascending ``heights`` moved so that neighbours are `_LABEL_GAP` apart, groups about their mean."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _bottom(groups[-1]) - _top(groups[-2]) < _LABEL_GAP:
            last = groups.pop()
            groups[-1] += last
    return [_bottom(group) + place * _LABEL_GAP for group in groups for place in range(len(group))]


def _bottom(group: Sequence[float]) -> float:
    return sum(group) / len(group) - (len(group) - 1) * _LABEL_GAP / 2


def _top(group: Sequence[float]) -> float:
    return _bottom(group) + (len(group) - 1) * _LABEL_GAP
