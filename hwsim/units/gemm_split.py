"""Who owns which part of K: split-K, stream-K, and the chains between two promotions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hwsim.units.gemm_order import GemmOrder, StreamK

Runs = tuple[tuple[int, int], ...]
"""Half-open intervals of K, ascending."""
Shape = tuple[int, int, int]
"""(M, N, K)."""


@dataclass(frozen=True)
class Region:
    """Outputs whose K is cut in one way: rows × columns, and the K of each partial sum in the order of addition."""

    rows: np.ndarray
    columns: np.ndarray
    splits: tuple[Runs, ...]


def regions(order: GemmOrder, shape: Shape, rows: np.ndarray, columns: np.ndarray) -> Iterator[Region]:
    """The chosen rows and columns of a GEMM, by how their K is cut; tiles without a chosen element are left out."""
    if order.stream_k is None:
        yield Region(rows, columns, split_runs(order, shape[2]))
        return
    tile = order.tile
    k_tiles = -(-shape[2] // tile.k)
    grid = -(-shape[0] // tile.m), -(-shape[1] // tile.n)
    for i in np.unique(rows // tile.m):
        for j in np.unique(columns // tile.n):
            number = i * grid[1] + j if order.stream_k.raster == "row" else j * grid[0] + i
            cuts = stream_cuts(order.stream_k, int(number), grid[0] * grid[1], k_tiles)
            splits = tuple(_runs(range(first, last), tile.k, shape[2]) for first, last in cuts)
            yield Region(rows[rows // tile.m == i], columns[columns // tile.n == j], splits)


def split_runs(order: GemmOrder, k: int) -> tuple[Runs, ...]:
    """K of each of the order's splits."""
    k_tiles, splits = -(-k // order.tile.k), order.split_k
    if order.split == "interleaved":
        owned = [range(s, k_tiles, splits) for s in range(splits)]
    else:
        most = -(-k_tiles // splits)
        owned = [range(min(s * most, k_tiles), min((s + 1) * most, k_tiles)) for s in range(splits)]
    return tuple(_runs(tiles, order.tile.k, k) for tiles in owned)


def _runs(tiles: Sequence[int], width: int, k: int) -> Runs:
    """K of some k-tiles, neighbours joined."""
    runs: list[tuple[int, int]] = []
    for t in tiles:
        first, last = t * width, min((t + 1) * width, k)
        if runs and runs[-1][1] == first:
            first = runs.pop()[0]
        runs.append((first, last))
    return tuple(runs)


def chains(runs: Runs, every: int | None) -> list[Runs]:
    """A split's own K cut after each ``every`` elements."""
    if every is None:
        return [runs]
    found: list[Runs] = []
    piece: list[tuple[int, int]] = []
    room = every
    for start, last in runs:
        first = start
        while first < last:
            end = min(last, first + room)
            piece.append((first, end))
            room -= end - first
            first = end
            if room == 0:
                found.append(tuple(piece))
                piece, room = [], every
    return found + ([tuple(piece)] if piece else [])


def stream_cuts(stream: StreamK, tile: int, tiles: int, k_tiles: int) -> list[tuple[int, int]]:
    """k-tiles [first, last) of each partial sum of an output tile, in the order in which its owner adds them."""
    first, dealt = _dealt(stream, tiles)
    place = tile - first
    if not 0 <= place < dealt or k_tiles == 0:
        return [(0, k_tiles)]
    share = -(-dealt * k_tiles // stream.workers)
    start, end = place * k_tiles, (place + 1) * k_tiles
    marks = [start, *range((start // share + 1) * share, end, share), end]
    return [(low - start, high - start) for low, high in pairwise(marks)]


def _dealt(stream: StreamK, tiles: int) -> tuple[int, int]:
    """The first output tile whose k-tiles are dealt out, and how many are."""
    waves, left = divmod(tiles, stream.workers)
    if stream.schedule == "basic" or waves == 0:
        return 0, tiles
    if left == 0:
        return 0, 0
    if stream.schedule == "one_tile":
        return tiles - left, left
    return 0, left + stream.workers
