"""The same schedule tile by tile, in plain integers: the judge of `hwsim.mapping.schedule`.

Walks every tile of every stage in loop order, compares it with the one before, and moves what changed.
Written without the closed form's representatives; for small cases.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

from hwsim.mapping.hierarchy import Hierarchy, Stage
from hwsim.mapping.record import Level
from hwsim.mapping.schedule import Widths
from hwsim.units.base import Gemm
from hwsim.units.registry import MatmulUnit

Tile = tuple[range, range, range]
"""Indices along m, n and k."""


@dataclass(frozen=True)
class Move:
    """An operand's tile on its way through ``route``, source first."""

    home: str | None
    """The memory whose double buffering decides whether this hides behind work; None: nothing does."""
    route: tuple[str, ...]
    bits: int
    core_bits: int


@dataclass
class Tally:
    """Bits and cycles counted while walking."""

    read: Counter[str] = field(default_factory=Counter)
    write: Counter[str] = field(default_factory=Counter)
    compute: int = 0


class TileSimulator:
    """Walks products through ``levels``, one tiling for each stage of ``hierarchy``."""

    def __init__(
        self, hierarchy: Hierarchy, unit: MatmulUnit, widths: Widths, levels: tuple[Level, ...], resident: bool
    ) -> None:
        self.hierarchy = hierarchy
        self.unit = unit
        self.widths = widths
        self.levels = levels
        self.resident = resident
        self.tally = Tally()

    def run(self, m: int, n: int, k: int) -> int:
        """Cycles of [m, k] x [k, n]; `tally` has the traffic afterwards."""
        return self._stage(0, (range(m), range(n), range(k)), resumes=False, finishes=True)

    def _stage(self, index: int, whole: Tile, resumes: bool, finishes: bool) -> int:
        stage, level = self.hierarchy.stages[index], self.levels[index]
        tiles = list(_tiles(whole, level))
        begun = [resumes or tile[2].start > whole[2].start for tile in tiles]
        done = [finishes and tile[2].stop == whole[2].stop for tile in tiles]
        loads = [list(self._loads(stage, level, tiles, i, begun[i])) for i in range(len(tiles))] + [[]]
        stores = [list(self._stores(stage, level, tiles, i, done[i])) for i in range(len(tiles))]
        cycles = self._transfer(loads[0])
        for i, tile in enumerate(tiles):
            finished = stores[i - 1] if i else []
            beside = [move for move in loads[i + 1] + finished if self._overlaps(move)]
            between = [move for move in loads[i + 1] + stores[i] if not self._overlaps(move)]
            work = self._work(index, level, tile, begun[i], done[i])
            cycles += max(work, self._transfer(beside)) + self._transfer(between)
        return cycles + self._transfer(move for move in stores[-1] if self._overlaps(move))

    def _overlaps(self, move: Move) -> bool:
        return move.home is not None and self.hierarchy.ports[move.home].overlaps

    def _loads(self, stage: Stage, level: Level, tiles: list[Tile], i: int, begun: bool) -> Iterator[Move]:
        m, n, k = tiles[i]
        before = tiles[i - 1] if i else (None, None, None)
        if (m, k) != (before[0], before[2]):
            # Every column of cores that has work fetches its own copy of a.
            copies = -(-len(n) // min(level.core_tile[1], len(n)))
            share = self.widths.moved_a(min(level.core_tile[0], len(m)) * len(k))
            yield from self._move(stage, "input", self.widths.moved_a(len(m) * len(k)) * copies, share, 1)
        if (n, k) != (before[1], before[2]):
            copies = -(-len(m) // min(level.core_tile[0], len(m)))
            share = min(level.core_tile[1], len(n)) * len(k)
            yield from self._move(stage, "weight", len(n) * len(k) * copies, share, self.widths.b)
        if begun and (m, n) != before[:2]:
            yield from self._move(stage, "output", len(m) * len(n), _core_outputs(level, m, n), self.widths.partial)

    def _stores(self, stage: Stage, level: Level, tiles: list[Tile], i: int, done: bool) -> Iterator[Move]:
        m, n, _ = tiles[i]
        if i + 1 == len(tiles) or tiles[i + 1][:2] != (m, n):
            bits = self.widths.c if done else self.widths.partial
            for move in self._move(stage, "output", len(m) * len(n), _core_outputs(level, m, n), bits):
                yield Move(move.home, move.route[::-1], move.bits, move.core_bits)

    def _move(self, stage: Stage, operand: str, elements: int, share: int, bits: int) -> Iterator[Move]:
        route, home = stage.routes.get(operand, ()), stage.home(operand)
        if operand == "output" and self.resident and stage is self.hierarchy.stages[-1]:
            # The unit keeps its sums: they meet their nearest memory only on the way in and out.
            route = (*(route or (self.hierarchy.nearest[operand],)), "unit")
        if route:
            yield Move(home, route, elements * bits, share * bits)

    def _transfer(self, moves: Iterable[Move]) -> int:
        read: Counter[str] = Counter()
        write: Counter[str] = Counter()
        for move in moves:
            for source, target in zip(move.route, move.route[1:], strict=False):
                self.tally.read[source] += move.bits
                self.tally.write[target] += move.bits
                read[source] += self._timed(source, move.bits, move.core_bits)
                write[target] += self._timed(target, move.bits, move.core_bits)
        return self._slowest(read, write)

    def _timed(self, memory: str, bits: int, core_bits: int) -> int:
        return core_bits if memory != "unit" and self.hierarchy.ports[memory].per_core else bits

    def _slowest(self, read: Counter[str], write: Counter[str]) -> int:
        cycles = 0
        for name, port in self.hierarchy.ports.items():
            bits = read[name] + write[name] if port.shared_bus else max(read[name], write[name])
            cycles = max(cycles, math.ceil(bits / port.bits_per_cycle))
        return cycles

    def _work(self, index: int, level: Level, tile: Tile, begun: bool, done: bool) -> int:
        if index + 1 < len(self.levels):
            return self._stage(index + 1, tile, begun, done)
        cycles = 0
        for m, n, k in _tiles(tile, Level((), level.core_tile, level.core_tile, (0, 1, 2))):
            read, write = self._unit_accesses(Gemm(len(m), len(n), len(k)), begun)
            self.tally.read.update(read)
            self.tally.write.update(write)
            # Cores work side by side: the tile takes as long as the busiest of them.
            cycles = max(cycles, self.unit.timing(Gemm(len(m), len(n), len(k))).total)
        self.tally.compute += cycles
        return max(cycles, self._access_cycles(level, tile, begun))

    def _access_cycles(self, level: Level, tile: Tile, begun: bool) -> int:
        """Cycles in which the nearest memories serve the unit: a core's own memory one core, others all of them."""
        m, n, k = map(len, tile)
        read, write = self._unit_accesses(Gemm(m, n, k), begun)
        core = Gemm(min(m, level.core_tile[0]), min(n, level.core_tile[1]), min(k, level.core_tile[2]))
        core_read, core_write = self._unit_accesses(core, begun)
        for name, port in self.hierarchy.ports.items():
            if port.per_core:
                read[name], write[name] = core_read[name], core_write[name]
        return self._slowest(read, write)

    def _unit_accesses(self, gemm: Gemm, begun: bool) -> tuple[Counter[str], Counter[str]]:
        counts, nearest = self.unit.accesses(gemm), self.hierarchy.nearest
        read: Counter[str] = Counter()
        write: Counter[str] = Counter()
        read[nearest["input"]] += counts.a_reads * self.widths.a
        read[nearest["weight"]] += counts.b_reads * self.widths.b
        if not self.resident:
            read[nearest["output"]] += (counts.c_reads + gemm.m * gemm.n * begun) * self.widths.partial
            write[nearest["output"]] += counts.c_writes * self.widths.partial
        return read, write


def _core_outputs(level: Level, m: range, n: range) -> int:
    return min(level.core_tile[0], len(m)) * min(level.core_tile[1], len(n))


def _tiles(whole: Tile, level: Level) -> Iterator[Tile]:
    pieces = [
        [whole[d][start : start + level.tile[d]] for start in range(0, len(whole[d]), level.tile[d])] for d in range(3)
    ]
    for indices in product(*(range(len(pieces[d])) for d in level.order)):
        at = dict(zip(level.order, indices, strict=True))
        yield pieces[0][at[0]], pieces[1][at[1]], pieces[2][at[2]]
