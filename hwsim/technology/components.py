"""One component by name at a node: its numbers, each with source and status.

Names are what a data sheet would say: ``int8_multiply``, ``adder:int32``, ``multiplier:8x4``, ``register:16``,
``sram:64KiB:8B``, ``dram:HBM3``, ``wire:1mm``. Where the node's published table has a row of that name, the row stands
beside the model's number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.quantities import parse_quantity
from hwsim.technology import chip, dram, published
from hwsim.technology.gates import WEIGHTS
from hwsim.technology.primitives import (
    Comparator,
    FloatAdder,
    FloatMultiplier,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    LookupTable,
    Multiplexer,
    OrTree,
    Primitive,
    Register,
    Rounder,
    Shifter,
)
from hwsim.technology.records import Number

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

WIDTHS: dict[str, tuple[Callable[..., Primitive], str]] = {
    "comparator": (Comparator, "bits"),
    "leading_zero_counter": (LeadingZeroCounter, "bits"),
    "lookup_table": (LookupTable, "entries:bits"),
    "multiplexer": (Multiplexer, "bits:ways"),
    "or_tree": (OrTree, "bits"),
    "register": (Register, "bits"),
    "rounder": (Rounder, "bits"),
    "shifter": (Shifter, "bits:distance"),
}
"""Blocks told by their widths, and how these are written behind the name."""
ARITHMETIC = {"adder": "adder", "add": "adder", "multiplier": "multiplier", "multiply": "multiplier"}
FORMS = {
    **{kind: f"{kind}:{widths}" for kind, (_, widths) in WIDTHS.items()},
    "adder": "adder:int32, adder:fp16 or adder:24",
    "multiplier": "multiplier:int8, multiplier:e4m3 or multiplier:8x4",
    "gate": "gate:xor2",
    "sram": "sram:capacity:width, such as sram:64KiB:8B",
    "dram": "dram:HBM3",
    "wire": "wire:length, such as wire:1mm",
    "leakage": "leakage:area, such as leakage:1mm2",
    "clock": "clock:bits, such as clock:1024",
}
"""Kinds of components, and how one is written."""


def component(name: str, technology: Technology) -> list[Number]:
    """The numbers of the component called ``name``; raises `InputError` with the nearest name or the form expected.

    >>> from hwsim import technology
    >>> [number.name for number in component("int8_multiply", technology.get("7nm"))]
    ['int8_multiply.energy', 'int8_multiply.area', 'int8_multiply.delay', 'published.int8_multiply.energy']
    """
    kind, *rest = name.strip().split(":")
    if kind in _OTHER:
        return _numbers_of(name, kind, rest, technology)
    found = primitive(name)
    figures = technology.figures(name, found)
    row = next((row for row in published.rows(technology.node_nm) if row.primitive == found), None)
    return figures if row is None else [*figures, *row.numbers()]


def primitive(name: str) -> Primitive:
    """The arithmetic block called ``name``."""
    kind, *rest = name.strip().split(":")
    if not rest and (written := re.fullmatch(r"(\w+)_(add|adder|multiply|multiplier)", kind)):
        return _arithmetic(ARITHMETIC[written[2]], written[1], name)
    if kind in ("adder", "multiplier") and len(rest) == 1:
        return _arithmetic(kind, rest[0], name)
    if kind == "gate" and rest:
        if rest[0] not in WEIGHTS:
            raise InputError(f"{name}: unknown gate '{rest[0]}'{did_you_mean(rest[0], WEIGHTS)}")
        return Gate(rest[0])  # type: ignore[arg-type]  # a name of WEIGHTS
    if kind in WIDTHS:
        made, widths = WIDTHS[kind]
        if len(rest) == widths.count(":") + 1 and all(re.fullmatch(r"[1-9]\d{0,5}", width) for width in rest):
            return made(*(int(width) for width in rest))
    raise _unknown(name, kind)


def names() -> list[str]:
    """What components are called: the kinds, and the rows of the published tables."""
    return sorted({*FORMS, *(row.name for row in published.ARITHMETIC)})


def _unknown(name: str, kind: str) -> InputError:
    if kind in FORMS:
        return InputError(f"expected {FORMS[kind]}, got '{name}'")
    known = names()
    near = did_you_mean(kind, known)
    return InputError(f"unknown component '{name}'{near or '; such as ' + ', '.join(known[:3])}")


def _arithmetic(kind: str, operand: str, name: str) -> Primitive:
    """An adder or a multiplier of a format, of a width, or of two."""
    from hwsim import formats

    if widths := re.fullmatch(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?", operand):
        first, second = int(widths[1]), int(widths[2] or widths[1])
        return IntegerAdder(first) if kind == "adder" else IntegerMultiplier(first, second)
    try:
        found = formats.get(operand)
    except InputError as error:
        if ":" not in name:
            raise _unknown(name, name) from None
        raise InputError(f"{name}: {error}") from None
    if found.kind == "float":
        widths_of = found.exponent_bits, found.precision
        return FloatAdder(*widths_of) if kind == "adder" else FloatMultiplier(*widths_of)
    if found.kind != "integer":
        raise InputError(f"{name}: expected an integer or a floating-point format, got {found.name}")
    return IntegerAdder(found.bits) if kind == "adder" else IntegerMultiplier(found.bits, found.bits)


def _numbers_of(name: str, kind: str, rest: list[str], technology: Technology) -> list[Number]:
    count, found = _OTHER[kind]
    if len(rest) != count:
        raise _unknown(name, kind)
    try:
        return found(name, technology, *rest)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def _sram(name: str, technology: Technology, capacity: str, width: str) -> list[Number]:
    size, bytes_ = parse_quantity(capacity, "B"), parse_quantity(width, "B")
    cost = technology.sram(size, bytes_)
    return [
        Number(f"{name}.read", cost.read_j, "J", cost.source, cost.status),
        Number(f"{name}.write", cost.write_j, "J", cost.source, cost.status),
        Number(f"{name}.read_per_byte", cost.read_j / bytes_, "J/B", cost.source, cost.status),
        Number(f"{name}.write_per_byte", cost.write_j / bytes_, "J/B", cost.source, cost.status),
        Number(f"{name}.area", cost.area_m2, "m2", cost.source, cost.status),
    ]


def _dram(name: str, technology: Technology, standard: str) -> list[Number]:
    found = technology.dram(standard)
    prefix = f"dram.{found.standard}."
    return [number for number in dram.numbers() if number.name.startswith(prefix)]


def _wire(name: str, technology: Technology, length: str) -> list[Number]:
    metres = _measure(name, "wire", length, "m")
    per_metre = _chip(technology, chip.WIRE)
    return [Number(f"{name}.energy_per_bit", per_metre.value * metres, "J/bit", per_metre.source, per_metre.status)]


def _leakage(name: str, technology: Technology, area: str) -> list[Number]:
    square_metres = _measure(name, "leakage", area, "m2", 2)
    densities = [_chip(technology, key) for key in (chip.LOGIC, chip.SRAM)]  # leakage.logic, leakage.sram
    return [
        Number(f"{name}.{density.name[8:]}", density.value * square_metres, "W", density.source, density.status)
        for density in densities
    ]


def _clock(name: str, technology: Technology, bits: str) -> list[Number]:
    one = _chip(technology, chip.CLOCK)
    if not re.fullmatch(r"[1-9]\d{0,15}", bits):
        raise _unknown(name, "clock")
    return [Number(f"{name}.energy_per_cycle", one.value * int(bits), "J", one.source, one.status)]


def _measure(name: str, kind: str, written: str, unit: str, powers: int = 1) -> float:
    """A length or an area, with its unit and above zero."""
    value = parse_quantity(written, unit, powers)
    if not written.strip()[-1:].isalnum() or written.strip().replace(".", "", 1).isdigit() or not value > 0:
        raise _unknown(name, kind)
    return value


def _chip(technology: Technology, key: str) -> Number:
    return next(number for number in chip.numbers(technology.node_nm, technology.voltage_v) if number.name == key)


_OTHER: dict[str, tuple[int, Callable[..., list[Number]]]] = {
    "sram": (2, _sram), "dram": (1, _dram), "wire": (1, _wire), "leakage": (1, _leakage), "clock": (1, _clock),
}  # fmt: skip
"""Kinds that are no block of gates: parts behind the name, and what answers."""
