"""What ``hwsim show component`` prints: the numbers of one component, at a node or in an architecture."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError, did_you_mean
from hwsim.cli.console import heading, table
from hwsim.cli.views import Sources, measured
from hwsim.technology.records import Number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hwsim.arch import Architecture
    from hwsim.technology import Technology
    from hwsim.technology.fpga import FpgaCost

FPGA = "fpga (6-input look-up tables, DSP48E2)"


@dataclass(frozen=True)
class Shown:
    """A component's numbers, and what they are of."""

    name: str
    where: str
    """The technology, or the architecture and its technology."""
    rule: str
    """Where the prices come from as a whole."""
    numbers: list[Number]


def component_numbers(name: str, node: str | None, arch: str | None, fpga: bool) -> Shown:
    """The numbers of ``name``; raises `InputError` with the nearest name."""
    if arch is not None:
        if node is not None:
            raise InputError("--node and --arch: an architecture has a technology of its own; give one of them")
        from hwsim.arch import Architecture

        return _of_architecture(name, Architecture.load(arch), fpga)
    from hwsim import technology
    from hwsim.technology.components import component, names

    if not name:
        raise InputError(f"which component? such as {', '.join(names())}")
    if fpga:
        return Shown(name, FPGA, "hwsim.technology.fpga", _fpga_numbers(name))
    found = technology.get(node or "7nm")
    return Shown(name, _node(found), found.rule, component(name, found))


def _node(technology: Technology) -> str:
    return f"{technology.name}, {technology.voltage_v:g} V"


def _of_architecture(name: str, architecture: Architecture, fpga: bool) -> Shown:
    found = architecture.technology.prices
    where = f"{architecture.name}, {FPGA if fpga else _node(found)}"
    if fpga:
        return Shown(name or "all", where, "hwsim.technology.fpga", _chosen(name, _fpga_of(architecture, name)))
    priced = architecture.prices.numbers()
    numbers = [*_accesses(architecture, priced), *priced]
    return Shown(name or "all", where, found.rule, _chosen(name, numbers))


def _chosen(name: str, numbers: list[Number]) -> list[Number]:
    """Those called ``name`` or part of it; all without a name."""
    spelled = name.strip().replace(" ", "_")
    found = [number for number in numbers if not name or f"{number.name}.".startswith(f"{spelled}.")]
    if not found:
        known = {number.name for number in numbers} | {number.name.partition(".")[0] for number in numbers}
        top = sorted({each.partition(".")[0] for each in known})
        near = did_you_mean(name, known) or f"; known: {', '.join(top)} and their parts"
        raise InputError(f"unknown component '{name}'{near}")
    return found


def _accesses(architecture: Architecture, priced: list[Number]) -> list[Number]:
    """Energy of one access of a memory's width, beside that of a byte."""
    widths = {name: memory.width for name, memory in architecture.memories.items() if memory.width}
    found = []
    for number in priced:
        memory, _, word = number.name.rpartition(".")
        if word in ("read", "write") and (width := widths.get(memory)):
            joules = number.value * width
            found.append(replace(number, name=f"{number.name}.access_of_{width}_B", value=joules, unit="J"))
    return found


def _fpga_numbers(name: str) -> list[Number]:
    from hwsim.base.quantities import parse_quantity
    from hwsim.technology import fpga
    from hwsim.technology.components import primitive

    kind, *rest = name.split(":")
    if kind in ("dram", "wire", "leakage", "clock"):
        raise InputError(f"{name}: a {kind} takes no resources of an FPGA; arithmetic, registers and SRAM do")
    if kind == "sram" and len(rest) == 2:
        return _resources(name, fpga.memory(int(parse_quantity(rest[0], "B")), int(parse_quantity(rest[1], "B"))))
    found = primitive(name)
    numbers = _resources(name, fpga.resources(found))
    if any(number.unit == "DSP" for number in numbers):
        numbers += _resources(f"{name}.without_dsp", fpga.resources(found, "lut"))
    return numbers


def _fpga_of(architecture: Architecture, name: str) -> list[Number]:
    """Resources of the units by part and of the memories on the chip."""
    from hwsim.technology import fpga

    numbers: list[Number] = []
    for memory_name, memory in architecture.memories.items():
        if memory.on_chip and memory.capacity:
            one = fpga.memory(memory.capacity, memory.width or 8)
            if memory.kind == "registers":
                one = fpga.FpgaCost(flip_flops=8 * memory.capacity, sources=("1 flip-flop per bit; UG574 (recalled)",))
            numbers += _resources(memory_name, one.times(architecture.compute.instances(memory.per)))
    wanted = name.partition(".")[0]
    for unit_name, unit in (("compute", architecture.compute), ("vector", architecture.vector)):
        if wanted not in ("", unit_name):
            continue
        found = fpga.estimate(unit)
        for part, cost in found.by_part.items():
            numbers += _resources(f"{unit_name}.{part.replace(' ', '_')}", cost)
        numbers += _resources(f"{unit_name}.total", found.total)
    return numbers


def _resources(name: str, cost: FpgaCost) -> list[Number]:
    from hwsim.technology.records import source_and_status

    told = [source_and_status(source) for source in cost.sources]
    source, status = ("; ".join(dict.fromkeys(part)) for part in zip(*told, strict=True)) if told else ("", "")
    amounts = {"LUT": cost.luts, "FF": cost.flip_flops, "DSP": cost.dsps, "BRAM36": cost.bram36}
    return [Number(f"{name}.{unit.lower()}", value, unit, source, status) for unit, value in amounts.items() if value]


def component_json(shown: Shown) -> dict[str, Any]:
    """The mapping that ``--json`` prints; values in SI units without prefix."""
    return {
        "component": shown.name,
        "technology": shown.where,
        "prices_from": shown.rule,
        "numbers": [asdict(number) for number in shown.numbers],
    }


def component_view(shown: Shown) -> list[RenderableType]:
    """A table of the numbers, each with its status; the sources below."""
    sources = Sources()
    rows = [(n.name, measured(n.value, n.unit), sources.cite(f"{n.status}: {n.source}")) for n in shown.numbers]
    title = heading(f"component/{shown.name}", f"{shown.where}; from {shown.rule}")
    return [title, table(("number", "value", "source"), rows, right=("value",)), "", sources.view()]
