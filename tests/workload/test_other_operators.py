"""Elementwise and row-wise operators, mean and reshape."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from hwsim.workload import ReferenceBackend, Tensors
from hwsim.workload.errors import Misfit
from hwsim.workload.operator import AnyOperator, operators

draw = np.random.default_rng(6)


def build(**fields):
    return TypeAdapter(AnyOperator).validate_python({"name": "o", **fields})


def run(operator, inputs, tensors=None):
    """Output, after comparing its shape with the inferred one."""
    tensors = tensors or Tensors()
    operator.check_inputs()
    found = operator.evaluate(ReferenceBackend(), inputs, tensors)
    assert found.shape == operator.infer([x.shape for x in inputs], tensors)
    return found


def test_arithmetic_of_two_inputs_and_of_a_tensor(tensors_of):
    x, y, t = draw.normal(size=(2, 3, 4)), draw.normal(size=(2, 3, 4)), draw.normal(size=(3, 4))
    assert np.array_equal(run(build(op="sub", input=["x", "y"]), [x, y]), x - y)
    assert np.array_equal(run(build(op="mul", input=["x", "y"]), [x, y[:1]]), x * y[:1])
    add = build(op="add", input="x", tensor="t")
    assert np.array_equal(run(add, [x], tensors_of(t=t)), x + t)
    (step,) = add.steps([x.shape], tensors_of(t=t))
    assert (step.work.reads, step.work.writes, step.work.operations) == (24 + 12, 24, {"add": 24})


def test_norm_with_weight_and_bias(tensors_of):
    x, weight, bias = draw.normal(size=(2, 3, 4)), draw.normal(size=4), draw.normal(size=4)
    tensors = tensors_of(w=weight, b=bias)
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt(x.var(-1, keepdims=True) + 0.1) * weight + bias
    norm = build(op="layer_norm", input="x", weight="w", bias="b", eps=0.1)
    np.testing.assert_allclose(run(norm, [x], tensors), expected, rtol=1e-12)
    (step,) = norm.steps([x.shape], tensors)
    assert (step.work.reads, step.work.writes) == (24 + 8, 24)
    expected = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(run(build(op="rms_norm", input="x"), [x]), expected, rtol=1e-12)


@pytest.mark.parametrize("axes", [[2, 3], [1], [3, 1]])
def test_mean_over_axes(axes):
    x = draw.integers(-8, 9, (2, 3, 4, 8)).astype(np.float64)
    found = run(build(op="mean", input="x", axes=axes), [x])
    np.testing.assert_allclose(found, x.mean(tuple(axes)), rtol=1e-13, atol=1e-15)


def test_reshape_to_tokens():
    x = draw.normal(size=(2, 5, 3, 4))
    tokens = run(build(op="reshape", input="x", permute=[0, 2, 3, 1], shape=[-1, 5]), [x])
    assert tokens.shape == (2, 12, 5)
    assert np.array_equal(tokens[1, 2 * 4 + 3], x[1, :, 2, 3])
    assert run(build(op="reshape", input="x", shape=[60]), [x]).shape == (2, 60)
    assert build(op="reshape", input="x").steps([x.shape], Tensors()) == []


def test_repeat_multiplies_work_and_not_values():
    once, many = (build(op="silu", rows=3, length=4, repeat=count) for count in (1, 5))
    assert np.array_equal(run(once, []), run(many, []))
    first, second = (one.steps([], Tensors())[0].work for one in (once, many))
    assert {name: 5 * count for name, count in first.operations.items()} == second.operations
    assert (5 * first.reads, 5 * first.writes) == (second.reads, second.writes)


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ({"op": "add", "input": "x"}, [(2, 3)], "o: add takes two inputs, or one input and a tensor"),
        ({"op": "add", "input": ["x", "y"], "tensor": "t"}, [(2, 3)] * 2, "o: add takes two inputs, or one input"),
        ({"op": "add", "input": ["x", "y"]}, [(2, 3), (3, 3)], "o: cannot broadcast [3, 3] to [2, 3]"),
        ({"op": "mul", "input": ["x", "y"]}, [(3,), (2, 3)], "o: cannot broadcast [2, 3] to [3]"),
        ({"op": "relu"}, [], "o: expected an input, or rows and length"),
        ({"op": "softmax", "rows": 3}, [], "o: expected an input, or rows and length"),
        ({"op": "softmax", "input": "x", "rows": 3}, [(2, 3)], "o: rows belongs to an operator without input"),
        ({"op": "layer_norm", "input": "x", "bias": "w"}, [(2, 3)], "o: a norm with a bias needs a weight"),
        ({"op": "rms_norm", "input": "x", "weight": "w", "bias": "w"}, [(2, 4)], "o: an rms_norm has no bias"),
        ({"op": "rms_norm", "input": "x", "weight": "w"}, [(2, 3)], "o: weight [4] does not fit the last axis of"),
        ({"op": "mean", "input": "x", "axes": [2]}, [(2, 3)], "o: axes [2] do not fit input [2, 3]"),
        ({"op": "mean", "input": "x", "axes": [1, 1]}, [(2, 3)], "o: axes [1, 1] do not fit input [2, 3]"),
        ({"op": "mean", "input": "x", "axes": [0, 1]}, [(2, 3)], "o: axes [0, 1] do not fit input [2, 3]"),
        ({"op": "reshape", "input": "x", "permute": [1, 0]}, [(2, 3)], "o: permute [1, 0] does not order"),
        ({"op": "reshape", "input": "x", "shape": [5, -1]}, [(2, 6)], "o: cannot give [2, 6] the extents [5, -1]"),
        ({"op": "reshape", "input": "x", "shape": [-1, -1]}, [(2, 6)], "o: cannot give [2, 6] the extents [-1, -1]"),
        ({"op": "reshape", "input": "x", "shape": [0]}, [(2, 6)], "o: cannot give [2, 6] the extents [0]"),
        ({"op": "max_pool2d", "input": "x", "kernel": 3}, [(2, 6)], "o: expected images [N, C, H, W], got [2, 6]"),
        ({"op": "max_pool2d", "input": "x", "kernel": 3}, [(1, 1, 2, 3)], "o: kernel [3, 3] is larger than the padded"),
        ({"op": "avg_pool2d", "input": "x", "kernel": 3, "padding": 2}, [(1, 1, 4, 4)], "o: padding [2, 2] exceeds"),
        ({"op": "relu", "input": ["x", "y"]}, [(2, 3)] * 2, "o: relu takes 0 or 1 inputs, got 2"),
    ],
)
def test_misfits(tensors_of, fields, shapes, message):
    operator = build(**fields)
    with pytest.raises(Misfit) as caught:
        operator.check_inputs()
        operator.infer(shapes, tensors_of(w=np.zeros(4)))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


SMALLEST = {  # the least that each operator needs, and the shapes of its inputs
    "add": ({"input": ["x", "y"]}, [(2, 3), (2, 3)]),
    "attention": ({"input": "x", "heads": 1}, [(1, 2, 3)]),
    "avg_pool2d": ({"input": "x", "kernel": 1}, [(1, 1, 1, 1)]),
    "conv2d": ({"input": "x", "weight": {"distribution": "normal", "shape": [1, 1, 1, 1]}}, [(1, 1, 1, 1)]),
    "gemm": ({"m": 1, "n": 1, "k": 1}, []),
    "linear": ({"input": "x", "weight": {"distribution": "normal", "shape": [2, 3]}}, [(1, 3)]),
    "max_pool2d": ({"input": "x", "kernel": 1}, [(1, 1, 1, 1)]),
    "mean": ({"input": "x", "axes": [1]}, [(2, 3)]),
    "mul": ({"input": ["x", "y"]}, [(2, 3), (2, 3)]),
    "reshape": ({"input": "x"}, [(2, 3)]),
    "sub": ({"input": ["x", "y"]}, [(2, 3), (2, 3)]),
}


@pytest.mark.parametrize("op", operators.names())
def test_contract_of_every_operator(op):
    """What a new operator must do: keep its shape, name its steps, accept what it writes, compute the same twice."""
    fields, shapes = SMALLEST.get(op, ({"input": "x"}, [(2, 3)]))
    operator = build(op=op, **fields)
    inputs = [draw.normal(size=shape) for shape in shapes]
    first = run(operator, inputs)
    assert np.array_equal(first, run(operator, inputs))
    names = set()

    class Listening(ReferenceBackend):
        def matmul(self, name, a, b, **options):
            names.add(name)
            return super().matmul(name, a, b, **options)

        def vector(self, name, function, arrays, **params):
            names.add(name)
            return super().vector(name, function, arrays, **params)

    operator.evaluate(Listening(), inputs, Tensors())
    steps = operator.steps(shapes, Tensors())
    assert names == {step.name for step in steps}
    assert all(name == "o" or name.startswith("o.") for name in names)
    assert TypeAdapter(AnyOperator).validate_python(operator.model_dump(mode="json")) == operator
    assert operator.__doc__
