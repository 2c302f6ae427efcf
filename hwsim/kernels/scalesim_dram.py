"""Operand streams of a systolic array in SCALE-Sim's order of demand, through its model of a read buffer.

An operand is a matrix of words [i, k]; word (i, k) has the address ``base[i] + off[k]``, and lies outside the image
where ``row_i[i] + row_k[k]`` reaches ``height`` or ``col_i[i] + col_k[k]`` reaches ``width`` (no request then).
Folds run column folds outside, row folds inside. Inside a fold lane l asks for its word of time t in cycle
``delay + l + t``, lane by lane; a stationary tile comes last row first, one row a cycle.

The buffer: a word that is not remembered is fetched and remembered; after ``room`` fetched words all are forgotten.
"""

from __future__ import annotations

from numba import njit

LANES_ARE_ROWS, LANES_ARE_COLUMNS, STREAM_OVER_I, STATIONARY = 0, 1, 2, 3
"""Lanes i of the row fold with k in time (OS, a); lanes i of the column fold with k in time (OS, b); lanes k of the
row fold with i in time (the streamed operand of WS and IS); a tile of row fold k × column fold i that stays."""


@njit(cache=True, nogil=True)
def walk_reads(
    pattern, rows, cols, fold_cycles, delay, row_folds, column_folds, base, off, row_i, row_k, col_i, col_k,
    height, width, room, remembered, ends,
):  # fmt: skip
    """(fetched since the last forgetting, fetched in all, first and last cycle of a request).

    ``remembered`` holds zeros, one for each address. ``ends[e]`` becomes the cycle in which epoch e's last word was
    asked for. Inside a fold, lane l of step j asks for word (i, k), both linear in l and j.
    """
    i_extent, k_extent = len(base), len(off)
    epoch, left, fetched, first_cycle, last_cycle = 1, 0, 0, -1, -1
    overhangs = row_i[-1] + row_k[-1] >= height or col_i.max() + col_k.max() >= width
    for g in range(column_folds):
        for f in range(row_folds):
            if pattern == STATIONARY:
                first_i, first_k = g * cols, min((f + 1) * rows, k_extent) - 1
                steps, lanes = first_k - f * rows + 1, min(cols, i_extent - first_i)
                i_lane, i_step, k_lane, k_step = 1, 0, 0, -1
            elif pattern == STREAM_OVER_I:
                first_i, first_k = 0, f * rows
                lanes = min(rows, k_extent - first_k)
                steps = i_extent + lanes - 1
                i_lane, i_step, k_lane, k_step = -1, 1, 1, 0
            else:
                first_i, first_k = (f * rows, 0) if pattern == LANES_ARE_ROWS else (g * cols, 0)
                lanes = min(rows if pattern == LANES_ARE_ROWS else cols, i_extent - first_i)
                steps = k_extent + lanes - 1
                i_lane, i_step, k_lane, k_step = 1, 0, -1, 1
            late = rows - steps if pattern == STATIONARY else delay
            start = (g * row_folds + f) * fold_cycles + late
            time = steps if pattern == STATIONARY else steps - lanes + 1
            skew = 0 if pattern == STATIONARY else 1
            for j in range(steps):
                lowest = max(0, j - time + 1) * skew
                highest = min(lanes - 1, j) if skew else lanes - 1
                i = first_i + i_step * j + i_lane * lowest
                k = first_k + k_step * j + k_lane * lowest
                for _ in range(lowest, highest + 1):
                    outside = overhangs and (row_i[i] + row_k[k] >= height or col_i[i] + col_k[k] >= width)
                    if not outside:
                        last_cycle = start + j
                        if first_cycle < 0:
                            first_cycle = last_cycle
                        address = base[i] + off[k]
                        if remembered[address] != epoch:
                            remembered[address] = epoch
                            left += 1
                            if left == room:
                                ends[epoch - 1] = last_cycle
                                epoch += 1
                                fetched += room
                                left = 0
                    i += i_lane
                    k += k_lane
    return left, fetched + left, first_cycle, last_cycle


@njit(cache=True, nogil=True)
def walk_writes(width, room, fold_cycles, start, steps, used_rows, used_cols, pads, state):
    """Results through SCALE-Sim's write buffer until the array is done; what is left stays in ``state``.

    Results leave in cycle ``start`` and after as a skewed band: ``used_rows[f]`` steps (or ``steps``, where that is
    not 0) by ``used_cols[g]`` lanes. Words fill lines of ``width``; a line cut short by a drain keeps its padding
    in ``pads``. When more than half of ``room`` is taken and no drain is under way, half of it drains, a line a
    cycle. ``state`` is [free words, lines begun, words in the open line, lines drained, cycle until which a drain
    lasts, words drained, first and last cycle of a drain]. The array never waits: during a drain of L lines come at
    most L·width words more, and half of ``room`` is free when it begins.
    """
    drain = room - (room + 1) // 2
    for g in range(len(used_cols)):
        for f in range(len(used_rows)):
            tall = steps if steps > 0 else used_rows[f]
            begin = (g * len(used_rows) + f) * fold_cycles + start[f]
            for j in range(tall + used_cols[g] - 1):
                cycle = begin + j
                words = min(used_cols[g] - 1, j) - max(0, j - tall + 1) + 1
                for _ in range(words):
                    if state[2] == 0:
                        state[1] += 1
                    state[2] = (state[2] + 1) % width
                    state[0] -= 1
                    if cycle >= state[4] and state[0] < room - drain:
                        drain_lines(width, drain, cycle, pads, state)
    return state


@njit(cache=True, nogil=True)
def drain_lines(width, drain, cycle, pads, state):
    """Close the open line with padding, then drain ``drain`` words of lines, or all that there are."""
    if state[2] > 0:
        pads[state[1] - 1] = width - state[2]
        state[2] = 0
    lines = min(-(-drain // width), state[1] - state[3])
    state[3] += lines
    words = lines * width - pads[state[3] - 1]
    state[0] += words
    state[5] += words
    state[4] = cycle + lines - 1
    if state[6] < 0:
        state[6] = cycle
    state[7] = max(state[7], state[4])


@njit(cache=True, nogil=True)
def drain_all(width, room, cycle, pads, state):
    """What is left when the array is done, half a buffer after the other from ``cycle`` on."""
    drain = room - (room + 1) // 2
    while state[3] < state[1]:
        drain_lines(width, drain, cycle, pads, state)
        cycle = state[4] + 1
