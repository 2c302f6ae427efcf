"""What the mapper answers."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field

DIMENSIONS = ("m", "n", "k")


@dataclass(frozen=True)
class Level:
    """The tile of one stage of memories and the loops that run over it."""

    memories: tuple[str, ...]
    """Homes of this stage's operands."""
    tile: tuple[int, int, int]
    """(m, n, k) of the tile of the whole chip."""
    core_tile: tuple[int, int, int]
    """(m, n, k) of one core's share; the same as ``tile`` where cores share the memory."""
    order: tuple[int, int, int]
    """Loops over the tiles, outermost first; 0 = m, 1 = n, 2 = k."""


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

    def loop_nest(self) -> str:
        """The mapping as loops that a person reads, outermost first."""
        lines: list[str] = []
        for level in self.levels:
            for dimension in level.order:
                name = DIMENSIONS[dimension]
                lines.append(f"{'  ' * len(lines)}for {name} in tiles of {level.tile[dimension]}")
            lines[-1] += f"  # {', '.join(level.memories) or 'unit'}"
            if level.core_tile != level.tile:
                lines[-1] += f"; {'×'.join(map(str, level.core_tile))} per core"
        return "\n".join(lines)
