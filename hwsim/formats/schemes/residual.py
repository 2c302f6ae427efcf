"""Residual expansion: a tensor as a sum of quantized tensors, each of which quantizes what the previous ones left.

    r_0 = x,  q_k = clamp(round(r_k / s_k)),  r_(k+1) = r_k − s_k · q_k,  x ≈ Σ_k s_k · q_k

with one scale ``s_k = max|r_k| / (2**(b−1) − 1)`` per channel and level. The error shrinks by ``2·(2**(b−1) − 1)``
per level, so ternary weights (b = 2) gain one bit per level and int8 nearly eight. From the second level on, only
the channels with the largest residuals may be kept (group sparsity).

Source: Yvinec et al., REx: Data-Free Residual Quantization Error Expansion, NeurIPS 2023 (arXiv:2203.14645),
figure 1: residual expansion, and group-sparse expansion of the orders above the first. *Assumed*: scales in float32,
the Euclidean norm of a channel's residual as its importance, and the number of kept channels rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.scale_search import as_scale
from hwsim.formats.schemes.rearrange import share_of

SCALE_BITS = 32
"""Width of a scale: float32."""


@dataclass(frozen=True)
class Level:
    """One term ``s · q`` of the expansion."""

    codes: Array
    """Two's complement codes, of the shape of the tensor; 0 in channels that are not kept."""
    scale: NDArray[np.float32]
    """One per channel."""
    kept: NDArray[np.bool_]
    """Which channels have this level."""


@dataclass(frozen=True)
class ResidualExpansion:
    """A tensor as the sum of its levels, and what they leave."""

    levels: tuple[Level, ...]
    bits: int
    """Width of a code."""
    axis: int
    """The channel axis, counted from the first."""
    residual: NDArray[np.float64]
    """What all levels leave of the tensor."""

    @property
    def format(self) -> IntegerFormat:
        """The format of every level's codes: integers in ±(2**(bits−1) − 1)."""
        return _integers(self.bits)

    def term(self, level: int) -> NDArray[np.float64]:
        """``s_k · q_k``; exact, scales having 24 significand bits and codes at most 16."""
        return _product(self.levels[level], self.format, self.axis)

    def reconstruct(self, order: int | None = None) -> NDArray[np.float64]:
        """The sum of the first ``order`` terms (None: of all), added in float64 from the first to the last.

        Raises `InputError` for an order that the expansion does not have.
        """
        count = len(self.levels) if order is None else order
        if not 0 <= count <= len(self.levels):
            raise InputError(f"expected an order from 0 to {len(self.levels)}, got {order}")
        total = np.zeros(self.residual.shape, np.float64)
        for level in range(count):
            total += self.term(level)
        return total

    def bits_per_value(self, scale_bits: int = SCALE_BITS) -> float:
        """Bits of storage over values: codes and scales of kept channels, and one bit per channel of a sparse level."""
        channels = self.residual.shape[self.axis]
        values = self.residual.size // max(channels, 1)
        bits = 0
        for level in self.levels:
            kept = int(level.kept.sum())
            mask = 0 if kept == channels else channels
            bits += kept * (values * self.bits + scale_bits) + mask
        return bits / max(self.residual.size, 1)


def expand(x: ArrayLike, bits: int, levels: int, axis: int = 0, kept: float = 1.0) -> ResidualExpansion:
    """``x`` as ``levels`` tensors of ``bits``-bit integers, each with one scale per channel of ``axis``.

    ``kept`` is the fraction of channels, rounded up, that levels from the second on have: those whose residuals have
    the largest Euclidean norms; of equal ones the first. Quotients ``r / s`` are those of float64, rounded to nearest,
    ties to even. For float32 input (or narrower) every residual is exact in float64; for float64 input it is rounded.

    Raises `InputError` for NaN or infinity, for bits outside 2 to 16, for no levels, a fraction outside [0, 1] or a
    missing axis.
    """
    residual = np.array(x, np.float64)
    _check(residual, bits, levels, axis)
    axis %= residual.ndim
    channels = residual.shape[axis]
    count = share_of(channels, kept)
    terms = []
    for index in range(levels):
        chosen = np.ones(channels, np.bool_) if index == 0 else _largest(residual, axis, count)
        level = _quantized(residual, bits, axis, chosen)
        residual = residual - _product(level, _integers(bits), axis)
        terms.append(level)
    return ResidualExpansion(tuple(terms), bits, axis, residual)


def _integers(bits: int) -> IntegerFormat:
    return IntegerFormat(f"int{bits}_symmetric", bits, symmetric=True)


def _quantized(residual: Array, bits: int, axis: int, kept: NDArray[np.bool_]) -> Level:
    integers = _integers(bits)
    largest = _rows(np.abs(residual), axis).max(axis=1, initial=0.0)
    scale = as_scale(largest / integers.max)
    quotients = residual / _spread(scale.astype(np.float64), axis, residual.ndim)
    codes = integers.encode(np.where(_spread(kept, axis, residual.ndim), quotients, 0.0), overflow="saturate")
    return Level(codes, scale, kept)


def _product(level: Level, integers: IntegerFormat, axis: int) -> NDArray[np.float64]:
    values = integers.decode(level.codes, np.float64)
    product: NDArray[np.float64] = values * _spread(level.scale.astype(np.float64), axis, values.ndim)
    return product


def _largest(residual: Array, axis: int, count: int) -> NDArray[np.bool_]:
    norms = np.square(_rows(residual, axis)).sum(axis=1)
    chosen = np.zeros(norms.size, np.bool_)
    chosen[np.argsort(-norms, kind="stable")[:count]] = True
    return chosen


def _rows(values: Array, axis: int) -> Array:
    """One contiguous row per channel."""
    return np.ascontiguousarray(np.moveaxis(values, axis, 0)).reshape(values.shape[axis], -1)


def _spread(per_channel: Array, axis: int, ndim: int) -> Array:
    return per_channel.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _check(values: Array, bits: int, levels: int, axis: int) -> None:
    if not np.isfinite(values).all():
        raise InputError("cannot expand NaN or infinity")
    if not 2 <= bits <= 16:
        raise InputError(f"expected levels of 2 to 16 bits, got {bits}")
    if levels < 1:
        raise InputError(f"expected at least 1 level, got {levels}")
    if not -values.ndim <= axis < values.ndim:
        raise InputError(f"channel axis {axis} does not exist in a tensor of shape {list(values.shape)}")
