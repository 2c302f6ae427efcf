"""Mean squared error of a format over a distribution, integrated in closed form, and the clip that is best.

Source: Kuzmin et al., FP8 Quantization: The Power of the Exponent, NeurIPS 2022, arXiv:2208.09225: the
analytical comparison of 8-bit formats on uniform, Gaussian and Student-t data. Its floats have a sign bit,
E exponent bits, M stored bits, neither infinity nor NaN, and a real bias: a grid whose greatest value c, the
clip, is any positive number. INT8 has 255 values, ±127 steps (with the 256th, Gaussian and Student-t data
come out 0.03 dB better), and no clip lies beyond the data.

Values within half a cell of a grid point q become q, values beyond ±c become ±c. With F the antiderivatives of
f, x f and x² f, the error of the cell [u, v] is ``[F2 − 2 q F1 + q² F0]`` from u to v, and no sampling is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.base.errors import InputError
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat

Array = NDArray[np.float64]
Moments = Callable[[Array], tuple[Array, Array, Array]]

FORMATS: dict[str, Format] = {
    "5E2M": FloatFormat("5E2M", 5, 3, 15, specials="none"),
    "4E3M": FloatFormat("4E3M", 4, 4, 7, specials="none"),
    "3E4M": FloatFormat("3E4M", 3, 5, 3, specials="none"),
    "2E5M": FloatFormat("2E5M", 2, 6, 1, specials="none"),
    "INT8": IntegerFormat("INT8", 8, symmetric=True),
}
"""Formats of the paper's comparison. The bias is immaterial: the clip replaces it."""

POINTS_PER_OCTAVE = 256
"""Clips tried per factor of two: apart by 0.27 %, a third of the cells of INT8 at its clip, 1 / 127."""

GREATEST_CLIP = 100.0
"""Where the search ends for unbounded data, in σ: the clip of the Student-t data of arXiv:2208.09225."""


@dataclass(frozen=True)
class Distribution:
    """A symmetric distribution whose values beyond ±``limit`` are clipped to ±``limit``."""

    name: str
    moments: Moments
    """For x ≥ 0 the integrals of f(t), t f(t) and t² f(t) from 0 to x (any constant may be added)."""
    limit: float = math.inf

    def integrals(self, edges: Array) -> Array:
        """The three integrals between neighbouring ``edges`` (n + 1, ascending), of shape (3, n)."""
        sign = np.sign(edges)
        zeroth, first, second = self.moments(np.abs(edges))
        at_zero = self.moments(np.zeros(1))
        odd = (sign * (zeroth - at_zero[0]), first, sign * (second - at_zero[2]))
        return np.stack([np.diff(part) for part in odd])

    @property
    def clipped_share(self) -> float:
        """Probability of a value beyond ``limit``, on each side."""
        inside = self.integrals(np.array([0.0, self.limit]))[0, 0]
        return max(0.5 - float(inside), 0.0)


def _uniform(x: Array) -> tuple[Array, Array, Array]:
    inside = np.minimum(x, 1.0)
    return inside / 2, inside**2 / 4, inside**3 / 6


def _gaussian(x: Array) -> tuple[Array, Array, Array]:
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    half = np.array([math.erf(value / math.sqrt(2)) / 2 for value in x.flat]).reshape(x.shape)
    finite = np.where(np.isinf(x), 0.0, x)
    return half, -density, half - finite * density


def student_t(degrees: int) -> Moments:
    """Integrals of Student's t with an even number ν ≥ 4 of ``degrees`` of freedom.

    With t = √ν tan θ and s = sin θ the density is C √ν cos^(ν−1) θ dθ, C = Γ((ν+1)/2) / (√(νπ) Γ(ν/2)), and the
    integrals of f and t² f are those of (1 − s²)^(ν/2 − 1) and ν s² (1 − s²)^(ν/2 − 2) over s, polynomials;
    that of t f is −C ν cos^(ν−1) θ / (ν − 1). Raises `InputError` for other ν.
    """
    if degrees < 4 or degrees % 2:
        raise InputError(f"closed forms of Student's t are here for even degrees of freedom from 4, got {degrees}")
    half = degrees // 2
    front = math.gamma(half + 0.5) / (math.sqrt(math.pi) * math.gamma(half))  # C √ν
    zeroth = np.polynomial.Polynomial([1, 0, -1]) ** (half - 1)
    second = np.polynomial.Polynomial([0, 0, degrees]) * np.polynomial.Polynomial([1, 0, -1]) ** (half - 2)
    zeroth_integral, second_integral = zeroth.integ(), second.integ()

    def moments(x: Array) -> tuple[Array, Array, Array]:
        angle = np.arctan(x / math.sqrt(degrees))
        sine, cosine = np.sin(angle), np.cos(angle)
        first = -front * math.sqrt(degrees) * cosine ** (degrees - 1) / (degrees - 1)
        return front * zeroth_integral(sine), first, front * second_integral(sine)

    return moments


UNIFORM = Distribution("uniform", _uniform, 1.0)
"""Uniform on [−1, 1]."""
GAUSSIAN = Distribution("gaussian", _gaussian)
"""Mean 0, variance 1."""
CLIPPED_STUDENT_T = Distribution("student_t", student_t(8), 100.0)
"""Student's t with 8 degrees of freedom (variance 4/3), clipped at ±100."""

DISTRIBUTIONS = {each.name: each for each in (UNIFORM, GAUSSIAN, CLIPPED_STUDENT_T)}
"""Data of the paper's comparison."""


class BestClip(NamedTuple):
    """Where a format's error is least."""

    clip: float
    mean_squared_error: float

    @property
    def decibels(self) -> float:
        """``−10 log10`` of the mean squared error."""
        return -10 * math.log10(self.mean_squared_error)


def grid(fmt: Format) -> Array:
    """The finite values that ``fmt`` rounds to, ascending and divided by its greatest, for up to 16 bits."""
    values = np.unique(np.asarray(fmt.values(), np.float64))  # sorted, NaN last
    return np.asarray(values[(values >= fmt.min) & (values <= fmt.max)] / fmt.max)


def mean_squared_error(points: Array, distribution: Distribution) -> float:
    """``E[(X − q(X))²]`` with q(X) the nearest of ``points``, which ascend; exact but for float64's rounding."""
    middle = (points[1:] + points[:-1]) / 2
    limit = distribution.limit
    edges = np.concatenate([[-limit], np.clip(middle, -limit, limit), [limit]])
    zeroth, first, second = distribution.integrals(edges)
    inside = math.fsum(second - 2 * points * first + points**2 * zeroth)
    if math.isinf(limit):
        return inside
    ends = np.array([-limit, limit])
    nearest = points[np.searchsorted(middle, ends)]
    return inside + distribution.clipped_share * float(((ends - nearest) ** 2).sum())


def best_clip(fmt: Format, distribution: Distribution, least: float = 0.25) -> BestClip:
    """The clip c from ``least`` up to the greatest magnitude of the data with the least mean squared error.

    Clips beyond the data would leave codes unused and are not tried, as in the paper. (A float can gain from
    them: 5E2M on uniform data reaches 31.69 dB at c = 13.4.) The greatest magnitude of unbounded data counts
    as `GREATEST_CLIP`. `POINTS_PER_OCTAVE` clips are tried, then bisected around the best by golden section.
    """
    points = grid(fmt)
    greatest = min(distribution.limit, GREATEST_CLIP)
    count = math.ceil(math.log2(greatest / least) * POINTS_PER_OCTAVE)
    clips = np.geomspace(least, greatest, count + 1)
    errors = [mean_squared_error(points * clip, distribution) for clip in clips]
    best = int(np.argmin(errors))
    low, high = clips[max(best - 1, 0)], clips[min(best + 1, count)]
    refined = _golden_section(lambda clip: mean_squared_error(points * clip, distribution), low, high)
    return min(BestClip(float(clips[best]), errors[best]), refined, key=lambda found: found.mean_squared_error)


def exponent_table() -> dict[str, dict[str, float]]:
    """``−10 log10`` of the mean squared error at the best clip, by distribution and format."""
    return {
        name: {label: best_clip(fmt, distribution).decibels for label, fmt in FORMATS.items()}
        for name, distribution in DISTRIBUTIONS.items()
    }


def _golden_section(error: Callable[[float], float], low: float, high: float, steps: int = 40) -> BestClip:
    """The least of ``error`` between ``low`` and ``high``, to a relative 1e-8 of their distance (0.618**40)."""
    shrink = (math.sqrt(5) - 1) / 2
    inner, outer = high - shrink * (high - low), low + shrink * (high - low)
    inner_error, outer_error = error(inner), error(outer)
    for _ in range(steps):
        if inner_error <= outer_error:
            high, outer, outer_error = outer, inner, inner_error
            inner = high - shrink * (high - low)
            inner_error = error(inner)
        else:
            low, inner, inner_error = inner, outer, outer_error
            outer = low + shrink * (high - low)
            outer_error = error(outer)
    return BestClip(float(inner), inner_error) if inner_error <= outer_error else BestClip(float(outer), outer_error)
