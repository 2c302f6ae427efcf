"""Row-wise work along the last axis: softmax, layer norm and RMS norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import NonNegativeFloat

from hwsim.workload.backend import Backend
from hwsim.workload.operator import RowsOperator, operators
from hwsim.workload.operators.elementwise import step
from hwsim.workload.steps import Step
from hwsim.workload.tensors import Shape, Tensors, TensorSource


@operators.register("softmax")
class Softmax(RowsOperator):
    """exp(x − max x) / Σ exp(x − max x) along the last axis."""

    op: Literal["softmax"] = "softmax"

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The input's shape."""
        return self.first_shape(shapes)

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One step over all rows."""
        shape = self.first_shape(shapes)
        return step(self, "softmax", shape, math.prod(shape))

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """One vector call."""
        return backend.vector(self.name, "softmax", [inputs[0] if inputs else self.drawn(tensors, "values")])


@operators.register("layer_norm")
@operators.register("rms_norm")
class Norm(RowsOperator):
    """Layer norm or RMS norm of the last axis, then · weight, then + bias (each [channels], each optional).

    An RMS norm has no bias.
    """

    op: Literal["layer_norm", "rms_norm"]
    weight: TensorSource | None = None
    bias: TensorSource | None = None
    """Needs a weight."""
    eps: NonNegativeFloat = 1e-5
    """Added to the variance (layer norm) or the mean square (RMS norm); 1e-5 as in PyTorch's LayerNorm."""

    def check_inputs(self) -> None:
        """Raises `Misfit` also for a bias that has no weight beside it, or belongs to an RMS norm."""
        super().check_inputs()
        if self.bias is not None and self.op == "rms_norm":
            raise self.misfit("an rms_norm has no bias", "bias")
        if self.bias is not None and self.weight is None:
            raise self.misfit("a norm with a bias needs a weight", "bias")

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The input's shape."""
        shape = self.first_shape(shapes)
        for field, source in self._affine():
            found = self._shape_of(field, source, shape, tensors)
            if found != shape[-1:]:
                raise self.misfit(f"{field} {list(found)} does not fit the last axis of input {list(shape)}", field)
        return shape

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One step over all rows."""
        shape, affine = self.first_shape(shapes), len(self._affine())
        return step(self, self.op, shape, math.prod(shape) + affine * shape[-1], affine)

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """One vector call with arrays x, weight, bias (as many as there are) and ``eps``."""
        x = inputs[0] if inputs else self.drawn(tensors, "values")
        affine = [tensors.array(self.name, field, source, x.shape[-1:]) for field, source in self._affine()]
        return backend.vector(self.name, self.op, [x, *affine], eps=self.eps)

    def _affine(self) -> list[tuple[str, TensorSource]]:
        given = (("weight", self.weight), ("bias", self.bias))
        return [(field, source) for field, source in given if source is not None]

    def _shape_of(self, field: str, source: TensorSource, shape: Shape, tensors: Tensors) -> Shape:
        implied = not isinstance(source, str) and source.shape is None
        return shape[-1:] if implied else tensors.shape(self.name, field, source)
