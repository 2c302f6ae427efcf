"""Block formats: kernel against the golden model by codes, layouts, policies, and what cannot be."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats import BlockFormat, blocks, get, scalar
from hwsim.golden import block as golden

CATALOGUE = list(blocks().values())
RULES = ("floor", "ceil", "rceil", "even", "round")
RUNS = [fmt for fmt in CATALOGUE if isinstance(fmt.size, int)]


def _tensor(seed, shape, spread=20.0):
    random = np.random.default_rng(seed)
    x = random.standard_normal(shape) * np.exp2(random.normal(0, spread, (*shape[:-1], 1)).round())
    return x.astype(np.float32)


def _golden(fmt, x):
    """Codes of scales and elements of the rows of ``x``, one block a row."""
    second = None
    if fmt.tensor_scale is not None:
        second = golden.second_level(fmt, [max(abs(Fraction(float(v))) for v in row) for row in x])
    found = [golden.quantize(fmt, [float(v) for v in row], second) for row in x]
    return np.array([code for code, _ in found]), np.array([codes for _, codes in found]), second


def _same(fmt, quantized, scales, codes):
    np.testing.assert_array_equal(quantized.scales.reshape(-1), scales)
    element = fmt.element
    both_nan = np.isnan(element.decode(quantized.codes)) & np.isnan(element.decode(codes))
    np.testing.assert_array_equal(quantized.codes[~both_nan], codes[~both_nan])


@pytest.mark.parametrize("fmt", RUNS, ids=str)
def test_codes_are_those_of_the_golden_model(fmt):
    for seed, spread in enumerate((0.0, 3.0, 40.0)):
        x = _tensor(seed, (24, fmt.size), spread)
        x[1] = 0
        x[2, 1:] = 0
        x[3] = np.float32(fmt.element.max)
        x[4] = np.ldexp(np.round(np.ldexp(x[4], 3)), -3)  # many ties
        scales, codes, second = _golden(fmt, x)
        quantized = fmt.quantize(x)
        _same(fmt, quantized, scales, codes)
        if second is not None:
            assert float(quantized.tensor_scale) == second[1]
        wide = fmt.quantize(x.astype(np.float64))
        if fmt.rule != "divide":  # a power of two divides float32 and float64 alike
            _same(fmt, wide, scales, codes)


@pytest.mark.parametrize("fmt", RUNS, ids=str)
def test_dequantized_values_are_products(fmt):
    x = _tensor(7, (8, fmt.size), 5.0)
    quantized = fmt.quantize(x)
    scales, codes, second = _golden(fmt, x)
    values = quantized.dequantize()
    assert values.dtype == np.float64
    for row, (scale, elements) in enumerate(zip(scales, codes, strict=True)):
        effective = golden.multiplier(fmt, int(scale), second)
        expected = [effective * Fraction(float(fmt.element.decode(code))) for code in elements]
        assert [Fraction(v) for v in values[row]] == expected


@pytest.mark.parametrize("element", ["e4m3fn", "e2m1fn", "e3m2fn", "q2.6", "int4_symmetric", "nf4", "posit8_1", "e5m2"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_at_its_turning_points(rule, element):
    """Largest magnitudes at, just below and just above every place where a rule could turn."""
    fmt = BlockFormat(name="x", element=element, size=1, rule=rule)
    top = float(fmt.element.max)
    anchors = [1.0, 2.0, top, top * 2**0.5, top / 2**0.5, 1.5, 1.75, 1.875, 1.9375, 1.96875, 1.984375, 2 - 2.0**-9]
    with np.errstate(over="ignore"):
        points = np.array([a * 2.0**e for a in anchors for e in (-140, -3, 0, 5, 100)]).astype(np.float32)
    points = np.unique(
        np.concatenate([points, np.nextafter(points, np.float32(0)), np.nextafter(points, np.float32(np.inf))])
    )
    points = points[np.isfinite(points) & (points > 0)]
    expected = [golden.quantize(fmt, [float(p)])[0] for p in points]
    np.testing.assert_array_equal(fmt.quantize(points[:, None]).scales.reshape(-1), expected)


@given(
    st.sampled_from(["e4m3fn", "e2m1fn", "q2.6", "int3_symmetric", "nf4"]),
    st.sampled_from([*RULES, "divide"]),
    st.sampled_from(["e8m0fnu", "e4m3fn", "ue5m3", "bf16"]),
    st.sampled_from(["block_nan", "saturate", "elementwise"]),
    st.lists(st.floats(width=32), min_size=1, max_size=9),
)
def test_any_block_format_and_any_values(element, rule, scale, nonfinite, values):
    fmt = BlockFormat(name="x", element=element, size=16, scale=scale, rule=rule, nonfinite=nonfinite)
    scales, codes, _ = _golden_nonfinite(fmt, np.array([values], np.float32))
    _same(fmt, fmt.quantize(np.array([values], np.float32)), scales, codes)


def _golden_nonfinite(fmt, x):
    found = [golden.quantize(fmt, [float(v) for v in row]) for row in x]
    return np.array([code for code, _ in found]), np.array([codes for _, codes in found]), None


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_blocks_run_along_any_axis_and_may_end_short(axis):
    fmt = get("mxfp4")
    x = _tensor(3, (5, 40, 37), 4.0)
    moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    quantized, reference = fmt.quantize(x, axis), fmt.quantize(moved)
    np.testing.assert_array_equal(np.moveaxis(quantized.codes, axis, -1), reference.codes)
    np.testing.assert_array_equal(np.moveaxis(quantized.scales, axis, -1), reference.scales)
    np.testing.assert_array_equal(np.moveaxis(quantized.dequantize(), axis, -1), reference.dequantize())
    last = moved[..., 32:]
    np.testing.assert_array_equal(fmt.quantize(last).codes, reference.codes[..., 32:])
    assert quantized.bits == 4 * x.size + 8 * quantized.scales.size


def test_tiles_and_whole_tensors():
    fmt = get("bfp8_8x8")
    x = _tensor(4, (2, 19, 30), 4.0)
    quantized = fmt.quantize(x)
    assert quantized.scales.shape == (2, 3, 4) and quantized.codes.shape == x.shape
    tile = x[1, 8:16, 24:30]
    scale, codes = golden.quantize(fmt, [float(v) for v in tile.reshape(-1)])
    assert quantized.scales[1, 1, 3] == scale
    np.testing.assert_array_equal(quantized.codes[1, 8:16, 24:30].reshape(-1), codes)
    whole = get("dfp16").quantize(x)
    scale, codes = golden.quantize(get("dfp16"), [float(v) for v in x.reshape(-1)])
    assert whole.scales.shape == () and int(whole.scales) == scale
    np.testing.assert_array_equal(whole.codes.reshape(-1), codes)
    with pytest.raises(InputError, match="two axes"):
        fmt.quantize([1.0, 2.0])
    with pytest.raises(InputError, match="axis 3 does not exist"):
        get("mxfp4").quantize(x, axis=3)


def test_infinities_and_nan_follow_the_policy():
    x = np.ones((3, 32), np.float32)
    x[0, 5], x[1, 6] = np.inf, np.nan
    nan = get("mxfp8_e5m2").quantize(x).dequantize()
    assert np.isnan(nan[:2]).all() and (nan[2] == 1).all()
    fmt = get("mxfp8_e5m2").model_copy(update={"nonfinite": "elementwise"})
    kept = fmt.quantize(x).dequantize()
    assert kept[0, 5] == np.inf and np.isnan(kept[1, 6]) and np.delete(kept[0], 5).min() == 1
    with pytest.raises(InputError, match="2 of 96 values are infinite or NaN"):
        fmt.model_copy(update={"nonfinite": "error"}).quantize(x)


def test_random_rounding_by_seed():
    fmt, x = get("mxfp4"), _tensor(5, (4, 64), 3.0)
    one, other = fmt.quantize(x, rounding="stochastic", seed=1), fmt.quantize(x, rounding="stochastic", seed=2)
    np.testing.assert_array_equal(one.codes, fmt.quantize(x, rounding="stochastic", seed=1).codes)
    assert (one.codes != other.codes).any()
    quotients = np.ldexp(x.astype(np.float64).reshape(4, 2, 32), 127 - one.scales.astype(int)[..., None])
    expected = fmt.element.encode(quotients, "stochastic", "saturate", seed=1)
    np.testing.assert_array_equal(one.codes, expected.reshape(4, 64))


def test_names_tell_blocks_from_numbers():
    assert get("mxfp8") is get("mxfp8_e4m3") and get("mxfp4").bits_per_value == 4.25
    assert get("nvfp4").bits_per_value == 4.5 and get("dfp16").bits_per_value == 16
    with pytest.raises(InputError, match="'mxfp4' is a block format; its elements are 'e2m1fn'"):
        scalar("mxfp4")
    with pytest.raises(InputError, match="did you mean 'mxfp4'"):
        get("mxfp_4")


def test_refuses_what_cannot_be():
    for changes, message in (
        ({"scale": "int8"}, "cannot be NaN"),
        ({"least_scale": 1.0}, "go with the rule 'divide'"),
        ({"size": (0, 4)}, "tiles of 1 to 4096"),
        ({"size": 0}, "greater than or equal to 1"),
        ({"element": "e4m3fm"}, "did you mean 'e4m3fn'"),
    ):
        with pytest.raises(ValueError, match=message):
            BlockFormat(**{"name": "x", "element": "e4m3fn", **changes})


@pytest.mark.parametrize("fmt", CATALOGUE, ids=str)
def test_every_named_block_says_where_it_comes_from(fmt):
    assert len(fmt.source) > 20 and fmt.bits_per_value > 0 and fmt.max > fmt.smallest > 0
    x = _tensor(6, (16, 48), 1.0)
    error = x - fmt.quantize(x).dequantize()
    assert np.sqrt((error**2).sum() / (x.astype(np.float64) ** 2).sum()) < 2.0 ** (1.5 - fmt.element.bits / 2)
