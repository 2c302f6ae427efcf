"""What the mapper answers: tiles, loops, traffic and cycles, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hwsim.mapping.nest import loop_nest

if TYPE_CHECKING:
    from hwsim.mapping.found import Guarantee

DIMENSIONS = ("m", "n", "k")


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
    spatial: bool = False
    """Whether the unit has loops to be spread."""
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
        return loop_nest(self)

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
        found: dict[str, Any] = {"unroll": dict(self.unrolling)} if self.spatial else {}
        if any(level.cores is not None for level in self.levels):
            found["groups"] = self.groups
        return found | {"stages": stages}
