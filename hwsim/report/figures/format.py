"""Formats as figures: where their values lie, and how precise they are at each magnitude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.analysis.precision import binade_exponents, relative_error_curve
from hwsim.formats.base import TABLE_BITS
from hwsim.report.figures.style import ARCHITECTURE_COLOURS, MUTED, RULE, colours_of, drawn, new_figure
from hwsim.report.format_facts import finite_values
from hwsim.report.number_line import NumberLine, number_line, values_on_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_PIXELS = 900
"""Columns of a line whose values lie too densely for a stroke each."""
_STROKES = 320
_POINTS = 480
_TICKS = 9
_FLOOR = -2.0
"""Bits below which nothing is drawn: errors of 400 %."""


@drawn
def format_figure(formats: Sequence[Any]) -> Figure:
    """A number line for each scalar format, and below them all the precision of rounding against magnitude.

    Lines are linear or, where values span many binades, logarithmic on both sides of zero; each from its least to its
    greatest value. Precision is ``−log2`` of the largest relative error of rounding to nearest: p for p significand
    bits.
    """
    figure = new_figure(8.0, 3.5 + 0.72 * len(formats))
    panels = figure.subplots(len(formats) + 1, 1, height_ratios=[0.62] * len(formats) + [3.2])
    colours = colours_of([fmt.name for fmt in formats], ARCHITECTURE_COLOURS)
    for axes, fmt in zip(panels, formats, strict=False):
        _number_line(axes, fmt, colours[fmt.name])
    _precision(panels[-1], formats, colours)
    return figure


# Number lines -------------------------------------------------------------------------------------


def _number_line(axes: Axes, fmt: Any, colour: str) -> None:
    line, values = number_line(fmt), values_on_line(fmt)
    low, high = line.ends
    _strokes(axes, line.positions(values), (low, high), colour)
    margin = (high - low) * 0.004
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    marks = _marks(line)
    axes.set_xticks(line.positions(marks), [_label(mark, line) for mark in marks], fontsize=7.5)
    axes.tick_params(axis="x", length=2.5, color=MUTED, pad=1.5)
    axes.text(0, 1.1, fmt.name, transform=axes.transAxes, fontweight="bold", color=colour, fontsize=9)
    axes.text(1, 1.1, _described(fmt, line), transform=axes.transAxes, ha="right", color=MUTED, fontsize=7.5)


def _strokes(axes: Axes, positions: Array, ends: tuple[float, float], colour: str) -> None:
    """A stroke per value; where there are too many, columns as dark as values are dense."""
    if positions.size <= _STROKES:
        axes.vlines(positions, 0.06, 1, color=colour, linewidth=0.7, snap=False)
        return
    edges = np.linspace(*ends, _PIXELS + 1)
    counts = np.diff(np.interp(edges, positions, np.arange(positions.size)))
    image = (counts / counts.max()) ** 0.7
    axes.imshow(
        image[None, :], extent=(*ends, 0.06, 1), aspect="auto", cmap=_fade(colour), vmin=0, vmax=1,
        interpolation="nearest",
    )  # fmt: skip


def _fade(colour: str) -> Any:
    """From paper to ``colour``."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    return LinearSegmentedColormap.from_list("fade", [to_rgba(colour, 0.08), to_rgba(colour, 1.0)])


def _marks(line: NumberLine) -> list[float]:
    """Numbers below a line: its ends, zero, and round ones between where there is room, alike on both sides."""
    low, high = line.ends
    taken: list[tuple[float, float]] = []

    def place(mark: float) -> tuple[float, float]:
        letters = len(_label(mark, line).replace("^{", "").replace("}", "").replace("$", ""))
        return (float(line.positions(mark)) - low) / (high - low or 1.0), 0.009 * letters + 0.012

    kept = []
    for marks in ([line.greatest], [line.least], [0.0], *_round_numbers(line)):
        inside = [mark for mark in marks if min(line.least, 0.0) <= mark <= line.greatest]
        places = [place(mark) for mark in inside]
        if all(abs(at - other) > (room + width) / 2 for at, room in places for other, width in taken):
            kept += inside
            taken += places
    return kept


def _round_numbers(line: NumberLine) -> list[list[float]]:
    """Powers of two, 1 first, or even steps; each with its negative."""
    if not line.logarithmic:
        step = 2.0 ** math.floor(math.log2(line.greatest) - 1)
        return [[step * k, -step * k] for k in range(1, 9)]
    first, last = math.ceil(math.log2(line.smallest)), math.floor(math.log2(line.greatest))
    step = max(1, round((last - first) / _TICKS))
    powers = sorted((k for k in range(first, last + 1) if k % step == 0), key=abs)
    return [[math.ldexp(1.0, k), -math.ldexp(1.0, k)] for k in powers]


def _described(fmt: Any, line: NumberLine) -> str:
    count = f"{len(finite_values(fmt)):,} values" if fmt.bits <= TABLE_BITS else f"up to 2$^{{{fmt.bits}}}$ values"
    width = "1 bit" if fmt.bits == 1 else f"{fmt.bits} bits"
    return f"{width}, {count}, {'logarithmic' if line.logarithmic else 'linear'}"


def _label(mark: float, line: NumberLine) -> str:
    return _number(mark) if line.logarithmic or abs(mark) >= 1e6 else f"{mark:.6g}".replace("-", "−")


def _number(value: float) -> str:
    """Short numbers as they are, powers of two as such, others in three digits."""
    fraction, exponent = math.frexp(abs(value))
    sign = "−" if value < 0 else ""
    if fraction == 0.5 and not -1 <= exponent <= 10:
        return f"{sign}$2^{{{exponent - 1}}}$"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        digits, power = f"{abs(value):.1e}".split("e")
        return f"{sign}{digits}·$10^{{{int(power)}}}$"
    return f"{sign}{abs(value):.6g}" if value == int(value) else f"{sign}{abs(value):.3g}"


# Precision ----------------------------------------------------------------------------------------


def _precision(axes: Axes, formats: Sequence[Any], colours: dict[str, str]) -> None:
    from matplotlib.ticker import MaxNLocator

    least, greatest = 0.0, 1.0
    for fmt in formats:
        exponents, bits = _bits(fmt)
        if exponents.size:
            least, greatest = min(least, float(bits.min())), max(greatest, float(bits.max()))
            axes.plot(exponents, bits, color=colours[fmt.name], linewidth=1.5, label=fmt.name)
            axes.plot(  # the ends stay visible where lines coincide
                exponents[[0, -1]], np.maximum(bits[[0, -1]], _FLOOR), "o", color=colours[fmt.name], markersize=4.5,
                zorder=4, clip_on=False,
            )  # fmt: skip
            axes.fill_between(exponents, _FLOOR, bits, color=colours[fmt.name], alpha=0.07, linewidth=0)
    axes.set_ylim(max(_FLOOR, least), greatest * (1.08 if len(formats) == 1 else 1.17))
    axes.set_title("Precision of rounding to nearest", pad=14)
    axes.set_ylabel("bits, −log$_2$ of the\nlargest relative error")
    axes.set_xlabel("magnitude", loc="right")
    axes.grid(axis="y")
    axes.tick_params(which="both", length=0)
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12, steps=[1, 2, 4, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.xaxis.set_major_formatter(lambda exponent, _: _number(2.0**exponent))
    percent = axes.secondary_yaxis("right")
    percent.set_yticks(axes.get_yticks())
    percent.yaxis.set_major_formatter(lambda bits, _: _percentage(100 * 2.0**-bits))
    percent.tick_params(length=0, labelcolor=MUTED, labelsize=7.5)
    percent.spines["right"].set_visible(False)
    if len(formats) > 1:
        axes.legend(loc="upper left", fontsize=8, ncols=len(formats))


def _bits(fmt: Any) -> tuple[Array, Array]:
    """log2 of magnitudes and the bits of precision there, as many points as can be told apart."""
    binades = len(binade_exponents(fmt))
    magnitudes, errors = relative_error_curve(fmt, max(1, min(32, _POINTS // binades)))
    lossy = errors > 0
    return np.log2(magnitudes[lossy]), -np.log2(errors[lossy])


def _percentage(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"
