"""Scales beyond the greatest magnitude or a percentile: of least error, powers of two, one per sign, nested.

Values that share a scale lie along the last axis; scales have the shape of the others. A scale is a positive
float32, as in `hwsim.formats.quantize`, which gives ``min_mse`` and ``power_of_two`` to YAML.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.arrays import Array
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.names import scalar

PowerOfTwo = Literal["up", "nearest", "down", "below_greatest"]

SMALLEST_SCALE = np.finfo(np.float32).tiny
"""The smallest normal float32: a smaller scale would lose the bits that make it one."""
GREATEST_SCALE = np.finfo(np.float32).max

POINTS_PER_OCTAVE = 32
"""Clip ratios tried per factor of two."""
OCTAVES = (-5, 1)
"""Clip ratios reach from 2**-5, for an outlier 32 times the best clip, to 2."""
GOLDEN_STEPS = 24
"""Golden sections of two steps of the grid, 4.4 %, down to 4e-7, some last places of a float32: 0.618**24 = 1e-5."""


def as_scale(scale: ArrayLike) -> NDArray[np.float32]:
    """``scale`` as float32: 1 where it is zero (nothing to scale), elsewhere a finite normal number."""
    wide = np.asarray(scale, np.float64)
    return np.where(wide == 0, 1.0, np.clip(wide, SMALLEST_SCALE, GREATEST_SCALE)).astype(np.float32)


# Least mean squared error -------------------------------------------------------------------------


def min_mse_scale(x: ArrayLike, fmt: Format | str, rounding: str = "rne") -> NDArray[np.float32]:
    """Scales s = r · max|x| / max(fmt) whose clip ratio r gives the least ``Σ (x − s · round(x / s))²``.

    Ratios from 2**-5 to 2 are tried, 32 per octave and r = 1 among them; the best is refined by golden section
    between its neighbours. A float format may gain from r > 1, which leaves its top codes unused.

    No scale in that range is much better: rounding to nearest, the root of the squared error changes by at most
    ‖round(x / s)‖ per unit of s, so with δ = 2**(1/64) − 1 = 1.1 % it exceeds the least one by no more than
    δ · ‖s round(x / s)‖, taken at the best s. It never exceeds that of max|x|. (Several minima lie between
    neighbouring ratios, so refining finds a local one.) The scale is a float32; ties go to the smaller ratio.

    Source: minimum-MSE range setting, Nagel et al., A White Paper on Neural Network Quantization,
    arXiv:2106.08295, section 3.1. Raises `InputError` for NaN, infinity or no values.
    """
    fmt = scalar(fmt)
    rows = _rows(x)
    greatest = np.abs(rows).max(axis=-1) / float(fmt.max)
    low, high = OCTAVES
    ratios = np.exp2(np.arange(low * POINTS_PER_OCTAVE, high * POINTS_PER_OCTAVE + 1) / POINTS_PER_OCTAVE)
    search = _Search(rows, fmt, rounding, greatest)
    for ratio in ratios:
        search.try_ratio(np.full(greatest.shape, ratio))
    step = 2 ** (1 / POINTS_PER_OCTAVE)
    search.golden_section(search.best_ratio / step, search.best_ratio * step)
    return search.best_scale


class _Search:
    """The best scale so far of each row, by the squared error of the reconstruction in float64."""

    def __init__(self, rows: Array, fmt: Format, rounding: str, unit: Array) -> None:
        self.rows, self.format, self.rounding, self.unit = rows, fmt, rounding, unit
        self.best_error = np.full(unit.shape, np.inf)
        self.best_ratio = np.ones(unit.shape)
        self.best_scale = as_scale(unit)

    def try_ratio(self, ratio: Array) -> Array:
        """Squared error of the scales ``ratio · unit``, which are kept where they are better."""
        scale = as_scale(ratio * self.unit)
        error = squared_error(self.rows, scale, self.format, self.rounding)
        better = error < self.best_error
        self.best_error = np.where(better, error, self.best_error)
        self.best_ratio = np.where(better, ratio, self.best_ratio)
        self.best_scale = np.where(better, scale, self.best_scale)
        return error

    def golden_section(self, low: Array, high: Array) -> None:
        shrink = (math.sqrt(5) - 1) / 2
        inner, outer = high - shrink * (high - low), low + shrink * (high - low)
        inner_error, outer_error = self.try_ratio(inner), self.try_ratio(outer)
        for _ in range(GOLDEN_STEPS):
            left = inner_error <= outer_error
            low, high = np.where(left, low, inner), np.where(left, outer, high)
            new = np.where(left, high - shrink * (high - low), low + shrink * (high - low))
            error = self.try_ratio(new)
            inner, outer = np.where(left, new, outer), np.where(left, inner, new)
            inner_error, outer_error = np.where(left, error, outer_error), np.where(left, inner_error, error)


def squared_error(x: Array, scale: Array, fmt: Format, rounding: str = "rne") -> Array:
    """``Σ (x − s · round(x / s))²`` along the last axis, in float64; values beyond the format saturate."""
    wide = np.asarray(scale, np.float64)[..., None]
    error = x - np.asarray(fmt.round(x / wide, rounding, "saturate"), np.float64) * wide
    with np.errstate(over="ignore"):  # beyond 1e154, where no float32 scale is of use
        return np.asarray(np.square(error).sum(axis=-1))


# Powers of two ------------------------------------------------------------------------------------


def power_of_two_scale(scale: ArrayLike, rule: PowerOfTwo = "up") -> NDArray[np.float32]:
    """Scales whose ratios are powers of two.

    ``up``: 2**⌈log2 s⌉, so that nothing saturates that did not. ``down``: 2**⌊log2 s⌋. ``nearest``: the power
    nearest by its logarithm. ``below_greatest``: S · 2**−⌈log2(S / s)⌉ with S the greatest scale of all, so that
    the scales themselves are no powers of two. Exact; what leaves [2**-126, 2**127] becomes the nearer end.

    Source: ``up`` and ``below_greatest`` are M1 and M2 of ZeroQuant-FP, arXiv:2307.09782, its scaling
    constraints for casting FP4 weights to FP8. M2 rounds downward, so that values may saturate.
    Raises `InputError` for an unknown rule and for scales that are not positive and finite.
    """
    values = np.asarray(scale, np.float64)
    if values.size == 0 or not ((values > 0) & np.isfinite(values)).all():
        raise InputError("a power of two is found for scales that are positive and finite")
    fraction, exponent = np.frexp(values)  # s = fraction · 2**exponent, fraction in [½, 1)
    if rule == "below_greatest":
        greatest_fraction, greatest_exponent = np.frexp(values.max())
        places = greatest_exponent - exponent + (greatest_fraction > fraction)
        return as_scale(np.ldexp(values.max(), -places))
    thresholds = {"up": 0.5, "nearest": math.sqrt(0.5), "down": 1.0}
    if rule not in thresholds:
        raise InputError(f"unknown rule '{rule}'{did_you_mean(rule, [*thresholds, 'below_greatest'])}")
    return as_scale(np.ldexp(1.0, np.minimum(exponent - (fraction <= thresholds[rule]), 127)))


class ExponentBias(NamedTuple):
    """Biases, and the scales that stand for them with the format's own bias."""

    bias: NDArray[np.float64]
    scale: NDArray[np.float32]
    """``2**(bias of the format − bias)``."""


def best_exponent_bias(x: ArrayLike, fmt: FloatFormat, integer: bool = True, rounding: str = "rne") -> ExponentBias:
    """The exponent bias b of each row with the least squared error: a format with bias b, scaled by nothing.

    Real biases are those of `min_mse_scale`, b = bias(fmt) − log2 s. Integer ones are searched among scales of
    2**⌈log2(max|x| / max(fmt))⌉ and the six powers of two below it; ties go to the smaller bias.

    Source: LLM-FP4, Liu et al., EMNLP 2023, arXiv:2310.16836: biases searched per channel, there by the error
    of a layer's output. Raises `InputError` as `min_mse_scale`, and for formats that are not floats.
    """
    if not isinstance(fmt, FloatFormat):
        raise InputError(f"only floats have an exponent bias, got {fmt.name}")
    rows = _rows(x)
    if not integer:
        scale = min_mse_scale(rows, fmt, rounding)
        return ExponentBias(fmt.bias - np.log2(scale.astype(np.float64)), scale)
    top = power_of_two_scale(as_scale(np.abs(rows).max(axis=-1) / fmt.max)).astype(np.float64)
    search = _Search(rows, fmt, rounding, top)
    for places in range(7):
        search.try_ratio(np.full(top.shape, 2.0**-places))
    return ExponentBias(fmt.bias - np.log2(search.best_scale.astype(np.float64)), search.best_scale)


def split_exponent_bias(bias: ArrayLike, fmt: FloatFormat) -> tuple[float, NDArray[np.int64]]:
    """ρ and integers k of each channel, 0 to 2**E − 1, with bias ≈ ρ + k: one real bias and shifts of exponents.

    ρ is the least bias and k = clamp(round(bias) − round(ρ)). The k move into the weights, ρ into the scale of
    the tensor. Source: LLM-FP4's pre-shifted exponent bias, arXiv:2310.16836, and its code.
    """
    values = np.asarray(bias, np.float64)
    least = float(values.min())
    shift = np.clip(np.rint(values) - np.rint(least), 0, (1 << fmt.exponent_bits) - 1)
    return least, shift.astype(np.int64)


# One scale per sign -------------------------------------------------------------------------------


class SignedScales(NamedTuple):
    """Scales of the values above and below zero."""

    positive: NDArray[np.float32]
    negative: NDArray[np.float32]

    def of(self, negative: NDArray[np.bool_]) -> Array:
        """The scale of each value along the last axis, by its sign, in float64."""
        chosen = np.where(negative, self.negative[..., None], self.positive[..., None])
        return chosen.astype(np.float64)


def signed_scales(x: ArrayLike, fmt: Format) -> SignedScales:
    """``max(x, 0) / max(fmt)`` and ``max(−x, 0) / −min(fmt)`` of each row; 1 where no value has that sign.

    Source: asymmetric floating-point quantization, AFPQ, Zhang et al., arXiv:2311.01792.
    Raises `InputError` for unsigned formats and for NaN, infinity or no values.
    """
    if not fmt.signed:
        raise InputError(f"one scale per sign needs a signed format, got {fmt.name}")
    rows = _rows(x)
    above, below = rows.max(axis=-1).clip(min=0), -rows.min(axis=-1).clip(max=0)
    return SignedScales(as_scale(above / float(fmt.max)), as_scale(below / -float(fmt.min)))


def quantize_signed(x: ArrayLike, fmt: Format, scales: SignedScales, rounding: str = "rne") -> Array:
    """Codes of ``x / s``, s by the sign of x; values beyond the format saturate."""
    values = np.asarray(x, np.float64)
    return fmt.encode(values / scales.of(values < 0), rounding, "saturate")


def dequantize_signed(codes: ArrayLike, fmt: Format, scales: SignedScales) -> NDArray[np.float64]:
    """``s · q``, s by the sign of q."""
    values = np.asarray(fmt.decode(codes), np.float64)
    return np.asarray(values * scales.of(values < 0))


# Nested widths ------------------------------------------------------------------------------------


def nested_codes(codes: ArrayLike, wide: IntegerFormat, narrow: IntegerFormat, rounding: str = "rne") -> Array:
    """Codes of ``narrow`` from those of ``wide`` by one rounding: q / 2**k, k = bits(wide) − bits(narrow), saturated.

    The scale becomes 2**k times as large. ``rounding``: a mode of `Format.encode`, or ``half_up``, the adder and
    shifter ⌊(q + 2**(k−1)) / 2**k⌋; ``rd`` is the bare shift. Source: nested bit widths, NestQuant's integer
    decomposition, arXiv:2506.17870, and DQT's nested integers, arXiv:2508.09176.

    Raises `InputError` where one width does not lie within the other.
    """
    places = wide.bits - narrow.bits
    if places < 1 or wide.signed != narrow.signed or wide.bits > 53:
        raise InputError(f"codes of {narrow.name} do not nest in those of {wide.name}")
    quotients = np.ldexp(np.asarray(wide.decode(codes), np.float64), -places)  # exact
    if rounding == "half_up":
        return narrow.encode(quotients + 0.5, "rd", "saturate")
    return narrow.encode(quotients, rounding, "saturate")


def nested_differences(
    x: ArrayLike, scale: ArrayLike, wide: IntegerFormat, narrow: IntegerFormat, rounding: str = "rne"
) -> int:
    """How many values of ``x`` have another code by way of ``wide`` (scale s) than in ``narrow`` at once (2**k s)."""
    quotients = np.asarray(x, np.float64) / np.asarray(scale, np.float64)
    nested = nested_codes(wide.encode(quotients, overflow="saturate"), wide, narrow, rounding)
    direct = narrow.encode(np.ldexp(quotients, narrow.bits - wide.bits), overflow="saturate")
    return int(np.count_nonzero(nested != direct))


def _rows(x: ArrayLike) -> Array:
    values = np.asarray(x, np.float64)
    if values.ndim == 0 or values.size == 0 or not np.isfinite(values).all():
        raise InputError("a scale is found for one or more values along the last axis, none NaN or infinite")
    return values
