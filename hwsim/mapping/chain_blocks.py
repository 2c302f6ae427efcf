"""A link of a fused chain on blocks of rows: what it has room for, its mapping, and all blocks together."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from math import ceil

from hwsim.base.errors import HwsimError
from hwsim.mapping.candidates import Tiles
from hwsim.mapping.chain import Chain, ProductLink, VectorLink
from hwsim.mapping.found import Objective
from hwsim.mapping.gemm import map_gemm
from hwsim.mapping.hierarchy import OPERANDS
from hwsim.mapping.problem import NOTHING_BESIDE, Beside, Energies
from hwsim.mapping.record import Mapping
from hwsim.mapping.search import EFFORT
from hwsim.mapping.vector import TimesVectorWork, map_vector
from hwsim.memory.base import Memory
from hwsim.units.base import Gemm, VectorWork
from hwsim.units.registry import MatmulUnit


@dataclass(frozen=True)
class Machine:
    """What a chain runs on, and by which rules it is mapped."""

    unit: MatmulUnit
    vector: TimesVectorWork
    memories: Map[str, Memory]
    clock_hz: float
    energies: Energies | None = None
    """Joules per bit read and written, by memory; without them a bit through the outermost memory costs one."""
    objective: Objective = "cycles"
    tiles: Tiles = "auto"
    hides_ends: bool = False
    ideal: bool = False
    effort: int = EFFORT
    beside: Beside = NOTHING_BESIDE
    """Of the whole chain."""

    @property
    def outermost(self) -> str:
        return next(iter(self.memories))

    @property
    def prices(self) -> Energies:
        return self.energies or {self.outermost: (1.0, 1.0)}

    def homes(self) -> list[str]:
        """On-chip memories of the whole chip that may hold a result and read it again."""
        return [
            name for name, memory in self.memories.items()
            if name != self.outermost and memory.per == "chip" and {"input", "output"} <= set(memory.holds)
        ]  # fmt: skip

    def keeper(self) -> str | None:
        """The outermost on-chip memory that may keep weights."""
        names = [name for name, memory in self.memories.items() if "weight" in memory.holds and memory.per == "chip"]
        return next((name for name in names if name != self.outermost), None)


@dataclass(frozen=True)
class Choice:
    """One way to fuse a chain."""

    rows: int
    """Of a block."""
    home: str
    """Where intermediate results lie."""
    kept: tuple[bool, ...]
    """Whether a product's weights are kept, by product."""


class Blocks:
    """The links of a chain on blocks of its rows; each is mapped once."""

    def __init__(self, chain: Chain, machine: Machine) -> None:
        self.chain, self.machine = chain, machine
        self._mapped: dict[tuple[object, ...], Mapping] = {}

    def whole(self, index: int, choice: Choice, keeps: bool = False) -> Mapping:
        """A link in all blocks of all repeats, with the load of its weights where they are kept."""
        full, edge = divmod(self.chain.m, choice.rows)
        parts = [
            (self._link(index, rows, choice, keeps), times * self.chain.count)
            for rows, times in ((choice.rows, full), (edge, 1)) if rows and times
        ]  # fmt: skip
        whole, link = _sum(parts, list(self.machine.memories)), self.chain.links[index]
        return self._finish(link, whole, keeps, index) if isinstance(link, ProductLink) else whole

    def _link(self, index: int, rows: int, choice: Choice, keeps: bool) -> Mapping:
        room = self.room(index, rows, choice)
        key = (index, rows, choice.home, keeps, *sorted(room.items()))
        if key not in self._mapped:
            link = self.chain.links[index]
            memories = {
                name: memory.model_copy(update={"capacity": room[name]}) if name in room else memory
                for name, memory in self.machine.memories.items()
            }
            if isinstance(link, ProductLink):
                self._mapped[key] = self._product(index, link, rows, choice, keeps, memories)
            else:
                self._mapped[key] = self._vector(index, link, rows, choice, memories)
        return self._mapped[key]

    def room(self, index: int, rows: int, choice: Choice) -> dict[str, int]:
        """What intermediate results and kept weights leave of memories; `HwsimError` where they do not fit."""
        taken: dict[str, int] = {}
        for place in (index - 1, index):
            if 0 <= place < len(self.chain.links) - 1:
                taken[choice.home] = taken.get(choice.home, 0) + self.chain.between(place, rows)
        keeper = self.machine.keeper()
        for link, kept in zip(self.chain.products, choice.kept, strict=True):
            if kept and keeper is not None:
                taken[keeper] = taken.get(keeper, 0) + ceil(link.gemm.n * link.gemm.k * link.element_bytes[1])
        room = {}
        for name, size in taken.items():
            capacity = self.machine.memories[name].capacity
            if capacity is None:
                continue
            if capacity <= size:
                name_of = self.chain.links[index].name
                short = f"{size - capacity} B too much" if size > capacity else "so that no tile has room"
                raise HwsimError(
                    f"{name_of} fused in blocks of {rows} rows does not fit memories.{name}: intermediate results "
                    f"and kept weights take {size} B of {capacity} B, {short}"
                )
            room[name] = capacity - size
        return room

    def _product(
        self, index: int, link: ProductLink, rows: int, choice: Choice, keeps: bool, memories: Map[str, Memory]
    ) -> Mapping:
        machine, sources = self.machine, {}
        if index > 0:
            sources["input"] = choice.home
        if index < len(self.chain.links) - 1:
            sources["output"] = choice.home
        if keeps and (keeper := machine.keeper()) is not None:
            sources["weight"] = keeper
        return map_gemm(
            Gemm(rows, link.gemm.n, link.gemm.k), machine.unit, memories, machine.clock_hz, link.element_bytes,
            link.partial_bytes, energies=machine.energies, objective=machine.objective, tiles=machine.tiles,
            hides_ends=machine.hides_ends, ideal=machine.ideal, effort=machine.effort, sources=sources,
            beside=Beside(machine.beside.per_cycle_j),
        )  # fmt: skip

    def _vector(self, index: int, link: VectorLink, rows: int, choice: Choice, memories: Map[str, Memory]) -> Mapping:
        """Work on a block in the home; what no link makes comes from the outermost memory, as the last results go."""
        machine, names = self.machine, list(memories)
        block = share(link.work, rows, link.rows)
        inner = {name: memories[name] for name in names[names.index(choice.home) :] if memories[name].per != "pe"}
        inner[choice.home] = inner[choice.home].model_copy(update={"holds": OPERANDS})
        found = map_vector(
            block, machine.vector, inner, machine.clock_hz, link.read_bytes, link.result_bytes, machine.unit.core_count
        )
        made = rows * self.chain.links[index - 1].writes if index else 0
        comes = 8 * ceil((block.reads - made) * link.read_bytes)
        leaves = 8 * ceil(block.writes * link.result_bytes) if index == len(self.chain.links) - 1 else 0
        outer, home = memories[machine.outermost], memories[choice.home]
        reading = comes / outer.read_bits_per_cycle(machine.clock_hz)
        writing = leaves / outer.write_bits_per_cycle(machine.clock_hz)
        moving = ceil(reading + writing if outer.shared_bus else max(reading, writing))
        cycles = max(found.cycles, moving) if home.double_buffered else found.cycles + moving
        traffic = {name: dict(found.traffic.get(name, {"read": 0, "write": 0})) for name in names}
        for name, read, write in ((machine.outermost, comes, leaves), (choice.home, leaves, comes)):
            traffic[name]["read"] += read // 8
            traffic[name]["write"] += write // 8
        busy = {**found.busy_cycles, machine.outermost: moving}
        return replace(
            found, cycles=cycles, stall_cycles=cycles - found.compute_cycles, busy_cycles=busy, traffic=traffic
        )

    def _finish(self, link: ProductLink, whole: Mapping, keeps: bool, index: int) -> Mapping:
        """With the loads of kept weights, and what the outermost memory must move without intermediate results."""
        machine, gemm = self.machine, link.gemm
        compulsory = {"read": ceil(gemm.count * gemm.n * gemm.k * link.element_bytes[1]), "write": 0}
        if index == 0:
            compulsory["read"] += ceil(gemm.count * gemm.m * gemm.k * link.read_bytes)
        if index == len(self.chain.links) - 1:
            compulsory["write"] = ceil(gemm.count * gemm.m * gemm.n * link.result_bytes)
        peak = -(-gemm.macs // machine.unit.peak_macs_per_cycle)
        whole = replace(whole, compulsory=compulsory, peak_cycles=peak)
        keeper = machine.keeper()
        if not keeps or keeper is None:
            return whole
        bits = 8 * ceil(gemm.n * gemm.k * link.element_bytes[1])
        out, into = machine.memories[machine.outermost], machine.memories[keeper]
        load = gemm.count * ceil(
            max(bits / out.read_bits_per_cycle(machine.clock_hz), bits / into.write_bits_per_cycle(machine.clock_hz))
        )
        moved = {(machine.outermost, "weight", "read"): bits, (keeper, "weight", "write"): bits}
        all_bits = {key: whole.bits.get(key, 0) + gemm.count * moved.get(key, 0) for key in {**whole.bits, **moved}}
        busy = {name: spent + load * (name in (machine.outermost, keeper)) for name, spent in whole.busy_cycles.items()}
        return replace(
            whole, cycles=whole.cycles + load, stall_cycles=whole.stall_cycles + load, bits=all_bits,
            traffic=_traffic(all_bits, list(machine.memories)), busy_cycles=busy,
            bound=max(busy, key=lambda name: busy[name]),
        )  # fmt: skip


def share(work: VectorWork, rows: int, of: int) -> VectorWork:
    """The part of ``rows`` among ``of`` rows, rounded up."""
    operations = {name: -(-count * rows // of) for name, count in work.operations.items()}
    return VectorWork(-(-work.reads * rows // of), -(-work.writes * rows // of), operations)


def _sum(parts: list[tuple[Mapping, int]], names: list[str]) -> Mapping:
    """Mappings so many times one after the other; tiles and loops are those of the first."""

    def total(attribute: str) -> int:
        return sum(times * getattr(mapping, attribute) for mapping, times in parts)

    def by_name(attribute: str) -> dict[object, int]:
        found: dict[object, int] = {}
        for mapping, times in parts:
            for key, value in getattr(mapping, attribute).items():
                found[key] = found.get(key, 0) + times * value
        return found

    first = parts[0][0]
    busy = {str(name): value for name, value in by_name("busy_cycles").items()}
    bits: dict[tuple[str, str, str], int] = by_name("bits")  # type: ignore[assignment]  # its keys are the mappings'
    traffic = _traffic(bits, names) if bits else {
        name: {way: sum(times * mapping.traffic.get(name, {}).get(way, 0) for mapping, times in parts)
               for way in ("read", "write")}
        for name in first.traffic
    }  # fmt: skip
    return replace(
        first, cycles=total("cycles"), compute_cycles=total("compute_cycles"), stall_cycles=total("stall_cycles"),
        busy_cycles=busy, bits=bits, traffic=traffic, bound=max(busy, key=lambda name: busy[name]),
    )  # fmt: skip


def _traffic(bits: Map[tuple[str, str, str], int], names: list[str]) -> dict[str, dict[str, int]]:
    return {
        name: {
            way: -(-sum(bits.get((name, operand, way), 0) for operand in OPERANDS) // 8) for way in ("read", "write")
        }
        for name in names
    }
