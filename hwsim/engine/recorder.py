"""The float64 run that keeps what it saw: what scales are chosen from, and what errors are measured against."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from hwsim.workload import ReferenceBackend

Side = Literal["a", "b"]


class Recorder(ReferenceBackend):
    """A float64 backend with the last output of every step, and the activations that each product multiplied."""

    def __init__(self) -> None:
        self.outputs: dict[str, np.ndarray] = {}
        self.activations: dict[tuple[str, Side], np.ndarray] = {}
        """By step and operand; weights are not kept."""

    def matmul(self, name: str, a: np.ndarray, b: np.ndarray, **options: Any) -> np.ndarray:
        """See `hwsim.workload.Backend.matmul`."""
        self.activations[name, "a"] = a
        if options.get("b_role") == "activation":
            self.activations[name, "b"] = b
        self.outputs[name] = super().matmul(name, a, b, **options)
        return self.outputs[name]

    def vector(self, name: str, op: str, arrays: list[np.ndarray], **params: float) -> np.ndarray:
        """See `hwsim.workload.Backend.vector`."""
        self.outputs[name] = super().vector(name, op, arrays, **params)
        return self.outputs[name]
