"""Cycles and accesses of one tile on a unit, one shape at a time: for mappers and sweeps that loop in Numba.

Each function takes the unit's parameters as an int64 array (`MatmulUnit.tile_params` makes it; the places are
named here) and an [m, k] x [k, n] tile, and returns (cycles, a reads, b reads, c reads, c writes), what
`MatmulUnit.count_tiles` says of that shape. Nothing is looked up and nothing allocated.
"""

from __future__ import annotations

from numba import njit

SYSTOLIC, TENSOR_CORE = 0, 1
"""Kinds of units that `tile_counts` tells apart."""

OUTPUT_STATIONARY, WEIGHT_STATIONARY, INPUT_STATIONARY = 0, 1, 2

# Places in the parameters of a systolic array.
DATAFLOW, ROWS, COLS = 0, 1, 2
SYSTOLIC_PARAMS = 3

# Places in the parameters of tensor cores.
UNITS, TILE_M, TILE_N, TILE_K, INSTRUCTION_CYCLES, LATENCY = 0, 1, 2, 3, 4, 5
TENSOR_CORE_PARAMS = 6


@njit(cache=True)
def systolic_tile(params, m, n, k):
    """A systolic array's tile, as `hwsim.units.systolic_counts` derives it."""
    dataflow, rows, cols = params[DATAFLOW], params[ROWS], params[COLS]
    if dataflow == OUTPUT_STATIONARY:
        along_rows, along_columns, time = m, n, k
    elif dataflow == WEIGHT_STATIONARY:
        along_rows, along_columns, time = k, n, m
    else:
        along_rows, along_columns, time = k, m, n
    row_folds = (along_rows + rows - 1) // rows
    column_folds = (along_columns + cols - 1) // cols
    cycles = row_folds * column_folds * (2 * rows + cols - 2 + time)
    if dataflow == OUTPUT_STATIONARY:
        return cycles, m * k * column_folds, k * n * row_folds, 0 * m, m * n
    again, written = m * n * (row_folds - 1), m * n * row_folds
    if dataflow == WEIGHT_STATIONARY:
        return cycles, m * k * column_folds, k * n, again, written
    return cycles, m * k, k * n * column_folds, again, written


@njit(cache=True)
def tensor_core_tile(params, m, n, k):
    """A tile on tensor cores: waves of output tiles, as `hwsim.units.tensor_core` derives it."""
    rows = (m + params[TILE_M] - 1) // params[TILE_M]
    columns = (n + params[TILE_N] - 1) // params[TILE_N]
    waves = (rows * columns + params[UNITS] - 1) // params[UNITS]
    instructions = (k + params[TILE_K] - 1) // params[TILE_K]
    cycles = waves * (params[LATENCY] + instructions * params[INSTRUCTION_CYCLES])
    return cycles, m * k * columns, k * n * rows, 0 * m, m * n


@njit(cache=True)
def tile_counts(kind, params, m, n, k):
    """`systolic_tile` or `tensor_core_tile`, by the kind of the unit."""
    if kind == SYSTOLIC:
        return systolic_tile(params, m, n, k)
    return tensor_core_tile(params, m, n, k)
