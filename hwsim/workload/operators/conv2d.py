"""Convolution of images as a matrix product of unfolded windows (im2col)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import PositiveInt

from hwsim.units.base import Gemm, Window
from hwsim.workload.backend import Activation, Backend
from hwsim.workload.operator import Operator, Padding, Pair, operators
from hwsim.workload.steps import MatmulStep, Step
from hwsim.workload.tensors import Shape, Tensors, TensorSource
from hwsim.workload.vector_ops import epilogue
from hwsim.workload.windows import output_extent, windows


@operators.register("conv2d")
class Conv2d(Operator):
    """Cross-correlation of [N, C, H, W] with [OC, C/groups, KH, KW] → [N, OC, OH, OW], zeros around the image.

    Each group is one product [N·OH·OW, C/groups·KH·KW] × [.., OC/groups]; ``groups`` = C is depthwise.
    """

    op: Literal["conv2d"] = "conv2d"
    weight: TensorSource
    """[OC, C/groups, KH, KW]."""
    bias: TensorSource | None = None
    """[OC]."""
    stride: Pair = (1, 1)
    padding: Padding = (0, 0)
    dilation: Pair = (1, 1)
    groups: PositiveInt = 1
    activation: Activation | None = None

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """[N, OC, OH, OW]."""
        weight = self._weight_shape(shapes[0], tensors)
        rows, cols = output_extent(shapes[0][2:], weight[2:], self.stride, self.padding, self.dilation)  # type: ignore[arg-type]
        if min(rows, cols) < 1:
            raise self.misfit(f"weight {list(weight)} is larger than the padded input {list(shapes[0])}", "weight")
        return shapes[0][0], weight[0], rows, cols

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """``groups`` products of unfolded windows."""
        images, outputs, rows, cols = self.infer(shapes, tensors)
        _, depth, high, wide = self._weight_shape(shapes[0], tensors)
        gemm = Gemm(images * rows * cols, outputs // self.groups, depth * high * wide, self.groups)
        biased = self.bias is not None
        after = epilogue(images * outputs * rows * cols, biased, self.activation)
        distinct = int(np.prod(shapes[0]))
        size = (int(shapes[0][2]), int(shapes[0][3]))
        window = Window(images, (rows, cols), depth, (high, wide), size, self.stride, self.dilation, self.padding)
        return [MatmulStep(self.name, self.op, gemm, "weight", biased, self.activation, after, distinct, window=window)]

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """One backend product, with the groups as leading dimension where there are several."""
        count, outputs, rows, cols = self.infer([tuple(inputs[0].shape)], tensors)
        weight = tensors.array(self.name, "weight", self.weight)
        bias = None if self.bias is None else tensors.array(self.name, "bias", self.bias)
        unfolded = windows(inputs[0], weight.shape[2:], self.stride, self.padding, dilation=self.dilation)
        a = self._rows_by_group(unfolded)
        b = weight.reshape(self.groups, outputs // self.groups, -1).swapaxes(1, 2)
        if self.groups == 1:
            y = backend.matmul(self.name, a[0], b[0], bias=bias, activation=self.activation)[None]
        else:
            c = None if bias is None else bias.reshape(self.groups, 1, -1)
            y = backend.matmul(self.name, a, b, bias=c, activation=self.activation)
        # [groups, N·OH·OW, OC/groups] -> [N, groups·OC/groups, OH, OW]
        split = y.reshape(self.groups, count, rows, cols, -1)
        return split.transpose(1, 0, 4, 2, 3).reshape(count, outputs, rows, cols)

    def _rows_by_group(self, unfolded: np.ndarray) -> np.ndarray:
        """[N, C, OH, OW, KH, KW] -> [groups, N·OH·OW, C/groups·KH·KW]."""
        count, channels, rows, cols, high, wide = unfolded.shape
        split = unfolded.reshape(count, self.groups, channels // self.groups, rows, cols, high, wide)
        return split.transpose(1, 0, 3, 4, 2, 5, 6).reshape(self.groups, count * rows * cols, -1)

    def _weight_shape(self, images: Shape, tensors: Tensors) -> Shape:
        weight = tensors.shape(self.name, "weight", self.weight)
        if len(images) != 4:
            raise self.misfit(f"expected images [N, C, H, W], got {list(images)}", "input")
        if len(weight) != 4 or weight[1] * self.groups != images[1] or weight[0] % self.groups:
            groups = f" in {self.groups} groups" if self.groups > 1 else ""
            raise self.misfit(f"weight {list(weight)} does not fit input {list(images)}{groups}", "weight")
        if self.bias is not None and tensors.shape(self.name, "bias", self.bias) != weight[:1]:
            found = tensors.shape(self.name, "bias", self.bias)
            raise self.misfit(f"bias {list(found)} does not fit weight {list(weight)}", "bias")
        return weight
