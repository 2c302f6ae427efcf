"""Tiles of a stage by where they lie in its loops: the few that stand for all, and the cases of the work inside.

Where a step lies in a loop matters only through whether it is the first, the last or the last but one, so at most 4^3
representatives stand for all steps (`hwsim.kernels.nest_steps`), and the work inside has as many cases at most.
"""

from __future__ import annotations

import numpy as np

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_work import ORDERS
from hwsim.kernels.tile_elements import tile_extent

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
def representative(which, trips):
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
def placed(first_side, second_side, outer, middle, inner):
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
def loops_of(order, trips):
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
def find_case(cases, count, key):
    """The place of a case among those asked for; -1 if it is not there."""
    for place in range(count):
        if cases[place] == key:
            return place
    return -1


@bare
def last_of(tile, sizes):
    """Indices of the last tile."""
    return (
        -(-sizes[0] // min(tile[0], sizes[0])) - 1, -(-sizes[1] // min(tile[1], sizes[1])) - 1,
        -(-sizes[2] // min(tile[2], sizes[2])) - 1,
    )  # fmt: skip


@bare
def case_of(problem, tile, sizes, extents, m_last, n_last, k_last):
    """Steps and elements, both (m, n, k), of a tile that is the last or not along m, n and k."""
    last = last_of(tile, sizes)
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
