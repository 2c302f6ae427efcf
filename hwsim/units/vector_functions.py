"""Activations, softmax, norms and pooling as sequences of a vector unit's scalar operations.

Every function takes and gives values (float64) whose elements are in the unit's format, works along the
last axis where it has rows, and rounds each intermediate result. The operations counted for the same
functions are in `hwsim.units.vector_work`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hwsim.units.vector import VectorUnit
from hwsim.units.vector_operations import Array


def relu(unit: VectorUnit, x: Any) -> Array:
    """max(x, 0)."""
    return unit.apply("relu", x)


def gelu(unit: VectorUnit, x: Any) -> Array:
    """x/2 · (1 + erf(x/√2)): multiply, erf, add, multiply, multiply (Hendrycks & Gimpel 2016)."""
    inner = unit.apply("erf", unit.apply("mul", x, unit.round(math.sqrt(0.5))))
    return unit.apply("mul", unit.apply("mul", x, 0.5), unit.apply("add", inner, 1.0))


def gelu_tanh(unit: VectorUnit, x: Any) -> Array:
    """x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), every product and sum rounded (Hendrycks & Gimpel 2016)."""
    cube = unit.apply("mul", unit.apply("mul", x, x), x)
    inner = unit.apply("add", x, unit.apply("mul", cube, unit.round(0.044715)))
    curve = unit.apply("tanh", unit.apply("mul", inner, unit.round(math.sqrt(2 / math.pi))))
    return unit.apply("mul", unit.apply("mul", x, 0.5), unit.apply("add", curve, 1.0))


def silu(unit: VectorUnit, x: Any) -> Array:
    """x / (1 + exp(−x)); the change of sign is free."""
    return unit.apply("div", x, unit.apply("add", unit.apply("exp", -np.asarray(x, dtype=np.float64)), 1.0))


def sigmoid(unit: VectorUnit, x: Any) -> Array:
    """1 / (1 + exp(−x))."""
    return unit.apply("div", 1.0, unit.apply("add", unit.apply("exp", -np.asarray(x, dtype=np.float64)), 1.0))


def softmax(unit: VectorUnit, x: Any) -> Array:
    """exp(x − max) / Σ exp(x − max) along the last axis."""
    x = unit.round(x)
    shifted = unit.apply("sub", x, np.max(x, axis=-1, keepdims=True))
    powers = unit.apply("exp", shifted)
    return unit.apply("div", powers, unit.sum(powers)[..., None])


def layer_norm(unit: VectorUnit, x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Array:
    """(x − mean) / √(mean((x − mean)²) + eps) · weight + bias along the last axis."""
    centred = unit.apply("sub", x, unit.mean(x)[..., None])
    variance = unit.mean(unit.apply("mul", centred, centred))
    deviation = unit.apply("sqrt", unit.apply("add", variance, unit.round(eps)))
    return _affine(unit, unit.apply("div", centred, deviation[..., None]), weight, bias)


def rms_norm(unit: VectorUnit, x: Any, weight: Any = None, eps: float = 1e-5) -> Array:
    """x / √(mean(x²) + eps) · weight along the last axis."""
    square = unit.mean(unit.apply("mul", x, x))
    size = unit.apply("sqrt", unit.apply("add", square, unit.round(eps)))
    return _affine(unit, unit.apply("div", x, size[..., None]), weight, None)


def _affine(unit: VectorUnit, x: Array, weight: Any, bias: Any) -> Array:
    if weight is not None:
        x = unit.apply("mul", x, weight)
    return x if bias is None else unit.apply("add", x, bias)


def batch_norm(unit: VectorUnit, x: Any, scale: Any, shift: Any) -> Array:
    """x · scale + shift with the folded constants of inference: scale = γ/√(σ² + ε), shift = β − μ·scale."""
    return unit.apply("add", unit.apply("mul", x, unit.round(scale)), unit.round(shift))


def max_pool2d(unit: VectorUnit, x: Any, kernel: int, stride: int | None = None, padding: int = 0) -> Array:
    """Largest of each window of x [..., H, W]; padding never wins."""
    windows = _windows(np.asarray(x, dtype=np.float64), kernel, stride or kernel, padding, -np.inf)
    return unit.round(np.max(windows, axis=-1))


def avg_pool2d(unit: VectorUnit, x: Any, kernel: int, stride: int | None = None, padding: int = 0) -> Array:
    """Mean of each window of x [..., H, W], zeros of the padding included; lanes lie across the windows,
    each of which is summed in row-major order."""
    windows = _windows(np.asarray(x, dtype=np.float64), kernel, stride or kernel, padding, 0.0)
    total = unit.round(windows[..., 0])
    for i in range(1, windows.shape[-1]):
        total = unit.apply("add", total, windows[..., i])
    return unit.apply("div", total, float(kernel * kernel))


def _windows(x: Array, kernel: int, stride: int, padding: int, fill: float) -> Array:
    """[..., H', W', kernel²], row-major in each window."""
    around = [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2
    padded = np.pad(x, around, constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(-2, -1))
    view = view[..., ::stride, ::stride, :, :]
    return view.reshape(*view.shape[:-2], kernel * kernel)
