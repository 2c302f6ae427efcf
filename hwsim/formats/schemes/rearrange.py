"""Rearranged channels: sorted by magnitude, so that the values that share a block's scale are alike.

A block format spends its precision on the largest value of each block. Where some channels are large throughout,
a fixed permutation of channels gathers them in blocks of their own. Both operands of a product are permuted along
the contracted axis, so the product has the same terms; weights can be permuted once, ahead of time.

Source: Trukhanov and Soloveychik, Accurate Block Quantization in LLMs with Outliers (arXiv:2403.20137): rows of the
key projection sorted by their norms, those of the query projection alike. Sorting by the largest magnitude instead of
the norm is this module's addition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.arrays import Array

Reconstruct = Callable[[Array], Array]
"""A tensor to what quantization makes of it: blocks along the last axis, the shape unchanged."""
Importance = Literal["max", "energy"]
"""What a channel is ranked by: its largest magnitude, or the sum of its squares."""
Order = NDArray[np.intp]
"""A permutation of channels: position i of the rearranged axis holds channel ``order[i]``."""


def channel_importance(x: ArrayLike, axis: int = -1, by: Importance = "max") -> NDArray[np.float64]:
    """One number per channel of ``axis``, in float64: ``max|x|`` or ``Σ x²`` over all other axes.

    Raises `InputError` for NaN, a missing axis or an unknown measure.
    """
    values = np.asarray(x, np.float64)
    moved = np.moveaxis(values, checked_axis(axis, values.shape), 0)
    rows = np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
    if np.isnan(rows).any():
        raise InputError("cannot rank channels by NaN")
    if by == "max":
        largest: NDArray[np.float64] = np.abs(rows).max(axis=1, initial=0.0)
        return largest
    if by == "energy":
        energy: NDArray[np.float64] = np.square(rows).sum(axis=1)
        return energy
    raise InputError(f"unknown importance '{by}'{did_you_mean(by, ('max', 'energy'))}")


def channel_order(x: ArrayLike, axis: int = -1, by: Importance = "max") -> Order:
    """Channels from the most to the least important; equal ones stay in their order."""
    return np.argsort(-channel_importance(x, axis, by), kind="stable")


def rearrange(x: ArrayLike, order: ArrayLike, axis: int = -1) -> Array:
    """``x`` with channel ``order[i]`` at position i of ``axis``; `InputError` unless ``order`` permutes the axis."""
    values, permutation = np.asarray(x), np.asarray(order)
    length = values.shape[checked_axis(axis, values.shape)]
    if not np.array_equal(np.sort(permutation), np.arange(length)):
        raise InputError(f"expected a permutation of 0 to {length - 1} for axis {axis}")
    return np.take(values, permutation, axis=axis)


def inverse_order(order: ArrayLike) -> Order:
    """The permutation that undoes ``order``."""
    return np.argsort(np.asarray(order))


def rearrange_operands(a: ArrayLike, b: ArrayLike, order: ArrayLike) -> tuple[Array, Array]:
    """``a`` [..., M, K] and ``b`` [..., K, N], both rearranged along K: the product has the same terms."""
    return rearrange(a, order, axis=-1), rearrange(b, order, axis=-2)


class Rearrangement(NamedTuple):
    """What a permutation of channels does to a quantizer's error."""

    reconstruction: Array
    """Quantized in the new order and brought back to the old one."""
    order: Order
    mse_before: float
    """Mean squared error without the permutation."""
    mse_after: float
    """And with it."""


def reconstruct_rearranged(
    x: ArrayLike, quantize: Reconstruct, axis: int = -1, by: Importance = "max", order: ArrayLike | None = None
) -> Rearrangement:
    """``x`` quantized along ``axis`` with and without its channels sorted (or in a given ``order``).

    ``quantize`` gets arrays whose last axis is ``axis`` and returns their reconstruction. Errors are float64 means.
    Raises `InputError` for a missing axis or an order that does not permute it.
    """
    values = np.moveaxis(np.asarray(x), checked_axis(axis, np.shape(x)), -1)
    permutation = channel_order(values, -1, by) if order is None else np.asarray(order)
    plain = quantize(values)
    sorted_back = rearrange(quantize(rearrange(values, permutation)), inverse_order(permutation))
    before, after = mean_squared_error(plain, values), mean_squared_error(sorted_back, values)
    return Rearrangement(np.moveaxis(sorted_back, -1, axis), permutation, before, after)


def share_of(count: int, fraction: float) -> int:
    """``⌈fraction · count⌉``, the fraction read as the decimal or ratio that was meant: 7 of 100 at 0.07, not 8.

    Raises `InputError` for a fraction outside [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise InputError(f"expected a fraction of channels from 0 to 1, got {fraction}")
    return math.ceil(Fraction(fraction).limit_denominator(1_000_000) * count)


def mean_squared_error(reconstruction: ArrayLike, x: ArrayLike) -> float:
    """Mean of ``(reconstruction − x)²`` in float64; 0 for no values."""
    difference = np.asarray(reconstruction, np.float64) - np.asarray(x, np.float64)
    return float(np.square(difference).mean()) if difference.size else 0.0


def checked_axis(axis: int, shape: tuple[Any, ...]) -> int:
    """``axis`` counted from the first; `InputError` if there is none."""
    if not -len(shape) <= axis < len(shape):
        raise InputError(f"axis {axis} does not exist in a tensor of shape {list(shape)}")
    return axis % len(shape)
