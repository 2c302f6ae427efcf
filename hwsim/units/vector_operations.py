"""The scalar operations of a vector unit: what each computes, and what it is built from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def erf(x: Array) -> Array:
    """The error function of the C library, value by value: numpy has none."""
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), dtype=np.float64)


@dataclass(frozen=True)
class Operation:
    """One rounded result per element, from float64 arguments."""

    compute: Callable[..., Array]
    arguments: int
    cycles: int
    """Cycles of one lane; more than 1 is *assumed* (`SLOW`) and can be overridden in YAML."""


SLOW = 8
"""*assumed*: cycles of a special function, 8 times those of an addition. The ratio is that of additions (128) to
reciprocals, exponentials and tanh (16) per clock and multiprocessor in the CUDA C++ Programming Guide's table of
arithmetic throughput, compute capability 8.x and 9.0 (recalled)."""

OPERATIONS: dict[str, Operation] = {
    "add": Operation(np.add, 2, 1),
    "sub": Operation(np.subtract, 2, 1),
    "mul": Operation(np.multiply, 2, 1),
    "max": Operation(np.maximum, 2, 1),
    "min": Operation(np.minimum, 2, 1),
    "relu": Operation(lambda x: np.maximum(x, 0.0), 1, 1),
    "round": Operation(np.rint, 1, 1),
    "div": Operation(np.divide, 2, SLOW),
    "sqrt": Operation(np.sqrt, 1, SLOW),
    "exp": Operation(np.exp, 1, SLOW),
    "tanh": Operation(np.tanh, 1, SLOW),
    "erf": Operation(erf, 1, SLOW),
}
"""By name. ``max``, ``min`` and ``relu`` give an argument back; ``round`` is to the nearest integer, ties to even."""
