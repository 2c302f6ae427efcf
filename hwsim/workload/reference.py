"""The backend that errors are measured against: float64 throughout, nothing rounded to a format."""

from __future__ import annotations

import numpy as np

from hwsim.base.errors import InputError, did_you_mean
from hwsim.workload.backend import Activation, OperandRole
from hwsim.workload.vector_ops import VECTOR_OPS


class ReferenceBackend:
    """Float64 products and functions of unrounded operands; a `Backend`."""

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
        """See `Backend.matmul`."""
        product = a.astype(np.float64) @ b.astype(np.float64)
        if bias is not None:
            product = product + bias.astype(np.float64)
        return product if activation is None else self.vector(name, activation, [product])

    def vector(self, name: str, op: str, arrays: list[np.ndarray], **params: float) -> np.ndarray:
        """See `Backend.vector`."""
        if op not in VECTOR_OPS:
            raise InputError(f"{name}: unknown vector function '{op}'{did_you_mean(op, VECTOR_OPS)}")
        return VECTOR_OPS[op](*(array.astype(np.float64) for array in arrays), **params)
