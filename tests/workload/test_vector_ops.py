"""Vector functions against scalar Python, which also counts the operations that it takes."""

import math
from collections import Counter

import numpy as np
import pytest

from hwsim.units.vector_operations import OPERATIONS
from hwsim.workload.vector_ops import VECTOR_OPS, combine, epilogue, work

EPS = 1e-5


class Unit:
    """Scalar operations of a vector unit, each counted."""

    def __init__(self):
        self.counts = Counter()

    def __getattr__(self, name):
        functions = {
            "add": lambda a, b: a + b,
            "sub": lambda a, b: a - b,
            "mul": lambda a, b: a * b,
            "div": lambda a, b: a / b,
            "max": max,
            "exp": math.exp,
            "erf": math.erf,
            "tanh": math.tanh,
            "sqrt": math.sqrt,
            "relu": lambda a: max(a, 0.0),
        }

        def counted(*operands):
            self.counts[name] += 1
            return functions[name](*operands)

        return counted

    def total(self, values):
        result = values[0]
        for value in values[1:]:
            result = self.add(result, value)
        return result

    def largest(self, values):
        result = values[0]
        for value in values[1:]:
            result = self.max(result, value)
        return result


def sigmoid(u, x):
    return u.div(1.0, u.add(1.0, u.exp(-x)))


def gelu(u, x):
    return u.mul(u.mul(0.5, x), u.add(1.0, u.erf(u.mul(x, math.sqrt(0.5)))))


def gelu_tanh(u, x):
    cube = u.mul(u.mul(x, x), x)
    inner = u.mul(math.sqrt(2 / math.pi), u.add(x, u.mul(0.044715, cube)))
    return u.mul(u.mul(0.5, x), u.add(1.0, u.tanh(inner)))


def softmax(u, row):
    top = u.largest(row)
    powers = [u.exp(u.sub(x, top)) for x in row]
    total = u.total(powers)
    return [u.div(p, total) for p in powers]


def mean(u, row):
    return u.div(u.total(row), len(row))


def layer_norm(u, row):
    middle = mean(u, row)
    centred = [u.sub(x, middle) for x in row]
    deviation = u.sqrt(u.add(mean(u, [u.mul(c, c) for c in centred]), EPS))
    return [u.div(c, deviation) for c in centred]


def rms_norm(u, row):
    size = u.sqrt(u.add(mean(u, [u.mul(x, x) for x in row]), EPS))
    return [u.div(x, size) for x in row]


ELEMENTWISE = {
    "relu": lambda u, x: u.relu(x),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": lambda u, x: u.div(x, u.add(1.0, u.exp(-x))),
    "sigmoid": sigmoid,
    "tanh": lambda u, x: u.tanh(x),
}
BINARY = {
    "add": lambda u, x, y: u.add(x, y),
    "sub": lambda u, x, y: u.sub(x, y),
    "mul": lambda u, x, y: u.mul(x, y),
}
ROWS = {
    "softmax": softmax,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "max": lambda u, row: u.largest(row),
    "mean": mean,
}


def test_every_function_is_tested():
    assert sorted(VECTOR_OPS) == sorted([*ELEMENTWISE, *BINARY, *ROWS])


@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("op", sorted(VECTOR_OPS))
def test_value_and_count_are_the_scalar_formulas(op, length):
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(2, 3, length)) * 3
    unit = Unit()
    if op in ELEMENTWISE:
        expected = [[ELEMENTWISE[op](unit, value) for value in row] for row in x.tolist()]
    elif op in BINARY:
        pairs = zip(x.tolist(), y.tolist(), strict=True)
        expected = [[BINARY[op](unit, a, b) for a, b in zip(p, q, strict=True)] for p, q in pairs]
    else:
        expected = [ROWS[op](unit, row) for row in x.tolist()]
    arrays = [x, y] if op in BINARY else [x]
    found = VECTOR_OPS[op](*arrays, **({"eps": EPS} if op.endswith("norm") else {}))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    amount = work(op, 3, length, reads=len(arrays) * 3 * length)
    assert amount.operations == unit.counts
    assert amount.writes == np.size(expected)


def test_weight_and_bias_follow_the_norm():
    draw = np.random.default_rng(3)
    x, weight, bias = draw.normal(size=(4, 6)), draw.normal(size=6), draw.normal(size=6)
    for op, affine in (("layer_norm", [weight, bias]), ("rms_norm", [weight])):
        norm = VECTOR_OPS[op]
        expected = norm(x, eps=EPS) * weight + (bias if len(affine) == 2 else 0)
        assert np.array_equal(norm(x, *affine, eps=EPS), expected)
        bare, full = (work(op, 4, 6, reads=24, affine=count).operations for count in (0, len(affine)))
        more = {name: full[name] - bare.get(name, 0) for name in full if full[name] != bare.get(name, 0)}
        assert more == dict(list({"mul": 24, "add": 24}.items())[: len(affine)])


@pytest.mark.parametrize("op", ["silu", "sigmoid", "gelu", "gelu_tanh", "softmax"])
def test_large_arguments_stay_finite(op):
    assert np.isfinite(VECTOR_OPS[op](np.array([[-1e4, -800.0, 0.0, 800.0, 1e4]]))).all()


def test_every_scalar_operation_is_one_that_a_vector_unit_knows():
    for op in VECTOR_OPS:
        assert set(work(op, 3, 4, reads=12, affine=2).operations) <= set(OPERATIONS)


def test_work_adds_up():
    relu = epilogue(10, bias=True, activation="relu")
    assert (relu.reads, relu.writes, relu.operations) == (10, 10, {"add": 10, "relu": 10})
    assert epilogue(10, bias=False, activation=None) is None
    twice = combine(relu, work("add", 1, 4, reads=8), repeat=2)
    assert (twice.reads, twice.writes, twice.operations) == (36, 28, {"add": 28, "relu": 20})
