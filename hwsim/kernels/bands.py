"""Tasks of kernels that are vectorised over columns: a band of rows of one matrix by a strip of columns."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def band_of(task, strips, rows_per_matrix, rows_per_task):
    """``(strip, matrix, first row, row after the last)`` of a task; strips run fastest, then bands, then matrices."""
    bands = (rows_per_matrix + rows_per_task - 1) // rows_per_task
    strip = task % strips
    matrix = task // strips // bands
    first = matrix * rows_per_matrix + (task // strips - matrix * bands) * rows_per_task
    return strip, matrix, first, min(first + rows_per_task, (matrix + 1) * rows_per_matrix)
