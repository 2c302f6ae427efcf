"""Accumulator widths: what each layer needs, and what fewer bits lose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hwsim.report.accumulator_tables import finite
from hwsim.report.figures.style import ARCHITECTURE_COLOURS, INK, MUTED, PAPER, RULE, drawn, new_figure, quiet
from hwsim.report.table import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.engine.accumulators import AccumulatorAnalysis, LayerNumbers, RegisterNumbers

_BLUE, _ORANGE, _GREEN, _PINK = ARCHITECTURE_COLOURS[:4]
_LINES = {"saturate": ("saturating integer", _BLUE), "wrap": ("wrapping integer", _ORANGE),
          "e8": ("float, 8 exponent bits", _GREEN), "e5": ("float, 5 exponent bits", _PINK)}  # fmt: skip
_COLUMNS = 4
_PANELS = 24
_LAYERS = 48


def accumulator_figures(analysis: AccumulatorAnalysis) -> dict[str, Figure]:
    """File stem to figure."""
    names = [register.name for register in analysis.layers[0].registers]
    figures = {"accumulator_widths": widths_figure(analysis)}
    for index, name in enumerate(names):
        stem = "accumulator_errors" if len(names) == 1 else f"accumulator_errors_{name}"
        figures[stem] = errors_figure(analysis, index)
    return figures


# Widths -----------------------------------------------------------------------------------------------


@drawn
def widths_figure(analysis: AccumulatorAnalysis) -> Figure:
    """A line per layer from what the data needed to what the data types could ask; the present width as a rule."""
    layers = analysis.layers[:_LAYERS]
    whole = layers[0].registers[0].bounds is not None
    panels = len(layers[0].registers) if whole else 1
    figure = new_figure(8.0, 1.5 + 0.27 * len(layers))
    row = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
    for index, axes in enumerate(row):
        for place, layer in enumerate(layers):
            marks = _integer_marks(layer, layer.registers[index]) if whole else _float_marks(layer)
            _marked(axes, place, marks)
        _dress(axes, analysis, index, whole)
    row[0].set_yticks(range(len(layers)), [shortened(layer.name, 26) for layer in layers])
    row[0].set_ylim(len(layers) - 0.4, -0.6)
    _explain(figure, row[0])
    return figure


Marks = list[tuple[str, float | None, dict[str, Any]]]


def _integer_marks(layer: LayerNumbers, register: RegisterNumbers) -> Marks:
    bounds = register.bounds
    assert bounds is not None
    weights = bounds if layer.weights else None
    return [
        ("any inputs and weights (data types)", bounds.data_type, {"marker": "|", "color": INK, "s": 80}),
        ("L1 norm of the weights (A2Q)", weights.l1 if weights else None, {"marker": "s", **_hollow(_ORANGE, 46)}),
        (
            "zero-centred weights (A2Q+)",
            bounds.a2q_plus if weights and bounds.zero_centred else None,
            {"marker": "D", **_hollow(_PINK, 28)},
        ),
        ("any input, these weights", weights.any_input if weights else None, {"marker": "o", **_hollow(_GREEN, 16)}),
        ("partial sums of the data", register.partial_bits, {"marker": "o", "color": _BLUE, "s": 30}),
        ("final sums of the data", register.final_bits, {"marker": "x", "color": _PINK, "s": 26, "linewidths": 1.4}),
    ]


def _float_marks(layer: LayerNumbers) -> Marks:
    formats, data = layer.kulisch_formats, layer.kulisch_data
    return [
        ("any operands of these formats", formats.bits if formats else None, {"marker": "|", "color": INK, "s": 80}),
        ("these operands", data.bits if data else None, {"marker": "o", "color": _BLUE, "s": 30}),
    ]


def _hollow(colour: str, size: float) -> dict[str, Any]:
    return {"facecolors": PAPER, "edgecolors": colour, "s": size, "linewidths": 1.4}


def _marked(axes: Axes, place: int, marks: Marks) -> None:
    found = [value for _, value, _ in marks if value is not None]
    if found:
        axes.plot([min(found), max(found)], [place, place], color=RULE, linewidth=3, solid_capstyle="butt", zorder=1)
    for label, value, style in marks:
        if value is not None:
            axes.scatter([value], [place], label=label, zorder=3, **style)


def _dress(axes: Axes, analysis: AccumulatorAnalysis, index: int, whole: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    register = analysis.layers[0].registers[index]
    held = analysis.layers[0].present.accumulator.split(" into ")[index]
    if whole and held.startswith("int"):
        axes.axvline(int(held.split()[0][3:]), color=MUTED, linewidth=1.2, linestyle=(0, (3, 2)), label="as it is")
    title = {"accumulator": "Accumulator", "inner": "Inner accumulator", "outer": "Outer accumulator"}[register.name]
    axes.set_title(f"{title}, {held}" if whole else "Fixed-point word for exact sums")
    axes.set_xlabel("bits, two's complement", loc="right")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.margins(x=0.08)
    quiet(axes, "x")


def _explain(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower left", ncols=3, fontsize=8, handletextpad=0.4)


# Errors -----------------------------------------------------------------------------------------------


@drawn
def errors_figure(analysis: AccumulatorAnalysis, index: int) -> Figure:
    """SQNR against width, a panel per layer; exact sums lie at the top, those with an infinity are left out."""
    layers = analysis.layers[:_PANELS]
    columns = min(_COLUMNS, len(layers))
    rows = -(-len(layers) // columns)
    figure = new_figure(8.0, 1.3 + 1.75 * rows)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    found = [e.sqnr_db for layer in layers for e in layer.registers[index].curve if finite(e.sqnr_db)]
    exact = any(e.changed == 0 for layer in layers for e in layer.registers[index].curve)
    most = max([value for value in found if value is not None], default=60.0)
    ceiling = 10 * math.ceil((most + (12 if exact else 2)) / 10)
    for place, axes in enumerate(panels.flat):
        if place >= len(layers):
            axes.set_axis_off()
            continue
        _curves(axes, layers[place], layers[place].registers[index], ceiling)
        axes.set_title(shortened(layers[place].name, 24), fontsize=8.5, pad=4)
        if place + columns >= len(layers):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("bits", loc="right")
    name = layers[0].registers[index].name
    which = "accumulator" if name == "accumulator" else f"{name} accumulator"
    figure.suptitle(f"Sums against exact ones, by width of the {which}", x=0.01, ha="left", fontsize=10, weight="bold")
    _axes(panels, ceiling, exact)
    _name_lines(figure, {e.kind for layer in layers for e in layer.registers[index].curve if e.rel_l2 is not None})
    return figure


def _curves(axes: Axes, layer: LayerNumbers, register: RegisterNumbers, ceiling: float) -> None:
    for width, kind in zip((2.6, 1.5, 1.5, 1.5), _LINES, strict=True):
        errors = [each for each in register.curve if each.kind == kind]
        spots = [(each.bits, _height(each.sqnr_db, each.changed, ceiling)) for each in errors]
        spots = [(x, y) for x, y in spots if y is not None]
        if spots:
            xs, ys = zip(*spots, strict=True)
            axes.plot(xs, ys, "-o", color=_LINES[kind][1], linewidth=width, markersize=width + 0.9)
    if layer.operand_sqnr_db is not None:
        axes.axhline(layer.operand_sqnr_db, color=MUTED, linewidth=1, linestyle=(0, (3, 2)), zorder=1)


def _height(sqnr_db: float | None, changed: int, ceiling: float) -> float | None:
    """Exact sums lie on the ceiling; overflow to infinity, and less than no signal, on the floor."""
    if sqnr_db is None:
        return ceiling if changed == 0 else None
    return max(sqnr_db, 0.0)


def _axes(panels: Any, ceiling: float, exact: bool) -> None:
    from matplotlib.ticker import MultipleLocator

    step = 20 if ceiling <= 120 else 40
    for axes in panels.flat:
        ticks = list(range(0, int(ceiling) - (step // 2 if exact else 0), step))
        axes.set_yticks([*ticks, ceiling] if exact else ticks, [*map(str, ticks), *(["exact"] if exact else [])])
        axes.set_ylim(-0.04 * ceiling, 1.05 * ceiling)
        axes.xaxis.set_major_locator(MultipleLocator(8))
        axes.grid(axis="y")
        axes.tick_params(length=0, labelsize=8)
        axes.spines["bottom"].set_color(RULE)
        axes.spines["left"].set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel("SQNR in dB", fontsize=8.5)


def _name_lines(figure: Figure, kinds: set[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4, label=label)
        for kind, (label, colour) in _LINES.items()
        if kind in kinds
    ]
    handles.append(Line2D([], [], color=MUTED, linestyle=(0, (3, 2)), label="rounding of the operands"))
    figure.legend(handles=handles, loc="outside lower left", ncols=3, fontsize=8, handlelength=1.8)
