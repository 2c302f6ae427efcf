"""How two results of one product differ: bits, units in the last place, and which output is the largest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwsim.engine.metrics import max_ulp
from hwsim.formats.base import Format

ROWS = 256
"""Rows that are compared at once, in float64: they bound the memory."""


@dataclass(frozen=True)
class Output:
    """One way's outputs of the chosen rows and columns."""

    name: str
    codes: np.ndarray
    """[rows, columns] in the output's format."""
    values: np.ndarray
    """float32 or float64; of references more precise than ``codes``."""

    @property
    def tokens(self) -> np.ndarray:
        """The column of each row's largest output, the first of equals: greedy decoding's token."""
        if not self.values.shape[1]:
            return np.zeros(self.values.shape[0], np.int64)
        found: np.ndarray = np.argmax(self.values, axis=1)
        return found


@dataclass(frozen=True)
class Difference:
    """The first element, in row order, whose bits differ."""

    row: int
    column: int
    bits: int
    reference_bits: int


@dataclass(frozen=True)
class Divergence:
    """One way's outputs against those of a reference."""

    differing: float
    """Share of outputs whose bits differ; the reference rounded into the output's format."""
    max_ulp: float | None
    """Largest difference in units of the reference's last place in the output's format; None with inf or NaN."""
    relative_l2: float | None
    """‖x − reference‖₂/‖reference‖₂."""
    tokens_differing: float
    """Share of rows whose largest output is in another column: another token of greedy decoding."""
    first: Difference | None


def divergence(
    output: Output, reference: Output, output_format: Format, rows: np.ndarray, columns: np.ndarray
) -> Divergence:
    """How ``output`` differs from ``reference``; ``rows`` and ``columns`` are the numbers of those compared."""
    differs = output.codes != reference.codes
    blocks = [slice(first, first + ROWS) for first in range(0, len(differs), ROWS)]
    return Divergence(
        share(differs),
        _max_ulp(output, reference, output_format, blocks),
        _relative_l2(output, reference, blocks),
        share(output.tokens != reference.tokens),
        _first(output, reference, differs, rows, columns),
    )


def _max_ulp(output: Output, reference: Output, output_format: Format, blocks: list[slice]) -> float | None:
    largest = 0.0
    for rows in blocks:
        held = output_format.decode(reference.codes[rows], np.float64)
        found = max_ulp(output.values[rows].astype(np.float64), held, output_format)
        if found is None:
            return None
        largest = max(largest, found)
    return largest


def _relative_l2(output: Output, reference: Output, blocks: list[slice]) -> float | None:
    noise = signal = 0.0
    with np.errstate(all="ignore"):
        for rows in blocks:
            exact = reference.values[rows].astype(np.float64)
            noise += float(np.sum(np.square(output.values[rows] - exact)))
            signal += float(np.sum(np.square(exact)))
    if not (math.isfinite(noise) and math.isfinite(signal)) or signal == 0:
        return None
    return math.sqrt(noise / signal)


def share(which: np.ndarray) -> float:
    """Part of the elements that are true; 0 of none."""
    return float(which.mean()) if which.size else 0.0


def _first(
    output: Output, reference: Output, differs: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> Difference | None:
    if not differs.any():
        return None
    i, j = np.unravel_index(int(np.argmax(differs)), differs.shape)
    return Difference(int(rows[i]), int(columns[j]), int(output.codes[i, j]), int(reference.codes[i, j]))
