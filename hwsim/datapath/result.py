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
    """Roundings into the accumulator or the output that left the range and became infinite, NaN or wrapped."""
    saturations: int
    """Roundings into the accumulator or the output that left the range and were clamped to its end."""
