"""Tensor cores event by event: a queue of output tiles, a set of units, the next free unit takes the next tile.

The judge of `TensorCore.timing` and `TensorCore.accesses`; for small cases.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

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
    """``unit_count`` units that issue instructions of [m, k] x [k, n] at ``macs_per_cycle`` each."""

    unit_count: int
    m: int
    n: int
    k: int
    macs_per_cycle: int
    latency: int = 0

    def run(self, gemm: Gemm) -> Run:
        """Dispatch all output tiles in row-major order, product after product."""
        run = Run()
        free = [(0, unit) for unit in range(self.unit_count)]
        for rows, columns in self._tiles(gemm):
            start, unit = heapq.heappop(free)
            finish = self._work(run, start, rows, columns, gemm.k)
            run.cycles = max(run.cycles, finish)
            heapq.heappush(free, (finish, unit))
        return run

    def _tiles(self, gemm: Gemm) -> Iterator[tuple[int, int]]:
        for _ in range(gemm.count):
            for top in range(0, gemm.m, self.m):
                for left in range(0, gemm.n, self.n):
                    yield min(self.m, gemm.m - top), min(self.n, gemm.n - left)

    def _work(self, run: Run, clock: int, rows: int, columns: int, depth: int) -> int:
        clock += self.latency
        for first in range(0, depth, self.k):
            real = min(self.k, depth - first)
            run.a_reads += rows * real
            run.b_reads += real * columns
            run.macs += rows * columns * real
            run.instructions += 1
            clock = self._issue(clock)
        run.c_writes += rows * columns
        return clock

    def _issue(self, clock: int) -> int:
        """An instruction works through its full shape, padding included."""
        left = self.m * self.n * self.k
        while left > 0:
            left -= self.macs_per_cycle
            clock += 1
        return clock
