"""Scales found by search, of powers of two, by sign and nested: against brute force in plain Python."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.formats.quantize import Scaling, calibrate, dequantize, quantize
from hwsim.formats.scale_search import (
    SignedScales,
    best_exponent_bias,
    dequantize_signed,
    min_mse_scale,
    nested_codes,
    nested_differences,
    power_of_two_scale,
    quantize_signed,
    signed_scales,
    split_exponent_bias,
    squared_error,
)
from hwsim.golden import quantize as golden

RANDOM = np.random.default_rng(11)
ROWS = RANDOM.standard_normal((3, 12)) * np.array([1.0, 30.0, 1e-3])[:, None]
FORMATS = ["int2_symmetric", "int4", "int8", "uint4", "q2.3", "e2m1fn", "e3m2fn", "e4m3fn"]
MAGNITUDES = st.floats(2.0**-100, 2.0**100, width=32)
WITHIN = 2 ** (1 / 64) - 1
"""What `min_mse_scale` states: half a step of its grid of 32 ratios per octave."""


def rounded(value, points):
    """The nearest of ``points``, saturating."""
    return min(points, key=lambda point: abs(point - value))


def error_of(row, scale, points):
    """Σ (x − s q)² over the nearest q, and ‖s q‖."""
    back = [scale * rounded(x / scale, points) for x in row]
    return math.fsum((x - y) ** 2 for x, y in zip(row, back, strict=True)), math.sqrt(math.fsum(y * y for y in back))


def finite_values(fmt):
    return sorted({float(v) for v in fmt.values() if fmt.min <= v <= fmt.max})


# Least mean squared error -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("row", range(3))
def test_no_scale_of_a_fine_grid_beats_the_search_by_more_than_it_states(name, row):
    fmt = get(name)
    points, values = finite_values(fmt), [float(x) for x in ROWS[row]]
    greatest = max(map(abs, values)) / float(fmt.max)
    found, _ = error_of(values, float(min_mse_scale(ROWS[row], fmt)), points)
    fine = (error_of(values, greatest * 2 ** (i / 300), points) for i in range(-5 * 300, 301))
    least, length = min(fine)
    assert math.sqrt(found) <= math.sqrt(least) + WITHIN * length + 1e-6 * math.sqrt(least)
    assert found <= error_of(values, float(np.float32(greatest)), points)[0]


@pytest.mark.parametrize("name", FORMATS)
def test_squared_error(name):
    fmt = get(name)
    scales = np.float32([0.3, 11.0, 1e-3])
    expected = [error_of(row, float(scale), finite_values(fmt))[0] for row, scale in zip(ROWS, scales, strict=True)]
    np.testing.assert_allclose(squared_error(ROWS, scales, fmt), expected, rtol=1e-12)


def test_values_on_a_grid_keep_their_scale():
    for name, values in (("int4", [7, -3, 5, 0, 1]), ("e2m1fn", [6, 0.5, -1.5, 4]), ("e4m3fn", [448, 1, -3])):
        assert min_mse_scale(np.array(values) * 0.25, get(name)) == np.float32(0.25)
    assert min_mse_scale([0.0, 0.0], get("int8")) == 1.0


def test_an_outlier_is_clipped():
    """A hundred ±1 and one 3 in {−1, 0, 1}: codes all ±1, so s = (100 + 3) / 101 by least squares."""
    x = np.array([1.0, -1.0] * 50 + [3.0])
    scale = float(min_mse_scale(x, get("int2_symmetric")))
    assert scale == pytest.approx(103 / 101, abs=1e-6)
    assert squared_error(x, np.asarray(scale), get("int2_symmetric")) == pytest.approx(109 - 103**2 / 101, abs=1e-9)


def test_a_float_may_leave_its_top_codes_unused():
    """¾ of the greatest value is 3 of 4; of 6 it would be 4.5, between 4 and 6, and 3/8 of 6 between 2 and 3."""
    x = np.array([4.0, 3.0, -3.0, 1.5, 1.5])
    assert min_mse_scale(x, get("e2m1fn")) == pytest.approx(1.0, abs=1e-6)
    assert squared_error(x, np.float32(4 / 6), get("e2m1fn")) > 0.2


def test_rows_are_independent_and_the_search_repeats_itself():
    fmt = get("int4")
    together = min_mse_scale(ROWS, fmt)
    np.testing.assert_array_equal(together, [min_mse_scale(row, fmt) for row in ROWS])
    np.testing.assert_array_equal(together, min_mse_scale(ROWS.copy(), fmt))
    assert together.dtype == np.float32 and min_mse_scale(ROWS[None], fmt).shape == (1, 3)
    exponents = np.ldexp(1.0, [3, -40, 70])
    np.testing.assert_array_equal(min_mse_scale(ROWS * exponents[:, None], fmt), together * exponents)


@pytest.mark.parametrize("bad", [[], [np.nan], [np.inf], 1.0])
def test_impossible_searches_are_refused(bad):
    with pytest.raises(InputError, match="one or more values along the last axis"):
        min_mse_scale(bad, get("int8"))


def test_extreme_values_have_finite_scales():
    for value in (1e300, 3e38, 1e-300):
        assert np.isfinite(min_mse_scale([value, value / 2], get("int2"))).all()


# Powers of two ------------------------------------------------------------------------------------


def golden_power(scale, rule):
    """By walking through all powers of two."""
    powers = [Fraction(2) ** k for k in range(-126, 128)]
    if rule == "up":
        return min(p for p in powers if p >= scale)
    if rule == "down":
        return max(p for p in powers if p <= scale)
    return min(powers, key=lambda p: max(p / scale, scale / p))


@given(MAGNITUDES)
@pytest.mark.parametrize("rule", ["up", "down", "nearest"])
def test_powers_of_two(rule, scale):
    assert Fraction(float(power_of_two_scale(scale, rule))) == golden_power(Fraction(scale), rule)


@pytest.mark.parametrize("rule", ["up", "down", "nearest", "below_greatest"])
def test_powers_of_two_are_kept(rule):
    powers = np.ldexp(np.float32(1), np.arange(-126, 128))
    np.testing.assert_array_equal(power_of_two_scale(powers, rule), powers)


@given(st.lists(MAGNITUDES, min_size=1, max_size=6))
def test_powers_of_two_below_the_greatest(scales):
    greatest = Fraction(max(scales))
    expected = []
    for scale in map(Fraction, scales):
        k = 0
        while greatest / 2**k > scale:
            k += 1
        expected.append(greatest / 2**k)
    found = power_of_two_scale(np.array(scales), "below_greatest")
    assert [Fraction(float(s)) for s in found] == [max(e, Fraction(1, 2**126)) for e in expected]


def test_limits_of_powers_of_two():
    assert power_of_two_scale(3e38) == 2.0**127 and power_of_two_scale(1e-40) == 2.0**-126
    for bad in (0.0, -1.0, np.inf, np.nan, []):
        with pytest.raises(InputError, match="positive and finite"):
            power_of_two_scale(bad)
    with pytest.raises(InputError, match="unknown rule 'nearst'; did you mean 'nearest'"):
        power_of_two_scale(1.0, "nearst")


# Exponent biases ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["e2m1fn", "e3m2fn", "e4m3fn", "e2m3fn"])
def test_integer_biases_by_trying_all(name):
    fmt = get(name)
    points = finite_values(fmt)
    found = best_exponent_bias(ROWS, fmt)
    for row, bias, scale in zip(ROWS, found.bias, found.scale, strict=True):
        values = [float(x) for x in row]
        top = min(k for k in range(-60, 60) if 2.0**k * fmt.max >= max(map(abs, values)))
        errors = {k: error_of(values, 2.0**k, points)[0] for k in range(top - 6, top + 1)}
        best = max(k for k in errors if errors[k] == min(errors.values()))
        assert bias == fmt.bias - best and scale == 2.0**best


def test_integer_biases_reach_six_powers_below_the_greatest_value():
    """256 / 6 needs a scale of 64; at 1 it becomes 6, an error of 250², and 300000 halves are kept: ¼ each."""
    found = best_exponent_bias([256.0] + [0.5] * 300_000, get("e2m1fn"))
    assert found == (get("e2m1fn").bias, 1.0)


def test_a_bias_is_a_scale():
    """A format with the bias found rounds x as the format itself rounds x / scale."""
    fmt = get("e3m2fn")
    found = best_exponent_bias(ROWS, fmt)
    for row, bias, scale in zip(ROWS, found.bias, found.scale, strict=True):
        biased = replace(fmt, name="biased", bias=int(bias))
        np.testing.assert_array_equal(biased.round(row, overflow="saturate"), fmt.round(row / scale) * float(scale))


def test_real_biases_are_the_scales_of_least_error():
    fmt = get("e2m1fn")
    found = best_exponent_bias(ROWS, fmt, integer=False)
    np.testing.assert_array_equal(found.scale, min_mse_scale(ROWS, fmt))
    np.testing.assert_allclose(2.0 ** (fmt.bias - found.bias), found.scale, rtol=1e-14)
    with pytest.raises(InputError, match="only floats have an exponent bias, got int8"):
        best_exponent_bias(ROWS, get("int8"))


def test_the_greatest_value_has_the_paper_s_bias():
    """b = 2**E − log2 max|x| + log2(2 − 2**−M) − 1 brings max|x| onto the greatest value of a format of all codes."""
    fmt = get("e2m1fn")
    bias = 2**2 - math.log2(12.0) + math.log2(2 - 2**-1) - 1
    assert best_exponent_bias([12.0, 12.0, -12.0], fmt, integer=False).bias == pytest.approx(bias, abs=1e-7)


def test_biases_are_split_into_one_and_shifts():
    least, shifts = split_exponent_bias([5.6, 20.0, 3.4, 4.5], get("e2m1fn"))
    assert least == 3.4 and shifts.tolist() == [3, 3, 0, 1]  # 6 − 3; at most 2**2 − 1; 4.5 rounds to 4
    assert split_exponent_bias([3.2, 20.0], get("e3m2fn"))[1].tolist() == [0, 7]


# One scale per sign -------------------------------------------------------------------------------


@pytest.mark.parametrize("rounding", ["rne", "rz"])
@pytest.mark.parametrize("name", ["e2m1fn", "e3m2fn", "int4", "int4_symmetric"])
def test_signed_scales(name, rounding):
    fmt = get(name)
    x = np.where(ROWS < 0, ROWS / 7, ROWS)
    scales = signed_scales(x, fmt)
    codes = quantize_signed(x, fmt, scales, rounding)
    back = dequantize_signed(codes, fmt, scales)
    for row, positive, negative, row_codes, row_back in zip(x, *scales, codes, back, strict=True):
        assert positive == np.float32(max(row) / fmt.max) and negative == np.float32(min(row) / fmt.min)
        for value, code, result in zip(row, row_codes, row_back, strict=True):
            scale = float(negative if value < 0 else positive)
            assert code == golden.quantize(fmt, float(value), scale, 0, rounding)
            assert Fraction(float(result)) == Fraction(float(fmt.decode(code))) * Fraction(scale)


def test_both_ends_are_exact():
    x = np.array([-0.75, 0.0, 3.0, 1.0])
    scales = signed_scales(x, get("e2m1fn"))
    assert scales == (0.5, 0.125)
    assert dequantize_signed(quantize_signed(x, get("e2m1fn"), scales), get("e2m1fn"), scales).tolist() == x.tolist()
    assert signed_scales([1.0, 2.0], get("int8")).negative == 1.0
    assert isinstance(scales, SignedScales)
    with pytest.raises(InputError, match="needs a signed format, got uint8"):
        signed_scales(x, get("uint8"))


# Nested widths ------------------------------------------------------------------------------------


def golden_nested(code, places, least, greatest, rounding):
    quotient = Fraction(code, 2**places)
    whole = {"rne": round, "half_up": lambda q: math.floor(q + Fraction(1, 2)), "rd": math.floor}[rounding](quotient)
    return min(max(whole, least), greatest)


@pytest.mark.parametrize("rounding", ["rne", "half_up", "rd"])
@pytest.mark.parametrize(
    ("wide", "narrow"), [("int8", "int4"), ("int8", "int6"), ("uint8", "uint4"), ("int8", "int4_symmetric")]
)
def test_nested_codes_of_every_code(wide, narrow, rounding):
    wide, narrow = get(wide), get(narrow)
    codes = np.arange(256, dtype=np.uint8)
    found = narrow.decode(nested_codes(codes, wide, narrow, rounding))
    places = wide.bits - narrow.bits
    assert found.tolist() == [
        golden_nested(int(q), places, narrow.min, narrow.max, rounding) for q in wide.decode(codes)
    ]


def test_rounding_twice_differs_from_rounding_once():
    """7.6 → 8 → 0.5 → 0 or 1 by the tie; at once 7.6 / 16 = 0.475 → 0. 23.5 → 24 → 1.5 → 2; at once 1.47 → 1."""
    int8, int4 = get("int8"), get("int4")
    assert nested_differences([7.6], 1.0, int8, int4) == 0
    assert nested_differences([7.6], 1.0, int8, int4, "half_up") == 1
    assert nested_differences([23.5, 23.4, 200.0], 1.0, int8, int4) == 1


@given(st.lists(st.floats(-300, 300), min_size=1, max_size=40), st.sampled_from([0.5, 1.0, 1.5]))
@pytest.mark.parametrize("rounding", ["rne", "half_up"])
def test_differences_are_counted(rounding, values, scale):
    count = 0
    for value in values:
        quotient = Fraction(value / scale)
        once = min(max(round(quotient / 16), -8), 7)
        code = min(max(round(quotient), -128), 127)
        count += once != golden_nested(code, 4, -8, 7, rounding)
    assert nested_differences(values, scale, get("int8"), get("int4"), rounding) == count


def test_widths_that_do_not_nest():
    for wide, narrow in (("int4", "int8"), ("int8", "int8"), ("int8", "uint4"), ("int64", "int4")):
        with pytest.raises(InputError, match=f"codes of {narrow} do not nest in those of {wide}"):
            nested_codes([1], get(wide), get(narrow))


# In YAML ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({}, lambda x: x.reshape(-1)),
        ({"granularity": "channel", "axis": 0}, lambda x: x),
        ({"granularity": "channel", "axis": 1}, lambda x: x.T),
        ({"granularity": "group", "group_size": 5}, lambda x: x[:, 0:5]),
        ({"granularity": "group", "group_size": 2, "axis": 0}, lambda x: x[0:2].T),
    ],
)
def test_min_mse_scales_every_granularity(fields, rows):
    scaling = Scaling(format="int4", scale="min_mse", rounding="rz", **fields)
    scale = calibrate(ROWS, scaling)
    first = scale.scale[:, 0] if fields.get("group_size") == 5 else scale.scale
    first = scale.scale[0] if fields.get("group_size") == 2 else first
    np.testing.assert_array_equal(first, min_mse_scale(rows(ROWS), get("int4"), "rz"))
    assert not scale.zero_point.any() and scale.zero_point.shape == scale.scale.shape

    def error(chosen):
        back = dequantize(quantize(ROWS, scaling, chosen), scaling, chosen)
        return float(np.square(back - ROWS).sum())

    assert error(scale) <= error(calibrate(ROWS, Scaling(format="int4", rounding="rz", **fields)))


@pytest.mark.parametrize("rule", ["up", "down", "nearest", "below_greatest"])
@pytest.mark.parametrize("fields", [{}, {"granularity": "group", "group_size": 5}, {"symmetric": False}])
def test_scales_of_a_scaling_become_powers_of_two(fields, rule):
    plain, chosen = (Scaling(format="int8", power_of_two=each, **fields) for each in (None, rule))
    scales = calibrate(ROWS, chosen)
    np.testing.assert_array_equal(scales.scale, power_of_two_scale(calibrate(ROWS, plain).scale, rule))
    if rule == "up":  # nothing saturates but for a rounded zero point
        back = dequantize(quantize(ROWS, chosen, scales), chosen, scales)
        assert (np.abs(back - ROWS) <= scales.spread(chosen, ROWS.shape)[0]).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": "int8", "scale": "min_mse", "symmetric": False}, "'min_mse' is for symmetric scaling"),
        ({"format": "int8", "scale": "mse"}, "'absmax' or 'min_mse'"),
        ({"format": "int8", "power_of_two": "sideways"}, "'up', 'nearest', 'down' or 'below_greatest'"),
    ],
)
def test_impossible_scalings_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Scaling(**fields)
