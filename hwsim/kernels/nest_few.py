"""A few good tiles of a single stage of memories, found without a search: for sweeps over many designs.

The tiles: the whole product where it fits; else one of its classes m, n, k cut into the fewest equal parts (a power
of two) that fit, the next class only where single steps of the first do not suffice; or m and n cut alike. Each
in every loop order that differs. Of these the one with the best bound is evaluated exactly, so that the cycles and
the traffic are those of a mapping that exists; the search over all tiles (`hwsim.kernels.nest_search`) may find a
better one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_bounds import bound, bound_space, transfers, unit_part
from hwsim.kernels.nest_evaluate import evaluate, workspace
from hwsim.kernels.nest_objective import no_better, value
from hwsim.kernels.nest_tiles import room
from hwsim.kernels.nest_totals import energy_of, ideal_cycles, outer_bits, timed_bound
from hwsim.kernels.nest_work import (
    CORE_M,
    FIXED,
    IDEAL,
    LEAST_CYCLES,
    ORDER,
    ORDERS,
    PARAMETERS,
    PER_CYCLE,
    RESIDENT,
    TOGETHER,
    USABLE,
)
from hwsim.kernels.tile_elements import steps_of
from hwsim.kernels.unit_counts import ABREAST

RECIPES = 4
"""Cut m first, n first, k first; m and n alike."""


@bare
def _fits(problem, tile, step, needs):
    """Whether a tile fits; also sets whether the unit itself keeps its sums."""
    memory = problem[0]
    kept = -(-tile[0] // step[0]) * step[0] * (-(-tile[1] // step[1]) * step[1])
    tile[RESIDENT] = np.int64(kept <= step[3])
    room(problem, 0, tile, needs)
    for place in range(len(memory)):
        if memory[place, USABLE] >= 0 and needs[place] > memory[place, USABLE]:
            return False
    return True


@bare
def _cut(tile, side, parts, whole, step):
    """Sets one side of a tile to a ``parts``-th of the whole, in whole unit steps."""
    steps = -(-whole[side] // step[side])
    size = min(-(-steps // min(parts, steps)) * step[side], whole[side])
    tile[side] = size
    if side < 2:
        tile[CORE_M + side] = size


@bare
def _recipe(problem, recipe, tile, whole, step, needs):
    """Sets ``tile`` as a recipe says; whether it fits."""
    for side in range(3):
        _cut(tile, side, 1, whole, step)
    if recipe == 3:  # m and n alike
        parts = 1
        while not _fits(problem, tile, step, needs):
            parts *= 2
            if parts > whole[0] + whole[1]:
                return False
            _cut(tile, 0, parts, whole, step)
            _cut(tile, 1, parts, whole, step)
        return True
    for place in range(3):
        side = ORDERS[2 * recipe, place]
        parts = 1
        while not _fits(problem, tile, step, needs):
            if tile[side] <= min(step[side], whole[side]):
                break
            parts *= 2
            _cut(tile, side, parts, whole, step)
        if _fits(problem, tile, step, needs):
            return True
    return False


@bare
def few(problem, step, objective, tiles, best_tiles, spaces):
    """Sets ``best_tiles`` [1, 8] to the best of the few; False if none fits.

    ``step`` int64[4]: the granularity (m, n, k) of the unit's tiles, and how many sums it keeps in itself.
    """
    needs, space, _, total, of_unit, seen = spaces
    seen[:] = 0
    geometry = problem[6]
    whole = (steps_of(geometry, 0), steps_of(geometry, 1), steps_of(geometry, 2))
    best, best_second = np.inf, np.inf
    tile = tiles[0]
    for recipe in range(RECIPES):
        if not _recipe(problem, recipe, tile, whole, step, needs):
            continue
        known = False
        for other in range(recipe):
            known |= seen[other, 0] == tile[0] and seen[other, 1] == tile[1] and seen[other, 2] == tile[2]
        if known:
            continue
        seen[recipe, 0], seen[recipe, 1], seen[recipe, 2] = tile[0], tile[1], tile[2]
        cut_m, cut_n, cut_k = tile[0] < whole[0], tile[1] < whole[1], tile[2] < whole[2]
        cuts = np.int64(cut_m) + np.int64(cut_n) + np.int64(cut_k)
        uncut = 0 if not cut_m else (1 if not cut_n else 2)
        first_order, compute = True, 0
        for order in range(6 if cuts > 1 else 1):
            if cuts == 2 and ORDERS[order, 0] != uncut:
                continue  # the same loops as with the one of a single trip outermost
            tile[ORDER] = order
            exposed, _ = transfers(problem, tiles, 0, 0, space, total)
            if first_order:
                of_unit[:] = 0
                compute = unit_part(problem, tile, space, of_unit)
                first_order = False
            for place in range(len(of_unit)):
                for operand in range(3):
                    total[place, operand, 0] += of_unit[place, operand, 0]
                    total[place, operand, 1] += of_unit[place, operand, 1]
            cycles = max(exposed + compute, timed_bound(problem, total))
            primary, secondary = value(problem, objective, cycles, energy_of(problem, total), outer_bits(total))
            if not no_better(primary, secondary, best, best_second):
                best, best_second = primary, secondary
                for entry in range(8):
                    best_tiles[0, entry] = tile[entry]
        if tile[0] == whole[0] and tile[1] == whole[1] and tile[2] == whole[2]:
            break  # all of it fits
    return best < np.inf


@njit(cache=True)
def few_spaces(places):
    """Room for `few` and for evaluating what it finds."""
    return (
        np.zeros(places, np.int64), bound_space(places), workspace(1, places), np.zeros((places, 3, 2), np.int64),
        np.zeros((places, 3, 2), np.int64), np.zeros((RECIPES, 3), np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def sweep(designs, hierarchy, layers, objective, first, last, cycles, compute, joules, moved):
    """Maps layer j on design d for all d in [``first``, ``last``) and all j.

    ``designs`` are memory [D, L, 8], rates [D, L, 8], unit [D, P], step [D, 4] (see `few`) and of_unit [D];
    ``hierarchy`` routes, stages and nearest; ``layers`` geometry [J, 30], widths [J, 4], counts [J], abreast [U, J]
    (products that unit u computes together), fixed joules [D, J] and least cycles [J] for the objective. Sets, of all
    products of a layer, ``cycles``, ``compute`` int64[D, J], ``joules`` [D, J] of the memories and ``moved`` [D, J]
    bits through the outermost; cycles -1 if nothing fits.
    """
    memory, rates, unit, step, of_unit = designs
    routes, stages, nearest = hierarchy
    geometry, widths, counts, abreast, fixed, least_cycles = layers
    places = memory.shape[1]
    spaces = few_spaces(places)
    tiles, best, together_widths = np.zeros((1, 8), np.int64), np.zeros((1, 8), np.int64), np.zeros(4, np.int64)
    _, space, steps, total, timed, _ = spaces
    for design in range(first, last):
        per_cycle = rates[design, 0, PER_CYCLE]
        for layer in range(len(geometry)):
            together = abreast[of_unit[design], layer]
            rounds, times = -(-counts[layer] // together), counts[layer] / together
            together_widths[:] = together * widths[layer]
            unit[design, TOGETHER], unit[design, PARAMETERS + ABREAST] = together, together
            rates[design, 0, PER_CYCLE] = per_cycle * rounds / times
            rates[design, 0, FIXED], rates[design, 0, LEAST_CYCLES] = (
                fixed[design, layer] / times, least_cycles[layer] / rounds,
            )  # fmt: skip
            problem = (
                memory[design], rates[design], routes, stages, nearest, together_widths, geometry[layer], unit[design],
            )  # fmt: skip
            if not few(problem, step[design], objective, tiles, best, spaces):
                cycles[design, layer] = -1
                continue
            lower, alone, exact = bound(problem, best, 0, 0, space, total)
            if memory[design, 0, IDEAL] == 0:
                lower = evaluate(problem, best, steps, total, timed)
            elif not exact:
                evaluate(problem, best, steps, total, timed)
                lower = ideal_cycles(problem, best, alone, total, space)
            cycles[design, layer], compute[design, layer] = rounds * lower, rounds * alone
            joules[design, layer], moved[design, layer] = times * energy_of(problem, total), times * outer_bits(total)
        rates[design, 0, PER_CYCLE] = per_cycle
