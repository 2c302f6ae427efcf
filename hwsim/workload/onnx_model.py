"""ONNX models as workloads: the graph with every tensor's shape; weights are drawn, no numbers are computed.

Read are networks with one input of samples: Conv, Gemm and MatMul with weights or of two activations, Add, Sub and Mul,
activation functions, pooling and means, batch normalization (folded into the convolution before it, else a product and
a sum), layer normalization, softmax, and what only re-addresses. A batch that the model leaves open is 1. Anything else
is named in one line. Needs the package onnx: ``pip install 'hwsim[onnx]'``.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

from hwsim.base.errors import HwsimError, InputError, did_you_mean

INSTALL = "pip install 'hwsim[onnx]'"
_FUNCTIONS = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Gelu": "gelu"}
_ARITHMETIC = {"Add": "add", "Sub": "sub", "Mul": "mul"}
_SAME = ("Identity", "Dropout", "Cast")
_SUPPORTED = (
    "Conv", "Gemm", "MatMul", *_FUNCTIONS, *_ARITHMETIC, *_SAME, "MaxPool", "AveragePool", "GlobalAveragePool",
    "ReduceMean", "BatchNormalization", "LayerNormalization", "Softmax", "Flatten", "Reshape", "Transpose",
)  # fmt: skip


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
    return _Graph(path, onnx, model).workload()


class _Graph:
    """One model on its way: values by name, each an operator's output, a constant, or the input."""

    def __init__(self, path: Path, onnx: Any, model: Any) -> None:
        self.path, self.onnx = path, onnx
        for value in model.graph.input:
            for place, dimension in enumerate(value.type.tensor_type.shape.dim):
                if place == 0 and not dimension.dim_value:
                    dimension.dim_value = 1
        try:
            model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception as error:
            raise InputError(f"{path}: shapes cannot be inferred: {' '.join(str(error).split())[:120]}") from None
        self.graph = model.graph
        self.constants = {one.name: tuple(one.dims) for one in self.graph.initializer}
        self.tensors = {one.name: one for one in self.graph.initializer}
        described = (*self.graph.value_info, *self.graph.output, *self.graph.input)
        self.shapes = {one.name: _shape(one) for one in described} | self.constants
        self.names: dict[str, str] = {}
        self.operators: list[dict[str, Any]] = []

    def workload(self) -> dict[str, Any]:
        inputs = [value.name for value in self.graph.input if value.name not in self.constants]
        if len(inputs) != 1:
            raise InputError(f"{self.path}: expected a model with one input, got {len(inputs)}: {', '.join(inputs)}")
        shape = self.shapes[inputs[0]]
        if len(shape) < 2 or 0 in shape:
            raise InputError(f"{self.path}: input {inputs[0]}: expected extents [N, ..], got {list(shape)}")
        self.names[inputs[0]] = "images"
        for place, node in enumerate(self.graph.node):
            self._node(place, node)
        return {
            "name": self.path.stem,
            "description": f"ONNX model {self.path.name}, shapes only; weights and input are drawn.",
            "inputs": {"data": "images", "shape": list(shape)},
            "operators": self.operators,
            "numerics": {"compute": False},
        }

    # One node -----------------------------------------------------------------------------------------

    def _node(self, place: int, node: Any) -> None:
        if node.op_type == "Constant":
            value = next(a.t for a in node.attribute if a.name == "value")
            self.constants[node.output[0]], self.tensors[node.output[0]] = tuple(value.dims), value
            self.shapes[node.output[0]] = tuple(value.dims)
            return
        if node.op_type not in _SUPPORTED:
            raise self._error(node, f"unknown operator '{node.op_type}'{did_you_mean(node.op_type, _SUPPORTED)}")
        attributes = {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type in _SAME:
            self.names[node.output[0]] = self._source(node, 0)
            return
        convert = getattr(self, f"_{node.op_type.lower()}", None)
        if node.op_type in _FUNCTIONS:
            operator: dict[str, Any] | None = {"op": _FUNCTIONS[node.op_type], "input": self._source(node, 0)}
        elif node.op_type in _ARITHMETIC:
            operator = self._arithmetic(node, _ARITHMETIC[node.op_type])
        else:
            assert convert is not None
            operator = convert(node, attributes)
        if operator is None:
            return
        self._append(place, node, operator)

    def _append(self, place: int, node: Any, operator: dict[str, Any]) -> None:
        written = node.name or f"{node.op_type}_{place}"
        name = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in written).strip("_.-")
        name = name if name[:1].isalpha() else f"n{name}"
        taken = {operator["name"] for operator in self.operators} | {"images"}
        name = name if name not in taken else f"{name}_{place}"
        self.operators.append({"name": name, **operator})
        self.names[node.output[0]] = name

    def _conv(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        weight = self._weight(node, 1)
        if len(weight) != 4:
            raise self._error(node, f"a convolution of images has weights of four axes, got {list(weight)}")
        operator = {
            "op": "conv2d", "input": self._source(node, 0), "weight": _drawn(weight),
            "stride": list(attributes.get("strides", [1, 1])), "dilation": list(attributes.get("dilations", [1, 1])),
            "groups": attributes.get("group", 1), "padding": self._padding(node, attributes, weight[2:]),
        }  # fmt: skip
        return operator | ({"bias": _drawn(weight[:1])} if len(node.input) > 2 and node.input[2] else {})

    def _padding(self, node: Any, attributes: dict[str, Any], kernel: tuple[int, ...]) -> list[int]:
        """The same on both sides of each axis, by which much more at the end an output does not see."""
        automatic = attributes.get("auto_pad", b"NOTSET").decode()
        if automatic == "VALID":
            return [0, 0]
        if automatic.startswith("SAME"):
            dilations = attributes.get("dilations", [1, 1])
            pads = []
            for axis in range(2):
                size, output = self.shapes[node.input[0]][2 + axis], self.shapes[node.output[0]][2 + axis]
                reach = (kernel[axis] - 1) * dilations[axis] + 1
                total = max((output - 1) * attributes.get("strides", [1, 1])[axis] + reach - size, 0)
                pads.append(-(-total // 2))
            return pads
        pads = list(attributes.get("pads", [0, 0, 0, 0]))
        if pads[:2] != pads[2:]:
            raise self._error(node, f"padding that differs between the sides is not read, got {pads}")
        return pads[:2]

    def _gemm(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        weight = self._weight(node, 1)
        outputs = weight if attributes.get("transB", 0) else weight[::-1]
        if attributes.get("transA", 0):
            raise self._error(node, "a transposed first operand is not read")
        operator = {"op": "linear", "input": self._source(node, 0), "weight": _drawn(outputs)}
        return operator | ({"bias": _drawn(outputs[:1])} if len(node.input) > 2 and node.input[2] else {})

    def _matmul(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        if node.input[1] in self.constants:
            return {"op": "linear", "input": self._source(node, 0), "weight": _drawn(self._weight(node, 1)[::-1])}
        return {"op": "gemm", "input": [self._source(node, 0), self._source(node, 1)]}

    def _arithmetic(self, node: Any, op: str) -> dict[str, Any]:
        """Two activations, or an activation and a constant, which is broadcast to it."""
        constant = [place for place in range(2) if node.input[place] in self.constants]
        if not constant:
            first, second = (math.prod(self.shapes.get(name, ())) for name in node.input[:2])
            order = (0, 1) if first >= second else (1, 0)
            return {"op": op, "input": [self._source(node, place) for place in order]}
        shape = self.constants[node.input[constant[0]]] or (1,)
        return {"op": op, "input": self._source(node, 1 - constant[0]), "tensor": _drawn(shape)}

    def _maxpool(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        return self._pool("max_pool2d", node, attributes)

    def _averagepool(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        return self._pool("avg_pool2d", node, attributes)

    def _pool(self, op: str, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        kernel = list(attributes["kernel_shape"])
        return {
            "op": op, "input": self._source(node, 0), "kernel": kernel,
            "stride": list(attributes.get("strides", [1] * len(kernel))),
            "padding": self._padding(node, attributes, tuple(kernel)),
        }  # fmt: skip

    def _globalaveragepool(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        rank = len(self.shapes[node.input[0]])
        return {"op": "mean", "input": self._source(node, 0), "axes": list(range(2, rank))}

    def _reducemean(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        axes = attributes.get("axes") or self._integers(node, 1)
        rank = len(self.shapes[node.input[0]])
        return {"op": "mean", "input": self._source(node, 0), "axes": [axis % rank for axis in axes]}

    def _batchnormalization(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any] | None:
        before = self._source(node, 0)
        last = self.operators[-1] if self.operators else {}
        if last.get("name") == before and last["op"] == "conv2d":
            last.setdefault("bias", _drawn(self._weight(node, 1)))
            self.names[node.output[0]] = before
            return None
        rank = len(self.shapes[node.input[0]])
        shape = (*self._weight(node, 1), *([1] * (rank - 2)))
        scaled = {"name": f"{before}.scaled", "op": "mul", "input": before, "tensor": _drawn(shape)}
        self.operators.append(scaled)
        return {"op": "add", "input": scaled["name"], "tensor": _drawn(shape)}

    def _layernormalization(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        weight = self._weight(node, 1)
        operator = {"op": "layer_norm", "input": self._source(node, 0), "weight": _drawn(weight)}
        return operator | ({"bias": _drawn(weight)} if len(node.input) > 2 and node.input[2] else {})

    def _softmax(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        rank = len(self.shapes[node.input[0]])
        if attributes.get("axis", -1) % rank != rank - 1:
            raise self._error(node, "softmax along another axis than the last is not read")
        return {"op": "softmax", "input": self._source(node, 0)}

    def _flatten(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        if attributes.get("axis", 1) != 1:
            raise self._error(node, f"flattening before axis {attributes['axis']} is not read")
        return {"op": "reshape", "input": self._source(node, 0), "shape": [-1]}

    def _reshape(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        shape = self.shapes.get(node.output[0], ())
        if len(shape) < 2 or 0 in shape:
            raise self._error(node, "the new shape is not known")
        return {"op": "reshape", "input": self._source(node, 0), "shape": list(shape[1:])}

    def _transpose(self, node: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        order = list(attributes.get("perm", range(len(self.shapes[node.input[0]]))[::-1]))
        return {"op": "reshape", "input": self._source(node, 0), "permute": order}

    # Values -------------------------------------------------------------------------------------------

    def _source(self, node: Any, place: int) -> str:
        """The operator whose output an input is."""
        name = node.input[place]
        if name not in self.names:
            what = "a constant" if name in self.constants else "unknown"
            raise self._error(node, f"input {place} is {what}; expected an activation")
        return self.names[name]

    def _weight(self, node: Any, place: int) -> tuple[int, ...]:
        """The shape of a constant, or of an input that is described though its values are elsewhere."""
        shape = self.constants.get(node.input[place])
        if not shape:
            raise self._error(node, f"input {place} has to be a constant of known shape")
        return shape

    def _integers(self, node: Any, place: int) -> list[int]:
        if len(node.input) <= place or node.input[place] not in self.tensors:
            raise self._error(node, "axes have to be constant")
        found: list[int] = self.onnx.numpy_helper.to_array(self.tensors[node.input[place]]).tolist()
        return found

    def _error(self, node: Any, message: str) -> InputError:
        return InputError(f"{self.path}: node {node.name or node.output[0]} ({node.op_type}): {message}")


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)


def _drawn(shape: tuple[int, ...]) -> dict[str, Any]:
    """A weight of this shape with He's spread, sqrt(2 / inputs of an output)."""
    inputs = math.prod(shape[1:]) if len(shape) > 1 else 1
    return {"shape": list(shape), "std": round(math.sqrt(2 / inputs), 4)}
