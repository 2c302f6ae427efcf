"""Tapered precision: what posits and takums share. A kind says only which bits stand before the fraction.

A positive number ``(1 + f) · 2**e`` is the bit string ``prefix(e) ++ f``; a code is a sign bit, then that string cut
to the remaining bits. Negative codes are two's complements, 0 is zero and a lone sign bit is NaN ("NaR"). Codes in
two's complement are in the order of their values, as integers are.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.formats.arrays import FLOAT32, FLOAT64, Array, int64_patterns, lanes
from hwsim.formats.base import NOT_A_NUMBER, TABLE_BITS, Format, Unpacked
from hwsim.formats.exact import Draw, rounds_up
from hwsim.formats.rounding import RNE, Mode
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

WIDE = 128
"""Bits that golden strings are extended by: more than the 52 fraction bits of a float64 and any prefix."""


class Prefix(NamedTuple):
    """The bits that stand for an exponent."""

    bits: int
    length: int


class TaperedFormat(Format):
    """A prefix, then fraction bits. Rounding happens on the bit string, as the Posit Standard (2022) section 4.1 says.

    So a tie lies half-way between two codes of one bit more, which is not half-way between the values where exponent
    bits are cut off. To nearest (and by chance) nothing but zero becomes zero and nothing finite leaves the range;
    directed roundings go to zero where it is next, and stop at the largest value.
    """

    @abstractmethod
    def prefix(self, exponent: int) -> Prefix:
        """What stands before the fraction of ``(1 + f) · 2**exponent``, as long as the exponent needs it."""

    @abstractmethod
    def positive_value(self, string: int, length: int) -> Fraction:
        """The value of a sign-less bit string of ``length`` bits by the definition of the format; 0 for no bit set."""

    # Ranges ---------------------------------------------------------------------------------------

    @property
    def signed(self) -> bool:
        return True

    @property
    def has_nan(self) -> bool:
        return True

    @property
    def largest_body(self) -> int:
        """The code of the largest value."""
        return (1 << (self.bits - 1)) - 1

    @cached_property
    def max(self) -> float:
        return float(self.positive_value(self.largest_body, self.bits - 1))

    @property
    def min(self) -> float:
        return -self.max

    @cached_property
    def smallest(self) -> float:
        return float(self.positive_value(1, self.bits - 1))

    @property
    def eps(self) -> float:
        """Distance from 1 to the next larger value."""
        return math.ldexp(1.0, -self.fraction_bits(0))

    def fraction_bits(self, exponent: int) -> int:
        """Fraction bits that numbers of this exponent have."""
        return max(self.bits - 1 - self.prefix(exponent).length, 0)

    @property
    def exponents(self) -> range:
        """Exponents of the smallest value to the largest."""
        return range(math.frexp(self.smallest)[1] - 1, math.frexp(self.max)[1])

    @property
    def max_random_bits(self) -> int:
        # A string of these and three more bits below the code has 62 bits.
        return min(32, 60 - self.bits)

    @property
    def overflows(self) -> tuple[str, ...]:
        """Finite values saturate; under ``inf`` infinities become NaN, under ``saturate`` the largest value."""
        return ("inf", "saturate")

    # Encoding -------------------------------------------------------------------------------------

    def _encode_floats(self, x: Array, out: Array, mode: Mode, overflow: str, nan: str) -> int:
        from hwsim.kernels import tapered as kernels

        if x.dtype == np.float32 and self.exponents[0] < -126:
            x = x.astype(np.float64)
        parameters = self._parameters(mode.number, overflow)
        worth = x.size // SCALAR_SPAN
        if x.dtype == np.float32 and mode.number == RNE:
            nearest = kernels.encode_float32_to_nearest
            return over_threads(nearest, x.size, worth, lanes(x)[0], out, *self._strings, parameters)
        source_bits, table = (FLOAT32[0], self._float32) if x.dtype == np.float32 else (FLOAT64[0], self._float64)
        drawn = (mode.words, mode.key, mode.bits)
        return over_threads(kernels.encode, x.size, worth, lanes(x)[0], out, table, source_bits, parameters, *drawn)

    def _encode_integers(self, negative: Array, magnitude: Array, out: Array, mode: Mode, overflow: str) -> None:
        # Values have fewer than 53 bits, so rounding to odd at 53 bits first changes nothing.
        excess = np.maximum(np.frexp(magnitude.astype(np.float64))[1] - 53, 0).astype(np.uint64)
        kept = magnitude >> excess
        jammed = kept | (kept << excess != magnitude).astype(np.uint64)
        exact = np.ldexp(jammed.astype(np.float64), excess.astype(np.int64))
        self._encode_floats(np.where(negative, -exact, exact), out, mode, overflow, "error")

    def _parameters(self, mode: int, overflow: str) -> Array:
        not_a_real = 1 << (self.bits - 1)
        ends = (self.largest_body, not_a_real + 1) if overflow == "saturate" else (not_a_real, not_a_real)
        return int64_patterns([mode, self.largest_body, self.code_count - 1, not_a_real, *ends])

    @cached_property
    def _float32(self) -> Array:
        return self._exponent_table(*FLOAT32)

    @cached_property
    def _float64(self) -> Array:
        return self._exponent_table(*FLOAT64)

    def _exponent_table(self, source_bits: int, source_bias: int) -> Array:
        """For every exponent field of the source what `hwsim.kernels.tapered.encode` needs of its prefix."""
        rows = [self._exponent_row(field - source_bias, source_bits) for field in range(2 * source_bias + 2)]
        return np.array(rows, np.int64)

    def _exponent_row(self, exponent: int, source_bits: int) -> tuple[int, int, int, int]:
        width = self.bits - 1
        if exponent < self.exponents[0]:
            return 0, source_bits, 2, 0
        if exponent > self.exponents[-1]:
            return self.largest_body << 2, source_bits, 2, 0
        bits, length = self.prefix(exponent)
        kept = min(source_bits, max(width + self.max_random_bits + 3 - length, 0))  # what is random, and a sticky bit
        down = length + kept - width
        return bits << kept, source_bits - kept, max(down, 0), max(-down, 0)

    @cached_property
    def _strings(self) -> tuple[Array, Array, int]:
        """What `hwsim.kernels.tapered.encode_float32_to_nearest` needs."""
        source_bits, source_bias = FLOAT32
        width = self.bits - 1
        shortest = min(self.prefix(exponent).length for exponent in self.exponents)
        up = max(width - shortest - source_bits, 0)
        rows = []
        for exponent in range(-source_bias, source_bias + 2):
            bits, length = self._cut_prefix(exponent, width + 2)
            rows.append((bits << (source_bits + up), length + source_bits + up - width))
        base, down = zip(*rows, strict=True)
        return np.array(base, np.uint64), np.array(down, np.uint64), up

    def _cut_prefix(self, exponent: int, most: int) -> Prefix:
        """A prefix of at most ``most`` bits, the last one sticky; beyond the range what rounds as it should."""
        if exponent < self.exponents[0]:
            return Prefix(1, most)
        if exponent > self.exponents[-1]:
            return Prefix(self.largest_body << (most - self.bits + 1), most)
        bits, length = self.prefix(exponent)
        cut = max(length - most, 0)
        sticky = int(bits != bits >> cut << cut)
        return Prefix(bits >> cut | sticky, length - cut)

    # Decoding -------------------------------------------------------------------------------------

    @cached_property
    def _prefixes(self) -> tuple[Array, Array, Array, Array]:
        """Starts and lengths of prefixes, and the first and last that begin with each `TABLE_BITS` bits."""
        from hwsim.kernels.tapered import TABLE_BITS as LOOKED_UP

        found = [self.prefix(exponent) for exponent in self.exponents]
        starts = np.array([_at_the_top(*prefix) for prefix in found], np.int64)
        tops = np.arange(1 << LOOKED_UP, dtype=np.int64) << (63 - LOOKED_UP)
        first = np.searchsorted(starts, tops, side="right") - 1
        last = np.searchsorted(starts, tops + ((1 << (63 - LOOKED_UP)) - 1), side="right") - 1
        lengths = np.array([length for _, length in found], np.int64)
        return starts, lengths, np.maximum(first, 0), np.maximum(last, 0)

    def _values_of(self, codes: Array) -> Array:
        from hwsim.kernels import tapered as kernels

        out = np.empty(codes.shape, np.float64)
        starts, lengths, first, last = self._prefixes
        over_threads(
            kernels.decode, codes.size, codes.size // SCALAR_SPAN,
            codes, out, self.bits, starts, lengths, self.exponents[0], first, last,
        )  # fmt: skip
        return out

    def _unpack(self, codes: NDArray[np.uint64]) -> Unpacked:
        values = self._values_of(codes)
        nan = np.isnan(values)
        finite = np.where(nan, 0.0, values)
        exponent = np.clip(np.frexp(finite)[1] - 1, self.exponents[0], self.exponents[-1])
        exponent[finite == 0] = self.exponents[0]
        exponent -= np.array([self.fraction_bits(e) for e in self.exponents])[exponent - self.exponents[0]]
        significand = np.ldexp(finite, -exponent).astype(np.int64)
        return Unpacked(significand, exponent.astype(np.int32), np.where(nan, NOT_A_NUMBER, 0).astype(np.uint8))

    def _negative_zeros(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return np.zeros(codes.shape, np.bool_)

    def fits(self, dtype: np.dtype[Any]) -> bool:
        if self.bits <= TABLE_BITS:
            return super().fits(dtype)
        if dtype.kind != "f":
            return False
        limits = np.finfo(dtype)
        bits = max(self.fraction_bits(e) for e in self.exponents)
        return bool(bits <= limits.nmant and self.exponents[0] >= limits.minexp and self.exponents[-1] < limits.maxexp)

    # What judges it -------------------------------------------------------------------------------

    def golden_value(self, code: int) -> Fraction | float:
        """Two's complement for negative codes, then the definition of the kind."""
        sign = 1 << (self.bits - 1)
        if code == sign:
            return math.nan
        if code & sign:
            return -self.positive_value((1 << self.bits) - code, self.bits - 1)
        return self.positive_value(code, self.bits - 1)

    def golden_code(
        self, value: Fraction | float, rounding: str, overflow: str, nan: str, draw: Draw | None = None
    ) -> int:
        """The longest string whose value is not above ``|value|``, found bit by bit, and rounded as a string."""
        not_a_real = 1 << (self.bits - 1)
        if isinstance(value, float) and (math.isnan(value) or (math.isinf(value) and overflow == "inf")):
            return not_a_real
        negative = value < 0
        magnitude = Fraction(self.max) if isinstance(value, float) and math.isinf(value) else abs(Fraction(value))
        body = self._golden_body(negative, magnitude, rounding, draw)
        return (1 << self.bits) - body if negative and body else body

    def _golden_body(self, negative: bool, magnitude: Fraction, rounding: str, draw: Draw | None) -> int:
        if magnitude == 0:
            return 0
        lower, rest = _string(self, magnitude)
        if lower == self.largest_body:
            return lower
        if lower == 0 and rounding not in ("rz", "ru", "rd", "odd"):
            return 1
        if rest == 0 and lower == 0:
            rest = Fraction(1, 1 << WIDE)  # below any string
        return lower + int(rest != 0 and rounds_up(rest, negative, lower % 2 == 1, rounding, draw))


@lru_cache(maxsize=1 << 15)
def _string(fmt: TaperedFormat, magnitude: Fraction) -> tuple[int, Fraction]:
    """The greatest string not above ``magnitude``: the bits that fit a body, and the rest as a fraction of its last."""
    length = fmt.bits - 1 + WIDE
    string = 0
    for bit in reversed(range(length)):
        value = fmt.positive_value(string | 1 << bit, length)
        if value <= magnitude:
            string |= 1 << bit
        if value == magnitude:
            break
    return string >> WIDE, Fraction(string % (1 << WIDE), 1 << WIDE)


def _at_the_top(bits: int, length: int) -> int:
    """A prefix as the leading one of 63 bits; what a longer one has beyond them no code has either."""
    return bits << (63 - length) if length <= 63 else bits >> (length - 63)
