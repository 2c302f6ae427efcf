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

from hwsim.kernels.nest_bounds import bound, bound_space
from hwsim.kernels.nest_evaluate import evaluate, workspace
from hwsim.kernels.nest_objective import ENERGY, ROUNDING, TRAFFIC, no_better, value
from hwsim.kernels.nest_totals import energy_of, ideal_cycles, outer_bits
from hwsim.kernels.nest_work import IDEAL


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
        if no_better(primary, secondary, best, best_second):
            if depth == 0:  # ranked by its own bound, to which what lies inside adds at least: later ones are no better
                alone, _ = value(problem, objective, cycles[row], joules[row], bits[row])
                if objective == ENERGY:
                    alone += least[1, 1]
                elif objective == TRAFFIC:
                    alone += least[1, 2]
                if alone > best * (1 + ROUNDING):
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
            if no_better(joined, joined_second, best, best_second):
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
        if not no_better(primary, secondary, best, best_second):
            best, best_second, best_cycles, best_joules = primary, secondary, found, spent
            best_bits = outer_bits(total)
            best_tiles[:] = tiles
        at[depth] += 1
    exhausted = rest == np.inf
    if not exhausted:
        rest = min(rest, best)
    return best_tiles, best_cycles, best_joules, best_bits, seen, evaluated, exhausted, rest
