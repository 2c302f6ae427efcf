"""Where the energy goes and what the area is made of: stacked bars by component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import area, engineering
from hwsim.report.figures.style import COMPONENT_COLOURS, INK, PAPER, colours_of, drawn, new_figure, prefixed, quiet
from hwsim.report.table import shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from hwsim.engine.result import Result

Bars = Mapping[str, Mapping[str, float]]
"""Bar name to component to value."""

_LARGEST = len(COMPONENT_COLOURS) - 1
_BARS = 32
_REST = "other"


@drawn
def run_breakdown(result: Result) -> Figure:
    """Energy of each layer by component, and the area by component in one bar."""
    layers = {row["name"]: row["energy_j"] or {} for row in result.operators}
    return _two_panels(layers, {"": result.area_m2}, "Energy by layer", "Area")


@drawn
def comparison_breakdown(results: Sequence[Result]) -> Figure:
    """Energy and area of each architecture by component."""
    energy = {result.architecture: result.energy_j for result in results}
    areas = {result.architecture: result.area_m2 for result in results}
    return _two_panels(energy, areas, "Energy", "Area")


def _two_panels(energy: Bars, areas: Bars, energy_title: str, area_title: str) -> Figure:
    energy, areas = _largest_bars(energy), _square_millimetres(areas)
    upper_colours = colours_of([*_largest_components(energy), _REST], COMPONENT_COLOURS)
    lower_colours = _matching(_largest_components(areas), upper_colours)
    heights = [1.15 + 0.30 * len(energy), 1.15 + 0.30 * len(areas)]
    figure = new_figure(8.0, sum(heights))
    upper, lower = figure.subfigures(2, 1, height_ratios=heights, squeeze=False)[:, 0]
    axes = _stack(upper, energy, upper_colours, lambda value: engineering(value, "J"))
    axes.set_title(energy_title)
    prefixed(axes.xaxis, "J")
    axes = _stack(lower, areas, lower_colours, lambda value: area(value * 1e-6))
    axes.set_title(f"{area_title} in mm²")
    return figure


def _matching(names: Sequence[str], other: Mapping[str, str]) -> dict[str, str]:
    """Colours for ``names``: the other panel's where it has one, what this panel has left for the rest."""
    kept = {name: other[name] for name in names if name in other}
    free = iter([colour for colour in COMPONENT_COLOURS[:-1] if colour not in kept.values()])
    return {name: kept.get(name) or next(free) for name in names} | {_REST: COMPONENT_COLOURS[-1]}


def _square_millimetres(bars: Bars) -> Bars:
    return {name: {part: value * 1e6 for part, value in parts.items()} for name, parts in bars.items()}


def _stack(figure: SubFigure, bars: Bars, colours: Mapping[str, str], write: Callable[[float], str]) -> Axes:
    """Draw the bars from top to bottom, the total written behind each, and name the components below."""
    axes = figure.add_subplot()
    used: set[str] = set()
    for row, parts in enumerate(bars.values()):
        start = 0.0
        for name, value in _gathered(parts, colours).items():
            if value > 0:
                axes.barh(row, value, left=start, height=0.66, color=colours[name], edgecolor=PAPER, linewidth=0.6)
                used.add(name)
                start += value
        axes.text(start, row, f"  {write(start)}", va="center", ha="left", color=INK, fontsize=8)
    axes.set_yticks(range(len(bars)), [shortened(name, 28) for name in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    longest = max((sum(parts.values()) for parts in bars.values()), default=0.0)
    axes.set_xlim(0, longest * 1.14 or 1)  # room for the written total
    quiet(axes, "x")
    _legend(figure, {name: colour for name, colour in colours.items() if name in used})
    return axes


def _gathered(parts: Mapping[str, float], colours: Mapping[str, str]) -> dict[str, float]:
    """The components that have a colour, in its order, everything else summed as 'other'."""
    gathered = {name: parts[name] for name in colours if name in parts}
    rest = sum(value for name, value in parts.items() if name not in colours)
    return {**gathered, _REST: rest}


def _largest_components(bars: Bars) -> list[str]:
    """The components with the largest share of any bar, at most as many as there are distinct colours."""
    weight: dict[str, float] = {}
    for parts in bars.values():
        total = sum(parts.values()) or 1.0
        for name, value in parts.items():
            weight[name] = max(weight.get(name, 0.0), value / total)
    return sorted(weight, key=lambda name: (-weight[name], name))[:_LARGEST]


def _largest_bars(bars: Bars) -> Bars:
    """A deep network's many layers: the largest, in execution order, and the sum of the others."""
    if len(bars) <= _BARS:
        return bars
    order = sorted(bars, key=lambda name: -sum(bars[name].values()))
    kept, rest = set(order[: _BARS - 1]), order[_BARS - 1 :]
    summed: dict[str, float] = {}
    for name in rest:
        for part, value in bars[name].items():
            summed[part] = summed.get(part, 0.0) + value
    return {**{name: bars[name] for name in bars if name in kept}, f"{len(rest)} smaller layers": summed}


def _legend(figure: SubFigure, colours: Mapping[str, str]) -> None:
    from matplotlib.patches import Patch

    if colours:
        handles: list[Any] = [Patch(color=colour, label=name) for name, colour in colours.items()]
        figure.legend(
            handles=handles, loc="outside lower left", ncols=min(5, len(handles)), fontsize=8, columnspacing=1.4
        )
