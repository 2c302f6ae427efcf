"""The closed form of a tiled product: cycles and traffic of many tilings at once, edge tiles counted exactly.

A stage runs over its tiles i = 0 … T−1 in loop order. Before tile i can start, the operands that differ
from tile i−1 must have come; when its sums are complete, or make room for others, they leave (partial
sums of an unfinished K leave as such and come back later). With a double-buffered home,

    cycles = load(0) + Σ_i max(work(i), load(i+1) + store(i−1)) + store(T−1);

a home that is not double-buffered has its transfers between the tiles instead, as a plain sum.
``work`` is the unit's own time on the tile, or its operand streams' where a memory feeds it more slowly;
in an outer stage it is the cycles of the stage inside, whose tiles are loaded afresh for every outer tile.
Transfers of one step share each memory's bandwidth; memories work side by side.

The sum has few distinct terms. A tile's size and its neighbours depend on each loop index only through
whether it is the first, the last or the last but one, so 4³ representatives with their multiplicities
give the exact sum. `hwsim.mapping.simulator` walks all tiles one by one and must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim.mapping.hierarchy import OPERANDS, Hierarchy, Stage
from hwsim.mapping.moves import Moves, slowest
from hwsim.mapping.walk import K, M, N, Tiling, Walk, wide
from hwsim.units.base import TileCounts
from hwsim.units.registry import MatmulUnit


@dataclass(frozen=True)
class Widths:
    """Bits per element."""

    a: int
    b: int
    c: int
    """Of a finished result on its way out."""
    partial: int
    """Of an unfinished sum, and of sums in the memory nearest to the unit."""
    distinct_a: tuple[int, int] = (1, 1)
    """Numerator and denominator of the share of a's elements that differ, where a convolution's windows overlap."""

    def moved_a(self, elements: Any) -> Any:
        """Bits that hold and move ``elements`` of a tile of a: each distinct one once (implicit im2col)."""
        share, whole = self.distinct_a
        return -(-elements * share // whole) * self.a


@dataclass
class Evaluation:
    """Arrays [cases]."""

    cycles: np.ndarray
    compute: np.ndarray
    read: dict[str, np.ndarray] = field(default_factory=dict)
    """Memory to bits read, all cores."""
    write: dict[str, np.ndarray] = field(default_factory=dict)
    busy: dict[tuple[int | str, str], np.ndarray] = field(default_factory=dict)
    """(stage or "unit", memory) to cycles of transfers."""

    def add_flows(self, moves: Moves, weight: np.ndarray | None = None) -> None:
        for name, flow in moves.flows.items():
            for totals, bits in ((self.read, flow.read), (self.write, flow.write)):
                totals[name] = totals.get(name, 0) + _summed(bits, weight)

    def add_busy(self, where: int | str, cycles: Mapping[str, Any], weight: np.ndarray | None = None) -> None:
        for name, count in cycles.items():
            self.busy[where, name] = self.busy.get((where, name), 0) + _summed(count, weight)


@dataclass(frozen=True)
class Problem:
    """What stays the same while tilings vary; ``unit`` is one core where the innermost memories are a core's own."""

    hierarchy: Hierarchy
    unit: MatmulUnit
    widths: Widths

    def evaluate(
        self,
        stage: int,
        extents: np.ndarray,
        tiling: Tiling,
        inner: tuple[Tiling, ...] = (),
        resumes: np.ndarray | None = None,
        finishes: np.ndarray | None = None,
    ) -> Evaluation:
        """Cycles and traffic of products of ``extents`` [cases, 3] tiled by ``tiling`` from ``stage`` inwards.

        ``inner`` has one tiling for each stage inside. ``resumes``: partial sums wait in the source memory;
        ``finishes``: K ends here, so that what leaves is a result.
        """
        cases = len(extents)
        resumes = np.zeros(cases, bool) if resumes is None else resumes
        finishes = np.ones(cases, bool) if finishes is None else finishes
        walk = Walk(extents, tiling)
        steps = _Steps(self, self.hierarchy.stages[stage], walk, tiling, wide(resumes), wide(finishes))
        work = self._work(stage, walk, steps, tiling, inner)
        return steps.total(stage, work, self.hierarchy)

    def _work(self, stage: int, walk: Walk, steps: _Steps, tiling: Tiling, inner: tuple[Tiling, ...]) -> Evaluation:
        """The work of each step, as an evaluation over [cases, ≤ 4, ≤ 4, ≤ 4]."""
        sizes = walk.sizes(walk.here)
        started, ended = steps.started(walk.here), steps.ended(walk.here)
        if stage < len(self.hierarchy.stages) - 1:
            cases = np.stack([array.ravel() for array in (*sizes, started, ended)], axis=1).astype(np.int64)
            distinct, which = np.unique(cases, axis=0, return_inverse=True)
            within = inner[0].repeated(len(distinct))
            result = self.evaluate(
                stage + 1, distinct[:, :3], within, inner[1:], distinct[:, 3] > 0, distinct[:, 4] > 0
            )
            return _picked(result, np.reshape(which, sizes[0].shape))
        return self.unit_work(sizes, walk.core_sizes(sizes), started, wide(tiling.resident))

    def unit_work(self, sizes: Any, core_sizes: Any, started: np.ndarray, resident: np.ndarray) -> Evaluation:
        """The unit's time on tiles of ``sizes`` (m, n, k), and its accesses to the nearest memories."""
        core = self.unit.count_tiles(*core_sizes)
        chip = core if core_sizes is sizes else self._all_cores(sizes, core_sizes)
        moves, nearest, widths = Moves(), self.hierarchy.nearest, self.widths
        moves.read(nearest["input"], chip.a_reads * widths.a, core.a_reads * widths.a)
        moves.read(nearest["weight"], chip.b_reads * widths.b, core.b_reads * widths.b)
        outputs, core_outputs = (size[M] * size[N] * started for size in (sizes, core_sizes))
        kept = np.where(resident, 0, widths.partial)
        moves.read(nearest["output"], (chip.c_reads + outputs) * kept, (core.c_reads + core_outputs) * kept)
        moves.write(nearest["output"], chip.c_writes * kept, core.c_writes * kept)
        busy = moves.cycles(self.hierarchy.ports)
        work = Evaluation(cycles=np.maximum(core.cycles, slowest(busy)), compute=core.cycles)
        work.read = {name: flow.read + 0 * core.cycles for name, flow in moves.flows.items()}
        work.write = {name: flow.write + 0 * core.cycles for name, flow in moves.flows.items()}
        work.busy = {("unit", name): count for name, count in busy.items()}
        return work

    def _all_cores(self, sizes: Any, core_sizes: Any) -> TileCounts:
        """Accesses summed over the cores' shares of a tile: full ones, and those at its two edges."""
        full = [sizes[d] // core_sizes[d] for d in (M, N)]
        edge = [sizes[d] % core_sizes[d] for d in (M, N)]
        total = TileCounts(*(np.zeros_like(sizes[M]) for _ in range(5)))
        for m, rows in ((core_sizes[M], full[M]), (edge[M], edge[M] > 0)):
            for n, columns in ((core_sizes[N], full[N]), (edge[N], edge[N] > 0)):
                share = self.unit.count_tiles(np.maximum(m, 1), np.maximum(n, 1), sizes[K])
                total = total.plus(share, rows * columns)
        return total


class _Steps:
    """The transfers of every representative step."""

    def __init__(
        self, problem: Problem, stage: Stage, walk: Walk, tiling: Tiling, resumes: np.ndarray, finishes: np.ndarray
    ) -> None:
        self.problem, self.stage, self.walk = problem, stage, walk
        self.resumes, self.finishes, self.resident = resumes, finishes, wide(tiling.resident)
        ports = problem.hierarchy.ports
        self.overlaps = {operand: ports[route[-1]].overlaps for operand, route in stage.routes.items()}

    def started(self, at: np.ndarray) -> np.ndarray:
        """The tile's sums have been begun before."""
        begun: np.ndarray = self.resumes | (at[K] > 0)
        return begun

    def ended(self, at: np.ndarray) -> np.ndarray:
        """The tile's sums are complete after it."""
        complete: np.ndarray = self.finishes & (at[K] == wide(self.walk.last[:, K]))
        return complete

    def load(self, moves: Moves, operand: str, at: np.ndarray, needed: np.ndarray) -> None:
        if operand == "output":
            needed = needed & self.started(at)
        self._move(moves, operand, at, needed, self.problem.widths.partial, inwards=True)

    def store(self, moves: Moves, at: np.ndarray, needed: np.ndarray) -> None:
        widths = self.problem.widths
        self._move(moves, "output", at, needed, np.where(self.ended(at), widths.c, widths.partial), inwards=False)

    def _move(self, moves: Moves, operand: str, at: np.ndarray, needed: Any, sum_bits: Any, inwards: bool) -> None:
        route = self.stage.routes.get(operand, ())
        if not route and not (operand == "output" and self.resident.any()):
            return
        sizes = self.walk.sizes(at)
        core = self.walk.core_sizes(sizes)
        widths = self.problem.widths
        # Each core fetches its own copy: a once per column of cores in use, b once per row.
        rows, columns = -(-sizes[M] // core[M]), -(-sizes[N] // core[N])
        bits, core_bits = {
            "input": (widths.moved_a(sizes[M] * sizes[K]) * columns, widths.moved_a(core[M] * core[K])),
            "weight": (sizes[K] * sizes[N] * rows * widths.b, core[K] * core[N] * widths.b),
            "output": (sizes[M] * sizes[N] * sum_bits, core[M] * core[N] * sum_bits),
        }[operand]
        total, share = bits * needed, core_bits * needed
        moves.along(route if inwards else route[::-1], total, share)
        if operand == "output":
            # Sums that the unit keeps meet their nearest memory only on the way in and out of the unit.
            passing = moves.read if inwards else moves.write
            nearest = self.problem.hierarchy.nearest["output"]
            passing(nearest, total * self.resident, share * self.resident)

    def total(self, stage: int, work: Evaluation, hierarchy: Hierarchy) -> Evaluation:
        walk, ports, weight = self.walk, hierarchy.ports, self.walk.weight
        first, beside, between, final = Moves(), Moves(), Moves(), Moves()
        for operand in OPERANDS:
            others = [d for d in range(3) if d in _DIMENSIONS[operand]]
            changes = ~walk.is_last & np.any([walk.next[d] != walk.here[d] for d in others], axis=0)
            overlaps = self.overlaps.get(operand, False)
            self.load(beside if overlaps else between, operand, walk.next, changes)
            self.load(first, operand, walk.here, walk.is_first)
        moved = np.any([walk.next[d] != walk.here[d] for d in (M, N)], axis=0)
        came = np.any([walk.previous[d] != walk.here[d] for d in (M, N)], axis=0)
        if self.overlaps.get("output", False):
            self.store(beside, walk.previous, ~walk.is_first & came)
            self.store(final, walk.here, walk.is_last)
        else:
            self.store(between, walk.here, walk.is_last | moved)
        evaluation = Evaluation(_summed(work.compute, weight), _summed(work.compute, weight))
        times = {id(moves): moves.cycles(ports) for moves in (first, beside, between, final)}
        step = np.maximum(work.cycles, slowest(times[id(beside)])) + slowest(times[id(between)])
        edges = slowest(times[id(first)]) + slowest(times[id(final)])
        # The first load and the last store have one step each, whose multiplicity is one.
        evaluation.cycles = _summed(step + edges, weight)
        for moves in (first, beside, between, final):
            evaluation.add_flows(moves, weight)
            evaluation.add_busy(stage, times[id(moves)], weight)
        for totals, inside in ((evaluation.read, work.read), (evaluation.write, work.write)):
            for name, bits in inside.items():
                totals[name] = totals.get(name, 0) + _summed(bits, weight)
        for (where, name), count in work.busy.items():
            evaluation.add_busy(where, {name: count}, weight)
        return evaluation


_DIMENSIONS = {"input": (M, K), "weight": (K, N), "output": (M, N)}


def _summed(values: Any, weight: np.ndarray | None) -> np.ndarray:
    if weight is None:
        return np.asarray(values)
    total: np.ndarray = np.sum(values * weight, axis=(1, 2, 3))
    return total


def _picked(evaluation: Evaluation, which: np.ndarray) -> Evaluation:
    """The case of each step."""
    return Evaluation(
        evaluation.cycles[which],
        evaluation.compute[which],
        {name: bits[which] for name, bits in evaluation.read.items()},
        {name: bits[which] for name, bits in evaluation.write.items()},
        {key: count[which] for key, count in evaluation.busy.items()},
    )
