"""The tiles and loop orders that the mapper looks at: the declared map space."""

from __future__ import annotations

from itertools import permutations

import numpy as np

ORDERS = tuple(permutations((0, 1, 2)))
"""Loop orders, outermost first, over the dimensions 0 = m, 1 = n, 2 = k."""

_SPLITS = 8


def tile_sizes(extent: int, step: int) -> list[int]:
    """Tile sizes of one dimension: powers of two and 1/1 … 1/8 of the extent, in whole steps.

    The last one is the extent itself. Sizes need not divide the extent: the last tile is then smaller.

    >>> tile_sizes(100, 32)
    [32, 64, 100]
    """
    steps = -(-extent // step)
    halvings = {2**power for power in range(steps.bit_length())}
    parts = {-(-steps // parts) for parts in range(1, _SPLITS + 1)}
    return sorted({min(count * step, extent) for count in halvings | parts})


def tiles(extents: tuple[int, int, int], steps: tuple[int, int, int]) -> np.ndarray:
    """[candidates, 3]: every combination of the three dimensions' `tile_sizes`."""
    sizes = [tile_sizes(extent, step) for extent, step in zip(extents, steps, strict=True)]
    return np.stack(np.meshgrid(*map(np.array, sizes), indexing="ij"), axis=-1).reshape(-1, 3)


def core_grids(cores: int) -> np.ndarray:
    """[grids, 2]: cores along m and n, each pair using as many of ``cores`` as fit, e.g. 1×132, 2×66, …"""
    wide = sorted({cores // rows for rows in range(1, cores + 1)})
    return np.array([(cores // columns, columns) for columns in wide])


def best_grids(extents: tuple[int, int, int], core_tiles: np.ndarray, cores: int) -> np.ndarray:
    """[candidates, 2]: for each core tile the grid with the fewest rounds, then the least copied operands."""
    trips = -(-np.array(extents[:2]) // core_tiles[:, :2])
    grids = np.minimum(core_grids(cores)[None], trips[:, None])
    rounds = np.prod(-(-trips[:, None] // grids), axis=2)
    loads = grids[..., 0] * core_tiles[:, None, 0] + grids[..., 1] * core_tiles[:, None, 1]
    # Loads per round; a grid that covers more outputs with the same rounds reads no more.
    copied = rounds * loads
    best = np.lexsort((copied, rounds), axis=1)[:, 0]
    chosen: np.ndarray = grids[np.arange(len(grids)), best]
    return chosen
