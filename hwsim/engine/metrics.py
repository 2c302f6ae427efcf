"""How far a computed tensor is from its reference: SQNR, relative L2 error, and units in the last place."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat

Array = npt.NDArray[np.float64]


def sqnr_db(computed: Array, reference: Array) -> float | None:
    """Signal to quantization noise ratio, 10·log10(Σ reference² / Σ (computed − reference)²) in dB.

    None where it has no finite value: an exact copy, an all-zero reference, or an inf or NaN on either side.
    """
    noise = float(np.sum(np.square(computed - reference)))
    signal = float(np.sum(np.square(reference)))
    if not (math.isfinite(noise) and math.isfinite(signal)) or noise == 0 or signal == 0:
        return None
    return 10 * math.log10(signal / noise)


def relative_l2(computed: Array, reference: Array) -> float | None:
    """‖computed − reference‖₂ / ‖reference‖₂; None for an all-zero reference or one that is not finite."""
    signal = float(np.sum(np.square(reference)))
    noise = float(np.sum(np.square(computed - reference)))
    if not (math.isfinite(noise) and math.isfinite(signal)) or signal == 0:
        return None
    return math.sqrt(noise / signal)


def max_ulp(computed: Array, exact: Array, fmt: Format) -> float | None:
    """Largest |computed − exact| in units of the last place that ``exact`` has in ``fmt``.

    For floats the last place of x is 2^(max(⌊log2|x|⌋, emin) − precision + 1); integers and fixed point have one
    last place throughout. None where either side is not finite.
    """
    if computed.size == 0:
        return 0.0
    if not (np.isfinite(computed).all() and np.isfinite(exact).all()):
        return None
    return float(np.max(np.abs(computed - exact) / last_place(exact, fmt)))


def last_place(x: Array, fmt: Format) -> Array:
    """The spacing of ``fmt`` at ``x``: the value of one unit in the last place."""
    if not isinstance(fmt, FloatFormat):
        return np.full_like(x, fmt.smallest)
    exponent = np.frexp(x)[1] - 1  # x = fraction · 2^e with fraction in [0.5, 1)
    exponent = np.where(x == 0, fmt.emin, np.maximum(exponent, fmt.emin))
    places: Array = np.ldexp(np.ones_like(x), exponent - (fmt.precision - 1))
    return places
