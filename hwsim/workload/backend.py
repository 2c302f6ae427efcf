"""What an operator asks of whatever computes it: two calls, so that every backend runs the same operators."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

Activation = Literal["relu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh"]
"""Functions that may be attached to a matrix product; each is also an operator of its own."""

OperandRole = Literal["weight", "activation"]
"""What operand b of a product is: trained numbers, or the output of an earlier operator."""


class Backend(Protocol):
    """Computes matrix products and vector work with its own handling of numbers.

    Arrays hold values (not codes), any floating dtype; what a call returns is handed to later calls
    unchanged. ``name`` is the name of the step (see `Operator.steps`), unique in a workload except that
    one step may need several vector calls in sequence; the last one's result is then the step's.
    """

    def matmul(
        self,
        name: str,
        a: np.ndarray,
        b: np.ndarray,
        *,
        bias: np.ndarray | None = None,
        activation: Activation | None = None,
        b_role: OperandRole = "weight",
    ) -> np.ndarray:
        """``activation(a @ b + bias)``: [.., M, K] x [.., K, N] + [.., 1 or M, N] -> [.., M, N].

        Leading dimensions are equal and count independent products (groups, batch and heads).
        Operand a always holds activations. When b is a weight its columns are output channels: a
        per-channel scale belongs to one column (of one group).
        """
        ...

    def vector(self, name: str, op: str, arrays: list[np.ndarray], **params: float) -> np.ndarray:
        """Elementwise, reducing or row-wise work, one of the names in `hwsim.workload.vector_ops`.

        ``arrays`` broadcast against each other; reductions and row-wise functions work along the last axis.
        """
        ...
