"""Cycles and accesses of products on tensor cores, one shape at a time; `hwsim.units.tensor_core` derives them."""

from __future__ import annotations

from numba import njit

# Places in the parameters; the first is `hwsim.kernels.unit_counts.ABREAST`.
UNITS, TILE_M, TILE_N = 1, 2, 3
SPAN = 4
"""Elements of K that an instruction covers."""
CYCLES, PER_INSTRUCTIONS = 5, 6
"""So many cycles for so many instructions of a unit, a fraction in lowest terms."""
LATENCY, TILES_IN_FLIGHT = 7, 8
TENSOR_CORE_PARAMS = 9


@njit(cache=True)
def unit_cycles(tiles, work, latency, in_flight):
    """(cycles, those of waiting) of one unit on ``tiles`` output tiles of ``work`` cycles of issue each.

    A tile waits ``latency`` before it issues; ``in_flight`` tiles wait or issue at once, and one issues at a time.
    Either the issue is busy from the first latency on, or every round of tiles waits out a latency of its own.
    """
    rounds = (tiles + in_flight - 1) // in_flight
    beside = (tiles - 1) % in_flight
    total = max(latency + tiles * work, rounds * latency + (rounds + beside) * work)
    return total, total - tiles * work


@njit(cache=True)
def tensor_core_products(params, m, n, k, count):
    """(cycles, a reads, b reads, c reads, c writes) of ``count`` products: output tiles in turn to all units."""
    rows = (m + params[TILE_M] - 1) // params[TILE_M]
    columns = (n + params[TILE_N] - 1) // params[TILE_N]
    tiles = (count * rows * columns + params[UNITS] - 1) // params[UNITS]
    instructions = (k + params[SPAN] - 1) // params[SPAN]
    work = (instructions * params[CYCLES] + params[PER_INSTRUCTIONS] - 1) // params[PER_INSTRUCTIONS]
    cycles, _ = unit_cycles(tiles, work, params[LATENCY], params[TILES_IN_FLIGHT])
    return cycles, count * m * k * columns, count * k * n * rows, 0 * m, count * m * n
