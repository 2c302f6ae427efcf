"""Branch and bound over the mappings of a product: one candidate tile and loop order for each stage of memories.

Every candidate of every stage has a bound of its own (`hwsim.kernels.nest_bounds`). The bounds of a mapping's
stages combine: bits add up, cycles are at least the largest. A mapping is evaluated exactly
(`hwsim.kernels.nest_steps`) only where neither the combined bound nor the joint bound of all its stages reaches
the best found so far; nothing else is left out, so that the answer is the best of all mappings whose inner tiles
are no larger than the outer ones. A search that runs out of ``effort`` says how good the rest could still be.

Objectives are pairs that are compared in order: 0 (cycles, joules), 1 (joules, cycles), 2 (joules x cycles,
cycles), 3 (bits through the outermost memory, cycles). Joules are those of traffic, of every cycle (leakage, clock) and
of what all mappings do alike; cycles count from those of work beside the product (`value`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_bounds import bound, bound_space, energy_of, ideal_cycles, outer_bits
from hwsim.kernels.nest_steps import evaluate, workspace
from hwsim.kernels.nest_work import (
    CORE,
    CORE_M,
    CORE_N,
    FIXED,
    IDEAL,
    LEAST_CYCLES,
    ORDER,
    ORDERS,
    PARTIAL_BITS,
    PE,
    PER_CYCLE,
    RESIDENT,
    TOGETHER,
    USABLE,
)  # fmt: skip
from hwsim.kernels.tile_elements import (
    WHOLE_WINDOWS,
    extent_of,
    input_elements,
    input_elements_of_one,
    steps_of,
    tile_extent,
    whole_runs,
)

CYCLES, ENERGY, EDP, TRAFFIC = 0, 1, 2, 3


@bare
def score(objective, cycles, joules, bits):
    if objective == CYCLES:
        return float(cycles), joules
    if objective == ENERGY:
        return joules, float(cycles)
    if objective == EDP:
        return joules * cycles, float(cycles)
    return float(bits), float(cycles)


@bare
def value(problem, objective, cycles, joules, bits):
    """`score` of a mapping of so many cycles, joules of traffic and bits, or of bounds of them."""
    rates = problem[1]
    cycles = max(float(cycles), rates[0, LEAST_CYCLES])
    return score(objective, cycles, joules + rates[0, PER_CYCLE] * cycles + rates[0, FIXED], bits)


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


@njit(cache=True)
def bounds_alone(problem, tiles, stage, found, space, total):
    """Bounds of each candidate of one stage: cycles, joules, bits through the outermost memory."""
    cycles, joules = np.empty(len(found), np.int64), np.empty(len(found))
    bits = np.empty(len(found), np.int64)
    for row in range(len(found)):
        tiles[stage] = found[row]
        cycles[row], _, _ = bound(problem, tiles, stage, stage, space, total)
        joules[row] = energy_of(problem, total)
        bits[row] = outer_bits(total)
    return cycles, joules, bits


@njit(cache=True)
def ranked(problem, objective, cycles, joules, bits):
    """Candidates in the order of their bounds."""
    primary, secondary = np.empty(len(cycles)), np.empty(len(cycles))
    for row in range(len(cycles)):
        primary[row], secondary[row] = value(problem, objective, cycles[row], joules[row], bits[row])
    by_second = np.argsort(secondary, kind="mergesort")
    return by_second[np.argsort(primary[by_second], kind="mergesort")]


@njit(cache=True, nogil=True)
def search(problem, candidates, starts, objective, effort, limit):
    """The best mapping: its ``tiles`` [S, 8], cycles, joules, bits through the outermost memory, and how it was found.

    The last four are mappings looked at, mappings evaluated, whether none is left to look at, and else a lower
    bound on the primary objective of the rest. ``candidates`` [N, 8] are those of all stages, stage s from
    ``starts[s]`` to ``starts[s + 1]``. Mappings that are no better than ``limit``, an objective's pair, are not
    looked for.
    """
    stages, places = len(problem[3]), len(problem[0])
    tiles, best_tiles = np.zeros((stages, 8), np.int64), np.zeros((stages, 8), np.int64)
    space, room_for_steps = bound_space(places), workspace(stages, places)
    total, timed = np.zeros((places, 3, 2), np.int64), np.zeros((places, 3, 2), np.int64)
    count = len(candidates)
    cycles, joules, bits = np.zeros(count, np.int64), np.zeros(count), np.zeros(count, np.int64)
    rank = np.zeros(count, np.int64)
    least = np.zeros((stages + 1, 3))
    for stage in range(stages - 1, -1, -1):
        start, stop = starts[stage], starts[stage + 1]
        one = bounds_alone(problem, tiles, stage, candidates[start:stop], space, total)
        cycles[start:stop], joules[start:stop], bits[start:stop] = one
        rank[start:stop] = start + ranked(problem, objective, one[0], one[1], one[2])
        least[stage, 0] = max(least[stage + 1, 0], one[0].min())
        least[stage, 1] = least[stage + 1, 1] + one[1].min()
        least[stage, 2] = least[stage + 1, 2] + one[2].min()
    best, best_second = limit
    ideal = problem[0][0, IDEAL] != 0
    best_cycles, best_joules, best_bits = np.int64(0), 0.0, np.int64(0)
    seen, evaluated = np.int64(0), np.int64(0)
    at = np.zeros(stages, np.int64)  # how far each stage's loop has come
    depth = 0
    at[0] = starts[0]
    rest = np.inf
    while depth >= 0:
        if at[depth] >= starts[depth + 1]:
            depth -= 1
            if depth >= 0:
                at[depth] += 1
            continue
        row = rank[at[depth]]
        seen += 1
        # The bounds of the stages chosen so far, this one, and the least of those inside.
        bound_cycles, bound_joules, bound_bits = float(cycles[row]), joules[row], float(bits[row])
        nested = True
        for outside in range(depth):
            chosen = rank[at[outside]]
            bound_cycles = max(bound_cycles, float(cycles[chosen]))
            bound_joules += joules[chosen]
            bound_bits += float(bits[chosen])
        if depth > 0:
            chosen = rank[at[depth - 1]]
            for side in range(3):
                nested &= candidates[row, side] <= candidates[chosen, side]
        if not nested:
            at[depth] += 1
            continue
        primary, secondary = value(
            problem, objective, max(bound_cycles, least[depth + 1, 0]), bound_joules + least[depth + 1, 1],
            bound_bits + least[depth + 1, 2],
        )  # fmt: skip
        if primary > best or (primary == best and secondary >= best_second):
            if depth == 0:  # ranked by its own bound, to which what lies inside adds at least: later ones are no better
                alone, _ = value(problem, objective, cycles[row], joules[row], bits[row])
                if objective == ENERGY:
                    alone += least[1, 1]
                elif objective == TRAFFIC:
                    alone += least[1, 2]
                if alone > best:
                    break
            at[depth] += 1
            continue
        # A first mapping is found whatever it takes, unless there is one already.
        if (seen > effort or evaluated * 200 > effort) and (evaluated > 0 or limit[0] < np.inf):
            for later in range(at[0], starts[1]):  # any outermost tile not done with may hide the best
                left = rank[later]
                primary, _ = value(
                    problem, objective, max(float(cycles[left]), least[1, 0]), joules[left] + least[1, 1],
                    float(bits[left]) + least[1, 2],
                )  # fmt: skip
                rest = min(rest, primary)
            break
        tiles[depth] = candidates[row]
        lower, compute, exact = np.int64(0), np.int64(0), False
        if stages > 1 or ideal:
            lower, compute, exact = bound(problem, tiles, 0, depth, space, total)
            joined, joined_second = value(
                problem, objective, max(float(lower), least[depth + 1, 0]),
                energy_of(problem, total) + least[depth + 1, 1],
                float(outer_bits(total)) + least[depth + 1, 2],
            )  # fmt: skip
            if joined > best or (joined == best and joined_second >= best_second):
                at[depth] += 1
                continue
        if depth < stages - 1:
            depth += 1
            at[depth] = starts[depth]
            continue
        evaluated += 1
        if ideal and exact:
            found = lower
        else:
            found = evaluate(problem, tiles, room_for_steps, total, timed)
            if ideal:
                found = ideal_cycles(problem, tiles, compute, total, space)
        spent = energy_of(problem, total)
        primary, secondary = value(problem, objective, found, spent, outer_bits(total))
        if primary < best or (primary == best and secondary < best_second):
            best, best_second, best_cycles, best_joules = primary, secondary, found, spent
            best_bits = outer_bits(total)
            best_tiles[:] = tiles
        at[depth] += 1
    exhausted = rest == np.inf
    if not exhausted:
        rest = min(rest, best)
    return best_tiles, best_cycles, best_joules, best_bits, seen, evaluated, exhausted, rest
