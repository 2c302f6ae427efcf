"""Cycles and traffic of a product tiled over up to three stages of memories, step by step, in closed form.

A stage runs over its tiles i = 0 .. T-1 in loop order. Before tile i starts, the operands that differ from
those of the tile before must have come; when its sums are complete, or make room for others, they leave
(unfinished ones as partial sums, which come back later). With double-buffered homes

    cycles = load(0) + sum_i max(work(i), beside(i)) + store(T-1),

where beside(i) are the next tile's loads and the last tile's store, sharing each memory's bandwidth with what
work(i) itself moves; an operand whose home is not double-buffered has its transfers between the tiles instead.
work(i) is the unit's time on the tile, or, in an outer stage, the cycles of the stage inside, which keeps an
operand from one outer tile to the next where both the outer tile and its own cover the same elements.

The sum has few distinct terms: where a step lies in a loop matters only through whether it is the first, the
last or the last but one, so at most 4^3 representatives with their multiplicities stand for all steps, and
work(i) has at most 2^9 cases (`case_of`). `hwsim.mapping.simulator` walks every tile and must agree.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.nest_work import (
    A_BITS, B_BITS, C_BITS, INPUT, LATENCY, ORDER, ORDERS, OUTPUT, OVERLAPS, PARTIAL_BITS, READ, WEIGHT, busy_cycles,
    move, unit_work,
)  # fmt: skip
from hwsim.kernels.tile_elements import extent_of, steps_of, tile_extent

NOTHING, BESIDE, BETWEEN, FIRST, FINAL = 0, 1, 2, 3, 4
"""Places of a step's moves."""
CASES = 512
M_LAST, N_LAST, K_LAST, STARTED, ENDED, NEW_A, NEW_B, ENTERS, LEAVES = 1, 2, 4, 8, 16, 32, 64, 128, 256
"""Bits of a case: which indices are the last, whether sums were begun before and are complete after, whether the
tiles of a and b differ from those before, whether the tile of sums differs from that before and from that after."""


@njit(cache=True, inline="always")
def _representative(which, trips):
    """(index, multiplicity) of the first, the second and all like it, the last but one, the last."""
    if which == 0:
        return 0, 1
    if which == 1:
        return 1, max(trips - 3, 0)
    if which == 2:
        return trips - 2, np.int64(trips > 2)
    return trips - 1, np.int64(trips > 1)


@njit(cache=True, inline="always")
def _cut(geometry, side, index, last, step, steps, extent):
    """Steps and elements of the tile at ``index`` of a class of ``steps`` holding ``extent`` elements."""
    if index == last:
        return steps - last * step, extent - last * tile_extent(geometry, side, step)
    return step, tile_extent(geometry, side, step)


@njit(cache=True, inline="always")
def _placed(first_side, second_side, outer, middle, inner):
    """Indices along (m, n, k) of a loop order's indices."""
    m = outer if first_side == 0 else (middle if second_side == 0 else inner)
    n = outer if first_side == 1 else (middle if second_side == 1 else inner)
    k = outer if first_side == 2 else (middle if second_side == 2 else inner)
    return m, n, k


@njit(cache=True, inline="always")
def tile_at(geometry, tile, sizes, extents, at):
    """Steps and elements, both (m, n, k), of the tile at indices ``at``."""
    step_m, step_n, step_k = min(tile[0], sizes[0]), min(tile[1], sizes[1]), min(tile[2], sizes[2])
    size_m, extent_m = _cut(geometry, 0, at[0], -(-sizes[0] // step_m) - 1, step_m, sizes[0], extents[0])
    size_n, extent_n = _cut(geometry, 1, at[1], -(-sizes[1] // step_n) - 1, step_n, sizes[1], extents[1])
    size_k, extent_k = _cut(geometry, 2, at[2], -(-sizes[2] // step_k) - 1, step_k, sizes[2], extents[2])
    return (size_m, size_n, size_k), (extent_m, extent_n, extent_k)


@njit(cache=True)
def _moves_of(problem, stage, tile, operand, inwards, width, sizes, extents, at, times, total, timed):
    tile_sizes, tile_extents = tile_at(problem[6], tile, sizes, extents, at)
    move(problem, stage, tile, operand, inwards, width, tile_sizes, tile_extents, times, total, timed)


@njit(cache=True, inline="always")
def _when(problem, stage, operand):
    """Which moves of a step an operand's belong to: beside the work if its home is double-buffered."""
    memory, routes = problem[0], problem[2]
    count = routes[stage, operand, 0]
    return BESIDE if count > 0 and memory[routes[stage, operand, count], OVERLAPS] != 0 else BETWEEN


@njit(cache=True)
def _latency(problem, timed):
    """Cycles before the first word of ``timed`` moves comes: those of the memories that are read."""
    memory, longest = problem[0], 0
    for place in range(len(memory)):
        if timed[place, 0, READ] + timed[place, 1, READ] + timed[place, 2, READ] > 0:
            longest = max(longest, memory[place, LATENCY])
    return longest


@njit(cache=True)
def sum_steps(problem, tiles, stage, sizes, extents, case, needed, inner, total, timed, scratch):
    """One stage on a product of ``sizes`` steps and ``extents`` elements, entered as ``case`` says.

    ``inner`` is (cycles int64[512], total, timed int64[512, L, 3, 2]), the work inside by case. With ``needed``
    (bool[512]) not empty, only marks the cases that will be asked for and returns 0; otherwise returns the
    cycles and adds all bits to ``total`` and ``timed``. ``scratch`` int64[5, L, 3, 2] is for the moves of a step.
    """
    widths = problem[5]
    inner_cycles, inner_total, inner_timed = inner
    tile = tiles[stage]
    innermost = stage == len(tiles) - 1
    collecting = len(needed) > 0
    first_side, second_side, third_side = ORDERS[tile[ORDER], 0], ORDERS[tile[ORDER], 1], ORDERS[tile[ORDER], 2]
    trips_m = -(-sizes[0] // min(tile[0], sizes[0]))
    trips_n = -(-sizes[1] // min(tile[1], sizes[1]))
    trips_k = -(-sizes[2] // min(tile[2], sizes[2]))
    trips = (trips_m, trips_n, trips_k)
    outer_trips, middle_trips, inner_trips = trips[first_side], trips[second_side], trips[third_side]
    # Where the loops leave the first tile, it is another one when they begin again.
    new_a = (case & NEW_A) != 0 or trips_m > 1 or trips_k > 1
    new_b = (case & NEW_B) != 0 or trips_n > 1 or trips_k > 1
    enters = (case & ENTERS) != 0 or trips_m > 1 or trips_n > 1
    leaves = (case & LEAVES) != 0 or trips_m > 1 or trips_n > 1
    begun, finishes = (case & STARTED) != 0, (case & ENDED) != 0
    when_a, when_b, when_c = (
        _when(problem, stage, INPUT), _when(problem, stage, WEIGHT), _when(problem, stage, OUTPUT),
    )  # fmt: skip
    cycles = 0
    for o in range(4):
        outer, outer_weight = _representative(o, outer_trips)
        if outer_weight == 0:
            continue
        for p in range(4):
            middle, middle_weight = _representative(p, middle_trips)
            if middle_weight == 0:
                continue
            for q in range(4):
                index, index_weight = _representative(q, inner_trips)
                if index_weight == 0:
                    continue
                weight = outer_weight * middle_weight * index_weight
                ends_q, starts_q = index == inner_trips - 1, index == 0
                ends_p, starts_p = ends_q and middle == middle_trips - 1, starts_q and middle == 0
                is_last, is_first = ends_p and outer == outer_trips - 1, starts_p and outer == 0
                here = _placed(first_side, second_side, outer, middle, index)
                after = _placed(
                    first_side, second_side, outer + np.int64(ends_p),
                    (0 if ends_p else middle + 1) if ends_q else middle, 0 if ends_q else index + 1,
                )  # fmt: skip
                before = _placed(
                    first_side, second_side, outer - np.int64(starts_p),
                    (middle_trips - 1 if starts_p else middle - 1) if starts_q else middle,
                    inner_trips - 1 if starts_q else index - 1,
                )  # fmt: skip
                m, n, k = here
                started, ended = begun or k > 0, finishes and k == trips_k - 1
                entering = enters if is_first else before[0] != m or before[1] != n
                leaving = leaves if is_last else after[0] != m or after[1] != n
                key = (
                    M_LAST * np.int64(m == trips_m - 1) | N_LAST * np.int64(n == trips_n - 1)
                    | K_LAST * np.int64(k == trips_k - 1) | STARTED * np.int64(started)
                )  # fmt: skip
                if not innermost:
                    key |= ENDED * np.int64(ended) | ENTERS * np.int64(entering) | LEAVES * np.int64(leaving)
                    key |= NEW_A * np.int64(new_a if is_first else before[0] != m or before[2] != k)
                    key |= NEW_B * np.int64(new_b if is_first else before[1] != n or before[2] != k)
                if collecting:
                    needed[key] = True
                    continue
                scratch[:] = 0
                if not is_last:
                    if after[0] != m or after[2] != k:
                        _moves_of(problem, stage, tile, INPUT, True, widths[A_BITS], sizes, extents, after, weight,
                                  total, scratch[when_a])  # fmt: skip
                    if after[1] != n or after[2] != k:
                        _moves_of(problem, stage, tile, WEIGHT, True, widths[B_BITS], sizes, extents, after, weight,
                                  total, scratch[when_b])  # fmt: skip
                    if leaving and (begun or after[2] > 0):
                        _moves_of(problem, stage, tile, OUTPUT, True, widths[PARTIAL_BITS], sizes, extents, after,
                                  weight, total, scratch[when_c])  # fmt: skip
                if is_first:
                    if new_a:
                        _moves_of(problem, stage, tile, INPUT, True, widths[A_BITS], sizes, extents, here, weight,
                                  total, scratch[FIRST])  # fmt: skip
                    if new_b:
                        _moves_of(problem, stage, tile, WEIGHT, True, widths[B_BITS], sizes, extents, here, weight,
                                  total, scratch[FIRST])  # fmt: skip
                    if enters and started:
                        _moves_of(problem, stage, tile, OUTPUT, True, widths[PARTIAL_BITS], sizes, extents, here,
                                  weight, total, scratch[FIRST])  # fmt: skip
                width = widths[C_BITS] if ended else widths[PARTIAL_BITS]
                if when_c == BETWEEN:
                    if leaving:
                        _moves_of(problem, stage, tile, OUTPUT, False, width, sizes, extents, here, weight, total,
                                  scratch[BETWEEN])  # fmt: skip
                else:
                    if not is_first and entering:
                        earlier = widths[C_BITS] if finishes and before[2] == trips_k - 1 else widths[PARTIAL_BITS]
                        _moves_of(problem, stage, tile, OUTPUT, False, earlier, sizes, extents, before, weight, total,
                                  scratch[BESIDE])  # fmt: skip
                    if is_last and leaves:
                        _moves_of(problem, stage, tile, OUTPUT, False, width, sizes, extents, here, weight, total,
                                  scratch[FINAL])  # fmt: skip
                work = max(
                    inner_cycles[key],
                    busy_cycles(problem, inner_timed[key], scratch[NOTHING]) if innermost else 0,
                    busy_cycles(problem, inner_timed[key], scratch[BESIDE]),
                )  # fmt: skip
                step = work + busy_cycles(problem, scratch[BETWEEN], scratch[NOTHING])
                if is_first:
                    step += busy_cycles(problem, scratch[FIRST], scratch[NOTHING]) + _latency(problem, scratch[FIRST])
                if is_last:
                    step += busy_cycles(problem, scratch[FINAL], scratch[NOTHING])
                cycles += weight * step
                for place in range(total.shape[0]):
                    for operand in range(3):
                        for way in range(2):
                            total[place, operand, way] += weight * inner_total[key, place, operand, way]
                            timed[place, operand, way] += weight * (
                                inner_timed[key, place, operand, way] + scratch[BESIDE, place, operand, way]
                                + scratch[BETWEEN, place, operand, way] + scratch[FIRST, place, operand, way]
                                + scratch[FINAL, place, operand, way]
                            )  # fmt: skip
    return cycles


@njit(cache=True)
def case_of(problem, tile, sizes, extents, case):
    """Steps and elements, both (m, n, k), of the tile that a case of the stage outside stands for."""
    at_m = -(-sizes[0] // min(tile[0], sizes[0])) - 1 if case & M_LAST else 0
    at_n = -(-sizes[1] // min(tile[1], sizes[1])) - 1 if case & N_LAST else 0
    at_k = -(-sizes[2] // min(tile[2], sizes[2])) - 1 if case & K_LAST else 0
    return tile_at(problem[6], tile, sizes, extents, (at_m, at_n, at_k))


@njit(cache=True)
def _innermost(problem, tiles, sizes, extents, case, space, total, timed):
    """The stage next to the unit; ``space`` as `workspace` makes it."""
    needed, cycles, totals, timeds, scratch, none = space
    stage = len(tiles) - 1
    needed[stage, :] = False
    sum_steps(problem, tiles, stage, sizes, extents, case, needed[stage], (cycles[stage], totals[stage],
              timeds[stage]), total, timed, scratch)  # fmt: skip
    for key in range(2 * STARTED):
        if needed[stage, key]:
            tile_sizes, tile_extents = case_of(problem, tiles[stage], sizes, extents, key)
            totals[stage, key], timeds[stage, key] = 0, 0
            cycles[stage, key] = unit_work(
                problem, tiles[stage], tile_sizes, tile_extents, (key & STARTED) != 0, totals[stage, key],
                timeds[stage, key],
            )  # fmt: skip
    return sum_steps(problem, tiles, stage, sizes, extents, case, none, (cycles[stage], totals[stage],
                     timeds[stage]), total, timed, scratch)  # fmt: skip


@njit(cache=True)
def _middle(problem, tiles, sizes, extents, case, space, total, timed):
    """The stage outside the innermost one."""
    needed, cycles, totals, timeds, scratch, none = space
    stage = len(tiles) - 2
    needed[stage, :] = False
    sum_steps(problem, tiles, stage, sizes, extents, case, needed[stage], (cycles[stage], totals[stage],
              timeds[stage]), total, timed, scratch)  # fmt: skip
    for key in range(CASES):
        if needed[stage, key]:
            tile_sizes, tile_extents = case_of(problem, tiles[stage], sizes, extents, key)
            totals[stage, key], timeds[stage, key] = 0, 0
            cycles[stage, key] = _innermost(
                problem, tiles, tile_sizes, tile_extents, key, space, totals[stage, key], timeds[stage, key]
            )
    return sum_steps(problem, tiles, stage, sizes, extents, case, none, (cycles[stage], totals[stage],
                     timeds[stage]), total, timed, scratch)  # fmt: skip


@njit(cache=True)
def _outer(problem, tiles, sizes, extents, case, space, total, timed):
    """The outermost of three stages."""
    needed, cycles, totals, timeds, scratch, none = space
    needed[0, :] = False
    sum_steps(problem, tiles, 0, sizes, extents, case, needed[0], (cycles[0], totals[0], timeds[0]), total, timed,
              scratch)  # fmt: skip
    for key in range(CASES):
        if needed[0, key]:
            tile_sizes, tile_extents = case_of(problem, tiles[0], sizes, extents, key)
            totals[0, key], timeds[0, key] = 0, 0
            cycles[0, key] = _middle(
                problem, tiles, tile_sizes, tile_extents, key, space, totals[0, key], timeds[0, key]
            )
    return sum_steps(problem, tiles, 0, sizes, extents, case, none, (cycles[0], totals[0], timeds[0]), total, timed,
                     scratch)  # fmt: skip


@njit(cache=True)
def workspace(stages, places):
    """Room for `evaluate`: cases asked for, their cycles and bits by stage, moves of a step, and no case at all."""
    return (
        np.zeros((stages, CASES), np.bool_), np.zeros((stages, CASES), np.int64),
        np.zeros((stages, CASES, places, 3, 2), np.int64), np.zeros((stages, CASES, places, 3, 2), np.int64),
        np.zeros((5, places, 3, 2), np.int64), np.zeros(0, np.bool_),
    )  # fmt: skip


@njit(cache=True)
def evaluate(problem, tiles, space, total, timed):
    """Cycles of the whole product mapped by ``tiles`` int64[S, 8]; sets ``total`` and ``timed`` [L, 3, 2], in bits."""
    geometry = problem[6]
    sizes = (steps_of(geometry, 0), steps_of(geometry, 1), steps_of(geometry, 2))
    extents = (extent_of(geometry, 0), extent_of(geometry, 1), extent_of(geometry, 2))
    total[:], timed[:] = 0, 0
    case = ENDED | NEW_A | NEW_B | ENTERS | LEAVES
    if len(tiles) == 1:
        return _innermost(problem, tiles, sizes, extents, case, space, total, timed)
    if len(tiles) == 2:
        return _middle(problem, tiles, sizes, extents, case, space, total, timed)
    return _outer(problem, tiles, sizes, extents, case, space, total, timed)
