"""ONNX models as workloads: the graph with every tensor's shape; weights are drawn, no numbers are computed.

Read are networks with one input of samples: Conv, Gemm and MatMul with weights or of two activations (also as integers,
or between QuantizeLinear and DequantizeLinear, which are free: formats are the architecture's), Add, Sub, Mul and
division by a constant, activation functions (a Clip counts as a relu), pooling and means, batch normalization (folded
into the convolution before it, else a product and a sum), layer normalization and GELU (also written out), softmax, and
what only re-addresses. What is computed from constants or shapes alone is a constant. A batch that the model leaves
open is 1. Anything else is named in one line. Needs the package onnx: ``pip install 'hwsim[onnx]'``.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from hwsim.base.errors import HwsimError, InputError, did_you_mean
from hwsim.workload.onnx_constants import settled, shape_of, value_of
from hwsim.workload.onnx_nodes import CONVERTERS
from hwsim.workload.onnx_patterns import fused

INSTALL = "pip install 'hwsim[onnx]'"


def read_model(path: Path) -> dict[str, Any]:
    """What the model would say in hwsim's own words; raises `InputError` naming the node, `HwsimError` without onnx."""
    try:
        onnx = importlib.import_module("onnx")
    except ImportError:
        raise HwsimError(f"{path}: ONNX models need a package that is not installed: {INSTALL}") from None
    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # whatever the parser raises, in one line
        raise InputError(f"{path}: no ONNX model: {' '.join(str(error).split())[:120]}") from None
    return Graph(path, onnx, model).workload()


class Graph:
    """One model on its way: values by name, each an operator's output, a constant, or the input."""

    def __init__(self, path: Path, onnx: Any, model: Any) -> None:
        self.path, self.onnx = path, onnx
        self.opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
        try:
            model = settled(onnx, model)
        except Exception as error:
            raise InputError(f"{path}: shapes cannot be inferred: {' '.join(str(error).split())[:120]}") from None
        self.graph = model.graph
        self.tensors = {one.name: one for one in self.graph.initializer}
        self.constants = {name: tuple(one.dims) for name, one in self.tensors.items()}
        described = (*self.graph.value_info, *self.graph.output, *self.graph.input)
        self.shapes = {one.name: shape_of(one) for one in described} | self.constants
        self.names: dict[str, str] = {}
        self.operators: list[dict[str, Any]] = []

    def workload(self) -> dict[str, Any]:
        """All of it; raises `InputError` with the node that is not read."""
        inputs = [value.name for value in self.graph.input if value.name not in self.constants]
        if len(inputs) != 1:
            raise InputError(f"{self.path}: expected a model with one input, got {len(inputs)}: {', '.join(inputs)}")
        shape = self.shapes[inputs[0]]
        if len(shape) < 2 or 0 in shape:
            raise InputError(f"{self.path}: input {inputs[0]}: expected extents [N, ..], got {list(shape)}")
        self.names[inputs[0]] = "images"
        for node in fused(self.onnx, self.graph.node, set(self.constants)):
            self._node(node)
        if not self.operators:
            raise InputError(f"{self.path}: no operators")
        return {
            "name": self.path.stem,
            "description": f"ONNX model {self.path.name}, shapes only; weights and input are drawn.",
            "inputs": {"data": "images", "shape": list(shape)},
            "operators": self.operators,
            "numerics": {"compute": False},
        }

    def _node(self, node: Any) -> None:
        convert = CONVERTERS.get(node.op_type) if node.domain in ("", "ai.onnx", "com.microsoft") else None
        if convert is None:
            raise self.error(node, f"unknown operator '{node.op_type}'{did_you_mean(node.op_type, CONVERTERS)}")
        attributes = {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
        operator = convert(self, node, attributes)
        if operator is not None:
            self.names[node.output[0]] = self.append(node, operator)

    def append(self, node: Any, operator: dict[str, Any], suffix: str = "") -> str:
        """The name under which an operator of ``node`` is now in the workload."""
        written = (node.name or f"{node.op_type}_{len(self.operators)}") + suffix
        name = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in written).strip("_.-")
        name = name if name[:1].isalpha() else f"n{name}"
        taken = {operator["name"] for operator in self.operators} | {"images"}
        name = name if name not in taken else f"{name}_{len(self.operators)}"
        self.operators.append({"name": name, **operator})
        return name

    # Values -------------------------------------------------------------------------------------------

    def source(self, node: Any, place: int) -> str:
        """The operator whose output an input is."""
        name = node.input[place]
        if name not in self.names:
            what = "a constant" if name in self.constants else "unknown"
            raise self.error(node, f"input {place} is {what}; expected an activation")
        return self.names[name]

    def weight(self, node: Any, place: int) -> tuple[int, ...]:
        """The shape of a constant; its values may be elsewhere."""
        shape = self.constants.get(node.input[place])
        if not shape:
            raise self.error(node, f"input {place} has to be a constant of known shape")
        return shape

    def shape(self, node: Any, place: int) -> tuple[int, ...]:
        """Of an input."""
        return self._known(node, node.input[place], f"input {place}")

    def output_shape(self, node: Any) -> tuple[int, ...]:
        """Of the first output."""
        return self._known(node, node.output[0], "the output")

    def _known(self, node: Any, name: str, what: str) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.shapes.get(name, (0,))
        if 0 in shape:
            raise self.error(node, f"the shape of {what} is not known")
        return shape

    def integers(self, node: Any, place: int) -> list[int]:
        """The values of a constant that says how a node works."""
        tensor = self.tensors.get(node.input[place]) if len(node.input) > place else None
        value = None if tensor is None else value_of(self.onnx, tensor)
        if value is None:
            raise self.error(node, f"input {place} has to be a constant in the file")
        return [int(one) for one in value.ravel()]

    def readers(self, name: str) -> int:
        """How many nodes read a value."""
        return sum(list(node.input).count(name) for node in self.graph.node)

    def error(self, node: Any, message: str) -> InputError:
        """One line with the file and the node."""
        return InputError(f"{self.path}: node {node.name or node.output[0]} ({node.op_type}): {message}")
