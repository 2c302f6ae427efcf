"""Tables for the terminal: one run, and several runs side by side. They fit 80 columns; names shorten first."""

from __future__ import annotations

import io
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import NOTHING, count, decibel, engineering, percent
from hwsim.report.measures import MEASURES, counted, heading, present, versus

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group, RenderableType
    from rich.table import Table

    from hwsim.engine.result import Result

WIDTH = 96
"""Columns of a table that nobody asked to be narrower."""
_BESIDE_THE_FIRST = (3, 2, 1)
"""Architectures in one table with the first, as many as fit."""
_BROKEN_TO = (16, 13, 11)
"""Lengths that architecture names are broken to, the longest that fits first."""
_LAYERS_SHOWN = 40


@dataclass(frozen=True)
class Fitted:
    """The widest of several forms of a table that its console has room for."""

    build: Callable[..., RenderableType]
    forms: Sequence[tuple[int, ...]]
    """Arguments of ``build``, widest form first; the last is taken whatever happens."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.measure import Measurement

        for form in self.forms:
            table = self.build(*form)
            if Measurement.get(console, options.update(max_width=1000), table).maximum <= options.max_width:
                break
        yield table


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
    """One run for a rich console: a row per operator, then the totals, then what switched where it was counted."""
    from rich.console import Group
    from rich.text import Text

    from hwsim.report.switching import switching_table

    title = Text.assemble((result.architecture, "bold"), " on ", (result.workload, "bold"), f"  seed {result.seed}")
    operators = Fitted(partial(_operators, result.operators), [(length,) for length in range(22, 7, -1)])
    switching = [] if result.switching is None else [switching_table(result.switching)]
    chains = dict.fromkeys(row["fused"] for row in result.operators if row.get("fused"))
    fused = [Text(f"fused: {chain}") for chain in chains]
    return Group(title, operators, *fused, _totals(result), *switching)


def comparison_view(results: Sequence[Result]) -> RenderableType:
    """Several runs for a rich console: totals with ratios to the first, then the error of each layer."""
    from rich.console import Group
    from rich.text import Text

    first = results[0]
    title = Text.assemble((first.workload, "bold"), f" on {len(results)} architectures")
    totals = Fitted(partial(_blocks, results), list(itertools.product(_BESIDE_THE_FIRST, _BROKEN_TO)))
    return Group(title, totals, Fitted(partial(_error_by_layer, results), [(length,) for length in _BROKEN_TO]))


def _blocks(results: Sequence[Result], beside: int, length: int) -> Group:
    """The first architecture with ``beside`` others, then again with the next ones."""
    from rich.console import Group

    others = results[1:]
    starts = range(0, max(len(others), 1), beside)
    blocks = [[results[0], *others[start : start + beside]] for start in starts]
    return Group(*(_side_by_side(block, results, length) for block in blocks))


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


def _operators(operators: Sequence[dict[str, Any]], length: int) -> Table:
    table = plain_table()
    table.add_column("Operator", overflow="ellipsis", min_width=8)  # the one that gives way
    for column in ("MACs", "Cycles", "Stall", "Util.", "Bound", "Energy", "SQNR", "Overfl."):
        justify: Any = "left" if column == "Bound" else "right"
        table.add_column(column, justify=justify, no_wrap=True, max_width=11 if column == "Bound" else None)
    for row in operators[:_LAYERS_SHOWN]:
        table.add_row(shortened(row["name"], length), *_operator_cells(row))
    if len(operators) > _LAYERS_SHOWN:
        table.add_row(f"… {len(operators) - _LAYERS_SHOWN} more")
    return table


def _operator_cells(row: dict[str, Any]) -> list[str]:
    stall = row["stall_cycles"] / row["cycles"] if row["cycles"] and row["stall_cycles"] is not None else None
    lost = [number for number in (row["overflows"], row["saturations"]) if number is not None]
    return [
        count(row["macs"]) if row["macs"] else NOTHING, count(row["cycles"]),
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


def _broken(name: str, length: int) -> str:
    """``name`` in lines of at most ``length``: broken between words, and inside a longer one behind its hyphens."""
    words = textwrap.wrap(name, length, break_long_words=False)
    tight = re.compile(rf".{{1,{length}}}(?:(?<=[-_.])|$)|.{{{length}}}")
    return "\n".join(line for word in words for line in (tight.findall(word) if len(word) > length else [word]))


def _side_by_side(block: Sequence[Result], everyone: Sequence[Result], length: int) -> Table:
    table = plain_table()
    table.add_column("", no_wrap=True)
    for position, result in enumerate(block):
        table.add_column(_broken(result.architecture, length), justify="right", no_wrap=True)
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


def _error_by_layer(results: Sequence[Result], length: int) -> Table:
    table = plain_table("SQNR by layer")
    table.add_column("", no_wrap=True)
    rows = [{row["name"]: row["sqnr_db"] for row in result.operators} for result in results]
    for result in results:
        table.add_column(_broken(result.architecture, length), justify="right", min_width=9)
    names = [name for name in rows[0] if any(each.get(name) is not None for each in rows)]
    for name in names[:_LAYERS_SHOWN]:
        table.add_row(shortened(name, 22), *(decibel(each.get(name)) for each in rows))
    return table
