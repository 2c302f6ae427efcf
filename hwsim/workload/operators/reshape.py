"""Re-addressing: the same values in another order or shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import NonNegativeInt

from hwsim.workload.backend import Backend
from hwsim.workload.operator import Operator, operators
from hwsim.workload.steps import Step
from hwsim.workload.tensors import Shape, Tensors


@operators.register("reshape")
class Reshape(Operator):
    """Transpose by ``permute``, then give the axes after the first the extents of ``shape``.

    ``{permute: [0, 2, 3, 1], shape: [-1, 48]}`` turns 48 feature maps [N, 48, H, W] into tokens
    [N, H·W, 48]. It has no step: the next operator reads with other addresses (assumed free).
    """

    op: Literal["reshape"] = "reshape"
    permute: list[NonNegativeInt] | None = None
    """The input's axes in their new order; the first stays the first."""
    shape: list[int] | None = None
    """Extents without the first axis; one may be −1, for what is left."""

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The new shape."""
        shape = shapes[0]
        if self.permute is not None:
            if self.permute[:1] != [0] or sorted(self.permute) != list(range(len(shape))):
                raise self.misfit(f"permute {self.permute} does not order the axes of {list(shape)}", "permute")
            shape = tuple(shape[axis] for axis in self.permute)
        return shape if self.shape is None else (shape[0], *self._filled(shape))

    def _filled(self, shape: Shape) -> Shape:
        wanted, elements = self.shape or [], math.prod(shape[1:])
        known = math.prod(extent for extent in wanted if extent != -1)
        left = elements // known if known > 0 else 0
        filled = tuple(left if extent == -1 else extent for extent in wanted)
        if wanted.count(-1) > 1 or any(extent < 1 for extent in filled) or math.prod(filled) != elements:
            raise self.misfit(f"cannot give {list(shape)} the extents {wanted}", "shape")
        return filled

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """None."""
        return []

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """The same values, re-addressed."""
        shape = self.infer([tuple(inputs[0].shape)], tensors)
        x = inputs[0] if self.permute is None else inputs[0].transpose(self.permute)
        return x.reshape(shape)
