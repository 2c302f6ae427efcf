"""The functions of vector units: their value in float64 and the scalar operations that they take.

Elementwise: ``add sub mul relu gelu gelu_tanh silu sigmoid tanh``. Along the last axis: reductions ``max``
and ``mean`` (which drop the axis), row-wise ``softmax``, ``layer_norm``, ``rms_norm`` (which keep it).
Scalar operations counted: ``add mul div max exp erf tanh rsqrt``; a subtraction is an add, a negation is
free, and a product with a constant is a mul. These counts follow the formulas below term by term.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.units.base import VectorWork

Array = NDArray[np.float64]

_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True)
class VectorOp:
    """A vector function. ``operations(length)`` counts scalar operations of one row of ``length``."""

    evaluate: Callable[..., np.ndarray]
    operations: Callable[[int], Mapping[str, int]]
    shape: Literal["elementwise", "reduce", "row"] = "elementwise"


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0.0)


def gelu(x: Array) -> Array:
    """x/2 · (1 + erf(x/√2)) (Hendrycks and Gimpel, arXiv:1606.08415)."""
    return np.asarray(0.5 * x * (1.0 + _erf(x * math.sqrt(0.5))))


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


def rms_norm(x: Array, weight: Array | None = None, bias: Array | None = None, *, eps: float) -> Array:
    """x / √(mean x² + eps) · weight + bias along the last axis."""
    return _affine(x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps), weight, bias)


def _affine(x: Array, weight: Array | None, bias: Array | None) -> Array:
    scaled = x if weight is None else x * weight
    return scaled if bias is None else scaled + bias


def _each(**operations: int) -> Callable[[int], Mapping[str, int]]:
    return lambda length: {name: count * length for name, count in operations.items()}


VECTOR_OPS: dict[str, VectorOp] = {
    "add": VectorOp(np.add, _each(add=1)),
    "sub": VectorOp(np.subtract, _each(add=1)),
    "mul": VectorOp(np.multiply, _each(mul=1)),
    "relu": VectorOp(relu, _each(max=1)),
    "gelu": VectorOp(gelu, _each(mul=3, erf=1, add=1)),
    "gelu_tanh": VectorOp(gelu_tanh, _each(mul=6, tanh=1, add=2)),
    "silu": VectorOp(silu, _each(exp=1, add=1, div=1)),
    "sigmoid": VectorOp(sigmoid, _each(exp=1, add=1, div=1)),
    "tanh": VectorOp(np.tanh, _each(tanh=1)),
    "max": VectorOp(lambda x: x.max(axis=-1), lambda n: {"max": n - 1}, "reduce"),
    "mean": VectorOp(lambda x: x.mean(axis=-1), lambda n: {"add": n - 1, "mul": 1}, "reduce"),
    "softmax": VectorOp(softmax, lambda n: {"max": n - 1, "add": 2 * n - 1, "exp": n, "div": n}, "row"),
    # Weight and bias are counted apart, by `work`.
    "layer_norm": VectorOp(layer_norm, lambda n: {"add": 3 * n - 1, "mul": 2 * n + 2, "rsqrt": 1}, "row"),
    "rms_norm": VectorOp(rms_norm, lambda n: {"add": n, "mul": 2 * n + 1, "rsqrt": 1}, "row"),
}


def work(op: str, rows: int, length: int, *, reads: int, affine: int = 0) -> VectorWork:
    """Vector work of ``op`` on ``rows`` rows of ``length``.

    ``reads`` counts the elements read, ``affine`` how many of weight and bias (in this order) a norm has.
    """
    function = VECTOR_OPS[op]
    operations = Counter(dict(function.operations(length)))
    operations.update(dict.fromkeys(("mul", "add")[:affine], length))
    writes = rows if function.shape == "reduce" else rows * length
    return VectorWork(reads, writes, {name: rows * count for name, count in operations.items() if count})


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
        operations.update(dict(VECTOR_OPS[activation].operations(elements)))
    return VectorWork(elements, elements, dict(operations)) if operations else None
