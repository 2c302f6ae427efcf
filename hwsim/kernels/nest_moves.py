"""What moves beside, before or after a step of a stage: written down first, then made together.

One call of `hwsim.kernels.nest_work.move` for all keeps the kernels small.
"""

from __future__ import annotations

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_cases import tile_at
from hwsim.kernels.nest_work import LATENCY, OVERLAPS, READ, move

NOTHING, BESIDE, BETWEEN, FIRST, FINAL = 0, 1, 2, 3, 4
"""Places of a step's moves."""
HERE, PREVIOUS, NEXT = 0, 1, 2
"""Whose tile moves: this outer tile's, or that of the one before or after."""


@bare
def note(moves, operand, inwards, width, base, at, times, parts, when):
    """Writes down a move, to be made when all of a step are known: one call of `move` keeps the kernel small."""
    row = moves[0, 0] + 1
    moves[0, 0] = row
    moves[row, 0], moves[row, 1], moves[row, 2], moves[row, 3] = operand, inwards, width, base
    moves[row, 4], moves[row, 5], moves[row, 6] = at
    moves[row, 7], moves[row, 8], moves[row, 9] = times, parts, when


@bare
def make_moves(problem, stage, tile, sizes, extents, borders, moves, total, scratch):
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
def when_moves(problem, stage, operand):
    """Which moves of a step an operand's belong to: beside the work if its home is double-buffered."""
    memory, routes = problem[0], problem[2]
    count = routes[stage, operand, 0]
    return BESIDE if count > 0 and memory[routes[stage, operand, count], OVERLAPS] != 0 else BETWEEN


@bare
def latency_of(problem, timed):
    """Cycles before the first word of ``timed`` moves comes: those of the memories that are read."""
    memory, longest = problem[0], 0
    for place in range(len(memory)):
        if timed[place, 0, READ] + timed[place, 1, READ] + timed[place, 2, READ] > 0:
            longest = max(longest, memory[place, LATENCY])
    return longest


@bare
def may_cross(problem, stage, operand, stays):
    """Whether the stage inside ``stage`` may move an operand across the border of two tiles of ``stage``.

    Its memory outside must be the same on both sides: not the home in ``stage`` of a tile that does not stay.
    """
    routes = problem[2]
    if stays or routes[stage, operand, 0] == 0:
        return True
    return routes[stage + 1, operand, 1] != routes[stage, operand, routes[stage, operand, 0]]
