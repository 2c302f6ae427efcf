"""Mixed precision by channel: the most important channels in a wide format, the rest in a narrow one.

Which channels: a fraction of them by largest magnitude or by energy. Where hardware wants whole blocks of one
precision, channels are permuted so that the important ones share blocks and their number is rounded up to fill them.

Sources: Saxena et al., ResQ (arXiv:2412.14363): an eighth of the channels in 8 bits, the rest in 4, chosen by variance
(there, after a rotation to principal components, which a caller may apply first). Liu et al., COMET
(arXiv:2410.12168), fine-grained mixed precision: blocks of 128 channels, permuted so that outlier channels share
blocks, in 8 bits where a block has outliers and in 4 elsewhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.schemes.rearrange import (
    Importance,
    Order,
    Reconstruct,
    channel_order,
    checked_axis,
    inverse_order,
    rearrange,
    share_of,
)

RESQ_FRACTION = 1 / 8
"""Share of channels in the wide format (arXiv:2412.14363, abstract)."""
COMET_BLOCK = 128
"""Channels of one precision (arXiv:2410.12168, fine-grained mixed-precision quantization)."""


class Precision(NamedTuple):
    """A quantizer and what its codes cost."""

    quantize: Reconstruct
    """A tensor to its reconstruction, quantized along the last axis."""
    bits: float
    """Bits per value, its share of scales included."""


class Mixed(NamedTuple):
    """A tensor in two precisions."""

    reconstruction: Array
    """Of the shape and in the order of the tensor."""
    wide: NDArray[np.bool_]
    """Which channels are in the wide format."""
    order: Order
    """The permutation of channels, wide ones first; both parts keep the tensor's order among themselves."""
    bits_per_value: float
    """Average over all values; the permutation itself, one number per channel, is not counted."""


def wide_channels(
    x: ArrayLike, fraction: float = RESQ_FRACTION, axis: int = -1, by: Importance = "max", block: int = 1
) -> NDArray[np.bool_]:
    """Which channels of ``axis`` are among the most important ``fraction``, rounded up to whole blocks of ``block``.

    Equally important channels are taken in their order. Raises `InputError` for a fraction outside [0, 1], a block
    below 1 or one that does not divide the axis, a missing axis, NaN, or an unknown importance.
    """
    order = channel_order(x, axis, by)
    if block < 1 or order.size % block:
        raise InputError(f"blocks of {block} channels do not divide an axis of {order.size}")
    wide = np.zeros(order.size, np.bool_)
    wide[order[: block * -(-share_of(order.size, fraction) // block)]] = True
    return wide


def quantize_mixed(
    x: ArrayLike,
    low: Precision,
    high: Precision,
    fraction: float = RESQ_FRACTION,
    axis: int = -1,
    by: Importance = "max",
    block: int = 1,
) -> Mixed:
    """``x`` with its most important channels of ``axis`` by ``high`` and the others by ``low``.

    The channels of each part are contiguous and in the order of the tensor when its quantizer gets them as the last
    axis, so the blocks of a block format never hold channels of both precisions. A part of no channels is skipped.
    Raises what `wide_channels` raises.
    """
    values = np.asarray(x)
    checked_axis(axis, values.shape)
    wide = wide_channels(values, fraction, axis, by, block)
    order = np.argsort(~wide, kind="stable")
    moved = rearrange(np.moveaxis(values, axis, -1), order)
    count = int(wide.sum())
    parts = [(high.quantize, moved[..., :count]), (low.quantize, moved[..., count:])]
    quantized = [quantize(part) for quantize, part in parts if part.shape[-1]]
    joined = np.concatenate(quantized, axis=-1) if quantized else moved
    reconstruction = np.moveaxis(rearrange(joined, inverse_order(order)), -1, axis)
    bits = (count * high.bits + (wide.size - count) * low.bits) / max(wide.size, 1)
    return Mixed(reconstruction, wide, order, bits)
