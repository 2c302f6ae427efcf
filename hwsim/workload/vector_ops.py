"""The functions of vector units: their value in float64 and the scalar operations that they take.

Elementwise: ``add sub mul relu gelu gelu_tanh silu sigmoid tanh``. Along the last axis: reductions ``max``
and ``mean`` (which drop the axis), row-wise ``softmax``, ``layer_norm``, ``rms_norm`` (which keep it).
Counts of scalar operations are those of `hwsim.units.vector_work`, the work of the vector unit itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwsim.units import vector_work
from hwsim.units.base import VectorWork
from hwsim.units.vector_operations import erf

Array = NDArray[np.float64]


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0.0)


def gelu(x: Array) -> Array:
    """x/2 · (1 + erf(x/√2)) (Hendrycks and Gimpel, arXiv:1606.08415)."""
    return np.asarray(0.5 * x * (1.0 + erf(x * math.sqrt(0.5))))


def gelu_tanh(x: Array) -> Array:
    """x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), the approximation of arXiv:1606.08415 section 2."""
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(−x)), by the tail that cannot overflow."""
    tail = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, tail) / (1.0 + tail)


def silu(x: Array) -> Array:
    """x / (1 + exp(−x))."""
    return x * sigmoid(x)


def softmax(x: Array) -> Array:
    """exp(x − max x) / Σ exp(x − max x) along the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def layer_norm(x: Array, weight: Array | None = None, bias: Array | None = None, *, eps: float) -> Array:
    """(x − mean) / √(mean (x − mean)² + eps) · weight + bias along the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return _affine(centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps), weight, bias)


def rms_norm(x: Array, weight: Array | None = None, *, eps: float) -> Array:
    """x / √(mean x² + eps) · weight along the last axis."""
    return _affine(x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps), weight, None)


def _affine(x: Array, weight: Array | None, bias: Array | None) -> Array:
    scaled = x if weight is None else x * weight
    return scaled if bias is None else scaled + bias


VECTOR_OPS: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "relu": relu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "max": lambda x: x.max(axis=-1),
    "mean": lambda x: x.mean(axis=-1),
    "softmax": softmax,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
}
"""Name to value: float64 arrays (and ``eps`` for norms) to a float64 array."""


def work(op: str, rows: int, length: int, *, reads: int, affine: int = 0) -> VectorWork:
    """Work of ``op`` on ``rows`` rows of ``length``.

    ``reads`` counts the elements read, ``affine`` how many of weight and bias (in this order) a norm has.
    """
    if op == "layer_norm":
        counted = vector_work.layer_norm(rows, length, weight=affine > 0, bias=affine > 1)
    elif op == "rms_norm":
        counted = vector_work.rms_norm(rows, length, weight=affine > 0)
    elif op == "softmax":
        counted = vector_work.softmax(rows, length)
    elif op == "max":
        counted = vector_work.max_pool(rows * length, rows, length)
    elif op == "mean":
        counted = vector_work.mean(rows, length)
    else:
        counted = vector_work.elementwise(op, rows * length)
    return VectorWork(reads, counted.writes, {name: count for name, count in counted.operations.items() if count})


def combine(*parts: VectorWork, repeat: int = 1) -> VectorWork:
    """The sum of several pieces of work, ``repeat`` times."""
    operations: Counter[str] = Counter()
    for part in parts:
        operations.update(part.operations)
    totals = {name: count * repeat for name, count in operations.items()}
    return VectorWork(repeat * sum(p.reads for p in parts), repeat * sum(p.writes for p in parts), totals)


def epilogue(elements: int, bias: bool, activation: str | None) -> VectorWork | None:
    """Bias and activation of a matrix product's ``elements`` outputs in one pass over them."""
    operations: Counter[str] = Counter()
    if bias:
        operations.update(add=elements)
    if activation is not None:
        operations.update(vector_work.elementwise(activation, elements).operations)
    return VectorWork(elements, elements, dict(operations)) if operations else None
