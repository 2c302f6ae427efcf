"""What a datapath answers: the codes of the sums and how often an accumulator left its range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MatmulResult:
    """Sums of products as codes, with the events that a user of a narrow accumulator wants to see."""

    codes: np.ndarray
    """[M, N] (or [rows] from `dot_codes`): codes of the result format; int64 values of an integer accumulator."""
    overflows: int
    """Sums that left the accumulator's range and wrapped or overflowed (IEEE 754 section 7.4: to an infinity, to
    NaN where there is none, or to the largest number under a rounding toward it), and results so for the output."""
    saturations: int
    """Sums that left the accumulator's range and were clamped to its end, and results so for the output."""
