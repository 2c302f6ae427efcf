"""Formats side by side on one tensor: width and range, QSNR as measured, and what theory says of the same data.

A block format scales as it says itself. Any other one gets float32 scales: max|x| onto its greatest value, or, where
precision is best around 1 (posits, takums), the root mean square onto 1; unsigned integers get a zero point for
data of both signs. See `hwsim.formats.quantize`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.analysis.crossover import crossover
from hwsim.formats.analysis.measured import crest_factor, qsnr_db
from hwsim.formats.analysis.qsnr import UE8M0_OVERHEAD, Block, theoretical_qsnr_db
from hwsim.formats.analysis.scaling_law import loss
from hwsim.formats.base import Format
from hwsim.formats.block_layout import layout
from hwsim.formats.fixed import FixedFormat
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.quantize import Scale, Scaling, calibrate, dequantize, quantize
from hwsim.formats.scale_search import as_scale
from hwsim.formats.tapered import TaperedFormat

Array = NDArray[np.float64]
Granularity = Literal["tensor", "channel", "none"]
"""One float32 scale for the tensor, one for each index of its first axis, or none."""

PARAMETERS, TOKENS = 1e9, 20e9
"""The model that `Comparison.loss_penalty` is of: 20 tokens per parameter (Hoffmann et al., arXiv:2203.15556)."""

SCALE_BITS = 32
"""Width of the float32 scale of a format that has none of its own."""

BINS = 16
"""Groups of blocks of similar crest factor, equally many in each, in `Comparison.curve`."""


class Bin(NamedTuple):
    """Blocks of similar crest factor."""

    crest_factor: float
    """Their mean κ."""
    qsnr_db: float
    """``−10 log10`` of the mean of their noise-to-signal ratios."""


@dataclass(frozen=True)
class Comparison:
    """One format on one tensor; None where nothing is known."""

    name: str
    kind: str
    bits_per_value: float
    """Scales and zero points included, spread over the values that share them."""
    max: float
    """Greatest value; of blocks with the greatest scale."""
    smallest: float
    """Smallest value above zero; of blocks with the smallest scale."""
    dynamic_range_db: float
    """``20 log10(max / smallest)``."""
    scale: str
    """What is scaled to what: "max|x| per tensor", "RMS per channel", "none", or the block's own."""
    shared_by: int
    """Values that share a scale; of "none" the whole tensor, whose crest factor counts."""
    crest_factor: float
    """Median κ of the runs of values that share a scale."""
    qsnr_db: float
    """Measured, in dB; infinite where nothing was lost."""
    theoretical_qsnr_db: float | None
    """Of Gaussian values at that crest factor (`hwsim.formats.analysis.qsnr`)."""
    loss_penalty: float | None
    """What the scaling law adds to the loss, in nats, of `PARAMETERS` and `TOKENS`: blocks of signed floats only."""
    block: Block | None
    """What the theory is of."""
    curve: tuple[Bin, ...]
    """Measured QSNR against crest factor; empty where all values share one scale."""


class Crossover(NamedTuple):
    """Where two compared formats are equally good in theory: below, the integer has the higher QSNR."""

    integer: str
    floating: str
    crest_factor: float
    attainable: bool
    """Whether any block has so large a crest factor, κ ≤ √g."""


def compare_formats(formats: Sequence[Any], x: ArrayLike, granularity: Granularity = "tensor") -> list[Comparison]:
    """Each format (scalar or block) on the tensor ``x``, whose last axis is the one that blocks run along.

    Raises `InputError` for an unknown granularity, and for a tensor of no values, zeros only, NaN or infinity.
    """
    if granularity not in get_args(Granularity):
        raise InputError(f"unknown granularity '{granularity}'{did_you_mean(granularity, get_args(Granularity))}")
    values = np.atleast_1d(np.asarray(x, np.float64))
    return [_compared(fmt, values, granularity) for fmt in formats]


def crossovers_of(comparisons: Sequence[Comparison]) -> list[Crossover]:
    """The crossover of each integer with each float of its width, block size and kind of scale; where there is one."""
    found = []
    for integer in _of_kind(comparisons, IntegerFormat):
        for floating in _of_kind(comparisons, FloatFormat):
            point = _crossover(integer, floating)
            if point is not None:
                found.append(point)
    return found


def theoretical_block(fmt: Any, shared_by: int) -> Block | None:
    """What `theoretical_qsnr_db` takes for ``fmt``, whose scale ``shared_by`` values share; None where it knows none.

    A scale of more than a few significand bits (E4M3, float32) leaves the greatest element exact, as the theory of
    E4M3 scales has it; one of powers of two costs `UE8M0_OVERHEAD`.
    """
    element = getattr(fmt, "element", fmt)
    if isinstance(element, FixedFormat):
        element = IntegerFormat(element.name, element.bits, element.signed, element.symmetric)
    coarse = is_block(fmt) and fmt.rule != "divide"
    try:
        return Block(element, shared_by, "ue8m0" if coarse else "e4m3", UE8M0_OVERHEAD if coarse else 1.0)
    except InputError:
        return None


def is_block(fmt: Any) -> bool:
    """Whether ``fmt`` brings its own scales."""
    return hasattr(fmt, "quantize")


# One format ---------------------------------------------------------------------------------------


def _compared(fmt: Any, values: Array, granularity: Granularity) -> Comparison:
    runs = _runs(fmt, values, granularity)
    kappa, shared_by = crest_factor(runs).median, runs.shape[-1]
    scaled = _BlockScaled(fmt) if is_block(fmt) else _Scaled(fmt, values, granularity, shared_by)
    reconstruction = scaled.reconstructed(values)
    block = None if granularity == "none" and not is_block(fmt) else theoretical_block(fmt, shared_by)
    greatest, smallest = float(fmt.max), float(fmt.smallest)
    return Comparison(
        name=fmt.name,
        kind=fmt.kind,
        bits_per_value=scaled.bits_per_value,
        max=greatest,
        smallest=smallest,
        dynamic_range_db=20 * (math.log10(greatest) - math.log10(smallest)),
        scale=scaled.label,
        shared_by=shared_by,
        crest_factor=kappa,
        qsnr_db=qsnr_db(values, reconstruction),
        theoretical_qsnr_db=_theory(block, kappa),
        loss_penalty=_loss_penalty(fmt, shared_by),
        block=block,
        curve=_curve(runs, _runs(fmt, reconstruction, granularity)),
    )


def _runs(fmt: Any, values: Array, granularity: Granularity) -> Array:
    """The values that share a scale, a row for each scale; the end of a last block that is shorter is zeros."""
    if is_block(fmt):
        return layout(values.shape, fmt.size).to_blocks(values)
    return values.reshape(values.shape[0] if granularity == "channel" else 1, -1)


class _BlockScaled:
    """A block format on a tensor."""

    def __init__(self, fmt: Any) -> None:
        self.format = fmt
        self.bits_per_value = float(fmt.bits_per_value)

    @property
    def label(self) -> str:
        size = self.format.size
        if isinstance(size, tuple):
            return f"tiles of {' × '.join(map(str, size))}"
        return "one block" if size == "tensor" else f"blocks of {size}"

    def reconstructed(self, values: Array) -> Array:
        return np.asarray(self.format.quantize(values, axis=-1).dequantize(), np.float64)


class _Scaled:
    """Any other format on a tensor, with float32 scales or none."""

    def __init__(self, fmt: Format, values: Array, granularity: Granularity, shared_by: int) -> None:
        self.format, self.granularity, self.shared_by = fmt, granularity, shared_by
        self.zero_point = isinstance(fmt, IntegerFormat) and not fmt.signed and bool((values < 0).any())

    @property
    def bits_per_value(self) -> float:
        overhead = SCALE_BITS + (self.format.bits if self.zero_point else 0)
        return self.format.bits + (0.0 if self.granularity == "none" else overhead / self.shared_by)

    @property
    def label(self) -> str:
        if self.granularity == "none":
            return "none"
        onto = "RMS" if isinstance(self.format, TaperedFormat) else "range" if self.zero_point else "max|x|"
        return f"{onto} per {self.granularity}"

    def reconstructed(self, values: Array) -> Array:
        if self.granularity == "none":
            return np.asarray(self.format.round(values, overflow="saturate"), np.float64)
        scaling = Scaling(format=self.format, granularity=self.granularity, axis=0, symmetric=not self.zero_point)
        scale = self._root_mean_square(values) if isinstance(self.format, TaperedFormat) else calibrate(values, scaling)
        return dequantize(quantize(values, scaling, scale), scaling, scale)

    def _root_mean_square(self, values: Array) -> Scale:
        axes = None if self.granularity == "tensor" else tuple(range(1, values.ndim))
        scale = as_scale(np.sqrt(np.square(values).mean(axis=axes)))
        return Scale(scale, np.zeros(scale.shape, np.int64))


def _theory(block: Block | None, kappa: float) -> float | None:
    try:
        return None if block is None else theoretical_qsnr_db(block, kappa)
    except InputError:  # a crest factor that the theory has no value for
        return None


def _loss_penalty(fmt: Any, block_size: int) -> float | None:
    element = getattr(fmt, "element", fmt)
    if not is_block(fmt) or fmt.size == "tensor" or not isinstance(element, FloatFormat) or not element.signed:
        return None
    widths = (element.exponent_bits, element.mantissa_bits)
    return loss(PARAMETERS, TOKENS, widths, block_size) - loss(PARAMETERS, TOKENS, widths, 1)


def _curve(runs: Array, reconstruction: Array) -> tuple[Bin, ...]:
    """Runs in order of their crest factor, `BINS` groups of them; none where there are too few or nothing is lost."""
    signal = np.square(runs).sum(axis=-1)
    kept = signal > 0
    if kept.sum() < 2 * BINS:
        return ()
    noise = np.square(runs - reconstruction).sum(axis=-1)[kept] / signal[kept]
    kappa = np.abs(runs[kept]).max(axis=-1) / np.sqrt(signal[kept] / runs.shape[-1])
    groups = np.array_split(np.argsort(kappa, kind="stable"), BINS)
    means = [(float(kappa[group].mean()), float(noise[group].mean())) for group in groups]
    return tuple(Bin(mean, -10 * math.log10(error)) for mean, error in means if error > 0)


# Two formats --------------------------------------------------------------------------------------


def _of_kind(comparisons: Sequence[Comparison], kind: type[Format]) -> list[Comparison]:
    return [each for each in comparisons if each.block is not None and isinstance(each.block.element, kind)]


def _crossover(integer: Comparison, floating: Comparison) -> Crossover | None:
    ours, theirs = integer.block, floating.block
    assert ours is not None
    assert theirs is not None
    if (ours.element.bits, ours.size, ours.scale) != (theirs.element.bits, theirs.size, theirs.scale):
        return None
    try:
        kappa = crossover(ours, theirs)
    except InputError:  # one of them is better throughout
        return None
    return Crossover(integer.name, floating.name, kappa, kappa <= ours.greatest_crest_factor)
