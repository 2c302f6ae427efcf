"""Which values pass through an accumulator: the extremes of all running sums, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwsim.datapath.accumulators.chunked import ChunkedAccumulator
from hwsim.datapath.datapath import Datapath

STRIP = 1 << 17
"""Sums that are followed at once: 1 MiB of int64, which stays in the cache."""


@dataclass(frozen=True)
class Extremes:
    """Least and greatest value that a register held, 0 at its start included, and that it ended with."""

    partial: tuple[Any, Any]
    """After each addition into the register."""
    final: tuple[Any, Any]
    """After the last one."""

    def joined(self, other: Extremes) -> Extremes:
        """Of both."""
        return Extremes(_joined(self.partial, other.partial), _joined(self.final, other.final))

    def whole(self) -> Extremes:
        """As Python integers."""
        (a, b), (c, d) = self.partial, self.final
        return Extremes((int(a), int(b)), (int(c), int(d)))


NOTHING = Extremes((0, 0), (0, 0))
"""Of no sums."""


def extremes(datapath: Datapath, a: np.ndarray, b: np.ndarray) -> list[Extremes]:
    """For each register of ``datapath``, the inner before the outer, what a [.., M, K] x [.., K, N] puts into it.

    Products and blocks of them are added in the datapath's own order, without any register's rounding or
    overflow: exactly for integer and fixed-point operands, in units of the products' last place (int), in
    float64 otherwise (float), each block's sum within its terms' float64 rounding.
    """
    found = [NOTHING] * (1 + isinstance(datapath.accumulator, ChunkedAccumulator))
    for left, right in _strips(a, b):
        found = [each.joined(new) for each, new in zip(found, _strip_extremes(datapath, left, right), strict=True)]
    return found


def exact_datapath(datapath: Datapath, bits: int = 62) -> Datapath:
    """The same operands and multiplier with sums that lose nothing.

    Integer and fixed-point operands: an integer accumulator of ``bits``. Others: exact sums, rounded once into
    fp64, which is exact for sums of up to 53 bits.
    """
    whole = _integer_operands(datapath)
    return Datapath.model_validate(
        {
            "operands": {"a": datapath.operands.a, "b": datapath.operands.b},
            "multiplier": datapath.multiplier,
            "reduction": "exact",
            "accumulator": {"bits": bits} if whole else {"format": "fp64"},
        }
    )


def sums_of(datapath: Datapath, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`Datapath.matmul_codes` as values: int64 units of the last place of an integer accumulator, else float64."""
    codes = datapath.matmul_codes(a, b).codes
    if codes.dtype == np.int64 and datapath.output is None:
        return codes
    return datapath.result_format.decode(codes, np.float64)


def _strips(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Whole matrices [G, M, K] x [G, K, N], as many as make a strip, or rows of one of them."""
    a, b = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
    rows = max(1, STRIP // max(1, b.shape[-1]))
    matrices = max(1, rows // max(1, a.shape[1]))
    for first in range(0, a.shape[0], matrices):
        group = slice(first, first + matrices)
        for row in range(0, a.shape[1], rows):
            yield a[group, row : row + rows], b[group]


def _strip_extremes(datapath: Datapath, a: np.ndarray, b: np.ndarray) -> list[Extremes]:
    k, block_sums = a.shape[-1], _block_sums(datapath, a, b)
    lanes = max(1, datapath.reduction.lanes_of(k))
    accumulator = datapath.accumulator
    every = accumulator.every if isinstance(accumulator, ChunkedAccumulator) else max(k, 1)
    inner, outer = _Follower(), _Follower()
    for first in range(0, k, every):
        inner.clear()
        for block in range(first, min(first + every, k), lanes):
            part = slice(block, min(block + lanes, first + every, k))
            inner.add(block_sums(part))
        inner.end()
        outer.add(inner.sums)
    outer.end()
    found = [inner.found, outer.found] if isinstance(accumulator, ChunkedAccumulator) else [inner.found]
    return [each.whole() for each in found] if _integer_operands(datapath) else found


def _block_sums(datapath: Datapath, a: np.ndarray, b: np.ndarray) -> Callable[[slice], np.ndarray]:
    """Σ a·b over a part of k: by numpy where products are exact and float64 holds them, else by `exact_datapath`."""
    formats = (datapath.operands.a, datapath.operands.b)
    whole = _integer_operands(datapath)
    bits = sum(fmt.bits for fmt in formats) + a.shape[-1].bit_length()
    if datapath.multiplier.kind != "exact" or (whole and bits > 53):
        exact = exact_datapath(datapath)
        return lambda part: sums_of(exact, a[..., part], b[..., part, :])
    if whole:
        left, right = (fmt.unpack(x).significand.astype(np.float64) for fmt, x in zip(formats, (a, b), strict=True))
    else:
        left, right = (fmt.decode(x).astype(np.float64) for fmt, x in zip(formats, (a, b), strict=True))

    def sums(part: slice) -> np.ndarray:
        with np.errstate(all="ignore"):  # infinities and NaN among the operands
            return np.asarray(left[..., part] @ right[..., part, :])

    return sums


def _integer_operands(datapath: Datapath) -> bool:
    return all(fmt.kind in ("integer", "fixed") for fmt in (datapath.operands.a, datapath.operands.b))


class _Follower:
    """Running sums [G, M, N] of one register and their extremes so far."""

    def __init__(self) -> None:
        self.sums: np.ndarray = np.zeros((1, 1), np.int64)  # takes the type of what is added
        self.found = NOTHING

    def clear(self) -> None:
        self.sums = np.zeros((1, 1), self.sums.dtype)

    def add(self, terms: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            self.sums = self.sums + terms
        self.found = Extremes(_joined(self.found.partial, _range(self.sums)), self.found.final)

    def end(self) -> None:
        self.found = Extremes(self.found.partial, _joined(self.found.final, _range(self.sums)))


def _range(x: np.ndarray) -> tuple[Any, Any]:
    return (x.min().item(), x.max().item()) if x.size else (0, 0)


def _joined(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Any, Any]:
    """NaN on either side stays: min and max of Python would lose it."""
    if any(value != value for value in (*one, *other)):  # noqa: PLR0124  NaN is what differs from itself
        return float("nan"), float("nan")
    return min(one[0], other[0]), max(one[1], other[1])
