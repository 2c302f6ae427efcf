"""What the format tests share: the golden model over arrays, and the values where rounding can go wrong."""

import math
from fractions import Fraction

import numpy as np

from hwsim.formats import Format, entries
from hwsim.formats.base import families
from hwsim.golden import formats as golden

MODES = ("rne", "rna", "rz", "ru", "rd")

CATALOGUE = [entry.format for entry in entries().values()]
EVERY_KIND = CATALOGUE + [example for family in families.items().values() for example in family.examples()]
"""The catalogue and each kind's own examples: what the shared contract is checked on."""


def exactly(values):
    """Floats as the golden model takes them: fractions, but inf, NaN and −0 as they are."""
    return [v if v == 0 or not math.isfinite(v) else Fraction(v) for v in map(float, values)]


def golden_codes(fmt: Format, values, rounding, overflow, nan="zero"):
    """Codes of an array by the golden model, one Python number at a time."""
    codes = [golden.encode(fmt, value, rounding, overflow, nan) for value in exactly(values)]
    return np.array(codes, np.uint64).astype(fmt.code_dtype)


def finite_values(fmt: Format) -> np.ndarray:
    """The different finite values of a format of up to 16 bits, ascending."""
    values = fmt.values()
    return np.unique(values[np.isfinite(values)]) + 0.0  # no −0


def turning_points(fmt: Format, dtype=np.float64) -> np.ndarray:
    """All values of a format up to 16 bits, the midpoints between neighbours, and what lies just beside each.

    Beyond the limits come the places where the format would go on. What ``dtype`` does not hold is left out.
    """
    finite = finite_values(fmt)
    midpoints = (finite[:-1] + finite[1:]) / 2
    onward = np.array([0.5, 1, 1.5, 2, 4])
    beyond = finite[-1] + (finite[-1] - finite[-2]) * onward
    below = finite[0] - (finite[1] - finite[0]) * onward
    points = np.concatenate([finite, midpoints, beyond, below])
    with np.errstate(over="ignore", under="ignore"):
        narrowed = points.astype(dtype)
        points = narrowed[narrowed == points]
        beside = np.concatenate([np.nextafter(points, dtype(np.inf)), np.nextafter(points, dtype(-np.inf))])
    limits = np.finfo(dtype)
    extreme = np.array([limits.smallest_subnormal, limits.tiny, limits.max, np.inf, 0.0], dtype)
    return np.concatenate([points, beside, extreme, -extreme, [dtype(np.nan)]])


def same_codes(fmt: Format, codes, expected) -> np.ndarray:
    """Elementwise: equal codes, or both NaN."""
    both_nan = np.isnan(fmt.decode(codes).astype(float)) & np.isnan(fmt.decode(expected).astype(float))
    return (codes == expected) | both_nan


def neighbour_codes(fmt: Format, x, rounding):
    """Codes of values strictly inside the range by looking at the two values beside each: a second judge.

    Numpy over the list of all values, so that formats of 16 bits can be walked whole.
    """
    finite = finite_values(fmt)
    codes = fmt.encode(finite)
    lower = np.searchsorted(finite, x, side="right") - 1
    upper = np.minimum(lower + (finite[lower] < x), finite.size - 1)
    to_lower, to_upper = x - finite[lower], finite[upper] - x  # exact: all are neighbours
    even_is_upper = codes[lower] % 2 == 1
    up = {
        "rne": (to_upper < to_lower) | ((to_upper == to_lower) & even_is_upper),
        "rna": (to_upper < to_lower) | ((to_upper == to_lower) & (x > 0)),
        "rz": x < 0,
        "ru": np.ones(x.shape, bool),
        "rd": np.zeros(x.shape, bool),
    }[rounding]
    return np.where(up, codes[upper], codes[lower])
