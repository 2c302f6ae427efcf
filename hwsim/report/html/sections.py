"""The parts that pages of runs and comparisons share: layers, components, sources, inputs, versions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import NOTHING, area, count, decibel, engineering, percent, significant
from hwsim.report.html.page import folded, section, table, verbatim

if TYPE_CHECKING:
    from hwsim.engine.result import Result

_LAYER_HEADS = (
    "Operator", "Kind", "Unit", "Bound by", "MACs", "Cycles", "Stalled", "Utilization", "Energy", "SQNR",
    "Relative L2", "Max ulp", "Overflows", "Saturations",
)  # fmt: skip


def layers(result: Result) -> str:
    """Every operator with its cost and its error."""
    return table(_LAYER_HEADS, [_layer(row) for row in result.operators], words=4)


def _layer(row: Mapping[str, Any]) -> list[str]:
    stall = row["stall_cycles"] / row["cycles"] if row["cycles"] and row["stall_cycles"] is not None else None
    return [
        row["name"], row["op"], row["unit"] or NOTHING, row["bound"] or NOTHING,
        f"{row['macs']:,}" if row["macs"] else NOTHING, _exactly(row["cycles"]), percent(stall),
        percent(row["utilization"]), engineering(sum((row["energy_j"] or {}).values()), "J"), decibel(row["sqnr_db"]),
        NOTHING if row["rel_l2"] is None else f"{row['rel_l2']:.2e}", _ulp(row["max_ulp"]),
        _exactly(row["overflows"]), _exactly(row["saturations"]),
    ]  # fmt: skip


def _exactly(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"


def _ulp(number: float | None) -> str:
    return (
        NOTHING if number is None or not math.isfinite(number) else f"{number:,.4g}" if number < 1e6 else count(number)
    )


def traffic(result: Result) -> str:
    """Bytes read and written per memory by each operator."""
    memories = list(dict.fromkeys(memory for row in result.operators for memory in row["traffic_bytes"] or {}))
    if not memories:
        return ""
    heads = ["Operator", *(f"{memory} {way}" for memory in memories for way in ("read", "written"))]
    rows = [
        [row["name"], *(_bytes(row, memory, way) for memory in memories for way in ("read", "write"))]
        for row in result.operators
    ]
    return table(heads, rows)


def _bytes(row: Mapping[str, Any], memory: str, way: str) -> str:
    moved = (row["traffic_bytes"] or {}).get(memory)
    return NOTHING if moved is None else engineering(moved[way], "B")


def components(results: Sequence[Result]) -> str:
    """Energy and area of each component, a pair of columns per architecture."""
    names = list(dict.fromkeys(name for each in results for group in (each.energy_j, each.area_m2) for name in group))
    heads = ["Component"]
    for each in results:
        label = "" if len(results) == 1 else f"{each.architecture}: "
        heads += [f"{label}energy", "share", f"{label}area", "share"]
    rows = [
        [name, *(cell for each in results for cell in _component(each, name))]
        for name in sorted(names, key=lambda name: -results[0].energy_j.get(name, 0.0))
    ]
    return table(heads, rows)


def _component(result: Result, name: str) -> list[str]:
    return _share(result.energy_j, name, lambda value: engineering(value, "J")) + _share(result.area_m2, name, area)


def _share(parts: Mapping[str, float], name: str, write: Callable[[float | None], str]) -> list[str]:
    total = sum(parts.values())
    return [write(parts.get(name)), percent(parts[name] / total) if total and name in parts else NOTHING]


def sources(results: Sequence[Result]) -> str:
    """Where each number comes from and how far it can be trusted; a row that several runs share appears once."""
    rows: dict[tuple[str, ...], None] = {}
    for result in results:
        for source in result.sources:
            quantity = _quantity(source.get("value"), str(source.get("unit") or ""))
            told = [str(source.get(key) or NOTHING) for key in ("what", "status", "source")]
            rows[(*told, quantity)] = None
    if not rows:
        return ""
    note = (
        "Every constant that entered, with its source, and how far the bits have been checked. "
        "'assumed' means that nobody published it; set it in the YAML."
    )
    return section(
        "Sources of the numbers", table(["Number", "Status", "Source", "Value"], list(rows), words=3), note=note
    )


def _quantity(value: Any, unit: str) -> str:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return NOTHING if value is None else f"{value} {unit}".strip()
    if unit in ("m2", "m²"):
        return area(value)
    # A prefix belongs to a plain SI unit; '1/m' or '%' stay as they are.
    return engineering(value, unit) if unit[:1].isalpha() and unit != "1" else f"{significant(value)} {unit}".strip()


def inputs(results: Sequence[Result]) -> str:
    """The files that the runs were made from, as they were; versions and seeds."""
    files: dict[tuple[str, str], None] = {}
    for result in results:
        for name, text in result.inputs.items():
            files[(name, text)] = None
    parts = [folded(name, verbatim(text)) for name, text in files]
    versions = {f"{name} {version}": None for result in results for name, version in result.versions.items()}
    seeds = ", ".join(dict.fromkeys(str(result.seed) for result in results))
    parts.append(folded("Versions and seed", verbatim("\n".join([*versions, f"seed {seeds}"]))))
    return section("Inputs", *parts, note="What is needed to repeat this, bit for bit.")


def pictures(drawn: Mapping[str, str], captions: Mapping[str, str]) -> str:
    """The figures, given as SVG by name."""
    from hwsim.report.html.page import figure

    return "\n".join(figure(svg, captions.get(name, name)) for name, svg in drawn.items())
