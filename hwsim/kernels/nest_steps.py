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

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_cases import (
    ENDED,
    FROM_A,
    FROM_B,
    FROM_C,
    K_LAST,
    LEAVES,
    M_LAST,
    N_LAST,
    NEW_A,
    NEW_B,
    NEW_C,
    NEXT_K_LAST,
    NEXT_M_LAST,
    NEXT_N_LAST,
    NEXT_NEW_A,
    NEXT_NEW_B,
    NEXT_STARTED,
    PREVIOUS_ENDED,
    PREVIOUS_M_LAST,
    PREVIOUS_N_LAST,
    STARTED,
    TO_A,
    TO_B,
    TO_C,
    find_case,
    last_of,
    loops_of,
    placed,
    representative,
)  # fmt: skip
from hwsim.kernels.nest_moves import (
    BESIDE,
    BETWEEN,
    FINAL,
    FIRST,
    HERE,
    NEXT,
    NOTHING,
    PREVIOUS,
    latency_of,
    make_moves,
    may_cross,
    note,
    when_moves,
)  # fmt: skip
from hwsim.kernels.nest_work import (
    A_BITS,
    B_BITS,
    C_BITS,
    HIDES_ENDS,
    INPUT,
    ORDER,
    OUTPUT,
    PARTIAL_BITS,
    WEIGHT,
    busy_cycles,
)  # fmt: skip


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
    first_side, second_side, third_side = loops_of(tile[ORDER], trips)
    outer_trips, middle_trips, inner_trips = trips[first_side], trips[second_side], trips[third_side]
    # Where the loops leave the first tile, it is another one when they begin again.
    again_a, again_b, again_c = trips_m > 1 or trips_k > 1, trips_n > 1 or trips_k > 1, trips_m > 1 or trips_n > 1
    new_a, new_b = (case & NEW_A) != 0 or again_a, (case & NEW_B) != 0 or again_b
    enters, leaves = (case & NEW_C) != 0 or again_c, (case & LEAVES) != 0 or again_c
    begun, finishes = (case & STARTED) != 0, (case & ENDED) != 0
    when_a, when_b, when_c = (
        when_moves(problem, stage, INPUT), when_moves(problem, stage, WEIGHT), when_moves(problem, stage, OUTPUT),
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
        outer, outer_weight = representative(o, outer_trips)
        if outer_weight == 0:
            continue
        for p in range(4):
            middle, middle_weight = representative(p, middle_trips)
            if middle_weight == 0:
                continue
            for q in range(4):
                index, index_weight = representative(q, inner_trips)
                if index_weight == 0:
                    continue
                weight = outer_weight * middle_weight * index_weight
                ends_q, starts_q = index == inner_trips - 1, index == 0
                ends_p, starts_p = ends_q and middle == middle_trips - 1, starts_q and middle == 0
                is_last, is_first = ends_p and outer == outer_trips - 1, starts_p and outer == 0
                here = placed(first_side, second_side, outer, middle, index)
                after = placed(
                    first_side, second_side, outer + np.int64(ends_p),
                    (0 if ends_p else middle + 1) if ends_q else middle, 0 if ends_q else index + 1,
                )  # fmt: skip
                before = placed(
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
                            FROM_A * np.int64(may_cross(problem, stage, INPUT, not from_a))
                            | FROM_B * np.int64(may_cross(problem, stage, WEIGHT, not from_b))
                            | FROM_C * np.int64(may_cross(problem, stage, OUTPUT, not from_c))
                            | PREVIOUS_M_LAST * np.int64(before[0] == trips_m - 1)
                            | PREVIOUS_N_LAST * np.int64(before[1] == trips_n - 1)
                            | PREVIOUS_ENDED * np.int64(was_ended)
                        )  # fmt: skip
                    if not is_last:
                        key |= (
                            TO_A * np.int64(may_cross(problem, stage, INPUT, not to_a))
                            | TO_B * np.int64(may_cross(problem, stage, WEIGHT, not to_b))
                            | TO_C * np.int64(may_cross(problem, stage, OUTPUT, not to_c))
                            | NEXT_NEW_A * np.int64(to_a) | NEXT_NEW_B * np.int64(to_b)
                            | NEXT_M_LAST * np.int64(after[0] == trips_m - 1)
                            | NEXT_N_LAST * np.int64(after[1] == trips_n - 1)
                            | NEXT_K_LAST * np.int64(after[2] == trips_k - 1)
                            | NEXT_STARTED * np.int64(begun or after[2] > 0)
                        )  # fmt: skip
                place = find_case(cases[1:], cases[0], key)
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
                following = placed(
                    first_side, second_side, outer + np.int64(middle == middle_trips - 1),
                    0 if middle == middle_trips - 1 else middle + 1, 0,
                )  # fmt: skip
                preceding = placed(
                    first_side, second_side, outer - np.int64(middle == 0),
                    middle_trips - 1 if middle == 0 else middle - 1, inner_trips - 1,
                )  # fmt: skip
                if run_a > 1 and not final_run:
                    note(moves, INPUT, True, widths[A_BITS], HERE, following, weight * ends_q, run_a, BESIDE)
                elif not is_last and to_a and run_a == 1:
                    note(moves, INPUT, True, widths[A_BITS], HERE, after, weight, 1, when_a)
                if run_b > 1 and not final_run:
                    note(moves, WEIGHT, True, widths[B_BITS], HERE, following, weight * ends_q, run_b, BESIDE)
                elif not is_last and to_b and run_b == 1:
                    note(moves, WEIGHT, True, widths[B_BITS], HERE, after, weight, 1, when_b)
                if run_c > 1 and not final_run:
                    if begun or following[2] > 0:
                        note(moves, OUTPUT, True, widths[PARTIAL_BITS], HERE, following, weight * ends_q, run_c, BESIDE)
                elif not is_last and to_c and run_c == 1 and (begun or after[2] > 0):
                    note(moves, OUTPUT, True, widths[PARTIAL_BITS], HERE, after, weight, 1, when_c)
                # Across the border to the next outer tile, beside the last step or the last run.
                if ahead_a and (is_last or (final_run and run_a > 1)) and ((case & NEXT_NEW_A) != 0 or again_a):
                    note(moves, INPUT, True, widths[A_BITS], NEXT, (0, 0, 0), weight * is_last, run_a, BESIDE)
                if ahead_b and (is_last or (final_run and run_b > 1)) and ((case & NEXT_NEW_B) != 0 or again_b):
                    note(moves, WEIGHT, True, widths[B_BITS], NEXT, (0, 0, 0), weight * is_last, run_b, BESIDE)
                if late_c and leaves and (is_last or (final_run and run_c > 1)) and (case & NEXT_STARTED) != 0:
                    note(moves, OUTPUT, True, widths[PARTIAL_BITS], NEXT, (0, 0, 0), weight * is_last, run_c, BESIDE)
                if is_last and leaves and when_c == BESIDE and not late_c:
                    note(moves, OUTPUT, False, width, HERE, here, weight, 1, FINAL)
                if is_first:
                    if new_a and not came_a:
                        note(moves, INPUT, True, widths[A_BITS], HERE, here, weight, 1, FIRST)
                    if new_b and not came_b:
                        note(moves, WEIGHT, True, widths[B_BITS], HERE, here, weight, 1, FIRST)
                    if enters and started and not came_c:
                        note(moves, OUTPUT, True, widths[PARTIAL_BITS], HERE, here, weight, 1, FIRST)
                if enters and came_c and (is_first or (first_run and run_c > 1)):
                    earlier = widths[C_BITS] if (case & PREVIOUS_ENDED) != 0 else widths[PARTIAL_BITS]
                    note(
                        moves,
                        OUTPUT,
                        False,
                        earlier,
                        PREVIOUS,
                        last_of(tile, borders[0]),
                        weight * is_first,
                        run_c,
                        BESIDE,
                    )
                if when_c == BESIDE:
                    if run_c > 1 and not first_run:
                        earlier = widths[C_BITS] if finishes and preceding[2] == trips_k - 1 else widths[PARTIAL_BITS]
                        note(moves, OUTPUT, False, earlier, HERE, preceding, weight * starts_q, run_c, BESIDE)
                    elif run_c == 1 and not is_first and from_c:
                        earlier = widths[C_BITS] if was_ended else widths[PARTIAL_BITS]
                        note(moves, OUTPUT, False, earlier, HERE, before, weight, 1, BESIDE)
                elif leaves if is_last else to_c:
                    note(moves, OUTPUT, False, width, HERE, here, weight, 1, BETWEEN)
                make_moves(problem, stage, tile, sizes, extents, borders, moves, total, scratch)
                step = max(inner_cycles[place], busy_cycles(problem, inner_timed[place], scratch[BESIDE]))
                step += busy_cycles(problem, scratch[BETWEEN], scratch[NOTHING])
                if is_first and not hides_ends:
                    step += busy_cycles(problem, scratch[FIRST], scratch[NOTHING]) + latency_of(problem, scratch[FIRST])
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
