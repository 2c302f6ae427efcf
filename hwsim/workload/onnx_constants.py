"""What of an ONNX graph is known before it runs: constants, what is computed from them, and every tensor's shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_MOST_ELEMENTS = 4096
"""Of a constant whose value is computed; of larger ones, weights, the shape is enough."""
_ROUNDS = 32


def settled(onnx: Any, model: Any) -> Any:
    """``model`` with an open batch of 1, nodes of constants replaced by what they give, and shapes inferred.

    Raises whatever `onnx.shape_inference` raises.
    """
    _close_batch(model)
    _forget_weights(model)
    for _ in range(_ROUNDS):
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        found = _fold(onnx, model)
        if not found:
            break
        model.graph.initializer.extend(found)
        names = {one.name for one in found}
        kept = [node for node in model.graph.node if not names & set(node.output)]
        del model.graph.node[:]
        model.graph.node.extend(kept)
    return model


def shape_of(value: Any) -> tuple[int, ...]:
    """Extents, 0 for those that are not known; one 0 where not even their number is."""
    if not value.type.tensor_type.HasField("shape"):
        return (0,)
    return tuple(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)


def value_of(onnx: Any, tensor: Any) -> np.ndarray | None:
    """The numbers of a small constant; None where they are many or elsewhere."""
    if math.prod(tensor.dims) > _MOST_ELEMENTS or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return None
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError):  # a shape alone
        return None


def _forget_weights(model: Any) -> None:
    """Large constants keep their shape alone, so that a model of any size can be inferred."""
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) > _MOST_ELEMENTS:
            tensor.CopyFrom(type(tensor)(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type))


def _close_batch(model: Any) -> None:
    """The batch of the inputs is 1 where it is open, here and wherever it is named again."""
    batches = set()
    for value in model.graph.input:
        for dimension in value.type.tensor_type.shape.dim[:1]:
            if not dimension.dim_value:
                batches.add(dimension.dim_param)
                dimension.dim_value = 1
    described = [*model.graph.value_info, *model.graph.output]
    for value in described:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param and dimension.dim_param in batches:
                dimension.dim_value = 1
    del model.graph.value_info[:]
    model.graph.value_info.extend(one for one in described[: -len(model.graph.output)] if 0 not in shape_of(one))
    for value in model.graph.output:
        if 0 in shape_of(value):
            value.type.tensor_type.ClearField("shape")


def _fold(onnx: Any, model: Any) -> list[Any]:
    """What nodes give whose inputs are all constants, or whose output is a known shape."""
    tensors = {one.name: one for one in model.graph.initializer}
    shapes = {one.name: shape_of(one) for one in (*model.graph.value_info, *model.graph.input, *model.graph.output)}
    found: list[Any] = []
    for node in model.graph.node:
        if len(node.output) != 1 or any(attribute.HasField("g") for attribute in node.attribute):
            continue
        value: np.ndarray | None = None
        shape = shapes.get(node.input[0], (0,)) if node.op_type == "Shape" else (0,)
        if node.op_type == "Shape" and node.input[0] not in tensors:
            if 0 in shape:
                continue
            limits = {one.name: one.i for one in node.attribute}
            value = np.array(shape[limits.get("start", 0) : limits.get("end")], np.int64)
        elif not all(name in tensors for name in node.input if name):
            continue
        else:
            value = _computed(onnx, model, node, tensors)
        tensor = _constant(onnx, node.output[0], value, shapes.get(node.output[0]))
        if tensor is not None:
            tensors[tensor.name] = tensor
            found.append(tensor)
    return found


def _constant(onnx: Any, name: str, value: np.ndarray | None, shape: tuple[int, ...] | None) -> Any:
    if value is not None:
        return onnx.numpy_helper.from_array(np.asarray(value), name)
    if shape is None or 0 in shape:
        return None
    return onnx.TensorProto(name=name, dims=shape, data_type=onnx.TensorProto.FLOAT)


def _computed(onnx: Any, model: Any, node: Any, tensors: dict[str, Any]) -> np.ndarray | None:
    """What a node gives, by ONNX's reference; None for what is large or what the reference does not run."""
    feeds = {name: value_of(onnx, tensors[name]) for name in node.input if name}
    if any(value is None for value in feeds.values()):
        return None
    from onnx.reference import ReferenceEvaluator

    helper, unknown = onnx.helper, onnx.TensorProto.UNDEFINED
    inputs = [helper.make_tensor_value_info(name, tensors[name].data_type, None) for name in feeds]
    outputs = [helper.make_tensor_value_info(node.output[0], unknown, None)]
    graph = helper.make_graph([node], "one", inputs, outputs)
    try:
        one = helper.make_model(graph, opset_imports=list(model.opset_import))
        value = np.asarray(ReferenceEvaluator(one).run(None, feeds)[0])
    except Exception:  # an operator that the reference has not: its shape may do
        return None
    return value if value.size <= _MOST_ELEMENTS else None
