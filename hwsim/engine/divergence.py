"""How two results of one product differ: bits, units in the last place, and which output is the largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.engine.metrics import max_ulp, relative_l2
from hwsim.formats.base import Format


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
    values = output.values.astype(np.float64)
    return Divergence(
        share(differs),
        max_ulp(values, output_format.decode(reference.codes, np.float64), output_format),
        relative_l2(values, reference.values.astype(np.float64)),
        share(output.tokens != reference.tokens),
        _first(output, reference, differs, rows, columns),
    )


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
