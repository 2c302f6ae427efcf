"""Pooling: the largest value or the mean of windows, and the mean over whole axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field, NonNegativeInt

from hwsim.workload.backend import Backend
from hwsim.workload.operator import Operator, Padding, Pair, operators
from hwsim.workload.steps import Step, VectorStep
from hwsim.workload.tensors import Shape, Tensors
from hwsim.workload.vector_ops import work
from hwsim.workload.windows import output_extent, windows


@operators.register("max_pool2d")
@operators.register("avg_pool2d")
class Pool2d(Operator):
    """Largest value or mean of each window of [N, C, H, W]; windows that overhang the edge are dropped.

    The padding of ``avg_pool2d`` is zeros, which count in the mean.
    """

    op: Literal["max_pool2d", "avg_pool2d"]
    kernel: Pair
    stride: Pair | None = None
    """The kernel's extent, if not given."""
    padding: Padding = (0, 0)
    """At most half the kernel."""

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """[N, C, OH, OW]."""
        shape = shapes[0]
        if len(shape) != 4:
            raise self.misfit(f"expected images [N, C, H, W], got {list(shape)}", "input")
        if any(2 * side > extent for side, extent in zip(self.padding, self.kernel, strict=True)):
            raise self.misfit(f"padding {list(self.padding)} exceeds half the kernel {list(self.kernel)}", "padding")
        rows, cols = output_extent(shape[2:], self.kernel, self.stride or self.kernel, self.padding)
        if min(rows, cols) < 1:
            raise self.misfit(f"kernel {list(self.kernel)} is larger than the padded input {list(shape)}", "kernel")
        return shape[0], shape[1], rows, cols

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One reduction of windows; every input element is read once."""
        outputs = math.prod(self.infer(shapes, tensors))
        amount = work(self._function, outputs, math.prod(self.kernel), reads=math.prod(shapes[0]))
        return [VectorStep(self.name, self.op, amount)]

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """``max`` or ``mean`` over the last axis of [N, C, OH, OW, KH·KW]."""
        fill = -math.inf if self.op == "max_pool2d" else 0.0
        view = windows(inputs[0], self.kernel, self.stride or self.kernel, self.padding, fill=fill)
        return backend.vector(self.name, self._function, [view.reshape(*view.shape[:4], -1)])

    @property
    def _function(self) -> str:
        return "max" if self.op == "max_pool2d" else "mean"


@operators.register("mean")
class Mean(Operator):
    """Mean over ``axes``, which disappear: ``[2, 3]`` of images, ``[1]`` of tokens."""

    op: Literal["mean"] = "mean"
    axes: list[NonNegativeInt] = Field(min_length=1)

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The input's shape without the axes."""
        axes = self._checked(shapes[0])
        return tuple(extent for axis, extent in enumerate(shapes[0]) if axis not in axes)

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One reduction."""
        rows = math.prod(self.infer(shapes, tensors))
        elements = math.prod(shapes[0])
        return [VectorStep(self.name, self.op, work("mean", rows, elements // rows, reads=elements))]

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """``mean`` over the last axis, after the axes have been moved there in ascending order."""
        axes = self._checked(tuple(inputs[0].shape))
        kept = [axis for axis in range(inputs[0].ndim) if axis not in axes]
        moved = inputs[0].transpose(*kept, *axes)
        return backend.vector(self.name, "mean", [moved.reshape(*moved.shape[: len(kept)], -1)])

    def _checked(self, shape: Shape) -> list[int]:
        axes = sorted(set(self.axes))
        if len(axes) < len(self.axes) or axes[-1] >= len(shape) or len(axes) == len(shape):
            raise self.misfit(f"axes {self.axes} do not fit input {list(shape)}", "axes")
        return axes
