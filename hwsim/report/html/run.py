"""The pages of one run and of several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwsim.report.engineering import NOTHING, decibel, engineering, percent
from hwsim.report.figures import CAPTIONS
from hwsim.report.html.page import folded, page, section, table, tiles
from hwsim.report.html.sections import components, inputs, layers, pictures, sources, traffic
from hwsim.report.measures import MEASURES, counted, heading, present, versus

if TYPE_CHECKING:
    from hwsim.engine.result import Result


def run_page(result: Result, drawn: Mapping[str, str]) -> str:
    """The report of one run; ``drawn`` holds its figures as SVG by name."""
    subtitle = f"on {result.workload} · seed {result.seed} · hwsim {result.versions.get('hwsim', '')}".rstrip()
    return page(
        result.architecture,
        subtitle,
        [
            section("Totals", tiles(_facts(result))),
            section("Where it goes", pictures(drawn, CAPTIONS)),
            section("Layers", layers(result), folded("Traffic by memory", traffic(result)), note=_ERRORS),
            section("Components", components([result])),
            _switching(result),
            sources([result]),
            inputs([result]),
        ],
    )


def _switching(result: Result) -> str:
    """Measured beside average activity, where it was counted."""
    from hwsim.report.switching import HEADS, NOTE, rows_of

    if result.switching is None:
        return ""
    return section("Switching", table(HEADS, rows_of(result.switching)), note=NOTE)


_ERRORS = (
    "SQNR and relative L2 compare each layer, fed by the simulated layers before it, with the same network in 64-bit "
    "floating point. Max ulp is the datapath's own error on the operands that it was given."
)


def _facts(result: Result) -> list[tuple[str, str, str]]:
    facts = []
    for measure in present(MEASURES, [result.totals]):
        value = measure.read(result.totals)
        small = _small_print(result) if measure.name == "accuracy" else ""
        facts.append((heading(measure, result.totals), measure.write(value), small))
    return facts


def _small_print(result: Result) -> str:
    reference = result.totals["metric"].get("reference")
    parts = [counted(result.totals), "" if reference is None else f"float {percent(reference, 2)}"]
    return ", ".join(part for part in parts if part)


def comparison_page(results: Sequence[Result], drawn: Mapping[str, str]) -> str:
    """The report of several runs; ratios and differences are to the first."""
    first = results[0]
    names = ", ".join(result.architecture for result in results)
    subtitle = f"{names} · seed {first.seed} · hwsim {first.versions.get('hwsim', '')}".rstrip()
    return page(
        f"{len(results)} architectures on {first.workload}",
        subtitle,
        [
            section("Side by side", _side_by_side(results), note=f"'vs first' is against {first.architecture}."),
            section("Where it goes", pictures(drawn, CAPTIONS)),
            section("Error by layer", _by_layer(results), note=_ERRORS),
            section("Components", components(results)),
            section("Layers", *(folded(result.architecture, layers(result)) for result in results)),
            sources(results),
            inputs(results),
        ],
    )


def _side_by_side(results: Sequence[Result]) -> str:
    heads, rows = ["", results[0].architecture], []
    for result in results[1:]:
        heads += [result.architecture, "vs first"]
    for measure in present(MEASURES, [each.totals for each in results]):
        reference = measure.read(results[0].totals)
        row = [heading(measure, results[0].totals), measure.write(reference)]
        for result in results[1:]:
            value = measure.read(result.totals)
            row += [measure.write(value), versus(measure, value, reference) or NOTHING]
        rows.append(row)
    return table(heads, rows)


def _by_layer(results: Sequence[Result]) -> str:
    by_name = [{row["name"]: row for row in result.operators} for result in results]
    names = list(dict.fromkeys(name for rows in by_name for name, row in rows.items() if row["sqnr_db"] is not None))
    heads = ["Operator"]
    for result in results:
        heads += [f"{result.architecture}: SQNR", "energy"]
    body = []
    for name in names:
        cells = [name]
        for rows in by_name:
            row = rows.get(name)
            energy = None if row is None else sum((row["energy_j"] or {}).values())
            cells += [decibel(None if row is None else row["sqnr_db"]), engineering(energy, "J")]
        body.append(cells)
    return table(heads, body) if body else ""
