"""Tensor cores event by event: a queue of output tiles, a set of units, the next free place takes the next tile.

The judge of `TensorCore.timing` and `TensorCore.accesses`; for small cases.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from hwsim.units.base import Gemm


@dataclass
class Run:
    """What happened until the last tile was done."""

    cycles: int = 0
    instructions: int = 0
    macs: int = 0
    a_reads: int = 0
    b_reads: int = 0
    c_writes: int = 0


@dataclass(frozen=True)
class TensorCoreSimulator:
    """``unit_count`` units that issue instructions of [m, k] x [k, n], one tile's back to back.

    A unit has ``in_flight`` places for tiles. A tile waits ``latency`` in its place, then for the tiles that came
    before it to that unit. ``interval`` is the cycles from one issue to the next; ``macs_per_cycle`` where it is None.
    """

    unit_count: int
    m: int
    n: int
    k: int
    macs_per_cycle: int
    latency: int = 0
    in_flight: int = 1
    interval: Fraction | None = None

    def run(self, gemm: Gemm) -> Run:
        """Dispatch all output tiles in row-major order, product after product."""
        run = Run()
        free = [(0, place, unit) for place in range(self.in_flight) for unit in range(self.unit_count)]
        issue = [0] * self.unit_count
        for rows, columns in self._tiles(gemm):
            start, place, unit = heapq.heappop(free)
            issue[unit] = self._work(run, max(start + self.latency, issue[unit]), rows, columns, gemm.k)
            run.cycles = max(run.cycles, issue[unit])
            heapq.heappush(free, (issue[unit], place, unit))
        return run

    def _tiles(self, gemm: Gemm) -> Iterator[tuple[int, int]]:
        for _ in range(gemm.count):
            for top in range(0, gemm.m, self.m):
                for left in range(0, gemm.n, self.n):
                    yield min(self.m, gemm.m - top), min(self.n, gemm.n - left)

    def _work(self, run: Run, clock: int, rows: int, columns: int, depth: int) -> int:
        """The cycle in which a tile that issues from ``clock`` on is done."""
        at = Fraction(clock)
        for first in range(0, depth, self.k):
            real = min(self.k, depth - first)
            run.a_reads += rows * real
            run.b_reads += real * columns
            run.macs += rows * columns * real
            run.instructions += 1
            at += self._issue() if self.interval is None else self.interval
        run.c_writes += rows * columns
        return -(-at.numerator // at.denominator)

    def _issue(self) -> int:
        """An instruction works through its full shape, padding included."""
        left, cycles = self.m * self.n * self.k, 0
        while left > 0:
            left -= self.macs_per_cycle
            cycles += 1
        return cycles
