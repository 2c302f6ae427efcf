"""A format's values on a line, and its precision by magnitude, as text; where values lie is also what figures use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.base import TABLE_BITS
from hwsim.report.format_facts import finite_values, power_of_two

if TYPE_CHECKING:
    from hwsim.formats.analysis.precision import Precision

Array = NDArray[np.float64]

LINEAR_BINADES = 6
"""Formats of as many binades or more have a logarithmic line, unless their values are evenly spaced."""

_SAMPLES = 4096
_BLOCKS = " ▁▂▃▄▅▆▇█"
_BAR = " ▏▎▍▌▋▊▉█"
_ROWS = 32


@dataclass(frozen=True)
class NumberLine:
    """A line from the least to the greatest value: even, or logarithmic on both sides of a zero in the middle."""

    smallest: float
    least: float
    greatest: float
    logarithmic: bool

    def positions(self, values: Any) -> Array:
        """Where ``values`` lie; logarithmic: binades above the smallest value plus one, with the sign, 0 for 0."""
        numbers = np.asarray(values, np.float64)
        if not self.logarithmic:
            return numbers
        with np.errstate(divide="ignore"):
            binades = np.log2(np.abs(numbers)) - math.log2(self.smallest) + 1
        return np.where(numbers == 0, 0.0, np.copysign(binades, numbers))

    @property
    def ends(self) -> tuple[float, float]:
        """Positions of the least and the greatest value, or of zero where that is further out."""
        low, high = self.positions([min(self.least, 0.0), max(self.greatest, 0.0)])
        return float(low), float(high)

    @property
    def marks(self) -> list[float]:
        """Values to write below the line, the most important first."""
        marks = [self.greatest, self.least, 0.0]
        if self.logarithmic:
            marks += [self.smallest, -self.smallest, 1.0, -1.0]
        return [mark for mark in dict.fromkeys(marks) if min(self.least, 0.0) <= mark <= self.greatest]


def number_line(fmt: Any) -> NumberLine:
    """The line that suits a scalar format."""
    even = fmt.kind in ("integer", "fixed")
    return NumberLine(
        float(fmt.smallest), float(fmt.min), float(fmt.max), bool(not even and fmt.binades >= LINEAR_BINADES)
    )


def values_on_line(fmt: Any) -> Array:
    """All finite values, ascending; of formats of more than 16 bits some thousand, evenly spread on the line."""
    if fmt.bits <= TABLE_BITS:
        return np.array(finite_values(fmt))
    line = number_line(fmt)
    if not line.logarithmic:
        return np.linspace(line.least, line.greatest, _SAMPLES)
    exponents = np.linspace(math.log2(line.smallest), math.log2(line.greatest), _SAMPLES)
    powers = np.append(np.exp2(exponents[:-1]), line.greatest)  # whose own power may round beyond float64
    magnitudes = np.asarray(fmt.round(powers, "rz", "saturate"), np.float64)
    both = np.concatenate([-magnitudes, [0.0], magnitudes]) if line.least < 0 else magnitudes
    return np.asarray(np.unique(both))


# Text ---------------------------------------------------------------------------------------------


def number_line_text(fmt: Any, width: int = 78) -> list[str]:
    """The line, what some of its places are, and how to read it: three lines of at most ``width`` characters."""
    line, values = number_line(fmt), values_on_line(fmt)
    places = _columns(line, values, width)
    scale = "logarithmic, both ways from 0" if line.logarithmic and line.least < 0 else "logarithmic"
    if len(set(places)) == len(places):
        drawn, meaning = "".join("┼" if column in places else "─" for column in range(width)), "each ┼ is a value"
    else:
        drawn, meaning = _densities(line, values, width), "height: density of values"
    marks = list(zip(_columns(line, line.marks, width), line.marks, strict=True))
    return [drawn, _labels(marks, width), f"({scale if line.logarithmic else 'linear'}; {meaning})"]


def _columns(line: NumberLine, values: Any, width: int) -> list[int]:
    low, high = line.ends
    places = (line.positions(values) - low) / ((high - low) or 1.0) * (width - 1)
    return [int(place) for place in np.rint(places)]


def _densities(line: NumberLine, values: Array, width: int) -> str:
    """A block per column, its height by the values per column; a gap spreads its value evenly."""
    low, high = line.ends
    edges = np.linspace(low, high, width + 1)
    counts = np.diff(np.interp(edges, line.positions(values), np.arange(values.size)))
    return "".join(_BLOCKS[math.ceil(count / counts.max() * 8 - 1e-6)] for count in counts)


def _labels(places: Sequence[tuple[int, float]], width: int) -> str:
    """Numbers below their places, those that have room."""
    text = [" "] * width
    for column, mark in places:
        label = power_of_two(mark)
        start = min(max(column - len(label) // 2, 0), width - len(label))
        around = text[max(start - 1, 0) : start + len(label) + 1]
        if all(letter == " " for letter in around):
            text[start : start + len(label)] = label
    return "".join(text).rstrip()


def precision_text(fmt: Any, width: int = 78) -> list[str]:
    """Bits of precision by magnitude: a bar per run of binades, at most 32 of them.

    A bar is ``−log2`` of the largest relative error of rounding to nearest there: p for p significand bits.
    """
    runs = shortened_profile(fmt)
    spans = [_span(run, fmt) for run in runs]
    margin = max(len(span) for span in spans)
    longest = max((run.bits for run in runs if math.isfinite(run.bits)), default=0.0)
    room = max(width - margin - 9, 8)
    lines = []
    for span, run in zip(spans, runs, strict=True):
        exact = math.isinf(run.bits)
        bar = "" if exact or longest <= 0 else _bar(max(run.bits, 0.0) / longest * min(room, 2.0 * longest))
        lines.append(f"{span:>{margin}}  {'exact' if exact else f'{run.bits:5.1f}'}  {bar}".rstrip())
    return lines


def shortened_profile(fmt: Any, rows: int = _ROWS) -> list[Precision]:
    """`hwsim.formats.analysis.precision.precision_profile` with neighbours put together until there are few rows."""
    from hwsim.formats.analysis.precision import precision_profile

    tolerance = 0.05
    runs = precision_profile(fmt, tolerance)
    while len(runs) > rows:
        tolerance *= 2
        runs = precision_profile(fmt, tolerance)
    return runs


def _span(run: Precision, fmt: Any) -> str:
    """Magnitudes of a run, the ends of the format's range as they are."""
    low = max(math.ldexp(1.0, run.first), float(fmt.smallest))
    high = float(fmt.max) if run.last + 1 > math.log2(fmt.max) - 1e-12 else math.ldexp(1.0, run.last + 1)
    return f"{power_of_two(low)} … {power_of_two(high)}"


def _bar(length: float) -> str:
    whole, eighths = divmod(round(length * 8), 8)
    return "█" * whole + _BAR[eighths].strip()
