"""How precise a format is at each magnitude: the largest relative error of rounding to nearest, binade by binade."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.base import TABLE_BITS, Format
from hwsim.formats.spacing import next_toward

Array = NDArray[np.float64]

GRID = 64
"""Magnitudes tried per binade besides the turning points: a power of two, so that the binade's ends are among them."""


class Precision(NamedTuple):
    """Neighbouring binades of one precision: the magnitudes from ``2**first`` up to ``2**(last + 1)``."""

    first: int
    last: int
    relative_error: float
    """The supremum of ``|round(x) − x| / x``, to nearest, up to the largest value of the format."""

    @property
    def bits(self) -> float:
        """``−log2`` of the relative error: p for p significand bits. Negative where errors exceed the number."""
        return -math.log2(self.relative_error) if self.relative_error > 0 else math.inf


SAMPLES = 8
"""Pairs of neighbours per binade that a format of more than 16 bits is judged by."""

SPARSE = 1.5
"""Bits below which values are about a binade apart or further, and binades say little one by one."""


def binade_exponents(fmt: Format) -> range:
    """Exponents of the binades from the smallest value above zero to the largest, which may end the last one."""
    first = math.frexp(fmt.smallest)[1] - 1
    fraction, exponent = math.frexp(fmt.max)
    return range(first, max(first + 1, exponent - int(fraction == 0.5)))


def precision_by_binade(fmt: Format) -> list[Precision]:
    """One entry per binade from the one of the smallest value to the one of the largest.

    At the arithmetic mean of two neighbours the error is half their distance, whichever of them it goes to. Elsewhere
    errors are those of `Format.round`: at both float64 sides of where it turns from one neighbour to the next (which
    tapered and logarithmic formats do elsewhere), and on a grid of `GRID` magnitudes and the end of the binade.

    Of formats of more than 16 bits `SAMPLES` values of each binade and their neighbours are looked at, its first one
    among them, where the gap relative to the number is widest; and with float64's eyes, which see 53 bits at most.
    """
    magnitudes, errors = _turning_points(fmt)
    binades = binade_exponents(fmt)
    greatest = np.zeros(len(binades))
    np.maximum.at(greatest, np.minimum(np.frexp(magnitudes)[1] - 1, binades[-1]) - binades[0], errors)
    return [Precision(e, e, float(error)) for e, error in zip(binades, greatest, strict=True)]


def precision_profile(fmt: Format, tolerance: float = 0.05) -> list[Precision]:
    """`precision_by_binade` with neighbours put together: bits differ by less than ``tolerance``, or are `SPARSE`."""
    runs = groupby(_labelled(precision_by_binade(fmt), tolerance), key=lambda pair: pair[0])
    return [_joined([precision for _, precision in run]) for _, run in runs]


def relative_error_curve(fmt: Format, per_binade: int = 16) -> tuple[Array, Array]:
    """Magnitudes, ascending, and the relative error there: the peaks between neighbouring values, not the teeth.

    At most ``per_binade`` of them per factor of two, the highest. Wide formats: see `precision_by_binade`.
    """
    magnitudes, errors = _peaks(*_neighbours(fmt), fmt)
    stretches = np.floor(np.log2(magnitudes) * per_binade).astype(np.int64)
    order = np.lexsort((errors, stretches))
    chosen = order[np.flatnonzero(np.diff(stretches[order], append=np.iinfo(np.int64).max))]
    return magnitudes[chosen], errors[chosen]


def _turning_points(fmt: Format) -> tuple[Array, Array]:
    """Magnitudes in the range of the format where the relative error may be greatest, and the errors."""
    powers = np.ldexp(1.0, np.array(binade_exponents(fmt)))
    steps = np.append(1 + np.arange(GRID) / GRID, math.nextafter(2.0, 0.0))
    grid = (powers[:, None] * steps).reshape(-1)
    grid = grid[(grid >= fmt.smallest) & (grid <= float(fmt.max))]
    below, above = _neighbours(fmt)
    turns = _around_turn(below, above, fmt)
    magnitudes = np.concatenate([below / 2 + above / 2, *turns, grid])
    rounded = [_relative_errors(fmt, points) for points in (*turns, grid)]
    return magnitudes, np.concatenate([_half_gaps(below, above), *rounded])


def _peaks(below: Array, above: Array, fmt: Format) -> tuple[Array, Array]:
    """Where between neighbours the relative error is greatest, and how great."""
    candidates = [below / 2 + above / 2, *_around_turn(below, above, fmt)]
    errors = np.stack([_half_gaps(below, above), *(_relative_errors(fmt, points) for points in candidates[1:])])
    best = errors.argmax(axis=0)
    return np.stack(candidates)[best, np.arange(best.size)], errors.max(axis=0)


def _around_turn(below: Array, above: Array, fmt: Format) -> tuple[Array, Array]:
    """The last float64 that rounds to ``below`` and the first that rounds to ``above``, by bisection of their codes."""
    low, high = below.view(np.int64).copy(), above.view(np.int64).copy()
    while bool((high - low > 1).any()):
        middle = low + (high - low) // 2
        up = np.asarray(fmt.round(middle.view(np.float64), overflow="saturate"), np.float64) >= above
        low, high = np.where(up, low, middle), np.where(up, middle, high)
    return low.view(np.float64), high.view(np.float64)


def _half_gaps(below: Array, above: Array) -> Array:
    """Half the distance of neighbours, relative to their arithmetic mean."""
    return np.asarray((1 - below / above) / (1 + below / above))


def _neighbours(fmt: Format) -> tuple[Array, Array]:
    """Values above zero and the next larger ones: all of them, or of a wide format `SAMPLES` pairs per binade."""
    if fmt.bits <= TABLE_BITS:
        values = np.unique(np.asarray(fmt.values(), np.float64))
        positive = values[(values > 0) & (values <= float(fmt.max))]
        return positive[:-1], positive[1:]
    powers = np.ldexp(1.0, np.array(binade_exponents(fmt)))
    wanted = (powers[:, None] * (1 + np.arange(SAMPLES) / SAMPLES)).reshape(-1)
    lower = np.asarray(fmt.round(wanted, "ru", "saturate"), np.float64)
    lower = np.unique(lower[(lower > 0) & (lower < float(fmt.max))])
    return lower, np.minimum(next_toward(fmt, lower, "ru", np.inf), float(fmt.max))


def _relative_errors(fmt: Format, magnitudes: Array) -> Array:
    rounded = np.asarray(fmt.round(magnitudes, overflow="saturate"), np.float64)
    return np.asarray(np.abs(rounded - magnitudes) / magnitudes)


def _labelled(precisions: list[Precision], tolerance: float) -> Iterator[tuple[int, Precision]]:
    """Each with the number of its run; a run holds what differs little from its first member."""
    run, start = 0, precisions[0]
    for precision in precisions:
        sparse = max(precision.bits, start.bits) < SPARSE
        if not (sparse or precision.bits == start.bits or abs(precision.bits - start.bits) < tolerance):
            run, start = run + 1, precision
        yield run, precision


def _joined(run: list[Precision]) -> Precision:
    return Precision(run[0].first, run[-1].last, max(precision.relative_error for precision in run))
