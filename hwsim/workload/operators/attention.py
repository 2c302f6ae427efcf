"""Multi-head self-attention from a qkv projection: two products per head with a softmax between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import PositiveInt

from hwsim.units.base import Gemm, VectorWork
from hwsim.workload.backend import Backend
from hwsim.workload.operator import Operator, operators
from hwsim.workload.steps import MatmulStep, Step, VectorStep
from hwsim.workload.tensors import Shape, Tensors
from hwsim.workload.vector_ops import combine, work


@operators.register("attention")
class Attention(Operator):
    """softmax(q·kᵀ/√d)·v for each head: [N, T, 3·D] → [N, T, D], d = D/heads.

    The 3·D channels are ordered [q, k, v][head][d]. Its rows are ``NAME.scores`` (product), ``NAME.softmax``
    (the scaling by 1/√d and the softmax) and ``NAME.context`` (product).
    """

    op: Literal["attention"] = "attention"
    heads: PositiveInt

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """[N, T, D]."""
        shape = shapes[0]
        if len(shape) != 3 or shape[-1] % (3 * self.heads):
            wanted = f"[N, T, 3·D] with D a multiple of {self.heads} heads"
            raise self.misfit(f"expected {wanted}, got {list(shape)}", "input")
        return *shape[:-1], shape[-1] // 3

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """Scores, softmax and context."""
        count, tokens, width = self.infer(shapes, tensors)
        products, head = count * self.heads, width // self.heads
        rows = products * tokens
        scaling = VectorWork(0, 0, {"mul": rows * tokens})  # in the softmax's own pass over the scores
        softmax = combine(scaling, work("softmax", rows, tokens, reads=rows * tokens))
        scores = Gemm(tokens, tokens, head, products)
        context = Gemm(tokens, head, tokens, products)
        return [
            MatmulStep(
                f"{self.name}.scores", self.op, scores, "activation", a_elements=count * tokens * width, feeds="vector"
            ),
            VectorStep(f"{self.name}.softmax", "softmax", softmax, feeds="product"),
            MatmulStep(f"{self.name}.context", self.op, context, "activation", a_elements=rows * tokens),
        ]

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """Products over leading dimensions [N, heads]."""
        count, tokens, width = self.infer([tuple(inputs[0].shape)], tensors)
        head = width // self.heads
        split = inputs[0].reshape(count, tokens, 3, self.heads, head)
        query, key, value = split.transpose(2, 0, 3, 1, 4)
        scores = backend.matmul(f"{self.name}.scores", query, key.swapaxes(-1, -2), b_role="activation")
        scaled = backend.vector(f"{self.name}.softmax", "mul", [scores, np.float64(1.0 / math.sqrt(head)).reshape(1)])
        weights = backend.vector(f"{self.name}.softmax", "softmax", [scaled])
        context = backend.matmul(f"{self.name}.context", weights, value, b_role="activation")
        return context.transpose(0, 2, 1, 3).reshape(count, tokens, width)
