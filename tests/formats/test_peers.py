"""Where other libraries go wrong or disagree: our answer to each, from the definition, and to ml_dtypes on the rest."""

import math

import ml_dtypes
import numpy as np
import pytest
from _reference import turning_points

from hwsim.formats import get

# Names that ml_dtypes and the catalogue both know; e8m0fnu is apart, below.
SHARED = [
    "float8_e4m3fn", "float8_e4m3", "float8_e5m2", "float8_e3m4", "float8_e4m3fnuz", "float8_e5m2fnuz",
    "float8_e4m3b11fnuz", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn", "bfloat16",
]  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_float32_rounds_as_ml_dtypes(name):
    """From float32, where ml_dtypes rounds once; its cast from float64 goes through float32."""
    fmt, peer = get(name), np.dtype(getattr(ml_dtypes, name))
    patterns = np.random.default_rng(5).integers(0, 2**32 - 1, 50000, np.uint32, endpoint=True)
    x = np.concatenate([patterns.view(np.float32), turning_points(fmt, np.float32)])
    x = x[~np.isnan(x)]
    with np.errstate(all="ignore"):
        expected = x.astype(peer)
    codes = fmt.encode(x)
    # NaN (of what overflows fn and fnuz formats) by class; ml_dtypes keeps its sign.
    nan = np.isnan(expected.astype(np.float64))
    assert np.isnan(fmt.decode(codes[nan])).all()
    np.testing.assert_array_equal(codes[~nan], expected.view(fmt.code_dtype)[~nan])
    every = np.arange(fmt.code_count, dtype=fmt.code_dtype)
    with np.errstate(invalid="ignore"):  # signalling NaN
        np.testing.assert_array_equal(fmt.decode(every), every.view(peer).astype(np.float64))


def test_e8m0fnu_against_ml_dtypes():
    """Agrees on all it can represent; ties go to the even code here, away from zero there."""
    fmt = get("e8m0fnu")
    scales = fmt.values()[:-1]
    assert fmt.encode(scales).tolist() == list(range(255))
    three_quarters = (scales[1:-1] * 1.4).astype(np.float32)
    np.testing.assert_array_equal(
        fmt.encode(three_quarters), three_quarters.astype(ml_dtypes.float8_e8m0fnu).view(np.uint8)
    )
    assert fmt.encode([1.5, 3.0]).tolist() == [128, 128]  # 2: between codes 127 and 128, and 128 and 129
    # Zero is nearest to the least value; a negative number has no near one.
    assert fmt.encode([0.0, -0.0, 1e-300]).tolist() == [0, 0, 0]
    assert fmt.encode([-1.0]).tolist() == [255] and fmt.encode([-1.0], overflow="saturate").tolist() == [0]


def test_double_rounding_does_not_happen():
    """1 + 2**-4 + 2**-40 lies above the tie of e4m3fn, but through float32 it is the tie, which goes to even."""
    x = 1 + 2.0**-4 + 2.0**-40
    assert get("e4m3fn").round(x) == 1.125
    assert np.float64(x).astype(ml_dtypes.float8_e4m3fn) == 1.0  # the peer's fault


@pytest.mark.parametrize(
    ("value", "rounding", "expected"),
    [
        # The tie between 65504 and 2**16 belongs to infinity (IEEE 754-2019, section 4.3.1).
        (65519.996, "rne", 65504),
        (65520, "rne", math.inf),
        (65520, "rna", math.inf),
        (65536, "rne", math.inf),
        (70000, "rne", math.inf),
        (65520, "rz", 65504),
        (70000, "rd", 65504),
        (70000, "ru", math.inf),
        (65505, "ru", math.inf),
        (-70000, "ru", -65504),
        (-70000, "rd", -math.inf),
    ],
)
def test_fp16_overflow(value, rounding, expected):
    assert get("fp16").round(float(value), rounding) == expected


def test_e4m3_248():
    """The tie between 240 and 2**8, which IEEE-like e4m3 lacks: infinity; e4m3fn goes on to 448."""
    assert get("e4m3").round([247.99, 248.0, 256.0]).tolist() == [240, math.inf, math.inf]
    assert get("e4m3").round(248.0, overflow="saturate") == 240
    assert get("e4m3fn").round([248.0, 464.0]).tolist() == [256, 448]  # 464: the tie to even stays at 448
    assert np.isnan(get("e4m3fn").round(464.001))


@pytest.mark.parametrize("name", ["e4m3fn", "e2m1fn", "int8", "q4.4"])
def test_negative_ties_go_away_from_zero(name):
    fmt = get(name)
    tie = (fmt.smallest, 2 * fmt.smallest)
    middle = sum(tie) / 2
    assert fmt.round([middle, -middle], "rna").tolist() == [tie[1], -tie[1]]
    assert fmt.round([tie[0] / 2, -tie[0] / 2], "rna").tolist() == [tie[0], -tie[0]]
    assert fmt.round([tie[0] / 2, -tie[0] / 2], "rne").tolist() == [0, 0]


@pytest.mark.parametrize("name", ["fp32", "fp16", "e5m2", "e4m3fn", "e2m1fn", "int8"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_directed_rounding_of_tiny_values(name, dtype):
    fmt = get(name)
    tiny = np.array([np.finfo(dtype).smallest_subnormal, fmt.smallest / 1024], dtype)[int(name == "fp32") :]
    if name == "fp32" and dtype == np.float32:
        return  # holds them all
    assert (fmt.round(tiny, "ru") == fmt.smallest).all() and (fmt.round(tiny, "rd") == 0).all()
    assert (fmt.round(-tiny, "rd") == -fmt.smallest).all() and (fmt.round(-tiny, "ru") == 0).all()


@pytest.mark.parametrize("name", ["fp16", "bf16", "e5m2", "e4m3fn", "e4m3fnuz", "e2m1fn"])
def test_around_the_subnormals(name):
    fmt = get(name)
    half = fmt.min_subnormal / 2
    below, above = np.nextafter(half, 0), np.nextafter(half, 1)
    assert fmt.round([below, half, above]).tolist() == [0, 0, fmt.min_subnormal]
    # Half a place below the smallest normal: the tie goes up to it, and it is found from just above.
    tie = fmt.min_normal - half
    largest_subnormal = fmt.min_normal - fmt.min_subnormal
    rounded = fmt.round([np.nextafter(tie, 0), tie, np.nextafter(tie, 1)])
    assert rounded.tolist() == [largest_subnormal, fmt.min_normal, fmt.min_normal]


def test_nan_where_there_is_none():
    """Peers give −0 (ml_dtypes), an error, or the largest value (PTX cvt); ours is an error until one is chosen."""
    fmt = get("e2m1fn")
    assert fmt.encode(np.nan, nan="negative_zero") == np.float32(np.nan).astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    assert fmt.round(np.nan, nan="max") == 6 and fmt.round(np.nan, nan="zero") == 0
