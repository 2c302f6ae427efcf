"""Block formats in fractions, one block at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hwsim.formats.base import Format
from hwsim.formats.exact import TWO, floor_log2
from hwsim.formats.float import FloatFormat
from hwsim.golden.formats import Value, decode, encode

FLOAT32 = FloatFormat("fp32", 8, 24, 127)


def quantize(
    fmt: Any, block: Sequence[float], tensor_scale: tuple[float, float] | None = None
) -> tuple[int, list[int]]:
    """Code of the scale and codes of the elements of one block of float32 values.

    ``tensor_scale``: the second level as computed and as stored (see `second_level`).
    """
    largest = _largest(fmt, block)
    if largest is None:
        return _nan_scale(fmt), [0] * len(block)
    code = _scale_code(fmt, largest, tensor_scale)
    scale = divisor(fmt, code, tensor_scale)
    return code, [_element(fmt, x, scale) for x in block]


def _largest(fmt: Any, block: Sequence[float]) -> Fraction | None:
    """The largest magnitude that counts, or None where the scale is NaN; an infinity as the rule sees it."""
    if fmt.nonfinite == "elementwise":
        block = [x for x in block if math.isfinite(x)]
    if any(math.isnan(x) for x in block) or (fmt.nonfinite == "block_nan" and any(math.isinf(x) for x in block)):
        return None
    infinite = TWO ** (1000 if fmt.rule in ("rceil", "round") else 128)
    return max((infinite if math.isinf(x) else abs(Fraction(x)) for x in block), default=Fraction(0))


def _nan_scale(fmt: Any) -> int:
    return encode(fmt.scale, math.nan)


def _scale_code(fmt: Any, largest: Fraction, tensor_scale: tuple[float, float] | None) -> int:
    if fmt.rule == "divide":
        return encode(fmt.scale, _divided(fmt, largest, tensor_scale), fmt.scale_rounding, "saturate")
    least, greatest = floor_log2(Fraction(fmt.scale.smallest)), floor_log2(Fraction(fmt.scale.max))
    exponent = power(fmt.rule, largest, fmt.element) if largest else least
    return encode(fmt.scale, TWO ** min(max(exponent, least), greatest), overflow="saturate")


def power(rule: str, largest: Fraction, element: Format) -> int:
    """The exponent of a power-of-two rule by its definition (`hwsim.formats.block_scale.Rule`)."""
    top = Fraction(element.max)
    emax = floor_log2(top)
    if rule == "floor":
        return floor_log2(largest) - emax
    if rule == "ceil":
        return _ceil_log2(largest) - emax
    if rule == "rceil":
        return _ceil_log2(largest / top)
    if rule == "even":
        quantum = TWO ** (floor_log2(largest) - (_significand_bits(element) - 1))
        return floor_log2(round(largest / quantum) * quantum) - emax
    exponent = floor_log2(largest / top)
    return exponent + int((largest / top / TWO**exponent) ** 2 > 2)


def _significand_bits(element: Format) -> int:
    """Of the largest value's binade: the values from its power of two up, and what they are multiples of."""
    values = sorted(v for v in map(Fraction, (float(x) for x in element.values() if math.isfinite(x))) if v > 0)
    return floor_log2(values[-1]) - floor_log2(values[-1] - values[-2]) + 1


def _ceil_log2(x: Fraction) -> int:
    lower = floor_log2(x)
    return lower + int(TWO**lower != x)


def _divided(fmt: Any, largest: Fraction, tensor_scale: tuple[float, float] | None) -> Value:
    """``largest / max(element) / tensor scale``, each quotient rounded to float32."""
    if largest >= TWO**128:
        return math.inf
    quotient = _float32(largest / Fraction(fmt.element.max))
    if tensor_scale is not None:
        by = tensor_scale[1] if fmt.tensor_scale.stored_first else tensor_scale[0]
        quotient = _float32(Fraction(quotient) / Fraction(by))
    return Fraction(max(quotient, fmt.least_scale or 0.0))


def second_level(fmt: Any, largest: Sequence[Fraction]) -> tuple[float, float]:
    """The tensor's scale from the largest magnitudes of its blocks: as computed in float32, and as stored."""
    greatest = max(largest, default=Fraction(0))
    by = _float32(Fraction(fmt.element.max) * Fraction(fmt.scale.max))
    computed = _float32(greatest / Fraction(by)) or 1.0
    stored = fmt.tensor_scale.format
    return computed, float(decode(stored, encode(stored, Fraction(computed))))


def multiplier(fmt: Any, code: int, tensor_scale: tuple[float, float] | None) -> Fraction:
    """What elements are multiplied by: the scale, times the tensor's; rounded if the second level says so."""
    if tensor_scale is None or fmt.tensor_scale.product is not None:
        return divisor(fmt, code, tensor_scale)
    return Fraction(decode(fmt.scale, code)) * Fraction(tensor_scale[1])


def divisor(fmt: Any, code: int, tensor_scale: tuple[float, float] | None) -> Fraction:
    """What values are divided by: the scale, times the tensor's in float32 and rounded as the second level says."""
    scale = Fraction(decode(fmt.scale, code))
    if tensor_scale is None:
        return scale
    product = fmt.tensor_scale.product
    in_float32 = Fraction(_float32(scale * Fraction(tensor_scale[1])))
    if product is None:
        return in_float32
    return Fraction(decode(product, encode(product, in_float32, overflow="saturate")))


def _element(fmt: Any, x: float, scale: Fraction) -> int:
    if fmt.nonfinite == "elementwise" and not math.isfinite(x):
        return encode(fmt.element, x, overflow="inf" if "inf" in fmt.element.overflows else "saturate", nan="zero")
    if math.isinf(x):
        return encode(fmt.element, x, overflow="saturate")
    if scale == 0:
        return 0
    quotient = abs(Fraction(x)) / scale
    exact: Value = Fraction(_float32(quotient)) if fmt.rule == "divide" else quotient
    negative = math.copysign(1, x) < 0
    return encode(fmt.element, (-exact if exact else -0.0) if negative else exact, fmt.rounding, "saturate")


def _float32(x: Fraction) -> float:
    return float(decode(FLOAT32, encode(FLOAT32, x)))
