"""What the lanes of the PIM blocks compute, for whole matrices at once.

Values are carried as float64. A format of at most 25 significand bits needs at most 50 for an exact product,
and a float64 has more than 2p + 2 bits, so rounding its sum or product once more gives the correctly rounded
result (Figueroa, *When is double rounding innocuous?*, 1995).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hwsim.formats.base import Format

Array = np.ndarray[Any, Any]
_BLOCK = 1 << 16  # lane sums worked on at once, so that they stay in the cache


class Lanes:
    """Rounds to ``fmt`` and counts what overflows."""

    def __init__(self, fmt: Format) -> None:
        self.fmt = fmt
        self.overflows = 0

    def round(self, exact: Array) -> Array:
        rounded: Array = self.fmt.round(exact)
        infinite = np.isinf(rounded)
        if infinite.any():
            self.overflows += int(np.count_nonzero(infinite & np.isfinite(exact)))
        return rounded

    def multiply(self, x: Array, y: Array) -> Array:
        return self.round(x * y)

    def add(self, x: Array, y: Array) -> Array:
        return self.round(x + y)


def burst_order(bursts: int, registers: int) -> Array:
    """Order in which ``bursts`` of inputs are used: those of the even input tiles, then those of the odd ones."""
    tile = np.arange(bursts) // registers
    return np.concatenate([np.flatnonzero(tile % 2 == 0), np.flatnonzero(tile % 2 == 1)])


def dot_products(unit: Lanes, a: Array, b: Array, lanes: int, registers: int, reduction: str) -> Array:
    """[M, K] × [K, N] on float64 values: each lane its own chain, then the host's sum over the lanes."""
    inputs, weights = _bursts(a.T, lanes), _bursts(b, lanes)
    order = burst_order(len(inputs), registers)
    rows, columns = a.shape[0], b.shape[1]
    width = max(1, _BLOCK // (lanes * max(1, rows)))
    result = np.empty((rows, columns))
    with np.errstate(all="ignore"):  # infinities and NaN are results here, not accidents
        for first in range(0, columns, width):
            block = weights[:, :, None, first : first + width]
            sums = np.zeros((lanes, rows, block.shape[-1]))
            for burst in order:
                sums = unit.add(unit.multiply(inputs[burst][:, :, None], block[burst]), sums)
            result[:, first : first + width] = _reduce(unit, sums, reduction)
    return result


def _bursts(values: Array, lanes: int) -> Array:
    """[K, X] as [bursts, lanes, X], the last burst filled with zeros."""
    bursts = -(-len(values) // lanes)
    filled = np.zeros((bursts * lanes, values.shape[1]))
    filled[: len(values)] = values
    split: Array = np.reshape(filled, (bursts, lanes, values.shape[1]))
    return split


def _reduce(unit: Lanes, sums: Array, reduction: str) -> Array:
    """The host's sum over the lanes, [lanes, M, N] to [M, N]."""
    if reduction == "tree":
        while len(sums) > 1:
            sums = unit.add(sums[0::2], sums[1::2])
        pairs: Array = sums[0]
        return pairs
    total: Array = np.zeros_like(sums[0])
    for lane in sums:
        total = unit.add(total, lane)
    return total
