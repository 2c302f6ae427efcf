"""The Pareto front of the mappings of a product in cycles and joules, by branch and bound.

As `hwsim.kernels.nest_search`, but what is kept is every mapping that no other beats in both; a choice of
outer tiles is left out where a mapping of the front is no worse than its bounds in cycles and in joules.
Points are kept in the order of their cycles, so that joules fall from one to the next.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.nest_bounds import bound, bound_space
from hwsim.kernels.nest_evaluate import evaluate, workspace
from hwsim.kernels.nest_objective import EDP, ROUNDING, whole_energy
from hwsim.kernels.nest_search import bounds_alone, ranked
from hwsim.kernels.nest_totals import energy_of, ideal_cycles
from hwsim.kernels.nest_work import IDEAL

MOST_POINTS = 4096


@njit(cache=True)
def beaten(front_cycles, front_joules, points, cycles, joules):
    """Whether a point of the front is no worse in both."""
    after = np.searchsorted(front_cycles[:points], cycles, side="right")
    return after > 0 and front_joules[after - 1] <= joules * (1 + ROUNDING)


@njit(cache=True)
def _insert(front_cycles, front_joules, front_tiles, points, cycles, joules, tiles):
    """Puts a point that is not beaten in its place and removes those that it beats; returns how many there are."""
    at = np.searchsorted(front_cycles[:points], cycles, side="left")
    stop = at
    while stop < points and front_joules[stop] >= joules * (1 - ROUNDING):
        stop += 1
    kept = points - stop
    if at + 1 + kept > MOST_POINTS:
        return -1
    moved_cycles, moved_joules = front_cycles[stop:points].copy(), front_joules[stop:points].copy()
    moved_tiles = front_tiles[stop:points].copy()
    front_cycles[at], front_joules[at], front_tiles[at] = cycles, joules, tiles
    front_cycles[at + 1 : at + 1 + kept], front_joules[at + 1 : at + 1 + kept] = moved_cycles, moved_joules
    front_tiles[at + 1 : at + 1 + kept] = moved_tiles
    return at + 1 + kept


@njit(cache=True, nogil=True)
def search_front(problem, candidates, starts, effort, known_cycles, known_joules):
    """Mappings that are not beaten: cycles int64[P], joules float64[P], tiles int64[P, S, 8].

    Also how many were looked at and evaluated, and whether everything was looked at.
    ``known_cycles`` (ascending) and ``known_joules`` are points to be beaten, of mappings found elsewhere; those
    that remain are among the answer with tiles of zero.
    """
    stages, places = len(problem[3]), len(problem[0])
    tiles = np.zeros((stages, 8), np.int64)
    space, room_for_steps = bound_space(places), workspace(stages, places)
    total, timed = np.zeros((places, 3, 2), np.int64), np.zeros((places, 3, 2), np.int64)
    count = len(candidates)
    cycles, joules, rank = np.zeros(count, np.int64), np.zeros(count), np.zeros(count, np.int64)
    least = np.zeros((stages + 1, 2))
    for stage in range(stages - 1, -1, -1):
        start, stop = starts[stage], starts[stage + 1]
        one = bounds_alone(problem, tiles, stage, candidates[start:stop], space, total)
        cycles[start:stop], joules[start:stop] = one[0], one[1]
        rank[start:stop] = start + ranked(problem, EDP, one[0], one[1], one[2])
        least[stage, 0] = max(least[stage + 1, 0], one[0].min())
        least[stage, 1] = least[stage + 1, 1] + one[1].min()
    front_cycles, front_joules = np.zeros(MOST_POINTS, np.int64), np.zeros(MOST_POINTS)
    front_tiles = np.zeros((MOST_POINTS, stages, 8), np.int64)
    points = len(known_cycles)
    front_cycles[:points], front_joules[:points] = known_cycles, known_joules
    ideal, whole = problem[0][0, IDEAL] != 0, True
    seen, evaluated = np.int64(0), np.int64(0)
    at = np.zeros(stages, np.int64)
    depth = 0
    at[0] = starts[0]
    while depth >= 0:
        if at[depth] >= starts[depth + 1]:
            depth -= 1
            if depth >= 0:
                at[depth] += 1
            continue
        row = rank[at[depth]]
        seen += 1
        bound_cycles, bound_joules, nested = float(cycles[row]), joules[row], True
        for outside in range(depth):
            chosen = rank[at[outside]]
            bound_cycles = max(bound_cycles, float(cycles[chosen]))
            bound_joules += joules[chosen]
        if depth > 0:
            chosen = rank[at[depth - 1]]
            for side in range(3):
                nested &= candidates[row, side] <= candidates[chosen, side]
        fewest = max(bound_cycles, least[depth + 1, 0])
        spent = whole_energy(problem, bound_joules + least[depth + 1, 1], fewest)
        if not nested or beaten(front_cycles, front_joules, points, fewest, spent):
            at[depth] += 1
            continue
        if seen > effort or evaluated * 200 > effort:
            whole = False
            break
        tiles[depth] = candidates[row]
        lower, compute, exact = bound(problem, tiles, 0, depth, space, total)
        fewest = max(float(lower), least[depth + 1, 0])
        spent = whole_energy(problem, energy_of(problem, total) + least[depth + 1, 1], fewest)
        if beaten(front_cycles, front_joules, points, fewest, spent):
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
        spent = whole_energy(problem, energy_of(problem, total), found)
        if not beaten(front_cycles, front_joules, points, found, spent):
            grown = _insert(front_cycles, front_joules, front_tiles, points, found, spent, tiles)
            if grown < 0:
                whole = False
                break
            points = grown
        at[depth] += 1
    return (
        front_cycles[:points].copy(), front_joules[:points].copy(), front_tiles[:points].copy(), seen, evaluated, whole,
    )  # fmt: skip
