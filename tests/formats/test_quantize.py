"""Quantizers: the scales they choose, the codes they give (golden model), and gemmlowp's requantization."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.formats.quantize import (
    Scale,
    Scaling,
    calibrate,
    dequantize,
    fixed_point_multiplier,
    quantize,
    requantize,
)
from hwsim.golden import quantize as golden

X = np.random.default_rng(6).standard_normal((6, 20)) * np.arange(1, 7)[:, None]


def _golden_codes(x, scaling, scale):
    scales, zeros = (np.broadcast_to(part, x.shape) for part in scale.spread(scaling, x.shape))
    codes = [
        golden.quantize(scaling.format, float(v), float(s), int(z), scaling.rounding)
        for v, s, z in zip(x.flat, scales.flat, zeros.flat, strict=True)
    ]
    return np.array(codes).reshape(x.shape)


@pytest.mark.parametrize("name", ["int8", "int4", "uint8", "int8_symmetric", "e4m3fn", "e2m1fn", "q2.6"])
@pytest.mark.parametrize(
    "granularity", [{}, {"granularity": "channel", "axis": 0}, {"granularity": "group", "group_size": 8}]
)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("scale", ["absmax", {"percentile": 95}])
def test_codes_are_the_golden_model_s(name, granularity, symmetric, scale):
    if not symmetric and get(name).kind != "integer":
        pytest.skip("no zero point")
    scaling = Scaling(format=name, symmetric=symmetric, scale=scale, **granularity)
    scales = calibrate(X, scaling)
    codes = quantize(X, scaling, scales)
    np.testing.assert_array_equal(codes, _golden_codes(X, scaling, scales))
    assert codes.dtype == get(name).code_dtype and codes.shape == X.shape


def test_scales_by_hand():
    x = np.array([[-2.0, 1.0, 0.5, 0.25], [0.0, 4.0, -8.0, 3.0]])
    assert calibrate(x, Scaling(format="int8")).scale == np.float32(8 / 127)
    assert calibrate(x, Scaling(format="e4m3fn")).scale == np.float32(8 / 448)
    rows = calibrate(x, Scaling(format="int8", granularity="channel", axis=0))
    np.testing.assert_array_equal(rows.scale, np.float32([2 / 127, 8 / 127]))
    groups = calibrate(x, Scaling(format="int8", granularity="group", group_size=3))
    np.testing.assert_array_equal(groups.scale, np.float32([[2 / 127, 0.25 / 127], [8 / 127, 3 / 127]]))
    columns = calibrate(x, Scaling(format="int8", granularity="group", group_size=1, axis=0))
    np.testing.assert_array_equal(columns.scale, np.abs(x).astype(np.float32) / np.float32(127) + (x == 0))
    affine = calibrate(x, Scaling(format="uint8", symmetric=False))
    assert affine.scale == np.float32(12 / 255) and affine.zero_point == 170
    positive = calibrate(x[0, 1:], Scaling(format="uint8", symmetric=False))
    assert positive.zero_point == 0 and positive.scale == np.float32(1 / 255)


def test_percentile_clips():
    x = np.concatenate([np.linspace(-1, 1, 1001), [100.0]])
    clipped = calibrate(x, Scaling(format="int8", scale={"percentile": 99.0}))
    assert clipped.scale == np.float32(np.percentile(np.abs(x), 99.0) / 127)
    assert quantize(100.0, Scaling(format="int8"), clipped) == 127
    two_sided = calibrate(x, Scaling(format="int8", symmetric=False, scale={"percentile": 99.0}))
    expected = (np.percentile(x, 99.0) - np.percentile(x, 1.0)) / 255
    assert two_sided.scale == np.float32(expected)


def test_zero_is_exact_and_zero_tensors_have_a_scale():
    scaling = Scaling(format="int8", symmetric=False)
    scale = calibrate([0.3, 7.0], scaling)
    assert dequantize(quantize(0.0, scaling, scale), scaling, scale) == 0.0
    assert calibrate(np.zeros(3), Scaling(format="int8")).scale == 1.0
    assert calibrate(np.full(3, 1e-300), Scaling(format="int8")).scale == np.finfo(np.float32).tiny


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12), st.booleans())
def test_error_is_at_most_half_a_step(values, symmetric):
    scaling = Scaling(format="int8", symmetric=symmetric)
    x = np.array(values)
    scale = calibrate(x, scaling)
    error = np.abs(dequantize(quantize(x, scaling, scale), scaling, scale) - x)
    # Half a step; one for the rounding of an asymmetric zero point, which shifts the range by up to half a step.
    bound = (0.5 if symmetric else 1.0) * float(scale.scale) * (1 + 2.0**-15)
    assert (error <= bound).all()


def test_dequantize_is_exact():
    scaling = Scaling(format="int8")
    scale = Scale(np.float32(0.1), np.array(0))
    assert dequantize(np.array([-3], np.int8), scaling, scale)[0] == -3 * float(np.float32(0.1))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": "int9x"}, "unknown format 'int9x'"),
        ({"format": "int8", "granularity": "group"}, "'group_size' goes with granularity 'group'"),
        ({"format": "int8", "group_size": 4}, "'group_size' goes with granularity 'group'"),
        ({"format": "e4m3fn", "symmetric": False}, "needs an integer format, got e4m3fn"),
        ({"format": "int8", "scale": {"percentile": 101}}, "less than or equal to 100"),
        ({"format": "int8", "granularity": "group", "group_size": 0}, "greater than 0"),
    ],
)
def test_impossible_scalings_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Scaling(**fields)


def test_impossible_calibrations_are_refused():
    for x in ([np.nan], [np.inf]):
        with pytest.raises(InputError, match="NaN or infinity"):
            calibrate(x, Scaling(format="int8"))
    with pytest.raises(InputError, match="no values"):
        calibrate([], Scaling(format="int8"))
    with pytest.raises(InputError, match="axis 2 does not exist"):
        calibrate(X, Scaling(format="int8", granularity="channel", axis=2))


INT32 = st.one_of(st.integers(-(2**31), 2**31 - 1), st.sampled_from([-(2**31), 2**31 - 1, 0, -1]))


@given(st.floats(1e-30, 1e9))
def test_fixed_point_multiplier(real):
    multiplier, shift = fixed_point_multiplier(real)
    assert (int(multiplier), int(shift)) == golden.fixed_point_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(int(multiplier) * 2.0 ** (-31 - int(shift)) / real - 1) <= 2.0**-31


def test_fixed_point_multiplier_carries():
    almost = math.nextafter(1.0, 0)
    assert (
        [int(v) for v in fixed_point_multiplier(almost)] == [2**30, -1] == list(golden.fixed_point_multiplier(almost))
    )
    for real in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="positive and finite"):
            fixed_point_multiplier(real)


@given(
    st.lists(st.one_of(INT32, st.integers(-(2**62), 2**62)), min_size=1, max_size=9),
    INT32,
    st.integers(-40, 70),
    st.integers(-128, 127),
)
@pytest.mark.parametrize("name", ["int8", "uint8", "int32"])
def test_requantize(name, sums, multiplier, shift, zero_point):
    fmt = get(name)
    codes = requantize(np.array(sums), multiplier, shift, zero_point, fmt)
    assert codes.tolist() == [golden.requantize(s, multiplier, shift, zero_point, fmt) for s in sums]


def test_requantize_per_channel_and_its_ties():
    """Ties of the shift go away from zero; −2**31 times itself saturates (gemmlowp, fixedpoint.h)."""
    half = 1 << 30
    int8 = get("int8")
    codes = requantize([[6, 6], [-6, -6], [10, -10]], half, [1, 2], 0, int8)
    assert int8.decode(codes).tolist() == [[2, 1], [-2, -1], [3, -1]]
    assert get("int32").decode(requantize(-(2**31), -(2**31), 0, 0, get("int32"))) == 2**31 - 1
    with pytest.raises(InputError, match="makes integers"):
        requantize(1, half, 0, 0, get("fp16"))


@pytest.mark.parametrize("shift", [-1, 0, 1, 3])
def test_both_roundings_of_requantization_meet_their_ties(shift):
    """m = 2**30 halves: the first rounding's ties go upward, those of the shift away from zero."""
    sums = np.arange(-41, 42)
    codes = requantize(sums, 1 << 30, shift, 3, get("int8"))
    assert codes.tolist() == [golden.requantize(int(x), 1 << 30, shift, 3, get("int8")) for x in sums]
    by_hand = {-3: -1, -1: 0, 1: 1, 3: 2}  # −1.5, −0.5, 0.5 and 1.5
    if shift == 0:
        assert get("int8").decode(requantize(list(by_hand), 1 << 30, 0, 0, get("int8"))).tolist() == [*by_hand.values()]
