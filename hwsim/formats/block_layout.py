"""Which values of a tensor share a scale: runs along an axis, tiles of the last two axes, or all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array

Size = int | tuple[int, int] | Literal["tensor"]


@dataclass(frozen=True)
class Layout:
    """Blocks of a tensor of ``shape`` as the rows of a matrix, padded with zeros where the tensor ends inside one."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    """The axes that are divided, in ascending order; none for the whole tensor."""
    lengths: tuple[int, ...]
    """Values of a block along each of them."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Blocks along each divided axis."""
        return tuple(-(-self.shape[axis] // length) for axis, length in zip(self.axes, self.lengths, strict=True))

    @property
    def size(self) -> int:
        """Values of a block."""
        return math.prod(self.lengths) if self.axes else math.prod(self.shape)

    @property
    def scale_shape(self) -> tuple[int, ...]:
        """The shape of the scales: the tensor's with blocks instead of values along the divided axes."""
        counts = dict(zip(self.axes, self.counts, strict=True))
        return tuple(counts.get(axis, n) for axis, n in enumerate(self.shape)) if self.axes else ()

    def to_blocks(self, x: Array) -> Array:
        """``x`` as [blocks, values per block]; without a copy for whole blocks along the last axis."""
        if not self.axes:
            return x.reshape(1, -1)
        pads = [(0, 0)] * x.ndim
        for axis, length in zip(self.axes, self.lengths, strict=True):
            pads[axis] = (0, -x.shape[axis] % length)
        padded = np.pad(x, pads) if any(pad for _, pad in pads) else x
        split = padded.reshape(self._split_shape)
        return np.ascontiguousarray(split.transpose(self._blocks_last)).reshape(-1, self.size)

    def from_blocks(self, blocks: Array) -> Array:
        """The inverse of `to_blocks`."""
        if not self.axes:
            return blocks.reshape(self.shape)
        split_shape, order = self._split_shape, self._blocks_last
        split = blocks.reshape([split_shape[axis] for axis in order]).transpose(np.argsort(order))
        padded = [
            self.counts[self.axes.index(axis)] * self.lengths[self.axes.index(axis)] if axis in self.axes else n
            for axis, n in enumerate(self.shape)
        ]
        return np.ascontiguousarray(split.reshape(padded)[tuple(slice(n) for n in self.shape)])

    def arranged(self, scales: Array) -> Array:
        """One number a block as an array of `scale_shape`."""
        return scales.reshape(self.scale_shape)

    @property
    def _split_shape(self) -> tuple[int, ...]:
        """The padded shape with each divided axis as (blocks, values)."""
        parts: list[int] = []
        for axis, n in enumerate(self.shape):
            if axis in self.axes:
                index = self.axes.index(axis)
                parts += [self.counts[index], self.lengths[index]]
            else:
                parts.append(n)
        return tuple(parts)

    @property
    def _blocks_last(self) -> list[int]:
        """The order of the split axes that puts the values of a block last."""
        inside = [axis + index + 1 for index, axis in enumerate(self.axes)]
        return [axis for axis in range(len(self.shape) + len(self.axes)) if axis not in inside] + inside


def layout(shape: tuple[int, ...], size: Size, axis: int = -1) -> Layout:
    """Runs of ``size`` along ``axis``, tiles of the last two axes, or the tensor; `InputError` for a missing axis."""
    if size == "tensor":
        return Layout(shape, (), ())
    dimensions = len(shape)
    if isinstance(size, tuple):
        if dimensions < 2:
            raise InputError(f"tiles need a tensor of two axes or more, got shape {list(shape)}")
        return Layout(shape, (dimensions - 2, dimensions - 1), size)
    if not -dimensions <= axis < dimensions:
        raise InputError(f"block axis {axis} does not exist in a tensor of shape {list(shape)}")
    return Layout(shape, (axis % dimensions,), (size,))
