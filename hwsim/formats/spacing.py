"""What a format's values leave between them: neighbours, gaps and counts, the same for every kind of format."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError

if TYPE_CHECKING:
    from hwsim.formats.base import Format

Values = NDArray[np.float64]


class Spacing:
    """Neighbours and gaps, derived from directed rounding: no kind of format has anything to add."""

    def next_up(self: Any, x: ArrayLike) -> Values:
        """The least value of the format above each ``x`` (IEEE 754-2019, section 5.3.1, nextUp).

        Above the largest value infinity follows, or where there is none the largest value itself; NaN stays NaN.
        ``x`` needs not be a value of the format, and is taken in float64. Raises `InputError` for integers of 54 bits
        or more.
        """
        _refuse_wide(self)
        return next_toward(self, np.asarray(x, np.float64), "ru", np.inf)

    def next_down(self: Any, x: ArrayLike) -> Values:
        """The greatest value of the format below each ``x``; see `next_up`."""
        _refuse_wide(self)
        return next_toward(self, np.asarray(x, np.float64), "rd", -np.inf)

    def ulp(self: Any, x: ArrayLike) -> Values:
        """Unit in the last place: the gap between the two neighbouring values that hold ``|x|`` between them.

        ``|x|`` itself is the lower one where it is a value, so that at a power of two the larger gap counts
        (Goldberg's ulp, extended to the reals; Muller et al., Handbook of Floating-Point Arithmetic, section 2.3.1).
        From the largest value on it is the gap below that. NaN for NaN.
        """
        magnitude: Values = np.abs(np.asarray(x, np.float64))
        largest = float(self.max)
        lower = np.asarray(_rounded(self, np.minimum(magnitude, largest), "rd"), np.float64)
        upper = np.minimum(self.next_up(lower), largest)
        gap = np.where(upper > lower, upper - lower, lower - self.next_down(lower))
        ulp: Values = np.where(np.isnan(magnitude), np.nan, gap)
        return ulp

    def spacing(self: Any, x: ArrayLike) -> Values:
        """`ulp` with the sign of ``x``, as `numpy.spacing` has it: from a value to its neighbour away from zero."""
        signed: Values = np.copysign(self.ulp(x), np.asarray(x, np.float64))
        return signed

    @property
    def binades(self: Any) -> float:
        """``log2(max / smallest)``: factors of two between the smallest and the largest value above zero."""
        return math.log2(self.max) - math.log2(self.smallest)

    @property
    def dynamic_range_db(self: Any) -> float:
        """``20 log10(max / smallest)``."""
        return 20 * (math.log10(self.max) - math.log10(self.smallest))

    @property
    def code_count(self: Any) -> int:
        """Number of bit patterns, ``2**bits``."""
        return 1 << int(self.bits)

    @property
    def value_count(self: Any) -> int:
        """Number of different finite values, for formats of up to 16 bits."""
        values = self.values()
        return int(np.unique(values[np.isfinite(values)]).size)


def _refuse_wide(fmt: Format) -> None:
    if fmt.value_dtype.kind != "f":
        raise InputError(f"{fmt.name} has values that float64 does not; their neighbours are one apart")


def next_toward(fmt: Format, x: Values, rounding: str, end: float) -> Values:
    """The next value beyond ``x`` toward ``end``, ±∞; of wider integers, the next one that is a float64.

    The format's values being float64, it is the first at or beyond x's neighbour in float64.
    """
    with np.errstate(over="ignore"):
        beside = np.nextafter(x, end)
    values = np.asarray(_rounded(fmt, beside, rounding), np.float64)
    beyond: Values = np.where(x == end, end if fmt.has_inf else values, values)
    return beyond


def _rounded(fmt: Format, x: Values, rounding: str) -> Values:
    """Rounded with infinity or saturation beyond the range, NaN kept."""
    number = np.where(np.isnan(x), 0.0, x)
    overflow = "inf" if fmt.has_inf else "saturate"
    if number.size and not fmt.has_inf:
        number = np.clip(number, float(fmt.min), float(fmt.max))
    rounded = np.asarray(fmt.round(number, rounding, overflow), np.float64)
    return np.where(np.isnan(x), np.nan, rounded)
