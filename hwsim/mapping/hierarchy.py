"""A list of memories, outermost first, as stages of tiling and the route of each operand through them.

Each operand passes through every memory that may hold it (`Memory.holds`); others it bypasses. A *stage*
is a group of memories that share one tile size: a shared buffer and a memory dedicated to one operand
below it (weights, accumulators) are one stage, and so are separate buffers for each operand. A memory
that holds all that its stage holds opens the next stage, whose tiles are tiles of tiles.

In its stage an operand lives in the innermost memory that may hold it, its *home*. The others of the
stage it merely passes, and they need no room for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hwsim.base.errors import HwsimError
from hwsim.memory.base import Memory

Per = Literal["chip", "core", "pe"]
OPERANDS = ("input", "weight", "output")
"""a, b and c of a product, by the names under which memories hold them."""
MOST_STAGES = 3
"""Stages of on-chip memories that the mapper searches."""


@dataclass(frozen=True)
class Port:
    """A memory as mapping sees it: how much fits, how many bits pass per cycle."""

    name: str
    usable_bits: int | None
    """Room for the tile in use; None is without limit."""
    bits_per_cycle: float
    """Read in a cycle."""
    shared_bus: bool
    """Reads and writes take turns (DRAM) instead of using a port each (on-chip memories)."""
    per: Per
    overlaps: bool
    """Double-buffered or refilled in place: filled and emptied while the unit works."""
    write_bits_per_cycle: float = 0.0
    latency: int = 0
    """Cycles before the first word that is waited for."""
    side_by_side: bool = False
    """Inputs and weights are read at the same time, each at the full rate."""

    @property
    def per_core(self) -> bool:
        return self.per == "core"


@dataclass(frozen=True)
class Stage:
    """Memories with one tile size, and how each operand comes there."""

    routes: Mapping[str, tuple[str, ...]]
    """Operand to the memories its tile passes, source first, home last; no entry: it does not stop here."""
    per: Per

    @property
    def per_core(self) -> bool:
        return self.per == "core"

    def home(self, operand: str) -> str | None:
        route = self.routes.get(operand)
        return route[-1] if route else None


@dataclass(frozen=True)
class Hierarchy:
    """Stages from the outside in, the memories' ports, and where the unit finds each operand."""

    ports: Mapping[str, Port]
    stages: tuple[Stage, ...]
    nearest: Mapping[str, str]
    """Operand to the innermost memory that holds it."""
    hides_ends: bool = False
    """Neighbouring operators hide the first load and the last store."""
    ideal: bool = False
    """Any transfer may run beside any work."""

    @property
    def outermost(self) -> str:
        return next(iter(self.ports))

    def shared_by(self, groups: int) -> Hierarchy:
        """What one of ``groups`` equal users has of it: its part of shared room and bandwidth, its own cores' whole."""
        if groups == 1:
            return self
        return replace(self, ports={name: _part(port, groups) for name, port in self.ports.items()})


def build_hierarchy(
    memories: Mapping[str, Memory], clock_hz: float, sources: Mapping[str, str] | None = None
) -> Hierarchy:
    """Stages and routes of ``memories`` (outermost first); `HwsimError` if the outermost does not hold everything.

    ``sources`` says where an operand is to begin with, or is left, if not in the outermost memory: in an on-chip
    memory that has room for all of it beside the tiles.
    """
    ports = {name: _port(name, memory, clock_hz) for name, memory in memories.items()}
    if not ports:
        raise HwsimError("an architecture needs at least one memory")
    outermost = next(iter(ports))
    missing = [operand for operand in OPERANDS if operand not in memories[outermost].holds]
    if missing:
        raise HwsimError(f"memories.{outermost}: the outermost memory must hold every operand, {missing} too")
    groups = _group({name: memory for name, memory in memories.items() if name != outermost})
    at = dict.fromkeys(OPERANDS, outermost) | dict(sources or {})
    names = list(ports)
    stages = []
    for index, group in enumerate(groups):
        routes = {}
        for operand in OPERANDS:
            inside = names.index(at[operand])
            passed = tuple(name for name in group if operand in memories[name].holds and names.index(name) > inside)
            if passed:
                routes[operand] = (at[operand], *passed)
                at[operand] = passed[-1]
        per = ports[group[0]].per
        if per != "chip" and index < len(groups) - 1:
            raise HwsimError(f"memories.{group[0]}: only the innermost stage of memories may be 'per: {per}'")
        stages.append(Stage(routes, per))
    if len(stages) > MOST_STAGES:
        raise HwsimError(
            f"memories: {len(stages)} stages of on-chip memories ({'; '.join(', '.join(g) for g in groups)}), "
            f"expected at most {MOST_STAGES}"
        )
    return Hierarchy(ports, tuple(stages) or (Stage({}, "chip"),), at)


def _port(name: str, memory: Memory, clock_hz: float) -> Port:
    usable = memory.usable_bytes
    return Port(
        name,
        usable_bits=None if usable is None else 8 * usable,
        bits_per_cycle=memory.read_bits_per_cycle(clock_hz),
        shared_bus=memory.shared_bus,
        per=memory.per,
        overlaps=memory.double_buffered or memory.in_place,
        write_bits_per_cycle=memory.write_bits_per_cycle(clock_hz),
        latency=memory.latency,
        side_by_side=memory.port_per_operand,
    )


def _part(port: Port, groups: int) -> Port:
    if port.per != "chip":
        return port
    usable = None if port.usable_bits is None else port.usable_bits // groups
    return replace(
        port,
        usable_bits=usable,
        bits_per_cycle=port.bits_per_cycle / groups,
        write_bits_per_cycle=port.write_bits_per_cycle / groups,
    )


def _group(memories: Mapping[str, Memory]) -> list[list[str]]:
    groups: list[list[str]] = []
    held: frozenset[str] = frozenset()
    per = "chip"
    for name, memory in memories.items():
        operands = frozenset(memory.holds)
        if groups and memory.per == per and (operands < held or not operands & held):
            groups[-1].append(name)
            held |= operands
        else:
            groups.append([name])
            held, per = operands, memory.per
    return groups
