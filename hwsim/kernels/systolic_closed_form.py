"""Cycles and accesses of many products on many systolic arrays at once; `hwsim.units.systolic_counts` explains them.

One call per row of the arrays; nothing is allocated, so that a sweep costs a few nanoseconds a design point.
"""

from __future__ import annotations

from numba import njit

OUTPUT_STATIONARY, WEIGHT_STATIONARY, INPUT_STATIONARY = 0, 1, 2
"""Codes of the dataflows."""


@njit(cache=True, inline="always")
def _folds(m, n, k, rows, cols, dataflow):
    """Row folds, column folds and the extent that streams."""
    along_rows = m if dataflow == OUTPUT_STATIONARY else k
    along_columns = m if dataflow == INPUT_STATIONARY else n
    time = n if dataflow == INPUT_STATIONARY else m if dataflow == WEIGHT_STATIONARY else k
    return (along_rows + rows - 1) // rows, (along_columns + cols - 1) // cols, time


@njit(cache=True, nogil=True)
def count_exact(m, n, k, rows, cols, dataflow, out):
    """``out`` [5, cases] becomes cycles, a reads, b reads, c reads and c writes; all arrays are int64 [cases]."""
    for i in range(len(m)):
        flow = dataflow[i]
        f, g, time = _folds(m[i], n[i], k[i], rows[i], cols[i], flow)
        out[0, i] = f * g * (2 * rows[i] + cols[i] + time - 2)
        out[1, i] = m[i] * k[i] * (1 if flow == INPUT_STATIONARY else g)
        out[2, i] = k[i] * n[i] * (f if flow == OUTPUT_STATIONARY else 1 if flow == WEIGHT_STATIONARY else g)
        out[3, i] = 0 if flow == OUTPUT_STATIONARY else m[i] * n[i] * (f - 1)
        out[4, i] = m[i] * n[i] * (1 if flow == OUTPUT_STATIONARY else f)


@njit(cache=True, nogil=True)
def count_scalesim(m, n, k, rows, cols, dataflow, out):
    """The same as SCALE-Sim v3 counts them; see `hwsim.units.scalesim_counts`."""
    for i in range(len(m)):
        flow = dataflow[i]
        f, g, time = _folds(m[i], n[i], k[i], rows[i], cols[i], flow)
        preload = 0 if flow == OUTPUT_STATIONARY else rows[i]
        over = f * g * (rows[i] + cols[i]) if flow == OUTPUT_STATIONARY else 0
        out[0, i] = f * g * (preload + rows[i] + cols[i] + time - 2) - 1
        out[1, i] = m[i] * k[i] * (1 if flow == INPUT_STATIONARY else g)
        out[2, i] = k[i] * n[i] * (f if flow == OUTPUT_STATIONARY else 1 if flow == WEIGHT_STATIONARY else g)
        out[3, i] = 0
        out[4, i] = m[i] * n[i] * (1 if flow == OUTPUT_STATIONARY else f) + over
