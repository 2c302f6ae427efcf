"""The tile sizes that the mapper looks at: with the loop orders, the declared map space."""

from __future__ import annotations

from typing import Literal

import numpy as np

Tiles = Literal["all", "parts", "auto"]
"""``all``: every tile size that differs in its number of tiles. ``parts``: powers of two and 1/1 … 1/8 of the
extent. ``auto``: all, or parts where all would be more than `MOST` tiles of a stage."""
MOST = 6000
_SPLITS = 8


def all_sizes(extent: int, step: int = 1) -> list[int]:
    """⌈extent / j⌉ for every j: of the sizes with as many tiles, imperfect factors included, the smallest.

    A larger tile with as many tiles needs more room and moves no less; a unit may yet take fewer cycles on a larger
    and a smaller tile than on two alike (waves, folds).

    >>> all_sizes(10)
    [1, 2, 3, 4, 5, 10]
    """
    steps = -(-extent // step)
    found, parts = [], 1
    while parts:
        size = -(-steps // parts)
        found.append(min(size * step, extent))
        parts = -(-steps // (size - 1)) if size > 1 else 0  # the fewest that make it smaller
    return found[::-1]


def tile_sizes(extent: int, step: int = 1) -> list[int]:
    """Powers of two and 1/1 … 1/8 of the extent, in whole steps; the last one is the extent itself.

    Sizes need not divide the extent: the last tile is then smaller.

    >>> tile_sizes(100, 32)
    [32, 64, 100]
    """
    steps = -(-extent // step)
    halvings = {2**power for power in range(steps.bit_length())}
    parts = {-(-steps // parts) for parts in range(1, _SPLITS + 1)}
    return sorted({min(count * step, extent) for count in halvings | parts})


def class_sizes(geometry: np.ndarray, side: int, step: int, every: bool) -> list[int]:
    """Tile sizes of one class of loops, in steps: of m (0), n (1) or k (2).

    Of an array with unrolled loops: runs of whole inner loops, and parts of an inner loop where they divide it
    and nothing outside it has an edge. Of other units: any size in whole ``step``s, whole rows of a
    convolution among them.
    """
    from hwsim.kernels.tile_elements import is_run

    sizes = all_sizes if every else tile_sizes
    if side == 1:
        return sizes(int(geometry[6]), step)
    first = 0 if side == 0 else 3
    inner, middle, outer = (int(value) for value in geometry[first : first + 3])
    if not geometry[27]:
        whole = set(sizes(inner * middle * outer, step))
        if side == 0 and middle * outer > 1 and step == 1:
            whole |= {inner * rows for rows in sizes(middle)} | {inner * middle * images for images in sizes(outer)}
        return sorted(whole)
    runs = {inner * middle * size for size in sizes(outer)} | {inner * size for size in sizes(middle)}
    return sorted(size for size in runs | set(sizes(inner)) if is_run(geometry, side, size))


def nearest_sizes(geometry: np.ndarray, side: int, step: int, size: int) -> list[int]:
    """``size`` if a tile of m (0), n (1) or k (2) may have it; else the next smaller and larger ones that may.

    Any whole number of ``step``s or the whole extent; of an array with unrolled loops the runs of `class_sizes`.
    """
    from hwsim.kernels.tile_elements import is_run, steps_of

    whole = int(steps_of(geometry, side))

    def may_be(steps: int) -> bool:
        in_steps = (geometry[27] and side != 1) or steps % step == 0 or steps == whole
        return bool(in_steps and is_run(geometry, side, steps))

    if 0 < size <= whole and may_be(size):
        return [size]
    below = next((steps for steps in range(min(size, whole + 1) - 1, 0, -1) if may_be(steps)), None)
    above = next((steps for steps in range(size + 1, whole + 1) if may_be(steps)), None)
    return [steps for steps in (below, above) if steps is not None]


def core_grids(cores: int) -> np.ndarray:
    """[grids, 2]: cores along m and n, each pair using as many of ``cores`` as fit, e.g. 1×132, 2×66, …"""
    wide = sorted({cores // rows for rows in range(1, cores + 1)})
    return np.array([(cores // columns, columns) for columns in wide])
