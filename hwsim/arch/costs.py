"""What every part of an architecture costs, as named numbers, and what ``costs:`` in its file replaces.

The names are the keys: ``buffer.read`` (J/B), ``buffer.area``; ``compute.mac`` and every other action of the unit (J);
``compute.multiplier``, the share of one part in a multiply-accumulate (J), and ``compute.multiplier.area``;
``vector.add``; ``leakage.logic``, ``clock.energy_per_bit``, ``wires.energy_per_bit``. Blanks in a part's name are
written as underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hwsim.base.errors import did_you_mean
from hwsim.base.quantities import parse_quantity, parse_rate
from hwsim.base.validate import LocatedError
from hwsim.memory.access_energy import move_energy
from hwsim.memory.base import WRITTEN, MemoryCost
from hwsim.technology import chip
from hwsim.technology.records import Number, source_and_status
from hwsim.units.base import UnitCost

if TYPE_CHECKING:
    from hwsim.arch.architecture import Architecture

_EXAMPLES = {
    "J": "0.084 pJ", "J/B": "7.03 pJ/bit", "m2": "1.2 mm2", "W/m2": "12 mW/mm2", "J/bit": "0.1 fJ",
    "J/bit/m": "80 fJ/bit/mm",
}  # fmt: skip
_MEMORY = {"read": "read_j_per_byte", "write": "write_j_per_byte", "area": "area_m2"}


OF_PARTS = "that of its parts"
"""Status of an action that several parts share in."""


@dataclass(frozen=True)
class Prices:
    """Costs of memories, units and the chip's own wires, clock and leakage."""

    memories: Mapping[str, MemoryCost]
    on_chip: frozenset[str]
    """The memories that have an area."""
    units: Mapping[str, UnitCost]
    """Of ``compute`` and ``vector``."""
    chip: Mapping[str, Number]
    """Of `hwsim.technology.chip`; 0 where the architecture switches it off."""

    def numbers(self) -> list[Number]:
        """Every price under its name, with source and status."""
        found = [number for name in self.memories for number in self._memory(name)]
        found += [number for name in self.units for number in self._unit(name)]
        return [*found, *self.chip.values()]

    def _memory(self, name: str) -> list[Number]:
        cost = self.memories[name]
        return [
            Number(f"{name}.{word}", getattr(cost, field), "m2" if word == "area" else "J/B", *_told(cost, field))
            for word, field in _MEMORY.items()
            if word != "area" or name in self.on_chip
        ]

    def _unit(self, unit: str) -> list[Number]:
        cost = self.units[unit]
        found = []
        for action, joules in cost.energy_j.items():
            parts = cost.drawn_by.get(action, {})
            source = cost.sources.get(action) or _joined(cost, parts)
            found.append(Number(f"{unit}.{_spelled(action)}", joules, "J", *source_and_status(source)))
        for part, joules in cost.drawn_by.get("mac", {}).items():
            source = cost.sources.get(f"{part}, energy") or cost.sources.get(part, "")
            found.append(Number(f"{unit}.{_spelled(part)}", joules, "J", *source_and_status(source)))
        for part, area in cost.area_m2.items():
            source = cost.sources.get(f"{part}, area") or cost.sources.get(part, "")
            found.append(Number(f"{unit}.{_spelled(part)}.area", area, "m2", *source_and_status(source)))
        return found


def prices_of(architecture: Architecture) -> Prices:
    """All prices at the architecture's node, those in ``costs`` as written there.

    Raises `LocatedError` at a name that there is not (with the nearest one) and at a value of another kind.
    """
    process = architecture.technology
    node = process.prices
    on = {"leakage": process.leakage, "clock": process.clock_tree, "wires": process.wires}
    own = Prices(
        {name: memory.cost(node) for name, memory in architecture.memories.items()},
        frozenset(name for name, memory in architecture.memories.items() if memory.on_chip),
        {"compute": architecture.compute.cost(node), "vector": architecture.vector.cost(node)},
        {
            number.name: number if on[number.name.partition(".")[0]] == "on" else _off(number)
            for number in chip.numbers(node.node_nm, node.voltage_v)
        },
    )
    return own if not architecture.costs else _replaced(own, architecture.costs)


def _off(number: Number) -> Number:
    return replace(number, value=0.0, source="switched off in the architecture", status="written")


def _replaced(own: Prices, costs: Mapping[str, float | str]) -> Prices:
    known = {number.name: number for number in own.numbers()}
    values = {key: _value(key, written, known) for key, written in costs.items()}
    shares = {f"compute.{_spelled(part)}" for part in own.units["compute"].drawn_by.get("mac", {})}
    if "compute.mac" in values and (share := next((key for key in values if key in shares), None)):
        message = f"'{share}' is a share of 'compute.mac', which is written too; remove one of them"
        raise LocatedError(("costs", share), message, at_key=True)
    memories = {
        name: cost.rewritten(
            {field: values[f"{name}.{word}"] for word, field in _MEMORY.items() if f"{name}.{word}" in values}
        )
        for name, cost in own.memories.items()
    }
    units = {name: _unit_replaced(name, cost, values) for name, cost in own.units.items()}
    source, status = source_and_status(WRITTEN)
    chips = {
        name: replace(number, value=values[name], source=source, status=status) if name in values else number
        for name, number in own.chip.items()
    }
    return Prices(memories, own.on_chip, units, chips)


def _value(key: str, written: float | str, known: Mapping[str, Number]) -> float:
    """What ``costs`` says of ``key``, in the number's own unit."""
    if key not in known:
        near = did_you_mean(key, known) or f"; such as {', '.join(list(known)[:3])}"
        raise LocatedError(("costs", key), f"unknown cost '{key[:60]}'{near}", at_key=True)
    unit, source = known[key].unit, known[key].source
    if unit == "J/B" and str(written).strip().endswith("/access"):
        memory, _, way = key.rpartition(".")
        message = f"'{key}' is per byte or bit; an energy per access is written as memories.{memory}.{way}_energy"
        raise LocatedError(("costs", key), message)
    if source.startswith("switched off"):
        raise LocatedError(("costs", key), f"'{key}' is {source}; switch it on or remove this", at_key=True)
    try:
        value = _parsed(written, unit)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise LocatedError(
            ("costs", key), f"expected a quantity in {unit} such as '{_EXAMPLES[unit]}', got '{written}'"
        )
    return value


def _parsed(written: float | str, unit: str) -> float:
    if unit == "J/B":
        found = move_energy(written)
        if not isinstance(found, float):
            raise ValueError("an energy per access belongs to the memory's own read_energy and write_energy")
        return found
    if unit == "m2":
        return parse_quantity(written, "m2", powers=2)
    if unit == "W/m2":
        return parse_rate(written, "W", {"m2": 1, "mm2": 1e-6})
    if unit == "J/bit/m":
        return parse_rate(written, "J", {"bit/m": 1, "bit/mm": 1e-3})
    return parse_rate(written, "J", {"bit": 1} if unit == "J/bit" else {})


def _unit_replaced(unit: str, cost: UnitCost, values: Mapping[str, float]) -> UnitCost:
    """``cost`` with the values whose keys name it; an action whose total is written has no parts any more."""
    prefix = f"{unit}."
    mine = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    if not mine:
        return cost
    area, energy, sources = dict(cost.area_m2), dict(cost.energy_j), dict(cost.sources)
    drawn_by = {action: dict(parts) for action, parts in cost.drawn_by.items()}
    for part in cost.area_m2:
        if f"{_spelled(part)}.area" in mine:
            area[part] = mine[f"{_spelled(part)}.area"]
            sources[f"{part}, area"] = WRITTEN
    for part in cost.drawn_by.get("mac", {}):
        if _spelled(part) in mine:
            drawn_by["mac"][part] = mine[_spelled(part)]
            energy["mac"] = sum(drawn_by["mac"].values())
            sources[f"{part}, energy"] = WRITTEN
    for action in cost.energy_j:
        if _spelled(action) in mine:
            energy[action] = mine[_spelled(action)]
            sources[action] = WRITTEN
            parts = drawn_by.pop(action, {})
            if len(parts) == 1:
                drawn_by[action] = dict.fromkeys(parts, energy[action])
    return replace(cost, area_m2=area, energy_j=energy, sources=sources, drawn_by=drawn_by)


def _joined(cost: UnitCost, parts: Mapping[str, float]) -> str:
    """The sources of an action's parts in one line."""
    told = {part: cost.sources.get(f"{part}, energy") or cost.sources.get(part) for part in parts}
    if len(parts) == 1 and all(told.values()):
        return next(iter(told.values())) or ""
    words = "; ".join(f"{part}: {source}" for part, source in told.items() if source)
    return f"{words} ({OF_PARTS})"


def _told(cost: MemoryCost, field: str) -> tuple[str, str]:
    return source_and_status(cost.source_of(field))


def _spelled(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")
