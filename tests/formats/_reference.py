"""What the format tests share: the golden model over arrays, and the values where rounding can go wrong."""

import math
from fractions import Fraction

import numpy as np

from hwsim.formats import Format, entries
from hwsim.formats.base import families
from hwsim.formats.exact import Draw
from hwsim.golden import formats as golden

MODES = ("rne", "rna", "rz", "ru", "rd", "odd")
RANDOM_MODES = ("stochastic_a", "stochastic_b", "stochastic_c", "equal_probability")

CATALOGUE = [entry.format for entry in entries().values()]
EVERY_KIND = CATALOGUE + [example for family in families.items().values() for example in family.examples()]
"""The catalogue and each kind's own examples: what the shared contract is checked on."""


def exactly(values):
    """Floats as the golden model takes them: fractions, but inf, NaN and −0 as they are."""
    return [v if v == 0 or not math.isfinite(v) else Fraction(v) for v in map(float, values)]


def golden_codes(fmt: Format, values, rounding, overflow, nan="zero", bits=0, words=None):
    """Codes of an array by the golden model, one Python number at a time; ``words`` are random bits."""
    draws = [None] * len(values) if words is None else [Draw(bits, int(word)) for word in words]
    codes = [
        golden.encode(fmt, value, rounding, overflow, nan, draw)
        for value, draw in zip(exactly(values), draws, strict=True)
    ]
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
        "odd": ~even_is_upper,
    }[rounding]
    return np.where(up, codes[upper], codes[lower])


def philox_words(seed: int, count: int) -> np.ndarray:
    """Philox4x32-10 in Python integers, in the order of `hwsim.kernels.philox`."""
    words = np.empty(-(-count // 256) * 256, np.uint32)
    for counter in range(words.size // 4):
        block, j = divmod(counter, 64)
        for lane, word in enumerate(philox4x32((counter, 0, 0, 0), (seed & 0xFFFFFFFF, seed >> 32))):
            words[256 * block + 64 * lane + j] = word
    return words[:count]


def philox4x32(counter, key) -> tuple[int, int, int, int]:
    """Ten rounds of Salmon et al., SC 2011, section 3.3."""
    (a, b, c, d), (low, high) = counter, key
    for _ in range(10):
        first, second = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (second >> 32) ^ b ^ low, second & 0xFFFFFFFF, (first >> 32) ^ d ^ high, first & 0xFFFFFFFF
        low, high = (low + 0x9E3779B9) & 0xFFFFFFFF, (high + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d
