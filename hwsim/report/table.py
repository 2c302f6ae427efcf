"""Tables for the terminal: one run, and several runs side by side. They fit 80 columns; names shorten first."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import NOTHING, count, decibel, engineering, percent
from hwsim.report.measures import MEASURES, counted, heading, present, versus

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from hwsim.engine.result import Result

WIDTH = 96
"""Columns of a table that nobody asked to be narrower."""
_BESIDE_THE_FIRST = 3
_LAYERS_SHOWN = 40


def run_table(result: Result, width: int = WIDTH) -> str:
    """One run as plain text, no line wider than ``width`` (80 or more)."""
    return as_text(run_view(result), width)


def comparison_table(results: Sequence[Result], width: int = WIDTH) -> str:
    """Several runs side by side as plain text; ratios and differences are to the first."""
    return as_text(comparison_view(results), width)


def as_text(view: RenderableType, width: int = WIDTH) -> str:
    """A rich view as plain text without colour, trailing blanks cut."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(view)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def run_view(result: Result) -> RenderableType:
    """One run for a rich console: a row per operator, then the totals."""
    from rich.console import Group
    from rich.text import Text

    title = Text.assemble((result.architecture, "bold"), " on ", (result.workload, "bold"), f"  seed {result.seed}")
    return Group(title, _operators(result.operators), _totals(result))


def comparison_view(results: Sequence[Result]) -> RenderableType:
    """Several runs for a rich console: totals with ratios to the first, then the error of each layer."""
    from rich.console import Group
    from rich.text import Text

    first = results[0]
    parts: list[RenderableType] = [Text.assemble((first.workload, "bold"), f" on {len(results)} architectures")]
    others = list(results[1:])
    while True:
        block, others = [first, *others[:_BESIDE_THE_FIRST]], others[_BESIDE_THE_FIRST:]
        parts.append(_side_by_side(block, results))
        if not others:
            break
    parts.append(_error_by_layer(results))
    return Group(*parts)


def shortened(name: str, length: int) -> str:
    """``name`` with what is before its end left out: layers of a deep network differ in their last words."""
    if len(name) <= length:
        return name
    head = length // 4
    return f"{name[:head]}…{name[-(length - 1 - head) :]}"


def plain_table(caption: str = "") -> Table:
    """An empty table in the style of all."""
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 1), pad_edge=False, title=caption or None, title_justify="left",
        title_style="bold", header_style="bold", collapse_padding=True,
    )  # fmt: skip


def _operators(operators: Sequence[dict[str, Any]]) -> Table:
    table = plain_table()
    table.add_column("Operator", overflow="ellipsis", min_width=8)  # the one that gives way
    for column in ("MACs", "Cycles", "Stall", "Util.", "Bound", "Energy", "SQNR", "Overfl."):
        justify: Any = "left" if column == "Bound" else "right"
        table.add_column(column, justify=justify, no_wrap=True, max_width=11 if column == "Bound" else None)
    for row in operators[:_LAYERS_SHOWN]:
        table.add_row(*_operator_cells(row))
    if len(operators) > _LAYERS_SHOWN:
        table.add_row(f"… {len(operators) - _LAYERS_SHOWN} more")
    return table


def _operator_cells(row: dict[str, Any]) -> list[str]:
    stall = row["stall_cycles"] / row["cycles"] if row["cycles"] and row["stall_cycles"] is not None else None
    lost = [number for number in (row["overflows"], row["saturations"]) if number is not None]
    return [
        shortened(row["name"], 22), count(row["macs"]) if row["macs"] else NOTHING, count(row["cycles"]),
        percent(stall, 0), percent(row["utilization"], 0), row["bound"] or NOTHING,
        engineering(sum((row["energy_j"] or {}).values()), "J"),
        decibel(row["sqnr_db"]), count(sum(lost)) if lost else NOTHING,
    ]  # fmt: skip


def _totals(result: Result) -> Table:
    from rich.table import Table

    totals = result.totals
    cells = [
        (heading(measure, totals), measure.write(measure.read(totals)) + _beside(measure.name, totals))
        for measure in present(MEASURES, [totals])
        if measure.name != "edp"
    ]
    table = Table.grid(padding=(0, 2))
    half = (len(cells) + 1) // 2
    for left, right in zip(cells[:half], [*cells[half:], ("", "")], strict=False):
        table.add_row(f"[bold]{left[0]}[/]", left[1], f"   [bold]{right[0]}[/]", right[1])
    return table


def _beside(name: str, totals: dict[str, Any]) -> str:
    if name != "accuracy":
        return ""
    reference = totals["metric"].get("reference")
    notes = [counted(totals), "" if reference is None else f"float {percent(reference, 2)}"]
    text = "; ".join(note for note in notes if note)
    return f" ({text})" if text else ""


def _side_by_side(block: Sequence[Result], everyone: Sequence[Result]) -> Table:
    table = plain_table()
    table.add_column("", no_wrap=True)
    for position, result in enumerate(block):
        table.add_column("\n".join(textwrap.wrap(result.architecture, 16)), justify="right", no_wrap=True)
        if position:
            table.add_column("vs first", justify="left", style="dim", no_wrap=True)
    for measure in present(MEASURES, [each.totals for each in everyone]):
        reference = measure.read(block[0].totals)
        cells = [heading(measure, block[0].totals), measure.write(reference)]
        for result in block[1:]:
            value = measure.read(result.totals)
            cells += [measure.write(value), versus(measure, value, reference)]
        table.add_row(*cells)
    return table


def _error_by_layer(results: Sequence[Result]) -> Table:
    table = plain_table("SQNR by layer")
    table.add_column("", no_wrap=True)
    rows = [{row["name"]: row["sqnr_db"] for row in result.operators} for result in results]
    for result in results:
        table.add_column("\n".join(textwrap.wrap(result.architecture, 16)), justify="right", min_width=9)
    names = [name for name in rows[0] if any(each.get(name) is not None for each in rows)]
    for name in names[:_LAYERS_SHOWN]:
        table.add_row(shortened(name, 22), *(decibel(each.get(name)) for each in rows))
    return table
