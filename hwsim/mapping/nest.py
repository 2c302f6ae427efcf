"""A mapping as nested loops: what each memory holds, and the loops over it, to be printed or drawn."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwsim.mapping.record import Mapping

CLASSES = (("OX", "OY", "B"), ("K",), ("FX", "FY", "C"))
"""Loops of m, n and k, innermost first."""
_PLAIN = {"OX": "m", "K": "n", "C": "k"}


@dataclass(frozen=True)
class Section:
    """The memories of one stage (none: the unit itself), what they hold at a time, and the loops outside that."""

    memories: tuple[str, ...]
    loops: tuple[tuple[str, int, int], ...]
    """Loops in which the held tile changes, outermost first: name, trips, steps of each."""
    held: tuple[tuple[str, int], ...]
    """Steps of the tile along each loop that has more than one."""
    core_tile: tuple[int, int, int] | None = None
    """(m, n, k) of one core's share, where that is less."""
    resident: bool = False
    """The unit itself keeps the tile's sums."""


def loop_names(mapping: Mapping) -> dict[str, str]:
    """Loops as they are shown: m, n, k of a matrix product, the seven loops of a convolution."""
    names = {loop: loop for loop in mapping.loops}
    if all(mapping.loops.get(loop, 1) == 1 for loop in ("B", "OY", "FY", "FX")):
        names |= _PLAIN
    return names


def sections(mapping: Mapping) -> list[Section]:
    """The mapping's stages from the outermost memory, which holds the operands whole, to the unit."""
    names = loop_names(mapping)
    whole = tuple(_steps(mapping.loops, side) for side in range(3))
    outermost = next(iter(mapping.traffic), "dram")
    found = [Section((outermost,), (), _extents(mapping.loops, whole, names))]
    for level in mapping.levels:
        tile = tuple(min(size, outer) for size, outer in zip(level.tile, whole, strict=True))
        loops = [
            (names.get(loop, loop), trips, size)
            for side in level.order
            for loop, trips, size in _trips(mapping.loops, side, whole[side], tile[side])
        ]
        whole = tile
        share = None if level.core_tile == level.tile else level.core_tile
        held = _extents(mapping.loops, whole, names)
        found.append(Section(level.memories, tuple(loops), held, share, level.resident))
    inner = tuple((name, size, 1) for name, size in found[-1].held)
    return [*found, Section((), inner, ())]


def spread(mapping: Mapping) -> str:
    """What runs side by side, in words; empty where nothing does."""
    names = loop_names(mapping)
    parts = [f"{names.get(loop, loop)} {factor}" for loop, factor in mapping.unrolling.items()]
    groups = [f"{mapping.groups} products, each on cores of its own"] if mapping.groups > 1 else []
    return "; ".join([*groups, *([", ".join(parts)] if parts else [])])


def loop_nest(mapping: Mapping) -> str:
    """The mapping as loops that a person reads, outermost first."""
    outermost, *stages, unit = sections(mapping)
    lines, depth = [f"{outermost.memories[0]}: whole operands"], 0
    if mapping.fused:
        lines.append(mapping.fused)
        depth = 1
    for stage in stages:
        for name, trips, size in stage.loops:
            lines.append(f"{'  ' * depth}for {name} in {trips} x {size}")
            depth += 1
        held = ", ".join(f"{name} {size}" for name, size in stage.held if size > 1) or "one step"
        share = f"; {'x'.join(map(str, stage.core_tile))} per core" if stage.core_tile else ""
        kept = "; sums stay in the unit" if stage.resident else ""
        lines.append(f"{'  ' * depth}{', '.join(stage.memories) or 'unit'}: {held}{share}{kept}")
    inner = [f"for {name} in {size}" for name, size, _ in unit.loops if size > 1]
    lines.append("  " * depth + ": ".join(inner or ["one step"]))
    if beside := spread(mapping):
        lines.append("  " * (depth + 1) + f"side by side: {beside}")
    return "\n".join(lines)


def _steps(loops: Map[str, int], side: int) -> int:
    steps = 1
    for loop in CLASSES[side]:
        steps *= loops.get(loop, 1)
    return steps


def _whole(loops: Map[str, int], side: int, size: int) -> bool:
    """Whether every tile of ``size`` steps of a class is a run of whole inner loops, or a part that divides one."""
    inside, names = 1, CLASSES[side]
    for index, loop in enumerate(names):
        steps = loops.get(loop, 1)
        if size < inside * steps:
            count, rest = divmod(size, inside)
            alone = all(loops.get(other, 1) == 1 for other in names[index + 1 :])
            return rest == 0 and (alone or steps % count == 0)
        inside *= steps
    return True


def _trips(loops: Map[str, int], side: int, outer: int, tile: int) -> list[tuple[str, int, int]]:
    """Loops of one class that run from tiles of ``outer`` steps to tiles of ``tile``: name, trips, size.

    Tiles that cut across loops (of units that take any part of m or k) are runs of the class as a whole.
    """
    if not (_whole(loops, side, outer) and _whole(loops, side, tile)):
        return [("mnk"[side], -(-outer // tile), tile)] if tile < outer else []
    found, inside = [], 1
    for loop in CLASSES[side]:
        steps = loops.get(loop, 1)
        from_size, to_size = (min(max(-(-size // inside), 1), steps) for size in (outer, tile))
        if to_size < from_size:
            found.append((loop, -(-from_size // to_size), to_size))
        inside *= steps
    return found[::-1]


def _extents(loops: Map[str, int], tile: tuple[int, ...], names: Map[str, str]) -> tuple[tuple[str, int], ...]:
    """Steps of a tile along each loop that has more than one."""
    found = []
    for side, size in enumerate(tile):
        if not _whole(loops, side, size):
            found.append(("mnk"[side], size))
            continue
        inside = 1
        for loop in CLASSES[side]:
            steps = loops.get(loop, 1)
            if steps > 1:
                found.append((names[loop], min(max(-(-size // inside), 1), steps)))
            inside *= steps
    return tuple(found)
