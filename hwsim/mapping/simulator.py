"""A mapped product tile by tile, in plain integers: the judge of `hwsim.kernels.nest_steps`.

Lists every tile of every stage in the order of the loops, element by element, compares it with the one before
and moves what changed. Written without the closed form's representatives and cases; for small products.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise, product

import numpy as np

from hwsim.mapping.hierarchy import OPERANDS
from hwsim.mapping.problem import Problem
from hwsim.units.base import Gemm
from hwsim.units.spatial import SpatialArray

Tile = tuple[range, range, range]
"""Steps along m, n and k."""
Bits = Counter[tuple[str, str, str]]
"""(memory, operand, "read" or "write") to bits."""
_RELEVANT = {"input": (0, 2), "weight": (1, 2), "output": (0, 1)}


@dataclass
class Step:
    """One tile of a stage in its place among all, and the tiles of the stage inside."""

    tile: Tile
    inside: list[Step] = field(default_factory=list)
    loads: dict[str, tuple[Bits, Bits]] = field(default_factory=dict)
    """Operand to the bits of all instances and of the busiest one."""
    store: tuple[Bits, Bits] | None = None


@dataclass
class Walked:
    """What a walk has counted."""

    cycles: int = 0
    compute: int = 0
    total: Bits = field(default_factory=Counter)


class TileSimulator:
    """Walks a problem through ``tiles`` [S, 8], a row for each stage of memories."""

    def __init__(self, problem: Problem, tiles: np.ndarray) -> None:
        self.problem, self.hierarchy = problem, problem.hierarchy
        self.tiles = [[int(value) for value in row] for row in tiles]
        self.spatial = isinstance(problem.unit, SpatialArray)
        self.walked = Walked()

    def run(self) -> Walked:
        """Cycles, the unit's own cycles, and bits moved."""
        whole = (range(self.problem.steps[0]), range(self.problem.steps[1]), range(self.problem.steps[2]))
        top = self._split(0, whole)
        level = top
        for stage in range(len(self.tiles)):
            self._plan(stage, level)
            level = [inner for step in level for inner in step.inside]
        cycles, moved = self._time(0, top)
        self.walked.cycles = max(cycles, self._busy(moved)) if self.hierarchy.hides_ends else cycles
        return self.walked

    # The tiles of every stage, in order ---------------------------------------------------------------

    def _split(self, stage: int, whole: Tile) -> list[Step]:
        if stage == len(self.tiles):
            return []
        row = self.tiles[stage]
        pieces = [
            [whole[side][start : start + row[side]] for start in range(0, len(whole[side]), row[side])]
            for side in range(3)
        ]
        orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
        steps = []
        for chosen in product(*(pieces[side] for side in orders[row[6]])):
            at = dict(zip(orders[row[6]], chosen, strict=True))
            tile = (at[0], at[1], at[2])
            steps.append(Step(tile, self._split(stage + 1, tile)))
        return steps

    # What comes and goes ------------------------------------------------------------------------------

    def _plan(self, stage: int, steps: list[Step]) -> None:
        """Loads before each step and the store after it, by comparison with its neighbours."""
        end = self.problem.steps[2]
        for index, step in enumerate(steps):
            before = steps[index - 1].tile if index else None
            after = steps[index + 1].tile if index + 1 < len(steps) else None
            for operand, sides in _RELEVANT.items():
                same = before is not None and all(before[side] == step.tile[side] for side in sides)
                if not same and (operand != "output" or step.tile[2].start > 0):
                    step.loads[operand] = self._move(stage, operand, step.tile, self._width(operand), inwards=True)
            stays = after is not None and after[:2] == step.tile[:2]
            if not stays:
                width = self.problem.widths.c if step.tile[2].stop == end else self.problem.widths.partial
                step.store = self._move(stage, "output", step.tile, width, inwards=False)

    def _width(self, operand: str) -> int:
        widths = self.problem.widths
        return {"input": widths.a, "weight": widths.b, "output": widths.partial}[operand]

    def _move(self, stage: int, operand: str, tile: Tile, width: int, inwards: bool) -> tuple[Bits, Bits]:
        total: Bits = Counter()
        timed: Bits = Counter()
        route = self.hierarchy.stages[stage].routes.get(operand, ())
        cores = self._cores(stage, tile)
        shares = [(m, n, tile[2]) for m, n in product(*cores)]
        everything = sum(self._elements(operand, share) for share in shares) * width * self.problem.abreast
        busiest = self._elements(operand, shares[0]) * width * self.problem.abreast
        hops = list(pairwise(route))
        resident = operand == "output" and bool(self.tiles[stage][7])
        if resident:
            hops.append((self.hierarchy.nearest["output"], "unit"))
        for source, target in hops:
            ends = ((source, "read"), (target, "write")) if inwards else ((target, "read"), (source, "write"))
            for name, way in ends:
                if name == "unit":
                    continue
                per = self.hierarchy.ports[name].per
                if per == "pe":
                    shared = self.problem.unrolling.copies()[OPERANDS.index(operand)]
                    total[name, operand, way] += everything * shared
                    timed[name, operand, way] += self._of_one(operand, tile) * width
                else:
                    total[name, operand, way] += everything
                    timed[name, operand, way] += busiest if per == "core" else everything
        return total, timed

    def _cores(self, stage: int, tile: Tile) -> tuple[list[range], list[range]]:
        """The shares of m and of n that cores with memories of their own take."""
        if self.hierarchy.stages[stage].per != "core":
            return [tile[0]], [tile[1]]
        m, n = self.tiles[stage][3], self.tiles[stage][4]
        return (
            [tile[0][start : start + m] for start in range(0, len(tile[0]), m)],
            [tile[1][start : start + n] for start in range(0, len(tile[1]), n)],
        )

    # Elements, one by one ------------------------------------------------------------------------------

    def _coordinates(self, side: int, steps: range) -> set[tuple[int, ...]]:
        """Elements along a class: (image, row, column) of m, (filter,) of n, (channel, tap row, tap column) of k."""
        g = [int(value) for value in self.problem.geometry]
        if side == 1:
            return {(step * g[13] + lane,) for step in steps for lane in range(g[13]) if step * g[13] + lane < g[20]}
        first = 0 if side == 0 else 3
        counts, unroll, extent = g[first : first + 3], g[first + 7 : first + 10], g[first + 14 : first + 17]
        found = set()
        for step in steps:
            at = (step % counts[0], step // counts[0] % counts[1], step // (counts[0] * counts[1]))
            for lane in product(*(range(factor) for factor in unroll)):
                place = tuple(at[d] * unroll[d] + lane[d] for d in range(3))
                if all(place[d] < extent[d] for d in range(3)):
                    found.add(place[::-1])
        return found

    def _elements(self, operand: str, tile: Tile) -> int:
        """Distinct elements of an operand in a tile."""
        if operand != "input":
            first, second = _RELEVANT[operand]
            return len(self._coordinates(first, tile[first])) * len(self._coordinates(second, tile[second]))
        return self._inputs(tile)

    def _inputs(self, tile: Tile) -> int:
        window, (share, of) = self.problem.window, self.problem.widths.distinct_a
        if window is None:
            return -(-len(self._coordinates(0, tile[0])) * len(self._coordinates(2, tile[2])) * share // of)
        if not self.spatial:
            return self._in_proportion(tile)
        (stride_y, stride_x), (dilation_y, dilation_x) = window.stride, window.dilation
        rows = {(o * stride_y + t * dilation_y) for _, o, _ in self._coordinates(0, tile[0])
                for _, t, _ in self._coordinates(2, tile[2])}  # fmt: skip
        columns = {(o * stride_x + t * dilation_x) for _, _, o in self._coordinates(0, tile[0])
                   for _, _, t in self._coordinates(2, tile[2])}  # fmt: skip
        images = {image for image, _, _ in self._coordinates(0, tile[0])}
        channels = {channel for channel, _, _ in self._coordinates(2, tile[2])}
        pixels = min(len(rows), window.input[0]) * min(len(columns), window.input[1])
        return len(images) * len(channels) * pixels

    def _in_proportion(self, tile: Tile) -> int:
        """As if the tile began with its row and its share of each window were as that of all its windows."""
        window = self.problem.window
        assert window is not None
        m, k = len(tile[0]), len(tile[2])
        (high, wide), (rows, columns) = window.taps, window.outputs
        images = -(-m // (rows * columns)) if m >= rows * columns else 1
        rows = rows if m >= rows * columns else -(-m // columns)
        columns = min(columns, m)
        spans = []
        for outputs, taps, at in ((rows, high, 0), (columns, wide, 1)):
            stride, dilation = window.stride[at], window.dilation[at]
            touched = {o * stride + t * dilation for o in range(outputs) for t in range(taps)}
            spans.append(min(len(touched), window.input[at]))
        share = Fraction(k, high * wide)
        return min(m * k, math.ceil(images * spans[0] * spans[1] * share))

    def _of_one(self, operand: str, tile: Tile) -> int:
        """Elements that one processing element receives: those of a step, for every step."""
        m, n, k = map(len, tile)
        if operand == "weight":
            return n * k
        if operand == "output":
            return m * n
        from hwsim.kernels.tile_elements import input_elements_of_one

        return int(input_elements_of_one(self.problem.geometry, m, k))

    # Time -----------------------------------------------------------------------------------------------

    def _time(
        self, stage: int, steps: list[Step], before: Step | None = None, after: Step | None = None,
        outside: tuple[Step, Step | None, Step | None] | None = None,
    ) -> tuple[int, Bits]:  # fmt: skip
        """Cycles of the tiles of one tile ``outside``, and the bits that they move as the busiest instance sees them.

        ``before`` and ``after`` are the tiles of this stage across its borders, if the tiles outside follow
        each other in one tile further out.
        """
        moved: Bits = Counter()
        here, earlier, later = outside or (None, None, None)
        exposed = [m for o, m in steps[0].loads.items() if not self._across(stage, o, earlier, here)]
        first = self._sum(exposed)
        ends = 0 if stage == 0 and self.hierarchy.hides_ends else 1
        cycles = ends * (self._busy(first) + self._latency(first))
        moved.update(first)
        for index, step in enumerate(steps):
            following = steps[index + 1] if index + 1 < len(steps) else None
            preceding = steps[index - 1] if index else None
            hidden = self._beside(stage, steps, index, before, after, outside)
            between = [
                load
                for operand, load in (following.loads if following else {}).items()
                if not self._hidden(stage, operand)
            ]
            if step.store is not None and not self._hidden(stage, "output"):
                between.append(step.store)
            serial = self._sum(between)
            work, inside = self._work(stage, step, preceding, following)
            cycles += max(work, self._busy(inside + hidden)) + self._busy(serial)
            moved += inside + hidden + serial
        last = steps[-1].store
        if last is not None and self._hidden(stage, "output") and not self._across(stage, "output", here, later):
            final = self._sum([last])
            cycles += ends * self._busy(final)
            moved += final
        return cycles, moved

    def _beside(
        self, stage: int, steps: list[Step], index: int, before: Step | None, after: Step | None,
        outside: tuple[Step, Step | None, Step | None] | None,
    ) -> Bits:  # fmt: skip
        """Parts of what moves beside a step: while an operand's tile stays, its successor comes in equal parts."""
        here, earlier, later = outside or (None, None, None)
        timed: Bits = Counter()
        for operand in OPERANDS:
            if not self._hidden(stage, operand):
                continue
            start, stop = self._run(steps, index, operand)
            parts = stop - start
            moves = []
            if stop < len(steps):
                moves.append(steps[stop].loads.get(operand))
            elif after is not None and self._across(stage, operand, here, later):
                moves.append(after.loads.get(operand))
            if operand == "output" and start > 0:
                moves.append(steps[start - 1].store)
            elif operand == "output" and before is not None and self._across(stage, operand, earlier, here):
                moves.append(before.store)
            for move in moves:
                if move is not None:
                    once = index == start
                    self.walked.total.update(move[0] if once else {})
                    timed.update({key: -(-bits // parts) for key, bits in move[1].items()})
        return timed

    def _run(self, steps: list[Step], index: int, operand: str) -> tuple[int, int]:
        """First and last-but-one of the neighbouring steps that keep an operand's tile."""

        def same(one: Step, other: Step) -> bool:
            return all(one.tile[side] == other.tile[side] for side in _RELEVANT[operand])

        start, stop = index, index + 1
        while start > 0 and same(steps[start - 1], steps[index]):
            start -= 1
        while stop < len(steps) and same(steps[stop], steps[index]):
            stop += 1
        return start, stop

    def _across(self, stage: int, operand: str, one: Step | None, other: Step | None) -> bool:
        """Whether moves cross the border between two tiles outside: hidden, and from a memory that stays as it is."""
        if one is None or other is None or not self._hidden(stage, operand):
            return False
        if all(one.tile[side] == other.tile[side] for side in _RELEVANT[operand]):
            return True
        home = self.hierarchy.stages[stage - 1].home(operand)
        return self.hierarchy.stages[stage].routes[operand][0] != home

    def _hidden(self, stage: int, operand: str) -> bool:
        home = self.hierarchy.stages[stage].home(operand)
        return home is not None and self.hierarchy.ports[home].overlaps

    def _sum(self, moves: list[tuple[Bits, Bits]]) -> Bits:
        timed: Bits = Counter()
        for total, busiest in moves:
            self.walked.total.update(total)
            timed.update(busiest)
        return timed

    def _work(self, stage: int, step: Step, before: Step | None, after: Step | None) -> tuple[int, Bits]:
        if step.inside:
            return self._time(
                stage + 1,
                step.inside,
                before.inside[-1] if before else None,
                after.inside[0] if after else None,
                (step, before, after),
            )
        started = step.tile[2].start > 0
        cycles, total, timed = self._unit(step.tile, started)
        self.walked.compute += cycles
        self.walked.total.update(total)
        return cycles, timed

    def _unit(self, tile: Tile, started: bool) -> tuple[int, Bits, Bits]:
        """Cores work side by side: the tile takes as long as the busiest of them, the first."""
        core = self._spatial if self.spatial else self._whole
        shares = [core((m, n, tile[2]), started) for m, n in product(*self._cores(len(self.tiles) - 1, tile))]
        total: Bits = Counter()
        for _, moved, _ in shares:
            total.update(moved)
        first = shares[0][2]
        timed: Bits = Counter()
        for key, bits in total.items():
            timed[key] = bits if self.hierarchy.ports[key[0]].per == "chip" else first[key]
        return max(cycles for cycles, _, _ in shares), total, timed

    def _whole(self, tile: Tile, started: bool) -> tuple[int, Bits, Bits]:
        """One core, or a unit without cores of its own, on whole elements."""
        gemm = Gemm(len(tile[0]), len(tile[1]), len(tile[2]), self.problem.abreast)
        bits = self._accesses(gemm, started)
        return self.problem.unit.timing(gemm).total, bits, bits

    def _accesses(self, gemm: Gemm, started: bool) -> Bits:
        counts, nearest, widths = self.problem.unit.accesses(gemm), self.hierarchy.nearest, self.problem.widths
        bits: Bits = Counter()
        bits[nearest["input"], "input", "read"] = counts.a_reads * widths.a
        bits[nearest["weight"], "weight", "read"] = counts.b_reads * widths.b
        if not self.tiles[-1][7]:
            again = counts.c_reads + gemm.count * gemm.m * gemm.n * started
            bits[nearest["output"], "output", "read"] = again * widths.partial
            bits[nearest["output"], "output", "write"] = counts.c_writes * widths.partial
        return bits

    def _spatial(self, tile: Tile, started: bool) -> tuple[int, Bits, Bits]:
        """Step by step: what each element multiplies, and what every memory is asked for."""
        total: Bits = Counter()
        timed: Bits = Counter()
        cycles = 0
        written: set[tuple[object, ...]] = set()
        for at in product(*tile):
            cycles += 1
            m, n, k = (self._coordinates(side, range(at[side], at[side] + 1)) for side in range(3))
            lanes = len(m) * len(n) * len(k)
            for operand, distinct in (("input", len(m) * len(k)), ("weight", len(n) * len(k))):
                name = self.hierarchy.nearest[operand]
                inside = self.hierarchy.ports[name].per == "pe"
                together = self.problem.abreast * self._width(operand)
                total[name, operand, "read"] += (lanes if inside else distinct) * together
                timed[name, operand, "read"] += self._width(operand) if inside else distinct * together
            self._sums(at, m, n, k, started, written, total, timed)
        return cycles, total, timed

    def _sums(
        self, at: tuple[int, ...], m: set[tuple[int, ...]], n: set[tuple[int, ...]], k: set[tuple[int, ...]],
        started: bool, written: set[tuple[object, ...]], total: Bits, timed: Bits,
    ) -> None:  # fmt: skip
        """A step's sums: written, and read unless they begin, in every element that multiplies or once for all."""
        assert isinstance(self.problem.unit, SpatialArray)
        name, width = self.hierarchy.nearest["output"], self.problem.widths.partial
        inside = self.hierarchy.ports[name].per == "pe"
        unroll = [int(value) for value in self.problem.geometry[10:13]]
        lanes = {tuple(x % u for x, u in zip(tap[::-1], unroll, strict=True)) for tap in k} if inside else {()}
        count = len(m) * len(n) * len(lanes)
        fresh = 0
        if not started and not self.problem.unit.first_reads:
            fresh = len(m) * len(n) * sum((at[:2], lane) not in written for lane in lanes)
        written |= {(at[:2], lane) for lane in lanes}
        together = self.problem.abreast * width
        total[name, "output", "write"] += count * together
        total[name, "output", "read"] += (count - fresh) * together
        timed[name, "output", "write"] += width if inside else count * together
        timed[name, "output", "read"] += width if inside else (count - fresh) * together

    def _busy(self, timed: Bits) -> int:
        longest = 0
        for name, port in self.hierarchy.ports.items():
            read = {operand: timed[name, operand, "read"] for operand in OPERANDS}
            write = sum(timed[name, operand, "write"] for operand in OPERANDS)
            reads = sum(read.values())
            if port.side_by_side:
                reads = max(read["input"], read["weight"]) + read["output"]
            if port.shared_bus and port.bits_per_cycle == port.write_bits_per_cycle:
                cycles = math.ceil((reads + write) / port.bits_per_cycle)
            elif port.shared_bus:
                cycles = math.ceil(reads / port.bits_per_cycle + write / port.write_bits_per_cycle)
            else:
                cycles = max(math.ceil(reads / port.bits_per_cycle), math.ceil(write / port.write_bits_per_cycle))
            longest = max(longest, cycles)
        return longest

    def _latency(self, timed: Bits) -> int:
        read = {name for (name, _, way), bits in timed.items() if way == "read" and bits}
        return max((self.hierarchy.ports[name].latency for name in read), default=0)
