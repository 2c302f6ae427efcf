"""Tiles of a stage that fit its memories: the candidates of a search."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_work import CORE, CORE_M, CORE_N, ORDER, ORDERS, PARTIAL_BITS, PE, RESIDENT, TOGETHER, USABLE
from hwsim.kernels.tile_elements import (
    WHOLE_WINDOWS,
    extent_of,
    input_elements,
    input_elements_of_one,
    steps_of,
    tile_extent,
    whole_runs,
)  # fmt: skip


@bare
def room(problem, stage, tile, needs):
    """Sets ``needs`` int64[L] to the bits that the tile takes in each home of the stage, in whole bytes an operand.

    Its steps are at most those of the whole product.
    """
    _, _, routes, stages, _, widths, geometry, unit = problem
    together = unit[TOGETHER] if stages[stage] == PE else 1  # an element serves one of the products
    for place in range(len(needs)):
        needs[place] = 0
    m, n, k = tile[0], tile[1], tile[2]
    if stages[stage] == CORE:
        m, n = min(tile[CORE_M], m), min(tile[CORE_N], n)
    if stages[stage] == PE:
        a, b, c = input_elements_of_one(geometry, m, k), k * n, m * n
    else:
        in_m, in_n, in_k = m, n, k
        if geometry[WHOLE_WINDOWS] != 0:
            in_m = min(tile_extent(geometry, 0, m), extent_of(geometry, 0))
            in_n = min(tile_extent(geometry, 1, n), extent_of(geometry, 1))
            in_k = min(tile_extent(geometry, 2, k), extent_of(geometry, 2))
        a, b, c = input_elements(geometry, m, k, in_m, in_k), in_k * in_n, in_m * in_n
    if routes[stage, 0, 0] > 0:
        needs[routes[stage, 0, routes[stage, 0, 0]]] += (a * (widths[0] // together) + 7) // 8 * 8
    if routes[stage, 1, 0] > 0:
        needs[routes[stage, 1, routes[stage, 1, 0]]] += (b * (widths[1] // together) + 7) // 8 * 8
    if routes[stage, 2, 0] > 0 and tile[RESIDENT] == 0:
        needs[routes[stage, 2, routes[stage, 2, 0]]] += (
            (c * (max(widths[2], widths[PARTIAL_BITS]) // together) + 7) // 8 * 8
        )


@njit(cache=True)
def fitting(problem, stage, sizes_m, sizes_n, sizes_k, grids, every_grid, resident_outputs, unit_steps):
    """[candidates, 8] tiles of a stage that fit, in every order that differs.

    Each with ``every_grid`` of ``grids`` [G, 2] of cores, or the two that need the fewest rounds. With
    ``stages[stage] == CORE`` sizes are those of one core's share. ``unit_steps`` (m, n) round up the sums that a unit
    keeps; a tile of at most ``resident_outputs`` of them is kept in the unit.
    """
    memory, geometry, per = problem[0], problem[6], problem[3][stage]
    whole = (steps_of(geometry, 0), steps_of(geometry, 1), steps_of(geometry, 2))
    most = len(sizes_m) * len(sizes_n) * len(sizes_k) * 6 * ((len(grids) if every_grid else 2) if per == CORE else 1)
    found = np.empty((most, 8), np.int64)
    tile, needs = np.zeros(8, np.int64), np.zeros(len(memory), np.int64)
    count = 0
    for m in sizes_m:
        for n in sizes_n:
            kept = -(-m // unit_steps[0]) * unit_steps[0] * (-(-n // unit_steps[1]) * unit_steps[1])
            for k in sizes_k:
                tile[RESIDENT] = np.int64(kept <= resident_outputs)
                tile[0], tile[1], tile[2], tile[CORE_M], tile[CORE_N], tile[5] = m, n, k, m, n, k
                room(problem, stage, tile, needs)
                fits = True
                for place in range(len(memory)):
                    fits &= memory[place, USABLE] < 0 or needs[place] <= memory[place, USABLE]
                if not fits:
                    continue
                choices = 1
                first = second = 0
                if per == CORE:
                    first, second = _two_grids(geometry, grids, -(-whole[0] // m), -(-whole[1] // n), m, n)
                    choices = len(grids) if every_grid else (1 if first == second else 2)
                before = (np.int64(0), np.int64(0))
                for choice in range(choices):
                    if per == CORE:
                        grid = grids[choice] if every_grid else grids[first if choice == 0 else second]
                        rows = whole_runs(geometry, 0, m, min(grid[0], -(-whole[0] // m)))
                        tile[0] = min(m * rows, whole[0])
                        tile[1] = min(n * min(grid[1], -(-whole[1] // n)), whole[1])
                        if every_grid and choice > 0 and tile[0] == before[0] and tile[1] == before[1]:
                            continue
                        before = tile[0], tile[1]
                    for order in range(6):
                        if same_loops(order, whole, tile):
                            continue
                        tile[ORDER] = order
                        found[count] = tile
                        count += 1
    return found[:count]


@njit(cache=True)
def _two_grids(geometry, grids, trips_m, trips_n, m, n):
    """The grids of cores with the fewest rounds, then the least copied operands: the best and the next."""
    best, next_best = -1, -1
    rounds_of, copied_of = np.zeros(len(grids), np.int64), np.zeros(len(grids), np.int64)
    for index in range(len(grids)):
        rows, columns = whole_runs(geometry, 0, m, min(grids[index, 0], trips_m)), min(grids[index, 1], trips_n)
        rounds_of[index] = -(-trips_m // rows) * -(-trips_n // columns)
        copied_of[index] = rounds_of[index] * (rows * m + columns * n)
    for index in range(len(grids)):
        key = (rounds_of[index], copied_of[index])
        if best < 0 or key < (rounds_of[best], copied_of[best]):
            best, next_best = index, best
        elif next_best < 0 or key < (rounds_of[next_best], copied_of[next_best]):
            next_best = index
    return best, next_best if next_best >= 0 else best


@bare
def same_loops(order, whole, tile):
    """Whether an earlier order has the same loops, counting those of more than one trip only."""
    for earlier in range(order):
        same, at = True, 0
        for depth in range(3):
            side = ORDERS[order, depth]
            if tile[side] >= whole[side]:
                continue
            while tile[ORDERS[earlier, at]] >= whole[ORDERS[earlier, at]]:
                at += 1
            same &= ORDERS[earlier, at] == side
            at += 1
        if same:
            return True
    return False
