"""Quantized operands: zero points leave the sum exactly, groups and per-k scales multiply back."""

import numpy as np
import pytest

from hwsim.arch import Architecture
from hwsim.base.errors import InputError
from hwsim.engine.operands import quantized_pair
from hwsim.formats.quantize import Scale


def _array(weights: dict[str, object], activations: dict[str, object]) -> Architecture:
    array = Architecture.load("systolic_int8_ws_32x32")
    data = array.model_dump(mode="json", by_alias=True)
    data["quantization"] = {"weights": {"format": "int8", **weights}, "activations": {"format": "int8", **activations}}
    return Architecture.model_validate(data)


def _dot(pairs: list) -> np.ndarray:
    """Real values of the products: exact integer sums without zero points, times both scales."""
    total = 0.0
    for a, b in pairs:
        sums = a.values.astype(np.int64) @ b.values.astype(np.int64) - a.zero_point_terms(b)
        total = total + sums * a.outer_scale * b.outer_scale
    return total


GRID = np.arange(-6, 6).reshape(3, 4) / 4  # multiples of the scale 1/4: quantization is exact


def test_asymmetric_operands_give_the_exact_product() -> None:
    architecture = _array({"symmetric": False}, {"symmetric": False})
    a, b = GRID + 0.5, GRID.T.copy() - 1
    scale_a = Scale(np.float32(0.25), np.int64(-7))
    scale_b = Scale(np.float32(0.25), np.int64(11))
    pairs = quantized_pair(architecture, a, b, scale_a, scale_b, "activation")
    assert (_dot(pairs) == a @ b).all()
    assert (pairs[0][0].zero_point == -7).all() and (pairs[0][1].zero_point == 11).all()


def test_a_zero_point_on_one_side_only() -> None:
    architecture = _array({}, {"symmetric": False})
    a, b = GRID + 0.5, GRID.T.copy()
    pairs = quantized_pair(architecture, a, b, Scale(np.float32(0.25), np.int64(3)), None, "weight")
    q = pairs[0][1].values * pairs[0][1].outer_scale
    assert (_dot(pairs) == a @ q).all()


def test_groups_of_k_have_scales_of_their_own() -> None:
    architecture = _array({"granularity": "group", "group_size": 2}, {})
    b = np.array([[32 / 32, 127 / 16], [-127 / 32, 64 / 16], [127 / 4, 5 / 8], [3 / 4, -127 / 8]])  # scales 2**−n
    pairs = quantized_pair(architecture, GRID, b, Scale(np.float32(0.25), np.int64(0)), None, "weight")
    assert [right.codes.shape for _, right in pairs] == [(2, 2), (2, 2)]
    assert [right.scale.shape for _, right in pairs] == [(1, 2), (1, 2)]
    assert [right.scale.tolist() for _, right in pairs] == [[[1 / 32, 1 / 16]], [[1 / 4, 1 / 8]]]
    assert (_dot(pairs) == GRID @ b).all()


def test_group_sizes_must_agree() -> None:
    architecture = _array({"granularity": "group", "group_size": 2}, {"granularity": "group", "group_size": 4})
    with pytest.raises(InputError, match="differ in size"):
        quantized_pair(architecture, GRID, GRID.T.copy(), None, None, "weight")


def test_a_scale_for_every_k_moves_into_the_weights() -> None:
    architecture = _array({}, {"granularity": "channel"})
    scale = Scale(np.array([0.25, 0.5, 0.25, 1.0], np.float32), np.zeros(4, np.int64))
    a = np.array([[1.0, 2.0, -3.0, 4.0], [0.25, -0.5, 0.75, 5.0]])
    b = np.array([[127.0, 0], [0, 127.0], [127.0, 1.0], [1.0, 127.0]]) / scale.scale[:, None]
    pairs = quantized_pair(architecture, a, b, scale, None, "weight")
    assert (pairs[0][0].values == a / scale.scale).all()
    assert (pairs[0][1].values == b * scale.scale[:, None]).all()
    assert (_dot(pairs) == a @ b).all()


def test_narrower_integers_keep_their_values_in_the_operand() -> None:
    architecture = _array({"format": "int4"}, {})
    b = np.array([[-7.0, 3.0], [1.0, -6.0], [0.0, 7.0], [7.0, -1.0]])
    pairs = quantized_pair(architecture, GRID, b, Scale(np.float32(0.25), np.int64(0)), None, "weight")
    assert (pairs[0][1].values == b).all()
    assert (_dot(pairs) == GRID @ b).all()


def test_an_idle_channel_takes_no_precision_from_the_others() -> None:
    """Its weights move into b with a scale like the others', not with 1, which would drown them."""
    architecture = _array({}, {"granularity": "channel"})
    a = np.array([[0.5, 0.0, -0.25], [0.125, 0.0, 0.5]])
    b = np.array([[1.0], [1.0], [-1.0]])
    pairs = quantized_pair(architecture, a, b, None, None, "weight")
    assert np.abs(pairs[0][1].values).min() == 127  # three weights of one size, all at the end of the range
    genuine = quantized_pair(architecture, np.array([[127.0, 1.0]]), b[:2], None, None, "weight")
    assert genuine[0][1].values[:, 0].tolist() == [127, 1]  # a scale of 1 that a range asked for stays


def test_channels_are_those_of_k_whatever_the_axis() -> None:
    a, b = GRID, GRID.T.copy()
    one, other = (
        quantized_pair(_array({}, {"granularity": "channel", "axis": axis}), a, b, None, None, "weight")
        for axis in (0, -1)
    )
    assert (_dot(one) == _dot(other)).all()


@pytest.mark.parametrize(("name", "beyond"), [("systolic_bf16_os_16x16", np.inf), ("tensorcore_fp16", np.inf)])
def test_unscaled_operands_overflow_as_their_format_does(name: str, beyond: float) -> None:
    architecture = Architecture.load(name)
    a = np.array([[1e39, -np.inf, 1.0]])
    ((left, _),) = quantized_pair(architecture, a, np.ones((3, 1)), None, None, "weight")
    assert left.values.tolist() == [[beyond, -np.inf, 1.0]]


def test_unscaled_operands_without_infinity_saturate() -> None:
    fp8 = Architecture.load("tensorcore_fp8").model_dump(mode="json", by_alias=True)
    architecture = Architecture.model_validate({**fp8, "quantization": {}})
    ((left, _),) = quantized_pair(architecture, np.array([[1e9, -np.inf]]), np.ones((2, 1)), None, None, "weight")
    assert left.values.tolist() == [[448.0, -448.0]]
