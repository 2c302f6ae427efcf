"""Hadamard rotations against matrices of integers; products of integers stay exactly what they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats.schemes import HadamardRotation, hadamard_transform, rotate_operands, walsh_hadamard
from hwsim.formats.schemes.hadamard import hadamard_factors
from hwsim.golden import hadamard as golden

ORDERS = [(1, 1), (2, 1), (16, 1), (128, 1), (1, 12), (4, 12), (1, 20), (2, 20)]


@pytest.mark.parametrize(("power", "order"), ORDERS)
def test_the_golden_matrices_are_hadamard_matrices(power, order):
    matrix = golden.hadamard(power, order)
    n = power * order
    gram = [golden.transform(matrix, row) for row in matrix]
    assert gram == [[n if i == j else 0 for j in range(n)] for i in range(n)]
    assert {entry for row in matrix for entry in row} <= {-1, 1}


@pytest.mark.parametrize(("power", "order"), ORDERS)
@given(data=st.data())
def test_transforms_of_integers_are_exact(power, order, data):
    matrix = golden.hadamard(power, order)
    x = data.draw(st.lists(st.integers(-(2**20), 2**20), min_size=power * order, max_size=power * order))
    assert hadamard_transform(x).tolist() == golden.transform(matrix, x)
    assert hadamard_transform(x, transposed=True).tolist() == golden.transform(golden.transpose(matrix), x)
    back = hadamard_transform(hadamard_transform(x), transposed=True)
    assert back.tolist() == [power * order * value for value in x]


@pytest.mark.parametrize("rotation", [HadamardRotation(16, seed=3), HadamardRotation(seed=7), HadamardRotation(4)])
@given(data=st.data())
def test_products_of_integers_stay_exactly(rotation, data):
    """Blocks that are powers of four divide by a power of two: nothing is rounded."""
    integers = st.lists(st.integers(-1000, 1000), min_size=64, max_size=64)
    a = np.array([data.draw(integers) for _ in range(2)])
    b = np.array([data.draw(integers) for _ in range(3)]).T
    rotated_a, rotated_b = rotate_operands(a, b, rotation)
    assert (rotated_a @ rotated_b).tolist() == (a @ b).tolist()
    assert rotation.inverse(rotated_a).tolist() == a.tolist()
    assert rotation.inverse(rotated_b, axis=0).tolist() == b.tolist()


def test_signs_come_before_the_matrix_and_depend_on_position_only():
    rotation = HadamardRotation(16, seed=5)
    signs = rotation.signs(64)
    assert set(signs) == {-1.0, 1.0}
    assert rotation.signs(32).tolist() == signs[:32].tolist()
    assert HadamardRotation(16, seed=6).signs(64).tolist() != signs.tolist()
    matrix = golden.sylvester(16)
    x = np.arange(64)
    expected = [v / 4 for k in range(0, 64, 16) for v in golden.transform(matrix, (x * signs)[k : k + 16])]
    assert rotation.forward(x).tolist() == expected


def test_an_outlier_is_spread_over_its_block():
    x = np.zeros(32)
    x[5] = 16.0
    assert np.abs(HadamardRotation(16, seed=1).forward(x)).tolist() == [4.0] * 16 + [0.0] * 16


def test_a_rotation_of_12_is_orthogonal_up_to_one_rounding_of_each():
    """12 = √12 · √12 only up to rounding: compared with the unscaled transform, which is exact."""
    rotation = HadamardRotation(12)
    x = np.arange(1.0, 13.0)
    assert (rotation.forward(x) == np.array(golden.transform(golden.paley(12), range(1, 13))) / np.sqrt(12)).all()


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: HadamardRotation(24 * 3), "no Hadamard matrix of order 72"),
        (lambda: HadamardRotation().forward(np.ones(28)), "order 28"),
        (lambda: HadamardRotation(16).forward(np.ones(24)), "blocks of 16"),
        (lambda: HadamardRotation(16).forward(np.ones(16), axis=1), "does not exist"),
        (lambda: HadamardRotation(16, seed=-1).forward(np.ones(16)), "seed"),
        (lambda: walsh_hadamard(np.ones(12)), "power of two"),
        (lambda: rotate_operands(np.ones((2, 16)), np.ones((8, 2)), HadamardRotation()), "no product"),
        (lambda: hadamard_factors(0), "order 0"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
