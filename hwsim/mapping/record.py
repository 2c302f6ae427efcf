"""What the mapper answers: tiles, loops, traffic and cycles, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwsim.mapping.search import Guarantee

DIMENSIONS = ("m", "n", "k")
_CLASSES = (("OX", "OY", "B"), ("K",), ("FX", "FY", "C"))
_PLAIN = {"OX": "m", "K": "n", "C": "k"}


@dataclass(frozen=True)
class Level:
    """The tile of one stage of memories and the loops that run over it."""

    memories: tuple[str, ...]
    """Homes of this stage's operands."""
    tile: tuple[int, int, int]
    """(m, n, k) of the tile of the whole chip, in steps (elements, unless loops are unrolled)."""
    core_tile: tuple[int, int, int]
    """(m, n, k) of one core's share; the same as ``tile`` where cores share the memory."""
    order: tuple[int, int, int]
    """Loops over the tiles, outermost first; 0 = m, 1 = n, 2 = k."""
    resident: bool = False
    """The unit itself keeps the tile's sums."""
    cores: tuple[int, int] | None = None
    """Cores along m and n that share the tile, where each has memories of its own."""


@dataclass(frozen=True)
class Mapping:
    """An operator placed on memories and a unit: its tiles, its traffic and its cycles."""

    tile: tuple[int, int, int]
    """(m, n, k) of the innermost stage."""
    order: tuple[str, ...]
    """Loops over the tiles of the innermost stage, outermost first."""
    traffic: Map[str, Map[str, int]]
    """Memory to bytes ``{"read": …, "write": …}``, over all repeats and cores. A sub-byte element is counted
    in bits; the sum of an operator in a memory and direction is rounded up to a byte."""
    cycles: int
    compute_cycles: int
    """Cycles of the unit alone on these tiles."""
    stall_cycles: int
    """``cycles − compute_cycles``: first load, last store, and what transfers could not hide."""
    bound: str
    """``"compute"``, or the memory that is busy longest."""
    busy_cycles: Map[str, int] = field(default_factory=dict)
    """Cycles each memory (and ``"compute"``) is busy on its own."""
    levels: tuple[Level, ...] = ()
    """Tiles and loops of every stage, outermost first."""
    unrolling: Map[str, int] = field(default_factory=dict)
    """Loops spread over processing elements, to their factors."""
    loops: Map[str, int] = field(default_factory=dict)
    """Steps in time of every loop of the product."""
    bits: Map[tuple[str, str, str], int] = field(default_factory=dict)
    """(memory, operand, ``"read"`` or ``"write"``) to bits, over all repeats and instances."""
    guarantee: Guarantee | None = None
    compulsory: Map[str, int] = field(default_factory=dict)
    """Bytes that the outermost memory must read and write at least: every operand's distinct elements once."""
    fused: str = ""
    """In words, the blocks of a fused chain (`hwsim.mapping.fusion`) of which this is one link."""
    groups: int = 1
    """Groups of cores that take a product each, side by side."""
    peak_cycles: int = 0
    """Multiply-accumulates over the unit's peak, rounded up."""

    def loop_nest(self) -> str:
        """The mapping as loops that a person reads, outermost first.

        >>> print(Mapping((4, 8, 8), ("n", "m", "k"), {}, 0, 0, 0, "compute", {}, (
        ...     Level(("buffer",), (4, 8, 8), (4, 8, 8), (1, 0, 2)),), {}, {"OX": 8, "K": 8, "C": 8}).loop_nest())
        dram: whole operands
        for m in 2 x 4
          buffer: m 4, n 8, k 8
          for m in 4: for n in 8: for k in 8
        """
        names = {loop: loop for loop in self.loops}
        if all(self.loops.get(loop, 1) == 1 for loop in ("B", "OY", "FY", "FX")):
            names |= _PLAIN
        whole = tuple(self._steps(side) for side in range(3))
        lines, depth = (
            ["dram: whole operands" if not self.traffic else f"{next(iter(self.traffic))}: whole operands"],
            0,
        )
        if self.fused:
            lines.append(self.fused)
            depth = 1
        for level in self.levels:
            for side in level.order:
                for loop, trips, size in self._trips(side, whole[side], min(level.tile[side], whole[side])):
                    lines.append(f"{'  ' * depth}for {names[loop]} in {trips} x {size}")
                    depth += 1
            whole = tuple(min(size, outer) for size, outer in zip(level.tile, whole, strict=True))
            held = ", ".join(f"{name} {size}" for name, size in self._extents(whole, names))
            kept = "; sums stay in the unit" if level.resident else ""
            share = "" if level.core_tile == level.tile else f"; {'x'.join(map(str, level.core_tile))} per core"
            lines.append(f"{'  ' * depth}{', '.join(level.memories) or 'unit'}: {held}{share}{kept}")
        inner = [f"for {name} in {size}" for name, size in self._extents(whole, names)]
        lines.append("  " * depth + ": ".join(inner or ["one step"]))
        if self.groups > 1:
            lines.append("  " * (depth + 1) + f"side by side: {self.groups} products, each on cores of its own")
        if self.unrolling:
            spread = ", ".join(f"{names.get(loop, loop)} {factor}" for loop, factor in self.unrolling.items())
            lines.append("  " * (depth + 1) + f"side by side: {spread}")
        return "\n".join(lines)

    def _steps(self, side: int) -> int:
        steps = 1
        for loop in _CLASSES[side]:
            steps *= self.loops.get(loop, 1)
        return steps

    def _trips(self, side: int, outer: int, tile: int) -> list[tuple[str, int, int]]:
        """Loops of one class that run from tiles of ``outer`` steps to tiles of ``tile``: name, trips, size."""
        found, inside = [], 1
        for loop in _CLASSES[side]:
            steps = self.loops.get(loop, 1)
            from_size, to_size = (min(max(-(-size // inside), 1), steps) for size in (outer, tile))
            if to_size < from_size:
                found.append((loop, -(-from_size // to_size), to_size))
            inside *= steps
        return found[::-1]

    def _extents(self, tile: tuple[int, ...], names: Map[str, str]) -> list[tuple[str, int]]:
        found = []
        for side, size in enumerate(tile):
            inside = 1
            for loop in _CLASSES[side]:
                steps = self.loops.get(loop, 1)
                here = min(max(-(-size // inside), 1), steps)
                if steps > 1:
                    found.append((names[loop], here))
                inside *= steps
        return found

    @property
    def gap_to_peak(self) -> float:
        """Cycles above multiply-accumulates over peak, as a share of these."""
        return self.cycles / self.peak_cycles - 1 if self.peak_cycles else 0.0

    @property
    def gap_to_compulsory(self) -> float:
        """Bytes through the outermost memory above the compulsory ones, as a share of these."""
        needed = sum(self.compulsory.values())
        moved = sum(next(iter(self.traffic.values())).values()) if self.traffic else needed
        return moved / needed - 1 if needed else 0.0

    def data(self) -> dict[str, Any]:
        """What a file says of it, to be fixed again: unrolling, and each stage's tile and order."""
        stages = []
        for level in self.levels:
            stage: dict[str, Any] = {"memories": list(level.memories)}
            stage |= dict(zip(DIMENSIONS, level.core_tile, strict=True))
            stage["order"] = "".join(DIMENSIONS[side] for side in level.order)
            if level.cores is not None:
                stage["cores"] = list(level.cores)
            stages.append(stage)
        return ({"unroll": dict(self.unrolling)} if self.unrolling else {}) | {"stages": stages}
