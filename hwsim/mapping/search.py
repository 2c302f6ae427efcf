"""The search: the best tiling of the declared map space, by branch and bound.

Objective, in this order: cycles, bits through the outermost memory, position in the candidate list. Every
candidate gets an admissible bound (`hwsim.mapping.bounds`); candidates are evaluated exactly in the order
of their bounds until no bound is below the best found. For one stage of memories the answer is therefore
optimal within `hwsim.mapping.candidates`. With more stages it need not be: the inner stages are solved for
the whole product first, the outer tile is the best of the `_OUTER` most promising multiples of the inner
one, and the inner stages are solved once more for that tile.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.bounds import chip_cycles, first_loads, transfer_bounds, work_bound
from hwsim.mapping.candidates import ORDERS, best_grids, tiles
from hwsim.mapping.moves import Moves, slowest
from hwsim.mapping.schedule import Problem
from hwsim.mapping.walk import K, M, N, Tiling
from hwsim.units.registry import MatmulUnit

_BATCH = 4
_OUTER = 12


@dataclass(frozen=True)
class Found:
    """The best tiling of every stage, outermost first, and what it costs."""

    tilings: tuple[Tiling, ...]
    cycles: int
    outer_bits: int


@dataclass(frozen=True)
class Search:
    """A problem, and the whole unit where the problem's is one of its cores."""

    problem: Problem
    unit: MatmulUnit

    def best(self, extents: tuple[int, int, int], stage: int = 0) -> Found:
        """The best tilings of ``stage`` and those inside; `HwsimError` if nothing fits."""
        if stage < len(self.problem.hierarchy.stages) - 1:
            return self._around(extents, stage)
        tiling = self.candidates(extents, stage, self.problem.unit.tile_step)
        whole = np.broadcast_to(np.array(extents), tiling.tile.shape)
        return self._exhaust(whole, tiling, stage)

    def candidates(self, extents: tuple[int, int, int], stage: int, steps: tuple[int, int, int]) -> Tiling:
        """Every tile of whole ``steps`` that fits, in every order; one core's tile where the stage is a core's own."""
        per_core = self.problem.hierarchy.stages[stage].per_core
        core = tiles(extents, steps)
        resident = self._resident(core, stage)
        room = self._shortfalls(core, resident, stage)
        fits = np.all([short <= 0 for _, short in room], axis=0) if room else np.ones(len(core), bool)
        if not fits.any():
            raise HwsimError(self._too_small(extents, core[0], room, stage))
        core, resident = core[fits], resident[fits]
        tile = core
        if per_core:
            grids = best_grids(extents, core, self.unit.core_count)
            tile = np.minimum(core * np.append(grids, np.ones((len(core), 1), int), axis=1), np.array(extents))
        orders = np.array(ORDERS)
        count = len(core)
        return Tiling(
            tile=np.repeat(tile, len(orders), axis=0),
            core_tile=np.repeat(core, len(orders), axis=0),
            order=np.tile(orders, (count, 1)),
            resident=np.repeat(resident, len(orders)),
        )

    def bounds(self, whole: np.ndarray, tiling: Tiling, stage: int) -> tuple[np.ndarray, np.ndarray]:
        """[cases] each: cycles that no schedule can undercut, and bits through the outermost memory."""
        where = self.problem.hierarchy.stages[stage]
        beside, between, outer_bits = transfer_bounds(self.problem, where, whole, tiling)
        # The orders of one tile follow each other and do the same work.
        per_tile = work_bound(self.problem, whole[:: len(ORDERS)], tiling[:: len(ORDERS)])
        work = np.repeat(per_tile, len(ORDERS))
        # Both kinds of first load happen at once, so the shorter of them must not be counted twice.
        start, also = first_loads(self.problem, where, whole, tiling)
        return np.maximum(work, beside - start) + (between - also) + np.maximum(start, also), outer_bits

    def _exhaust(self, whole: np.ndarray, tiling: Tiling, stage: int) -> Found:
        bound, outer_bits = self.bounds(whole, tiling, stage)
        ranking = np.lexsort((outer_bits, bound))
        best: tuple[int, int, int] | None = None
        start, size = 0, _BATCH
        while start < len(ranking):
            rows = ranking[start : start + size]
            # The first few are often enough; later batches are large because they are cheaper per case.
            start, size = start + size, min(2 * size, 16 * _BATCH)
            if best is not None and best[:2] <= (int(bound[rows[0]]), int(outer_bits[rows[0]])):
                break
            result = self.problem.evaluate(stage, whole[rows], tiling[rows])
            moved = self._outer_bits(result.read, result.write, len(rows))
            winner = np.lexsort((rows, moved, result.cycles))[0]
            found = int(result.cycles[winner]), int(moved[winner]), int(rows[winner])
            best = found if best is None else min(best, found)
        assert best is not None
        row = best[2]
        return Found((tiling[row : row + 1],), best[0], best[1])

    def _around(self, extents: tuple[int, int, int], stage: int) -> Found:
        """The best of `_OUTER` outer tiles around the inner stages' own best tiling of the whole product."""
        inner = self.best(extents, stage + 1)
        tiling = self._outer_candidates(extents, stage, inner.tilings[0])
        rows = self._ranked(extents, tiling, stage, inner)[:_OUTER]
        best = self._first(extents, tiling[rows], stage, inner.tilings)
        # The outer tile is smaller than the product: its own best inner tiling may be another.
        again = self.best(_three(best.tilings[0].tile), stage + 1)
        other = self._first(extents, best.tilings[0], stage, again.tilings)
        return min(best, other, key=lambda found: (found.cycles, found.outer_bits))

    def _outer_candidates(self, extents: tuple[int, int, int], stage: int, inner: Tiling) -> Tiling:
        """Multiples of the inner tile of all cores; where none fits, of one core's; then of the unit's step."""
        for steps in (_three(inner.tile), _three(inner.core_tile)):
            with contextlib.suppress(HwsimError):
                return self.candidates(extents, stage, steps)
        return self.candidates(extents, stage, self.problem.unit.tile_step)

    def _ranked(self, extents: tuple[int, int, int], tiling: Tiling, stage: int, inner: Found) -> np.ndarray:
        """Candidates by an estimate: the work inside as for the whole product, plus what cutting it up adds."""
        where = self.problem.hierarchy.stages[stage]
        whole = np.broadcast_to(np.array(extents), tiling.tile.shape)
        beside, between, outer_bits = transfer_bounds(self.problem, where, whole, tiling)
        start, also = first_loads(self.problem, where, whole, tiling)
        # Outer tiles that leave cores or rows of the unit without work slow everything inside down.
        fully, cut_up = (chip_cycles(self.unit, whole, tile) for tile in (whole, tiling.tile))
        inside = inner.cycles * cut_up // fully + self._cut(whole, tiling, stage + 1, inner.tilings[0])
        bound = np.maximum(inside, beside - start) + (between - also) + np.maximum(start, also)
        return np.lexsort((outer_bits, bound))

    def _cut(self, whole: np.ndarray, tiling: Tiling, stage: int, inner: Tiling) -> np.ndarray:
        """[cases]: cycles that ``stage`` spends on a first load per outer tile, and on sums of cut-up K."""
        where, widths = self.problem.hierarchy.stages[stage], self.problem.widths
        trips = -(-whole // tiling.tile)
        start, also = first_loads(self.problem, where, inner.tile, inner)
        sums, route = Moves(), where.routes.get("output", ())
        spilled = whole[:, M] * whole[:, N] * (trips[:, K] - 1) * widths.partial
        sums.along(route, spilled, 0)
        sums.along(route[::-1], spilled, 0)
        first = np.prod(trips, axis=1) * max(start[0], also[0])
        return np.asarray(first + slowest(sums.cycles(self.problem.hierarchy.ports)))

    def _first(self, extents: tuple[int, int, int], tiling: Tiling, stage: int, inner: tuple[Tiling, ...]) -> Found:
        """The best of a few outer tilings, all with the same ``inner`` ones."""
        whole = np.broadcast_to(np.array(extents), tiling.tile.shape)
        result = self.problem.evaluate(stage, whole, tiling, inner)
        moved = self._outer_bits(result.read, result.write, len(whole))
        row = np.lexsort((moved, result.cycles))[0]
        return Found((tiling[row : row + 1], *inner), int(result.cycles[row]), int(moved[row]))

    def _outer_bits(self, read: dict[str, np.ndarray], write: dict[str, np.ndarray], count: int) -> np.ndarray:
        name, zero = self.problem.hierarchy.outermost, np.zeros(count, np.int64)
        total: np.ndarray = read.get(name, zero) + write.get(name, zero)
        return total

    def _resident(self, core: np.ndarray, stage: int) -> np.ndarray:
        """Whether one core's own registers hold the sums of the tile."""
        if stage < len(self.problem.hierarchy.stages) - 1:
            return np.zeros(len(core), bool)
        step = self.problem.unit.tile_step
        rounded = [-(-core[:, d] // step[d]) * step[d] for d in (M, N)]
        fits: np.ndarray = rounded[0] * rounded[1] <= self.problem.unit.resident_outputs
        return fits

    def _shortfalls(self, core: np.ndarray, resident: np.ndarray, stage: int) -> list[tuple[str, np.ndarray]]:
        """Memory and, for each tile, the bits it would lack (negative: room left)."""
        where, ports = self.problem.hierarchy.stages[stage], self.problem.hierarchy.ports
        needs: dict[str, np.ndarray] = {}
        for operand, bits in self.tile_bits(core, resident).items():
            home = where.home(operand)
            if home is not None and ports[home].usable_bits is not None:
                needs[home] = needs.get(home, 0) + bits
        return [(home, bits - (ports[home].usable_bits or 0)) for home, bits in needs.items()]

    def tile_bits(self, core: np.ndarray, resident: np.ndarray) -> dict[str, np.ndarray]:
        """Room that each operand's tile takes, in bits, rounded up to whole bytes."""
        m, n, k = core[:, M], core[:, N], core[:, K]
        widths = self.problem.widths
        bits = {
            "input": widths.moved_a(m * k),
            "weight": k * n * widths.b,
            "output": np.where(resident, 0, m * n * max(widths.partial, widths.c)),
        }
        return {operand: -(-count // 8) * 8 for operand, count in bits.items()}

    def _too_small(
        self, extents: tuple[int, int, int], tile: np.ndarray, room: list[tuple[str, np.ndarray]], stage: int
    ) -> str:
        where, ports = self.problem.hierarchy.stages[stage], self.problem.hierarchy.ports
        name, short = max(room, key=lambda entry: int(entry[1][0]))
        needs = self.tile_bits(tile[None], self._resident(tile[None], stage))
        held = {operand: int(bits[0]) // 8 for operand, bits in needs.items() if where.home(operand) == name}
        largest = max(held, key=lambda operand: held[operand])
        port = ports[name]
        half = " (half of it, as it is double-buffered)" if port.overlaps else ""
        return (
            f"{'x'.join(map(str, extents))} (m x n x k) does not fit memories.{name}: its smallest tile, "
            f"{'x'.join(map(str, tile))}, needs {sum(held.values())} B of {(port.usable_bits or 0) // 8} B{half}, "
            f"{-(-int(short[0]) // 8)} B too much; the largest part is the {largest}'s {held[largest]} B"
        )


def _three(values: np.ndarray) -> tuple[int, int, int]:
    m, n, k = values[0].tolist()
    return m, n, k
