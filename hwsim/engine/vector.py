"""The functions that workloads name, computed by a vector unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwsim.units import vector_functions

if TYPE_CHECKING:
    from hwsim.units.vector import VectorUnit

_ELEMENTWISE = ("add", "sub", "mul")


def apply_function(unit: VectorUnit, op: str, arrays: list[np.ndarray], **params: float) -> np.ndarray:
    """``op`` of `hwsim.workload.vector_ops` on values first rounded to the unit's format; float64."""
    rounded = [unit.round(array) for array in arrays]
    if op in _ELEMENTWISE:
        return unit.apply(op, *rounded)
    if op == "max":  # along the last axis; a maximum is one of its arguments, so its order is no matter
        return np.asarray(np.max(rounded[0], axis=-1))
    if op == "mean":
        return unit.mean(rounded[0])
    return np.asarray(getattr(vector_functions, op)(unit, *rounded, **params))
