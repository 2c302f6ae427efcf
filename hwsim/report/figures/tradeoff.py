"""Error against energy per multiply-accumulate: a line per family along its knob, rings for the units of chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hwsim.report.figures.style import INK, MUTED, PAPER, drawn, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.engine.tradeoff import TradeoffRow
    from hwsim.report.tradeoff import Tradeoff


class _Style(NamedTuple):
    colour: str = MUTED
    marker: str = "o"
    label: tuple[float, float, str] = (8, 0, "left")
    """Offset in points from the end of the line, and horizontal alignment."""
    named: tuple[int, ...] = ()
    """Values of the knob that are written beside their points…"""
    beside: tuple[float, float, str] = (-5, 0, "right")
    """…and where."""


_STYLES = {
    "FP16": _Style(INK, "o", (26, 0, "left"), (5, 7, 11, 13, 16), (7, 2, "left")),
    "BF16": _Style("#8a8a8a", "o", (10, -9, "left"), (7, 11, 13), (-6, -2, "right")),
    "FP16, one by one": _Style("#7b4fa3", "P", (36, -13, "right")),
    "INT8": _Style("#0072b2", "s", (-4, -14, "right"), (17, 19, 20), (-6, 0, "right")),
    "MXINT8": _Style("#56b4e9", "s", (4, -14, "left")),
    "INT4": _Style("#009e73", "s", (0, -12, "center"), (8, 9, 10), (-6, 0, "right")),
    "NVINT4": _Style("#7fb800", "s", (-6, -6, "right"), (7,), (-6, 0, "right")),
    "FP8 E4M3": _Style("#d55e00", "o", (48, -7, "left")),
    "FP8 E5M2": _Style("#e69f00", "v", (8, 0, "left"), (13, 16, 20, 25), (0, 8, "center")),
    "MXFP8 E4M3": _Style("#ee7777", "^", (48, 19, "left")),
    "MXFP6 E2M3": _Style("#8c6d31", "D", (48, 6, "left")),
    "MXFP4": _Style("#cc79a7", "D", (8, 0, "left"), (9, 13, 16, 20, 25), (0, 8, "center")),
    "NVFP4": _Style("#a0206a", "o", (1, -12, "right")),
}
"""Integers are squares. Hues of Okabe and Ito 2008, darker or paler ones where thirteen families ask for more."""
_CHIP_LABELS = {
    "FP16": (16, -14, "right"), "NVFP4": (3, -24, "right"), "FP8 E4M3 Hopper": (6, -13, "left"),
    "FP8 E4M3 Blackwell": (48, -20, "left"),
}  # fmt: skip
_SAME = 0.06
"""Chips whose energies and errors differ by less than this part share a label; errors by five times as much."""
_FAR = 40
"""Points from which a label has a line to what it names."""
_ENERGIES = [step * 10**power for power in range(-1, 6) for step in (1, 2, 3, 5)]
"""Ticks, in fJ."""
_ERRORS = (1.2e-4, 1.2)


@drawn
def tradeoff_figure(found: Tradeoff) -> Figure:
    """Energy per multiply-accumulate in fJ across, relative L2 error upwards, both logarithmic."""
    figure = new_figure(9.0, 6.4)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.06)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    rows = [row for row in found.rows if row.rel_l2]
    for family in dict.fromkeys(row.family for row in rows):
        swept = [row for row in rows if row.family == family and row.hardware is None]
        if swept:
            _family(axes, swept, _STYLES.get(family, _Style()))
    _chips(axes, [row for row in rows if row.hardware is not None])
    _dress(axes, found, rows)
    return figure


def _spot(row: TradeoffRow) -> tuple[float, float]:
    return row.energy_per_mac_j * 1e15, row.rel_l2 or 0.0


def _family(axes: Axes, rows: Sequence[TradeoffRow], style: _Style) -> None:
    xs, ys = zip(*map(_spot, rows), strict=True)
    joined = rows[0].knob != "format"
    axes.plot(
        xs, ys, linestyle="-" if joined else "", linewidth=1.3, color=style.colour, marker=style.marker,
        markersize=4.2 if joined else 7, markeredgecolor=PAPER, markeredgewidth=0.5,
    )  # fmt: skip
    for row in rows:
        if not joined:
            _write(axes, row.label.split()[-1] + " sums", _spot(row), (0, 10, "center"), style.colour, 7.5)
        elif row.value in style.named:
            text = f"{row.value} bits" if row.knob == "bits" else f"F={row.value}"
            _write(axes, text, _spot(row), style.beside, style.colour, 7)
    lowest = min(rows, key=lambda row: row.rel_l2 or 0.0)
    _write(axes, rows[0].family, _spot(rows[-1] if joined else lowest), style.label, style.colour, 9, "bold")


def _chips(axes: Axes, rows: Sequence[TradeoffRow]) -> None:
    """A ring for each, a label for those that lie together."""
    groups: list[list[TradeoffRow]] = []
    for row in rows:
        axes.scatter(*_spot(row), s=85, facecolors="none", edgecolors=INK, linewidths=1.4, zorder=5)
        near = next((group for group in groups if _near(group[0], row)), None)
        if near is None:
            groups.append([row])
        else:
            near.append(row)
    for group in groups:
        first = group[0]
        place = _CHIP_LABELS.get(first.label) or _CHIP_LABELS.get(first.family) or (6, -13, "left")
        _write(axes, _chip_label(group), _spot(first), place, INK, 8)


def _near(one: TradeoffRow, other: TradeoffRow) -> bool:
    (x, y), (u, v) = _spot(one), _spot(other)
    return abs(x - u) < _SAME * x and abs(y - v) < 5 * _SAME * y


def _chip_label(rows: Sequence[TradeoffRow]) -> str:
    """'Ampere F=24, Hopper F=25' of one format; 'Blackwell FP8, MXFP8 F=25' of one chip."""
    if len({row.hardware for row in rows}) > 1:
        return ", ".join(f"{row.hardware} F={row.value}" for row in rows)
    formats = dict.fromkeys(row.family.split()[0] for row in rows)
    return f"{rows[0].hardware} {', '.join(formats)} F={rows[0].value}"


def _write(
    axes: Axes, text: str, spot: tuple[float, float], place: tuple[float, float, str], colour: str, size: float,
    weight: str = "normal",
) -> None:  # fmt: skip
    from matplotlib.patheffects import withStroke

    dx, dy, side = place
    options: dict[str, Any] = {"ha": side, "va": "center", "color": colour, "fontsize": size, "fontweight": weight}
    if abs(dx) > _FAR:
        options["arrowprops"] = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkB": 5, "relpos": (0, 0.5)}
    axes.annotate(
        text, spot, xytext=(dx, dy), textcoords="offset points", annotation_clip=False, zorder=6,
        path_effects=[withStroke(linewidth=2.2, foreground=PAPER)], **options,
    )  # fmt: skip


def _dress(axes: Axes, found: Tradeoff, rows: Sequence[TradeoffRow]) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    energies = [_spot(row)[0] for row in rows]
    axes.set_xlim(min(energies) / 1.25, max(energies) * 1.15)
    low = min(_spot(row)[1] for row in rows)
    axes.set_ylim(min(_ERRORS[0], low / 1.6) if low < _ERRORS[0] else low / 2.0, _ERRORS[1])
    low_energy, high_energy = axes.get_xlim()
    axes.set_xticks([tick for tick in _ENERGIES if low_energy < tick < high_energy])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.grid(which="major")
    axes.tick_params(which="both", length=0)
    axes.set_title("Error against energy per multiply-accumulate, INT8 … FP4, over the width of the sums")
    axes.set_xlabel(f"energy of a multiply-accumulate in the datapath, {found.technology}, fJ", loc="right")
    axes.set_ylabel("relative L2 error of x·w, operands' rounding included")
    note = (
        f"{found.description.rsplit(',', 1)[0]}\nrings: units of chips as they are; F: bits kept below the largest"
        " exponent;\nbits: saturating integer accumulator (of a chunk in MXINT8 and NVINT4)"
    )
    axes.text(0.01, 0.015, note, transform=axes.transAxes, fontsize=8, color=MUTED, va="bottom", linespacing=1.4)
