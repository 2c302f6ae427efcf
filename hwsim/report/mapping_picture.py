"""Mappings drawn: the loop nest as boxes inside boxes, one for each stage of memories, and what every memory moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError
from hwsim.mapping.nest import sections, spread
from hwsim.report.engineering import engineering, percent
from hwsim.report.figures.style import (
    COMPONENT_COLOURS,
    INK,
    MUTED,
    PAPER,
    RULE,
    drawn,
    new_figure,
    png,
    prefixed,
    quiet,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.engine.mapped import MappedProduct
    from hwsim.mapping import Mapping

MOST = 12
"""Products in one picture."""
_OPERANDS = ("input", "weight", "output")
_LINE = 0.24
"""Inches of a line of text."""
_FILLS = ("#f3f6f9", "#e3ebf3", "#d1dfec", "#bfd2e5", "#adc5de")
"""Boxes from the outside in."""


def mapping_picture(products: Sequence[MappedProduct]) -> bytes:
    """The first mapping of each product as PNG; `InputError` for more products than are legible."""
    if len(products) > MOST:
        raise InputError(f"a picture has room for {MOST} products, not {len(products)}; name some with --layer")
    return png(mapping_figure(products))


@drawn
def mapping_figure(products: Sequence[MappedProduct]) -> Figure:
    """A row for each product: its loop nest on the left, bytes by memory and operand on the right."""
    heights = [_height(product.mappings[0]) for product in products]
    figure = new_figure(9.6, sum(heights) + 0.3 * len(heights))
    rows = figure.subplots(len(products), 2, squeeze=False, width_ratios=(1.15, 1), height_ratios=heights)
    for (nest, bars), product, height in zip(rows, products, heights, strict=True):
        _nest(nest, product, height)
        _traffic(bars, product.mappings[0])
    _legend(rows[-1, 1])
    return figure


def _boxes(mapping: Mapping) -> list[tuple[str, list[str]]]:
    """Heading of each box, and the loops that run inside it before the next box."""
    outermost, *stages, unit = sections(mapping)
    found: list[tuple[str, list[str]]] = []
    for section in (outermost, *stages):
        notes = [f"{' × '.join(map(str, section.core_tile))} (m × n × k) in each core"] if section.core_tile else []
        notes += ["sums stay in the unit"] if section.resident else []
        found.append((f"{', '.join(section.memories) or 'tile'}    {_held(section.held)}", notes))
    if mapping.fused:
        found[0][1].extend(_folded(mapping.fused))
    for (_, loops), section in zip(found, stages, strict=False):
        loops.extend(f"for {name} in {trips} × {size}" for name, trips, size in section.loops)
    steps = _held([(name, size) for name, size, _ in unit.loops])
    beside = spread(mapping)
    return [*found, (f"unit    {steps} in time", [f"side by side: {beside}"] if beside else [])]


def _held(sizes: Sequence[tuple[str, int]]) -> str:
    """Steps along each loop that has more than one."""
    return " · ".join(f"{name} {size}" for name, size in sizes if size > 1) or "one step"


def _folded(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 58)


def _height(mapping: Mapping) -> float:
    boxes = _boxes(mapping)
    lines = sum(1.7 + len(loops) for _, loops in boxes) + 1.2
    return max(_LINE * lines, 0.5 + 0.62 * len(mapping.traffic))


def _nest(axes: Axes, product: MappedProduct, height: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    mapping = product.mappings[0]
    axes.set_title(f"{product.name}: {mapping.cycles:,} cycles, bound by {mapping.bound}", fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(height, 0)
    axes.axis("off")
    boxes, top = _boxes(mapping), 0.0
    bottom = sum(_LINE * (1.7 + len(loops)) for _, loops in boxes) + 0.06 * len(boxes)
    for depth, (heading, loops) in enumerate(boxes):
        inset, fill = 0.028 * depth, _FILLS[min(depth, len(_FILLS) - 1)]
        box = FancyBboxPatch(
            (inset, top), 1 - 2 * inset, bottom - top, boxstyle="round,pad=0,rounding_size=0.012", facecolor=fill,
            edgecolor=MUTED, linewidth=0.7, mutation_aspect=height,
        )  # fmt: skip
        axes.add_patch(box)
        axes.text(inset + 0.015, top + 0.75 * _LINE, heading, va="center", fontsize=8.5, fontweight="bold", color=INK)
        for line, text in enumerate(loops):
            at = top + _LINE * (1.65 + line)
            axes.text(inset + 0.03, at, text, va="center", fontsize=8, family="DejaVu Sans Mono", color=INK)
        top += _LINE * (1.5 + len(loops))
        bottom -= 0.06


def _traffic(axes: Axes, mapping: Mapping) -> None:
    """Bytes read and written, on a logarithmic scale, by memory (outermost on top) and operand."""
    names = list(mapping.traffic)
    moved = {
        (name, operand, way): mapping.bits.get((name, operand, way), 0) / 8
        for name in names for operand in _OPERANDS for way in ("read", "write")
    }  # fmt: skip
    amounts = [value for value in moved.values() if value]
    start, stop = min(amounts, default=1.0) / 4, max(amounts, default=1.0)
    axes.set_xscale("log")
    axes.set_xlim(start, stop * (stop / start) ** 0.28)
    for place, name in enumerate(names):
        for index, operand in enumerate(_OPERANDS):
            colour, at = COMPONENT_COLOURS[index], place + 0.27 * (index - 1)
            read, written = moved[name, operand, "read"], moved[name, operand, "write"]
            for value, offset, hatch in ((read, -0.06, ""), (written, 0.06, "/////")):
                if value:
                    style: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": PAPER, "linewidth": 0}
                    axes.barh(at + offset, value - start, 0.11, left=start, **style)
            if read or written:
                label = " + ".join(engineering(value, "B") for value in (read, written) if value)
                axes.text(max(read, written) * 1.1, at, label, va="center", fontsize=7, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="x", which="both", labelsize=7)
    prefixed(axes.xaxis, "B")
    quiet(axes, "x")
    axes.grid(axis="x", which="minor", visible=False)
    axes.set_title(f"bytes: {percent(mapping.gap_to_compulsory, 0)} above compulsory", fontsize=9)


def _legend(axes: Axes) -> None:
    from matplotlib.patches import Patch

    keys = [Patch(color=colour, label=operand) for operand, colour in zip(_OPERANDS, COMPONENT_COLOURS, strict=False)]
    keys += [
        Patch(facecolor=RULE, label="read"),
        Patch(facecolor=RULE, hatch="/////", edgecolor=PAPER, label="written"),
    ]
    axes.legend(handles=keys, ncols=5, fontsize=7, loc="upper center", bbox_to_anchor=(0.45, -0.1), columnspacing=0.9)
