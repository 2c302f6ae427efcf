"""The search: the best tiling of the declared map space, by branch and bound.

Objective, in this order: cycles, bits through the outermost memory, position in the candidate list. Every
candidate gets an admissible bound (`hwsim.mapping.bounds`); candidates are evaluated exactly in the order
of their bounds until no bound is below the best found. For one stage of memories the answer is therefore
optimal within `hwsim.mapping.candidates`. With more stages the outer tile is the best of the `_OUTER`
whose bounds are lowest, each with its optimal inner tiling for the full outer tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.bounds import first_loads, transfer_bounds, work_bound
from hwsim.mapping.candidates import ORDERS, best_grids, tiles
from hwsim.mapping.schedule import Problem
from hwsim.mapping.walk import K, M, N, Tiling

_BATCH = 32
_OUTER = 6


@dataclass(frozen=True)
class Found:
    """The best tiling of every stage, outermost first, and what it costs."""

    tilings: tuple[Tiling, ...]
    cycles: int
    outer_bits: int


@dataclass(frozen=True)
class Search:
    """A problem and how many cores share the innermost stage."""

    problem: Problem
    cores: int

    def best(self, extents: tuple[int, int, int], stage: int = 0) -> Found:
        """The best tilings of ``stage`` and those inside; `HwsimError` if nothing fits."""
        tiling = self.candidates(extents, stage)
        innermost = stage == len(self.problem.hierarchy.stages) - 1
        whole = np.broadcast_to(np.array(extents), tiling.tile.shape)
        bound, outer_bits = self._bounds(whole, tiling, stage, innermost)
        ranking = np.lexsort((outer_bits, bound))
        if innermost:
            return self._exhaust(whole, tiling, stage, bound, outer_bits, ranking)
        return self._promising(extents, tiling, stage, ranking)

    def candidates(self, extents: tuple[int, int, int], stage: int) -> Tiling:
        """Every tile that fits, in every order; tiles of one core where the stage is a core's own."""
        unit, per_core = self.problem.unit, self.problem.hierarchy.stages[stage].per_core
        core = tiles(extents, unit.tile_step)
        resident = self._resident(core, stage)
        room = self._shortfalls(core, resident, stage)
        fits = np.all([short <= 0 for _, short in room], axis=0) if room else np.ones(len(core), bool)
        if not fits.any():
            raise HwsimError(self._too_small(extents, core[0], room, stage))
        core, resident = core[fits], resident[fits]
        tile = core
        if per_core:
            grids = best_grids(extents, core, self.cores)
            tile = np.minimum(core * np.append(grids, np.ones((len(core), 1), int), axis=1), np.array(extents))
        orders = np.array(ORDERS)
        count = len(core)
        return Tiling(
            tile=np.repeat(tile, len(orders), axis=0),
            core_tile=np.repeat(core, len(orders), axis=0),
            order=np.tile(orders, (count, 1)),
            resident=np.repeat(resident, len(orders)),
        )

    def _bounds(self, whole: np.ndarray, tiling: Tiling, stage: int, innermost: bool) -> tuple[np.ndarray, np.ndarray]:
        where = self.problem.hierarchy.stages[stage]
        beside, between, outer_bits = transfer_bounds(self.problem, where, whole, tiling)
        if innermost:
            # The orders of one tile follow each other and do the same work.
            per_tile = work_bound(self.problem, whole[:: len(ORDERS)], tiling[:: len(ORDERS)])
            work = np.repeat(per_tile, len(ORDERS))
        else:
            peak = self.problem.unit.peak_macs_per_cycle * self.cores
            work = -(-np.prod(whole, axis=1) // peak)
        # Both kinds of first load happen at once, so the shorter of them must not be counted twice.
        start, also = first_loads(self.problem, where, whole, tiling)
        return np.maximum(work, beside - start) + (between - also) + np.maximum(start, also), outer_bits

    def _exhaust(
        self,
        whole: np.ndarray,
        tiling: Tiling,
        stage: int,
        bound: np.ndarray,
        outer_bits: np.ndarray,
        ranking: np.ndarray,
    ) -> Found:
        best: tuple[int, int, int] | None = None
        for start in range(0, len(ranking), _BATCH):
            rows = ranking[start : start + _BATCH]
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

    def _promising(self, extents: tuple[int, int, int], tiling: Tiling, stage: int, ranking: np.ndarray) -> Found:
        best: Found | None = None
        inner: dict[tuple[int, ...], Found] = {}
        for row in ranking:
            shape = tuple(int(size) for size in tiling.tile[row])
            if shape not in inner:
                if len(inner) == _OUTER:
                    break
                inner[shape] = self.best((shape[0], shape[1], shape[2]), stage + 1)
            one, within = tiling[row : row + 1], inner[shape].tilings
            result = self.problem.evaluate(stage, np.array([extents]), one, within)
            found = Found((one, *within), int(result.cycles[0]), int(self._outer_bits(result.read, result.write, 1)[0]))
            if best is None or (found.cycles, found.outer_bits) < (best.cycles, best.outer_bits):
                best = found
        assert best is not None
        return best

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
            "input": m * k * widths.a,
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
