"""A probe's report for the terminal: the arithmetic in a table, the experiments, and their dot products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hwsim.engine.probe import ProbeReport
    from hwsim.engine.probe.findings import Evidence

TERMS_SHOWN = 8
"""Products of a dot product that are written out."""


def probe_view(report: ProbeReport, verbose: bool = False) -> list[RenderableType | str]:
    """What the unit computes and how that is known; ``verbose`` writes out the dot products behind it."""
    from rich.text import Text

    title = Text.assemble((report.unit, "bold"), "  ", report.summary)
    formats = " ".join(f"{key} {name}" for key, name in report.formats.items())
    views: list[RenderableType | str] = [title, formats, ""]
    if report.parameters:
        views += [_table("parameter", [(each.name, each.text) for each in report.parameters]), ""]
    views += [_table("experiment", [(each.name, each.value) for each in report.findings]), "", *_trust(report)]
    return [*views, "", *(line for line in evidence_lines(report))] if verbose else views


def probe_lines(reports: Sequence[ProbeReport]) -> list[RenderableType | str]:
    """One line for each of several arithmetics of a unit."""
    rows = [(f"{r.formats['a']} x {r.formats['b']} -> {r.formats['d']}", _shape(r.unit), r.summary) for r in reports]
    starred = any("*" in each.summary for each in reports)
    note = ["* other values give the same answers; probe that instruction alone to see which"] if starred else []
    return [_table("operands", rows, ("first instruction", "answers")), *note]


def evidence_lines(report: ProbeReport) -> Iterator[str]:
    """Every dot product that the report rests on, in hexadecimal and as a value."""
    for parameter in report.parameters:
        for each in parameter.refuted:
            yield f"{parameter.name} = {parameter.value}, not {each.value}, which would give {each.would_give!r}:"
            yield f"  {evidence_text(report, each.evidence)}"
    for finding in report.findings:
        yield f"{finding.name}: {finding.value}"
        for shown in finding.evidence:
            yield f"  {shown.question}: {evidence_text(report, shown)}"


def evidence_text(report: ProbeReport, shown: Evidence) -> str:
    """``a[0]·b[0] = 0x3c00·0x3c00, …; c = 0x0; d = 0x3f800000 = 1.0``."""
    terms = [f"k{k} {a:#x}·{b:#x}" for k, a, b in shown.terms[:TERMS_SHOWN]]
    if len(shown.terms) > TERMS_SHOWN:
        terms.append(f"… ({len(shown.terms)} products)")
    scales = "".join(
        f"; scales of {name} {' '.join(f'{s:#x}' for s in codes)}"
        for name, codes in zip("ab", shown.scales, strict=False)
    )
    return f"{', '.join(terms) or 'no products'}{scales}; c = {shown.c:#x}; d = {shown.d:#x} = {shown.value!r}"


def _trust(report: ProbeReport) -> list[str]:
    if report.datapath is None:
        wrong = (
            f"; the nearest datapath misses {report.differing} of {report.checked} fresh ones"
            if report.differing
            else ""
        )
        return [f"{report.asked} dot products asked{wrong}"]
    return [
        f"{report.asked} dot products asked; a datapath found gives {report.checked} of {report.checked} fresh ones"
    ]


def _shape(unit: str) -> str:
    """The shape and the kind in an instruction's name."""
    parts = unit.rsplit(" ", maxsplit=1)[-1].split(".")
    return " ".join([parts[0], *parts[5:]])


def _table(first: str, rows: Sequence[Sequence[Any]], others: Sequence[str] = ("finding",)) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in (first, *others):
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    return made
