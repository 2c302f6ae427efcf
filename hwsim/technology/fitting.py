"""Prices of structural terms, fitted to published rows; the residual of every fit is stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwsim.technology.gates import in_nand2
from hwsim.technology.published import Published

Quantity = Literal["energy_j", "area_m2"]


@dataclass(frozen=True)
class Fit:
    """Coefficients per term, and for each published row (predicted - published) / published."""

    coefficients: Mapping[str, float]
    residuals: Mapping[str, float]

    @property
    def residual(self) -> float:
        """The largest relative error over all rows, held-out ones included."""
        return max(abs(value) for value in self.residuals.values())

    def status(self, *names: str) -> str:
        """``fitted, residual ±x %`` over the rows ``names`` (all when none is given), to a tenth of a percent.

        A fit without coefficients is a prediction: ``built from cells, residual ±x %``.
        """
        worst = max(abs(self.residuals[name]) for name in names or self.residuals)
        return f"{'fitted' if self.coefficients else 'built from cells'}, residual ±{100 * worst:.1f} %"


def fit(rows: Sequence[Published], quantity: Quantity, terms: Sequence[str], known: Mapping[str, float]) -> Fit:
    """Non-negative ``coefficients`` of ``terms`` with the least squared *relative* error.

    minimize sum over rows of ((sum_t count_t price_t) / published - 1)², where the prices of ``known``
    terms are given and those of ``terms`` are sought, none negative. Gates count as NAND2 by the cells' ratios.
    Held-out rows, and all rows where no term is sought, only get a residual.
    """
    published = np.array([getattr(row, quantity) for row in rows])
    counts = [in_nand2(row.primitive.terms(), quantity) for row in rows]
    given = np.array([sum(price * count.get(term, 0.0) for term, price in known.items()) for count in counts])
    matrix = np.array([[count[term] for term in terms] for count in counts]).reshape(len(rows), len(terms))
    matrix = matrix / published[:, None]
    target = 1 - given / published
    used = np.array([not row.held_out for row in rows])
    prices = _non_negative_least_squares(matrix[used], target[used])
    errors = matrix @ prices - target
    # Nine decimals keep every digit that is meant and drop the rounding noise of exact fits.
    return Fit(
        dict(zip(terms, prices.tolist(), strict=True)),
        {row.name: round(float(error), 9) for row, error in zip(rows, errors, strict=True)},
    )


def _non_negative_least_squares(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares over every subset of columns; the best whose coefficients are all >= 0.

    Exact for the one or two columns that a fit has, and never ends in a local choice.
    """
    columns = matrix.shape[1]
    best, best_error = np.zeros(columns), float(target @ target)
    for subset in range(1, 2**columns):
        chosen = [column for column in range(columns) if subset >> column & 1]
        solution = np.linalg.lstsq(matrix[:, chosen], target, rcond=None)[0]
        error = float(np.sum((matrix[:, chosen] @ solution - target) ** 2))
        if np.all(solution >= 0) and error < best_error:
            best, best_error = np.zeros(columns), error
            best[chosen] = solution
    return best
