"""Elementwise work: activation functions of one operand, arithmetic of two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np

from hwsim.workload.backend import Backend
from hwsim.workload.operator import RowsOperator, operators
from hwsim.workload.steps import Step, VectorStep
from hwsim.workload.tensors import Shape, Tensors, TensorSource
from hwsim.workload.vector_ops import combine, work


def step(operator: RowsOperator, op: str, shape: Shape, reads: int, affine: int = 0) -> list[Step]:
    """The one step of an operator on ``shape``, repeated as often as the operator is."""
    rows, length = math.prod(shape[:-1]), shape[-1]
    amount = combine(work(op, rows, length, reads=reads, affine=affine), repeat=operator.repeat)
    return [VectorStep(operator.name, operator.op, amount)]


@operators.register("relu")
@operators.register("gelu")
@operators.register("gelu_tanh")
@operators.register("silu")
@operators.register("sigmoid")
@operators.register("tanh")
class Function(RowsOperator):
    """An activation function of every element (formulas: `hwsim.workload.vector_ops`)."""

    op: Literal["relu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh"]

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The input's shape."""
        return self.first_shape(shapes)

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One pass."""
        shape = self.first_shape(shapes)
        return step(self, self.op, shape, math.prod(shape))

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """One vector call."""
        return backend.vector(self.name, self.op, [inputs[0] if inputs else self.drawn(tensors, "values")])


@operators.register("add")
@operators.register("sub")
@operators.register("mul")
class Arithmetic(RowsOperator):
    """Two inputs, or one input and a tensor; the second operand is broadcast to the first."""

    op: Literal["add", "sub", "mul"]
    tensor: TensorSource | None = None
    """The second operand of an operator with one input, such as a position embedding [T, channels]."""

    inputs_expected: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def check_inputs(self) -> None:
        """Raises `Misfit` unless there are two operands in all."""
        super().check_inputs()
        if (self.tensor is not None) != (len(self.input) == 1):
            raise self.misfit(f"{self.op} takes two inputs, or one input and a tensor", "input")

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The first operand's shape."""
        first, second = self._shapes(shapes, tensors)
        try:
            fits = np.broadcast_shapes(first, second) == first
        except ValueError:
            fits = False
        if not fits:
            raise self.misfit(f"cannot broadcast {list(second)} to {list(first)}", "tensor" if self.tensor else "input")
        return first

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One pass over both operands."""
        first, second = self._shapes(shapes, tensors)
        return step(self, self.op, first, math.prod(first) + math.prod(second))

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """One vector call."""
        if not inputs:
            operands = [self.drawn(tensors, "values"), self.drawn(tensors, "second")]
        elif self.tensor is not None:
            operands = [inputs[0], tensors.array(self.name, "tensor", self.tensor)]
        else:
            operands = list(inputs)
        return backend.vector(self.name, self.op, operands)

    def _shapes(self, shapes: Sequence[Shape], tensors: Tensors) -> tuple[Shape, Shape]:
        first = self.first_shape(shapes)
        if self.tensor is not None:
            return first, tensors.shape(self.name, "tensor", self.tensor)
        return first, shapes[1] if shapes else first
