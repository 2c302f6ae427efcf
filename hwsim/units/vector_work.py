"""How often the operators of a network do each scalar operation: `VectorWork` from shapes.

One function per operator of `hwsim.units.vector_functions`; a test counts the operations that those
functions do and compares. Reads and writes are elements from and to memory, each input read once:
rows are assumed to stay in the unit between the passes over them.
"""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.units.base import VectorWork

ELEMENTWISE: Mapping[str, Mapping[str, int]] = {
    "add": {"add": 1},
    "sub": {"sub": 1},
    "mul": {"mul": 1},
    "div": {"div": 1},
    "max": {"max": 1},
    "min": {"min": 1},
    "relu": {"relu": 1},
    "exp": {"exp": 1},
    "tanh": {"tanh": 1},
    "sqrt": {"sqrt": 1},
    "gelu": {"mul": 3, "erf": 1, "add": 1},
    "gelu_tanh": {"mul": 6, "tanh": 1, "add": 2},
    "silu": {"exp": 1, "add": 1, "div": 1},
    "sigmoid": {"exp": 1, "add": 1, "div": 1},
    "batch_norm": {"mul": 1, "add": 1},
}
"""Scalar operations per element."""

_TWO_ARGUMENTS = ("add", "sub", "mul", "div", "max", "min")


def elementwise(function: str, elements: int, inputs: int | None = None) -> VectorWork:
    """``elements`` results of a function of `ELEMENTWISE`; ``inputs`` is how many arrays are read (default 1 or 2)."""
    arrays = inputs if inputs is not None else 1 + (function in _TWO_ARGUMENTS)
    return VectorWork(arrays * elements, elements, {op: n * elements for op, n in ELEMENTWISE[function].items()})


def softmax(rows: int, length: int) -> VectorWork:
    """Per row: length − 1 max and add, length sub, exp and div."""
    elements = rows * length
    within = rows * (length - 1)
    return VectorWork(
        elements, elements, {"max": within, "sub": elements, "exp": elements, "add": within, "div": elements}
    )


def layer_norm(rows: int, length: int, weight: bool = True, bias: bool = True) -> VectorWork:
    """Per row: two sums and two divisions by the length, a square root; per element sub, square, div and affine."""
    elements, within = rows * length, rows * (length - 1)
    return VectorWork(
        elements + (weight + bias) * length,
        elements,
        {
            "add": 2 * within + rows + bias * elements,
            "sub": elements,
            "mul": elements + weight * elements,
            "sqrt": rows,
            "div": 2 * rows + elements,
        },
    )


def rms_norm(rows: int, length: int, weight: bool = True) -> VectorWork:
    """Per row: one sum, one division by the length, a square root; per element square, div and weight."""
    elements, within = rows * length, rows * (length - 1)
    return VectorWork(
        elements + weight * length,
        elements,
        {"add": within + rows, "mul": elements + weight * elements, "sqrt": rows, "div": rows + elements},
    )


def max_pool(inputs: int, outputs: int, window: int) -> VectorWork:
    """``outputs`` windows of ``window`` elements; each input is read once."""
    return VectorWork(inputs, outputs, {"max": outputs * (window - 1)})


def avg_pool(inputs: int, outputs: int, window: int) -> VectorWork:
    """As `max_pool`, with sums and one division per output."""
    return VectorWork(inputs, outputs, {"add": outputs * (window - 1), "div": outputs})


def mean(rows: int, length: int) -> VectorWork:
    """Per row a sum and a division."""
    return VectorWork(rows * length, rows, {"add": rows * (length - 1), "div": rows})


def quantize(elements: int, asymmetric: bool = False) -> VectorWork:
    """x · (1/scale), rounded, (+ zero point,) clamped at both ends."""
    operations = {"mul": elements, "round": elements, "max": elements, "min": elements}
    return VectorWork(elements, elements, operations | ({"add": elements} if asymmetric else {}))


def dequantize(elements: int, bias: bool = False) -> VectorWork:
    """sum · scale (+ bias)."""
    return VectorWork(elements, elements, {"mul": elements} | ({"add": elements} if bias else {}))
