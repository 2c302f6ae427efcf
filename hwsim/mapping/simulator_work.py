"""What a unit does with a tile, step by step: for the simulator of mappings."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hwsim.mapping.simulator_elements import Bits, Tile, TileElements
from hwsim.units.base import Gemm
from hwsim.units.spatial import SpatialArray


class UnitWork(TileElements):
    """Cycles of the unit on an innermost tile, and the bits of the memories nearest to it."""

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
