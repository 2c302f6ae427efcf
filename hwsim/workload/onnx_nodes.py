"""ONNX's nodes as hwsim's operators, one function for each kind: a graph, a node and its attributes to an operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwsim.workload.onnx_model import Graph

Attributes = dict[str, Any]
Converted = dict[str, Any] | None
"""An operator without its name; None where there is nothing to do."""

_FUNCTIONS = {"Relu": "relu", "Clip": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Gelu": "gelu"}
_ARITHMETIC = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "mul"}
_SAME = ("Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear")


def drawn(shape: tuple[int, ...]) -> dict[str, Any]:
    """A weight of this shape with He's spread, sqrt(2 / inputs of an output)."""
    inputs = math.prod(shape[1:]) if len(shape) > 1 else 1
    return {"shape": list(shape), "std": round(math.sqrt(2 / inputs), 4)}


def _same(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    graph.names[node.output[0]] = graph.source(node, 0)
    return None


def _function(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    return {"op": _FUNCTIONS[node.op_type], "input": graph.source(node, 0)}


def _arithmetic(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    """Two activations, or an activation and a constant, which is broadcast to it; division multiplies by 1/constant."""
    op = _ARITHMETIC[node.op_type]
    constant = [place for place in range(2) if node.input[place] in graph.constants]
    if node.op_type == "Div" and constant != [1]:
        raise graph.error(node, "only a division by a constant is read")
    if not constant:
        first, second = (math.prod(graph.shape(node, place)) for place in range(2))
        order = (0, 1) if first >= second else (1, 0)
        return {"op": op, "input": [graph.source(node, place) for place in order]}
    shape = graph.constants[node.input[constant[0]]] or (1,)
    return {"op": op, "input": graph.source(node, 1 - constant[0]), "tensor": drawn(shape)}


def _conv(graph: Graph, node: Any, attributes: Attributes, weight_at: int = 1, bias_at: int = 2) -> Converted:
    weight = graph.weight(node, weight_at)
    if len(weight) != 4:
        raise graph.error(node, f"a convolution of images has weights of four axes, got {list(weight)}")
    stride, dilation = (tuple(attributes.get(key, (1, 1))) for key in ("strides", "dilations"))
    operator = {
        "op": "conv2d", "input": graph.source(node, 0), "weight": drawn(weight),
        "stride": list(stride), "dilation": list(dilation), "groups": attributes.get("group", 1),
        "padding": _padding(graph, node, attributes, weight[2:], stride, dilation),
    }  # fmt: skip
    return operator | _bias(graph, node, bias_at, weight[:1])


def _qlinearconv(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    return _conv(graph, node, attributes, 3, 8)


def _convinteger(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    return _conv(graph, node, attributes, 1, len(node.input))


def _padding(
    graph: Graph,
    node: Any,
    attributes: Attributes,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...] = (1, 1),
) -> list[int]:
    """The same on both sides of each axis, such that the output is as large as ONNX says.

    That is the larger of two different sides, or what rounds up an output that is rounded up: outputs see the same
    image as much as one padding apart.
    """
    found = []
    for axis in range(2):
        size, output = graph.shape(node, 0)[2 + axis], graph.output_shape(node)[2 + axis]
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        sides = [side[axis] for side in _sides(attributes)]
        for padding in (max(sides), *range(reach)):
            if (2 * padding + size - reach) // stride[axis] + 1 == output:
                found.append(padding)
                break
        else:
            raise graph.error(node, f"padding that differs between the sides is not read, got {_written(attributes)}")
    return found


def _sides(attributes: Attributes) -> tuple[list[int], list[int]]:
    pads = list(attributes.get("pads", (0, 0, 0, 0)))
    return pads[:2], pads[2:]


def _written(attributes: Attributes) -> str:
    automatic = attributes.get("auto_pad", b"NOTSET").decode()
    return str(list(attributes.get("pads", (0, 0, 0, 0)))) if automatic == "NOTSET" else automatic


def _gemm(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    """alpha and beta are in the weights and the bias."""
    weight = graph.weight(node, 1)
    outputs = weight if attributes.get("transB", 0) else weight[::-1]
    if attributes.get("transA", 0):
        raise graph.error(node, "a transposed first operand is not read")
    operator = {"op": "linear", "input": graph.source(node, 0), "weight": drawn(outputs)}
    return operator | _bias(graph, node, 2, outputs[:1])


def _matmul(graph: Graph, node: Any, attributes: Attributes, weight_at: int = 1) -> Converted:
    if node.input[weight_at] not in graph.constants:
        return {"op": "gemm", "input": [graph.source(node, 0), graph.source(node, weight_at)]}
    weight = graph.weight(node, weight_at)
    if len(weight) < 2 or math.prod(weight[:-2]) != 1:
        raise graph.error(node, f"expected weights [inputs, outputs], got {list(weight)}")
    return {"op": "linear", "input": graph.source(node, 0), "weight": drawn(weight[-2:][::-1])}


def _qlinearmatmul(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    return _matmul(graph, node, attributes, 3)


def _pool(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    kernel = tuple(attributes["kernel_shape"])
    if len(kernel) != 2 or set(attributes.get("dilations", (1, 1))) != {1}:
        raise graph.error(node, f"only windows of images without gaps are read, got {list(kernel)}")
    stride = tuple(attributes.get("strides", (1, 1)))
    op = "max_pool2d" if node.op_type == "MaxPool" else "avg_pool2d"
    padding = _padding(graph, node, attributes, kernel, stride)
    return {
        "op": op, "input": graph.source(node, 0), "kernel": list(kernel), "stride": list(stride), "padding": padding,
    }  # fmt: skip


def _globalaveragepool(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    return _mean(graph, node, list(range(2, len(graph.shape(node, 0)))), True)


def _reducemean(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    axes = attributes.get("axes") or graph.integers(node, 1)
    rank = len(graph.shape(node, 0))
    return _mean(graph, node, sorted(axis % rank for axis in axes), bool(attributes.get("keepdims", 1)))


def _mean(graph: Graph, node: Any, axes: list[int], kept: bool) -> Converted:
    """A mean whose axes stay, of extent 1, is one that drops them and a reshape."""
    mean = {"op": "mean", "input": graph.source(node, 0), "axes": axes}
    shape = graph.shape(node, 0)
    if not kept or axes == [0]:
        return mean
    if 0 in axes:
        raise graph.error(node, "a mean over the samples is not read")
    name = graph.append(node, mean, ".mean")
    rest = [1 if axis in axes else extent for axis, extent in enumerate(shape)]
    return {"op": "reshape", "input": name, "shape": rest[1:]}


def _batchnormalization(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    """Folded into the convolution whose output nothing else reads; otherwise a product and a sum."""
    before, scale = graph.source(node, 0), graph.weight(node, 1)
    last = next((one for one in graph.operators if one["name"] == before), {})
    if last.get("op") == "conv2d" and graph.readers(node.input[0]) == 1:
        last.setdefault("bias", drawn(scale))
        graph.names[node.output[0]] = before
        return None
    shape = (*scale, *([1] * (len(graph.shape(node, 0)) - 2)))
    name = graph.append(node, {"op": "mul", "input": before, "tensor": drawn(shape)}, ".scaled")
    return {"op": "add", "input": name, "tensor": drawn(shape)}


def _layernormalization(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    weight, rank = graph.weight(node, 1), len(graph.shape(node, 0))
    if attributes.get("axis", -1) % rank != rank - 1:
        raise graph.error(node, "normalization over more axes than the last is not read")
    operator = {"op": "layer_norm", "input": graph.source(node, 0), "weight": drawn(weight)}
    return operator | _bias(graph, node, 2, weight)


def _softmax(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    """Before opset 13 the axis is 1 unless written, and all axes from it on are one."""
    rank = len(graph.shape(node, 0))
    axis = attributes.get("axis", -1 if graph.opset >= 13 else 1) % rank
    if axis != rank - 1:
        raise graph.error(node, "softmax along another axis than the last is not read")
    return {"op": "softmax", "input": graph.source(node, 0)}


def _reshape(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    """Any node that gives its input another shape; the first axis, the samples, stays."""
    before, after = graph.shape(node, 0), graph.output_shape(node)
    if len(after) < 2 or after[0] != before[0]:
        raise graph.error(node, f"a shape whose first axis is another is not read: {list(before)} to {list(after)}")
    return {"op": "reshape", "input": graph.source(node, 0), "shape": list(after[1:])}


def _transpose(graph: Graph, node: Any, attributes: Attributes) -> Converted:
    order = list(attributes.get("perm", range(len(graph.shape(node, 0)))[::-1]))
    return {"op": "reshape", "input": graph.source(node, 0), "permute": order}


def _bias(graph: Graph, node: Any, place: int, shape: tuple[int, ...]) -> dict[str, Any]:
    if len(node.input) <= place or not node.input[place]:
        return {}
    if node.input[place] not in graph.constants:
        raise graph.error(node, f"input {place}, the bias, has to be a constant")
    return {"bias": drawn(shape)}


CONVERTERS: dict[str, Callable[[Graph, Any, Attributes], Converted]] = {
    **dict.fromkeys(_FUNCTIONS, _function),
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Conv": _conv,
    "ConvInteger": _convinteger,
    "QLinearConv": _qlinearconv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _qlinearmatmul,
    "GlobalAveragePool": _globalaveragepool,
    "ReduceMean": _reducemean,
    "BatchNormalization": _batchnormalization,
    "LayerNormalization": _layernormalization,
    "Softmax": _softmax,
    "Transpose": _transpose,
}
