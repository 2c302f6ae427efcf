"""gemm and linear: shapes, roles and values."""

import numpy as np
import pytest

from hwsim.units.base import Gemm
from hwsim.workload import ReferenceBackend, Tensors
from hwsim.workload.errors import Misfit
from hwsim.workload.operators.matmul import GemmOperator, Linear

draw = np.random.default_rng(4)


class Recording(ReferenceBackend):
    """The reference, which keeps the options of its last product."""

    def matmul(self, name, a, b, **options):
        self.last = {"a": a.shape, "b": b.shape, **options}
        return super().matmul(name, a, b, **options)


@pytest.mark.parametrize("shape", [(5, 12), (2, 5, 12), (2, 3, 2, 2)])
def test_linear_flattens_images_and_nothing_else(tensors_of, shape):
    x, weight, bias = draw.normal(size=shape), draw.normal(size=(7, 12)), draw.normal(size=7)
    rows = x.reshape(2, 12) if len(shape) == 4 else x
    linear = Linear(name="fc", weight="w", bias="b", activation="tanh")
    tensors, backend = tensors_of(w=weight, b=bias), Recording()
    found = linear.evaluate(backend, [x], tensors)
    assert found.shape == linear.infer([shape], tensors)
    np.testing.assert_allclose(found, np.tanh(np.einsum("...i,oi->...o", rows, weight) + bias), rtol=1e-12)
    assert (backend.last["activation"], backend.last.get("b_role", "weight")) == ("tanh", "weight")
    (step,) = linear.steps([shape], tensors)
    assert step.gemm == Gemm(rows[..., 0].size, 7, 12)
    assert step.epilogue.operations == {"add": rows[..., 0].size * 7, "tanh": rows[..., 0].size * 7}


def test_product_of_two_inputs():
    a, b = draw.normal(size=(2, 3, 4, 5)), draw.normal(size=(2, 3, 5, 6))
    plain = GemmOperator(name="g", input=["x", "y"], repeat=2)
    turned = GemmOperator(name="g", input=["x", "y"], transpose_b=True)
    backend = Recording()
    assert np.array_equal(plain.evaluate(backend, [a, b], Tensors()), a @ b)
    assert backend.last["b_role"] == "activation"
    assert np.array_equal(turned.evaluate(backend, [a, np.swapaxes(b, 2, 3).copy()], Tensors()), a @ b)
    assert plain.infer([a.shape, b.shape], Tensors()) == (2, 3, 4, 6)
    (step,) = plain.steps([a.shape, b.shape], Tensors())
    assert (step.gemm, step.b_role) == (Gemm(4, 6, 5, 2 * 3 * 2), "activation")


def test_product_with_a_tensor(tensors_of):
    x, b = draw.normal(size=(2, 4, 5)), draw.normal(size=(5, 6))
    tensors, backend = tensors_of(b=b, bt=b.T.copy()), Recording()
    gemm = GemmOperator(name="g", input="x", b="b")
    np.testing.assert_allclose(gemm.evaluate(backend, [x], tensors), x @ b, rtol=1e-12)
    assert backend.last == {"a": (8, 5), "b": (5, 6), "b_role": "weight"}
    assert gemm.infer([x.shape], tensors) == (2, 4, 6)
    turned = GemmOperator(name="g", input="x", b="bt", transpose_b=True, n=6, k=5)
    np.testing.assert_allclose(turned.evaluate(backend, [x], tensors), x @ b, rtol=1e-12)


def test_products_of_named_tensors(tensors_of):
    a, b = draw.normal(size=(4, 5)), draw.normal(size=(5, 6))
    gemm = GemmOperator(name="g", a="a", b="b", b_role="activation")
    tensors, backend = tensors_of(a=a, b=b), Recording()
    assert np.array_equal(gemm.evaluate(backend, [], tensors), a @ b)
    assert backend.last["b_role"] == gemm.steps([], tensors)[0].b_role == "activation"


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ({}, [], "g: operand a is drawn and needs m and k"),
        ({"m": 2, "k": 3}, [], "g: operand b is drawn and needs n"),
        ({"m": 2, "n": 3, "k": 4, "a": "square"}, [], "g: m is 2, but the operands have 4"),
        ({"input": ["x", "y"]}, [(2, 3), (4, 5)], "g: cannot multiply [2, 3] by [4, 5]"),
        ({"input": ["x", "y"]}, [(2, 3, 4), (1, 4, 5)], "g: cannot multiply [2, 3, 4] by [1, 4, 5]"),
        ({"input": ["x", "y"], "transpose_b": True}, [(2, 3), (3, 5)], "g: cannot multiply [2, 3] by [5, 3]"),
        ({"input": "x", "b": "square"}, [(2, 3)], "g: cannot multiply [2, 3] by [4, 4]"),
        ({"input": "x", "a": "square"}, [(2, 3)], "g: operand a is input 'x' already"),
        ({"input": ["x", "y"], "b": "square"}, [(2, 3), (3, 2)], "g: operand b is input 'y' already"),
        ({"input": ["x", "y", "z"]}, [], "g: gemm takes 0 or 1 or 2 inputs, got 3"),
    ],
)
def test_gemm_misfits(tensors_of, fields, shapes, message):
    gemm = GemmOperator(name="g", **fields)
    with pytest.raises(Misfit) as caught:
        gemm.check_inputs()
        gemm.infer(shapes, tensors_of(square=np.zeros((4, 4))))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({"weight": "w"}, (2, 11), "fc: weight [7, 12] does not fit input [2, 11]"),
        ({"weight": "w"}, (2, 3, 2, 3), "fc: weight [7, 12] does not fit input [2, 3, 2, 3]"),
        ({"weight": "b"}, (2, 12), "fc: weight [8] does not fit input [2, 12]"),
        ({"weight": "w", "bias": "b"}, (2, 12), "fc: bias [8] does not fit weight [7, 12]"),
        ({"weight": {"distribution": "normal"}}, (2, 12), "fc: a weight that is drawn needs its shape"),
        ({"weight": "v"}, (2, 12), "fc: memory.npz has no tensor 'v'; known: b, w"),
    ],
)
def test_linear_misfits(tensors_of, fields, shape, message):
    with pytest.raises(Misfit) as caught:
        Linear(name="fc", **fields).infer([shape], tensors_of(w=np.zeros((7, 12)), b=np.zeros(8)))
    assert str(caught.value) == message


def test_a_drawn_weight_is_a_tensor_like_any_other():
    linear = Linear(name="fc", weight={"distribution": "normal", "shape": [7, 12]})
    x = draw.normal(size=(3, 12))
    weight = Tensors(seed=5).array("fc", "weight", linear.weight)
    assert np.array_equal(linear.evaluate(ReferenceBackend(), [x], Tensors(seed=5)), x @ weight.astype(np.float64).T)
