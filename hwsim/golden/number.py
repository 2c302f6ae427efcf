"""Numbers, products and additions in exact arithmetic: what the golden datapath is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hwsim.datapath.factor import Factor
from hwsim.formats.base import Format
from hwsim.formats.exact import TWO, Draw, floor_log2
from hwsim.formats.float import FloatFormat
from hwsim.golden.formats import Value, decode, round_unlimited


@dataclass(frozen=True)
class Number:
    """A sum or a product: ``special`` is "", "inf" or "nan"; a zero keeps its sign."""

    negative: bool
    magnitude: Fraction = Fraction(0)
    special: str = ""
    exponent: int | None = None
    """Un-normalised exponent, of operands and products."""

    @property
    def signed(self) -> Fraction:
        """The finite number; a negative zero becomes 0."""
        return -self.magnitude if self.negative else self.magnitude

    @property
    def value(self) -> Value:
        """As `hwsim.golden.formats` has it."""
        if self.special:
            return math.nan if self.special == "nan" else (-math.inf if self.negative else math.inf)
        return -0.0 if self.negative and self.magnitude == 0 else self.signed


ZERO = Number(False)
NAN = Number(False, special="nan")


def finite(x: Fraction) -> Number:
    """``x`` as a number; 0 becomes +0."""
    return Number(x < 0, abs(x))


@dataclass
class Events:
    """Results that left a range."""

    overflows: int = 0
    saturations: int = 0

    def count(self, saturates: bool) -> None:
        """One more."""
        self.saturations += int(saturates)
        self.overflows += int(not saturates)

    def of(self, register: str) -> Events:
        """Where events of a register count."""
        return self

    def begin(self, accumulator: Any, held: Any, start: Number | None) -> None:
        """A sum begins with what the register holds of ``start``."""

    def step(self, accumulator: Any, before: Any, term: Number, after: Any) -> None:
        """A term has been added."""


# Operands and products ------------------------------------------------------------------------------


def unpack(number_format: Format, code: int) -> Number:
    """The number that a code stands for, with its un-normalised exponent."""
    value = decode(number_format, code & ((1 << number_format.bits) - 1))
    if isinstance(value, float):
        negative = math.copysign(1, value) < 0
        if math.isnan(value):
            return NAN
        if math.isinf(value):
            return Number(negative, special="inf")
        return Number(negative, exponent=operand_exponent(number_format, Fraction(0)))
    return Number(value < 0, abs(value), exponent=operand_exponent(number_format, abs(value)))


def operand_exponent(number_format: Any, magnitude: Fraction) -> int:
    """⌊log2⌋, but at least the emin of a float's format; −f of integers and fixed point with f fraction bits."""
    if number_format.kind in ("integer", "fixed"):
        return -int(number_format.fraction_bits)
    if number_format.kind != "float":
        return floor_log2(magnitude) if magnitude else 0
    emin = int(number_format.emin)
    return max(floor_log2(magnitude), emin) if magnitude else emin


def multiply(multiplier: Any, x_code: int, y_code: int, a: Format, b: Format) -> Number:
    """The product of two codes; IEEE 754 section 7.2 for NaN and 0 · inf. Integers have no −0."""
    x, y = unpack(a, x_code), unpack(b, y_code)
    if "nan" in (x.special, y.special):
        return NAN
    if "inf" in (x.special, y.special):
        zero = any(not n.special and n.magnitude == 0 for n in (x, y))
        return NAN if zero else Number(x.negative != y.negative, special="inf")
    product = multiplier.product(_factor(x), _factor(y), a, b)
    has_signed_zero = a.kind == b.kind == "float"
    negative = product.negative and (has_signed_zero or product.significand != 0)
    return Number(negative, abs(product.value), exponent=product.exponent)


def _factor(x: Number) -> Factor:
    assert x.exponent is not None
    return Factor(x.negative, x.magnitude / TWO**x.exponent, x.exponent)


def times(x: Number, scale: Number) -> Number:
    """``x`` times a scale, which is not negative and not infinite, with the sum of their exponents."""
    if "nan" in (x.special, scale.special) or (x.special and not scale.magnitude):
        return NAN
    exponent = None if x.exponent is None or scale.exponent is None else x.exponent + scale.exponent
    return Number(x.negative, x.magnitude * scale.magnitude, x.special, exponent)


# Rounding -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """A float format with its rounding and overflow: where sums are rounded to."""

    format: FloatFormat
    rounding: str
    overflow: str | None
    flush: bool = False
    """Whether subnormal results become zeros."""

    @property
    def saturates(self) -> bool:
        """Whether numbers beyond the range become the largest one, by choice or for want of inf and NaN."""
        has_beyond = self.format.has_inf or self.format.has_nan
        return not has_beyond or (self.overflow or self.format.overflows[0]) == "saturate"

    def largest(self, negative: bool) -> Number:
        """The largest number of this sign."""
        return Number(negative, Fraction(self.format.max))

    def infinity(self, negative: bool) -> Number:
        """What an infinity becomes."""
        if self.saturates:
            return self.largest(negative)
        return Number(negative, special="inf") if self.format.has_inf else NAN

    def beyond(self, negative: bool) -> Number:
        """What a finite number beyond the largest one becomes."""
        inward = self.rounding in ("rz", "odd", "ru" if negative else "rd")
        stops = inward and self.overflow != "always_inf"
        return self.largest(negative) if stops else self.infinity(negative)


def round_to(x: Number, target: Target, events: Events | None = None, draw: Draw | None = None) -> Number:
    """``x`` in the target's format; ``events`` counts a finite x whose rounding lies beyond the largest number.

    ``draw`` has the random bits of a random rounding.
    """
    if x.special:
        return x if x.special == "nan" else target.infinity(x.negative)
    rounded = round_unlimited(target.format, x.negative, x.magnitude, target.rounding, draw)
    if rounded > Fraction(target.format.max):
        if events is not None:
            events.count(target.saturates)
        return target.beyond(x.negative)
    if target.flush and rounded < TWO**target.format.emin:
        rounded = Fraction(0)
    return Number(x.negative and (rounded != 0 or target.format.has_negative_zero), rounded)


# Additions ------------------------------------------------------------------------------------------


def add_special(terms: Sequence[Number]) -> Number | None:
    """The sum if a term is NaN or infinite, else None."""
    infinities = {x.negative for x in terms if x.special == "inf"}
    if any(x.special == "nan" for x in terms) or len(infinities) == 2:
        return NAN
    return Number(infinities.pop(), special="inf") if infinities else None


def add(x: Number, y: Number, target: Target, events: Events | None = None, draw: Draw | None = None) -> Number:
    """``x + y`` rounded once; the sign of a zero sum as IEEE 754 section 6.3 has it."""
    total = add_special([x, y])
    if total is None:
        total = finite(x.signed + y.signed)
        if total.magnitude == 0:
            like = x.magnitude == 0 and x.negative == y.negative
            total = Number(x.negative if like else target.rounding == "rd")
    return round_to(total, target, events, draw)


def exact_sum(terms: Sequence[Number]) -> Fraction:
    """Σ of finite terms."""
    return sum((x.signed for x in terms), Fraction(0))


@dataclass(frozen=True)
class Arithmetic:
    """What a reduction's own golden rule adds with: exact sums, and the accumulator's rounding."""

    target: Target
    events: Events

    def sum(self, terms: Sequence[Number]) -> Number:
        """Σ of the terms, not rounded; an exact zero is +0."""
        return add_special(terms) or finite(exact_sum(terms))

    def round(self, x: Number) -> Number:
        """``x`` in the accumulator's format; one beyond its range is counted."""
        return round_to(x, self.target, self.events)

    def add(self, x: Number, y: Number) -> Number:
        """``x + y`` rounded once into the accumulator's format."""
        return add(x, y, self.target, self.events)
