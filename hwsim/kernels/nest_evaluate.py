"""Cycles and traffic of a whole mapping: up to three stages, each summed over its steps.

A function for each depth: Numba compiles a call of a function by itself only where its types are written down, and a
function that is handed the next one is compiled anew for each.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_cases import (
    CASES,
    ENDED,
    K_LAST,
    LEAVES,
    M_LAST,
    N_LAST,
    NEW_A,
    NEW_B,
    NEW_C,
    STARTED,
    borders_of,
    case_of,
)  # fmt: skip
from hwsim.kernels.nest_moves import NOTHING
from hwsim.kernels.nest_steps import sum_steps
from hwsim.kernels.nest_work import HIDES_ENDS, busy_cycles, unit_work
from hwsim.kernels.tile_elements import extent_of, steps_of


@bare
def _innermost(problem, tiles, sizes, extents, case, borders, space, total, timed):
    """The stage next to the unit; ``space`` as `workspace` makes it."""
    cases, cycles, totals, timeds, scratch, moves = space
    stage = len(tiles) - 1
    inner = (cycles[stage], totals[stage], timeds[stage])
    cases[stage, 0], found = 0, 0
    for collecting in (True, False):
        found = sum_steps(
            problem, tiles, stage, sizes, extents, case, borders, cases[stage], collecting, inner, total, timed,
            scratch, moves,
        )  # fmt: skip
        for place in range(cases[stage, 0] if collecting else 0):
            key = cases[stage, 1 + place]
            tile_sizes, tile_extents = case_of(
                problem, tiles[stage], sizes, extents, (key & M_LAST) != 0, (key & N_LAST) != 0, (key & K_LAST) != 0
            )
            totals[stage, place], timeds[stage, place] = 0, 0
            cycles[stage, place] = unit_work(
                problem, tiles[stage], tile_sizes, tile_extents, (key & STARTED) != 0, totals[stage, place],
                timeds[stage, place],
            )  # fmt: skip
    return found


@bare
def _middle(problem, tiles, sizes, extents, case, borders, space, total, timed):
    """The stage outside the innermost one."""
    cases, cycles, totals, timeds, scratch, moves = space
    stage = len(tiles) - 2
    inner = (cycles[stage], totals[stage], timeds[stage])
    cases[stage, 0], found = 0, 0
    for collecting in (True, False):
        found = sum_steps(
            problem, tiles, stage, sizes, extents, case, borders, cases[stage], collecting, inner, total, timed,
            scratch, moves,
        )  # fmt: skip
        for place in range(cases[stage, 0] if collecting else 0):
            key = cases[stage, 1 + place]
            tile_sizes, tile_extents = case_of(
                problem, tiles[stage], sizes, extents, (key & M_LAST) != 0, (key & N_LAST) != 0, (key & K_LAST) != 0
            )
            totals[stage, place], timeds[stage, place] = 0, 0
            cycles[stage, place] = _innermost(
                problem, tiles, tile_sizes, tile_extents, key, borders_of(problem, tiles[stage], sizes, extents, key),
                space, totals[stage, place], timeds[stage, place],
            )  # fmt: skip
    return found


@bare
def _outer(problem, tiles, sizes, extents, case, borders, space, total, timed):
    """The outermost of three stages."""
    cases, cycles, totals, timeds, scratch, moves = space
    stage = 0
    inner = (cycles[stage], totals[stage], timeds[stage])
    cases[stage, 0], found = 0, 0
    for collecting in (True, False):
        found = sum_steps(
            problem, tiles, stage, sizes, extents, case, borders, cases[stage], collecting, inner, total, timed,
            scratch, moves,
        )  # fmt: skip
        for place in range(cases[stage, 0] if collecting else 0):
            key = cases[stage, 1 + place]
            tile_sizes, tile_extents = case_of(
                problem, tiles[stage], sizes, extents, (key & M_LAST) != 0, (key & N_LAST) != 0, (key & K_LAST) != 0
            )
            totals[stage, place], timeds[stage, place] = 0, 0
            cycles[stage, place] = _middle(
                problem, tiles, tile_sizes, tile_extents, key, borders_of(problem, tiles[stage], sizes, extents, key),
                space, totals[stage, place], timeds[stage, place],
            )  # fmt: skip
    return found


@njit(cache=True)
def workspace(stages, places):
    """Room for `evaluate`: cases asked for, their cycles and bits by stage, moves of a step and their list."""
    return (
        np.zeros((stages, CASES + 1), np.int64), np.zeros((stages, CASES), np.int64),
        np.zeros((stages, CASES, places, 3, 2), np.int64), np.zeros((stages, CASES, places, 3, 2), np.int64),
        np.zeros((5, places, 3, 2), np.int64), np.zeros((16, 10), np.int64),
    )  # fmt: skip


@bare
def evaluate(problem, tiles, space, total, timed):
    """Cycles of the whole product mapped by ``tiles`` int64[S, 8]; sets ``total`` and ``timed`` [L, 3, 2], in bits."""
    geometry = problem[6]
    sizes = (steps_of(geometry, 0), steps_of(geometry, 1), steps_of(geometry, 2))
    extents = (extent_of(geometry, 0), extent_of(geometry, 1), extent_of(geometry, 2))
    total[:], timed[:] = 0, 0
    case = ENDED | NEW_A | NEW_B | NEW_C | LEAVES
    borders = (sizes, extents, sizes, extents)
    if len(tiles) == 1:
        cycles = _innermost(problem, tiles, sizes, extents, case, borders, space, total, timed)
    elif len(tiles) == 2:
        cycles = _middle(problem, tiles, sizes, extents, case, borders, space, total, timed)
    else:
        cycles = _outer(problem, tiles, sizes, extents, case, borders, space, total, timed)
    if problem[0][0, HIDES_ENDS]:  # what other products hide still takes each memory's time
        space[4][NOTHING] = 0
        cycles = max(cycles, busy_cycles(problem, timed, space[4][NOTHING]))
    return cycles
