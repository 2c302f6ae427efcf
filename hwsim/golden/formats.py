"""Formats in plain Python: exact fractions, one value at a time, each rule in the words of its definition.

A value is a `Fraction`, or a float where there is no fraction for it: ``inf``, ``-inf``, ``nan`` and ``-0.0``.
This is the judge of `hwsim.formats` and of every datapath; it shares the records with them, no arithmetic.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import singledispatch

from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import UniformFormat

Value = Fraction | float
TWO = Fraction(2)


@singledispatch
def decode(fmt: Format, code: int) -> Value:
    """The value that ``code`` stands for: the rules of the kinds below, or the one that a kind brings along."""
    return fmt.golden_value(code)


@singledispatch
def encode(
    fmt: Format, value: Value | int, rounding: str = "rne", overflow: str | None = None, nan: str = "error"
) -> int:
    """The code of ``value``, rounded once; the policies are those of `Format.encode`.

    NaN under the policy ``error`` raises `ValueError`.
    """
    return fmt.golden_code(value, rounding, fmt.overflows[0] if overflow is None else overflow, nan)


def round_to_multiple(negative: bool, magnitude: Fraction, quantum: Fraction, rounding: str) -> tuple[int, int | None]:
    """``magnitude / quantum`` as an integer, and for a tie under ``rne`` (None otherwise) the other candidate.

    Whether a tie's candidate is even is a matter of codes, so it is left to the caller: the first is the lower.
    """
    exact = magnitude / quantum
    lower = math.floor(exact)
    above = exact - lower
    if above == 0:
        return lower, None
    if rounding == "rne":
        if above == Fraction(1, 2):
            return lower, lower + 1
        return (lower + 1, None) if above > Fraction(1, 2) else (lower, None)
    if rounding == "rna":
        return (lower + 1, None) if above >= Fraction(1, 2) else (lower, None)
    away = {"rz": False, "ru": not negative, "rd": negative}[rounding]
    return (lower + 1, None) if away else (lower, None)


def floor_log2(magnitude: Fraction) -> int:
    """The ``e`` with ``2**e <= magnitude < 2**(e + 1)``, for a magnitude above zero."""
    guess = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    return guess if TWO**guess <= magnitude else guess - 1


# Floats -------------------------------------------------------------------------------------------


@decode.register
def _(fmt: FloatFormat, code: int) -> Value:
    negative = fmt.signed and code >> (fmt.bits - 1) == 1
    field = (code >> fmt.mantissa_bits) & ((1 << fmt.exponent_bits) - 1)
    stored = code & ((1 << fmt.mantissa_bits) - 1)
    all_ones = (1 << fmt.exponent_bits) - 1, (1 << fmt.mantissa_bits) - 1
    if fmt.specials == "ieee" and field == all_ones[0]:
        return math.nan if stored else (-math.inf if negative else math.inf)
    if fmt.specials == "fn" and (field, stored) == all_ones:
        return math.nan
    if fmt.specials == "fnuz" and negative and field == stored == 0:
        return math.nan
    fraction = Fraction(stored, 1 << fmt.mantissa_bits)
    if field == 0 and fmt.zero:
        magnitude = fraction * TWO ** (1 - fmt.bias) if fmt.subnormals else Fraction(0)
    else:
        magnitude = (1 + fraction) * TWO ** (field - fmt.bias)
    if negative:
        minus_zero = Fraction(0) if fmt.specials == "fnuz" else -0.0
        return -magnitude if magnitude else minus_zero
    return magnitude


@encode.register
def _(
    fmt: FloatFormat, value: Value | int, rounding: str = "rne", overflow: str | None = None, nan: str = "error"
) -> int:
    overflow = fmt.overflows[0] if overflow is None else overflow
    if isinstance(value, float) and math.isnan(value):
        return _float_nan(fmt, nan)
    negative = math.copysign(1, value) < 0 if isinstance(value, float) else value < 0
    if isinstance(value, float) and math.isinf(value):
        return _float_beyond(fmt, negative, overflow, outward=True)
    rounded = round_unlimited(fmt, negative, abs(Fraction(value)), rounding)
    if rounded > Fraction(fmt.max) or (negative and not fmt.signed and rounded > 0):
        outward = rounding in ("rne", "rna") or (rounding == "ru" and not negative) or (rounding == "rd" and negative)
        return _float_beyond(fmt, negative, overflow, outward)
    return _float_code(fmt, negative, rounded)


def round_unlimited(fmt: FloatFormat, negative: bool, magnitude: Fraction, rounding: str) -> Fraction:
    """``magnitude`` rounded as if the format had no largest value (and a zero, and both signs)."""
    if magnitude == 0:
        return Fraction(0)
    if magnitude < TWO**fmt.emin and not fmt.subnormals and fmt.zero:
        # The neighbours are zero and the smallest normal number; zero counts as even.
        return round_to_multiple(negative, magnitude, TWO**fmt.emin, rounding)[0] * TWO**fmt.emin
    quantum = TWO ** (max(floor_log2(magnitude), fmt.emin) - fmt.mantissa_bits)
    candidate, other = round_to_multiple(negative, magnitude, quantum, rounding)
    if other is not None and candidate > 0 and _unlimited_code(fmt, candidate * quantum) % 2 == 1:
        candidate = other
    return candidate * quantum


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
    if negative and magnitude == 0 and fmt.specials == "fnuz":
        return 0
    sign = 1 << (fmt.bits - 1) if negative and fmt.signed else 0
    return sign | _unlimited_code(fmt, magnitude)


def _float_beyond(fmt: FloatFormat, negative: bool, overflow: str, outward: bool) -> int:
    if overflow == "saturate" or not outward:
        return _float_extreme(fmt, negative)
    top_field = ((1 << fmt.exponent_bits) - 1) << fmt.mantissa_bits
    if fmt.specials == "ieee" and (fmt.signed or not negative):
        return top_field | (1 << (fmt.bits - 1) if negative else 0)
    return _float_nan(fmt, "error") if fmt.has_nan else _float_extreme(fmt, negative)


def _float_extreme(fmt: FloatFormat, negative: bool) -> int:
    if negative and not fmt.signed:
        return 0
    return _float_code(fmt, negative, Fraction(fmt.max))


def _float_nan(fmt: FloatFormat, nan: str) -> int:
    """The NaN that encoding gives: quiet, positive (section 6.2 of IEEE 754-2019), or what replaces it."""
    top_field = ((1 << fmt.exponent_bits) - 1) << fmt.mantissa_bits
    if fmt.has_nan:
        quiet = top_field | (1 << (fmt.mantissa_bits - 1)) if fmt.specials == "ieee" else 0
        return {"ieee": quiet, "fn": top_field | ((1 << fmt.mantissa_bits) - 1), "fnuz": 1 << (fmt.bits - 1)}[
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
    fmt: UniformFormat, value: Value | int, rounding: str = "rne", overflow: str | None = None, nan: str = "error"
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
        magnitude, negative = abs(Fraction(value)), value < 0
        candidate, other = round_to_multiple(negative, magnitude, Fraction(1, 1 << fmt.fraction_bits), rounding)
        multiple = other if other is not None and candidate % 2 == 1 else candidate
        multiple = -multiple if negative else multiple
        if overflow != "wrap":
            multiple = min(max(multiple, least), greatest)
    return multiple % (1 << fmt.bits)
