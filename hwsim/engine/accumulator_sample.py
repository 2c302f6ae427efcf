"""Which rows, columns and products of a large product are looked at: drawn by a seed, and said exactly."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """What was looked at: ``kept`` of ``total`` ``unit`` and ``columns`` of ``all_columns``, without replacement."""

    kept: int
    total: int
    unit: str
    """``rows`` of operand a, or whole ``products`` where both operands are activations."""
    columns: int
    all_columns: int
    """Of operand b."""

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return self.kept == self.total and self.columns == self.all_columns


@dataclass(frozen=True)
class Picked:
    """Some rows of every matrix, or some of the matrices; and some columns."""

    sample: Sample
    chosen: np.ndarray
    columns: np.ndarray
    weights: bool

    def of_a(self, a: np.ndarray) -> np.ndarray:
        """The part of a [.., M, K]."""
        return a[..., self.chosen, :] if self.weights else a.reshape(-1, *a.shape[-2:])[self.chosen]

    def of_b(self, b: np.ndarray) -> np.ndarray:
        """The part of b [.., K, N]."""
        b = b if self.weights else b.reshape(-1, *b.shape[-2:])[self.chosen]
        return b if self.columns.size == b.shape[-1] else b[..., self.columns]


class Picker:
    """Draws rows where b is weights, else whole products, as many as stay within some multiply-accumulates.

    Columns are left out only where one row (or product) is already more than that. All draws take the first of
    one shuffled order, so that a smaller one is part of a larger one.
    """

    def __init__(self, shape: tuple[int, ...], n: int, weights: bool, seed: int, name: str) -> None:
        *leading, m, self.k = shape
        count = int(np.prod(leading, dtype=np.int64))
        self.n, self.m, self.weights = n, m, weights
        self.total, self.other = (m, count) if weights else (count, m)
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        self.order, self.column_order = random.permutation(self.total), random.permutation(n)

    def __call__(self, macs: int, rows: int | None) -> Picked:
        """As many as ``macs`` allow, or ``rows``; one at least."""
        column_macs = max(1, self.other * self.k)
        columns = min(self.n, max(1, macs // column_macs))
        within = macs // (column_macs * columns)
        wanted = within if rows is None else rows if self.weights else rows // max(self.m, 1)
        kept = min(self.total, max(1, wanted))
        sample = Sample(kept, self.total, "rows" if self.weights else "products", columns, self.n)
        return Picked(sample, np.sort(self.order[:kept]), np.sort(self.column_order[:columns]), self.weights)
