"""Floats beyond the catalogue: any exponent width, precision, bias and policy, and the widest of them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from _reference import MODES, exactly, finite_values, golden_codes, neighbour_codes, same_codes
from hypothesis import assume, given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats import FloatFormat, get
from hwsim.golden import formats as golden


@st.composite
def float_formats(draw):
    exponent_bits, precision = draw(st.integers(1, 11)), draw(st.integers(1, 53))
    signed = draw(st.booleans())
    specials = draw(st.sampled_from(["ieee", "fn", "none", "p3109", *(["fnuz"] if signed else [])]))
    zero = signed or draw(st.booleans())
    ieee = (1 << (exponent_bits - 1)) - 1
    bias = draw(st.one_of(st.just(ieee), st.integers(ieee - 40, ieee + 40), st.integers(-1023, 1023)))
    subnormals = draw(st.booleans())
    try:
        return FloatFormat("drawn", exponent_bits, precision, bias, signed, subnormals, specials, zero)
    except InputError:
        assume(False)


def _near(fmt, fraction, step):
    """A double at or beside a value, a midpoint or a limit of ``fmt``."""
    scale = math.ldexp(1.0, fmt.emin - fmt.mantissa_bits) if fmt.emin - fmt.mantissa_bits > -1074 else 5e-324
    anchors = [scale, scale / 2, fmt.min_normal, fmt.min_normal / 2, fmt.max, fmt.max * fraction, scale * fraction]
    for anchor in anchors:
        yield from (anchor, float(np.nextafter(anchor, np.inf)), float(np.nextafter(anchor, -np.inf)))
        midpoint = anchor * (1 + (2 * step + 1) * 2.0 ** -(fmt.mantissa_bits + 1))
        yield from (midpoint, float(np.nextafter(midpoint, np.inf)), float(np.nextafter(midpoint, -np.inf)))


@given(float_formats(), st.floats(0, 1), st.integers(0, 9), st.lists(st.floats(), max_size=8), st.sampled_from(MODES))
def test_any_float_format_rounds_once(fmt, fraction, step, others, mode):
    with np.errstate(over="ignore"):
        x = np.array([*_near(fmt, fraction, step), *others, 5e-324, -5e-324, 1.7e308, -math.inf], np.float64)
        x = np.concatenate([x, -x])
        narrow = x.astype(np.float32)
    for values in (x, narrow):
        for overflow in fmt.overflows:
            expected = golden_codes(fmt, values, mode, overflow)
            codes = fmt.encode(values, mode, overflow, nan="zero")
            wrong = ~same_codes(fmt, codes, expected)
            assert not wrong.any(), (values[wrong], codes[wrong], expected[wrong])


@given(float_formats(), st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_any_float_format_decodes(fmt, patterns):
    codes = np.array([p % fmt.code_count for p in patterns], fmt.code_dtype)
    for code, value in zip(codes, fmt.decode(codes), strict=True):
        expected = golden.decode(fmt, int(code))
        assert repr(float(value)) == repr(float(expected))
        assert not math.isfinite(value) or Fraction(float(value)) == Fraction(expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["fp16", "bf16", "int16", "e6m9", "uq4.12"])
def test_sixteen_bits_walked_whole(name, mode):
    """Every value, every midpoint between neighbours and the doubles beside it; a sample by the golden model."""
    fmt = get(name)
    values = finite_values(fmt)
    midpoints = (values[:-1] + values[1:]) / 2
    points = np.concatenate([values, midpoints, np.nextafter(midpoints, np.inf), np.nextafter(midpoints, -np.inf)])
    codes = fmt.encode(points, mode)
    expected = neighbour_codes(fmt, points, mode)
    # Codes of zero tell the sign, which neighbours do not.
    np.testing.assert_array_equal(fmt.decode(codes), fmt.decode(expected))
    nonzero = fmt.decode(codes) != 0
    np.testing.assert_array_equal(codes[nonzero], expected[nonzero])
    sample = points[:: points.size // 800]
    np.testing.assert_array_equal(fmt.encode(sample, mode), golden_codes(fmt, sample, mode, None))
    single = points.astype(np.float32)
    held = single == points
    np.testing.assert_array_equal(fmt.encode(single[held], mode), codes[held])


def test_fp32_and_fp64_are_the_machine_s():
    rng = np.random.default_rng(3)
    doubles = rng.integers(0, 2**64 - 1, 20000, dtype=np.uint64, endpoint=True).view(np.float64)
    singles = rng.integers(0, 2**32 - 1, 20000, dtype=np.uint32, endpoint=True).view(np.float32)
    doubles, singles = doubles[~np.isnan(doubles)], singles[~np.isnan(singles)]
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(get("fp32").encode(doubles), doubles.astype(np.float32).view(np.uint32))
        np.testing.assert_array_equal(get("fp16").encode(doubles), doubles.astype(np.float16).view(np.uint16))
        np.testing.assert_array_equal(get("fp16").encode(singles), singles.astype(np.float16).view(np.uint16))
    np.testing.assert_array_equal(get("fp64").encode(doubles), doubles.view(np.uint64))
    np.testing.assert_array_equal(get("fp64").encode(singles), singles.astype(np.float64).view(np.uint64))
    np.testing.assert_array_equal(get("fp32").encode(singles), singles.view(np.uint32))


def test_large_arrays_are_split_among_threads_without_a_trace():
    x = np.random.default_rng(4).standard_normal((1 << 20) + 3) * 100
    for name in ("e4m3fn", "int8"):
        fmt = get(name)
        whole = fmt.encode(x)
        np.testing.assert_array_equal(whole[:5000], fmt.encode(x[:5000]))
        np.testing.assert_array_equal(whole[-5000:], fmt.encode(x[-5000:]))


def test_integers_are_not_rounded_by_way_of_double():
    # 2**60 + 2**49 + 1 lies just above a tie of fp16-like precision; a double would drop the 1.
    fmt = FloatFormat("wide", 8, 11, 127)
    assert fmt.decode(fmt.encode(np.array([2**60 + 2**49 + 1])))[0] == 2.0**60 + 2.0**50
    assert fmt.decode(fmt.encode(np.array([2**60 + 2**49])))[0] == 2.0**60


def test_decoding_into_float32():
    codes = np.arange(256, dtype=np.uint8)
    assert get("e4m3fn").decode(codes, np.float32).dtype == np.float32
    np.testing.assert_array_equal(get("e4m3fn").decode(codes, np.float32), get("e4m3fn").values())
    assert get("tf32").decode(codes, np.float32).dtype == np.float32
    with pytest.raises(InputError, match="float32 does not hold every value of fp64"):
        get("fp64").decode(codes, np.float32)


def test_values_of_exactly():
    assert exactly([-0.0, 0.5])[1] == Fraction(1, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((12, 4, 0), "1 to 11 exponent bits"),
        ((4, 54, 7), "1 to 53 significand bits"),
        ((4, 4, 7, True, True, "finite"), "expected specials"),
        ((4, 4, 7, False, True, "fnuz"), "fnuz needs a sign"),
        ((4, 4, 7, True, True, "ieee", False), "a format without zero has none"),
        ((11, 2, 1024), "beyond float64"),
        ((11, 2, 1000, True, True, "none"), "beyond float64"),
        ((1, 1, 0), "no finite value above zero"),
        ((1, 4, 0, True, False), "no finite value above zero"),
    ],
)
def test_impossible_formats_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        FloatFormat("impossible", *arguments)
