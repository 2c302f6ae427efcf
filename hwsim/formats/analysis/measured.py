"""What a quantizer does to data: measured QSNR and crest factors, and the published figures to put beside them.

Source of the definitions and figures: Chen et al., INT v.s. FP: A Comprehensive Study of Fine-Grained
Low-bit Quantization Formats, arXiv:2510.25602.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError

Array = NDArray[np.float64]


def qsnr_db(x: ArrayLike, y: ArrayLike) -> float:
    """``10 log10(Σ x² / Σ (x − y)²)`` of a tensor and its reconstruction, summed in float64.

    Infinite where ``y`` equals ``x``, −inf where only ``x`` is zero. Raises `InputError` for shapes that differ,
    no values, and NaN or infinity.
    """
    original, reconstruction = _finite(x), _finite(y)
    if original.shape != reconstruction.shape:
        raise InputError(
            f"a tensor of shape {list(original.shape)} has no reconstruction of shape {list(reconstruction.shape)}"
        )
    peak = max(np.abs(original).max(), np.abs(reconstruction).max())
    if peak == 0:
        return math.inf
    scale = math.ldexp(1.0, -max(min(math.frexp(peak)[1], 1000), -1000))  # squares neither vanish nor overflow
    signal = float(np.square(original * scale).sum())
    noise = float(np.square(original * scale - reconstruction * scale).sum())
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def quantizer_qsnr_db(quantizer: Callable[[Array], ArrayLike], x: ArrayLike) -> float:
    """`qsnr_db` of ``x``, in float64, and ``quantizer(x)``, its values after quantization and back."""
    values = _finite(x)
    return qsnr_db(values, quantizer(values))


@dataclass(frozen=True)
class CrestFactors:
    """Crest factors κ of many blocks."""

    values: Array
    """One per block that holds a value other than zero, in no particular order."""

    @property
    def median(self) -> float:
        """Half of the blocks have a smaller crest factor."""
        return self.quantile(0.5)

    @property
    def lower_quartile(self) -> float:
        """Q1: a quarter of the blocks have a smaller crest factor."""
        return self.quantile(0.25)

    @property
    def upper_quartile(self) -> float:
        """Q3: three quarters of the blocks have a smaller crest factor."""
        return self.quantile(0.75)

    def quantile(self, share: float) -> float:
        """The crest factor below which ``share`` of the blocks are, by linear interpolation."""
        return float(np.quantile(self.values, share))


def crest_factor(x: ArrayLike, block: int | None = None, axis: int = -1) -> CrestFactors:
    """κ = max|X| / √(mean X²) of each run of ``block`` values along ``axis``; None: of the whole axis.

    The last run may be shorter. Runs of zeros have no crest factor and are left out. κ lies between 1 and √g.

    Raises `InputError` for an axis that does not exist, a block that is not positive, nothing but zeros, and
    NaN or infinity.
    """
    values = _finite(x)
    if not -values.ndim <= axis < values.ndim:
        raise InputError(f"axis {axis} does not exist in a tensor of shape {list(values.shape)}")
    length = values.shape[axis] if block is None else block
    if length < 1:
        raise InputError(f"expected a block of 1 or more values, got {length}")
    last = np.moveaxis(values, axis, -1)
    runs = [last[..., start : start + length] for start in range(0, last.shape[-1], length)]
    factors = np.concatenate([_crest_factors(run) for run in runs])
    if factors.size == 0:
        raise InputError("zeros have no crest factor")
    return CrestFactors(factors)


def _crest_factors(runs: Array) -> Array:
    """κ of each run along the last axis; divided by the peak first, so that no square overflows."""
    rows = runs.reshape(-1, runs.shape[-1])
    peaks = np.abs(rows).max(axis=-1)
    kept = rows[peaks > 0] / peaks[peaks > 0, None]
    return np.asarray(np.sqrt(rows.shape[-1] / np.square(kept).sum(axis=-1)))


def _finite(x: ArrayLike) -> Array:
    values = np.asarray(x, np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError("cannot measure " + ("NaN or infinity" if values.size else "no values"))
    return values


# Published figures --------------------------------------------------------------------------------

Quantity = Literal["crest factor median", "crest factor Q3", "mean QSNR in dB", "relative energy", "relative area"]


class Published(NamedTuple):
    """One figure of a paper."""

    quantity: Quantity
    subject: str
    """The block or the format."""
    hadamard: bool
    """Whether the tensors were rotated by a random Hadamard matrix before quantization."""
    value: float
    source: str


TENSORS = "arXiv:2510.25602, tensors of Llama-3.1-8B"
HARDWARE = "arXiv:2510.25602, hardware cost at equal throughput"

_CREST_FACTORS = {
    # Median and third quartile, without and with rotation.
    "per channel": ((6.20, 11.97), (4.15, 5.79)),
    "block of 32": ((2.48, 2.96), (2.35, 2.36)),
    "block of 16": ((2.16, 2.39), (2.10, 2.11)),
}
_MEAN_QSNR_DB = (
    ("mxfp8", False, 31.50),
    ("mxint8", False, 40.35),
    ("mxfp6", False, 30.39),
    ("mxint6", False, 28.57),
    ("mxfp4", False, 17.98),
    ("mxint4", False, 15.89),
    ("nvfp4", False, 20.60),
    ("nvint4", False, 20.55),
    ("nvfp4", True, 20.35),
    ("nvint4", True, 21.65),
)
_HARDWARE = (
    # Energy and area by those of mxfp8; of the mixed ones (8 b : 4 b = 1 : 2) by those of mxfp8+nvfp4.
    ("mxfp8", 1.0, 1.0),
    ("mxint8", 0.63, 0.79),
    ("nvfp4", 0.55, 0.54),
    ("nvint4", 0.34, 0.38),
    ("mxfp8+nvfp4", 1.0, 1.0),
    ("mxint8+nvint4", 0.75, 0.66),
)


def published() -> tuple[Published, ...]:
    """The paper's crest factors, mean measured QSNR and hardware ratios, each with its source."""
    rows: list[Published] = []
    for subject, pairs in _CREST_FACTORS.items():
        for hadamard, (median, upper) in zip((False, True), pairs, strict=True):
            rows.append(Published("crest factor median", subject, hadamard, median, TENSORS))
            rows.append(Published("crest factor Q3", subject, hadamard, upper, TENSORS))
    rows += [Published("mean QSNR in dB", name, hadamard, db, TENSORS) for name, hadamard, db in _MEAN_QSNR_DB]
    for name, energy, area in _HARDWARE:
        rows.append(Published("relative energy", name, False, energy, HARDWARE))
        rows.append(Published("relative area", name, False, area, HARDWARE))
    return tuple(rows)
