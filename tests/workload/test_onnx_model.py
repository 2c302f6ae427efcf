"""ONNX models: graphs with shapes; built here with onnx.helper where the package is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hwsim.base.errors import HwsimError, InputError
from hwsim.workload import MatmulStep, Workload


def test_without_the_package_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    path = tmp_path / "net.onnx"
    path.write_bytes(b"")
    with pytest.raises(HwsimError, match=r"pip install 'hwsim\[onnx\]'"):
        Workload.load(path)


def model(folder: Path, nodes: list[Any], weights: dict[str, tuple[int, ...]], shape: list[Any], last: str) -> Path:
    """A model of ``nodes`` with weights of zeros."""
    onnx = pytest.importorskip("onnx")
    import numpy as np

    helper = onnx.helper
    initializers = [
        onnx.numpy_helper.from_array(np.zeros(extents, np.float32), name) for name, extents in weights.items()
    ]
    floats = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", floats, shape)],
        [helper.make_tensor_value_info(last, floats, None)], initializers,
    )  # fmt: skip
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return path


def node(op: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return pytest.importorskip("onnx").helper.make_node(op, inputs, [output], name=output, **attributes)


def test_a_network_of_convolutions(tmp_path):
    nodes = [
        node("Conv", ["x", "w1"], "one", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["one", "s", "s", "s", "s"], "normal"),
        node("Relu", ["normal"], "r1"),
        node("Conv", ["r1", "w2"], "two", auto_pad="SAME_UPPER", group=8),
        node("Add", ["two", "r1"], "sum"),
        node("MaxPool", ["sum"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["pool"], "mean"),
        node("Flatten", ["mean"], "flat"),
        node("Gemm", ["flat", "w3", "b3"], "out", transB=1),
    ]
    weights = {"w1": (8, 3, 3, 3), "s": (8,), "w2": (8, 1, 3, 3), "w3": (10, 8), "b3": (10,)}
    work = Workload.load(model(tmp_path, nodes, weights, ["batch", 3, 16, 20], "out"))
    steps = work.steps()
    products = {step.name: step for step in steps if isinstance(step, MatmulStep)}
    assert list(products) == ["one", "two", "out"]
    assert [(s.gemm.m, s.gemm.n, s.gemm.k, s.gemm.count) for s in products.values()] == [
        (80, 8, 27, 1), (80, 1, 9, 8), (1, 10, 8, 1),
    ]  # fmt: skip
    assert products["one"].bias and products["one"].window.padding == (1, 1)
    assert not work.numerics.compute


def test_attention(tmp_path):
    nodes = [
        node("MatMul", ["x", "wq"], "q"),
        node("MatMul", ["x", "wk"], "k"),
        node("Transpose", ["k"], "kt", perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], "scores"),
        node("Softmax", ["scores"], "weights", axis=-1),
        node("MatMul", ["weights", "x"], "context"),
        node("LayerNormalization", ["context", "g", "b"], "out"),
    ]
    weights = {"wq": (32, 16), "wk": (32, 16), "g": (32,), "b": (32,)}
    work = Workload.load(model(tmp_path, nodes, weights, [2, 7, 32], "out"))
    products = [step for step in work.steps() if isinstance(step, MatmulStep)]
    assert [(s.gemm.m, s.gemm.n, s.gemm.k, s.gemm.count) for s in products] == [
        (14, 16, 32, 1), (14, 16, 32, 1), (7, 7, 16, 2), (7, 32, 7, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (lambda: [node("Reluu", ["x"], "y")], r"node y \(Reluu\): unknown operator 'Reluu'.*Relu"),
        (lambda: [node("Conv", ["x", "w"], "y", pads=[0, 0, 1, 1])], "differs between the sides"),
        (lambda: [node("Softmax", ["x"], "y", axis=1)], "another axis than the last"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, nodes, message):
    with pytest.raises(InputError, match=message):
        Workload.load(model(tmp_path, nodes(), {"w": (4, 3, 3, 3)}, [1, 3, 8, 8], "y"))


def test_what_is_no_model(tmp_path):
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    path.write_bytes(b"not a model at all")
    with pytest.raises(InputError, match="no ONNX model"):
        Workload.load(path)
    with pytest.raises(InputError, match="No such file"):
        Workload.load(tmp_path / "absent.onnx")
