"""ONNX models as exporters write them; products and shapes against counts made here by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from hwsim.base.errors import InputError
from hwsim.cli import cli
from hwsim.workload import MatmulStep, Workload

onnx = pytest.importorskip("onnx")
HELPER, FLOATS = onnx.helper, onnx.TensorProto.FLOAT


def node(op: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return HELPER.make_node(op, inputs, [output], name=output, **attributes)


def load(
    folder: Path, nodes: list[Any], weights: dict[str, Any], shape: list[Any], output: Any = None, opset: int = 17
) -> Workload:
    """A model from x to the last node; weights by their extents, or arrays."""
    tensors = [
        onnx.numpy_helper.from_array(one if isinstance(one, np.ndarray) else np.zeros(one, np.float32), name)
        for name, one in weights.items()
    ]
    graph = HELPER.make_graph(
        nodes, "net", [HELPER.make_tensor_value_info("x", FLOATS, shape)],
        [HELPER.make_tensor_value_info(nodes[-1].output[0], FLOATS, output)], tensors,
    )  # fmt: skip
    path = folder / "net.onnx"
    onnx.save(HELPER.make_model(graph, opset_imports=[HELPER.make_opsetid("", opset)]), str(path))
    return Workload.load(path)


def products(work: Workload) -> list[tuple[int, int, int, int]]:
    steps = [step for step in work.steps() if isinstance(step, MatmulStep)]
    return [(step.gemm.m, step.gemm.n, step.gemm.k, step.gemm.count) for step in steps]


def last_shape(work: Workload) -> tuple[int, ...]:
    return list(work.shapes().values())[-1]


def test_an_inverted_residual(tmp_path):
    """As torch exports MobileNetV2, Clip with constant bounds, and padding on one side as TensorFlow has it."""
    nodes = [
        node("Constant", [], "low", value_float=0.0), node("Constant", [], "high", value_float=6.0),
        node("Conv", ["x", "expand"], "e"), node("Clip", ["e", "low", "high"], "e6"),
        node("Conv", ["e6", "deep"], "d", group=24, strides=[2, 2], pads=[0, 0, 1, 1]),
        node("Clip", ["d", "low", "high"], "d6"),
        node("Conv", ["d6", "project"], "p"),
        node("GlobalAveragePool", ["p"], "g"),
        node("Conv", ["g", "squeeze"], "s"), node("Sigmoid", ["s"], "gate"), node("Mul", ["p", "gate"], "out"),
    ]  # fmt: skip
    weights = {"expand": (24, 4, 1, 1), "deep": (24, 1, 3, 3), "project": (8, 24, 1, 1), "squeeze": (8, 8, 1, 1)}
    work = load(tmp_path, nodes, weights, ["batch", 4, 16, 12])
    assert products(work) == [(192, 24, 4, 1), (48, 1, 9, 24), (48, 8, 24, 1), (1, 8, 8, 1)]
    assert last_shape(work) == (1, 8, 8, 6)


@pytest.mark.parametrize(
    ("attributes", "rows"),
    [
        ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, 8 * 8),
        ({"auto_pad": "SAME_LOWER"}, 15 * 15),
        ({"auto_pad": "VALID"}, 13 * 13),
        ({"dilations": [2, 2], "pads": [2, 2, 2, 2]}, 15 * 15),
        ({"pads": [1, 0, 1, 0], "strides": [1, 3]}, 15 * 5),
    ],
)
def test_padding_strides_and_dilations(tmp_path, attributes, rows):
    work = load(
        tmp_path, [node("Conv", ["x", "w", "b"], "y", **attributes)], {"w": (8, 4, 3, 3), "b": (8,)}, [1, 4, 15, 15]
    )
    assert products(work) == [(rows, 8, 36, 1)]


def test_groups_and_a_normalization_that_is_not_the_next_node(tmp_path):
    """Two branches side by side; the second convolution is read twice, so that nothing folds into it."""
    scales = ["s", "s", "s", "s"]
    nodes = [
        node("Conv", ["x", "w"], "a", group=2), node("Conv", ["x", "w"], "b", group=2),
        node("BatchNormalization", ["a", *scales], "na"), node("BatchNormalization", ["b", *scales], "nb"),
        node("Add", ["na", "nb"], "sum"), node("Add", ["sum", "b"], "out"),
    ]  # fmt: skip
    work = load(tmp_path, nodes, {"w": (8, 2, 1, 1), "s": (8,)}, [1, 4, 5, 5])
    assert [operator.name for operator in work.operators] == ["a", "b", "nb.scaled", "nb", "sum", "out"]
    assert products(work) == [(25, 4, 2, 2)] * 2


def test_pooling_that_rounds_up(tmp_path):
    up = load(
        tmp_path, [node("MaxPool", ["x"], "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}, [1, 4, 16, 16]
    )
    assert last_shape(up) == (1, 4, 8, 8)
    down = load(tmp_path, [node("MaxPool", ["x"], "y", kernel_shape=[3, 3], strides=[2, 2])], {}, [1, 4, 16, 16])
    assert last_shape(down) == (1, 4, 7, 7)


def test_attention_with_heads_and_shapes_that_are_computed(tmp_path):
    """As torch exports it with an open batch: Shape, Gather, Concat before every Reshape."""
    nodes = [
        node("Shape", ["x"], "whole"), node("Gather", ["whole", "zero"], "n"),
        node("Concat", ["n", "tail"], "split", axis=0),
    ]  # fmt: skip
    for one in "qkv":
        nodes += [
            node("MatMul", ["x", f"w{one}"], f"{one}0"), node("Add", [f"{one}0", "bias"], f"{one}1"),
            node("Reshape", [f"{one}1", "split"], f"{one}2"),
            node("Transpose", [f"{one}2"], one, perm=[0, 2, 3, 1] if one == "k" else [0, 2, 1, 3]),
        ]  # fmt: skip
    nodes += [
        node("MatMul", ["q", "k"], "scores"), node("Mul", ["two", "two"], "four"),
        node("Div", ["scores", "four"], "scaled"), node("Softmax", ["scaled"], "weights", axis=-1),
        node("MatMul", ["weights", "v"], "context"), node("Transpose", ["context"], "back", perm=[0, 2, 1, 3]),
        node("Reshape", ["back", "join"], "joined"), node("MatMul", ["joined", "wo"], "o"),
        node("Add", ["o", "x"], "out"),
    ]  # fmt: skip
    weights = {f"w{one}": (32, 32) for one in "qkvo"} | {
        "bias": (32,), "zero": np.array([0]), "tail": np.array([-1, 4, 8]), "join": np.array([0, -1, 32]),
        "two": np.array(2, np.float32),
    }  # fmt: skip
    work = load(tmp_path, nodes, weights, ["batch", 7, 32], ["batch", 7, 32])
    assert products(work) == [(7, 32, 32, 1)] * 3 + [(7, 7, 8, 4), (7, 8, 7, 4), (7, 32, 32, 1)]
    assert last_shape(work) == (1, 7, 32)
    assert [operator.op for operator in work.operators if operator.name == "scaled"] == ["mul"]


@pytest.mark.parametrize("square", ["Pow", "Mul"])
@pytest.mark.parametrize("early", [False, True])
def test_a_block_of_functions_that_are_written_out(tmp_path, square, early):
    """LayerNorm and GELU of opset 13; ``early`` halves x before the product."""
    nodes = [
        node("ReduceMean", ["x"], "mean", axes=[-1]), node("Sub", ["x", "mean"], "centre"),
        node(square, ["centre", "two" if square == "Pow" else "centre"], "square"),
        node("ReduceMean", ["square"], "variance", axes=[-1]), node("Add", ["variance", "eps"], "shifted"),
        node("Sqrt", ["shifted"], "root"), node("Div", ["centre", "root"], "divided"),
        node("Mul", ["divided", "g"], "scaled"), node("Add", ["scaled", "b"], "normal"),
        node("MatMul", ["normal", "w"], "h"), node("Div", ["h", "root2"], "inside"), node("Erf", ["inside"], "erf"),
        node("Add", ["erf", "one"], "plus"),
    ]  # fmt: skip
    if early:
        nodes += [node("Mul", ["h", "half"], "halved"), node("Mul", ["halved", "plus"], "out")]
    else:
        nodes += [node("Mul", ["h", "plus"], "times"), node("Mul", ["times", "half"], "out")]
    scalars = {name: np.array(1, np.float32) for name in ("two", "eps", "root2", "one", "half")}
    work = load(tmp_path, nodes, {"g": (16,), "b": (16,), "w": (16, 64), **scalars}, [1, 5, 16], opset=13)
    assert [(operator.name, operator.op) for operator in work.operators] == [
        ("normal", "layer_norm"), ("h", "linear"), ("out", "gelu"),
    ]  # fmt: skip
    assert last_shape(work) == (1, 5, 64)


def test_quantized_models(tmp_path):
    """QDQ (weights through DequantizeLinear) and QLinearConv are the convolutions in them."""
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], "q"), node("DequantizeLinear", ["q", "s", "z"], "dq"),
        node("DequantizeLinear", ["w", "s", "zw"], "dw"), node("Conv", ["dq", "dw"], "c"),
        node("QuantizeLinear", ["c", "s", "z"], "cq"),
        node("QLinearConv", ["cq", "s", "z", "w2", "s", "zw", "s", "z", "b2"], "c2", pads=[1, 1, 1, 1]),
        node("DequantizeLinear", ["c2", "s", "z"], "out"),
    ]  # fmt: skip
    weights = {
        "s": np.array(0.1, np.float32), "z": np.array(0, np.uint8), "zw": np.array(0, np.int8),
        "w": np.zeros((8, 4, 1, 1), np.int8), "w2": np.zeros((6, 8, 3, 3), np.int8), "b2": np.zeros(6, np.int32),
    }  # fmt: skip
    work = load(tmp_path, nodes, weights, [1, 4, 5, 5])
    assert products(work) == [(25, 8, 4, 1), (25, 6, 72, 1)]
    assert [step.bias for step in work.steps()] == [False, True]


def test_a_classifier_whose_weights_are_transposed_in_the_graph(tmp_path):
    nodes = [
        node("ReduceMean", ["x"], "m", axes=[2, 3], keepdims=0), node("Transpose", ["w"], "wt", perm=[1, 0]),
        node("Gemm", ["m", "wt", "b"], "y", alpha=0.5), node("Softmax", ["y"], "out"),
    ]  # fmt: skip
    work = load(tmp_path, nodes, {"w": (10, 4), "b": (1, 10)}, ["N", 4, 5, 5], ["N", 10], opset=12)
    assert products(work) == [(1, 10, 4, 1)]


def test_a_run_keeps_it_as_yaml(tmp_path):
    work = load(tmp_path, [node("Conv", ["x", "w"], "y")], {"w": (8, 4, 3, 3)}, [1, 4, 8, 8])
    answer = CliRunner().invoke(cli, ["run", "systolic_int8_ws_32x32", str(tmp_path / "net.onnx"), "--json"])
    assert answer.exit_code == 0, answer.output
    again = tmp_path / "again.yaml"
    again.write_text(work.text(), encoding="utf-8")
    assert products(Workload.load(again)) == products(work) == [(36, 8, 36, 1)]


def test_weights_in_another_file(tmp_path):
    """Which is not there: shapes are enough."""
    tensor = onnx.numpy_helper.from_array(np.zeros((10, 400), np.float32), "w")
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    graph = HELPER.make_graph(
        [node("Gemm", ["x", "w"], "y", transB=1)], "net", [HELPER.make_tensor_value_info("x", FLOATS, [3, 400])],
        [HELPER.make_tensor_value_info("y", FLOATS, None)], [tensor],
    )  # fmt: skip
    (tmp_path / "net.onnx").write_bytes(HELPER.make_model(graph).SerializeToString())
    assert products(Workload.load(tmp_path / "net.onnx")) == [(3, 10, 400, 1)]


@pytest.mark.parametrize(
    ("nodes", "shape", "message"),
    [
        ([node("Conv", ["x", "w"], "y", auto_pad="SAME_UPPER")], [1, 4, 8, 8], r"\(Conv\): padding that.*SAME_UPPER"),
        ([node("ConvTranspose", ["x", "w"], "y")], [1, 4, 8, 8], "unknown operator 'ConvTranspose'"),
        ([node("Conv", ["x", "w3"], "y")], [1, 4, 8], "weights of four axes"),
        ([node("MaxPool", ["x"], "y", kernel_shape=[3])], [1, 4, 8], "only windows of images"),
        ([node("Gemm", ["x", "m"], "y", transA=1)], [4, 4], "transposed first operand"),
        ([node("Gemm", ["x", "m", "x"], "y")], [4, 4], "input 2, the bias, has to be a constant"),
        ([node("ConvInteger", ["x", "w"], "y")], [1, 4, 8, 8], "the shape of the output is not known"),
        ([node("MatMul", ["m", "x"], "y")], [4, 4], "input 0 is a constant"),
        ([node("MatMul", ["x", "many"], "y")], [3, 4, 4], r"expected weights \[inputs, outputs\], got \[3, 4, 4\]"),
        ([node("Div", ["m", "x"], "y")], [4, 4], "only a division by a constant"),
        ([node("Squeeze", ["x", "zero"], "y")], [1, 4, 4], r"first axis is another.*\[1, 4, 4\] to \[4, 4\]"),
        ([node("Softmax", ["x"], "y")], [1, 4, 4], "another axis than the last"),
        ([node("Conv", ["x", "w"], "y")], [1, 4, "high", "wide"], r"expected extents \[N, ..\], got \[1, 4, 0, 0\]"),
        ([node("LayerNormalization", ["x", "m", "m"], "y", axis=1)], [1, 4, 4], "more axes than the last"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named(tmp_path, nodes, shape, message):
    weights = {"w": (4, 4, 2, 2), "w3": (4, 4, 3), "m": (4, 4), "many": (3, 4, 4), "zero": np.array([0])}
    opset = 12 if nodes[0].op_type == "Softmax" else 17
    with pytest.raises(InputError, match=message) as error:
        load(tmp_path, nodes, weights, shape, opset=opset)
    assert "\n" not in str(error.value)
