"""What ``hwsim show`` prints of a part, a technology and an architecture; `format_view` has the formats."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwsim.base.record import Record
from hwsim.cli.console import first_sentence, heading, paragraphs, plain, table
from hwsim.report.engineering import area, count, engineering

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hwsim.arch import Architecture
    from hwsim.arch.costs import Prices
    from hwsim.memory.dram_standards import DramStandard
    from hwsim.technology import Technology

_SI = re.compile(r"(J|W|s|F|B|m)\b")
_TYPES = {"string": "text", "object": "keys and values", "null": "nothing", "array": "list", "boolean": "true, false"}


def text_view(name: str, text: str) -> list[RenderableType]:
    """A file as it is."""
    return [heading(name, ""), text.rstrip()]


class Sources:
    """Footnotes: each source gets its number when first cited."""

    def __init__(self) -> None:
        self.known: list[str] = []

    def cite(self, source: str) -> str:
        if source not in self.known:
            self.known.append(source)
        return f"[{self.known.index(source) + 1}]"

    def view(self) -> RenderableType:
        return table(
            ("", "status and source"), ((f"[{index}]", source) for index, source in enumerate(self.known, start=1))
        )


def article(kind: str) -> str:
    """The indefinite article of a kind's name."""
    return "an" if kind[0] in "aeiou" and kind != "unit" else "a"


def part_view(name: str, kind: str, part: type[Record]) -> list[RenderableType]:
    """What a part is, and the keys that it takes in YAML."""
    from hwsim.base.json_schema import json_schema

    described = inspect.cleandoc(part.__doc__ or "").split(">>>")[0].strip()
    schema = json_schema(part)
    required = schema.get("required", [])
    rows = [
        (key, _accepts(rule), _default(rule, key in required), plain(first_sentence(rule.get("description"))))
        for key, rule in schema.get("properties", {}).items()
        if key != "kind"
    ]
    views = [heading(name, f"{article(kind)} {kind}"), paragraphs(described)]
    return [*views, table(("key", "accepts", "default", "what it is"), rows)] if rows else views


def _accepts(rule: Mapping[str, Any]) -> str:
    """A JSON Schema as a person says it."""
    if "enum" in rule or "const" in rule:
        return ", ".join(str(choice) for choice in rule.get("enum", [rule.get("const")]))
    for several in ("anyOf", "oneOf"):
        if several in rule:
            words = dict.fromkeys(_accepts(each) for each in rule[several])
            return "quantity" if list(words) == ["number", "text"] else " or ".join(words - {"nothing": None}.keys())
    if rule.get("description") == "a number format":
        return "number format"
    if "$ref" in rule:
        return str(rule["$ref"]).rsplit("/", 1)[-1]
    kind = str(rule.get("type", "anything"))
    return _TYPES.get(kind, kind)


def _default(rule: Mapping[str, Any], required: bool) -> str:
    if required:
        return "required"
    value = rule.get("default")
    if isinstance(value, Mapping):
        return str(value.get("kind", "its own defaults"))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "–" if value is None else ", ".join(value) if isinstance(value, list) else str(value)


def technology_view(technology: Technology) -> list[RenderableType]:
    """Every number of a technology with its status and source."""
    sources = Sources()
    rows = [
        (number.name, measured(number.value, number.unit), sources.cite(f"{number.status}: {number.source}"))
        for number in technology.numbers()
    ]
    title = heading(f"technology/{technology.name}", f"{technology.voltage_v:g} V, prices from {technology.rule}")
    numbers = table(("number", "value", "source"), rows, right=("value",))
    return [title, numbers, "", _int_versus_fp(technology), "", sources.view()]


def dram_view(standard: DramStandard) -> list[RenderableType]:
    """Bandwidth, energy, organization and timings of a DRAM standard, and what long streams reach of the peak."""
    from hwsim.memory.dram_access import steady_efficiency
    from hwsim.report.memory_page import EXAMPLES
    from hwsim.technology import dram

    sources = Sources()
    prices = [each for each in dram.numbers() if each.name.startswith(f"dram.{standard.name}.")]
    rows = [
        (each.name.split(".")[-1], measured(each.value, each.unit), sources.cite(f"{each.status}: {each.source}"))
        for each in (*prices, *standard.numbers())
    ]
    reached = [(words, f"{steady_efficiency(access, standard.name):.1%}") for words, access in EXAMPLES.items()]
    return [
        heading(f"drams/{standard.name}", "a DRAM standard; times in cycles of its command clock"),
        table(("number", "value", "source"), rows, right=("value",)),
        "",
        table(("long stream", "of the peak"), reached, right=("of the peak",)),
        "",
        sources.view(),
    ]


def _int_versus_fp(technology: Technology) -> RenderableType:
    """The ratios of *INT v.s. FP* from this node's cells, and how far they are from the published ones."""
    from hwsim.datapath.int_versus_fp import PAIRS

    rows = []
    for pair in PAIRS:
        found, missed = pair.ratios(technology), pair.residuals(technology)
        for word, here, published, residual in zip(("energy", "area"), found, pair.published, missed, strict=True):
            rows.append((pair.name, word, f"{here:.3f}", f"{published:.3f}", f"{residual:+.1%}"))
    columns = ("INT v.s. FP, arXiv:2510.25602", "", "here", "published", "residual")
    return table(columns, rows, right=("here", "published", "residual"))


def measured(value: float, unit: str) -> str:
    """A value with its unit as engineers write it; areas, densities by area and wires in mm."""
    if unit == "m2":
        return area(value)
    if unit == "W/m2":
        return engineering(value * 1e-6, "W/mm²")
    if unit == "J/bit/m":
        return engineering(value * 1e-3, "J/bit/mm")
    if unit == "1":
        return str(value) if isinstance(value, int) else f"{value:.4g}"
    if _SI.match(unit):
        return engineering(value, unit)
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.4g} {unit}"


def architecture_view(architecture: Architecture) -> list[RenderableType]:
    """Memories (peak: read / write where they differ), compute, area and energy, with the sources of the costs."""

    node, clock, prices = architecture.technology.prices, architecture.clock_hz, architecture.prices
    sources = Sources()
    unit = architecture.compute
    peak = float(unit.peak_macs_per_cycle)
    facts = [
        ("technology", f"{node.name} at {node.voltage_v:g} V, {engineering(clock, 'Hz')}"),
        ("prices", f"from {node.rule}"),
        ("compute", f"{unit.kind}, {count(peak)} MACs per cycle, {engineering(2 * peak * clock, 'op/s')}"),
        ("operands", f"{unit.a_format.name} × {unit.b_format.name}, sums in {unit.result_format.name}"),
        ("vector", f"{architecture.vector.lanes} lanes, {architecture.vector.format.name}"),
        ("bits", f"{architecture.evidence.grade}: {architecture.evidence.source}"),
    ]
    memories = []
    for name, memory in architecture.memories.items():
        cost = prices.memories[name]
        size = "–" if memory.capacity is None else _bytes(memory.capacity)
        ways = (memory.read_bits_per_cycle(clock), memory.write_bits_per_cycle(clock))
        rate = " / ".join(engineering(bits / 8 * clock, "B/s") for bits in dict.fromkeys(ways))
        energy = engineering(cost.read_j_per_byte, "J/B")
        on_chip_area = area(cost.area_m2) if memory.on_chip else "–"
        memories.append((name, memory.kind, size, rate, energy, on_chip_area, sources.cite(cost.source)))
    return [
        heading(architecture.name, architecture.description),
        table(("", ""), facts),
        "",
        table(("memory", "kind", "size", "peak", "read", "area", "source"), memories, right=("size", "peak", "area")),
        "",
        _unit_costs(prices, sources),
        "",
        sources.view(),
    ]


def _unit_costs(prices: Prices, sources: Sources) -> RenderableType:
    """Areas and energies of the units' parts and actions, and the chip's leakage, clock and wires."""
    from hwsim.arch.costs import OF_PARTS

    rows: list[tuple[str, str, str, str]] = []
    for number in prices.numbers():
        if number.name.rpartition(".")[0] in prices.memories:
            continue
        value = measured(number.value, number.unit)
        amounts = (value, "") if number.unit == "m2" else ("", value)
        cited = "" if number.status == OF_PARTS else sources.cite(f"{number.source} ({number.status})")
        rows.append((number.name.removesuffix(".area"), *amounts, cited))
    return table(("part or action", "area", "energy of one", "source"), rows, right=("area", "energy of one"))


def _bytes(size: int) -> str:
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size % (1 << power) == 0:
            return f"{size >> power} {unit}"
    return f"{size} B"
