"""Cycles and traffic of a product tiled over up to three stages of memories, step by step, in closed form.

A stage runs over its tiles i = 0 .. T-1 in loop order. Before tile i starts, the operands that differ from
those of the tile before must have come; when its sums are complete, or make room for others, they leave
(unfinished ones as partial sums, which come back later). With double-buffered homes

    cycles = load(0) + sum_i max(work(i), beside(i)) + store(T-1),

where beside(i) are the next tile's loads and the last tile's store, sharing each memory's bandwidth with what
work(i) itself moves. A tile that stays for several steps gives its successor (and the sums before it) as many
steps to move in, in equal parts rounded up to a bit. An operand whose home is not double-buffered has its
transfers between the tiles instead.

work(i) is the unit's time on the tile, or, in an outer stage, the cycles of the stage inside. That stage keeps an
operand from one outer tile to the next where both the outer tile and its own cover the same elements; it loads
the first tile of the next outer one, and stores the last sums, beside the work at the border, where their memory
outside is the same on both sides of it (an operand that bypasses the outer stage, or whose outer tile stays).
Where products follow each other (`HIDES_ENDS`), the first load and the last store of the whole product are done
beside its neighbours' work, and each memory's time for all bits is the least there is.

The sum has few distinct terms: where a step lies in a loop matters only through whether it is the first, the
last or the last but one, so at most 4^3 representatives with their multiplicities stand for all steps, and the
work inside has as many cases at most. `hwsim.mapping.simulator` walks every tile and must agree.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_work import (
    A_BITS,
    B_BITS,
    C_BITS,
    HIDES_ENDS,
    INPUT,
    LATENCY,
    ORDER,
    ORDERS,
    OUTPUT,
    OVERLAPS,
    PARTIAL_BITS,
    READ,
    WEIGHT,
    busy_cycles,
    move,
    unit_work,
)  # fmt: skip
from hwsim.kernels.tile_elements import extent_of, steps_of, tile_extent

NOTHING, BESIDE, BETWEEN, FIRST, FINAL = 0, 1, 2, 3, 4
"""Places of a step's moves."""
HERE, PREVIOUS, NEXT = 0, 1, 2
"""Whose tile moves: this outer tile's, or that of the one before or after."""
CASES = 64
"""Different cases of the work inside a stage: at most one a representative step."""
M_LAST, N_LAST, K_LAST, STARTED, ENDED = 1, 2, 4, 8, 16
"""Bits of a case: which indices are the last, whether sums were begun before, whether they are complete after."""
NEW_A, NEW_B, NEW_C, LEAVES = 32, 64, 128, 256
"""Whether the tiles of a, b and c differ from those of the step before, that of c from that of the step after."""
FROM_A, FROM_B, FROM_C, TO_A, TO_B, TO_C = 512, 1024, 2048, 4096, 8192, 16384
"""Whether there is a step before (after) across whose end the stage inside may load ahead, or store late."""
NEXT_NEW_A, NEXT_NEW_B, NEXT_M_LAST, NEXT_N_LAST, NEXT_K_LAST, NEXT_STARTED = (
    1 << 15,
    1 << 16,
    1 << 17,
    1 << 18,
    1 << 19,
    1 << 20,
)
"""Of the step after."""
PREVIOUS_M_LAST, PREVIOUS_N_LAST, PREVIOUS_ENDED = 1 << 21, 1 << 22, 1 << 23
"""Of the step before."""


@bare
def _representative(which, trips):
    """(index, multiplicity) of the first, the second and all like it, the last but one, the last."""
    if which == 0:
        return 0, 1
    if which == 1:
        return 1, max(trips - 3, 0)
    if which == 2:
        return trips - 2, np.int64(trips > 2)
    return trips - 1, np.int64(trips > 1)


@bare
def _cut(geometry, side, index, last, step, steps, extent):
    """Steps and elements of the tile at ``index`` of a class of ``steps`` holding ``extent`` elements."""
    if index == last:
        return steps - last * step, extent - last * tile_extent(geometry, side, step)
    return step, tile_extent(geometry, side, step)


@bare
def _placed(first_side, second_side, outer, middle, inner):
    """Indices along (m, n, k) of a loop order's indices."""
    m = outer if first_side == 0 else (middle if second_side == 0 else inner)
    n = outer if first_side == 1 else (middle if second_side == 1 else inner)
    k = outer if first_side == 2 else (middle if second_side == 2 else inner)
    return m, n, k


@bare
def tile_at(geometry, tile, sizes, extents, at):
    """Steps and elements, both (m, n, k), of the tile at indices ``at``."""
    step_m, step_n, step_k = min(tile[0], sizes[0]), min(tile[1], sizes[1]), min(tile[2], sizes[2])
    size_m, extent_m = _cut(geometry, 0, at[0], -(-sizes[0] // step_m) - 1, step_m, sizes[0], extents[0])
    size_n, extent_n = _cut(geometry, 1, at[1], -(-sizes[1] // step_n) - 1, step_n, sizes[1], extents[1])
    size_k, extent_k = _cut(geometry, 2, at[2], -(-sizes[2] // step_k) - 1, step_k, sizes[2], extents[2])
    return (size_m, size_n, size_k), (extent_m, extent_n, extent_k)


@bare
def _note(moves, operand, inwards, width, base, at, times, parts, when):
    """Writes down a move, to be made when all of a step are known: one call of `move` keeps the kernel small."""
    row = moves[0, 0] + 1
    moves[0, 0] = row
    moves[row, 0], moves[row, 1], moves[row, 2], moves[row, 3] = operand, inwards, width, base
    moves[row, 4], moves[row, 5], moves[row, 6] = at
    moves[row, 7], moves[row, 8], moves[row, 9] = times, parts, when


@bare
def _make(problem, stage, tile, sizes, extents, borders, moves, total, scratch):
    """Makes the moves that were written down."""
    for row in range(1, moves[0, 0] + 1):
        base = moves[row, 3]
        whole_sizes, whole_extents = sizes, extents
        if base == PREVIOUS:
            whole_sizes, whole_extents = borders[0], borders[1]
        elif base == NEXT:
            whole_sizes, whole_extents = borders[2], borders[3]
        at = (moves[row, 4], moves[row, 5], moves[row, 6])
        tile_sizes, tile_extents = tile_at(problem[6], tile, whole_sizes, whole_extents, at)
        move(problem, stage, tile, moves[row, 0], moves[row, 1] != 0, moves[row, 2], tile_sizes, tile_extents,
             moves[row, 7], moves[row, 8], total, scratch[moves[row, 9]])  # fmt: skip
    moves[0, 0] = 0


@bare
def _when(problem, stage, operand):
    """Which moves of a step an operand's belong to: beside the work if its home is double-buffered."""
    memory, routes = problem[0], problem[2]
    count = routes[stage, operand, 0]
    return BESIDE if count > 0 and memory[routes[stage, operand, count], OVERLAPS] != 0 else BETWEEN


@bare
def _latency(problem, timed):
    """Cycles before the first word of ``timed`` moves comes: those of the memories that are read."""
    memory, longest = problem[0], 0
    for place in range(len(memory)):
        if timed[place, 0, READ] + timed[place, 1, READ] + timed[place, 2, READ] > 0:
            longest = max(longest, memory[place, LATENCY])
    return longest


@bare
def _loops(order, trips):
    """The sides of a loop order, outermost first, with loops of a single trip moved to the outside."""
    first, second, third = ORDERS[order, 0], ORDERS[order, 1], ORDERS[order, 2]
    if trips[third] == 1:
        first, second, third = third, first, second
        if trips[third] == 1:
            first, second, third = third, first, second
    if trips[second] == 1:
        first, second = second, first
    return first, second, third


@bare
def _ahead(problem, stage, operand, stays):
    """Whether the stage inside ``stage`` may move an operand across the border of two tiles of ``stage``.

    Its memory outside must be the same on both sides: not the home in ``stage`` of a tile that does not stay.
    """
    routes = problem[2]
    if stays or routes[stage, operand, 0] == 0:
        return True
    return routes[stage + 1, operand, 1] != routes[stage, operand, routes[stage, operand, 0]]


@bare
def _find(cases, count, key):
    """The place of a case among those asked for; -1 if it is not there."""
    for place in range(count):
        if cases[place] == key:
            return place
    return -1


@bare
def sum_steps(
    problem, tiles, stage, sizes, extents, case, borders, cases, collecting, inner, total, timed, scratch, moves
):
    """One stage on a product of ``sizes`` steps and ``extents`` elements, entered as ``case`` says.

    ``borders`` are the steps and elements of the outer tiles before and after. When ``collecting``, only lists
    the cases of the work inside that will be asked for in ``cases`` int64[65] (their number first); otherwise
    ``inner`` has their (cycles int64[64], total, timed int64[64, L, 3, 2]); returns the cycles and adds all
    bits to ``total`` and ``timed``. ``scratch`` int64[5, L, 3, 2] and ``moves`` int64[16, 10] are for a step's moves.
    """
    widths = problem[5]
    inner_cycles, inner_total, inner_timed = inner
    tile = tiles[stage]
    innermost = stage == len(tiles) - 1
    trips_m = -(-sizes[0] // min(tile[0], sizes[0]))
    trips_n = -(-sizes[1] // min(tile[1], sizes[1]))
    trips_k = -(-sizes[2] // min(tile[2], sizes[2]))
    trips = (trips_m, trips_n, trips_k)
    first_side, second_side, third_side = _loops(tile[ORDER], trips)
    outer_trips, middle_trips, inner_trips = trips[first_side], trips[second_side], trips[third_side]
    # Where the loops leave the first tile, it is another one when they begin again.
    again_a, again_b, again_c = trips_m > 1 or trips_k > 1, trips_n > 1 or trips_k > 1, trips_m > 1 or trips_n > 1
    new_a, new_b = (case & NEW_A) != 0 or again_a, (case & NEW_B) != 0 or again_b
    enters, leaves = (case & NEW_C) != 0 or again_c, (case & LEAVES) != 0 or again_c
    begun, finishes = (case & STARTED) != 0, (case & ENDED) != 0
    when_a, when_b, when_c = (
        _when(problem, stage, INPUT), _when(problem, stage, WEIGHT), _when(problem, stage, OUTPUT),
    )  # fmt: skip
    came_a, came_b = when_a == BESIDE and (case & FROM_A) != 0, when_b == BESIDE and (case & FROM_B) != 0
    came_c = when_c == BESIDE and (case & FROM_C) != 0
    ahead_a, ahead_b = when_a == BESIDE and (case & TO_A) != 0, when_b == BESIDE and (case & TO_B) != 0
    late_c = when_c == BESIDE and (case & TO_C) != 0
    # While the innermost loop runs, the operand that does not depend on it stays; what follows it comes in equal parts.
    run_a, run_b, run_c = (
        inner_trips if third_side == 1 and when_a == BESIDE else 1,
        inner_trips if third_side == 0 and when_b == BESIDE else 1,
        inner_trips if third_side == 2 and when_c == BESIDE else 1,
    )  # fmt: skip
    hides_ends = stage == 0 and problem[0][0, HIDES_ENDS] != 0
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
                was_ended = finishes and before[2] == trips_k - 1
                from_a, to_a = before[0] != m or before[2] != k, after[0] != m or after[2] != k
                from_b, to_b = before[1] != n or before[2] != k, after[1] != n or after[2] != k
                from_c, to_c = before[0] != m or before[1] != n, after[0] != m or after[1] != n
                key = (
                    M_LAST * np.int64(m == trips_m - 1) | N_LAST * np.int64(n == trips_n - 1)
                    | K_LAST * np.int64(k == trips_k - 1) | STARTED * np.int64(started)
                )  # fmt: skip
                if not innermost:
                    key |= (
                        ENDED * np.int64(ended) | NEW_A * np.int64(new_a if is_first else from_a)
                        | NEW_B * np.int64(new_b if is_first else from_b)
                        | NEW_C * np.int64(enters if is_first else from_c)
                        | LEAVES * np.int64(leaves if is_last else to_c)
                    )  # fmt: skip
                    if not is_first:
                        key |= (
                            FROM_A * np.int64(_ahead(problem, stage, INPUT, not from_a))
                            | FROM_B * np.int64(_ahead(problem, stage, WEIGHT, not from_b))
                            | FROM_C * np.int64(_ahead(problem, stage, OUTPUT, not from_c))
                            | PREVIOUS_M_LAST * np.int64(before[0] == trips_m - 1)
                            | PREVIOUS_N_LAST * np.int64(before[1] == trips_n - 1)
                            | PREVIOUS_ENDED * np.int64(was_ended)
                        )  # fmt: skip
                    if not is_last:
                        key |= (
                            TO_A * np.int64(_ahead(problem, stage, INPUT, not to_a))
                            | TO_B * np.int64(_ahead(problem, stage, WEIGHT, not to_b))
                            | TO_C * np.int64(_ahead(problem, stage, OUTPUT, not to_c))
                            | NEXT_NEW_A * np.int64(to_a) | NEXT_NEW_B * np.int64(to_b)
                            | NEXT_M_LAST * np.int64(after[0] == trips_m - 1)
                            | NEXT_N_LAST * np.int64(after[1] == trips_n - 1)
                            | NEXT_K_LAST * np.int64(after[2] == trips_k - 1)
                            | NEXT_STARTED * np.int64(begun or after[2] > 0)
                        )  # fmt: skip
                place = _find(cases[1:], cases[0], key)
                if collecting:
                    if place < 0:
                        cases[0] += 1
                        cases[cases[0]] = key
                    continue
                scratch[:] = 0
                width = widths[C_BITS] if ended else widths[PARTIAL_BITS]
                final_run = middle == middle_trips - 1 and outer == outer_trips - 1
                first_run = middle == 0 and outer == 0
                # The tiles after and before the whole run of the innermost loop, for the operand that stays in it.
                following = _placed(
                    first_side, second_side, outer + np.int64(middle == middle_trips - 1),
                    0 if middle == middle_trips - 1 else middle + 1, 0,
                )  # fmt: skip
                preceding = _placed(
                    first_side, second_side, outer - np.int64(middle == 0),
                    middle_trips - 1 if middle == 0 else middle - 1, inner_trips - 1,
                )  # fmt: skip
                if run_a > 1 and not final_run:
                    _note(moves, INPUT, True, widths[A_BITS], HERE, following, weight * ends_q, run_a, BESIDE)
                elif not is_last and to_a and run_a == 1:
                    _note(moves, INPUT, True, widths[A_BITS], HERE, after, weight, 1, when_a)
                if run_b > 1 and not final_run:
                    _note(moves, WEIGHT, True, widths[B_BITS], HERE, following, weight * ends_q, run_b, BESIDE)
                elif not is_last and to_b and run_b == 1:
                    _note(moves, WEIGHT, True, widths[B_BITS], HERE, after, weight, 1, when_b)
                if run_c > 1 and not final_run:
                    if begun or following[2] > 0:
                        _note(
                            moves, OUTPUT, True, widths[PARTIAL_BITS], HERE, following, weight * ends_q, run_c, BESIDE
                        )
                elif not is_last and to_c and run_c == 1 and (begun or after[2] > 0):
                    _note(moves, OUTPUT, True, widths[PARTIAL_BITS], HERE, after, weight, 1, when_c)
                # Across the border to the next outer tile, beside the last step or the last run.
                if ahead_a and (is_last or (final_run and run_a > 1)) and ((case & NEXT_NEW_A) != 0 or again_a):
                    _note(moves, INPUT, True, widths[A_BITS], NEXT, (0, 0, 0), weight * is_last, run_a, BESIDE)
                if ahead_b and (is_last or (final_run and run_b > 1)) and ((case & NEXT_NEW_B) != 0 or again_b):
                    _note(moves, WEIGHT, True, widths[B_BITS], NEXT, (0, 0, 0), weight * is_last, run_b, BESIDE)
                if late_c and leaves and (is_last or (final_run and run_c > 1)) and (case & NEXT_STARTED) != 0:
                    _note(moves, OUTPUT, True, widths[PARTIAL_BITS], NEXT, (0, 0, 0), weight * is_last, run_c, BESIDE)
                if is_last and leaves and when_c == BESIDE and not late_c:
                    _note(moves, OUTPUT, False, width, HERE, here, weight, 1, FINAL)
                if is_first:
                    if new_a and not came_a:
                        _note(moves, INPUT, True, widths[A_BITS], HERE, here, weight, 1, FIRST)
                    if new_b and not came_b:
                        _note(moves, WEIGHT, True, widths[B_BITS], HERE, here, weight, 1, FIRST)
                    if enters and started and not came_c:
                        _note(moves, OUTPUT, True, widths[PARTIAL_BITS], HERE, here, weight, 1, FIRST)
                if enters and came_c and (is_first or (first_run and run_c > 1)):
                    earlier = widths[C_BITS] if (case & PREVIOUS_ENDED) != 0 else widths[PARTIAL_BITS]
                    _note(
                        moves,
                        OUTPUT,
                        False,
                        earlier,
                        PREVIOUS,
                        _last_of(tile, borders[0]),
                        weight * is_first,
                        run_c,
                        BESIDE,
                    )
                if when_c == BESIDE:
                    if run_c > 1 and not first_run:
                        earlier = widths[C_BITS] if finishes and preceding[2] == trips_k - 1 else widths[PARTIAL_BITS]
                        _note(moves, OUTPUT, False, earlier, HERE, preceding, weight * starts_q, run_c, BESIDE)
                    elif run_c == 1 and not is_first and from_c:
                        earlier = widths[C_BITS] if was_ended else widths[PARTIAL_BITS]
                        _note(moves, OUTPUT, False, earlier, HERE, before, weight, 1, BESIDE)
                elif leaves if is_last else to_c:
                    _note(moves, OUTPUT, False, width, HERE, here, weight, 1, BETWEEN)
                _make(problem, stage, tile, sizes, extents, borders, moves, total, scratch)
                step = max(inner_cycles[place], busy_cycles(problem, inner_timed[place], scratch[BESIDE]))
                step += busy_cycles(problem, scratch[BETWEEN], scratch[NOTHING])
                if is_first and not hides_ends:
                    step += busy_cycles(problem, scratch[FIRST], scratch[NOTHING]) + _latency(problem, scratch[FIRST])
                if is_last and not hides_ends:
                    step += busy_cycles(problem, scratch[FINAL], scratch[NOTHING])
                cycles += weight * step
                for memory in range(total.shape[0]):
                    for operand in range(3):
                        for way in range(2):
                            total[memory, operand, way] += weight * inner_total[place, memory, operand, way]
                            timed[memory, operand, way] += weight * (
                                inner_timed[place, memory, operand, way] + scratch[BESIDE, memory, operand, way]
                                + scratch[BETWEEN, memory, operand, way] + scratch[FIRST, memory, operand, way]
                                + scratch[FINAL, memory, operand, way]
                            )  # fmt: skip
    return cycles


@bare
def _last_of(tile, sizes):
    """Indices of the last tile."""
    return (
        -(-sizes[0] // min(tile[0], sizes[0])) - 1, -(-sizes[1] // min(tile[1], sizes[1])) - 1,
        -(-sizes[2] // min(tile[2], sizes[2])) - 1,
    )  # fmt: skip


@bare
def case_of(problem, tile, sizes, extents, m_last, n_last, k_last):
    """Steps and elements, both (m, n, k), of a tile that is the last or not along m, n and k."""
    last = _last_of(tile, sizes)
    at = (last[0] if m_last else 0, last[1] if n_last else 0, last[2] if k_last else 0)
    return tile_at(problem[6], tile, sizes, extents, at)


@bare
def borders_of(problem, tile, sizes, extents, case):
    """Steps and elements of the tiles before and after the one that ``case`` stands for."""
    before = case_of(problem, tile, sizes, extents, (case & PREVIOUS_M_LAST) != 0, (case & PREVIOUS_N_LAST) != 0, True)
    after = case_of(
        problem, tile, sizes, extents, (case & NEXT_M_LAST) != 0, (case & NEXT_N_LAST) != 0, (case & NEXT_K_LAST) != 0
    )
    return before[0], before[1], after[0], after[1]


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
