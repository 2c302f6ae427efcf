"""Formats in plain Python: exact fractions, one value at a time, each rule in the words of its definition.

A value is a `Fraction`, or a float where there is no fraction for it: ``inf``, ``-inf``, ``nan`` and ``-0.0``.
This is the judge of `hwsim.formats` and of every datapath; it shares the records with them, no arithmetic.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import singledispatch

from hwsim.formats.base import Format
from hwsim.formats.exact import TWO, Draw, floor_log2, goes_beyond, round_to_integer, rounds_up
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import UniformFormat

Value = Fraction | float


@singledispatch
def decode(fmt: Format, code: int) -> Value:
    """The value that ``code`` stands for: the rules of the kinds below, or the one that a kind brings along."""
    return fmt.golden_value(code)


@singledispatch
def encode(
    fmt: Format,
    value: Value | int,
    rounding: str = "rne",
    overflow: str | None = None,
    nan: str = "error",
    draw: Draw | None = None,
) -> int:
    """The code of ``value``, rounded once; the policies are those of `Format.encode`, ``draw`` the random bits.

    NaN under the policy ``error`` raises `ValueError`.
    """
    return fmt.golden_code(value, rounding, fmt.overflows[0] if overflow is None else overflow, nan, draw)


# Floats -------------------------------------------------------------------------------------------


@decode.register
def _(fmt: FloatFormat, code: int) -> Value:
    negative = fmt.signed and code >> (fmt.bits - 1) == 1
    field = (code >> fmt.mantissa_bits) & ((1 << fmt.exponent_bits) - 1)
    stored = code & ((1 << fmt.mantissa_bits) - 1)
    special = _float_special(fmt, negative, field, stored)
    if special is not None:
        return special
    fraction = Fraction(stored, 1 << fmt.mantissa_bits)
    if field == 0 and fmt.zero:
        magnitude = fraction * TWO ** (1 - fmt.bias) if fmt.subnormals else Fraction(0)
    else:
        magnitude = (1 + fraction) * TWO ** (field - fmt.bias)
    if negative:
        minus_zero = Fraction(0) if fmt.specials in ("fnuz", "p3109") else -0.0
        return -magnitude if magnitude else minus_zero
    return magnitude


def _float_special(fmt: FloatFormat, negative: bool, field: int, stored: int) -> float | None:
    """The infinity or NaN that these fields stand for, by the words of each policy."""
    top_field, top_stored = (1 << fmt.exponent_bits) - 1, (1 << fmt.mantissa_bits) - 1
    magnitude = field << fmt.mantissa_bits | stored
    last = top_field << fmt.mantissa_bits | top_stored
    infinity = -math.inf if negative else math.inf
    if fmt.specials == "ieee" and field == top_field:
        return math.nan if stored else infinity
    if fmt.specials == "fn" and magnitude == last:
        return math.nan
    if fmt.specials in ("fnuz", "p3109") and negative and magnitude == 0:
        return math.nan
    if fmt.specials == "p3109" and fmt.signed and magnitude == last:
        return infinity
    if fmt.specials == "p3109" and not fmt.signed and magnitude >= last - 1:
        return math.nan if magnitude == last else math.inf
    return None


@encode.register
def _(
    fmt: FloatFormat,
    value: Value | int,
    rounding: str = "rne",
    overflow: str | None = None,
    nan: str = "error",
    draw: Draw | None = None,
) -> int:
    overflow = fmt.overflows[0] if overflow is None else overflow
    if isinstance(value, float) and math.isnan(value):
        return _float_nan(fmt, nan)
    negative = math.copysign(1, value) < 0 if isinstance(value, float) else value < 0
    if isinstance(value, float) and math.isinf(value):
        # P3109's SatPropagate: −inf becomes the least value of an unsigned format.
        stops = overflow == "saturate" or (overflow == "saturate_finite" and negative and not fmt.signed)
        return _float_beyond(fmt, negative, infinite=not stops)
    rounded = round_unlimited(fmt, negative, abs(Fraction(value)), rounding, draw)
    if rounded > Fraction(fmt.max) or (negative and not fmt.signed and rounded > 0):
        return _float_beyond(fmt, negative, goes_beyond(negative, rounding, overflow))
    return _float_code(fmt, negative, rounded)


def round_unlimited(
    fmt: FloatFormat, negative: bool, magnitude: Fraction, rounding: str, draw: Draw | None = None
) -> Fraction:
    """``magnitude`` rounded as if the format had no largest value (and a zero, and both signs)."""
    if magnitude == 0:
        return Fraction(0)
    flushes = magnitude < TWO**fmt.emin and not fmt.subnormals and fmt.zero
    # Without subnormals the neighbours below the smallest normal number are zero, which counts as even, and that.
    quantum = TWO ** (fmt.emin if flushes else max(floor_log2(magnitude), fmt.emin) - fmt.mantissa_bits)
    lower = math.floor(magnitude / quantum)
    above = magnitude / quantum - lower
    odd = _unlimited_code(fmt, lower * quantum) % 2 == 1
    return (lower + (above != 0 and rounds_up(above, negative, odd, rounding, draw))) * quantum


def _unlimited_code(fmt: FloatFormat, magnitude: Fraction) -> int:
    """Exponent field and stored bits as one number; the field may exceed its width."""
    if magnitude == 0:
        return 0
    exponent = max(floor_log2(magnitude), fmt.emin)
    stored_and_hidden = magnitude / TWO**exponent * (1 << fmt.mantissa_bits)
    lowest_field = 1 if fmt.zero else 0
    return (exponent - fmt.emin + lowest_field - 1) * (1 << fmt.mantissa_bits) + int(stored_and_hidden)


def _float_code(fmt: FloatFormat, negative: bool, magnitude: Fraction) -> int:
    if not fmt.zero:
        magnitude = max(magnitude, Fraction(fmt.min))
    if negative and magnitude == 0 and fmt.specials in ("fnuz", "p3109"):
        return 0
    sign = 1 << (fmt.bits - 1) if negative and fmt.signed else 0
    return sign | _unlimited_code(fmt, magnitude)


def _float_beyond(fmt: FloatFormat, negative: bool, infinite: bool) -> int:
    if not infinite:
        return _float_extreme(fmt, negative)
    if fmt.has_inf and (fmt.signed or not negative):
        return _float_infinity(fmt) | (1 << (fmt.bits - 1) if negative else 0)
    return _float_nan(fmt, "error") if fmt.has_nan else _float_extreme(fmt, negative)


def _float_infinity(fmt: FloatFormat) -> int:
    """The code of +∞: the top field with nothing stored, or in P3109 the last code that is not NaN."""
    if fmt.specials == "p3109":
        return (1 << (fmt.bits - 1)) - 1 if fmt.signed else (1 << fmt.bits) - 2
    return ((1 << fmt.exponent_bits) - 1) << fmt.mantissa_bits


def _float_extreme(fmt: FloatFormat, negative: bool) -> int:
    if negative and not fmt.signed:
        return 0
    return _float_code(fmt, negative, Fraction(fmt.max))


def _float_nan(fmt: FloatFormat, nan: str) -> int:
    """The NaN that encoding gives: quiet, positive (section 6.2 of IEEE 754-2019), or what replaces it."""
    top_field = ((1 << fmt.exponent_bits) - 1) << fmt.mantissa_bits
    if fmt.has_nan:
        quiet = top_field | (1 << (fmt.mantissa_bits - 1)) if fmt.specials == "ieee" else 0
        lone = 1 << (fmt.bits - 1) if fmt.signed else (1 << fmt.bits) - 1
        return {"ieee": quiet, "fn": top_field | ((1 << fmt.mantissa_bits) - 1), "fnuz": lone, "p3109": lone}[
            fmt.specials
        ]
    if nan == "error":
        raise ValueError(f"{fmt.name} has no NaN")
    minus_zero = 1 << (fmt.bits - 1) if fmt.signed else 0
    return {"zero": 0, "negative_zero": minus_zero, "max": _float_extreme(fmt, False)}[nan]


# Integers and fixed point -------------------------------------------------------------------------


@decode.register
def _(fmt: UniformFormat, code: int) -> Value:
    multiple = code - (1 << fmt.bits) if fmt.signed and code >> (fmt.bits - 1) == 1 else code
    return Fraction(multiple, 1 << fmt.fraction_bits)


@encode.register
def _(
    fmt: UniformFormat,
    value: Value | int,
    rounding: str = "rne",
    overflow: str | None = None,
    nan: str = "error",
    draw: Draw | None = None,
) -> int:
    greatest = (1 << (fmt.bits - int(fmt.signed))) - 1
    least = 0 if not fmt.signed else (-greatest if fmt.symmetric else -greatest - 1)
    if isinstance(value, float) and math.isnan(value):
        if nan == "error":
            raise ValueError(f"{fmt.name} has no NaN")
        return greatest if nan == "max" else 0
    if isinstance(value, float) and math.isinf(value):
        multiple = 0 if overflow == "wrap" else (greatest if value > 0 else least)
    else:
        exact, negative = abs(Fraction(value)) * (1 << fmt.fraction_bits), value < 0
        multiple = round_to_integer(negative, exact, rounding, draw)
        multiple = -multiple if negative else multiple
        if overflow != "wrap":
            multiple = min(max(multiple, least), greatest)
    return multiple % (1 << fmt.bits)
