"""Formats that are a list of values, one for each code: codebooks, powers of two, logarithmic numbers.

Rounding is a matter of order: between two neighbouring values lies one threshold for each rounding, found in exact
arithmetic and kept as the least float64 that has reached it, so that encoding compares and never computes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.base import NOT_A_NUMBER, Format, Unpacked
from hwsim.formats.exact import Draw, rounds_up
from hwsim.formats.rounding import ALL_MODES, Mode
from hwsim.formats.thresholds import Cell, least_double, random_ranks
from hwsim.kernels.threads import SCALAR_SPAN, over_threads


class TableFormat(Format):
    """A value for each code, or None where it is not used. At most 16 bits. Beyond its ends it saturates.

    Which of two neighbours is the even one says its place counted from zero (from the least magnitude of its sign
    where there is no zero), which in sign-magnitude and two's complement is the parity of the code. Where neither
    side has a zero, what lies between the least magnitudes goes to that of its own sign under ``rz`` and ``odd``.
    """

    if TYPE_CHECKING:  # a field of a kind's record, or a property

        @property
        def levels(self) -> tuple[float | None, ...]:
            """The value of each code, from 0 on; None of one that is not used, which decodes to NaN."""

    def split(self, lower: int) -> tuple[Fraction, bool]:
        """Where to-nearest changes between the values of rank ``lower`` and ``lower + 1``, and whether x can tie.

        The arithmetic mean. A kind that overrides it gives the least float64 that belongs above, and False.
        """
        return (Fraction(self.ascending[lower]) + Fraction(self.ascending[lower + 1])) / 2, True

    # Ranges ---------------------------------------------------------------------------------------

    @cached_property
    def ascending(self) -> tuple[float, ...]:
        """The different values in order; a zero is +0."""
        return tuple(sorted({level + 0.0 for level in self.levels if level is not None}))

    @cached_property
    def _codes(self) -> NDArray[np.int64]:
        """The first code of each of `ascending`."""
        first: dict[float, int] = {}
        for code, level in reversed(list(enumerate(self.levels))):
            if level is not None:
                first[level + 0.0] = code
        return np.array([self._plain_zero if value == 0 else first[value] for value in self.ascending], np.int64)

    @cached_property
    def _plain_zero(self) -> int:
        zeros = [code for code, level in enumerate(self.levels) if level == 0]
        return next((code for code in zeros if code != self._negative_zero), zeros[0] if zeros else 0)

    @cached_property
    def _negative_zero(self) -> int:
        """The code of −0, or −1."""
        return next((code for code, level in enumerate(self.levels) if _is_negative_zero(level)), -1)

    @property
    def signed(self) -> bool:
        return self.ascending[0] < 0

    @property
    def max(self) -> float:
        return self.ascending[-1]

    @property
    def min(self) -> float:
        return self.ascending[0]

    @property
    def smallest(self) -> float:
        return self.ascending[bisect_right(self.ascending, 0.0)]

    @property
    def overflows(self) -> tuple[str, ...]:
        return ("saturate",)

    # Encoding -------------------------------------------------------------------------------------

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """What lies between neighbouring values."""
        values = self.ascending
        zero = bisect_right(values, 0.0) - 1 if 0.0 in values else None
        places = [_place(rank, values, zero) for rank in range(len(values))]
        return tuple(
            Cell(values[i], values[i + 1], *self.split(i), places[i] % 2 == 1, places[i + 1] % 2 == 1)
            for i in range(len(values) - 1)
        )

    @cached_property
    def _thresholds(self) -> dict[int, Array]:
        return {}

    def _threshold_array(self, mode: int, dtype: np.dtype[np.floating]) -> Array:
        if mode not in self._thresholds:
            name = next(name for name, number in ALL_MODES.items() if number == mode)
            found = [least_double(*cell.threshold(name)) for cell in self.cells]
            self._thresholds[mode] = np.array(found, np.float64)
        exact = self._thresholds[mode]
        narrowed = exact.astype(dtype)
        return np.where(narrowed < exact, np.nextafter(narrowed, dtype.type(np.inf)), narrowed)

    def _encode_floats(self, x: Array, out: Array, mode: Mode, overflow: str, nan: str) -> int:
        from hwsim.kernels import steps

        replaced = self._nan_code(nan)
        zero = self.ascending.index(0.0) if 0.0 in self.ascending else -1
        if mode.random:
            clipped = np.clip(np.where(np.isnan(x), 0.0, x).astype(np.float64), self.min, self.max)
            ranks = random_ranks(clipped, np.array(self.ascending), mode)
            minus = (ranks == zero) & np.signbit(x) & (self._negative_zero >= 0)
            codes = np.where(minus, self._negative_zero, self._codes[ranks])
            out[...] = np.where(np.isnan(x), replaced, codes).astype(out.dtype)
            return int(np.isnan(x).sum())
        thresholds = self._threshold_array(mode.number, x.dtype)
        return over_threads(
            steps.encode, x.size, x.size // SCALAR_SPAN,
            x, out, thresholds, self._codes, zero, self._negative_zero, replaced,
        )  # fmt: skip

    def _encode_integers(self, negative: Array, magnitude: Array, out: Array, mode: Mode, overflow: str) -> None:
        if max(abs(self.max), abs(self.min)) >= 2**53:
            raise InputError(f"{self.name} reaches beyond 2**53: give floats to encode")
        exact = np.minimum(magnitude, np.uint64(1 << 53)).astype(np.float64)
        self._encode_floats(np.where(negative, -exact, exact), out, mode, overflow, "zero")

    def _nan_code(self, nan: str) -> int:
        zero = self.golden_code(0.0, "rne", "saturate", nan)
        replaced = {"max": int(self._codes[-1]), "negative_zero": self._negative_zero}.get(nan, zero)
        return replaced if replaced >= 0 else zero

    # Decoding -------------------------------------------------------------------------------------

    def _values_of(self, codes: Array) -> Array:
        levels = np.full(self.code_count, np.nan)
        levels[: len(self.levels)] = np.array(self.levels, np.float64)  # None becomes NaN
        return levels[codes]

    def _unpack(self, codes: NDArray[np.uint64]) -> Unpacked:
        values = self._values_of(codes)
        nan = np.isnan(values)
        finite = np.where(nan, 0.0, values)
        fraction, exponent = np.frexp(finite)
        significand = np.ldexp(fraction, self._significand_bits).astype(np.int64)
        exponent = np.where(finite == 0, np.frexp(self.smallest)[1], exponent) - self._significand_bits
        return Unpacked(significand, exponent.astype(np.int32), np.where(nan, NOT_A_NUMBER, 0).astype(np.uint8))

    @cached_property
    def _significand_bits(self) -> int:
        """Bits that the significand of every value fits."""
        fractions = (Fraction(math.frexp(value)[0]) for value in self.ascending)
        return max(fraction.denominator.bit_length() - 1 for fraction in fractions) or 1

    def _negative_zeros(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return np.asarray(codes == self._negative_zero, np.bool_)

    # What judges it -------------------------------------------------------------------------------

    def golden_value(self, code: int) -> Fraction | float:
        """The list's own entry."""
        level = self.levels[code] if code < len(self.levels) else None
        if level is None:
            return math.nan
        return level if _is_negative_zero(level) else Fraction(level)

    def golden_code(
        self, value: Fraction | float, rounding: str, overflow: str, nan: str, draw: Draw | None = None
    ) -> int:
        """By distance to the two values beside, in fractions; see the class for what is even."""
        if isinstance(value, float) and math.isnan(value):
            if nan == "error":
                raise ValueError(f"{self.name} has no NaN")
            return self._nan_code(nan)
        negative = math.copysign(1, value) < 0 if isinstance(value, float) else value < 0
        rank = self._golden_rank(value, rounding, draw)
        minus = negative and self.ascending[rank] == 0 and self._negative_zero >= 0
        return self._negative_zero if minus else int(self._codes[rank])

    def _golden_rank(self, value: Fraction | float, rounding: str, draw: Draw | None) -> int:
        if value <= self.min or value >= self.max:
            return 0 if value <= self.min else len(self.ascending) - 1
        exact = Fraction(value)
        lower = bisect_right(self.ascending, exact) - 1
        if self.ascending[lower] == exact:
            return lower
        cell = self.cells[lower]
        if cell.straddles and rounding in ("rz", "odd"):
            return lower + int(exact >= 0)
        if rounding in ("rne", "rna"):
            return lower + int(self.golden_above(lower, exact, rounding))
        toward, away = (lower + 1, lower) if cell.negative else (lower, lower + 1)
        near, far = Fraction(self.ascending[toward]), Fraction(self.ascending[away])
        up = rounds_up((exact - near) / (far - near), cell.negative, cell.odd(toward - lower), rounding, draw)
        return away if up else toward

    def golden_above(self, lower: int, exact: Fraction, rounding: str) -> bool:
        """Whether x between ranks ``lower`` and ``lower + 1`` is nearer to the upper one, or ties and goes there."""
        below, above = exact - Fraction(self.ascending[lower]), Fraction(self.ascending[lower + 1]) - exact
        if below != above:
            return below > above
        cell = self.cells[lower]
        if cell.straddles:
            return True
        return cell.odd(0) if rounding == "rne" else not cell.negative


def _is_negative_zero(level: float | None) -> bool:
    return level == 0 and math.copysign(1, level) < 0


def _place(rank: int, values: tuple[float, ...], zero: int | None) -> int:
    if zero is not None:
        return abs(rank - zero)
    negatives = sum(value < 0 for value in values)
    return rank - negatives if rank >= negatives else negatives - 1 - rank
