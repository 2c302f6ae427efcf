"""Bounds that no schedule of a mapping can undercut, without looking at its steps.

For some consecutive stages of a mapping (the others taken as one tile each), every operand's bits follow from how
often each of its elements comes to a stage: once for every round of the one class of loops it does not depend on,
as far as those loops run outside the innermost loop that it does depend on. Such bits are exact where edge tiles
have as many loops inside as full ones, and otherwise a bound from below. Cycles are bounded by the unit's own time
on all tiles plus the transfers that nothing hides, and by each memory's bits over its width.

Bits of several stages add up and cycles do not fall when a stage is added, so bounds of single stages combine to
one of the whole mapping (`hwsim.kernels.nest_search`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_totals import ends_cycles, timed_bound
from hwsim.kernels.nest_work import (
    A_BITS,
    A_COPIES,
    B_BITS,
    C_BITS,
    C_COPIES,
    CORE,
    CORE_M,
    CORE_N,
    FIRST_READ,
    HIDES_ENDS,
    IDEAL,
    INPUT,
    ORDER,
    ORDERS,
    OUTPUT,
    OVERLAPS,
    PARTIAL_BITS,
    PE,
    PER,
    READ,
    RESIDENT,
    WEIGHT,
    WRITE,
    unit_work,
)  # fmt: skip
from hwsim.kernels.tile_elements import extent_of, input_elements, steps_of, tile_extent

FREE = np.array([1, 0, 2])
"""The class of loops that an operand does not depend on: input n, weight m, output k."""
PARTS = 16
"""Different tile sizes of a class, at most 2 to the number of stages."""


@njit(cache=True)
def bound_space(places):
    """Room for `bound`: tile sizes by class (steps, elements, count), their number, bits of transfers, of the unit."""
    return (
        np.zeros((3, PARTS, 3), np.int64), np.zeros(3, np.int64), np.zeros((places, 3, 2), np.int64),
        np.zeros((places, 3, 2), np.int64), np.zeros((places, 3, 2), np.int64),
    )  # fmt: skip


@bare
def _split(geometry, parts, count, side, step):
    """Cuts every tile of a class into tiles of ``step``; returns tiles in all, the fewest and the most in one."""
    total, fewest, most, kept = 0, np.int64(1) << 60, 0, count[side]
    for index in range(kept):
        steps, extent, times = parts[side, index]
        size = min(step, steps)
        trips = -(-steps // size)
        full = tile_extent(geometry, side, size)
        total += times * trips
        fewest, most = min(fewest, trips), max(most, trips)
        rest, rest_extent = steps - (trips - 1) * size, extent - (trips - 1) * full
        if rest == size and rest_extent == full:
            parts[side, index, 0], parts[side, index, 1], parts[side, index, 2] = size, full, times * trips
            continue
        parts[side, index, 0], parts[side, index, 1] = rest, rest_extent
        if trips > 1:
            place = count[side]
            parts[side, place, 0], parts[side, place, 1], parts[side, place, 2] = size, full, times * (trips - 1)
            count[side] += 1
    return total, fewest, most


@bare
def _along(problem, stage, operand, inwards, bits, total):
    memory, _, routes, _, _, _, _, unit = problem
    for hop in range(routes[stage, operand, 0] - 1):
        source, target = routes[stage, operand, 1 + hop], routes[stage, operand, 2 + hop]
        if not inwards:
            source, target = target, source
        total[source, operand, READ] += bits * (unit[A_COPIES + operand] if memory[source, PER] == PE else 1)
        total[target, operand, WRITE] += bits * (unit[A_COPIES + operand] if memory[target, PER] == PE else 1)


@bare
def transfers(problem, tiles, first, last, space, total):
    """What stages ``first`` .. ``last`` move: sets ``total`` [L, 3, 2] to bits at least, without the unit's own.

    Returns cycles that no work hides, at least, and whether ``total`` is exact (were these all the stages).
    """
    memory, _, routes, stages, nearest, widths, geometry, _ = problem
    parts, count, alone, between, work = space
    total[:] = 0
    for side in range(3):
        count[side] = 1
        parts[side, 0, 0], parts[side, 0, 1] = steps_of(geometry, side), extent_of(geometry, side)
        parts[side, 0, 2] = 1
    m, n, k = extent_of(geometry, 0), extent_of(geometry, 1), extent_of(geometry, 2)
    rounds_a, rounds_b, rounds_c = 1, 1, 1
    tiles_m, tiles_n, tiles_k = 1, 1, 1
    exposed, exact = 0, True
    for stage in range(first, last + 1):
        tile = tiles[stage]
        # First loads and last stores that nothing hides: where the tile of the memory outside is another one.
        changes_a = tiles_m * tiles_k * rounds_a if _home_outside(routes, stage, INPUT, first) else 1
        changes_b = tiles_n * tiles_k * rounds_b if _home_outside(routes, stage, WEIGHT, first) else 1
        changes_c = tiles_m * tiles_n * rounds_c if _home_outside(routes, stage, OUTPUT, first) else 1
        before_m, before_n, before_k = tiles_m, tiles_n, tiles_k
        tiles_m, fewest_m, most_m = _split(geometry, parts, count, 0, tile[0])
        tiles_n, fewest_n, most_n = _split(geometry, parts, count, 1, tile[1])
        tiles_k, fewest_k, most_k = _split(geometry, parts, count, 2, tile[2])
        fewest = (fewest_m, fewest_n, fewest_k)
        exact &= (fewest_m > 1 or most_m == 1) and (fewest_n > 1 or most_n == 1) and (fewest_k > 1 or most_k == 1)
        exact &= stages[stage] != CORE
        inmost = tile[ORDER]
        depth_m = depth_n = depth_k = 0
        for depth in range(3):
            side = ORDERS[inmost, depth]
            depth_m = depth if side == 0 else depth_m
            depth_n = depth if side == 1 else depth_n
            depth_k = depth if side == 2 else depth_k
        if fewest[0] > 1 or fewest[2] > 1:
            inside = max(depth_m if fewest[0] > 1 else -1, depth_k if fewest[2] > 1 else -1)
            rounds_a = tiles_n if depth_n < inside else before_n
        if fewest[1] > 1 or fewest[2] > 1:
            inside = max(depth_n if fewest[1] > 1 else -1, depth_k if fewest[2] > 1 else -1)
            rounds_b = tiles_m if depth_m < inside else before_m
        if fewest[0] > 1 or fewest[1] > 1:
            inside = max(depth_m if fewest[0] > 1 else -1, depth_n if fewest[1] > 1 else -1)
            rounds_c = tiles_k if depth_k < inside else before_k
        copies_a, copies_b = 1, 1
        if stages[stage] == CORE:
            copies_a, copies_b = 1 << 60, 1 << 60
            for index in range(count[1]):
                copies_a = min(copies_a, -(-parts[1, index, 0] // min(tile[CORE_N], parts[1, index, 0])))
            for index in range(count[0]):
                copies_b = min(copies_b, -(-parts[0, index, 0] // min(tile[CORE_M], parts[0, index, 0])))
        between[:] = 0
        first_load = 0
        if routes[stage, INPUT, 0] > 0:
            elements, least = 0, np.int64(1) << 60
            for index in range(count[0]):
                for other in range(count[2]):
                    of_tile = input_elements(
                        geometry, parts[0, index, 0], parts[2, other, 0], parts[0, index, 1], parts[2, other, 1]
                    )
                    elements += of_tile * parts[0, index, 2] * parts[2, other, 2]
                    least = min(least, of_tile)
            bits = copies_a * widths[A_BITS]
            _along(problem, stage, INPUT, True, elements * rounds_a * bits, total)
            if memory[routes[stage, INPUT, routes[stage, INPUT, 0]], OVERLAPS]:
                alone[:] = 0
                _along(problem, stage, INPUT, True, least * changes_a * bits, alone)
                first_load = timed_bound(problem, alone)
            else:
                _along(problem, stage, INPUT, True, elements * rounds_a * bits, between)
        if routes[stage, WEIGHT, 0] > 0:
            bits = copies_b * widths[B_BITS]
            _along(problem, stage, WEIGHT, True, k * n * rounds_b * bits, total)
            if memory[routes[stage, WEIGHT, routes[stage, WEIGHT, 0]], OVERLAPS]:
                alone[:] = 0
                least = _least(parts, count, 1) * _least(parts, count, 2)
                _along(problem, stage, WEIGHT, True, least * changes_b * bits, alone)
                first_load = max(first_load, timed_bound(problem, alone))
            else:
                _along(problem, stage, WEIGHT, True, k * n * rounds_b * bits, between)
        spilled = m * n * (rounds_c - 1) * widths[PARTIAL_BITS]
        if routes[stage, OUTPUT, 0] > 0:
            _along(problem, stage, OUTPUT, True, spilled, total)
            _along(problem, stage, OUTPUT, False, spilled + m * n * widths[C_BITS], total)
            if memory[routes[stage, OUTPUT, routes[stage, OUTPUT, 0]], OVERLAPS]:
                alone[:] = 0
                least = _least(parts, count, 0) * _least(parts, count, 1) * changes_c
                _along(problem, stage, OUTPUT, False, least * min(widths[C_BITS], widths[PARTIAL_BITS]), alone)
                exposed += timed_bound(problem, alone)
            else:
                _along(problem, stage, OUTPUT, True, spilled, between)
                _along(problem, stage, OUTPUT, False, spilled + m * n * widths[C_BITS], between)
        if tile[RESIDENT] != 0:
            total[nearest[OUTPUT], OUTPUT, READ] += spilled
            total[nearest[OUTPUT], OUTPUT, WRITE] += spilled + m * n * widths[C_BITS]
        exposed += max(first_load, timed_bound(problem, between))
        if stage == 0 and memory[0, HIDES_ENDS] != 0:
            exposed = 0
    if memory[0, IDEAL] != 0:
        exposed = 0
        if first == 0 and memory[0, HIDES_ENDS] == 0:
            exposed = ends_cycles(problem, tiles[0], alone, between, work)
            work[:] = 0
    return exposed, exact


@bare
def unit_part(problem, tile, space, total):
    """The unit's own cycles on all innermost tiles, whose sizes `transfers` has left in ``space``; adds their bits."""
    memory, _, _, _, nearest, widths, geometry, unit = problem
    parts, count, alone, _, work = space
    m, n = extent_of(geometry, 0), extent_of(geometry, 1)
    compute = 0
    for index in range(count[0]):
        for other in range(count[1]):
            for third in range(count[2]):
                times = parts[0, index, 2] * parts[1, other, 2] * parts[2, third, 2]
                work[:] = 0
                compute += times * unit_work(
                    problem, tile, (parts[0, index, 0], parts[1, other, 0], parts[2, third, 0]),
                    (parts[0, index, 1], parts[1, other, 1], parts[2, third, 1]), False, work, alone,
                )  # fmt: skip
                for place in range(len(memory)):
                    for operand in range(3):
                        total[place, operand, READ] += times * work[place, operand, READ]
                        total[place, operand, WRITE] += times * work[place, operand, WRITE]
    if tile[RESIDENT] == 0 and not unit[FIRST_READ]:
        again, most = 0, 0
        copies = unit[C_COPIES] if memory[nearest[OUTPUT], PER] == PE else 1
        for index in range(count[2]):  # elements that begin a sum anew, in all tiles of k but the first
            lanes = min(copies, parts[2, index, 1])
            again, most = again + lanes * parts[2, index, 2], max(most, lanes)
        total[nearest[OUTPUT], OUTPUT, READ] += m * n * (again - most) * widths[PARTIAL_BITS]
    return compute


@bare
def bound(problem, tiles, first, last, space, total):
    """Stages ``first`` .. ``last`` of ``tiles``: sets ``total`` [L, 3, 2] to bits at least.

    Returns cycles at least, the unit's own cycles, and whether ``total`` is exact (were these all the stages).
    """
    exposed, exact = transfers(problem, tiles, first, last, space, total)
    compute = unit_part(problem, tiles[last], space, total) if last == len(tiles) - 1 else np.int64(0)
    return max(exposed + compute, timed_bound(problem, total)), compute, exact


@bare
def _home_outside(routes, stage, operand, first):
    """Whether an operand comes to a stage from its home in the stage outside, that being looked at too."""
    if stage == first or routes[stage, operand, 0] == 0 or routes[stage - 1, operand, 0] == 0:
        return False
    return routes[stage, operand, 1] == routes[stage - 1, operand, routes[stage - 1, operand, 0]]


@bare
def _least(parts, count, side):
    """Elements of the smallest tile of a class."""
    least = parts[side, 0, 1]
    for index in range(1, count[side]):
        least = min(least, parts[side, index, 1])
    return least
