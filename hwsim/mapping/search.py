"""The search for the best mapping of a problem, and what it guarantees.

The map space: for each stage of memories every combination of tile sizes (`hwsim.mapping.candidates`) that fits,
in every loop order that differs, inner tiles no larger than outer ones; where cores have memories of their own, each
with all grids of cores, or, where that makes more than `MOST` tiles, with the two that need the fewest rounds.
`hwsim.kernels.nest_search` returns the best of it by branch and bound, or, where that takes more than ``effort``, the
best so far and how much better any could be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.candidates import MOST, Tiles, class_sizes, core_grids, nearest_sizes
from hwsim.mapping.fixed import Unmappable
from hwsim.mapping.found import OBJECTIVES, Found, Guarantee, Objective
from hwsim.mapping.problem import Problem, with_table
from hwsim.units.registry import MatmulUnit

DIMENSIONS = ("m", "n", "k")
Fixed = Mapping[int, Mapping[str, Any]]
"""Stage to what is fixed of it: ``m``, ``n``, ``k`` (steps of its tile), ``order`` such as ``"nmk"``, ``cores``."""
EFFORT = 40_000_000


def best(
    problem: Problem,
    whole: MatmulUnit,
    objective: Objective = "cycles",
    tiles: Tiles = "auto",
    fixed: Fixed | None = None,
    effort: int = EFFORT,
    known: Found | None = None,
) -> Found:
    """The best mapping of ``problem``, or ``known`` of another problem where that is no worse.

    ``whole`` is the unit with all its cores. The guarantee is of what was looked at for ``known`` too.
    `HwsimError` if nothing fits.
    """
    from hwsim.kernels.nest_search import search

    problem, found, space = candidates(problem, whole, tiles, fixed or {})
    starts = np.cumsum([0, *(len(rows) for rows in found)])
    limit = (math.inf, math.inf) if known is None else _limit(known, problem, objective)
    best_tiles, cycles, joules, bits, seen, evaluated, exhausted, rest = search(
        problem.arrays, np.concatenate(found), starts, OBJECTIVES.index(objective), effort, limit
    )
    if not best_tiles.any() and known is None:
        raise Unmappable("no inner tile fits inside an outer one; fix fewer of the tiles", ("stages",))
    counts = tuple(len(rows) for rows in found)
    guarantee = Guarantee(space, counts, int(seen), int(evaluated), bool(exhausted))
    answer = known
    if best_tiles.any():
        one = Found(problem, best_tiles, int(cycles), float(joules), int(bits), guarantee)
        if known is None or one.beats(known, objective):
            answer = one
    assert answer is not None
    least = math.inf if exhausted else rest * _scale(problem, objective)
    if known is not None:
        before = known.guarantee
        if not before.optimal:
            least = min(least, (1 - before.gap) * known.score(objective)[0])
        guarantee = replace(
            guarantee, tiles=answer.guarantee.tiles, looked_at=before.looked_at + guarantee.looked_at,
            evaluated=before.evaluated + guarantee.evaluated, optimal=before.optimal and guarantee.optimal,
            spreads=before.spreads + 1,
        )  # fmt: skip
    primary = answer.score(objective)[0]
    gap = max(0.0, 1 - least / primary) if primary and not guarantee.optimal else 0.0
    return replace(answer, guarantee=replace(guarantee, gap=gap))


def _scale(problem: Problem, objective: Objective) -> float:
    """The objective of all products over that of those computed together."""
    return {"cycles": problem.rounds, "edp": problem.rounds * problem.times}.get(objective, problem.times)


def _limit(known: Found, problem: Problem, objective: Objective) -> tuple[float, float]:
    """The pair of ``known`` as that of ``problem``'s products that are computed together."""
    first, second = known.score(objective)
    seconds = problem.times if objective == "cycles" else problem.rounds
    return first / _scale(problem, objective), second / seconds


def candidates(
    problem: Problem, whole: MatmulUnit, tiles: Tiles, fixed: Fixed
) -> tuple[Problem, list[np.ndarray], str]:
    """The problem with its unit's table, each stage's candidates [.., 8], and the map space in words.

    Raises `HwsimError` where nothing fits a stage, `Unmappable` where what is fixed cannot be.
    """
    sizes, every = _sizes(problem, tiles)
    sizes = [_with_fixed(problem, stage, sides, fixed.get(stage, {})) for stage, sides in enumerate(sizes)]
    _check_nesting(sizes, fixed)
    problem = with_table(problem, _all_tiles(problem, whole, sizes))
    found = [_fitting(problem, whole, stage, sizes, fixed.get(stage, {})) for stage in range(len(sizes))]
    sizes_told = "all numbers of equal tiles" if every else "tiles of powers of two and 1/1 … 1/8"
    space = f"{sizes_told}, all loop orders"
    return problem, found, f"{space} that agree with what is fixed" if any(fixed.values()) else space


def _sizes(problem: Problem, tiles: Tiles) -> tuple[list[tuple[list[int], ...]], bool]:
    """Tile sizes (m, n, k) of every stage, and whether they are all there are."""
    step = problem.unit.tile_step
    every = tiles != "parts"
    sides = tuple(class_sizes(problem.geometry, side, step[side], every) for side in range(3))
    most = MOST // 4 ** (len(problem.hierarchy.stages) - 1)
    if tiles == "auto" and np.prod([len(side) for side in sides]) > most:
        every = False
        sides = tuple(class_sizes(problem.geometry, side, step[side], every) for side in range(3))
    return [sides] * len(problem.hierarchy.stages), every


def _with_fixed(
    problem: Problem, stage: int, sides: tuple[list[int], ...], fixed: Mapping[str, Any]
) -> tuple[list[int], ...]:
    """The sizes of a stage with those that are fixed in their place; `Unmappable` for a size that is no tile's."""
    chosen = list(sides)
    for side, name in enumerate(DIMENSIONS):
        if name not in fixed:
            continue
        size = int(fixed[name])
        if size > problem.steps[side]:
            message = f"a tile of {size} steps along {name} is larger than the product, {problem.steps[side]}"
            raise Unmappable(message, ("stages", stage, name))
        near = nearest_sizes(problem.geometry, side, problem.unit.tile_step[side], size)
        if size not in near:
            words = " or ".join(map(str, near))
            raise Unmappable(
                f"a tile of {size} steps along {name} ends within one of the unit's tiles, or within a loop; "
                f"expected {words}", ("stages", stage, name),
            )  # fmt: skip
        chosen[side] = [size]
    return tuple(chosen)


def _check_nesting(sizes: list[tuple[list[int], ...]], fixed: Fixed) -> None:
    """Raises `Unmappable` for a fixed tile that is larger than any of the stage outside."""
    for stage in range(1, len(sizes)):
        for side, name in enumerate(DIMENSIONS):
            smallest, largest = min(sizes[stage][side]), max(sizes[stage - 1][side])
            if smallest > largest:
                at = stage if name in fixed.get(stage, {}) else stage - 1
                raise Unmappable(
                    f"a tile of {smallest} steps along {name} does not fit inside that of the stage outside, {largest}",
                    ("stages", at, name),
                )


def _all_tiles(
    problem: Problem, whole: MatmulUnit, sizes: list[tuple[list[int], ...]]
) -> tuple[list[int], list[int], list[int]]:
    """Every extent of a tile that can occur along m, n, k: sizes, and what they leave of each other."""
    found = []
    for side in range(3):
        now = {problem.steps[side]}
        for stage_sizes in sizes:
            now = {part for size in stage_sizes[side] for extent in now for part in _parts(extent, size)}
        if problem.hierarchy.stages[-1].per == "core":
            now |= {part for size in sizes[-1][side] for extent in list(now) for part in _parts(extent, size)}
        found.append(sorted(now))
    return found[0], found[1], found[2]


def _parts(extent: int, size: int) -> set[int]:
    return {min(size, extent), extent % size or min(size, extent)}


def _fitting(
    problem: Problem, whole: MatmulUnit, stage: int, sizes: list[tuple[list[int], ...]], fixed: Mapping[str, Any]
) -> np.ndarray:
    from hwsim.kernels.nest_tiles import fitting
    from hwsim.kernels.nest_work import ORDER, ORDERS

    sides = [np.array(side, np.int64) for side in sizes[stage]]
    innermost = stage == len(sizes) - 1
    step = problem.unit.tile_step
    outputs = problem.unit.resident_outputs if innermost else 0
    grids = core_grids(whole.core_count)
    if "cores" in fixed:
        grids = np.array([fixed["cores"]], np.int64)
        if problem.hierarchy.stages[stage].per != "core":
            raise Unmappable("the memories of this stage are no core's own", ("stages", stage, "cores"))
        if grids.prod() > whole.core_count:
            message = f"{grids.prod()} cores of {whole.core_count}"
            raise Unmappable(message, ("stages", stage, "cores"))
    every = len(sides[0]) * len(sides[1]) * len(sides[2]) * len(grids) <= MOST
    rows: np.ndarray = fitting(
        problem.arrays, stage, sides[0], sides[1], sides[2], grids, every, outputs, np.array(step[:2])
    )
    if len(rows) == 0:
        tiles_fixed = [name for name in DIMENSIONS if name in fixed]
        message = _too_small(problem, stage, [int(side[0]) for side in sides], bool(tiles_fixed))
        raise Unmappable(message, ("stages", stage)) if tiles_fixed else HwsimError(message)
    if "order" in fixed:
        wanted = [DIMENSIONS.index(letter) for letter in fixed["order"]]
        index = ORDERS.tolist().index(wanted)
        rows = rows[np.unique(np.delete(rows, ORDER, axis=1), axis=0, return_index=True)[1]]
        rows[:, ORDER] = index
    return rows


def _too_small(problem: Problem, stage: int, tile: list[int], fixed: bool) -> str:
    """Which memory of a stage the smallest tile does not fit, by how much, and its largest part."""
    from hwsim.kernels.nest_tiles import room
    from hwsim.kernels.nest_work import RESIDENT

    hierarchy, memory = problem.hierarchy, problem.arrays[0]
    row = np.array([*tile, *tile, 0, 0], np.int64)
    step = problem.unit.tile_step
    if stage == len(hierarchy.stages) - 1:
        sums = -(-tile[0] // step[0]) * step[0] * (-(-tile[1] // step[1]) * step[1])
        row[RESIDENT] = sums <= problem.unit.resident_outputs
    needs = np.zeros(len(memory), np.int64)
    room(problem.arrays, stage, row, needs)
    short = needs - np.where(memory[:, 3] < 0, needs, memory[:, 3])
    place = int(np.argmax(short))
    name = list(hierarchy.ports)[place]
    held = {}
    for operand, word in enumerate(("input", "weight", "output")):
        if hierarchy.stages[stage].home(word) == name:
            alone = [np.array(array) for array in problem.arrays]
            alone[2][stage, [other for other in range(3) if other != operand], 0] = 0
            part = np.zeros(len(memory), np.int64)
            room(tuple(alone), stage, row, part)
            held[word] = int(part[place]) // 8
    largest = max(held, key=lambda word: held[word])
    port = hierarchy.ports[name]
    half = " (half of it, as it is double-buffered)" if port.overlaps else ""
    which = "smallest tile with what is fixed" if fixed else "smallest tile"
    return (
        f"{problem.gemm.m}x{problem.gemm.n}x{problem.gemm.k} (m x n x k) does not fit memories.{name}: its {which}, "
        f"{'x'.join(map(str, tile))}, needs {int(needs[place]) // 8} B of "
        f"{(port.usable_bits or 0) // 8} B{half}, "
        f"{-(-int(short[place]) // 8)} B too much; the largest part is the {largest}'s {held[largest]} B"
    )
