"""A mapped product tile by tile, in plain integers: the judge of `hwsim.kernels.nest_steps`.

Lists every tile of every stage in the order of the loops, element by element, compares it with the one before
and moves what changed. Written without the closed form's representatives and cases; for small products.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise, product

import numpy as np

from hwsim.mapping.hierarchy import OPERANDS
from hwsim.mapping.problem import Problem
from hwsim.mapping.simulator_elements import RELEVANT, Bits, Tile
from hwsim.mapping.simulator_work import UnitWork


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


class TileSimulator(UnitWork):
    """Walks a problem through ``tiles`` [S, 8], a row for each stage of memories."""

    def __init__(self, problem: Problem, tiles: np.ndarray) -> None:
        super().__init__(problem, tiles)
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
            for operand, sides in RELEVANT.items():
                same = before is not None and all(before[side] == step.tile[side] for side in sides)
                if not same and (operand != "output" or step.tile[2].start > 0):
                    step.loads[operand] = self._move(stage, operand, step.tile, self._width(operand), inwards=True)
            stays = after is not None and after[:2] == step.tile[:2]
            if not stays:
                width = self.problem.widths.c if step.tile[2].stop == end else self.problem.widths.partial
                step.store = self._move(stage, "output", step.tile, width, inwards=False)

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
            return all(one.tile[side] == other.tile[side] for side in RELEVANT[operand])

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
        if all(one.tile[side] == other.tile[side] for side in RELEVANT[operand]):
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
