"""Operand streams of a systolic array in SCALE-Sim's order of demand, through its model of a read buffer.

An operand is a matrix of words [i, k]; word (i, k) has the address ``base[i] + off[k]``, and lies outside the image
where ``row_i[i] + row_k[k]`` reaches ``height`` or ``col_i[i] + col_k[k]`` reaches ``width`` (no request then).
Folds run column folds outside, row folds inside. Inside a fold lane l asks for its word of time t in cycle
``delay + l + t``, lane by lane; a stationary tile comes last row first, one row a cycle.

The buffer: a word that is not remembered is fetched and remembered; after ``room`` fetched words all are forgotten.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LANES_ARE_ROWS, LANES_ARE_COLUMNS, STREAM_OVER_I, STATIONARY = 0, 1, 2, 3
"""Lanes i of the row fold with k in time (OS, a); lanes i of the column fold with k in time (OS, b); lanes k of the
row fold with i in time (the streamed operand of WS and IS); a tile of row fold k × column fold i that stays."""


@njit(cache=True, inline="always")
def _request(i, k, cycle, base, off, row_i, row_k, col_i, col_k, limits, remembered, state, ends):
    """One word; ``state`` is [epoch, fetched in this epoch, fetched in all, first cycle, last cycle]."""
    if row_i[i] + row_k[k] >= limits[0] or col_i[i] + col_k[k] >= limits[1]:
        return
    if state[3] < 0:
        state[3] = cycle
    state[4] = cycle
    address = base[i] + off[k]
    if remembered[address] == state[0]:
        return
    remembered[address] = state[0]
    state[1] += 1
    state[2] += 1
    if state[1] == limits[2]:
        if state[0] <= len(ends):
            ends[state[0] - 1] = cycle
        state[0] += 1
        state[1] = 0


@njit(cache=True, nogil=True)
def walk_reads(
    pattern, rows, cols, fold_cycles, delay, folds, columns, base, off, row_i, row_k, col_i, col_k, limits,
    remembered, ends,
):  # fmt: skip
    """[epochs begun, fetched since the last forgetting, fetched in all, first and last cycle of a request].

    ``folds`` is [row folds, column folds]; ``columns`` the extent along the columns of the array; ``limits`` is
    [height, width, room]. ``remembered`` holds zeros, one for each address. ``ends[e]`` becomes the cycle in which
    epoch e's last word was asked for.
    """
    state = np.array([1, 0, 0, -1, -1], dtype=np.int64)
    i_extent, k_extent = len(base), len(off)
    for g in range(folds[1]):
        for f in range(folds[0]):
            start = (g * folds[0] + f) * fold_cycles + delay
            if pattern == STATIONARY:
                for j in range(rows):
                    k = f * rows + rows - 1 - j
                    if k >= k_extent:
                        continue
                    for i in range(g * cols, min((g + 1) * cols, columns)):
                        _request(
                            i, k, start + j, base, off, row_i, row_k, col_i, col_k, limits, remembered, state, ends
                        )
                continue
            over_i = pattern == STREAM_OVER_I
            block, fold = (cols, g) if pattern == LANES_ARE_COLUMNS else (rows, f)
            first = fold * block
            lanes = min(block, (k_extent if over_i else i_extent) - first)
            time = i_extent if over_i else k_extent
            for j in range(time + lanes - 1):
                for lane in range(max(0, j - time + 1), min(lanes - 1, j) + 1):
                    i, k = (j - lane, first + lane) if over_i else (first + lane, j - lane)
                    _request(i, k, start + j, base, off, row_i, row_k, col_i, col_k, limits, remembered, state, ends)
    return state


@njit(cache=True, nogil=True)
def walk_writes(width, room, fold_cycles, start, steps, used_rows, used_cols, folds, pads, state):
    """Results through SCALE-Sim's write buffer until the array is done; what is left stays in ``state``.

    Results leave in cycle ``start`` and after as a skewed band: ``used_rows[f]`` steps (or ``steps``, where that is
    not 0) by ``used_cols[g]`` lanes. Words fill lines of ``width``; a line cut short by a drain keeps its padding
    in ``pads``. When more than half of ``room`` is taken and no drain is under way, half of it drains, a line a
    cycle. ``state`` is [free words, lines begun, words in the open line, lines drained, cycle until which a drain
    lasts, words drained, first and last cycle of a drain, stalls].
    """
    drain = room - (room + 1) // 2
    for g in range(folds[1]):
        for f in range(folds[0]):
            tall = steps if steps > 0 else used_rows[f]
            begin = (g * folds[0] + f) * fold_cycles + start[f]
            for j in range(tall + used_cols[g] - 1):
                cycle = begin + j
                words = min(used_cols[g] - 1, j) - max(0, j - tall + 1) + 1
                for _ in range(words):
                    if state[2] == 0:
                        state[1] += 1
                    state[2] = (state[2] + 1) % width
                    state[0] -= 1
                    if cycle < state[4]:
                        if state[0] <= 0:
                            state[8] += 1
                    elif state[0] < room - drain:
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
