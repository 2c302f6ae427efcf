"""The steps of a tiled loop nest by few representatives: position, neighbours, tile size, multiplicity.

Where a step lies in a loop matters only through whether it is the first, the last or the last but one:
the tile's size differs at the last index, the next tile's at the last but one, and a loop inside wraps
around at its ends. So four indices per loop, 4³ steps in all, stand for every step of the nest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

M, N, K = 0, 1, 2


@dataclass(frozen=True)
class Tiling:
    """One tiling of a stage, or many: arrays [cases, 3] of (m, n, k)."""

    tile: np.ndarray
    core_tile: np.ndarray
    order: np.ndarray
    resident: np.ndarray
    """[cases]: the unit itself keeps the tile's sums while K passes by."""

    def repeated(self, count: int) -> Tiling:
        """A single tiling, for ``count`` cases."""
        return Tiling(
            *(np.repeat(value, count, axis=0) for value in (self.tile, self.core_tile, self.order, self.resident))
        )

    def __getitem__(self, rows: Any) -> Tiling:
        return Tiling(self.tile[rows], self.core_tile[rows], self.order[rows], self.resident[rows])


class Walk:
    """The representative steps of a loop nest: where each is, what comes before and after, how many it stands for."""

    def __init__(self, extents: np.ndarray, tiling: Tiling) -> None:
        self.extents = extents
        self.tile = np.minimum(tiling.tile, extents)
        self.core_tile = np.minimum(tiling.core_tile, extents)
        trips = -(-extents // self.tile)
        self.last = trips - 1
        counts = np.take_along_axis(trips, tiling.order, axis=1)
        outer, middle, inner = (counts[:, i, None, None, None] for i in range(3))
        (o, p, q), multiplicities = _representatives(counts)
        self.inverse = np.argsort(tiling.order, axis=1)
        ends_q, starts_q = q + 1 >= inner, q <= 0
        ends_p, starts_p = ends_q & (p + 1 >= middle), starts_q & (p <= 0)
        self.is_last = ends_p & (o + 1 >= outer)
        self.is_first = starts_p & (o <= 0)
        self.here = self._unordered(o, p, q)
        self.next = self._unordered(
            o + ends_p, np.where(ends_q, np.where(p + 1 >= middle, 0, p + 1), p), np.where(ends_q, 0, q + 1)
        )
        self.previous = self._unordered(
            o - starts_p,
            np.where(starts_q, np.where(p <= 0, middle - 1, p - 1), p),
            np.where(starts_q, inner - 1, q - 1),
        )
        self.weight = np.prod(np.broadcast_arrays(*multiplicities), axis=0)

    def _unordered(self, *indices: np.ndarray) -> np.ndarray:
        """[3 (m, n, k), cases, ≤ 4, ≤ 4, ≤ 4] from indices in loop order."""
        ordered = np.stack(np.broadcast_arrays(*indices), axis=1)
        return np.moveaxis(np.take_along_axis(ordered, self.inverse[:, :, None, None, None], axis=1), 1, 0)

    def sizes(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(m, n, k) of the tile at these indices."""
        dimensions = (
            np.minimum(wide(self.tile[:, d]), wide(self.extents[:, d]) - at[d] * wide(self.tile[:, d]))
            for d in range(3)
        )
        m, n, k = (np.maximum(size, 1) for size in dimensions)  # steps of multiplicity 0 may lie outside
        return m, n, k

    def core_sizes(self, sizes: Any) -> Any:
        """(m, n, k) of the largest share of one core."""
        if np.array_equal(self.tile, self.core_tile):
            return sizes
        shares = (wide(self.core_tile[:, M]), wide(self.core_tile[:, N]))
        return np.minimum(sizes[M], shares[M]), np.minimum(sizes[N], shares[N]), sizes[K]


def wide(values: np.ndarray) -> np.ndarray:
    return values[:, None, None, None]


def _representatives(counts: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Loop indices first, second, last but one, last, and how many indices each stands for.

    Each loop lies along an axis of its own. The multiplicities of a loop add up to its trip count; an index
    that stands for nothing in any case is left out.
    """
    one = np.ones_like(counts)
    index = np.stack([0 * one, np.minimum(one, counts - 1), np.maximum(counts - 2, 0), counts - 1], axis=2)
    weight = np.stack([one, np.maximum(counts - 3, 0), one * (counts > 2), one * (counts > 1)], axis=2)
    used = [np.any(weight[:, loop] > 0, axis=0) for loop in range(3)]
    return _spread(index, used), _spread(weight, used)


def _spread(values: np.ndarray, used: list[np.ndarray]) -> list[np.ndarray]:
    outer, middle, inner = (values[:, loop, used[loop]] for loop in range(3))
    return [outer[:, :, None, None], middle[:, None, :, None], inner[:, None, None, :]]
