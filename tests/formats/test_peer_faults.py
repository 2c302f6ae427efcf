"""Where libraries disagree, or one is wrong: hwsim's answer, the exact argument for it, and the others' beside it.

A fault belongs to a version, so gfloat's and pychop's answers are checked where just that one is installed, ours
always. pychop is its `Chop`; its `FaultChop`, after Higham's chop, is right in the cases of overflow.
docs/formats_peers.md has them all in a table.
"""

import importlib
import math
from importlib import metadata

import ml_dtypes
import numpy as np
import pytest
from _reference import finite_values

from hwsim.base.errors import InputError
from hwsim.formats import get

NEAREST, UP, DOWN, ZERO, TIES_TO_ZERO, TIES_AWAY, ODD = 1, 2, 3, 4, 7, 8, 9
"""Rounding modes of pychop."""


def _installed(name: str, version: str):
    try:
        return importlib.import_module(name) if metadata.version(name) == version else None
    except ImportError:
        return None


@pytest.fixture
def chop():
    """``chop(exponent_bits, stored_bits, mode, values)`` by pychop, or None."""
    pychop = _installed("pychop", "0.6.2")

    def rounded(exponent_bits, stored, mode, x, **more):
        return pychop.Chop(exponent_bits, stored, rmode=mode, **more)(np.asarray(x, np.float64)).tolist()

    return pychop and rounded


@pytest.fixture
def by_gfloat():
    """``(name of its format, name of its mode, values, ...)`` by gfloat, or None."""
    gfloat = _installed("gfloat", "0.5.2")

    def rounded(name, mode, x, *more):
        peer = getattr(importlib.import_module("gfloat.formats"), f"format_info_{name}")
        return [gfloat.round_float(peer, float(v), gfloat.RoundMode[mode], *more) for v in x]

    return gfloat and rounded


# Overflow -----------------------------------------------------------------------------------------


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


def test_fp16_overflow_of_peers(chop, by_gfloat):
    """pychop keeps 65536 of 65520, which fp16 lacks, and turns what lies beyond it into zero."""
    x = [65519.0, 65520.0, 65536.0, 70000.0]
    assert get("fp16").round(np.array(x)).tolist() == [65504, math.inf, math.inf, math.inf]
    assert by_gfloat is None or by_gfloat("binary16", "TiesToEven", x) == [65504, math.inf, math.inf, math.inf]
    with np.errstate(over="ignore"):
        assert np.array(x).astype(np.float16).tolist() == [65504, math.inf, math.inf, math.inf]
    assert chop is None or chop(5, 10, NEAREST, x) == [65504, 65536, 0, 0]
    assert chop is None or chop(5, 10, UP, x) == [65536, 65536, 0, 0]
    assert chop is None or chop(5, 10, ZERO, x) == [65504, 65504, 0, 0]


def test_e4m3_248(chop, by_gfloat):
    """The tie between 240 and 2**8, which IEEE-like e4m3 lacks: infinity; e4m3fn goes on to 448."""
    x = np.array([247.99, 248.0, 256.0])
    assert get("e4m3").round(x).tolist() == [240, math.inf, math.inf]
    assert x.astype(ml_dtypes.float8_e4m3).astype(float).tolist() == [240, math.inf, math.inf]
    assert get("e4m3").round(248.0, overflow="saturate") == 240
    assert get("e4m3fn").round([248.0, 464.0]).tolist() == [256, 448]  # 464: the tie to even stays at 448
    assert by_gfloat is None or by_gfloat("ocp_e4m3", "TiesToEven", [248.0, 464.0]) == [256, 448]
    assert np.isnan(get("e4m3fn").round(464.001)) and np.isnan(np.float32(464.001).astype(ml_dtypes.float8_e4m3fn))
    assert chop is None or chop(4, 3, NEAREST, x) == [240, 256, 0]


def test_beyond_formats_with_neither_infinity_nor_nan(by_gfloat):
    """They saturate, infinities included; gfloat raises unless told to."""
    x = np.array([7.0, 1e9, -math.inf])
    assert get("e2m1fn").round(x).tolist() == [6, 6, -6]
    assert x.astype(np.float32).astype(ml_dtypes.float4_e2m1fn).astype(float).tolist() == [6, 6, -6]
    assert by_gfloat is None or by_gfloat("ocp_e2m1", "TiesToEven", x, True) == [6, 6, -6]
    if by_gfloat:
        with pytest.raises(ValueError, match="No Infs or NaNs"):
            by_gfloat("ocp_e2m1", "TiesToEven", [7.0])


def test_to_odd_beyond_the_range():
    """The last code of unsigned P3109 formats is odd, so to odd stays there; pychop goes on to infinity.

    That is where the draft stops too (ωSaturate, by which to odd reaches the infinities of signed formats only).
    """
    fmt = get("p3109_k8p3ue")
    x = np.array([1.5, 4]) * fmt.max
    assert fmt.encode(fmt.max) % 2 == 1
    assert fmt.round(x, "odd").tolist() == [fmt.max] * 2
    if pychop := _installed("pychop", "0.6.2"):
        peer = pychop.P3109Format(8, 3, False, "extended")
        assert pychop.p3109_quantize(x, peer, rounding="to_odd").tolist() == [math.inf] * 2


# Ties, odd, tiny ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["e4m3fn", "e2m1fn", "int8", "q4.4"])
def test_negative_ties_go_away_from_zero(name):
    fmt = get(name)
    tie = (fmt.smallest, 2 * fmt.smallest)
    middle = sum(tie) / 2
    assert fmt.round([middle, -middle], "rna").tolist() == [tie[1], -tie[1]]
    assert fmt.round([tie[0] / 2, -tie[0] / 2], "rna").tolist() == [tie[0], -tie[0]]
    assert fmt.round([tie[0] / 2, -tie[0] / 2], "rne").tolist() == [0, 0]


def test_negative_ties_of_peers(chop, by_gfloat):
    """pychop's ties away go toward zero below zero, its ties to zero away, and near ties within 1e−6 count as ties."""
    x = [1.0625, -1.0625, -1.1875]
    assert get("e4m3fn").round(x, "rna").tolist() == [1.125, -1.125, -1.25]
    assert by_gfloat is None or by_gfloat("ocp_e4m3", "TiesToAway", x) == [1.125, -1.125, -1.25]
    assert chop is None or chop(4, 3, TIES_AWAY, x) == [1.125, -1.0, -1.125]
    assert chop is None or chop(4, 3, TIES_TO_ZERO, x) == [1.0, -1.125, -1.25]
    below = 1.0625 - 2.0**-30  # nearer to 1
    assert get("e4m3fn").round(below, "rna") == 1
    assert chop is None or chop(4, 3, TIES_AWAY, [below]) == [1.125]


def test_values_stay_when_rounded_to_odd(chop):
    """Round to odd is for what lies between values (Boldo and Melquiond, 2008); pychop moves even ones."""
    for name in ("e4m3fn", "fp16", "e2m1fn", "int8"):
        values = finite_values(get(name))
        np.testing.assert_array_equal(get(name).round(values, "odd"), values)
    x = [1.0, 1.125, 1.25, -1.0, 1.01]
    assert get("e4m3fn").round(x, "odd").tolist() == [1.0, 1.125, 1.25, -1.0, 1.125]
    assert chop is None or chop(4, 3, ODD, x) == [1.125, 1.125, 1.375, -1.125, 1.125]


@pytest.mark.parametrize("name", ["fp32", "fp16", "e5m2", "e4m3fn", "e2m1fn", "int8"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_directed_rounding_of_tiny_values(name, dtype):
    fmt = get(name)
    tiny = np.array([np.finfo(dtype).smallest_subnormal, fmt.smallest / 1024], dtype)[int(name == "fp32") :]
    if name == "fp32" and dtype == np.float32:
        pytest.skip("holds them all")
    assert (fmt.round(tiny, "ru") == fmt.smallest).all() and (fmt.round(tiny, "rd") == 0).all()
    assert (fmt.round(-tiny, "rd") == -fmt.smallest).all() and (fmt.round(-tiny, "ru") == 0).all()


def test_directed_rounding_of_tiny_values_by_peers(chop, by_gfloat):
    """pychop subtracts 1 from a scaled magnitude first, which loses all below 2**−53: 1e−30 rounds up to zero."""
    x = [1e-30, -1e-30]
    assert get("e4m3fn").round(x, "ru").tolist() == [2.0**-9, 0]
    assert get("e4m3fn").round(x, "rd").tolist() == [0, -(2.0**-9)]
    assert by_gfloat is None or by_gfloat("ocp_e4m3", "TowardPositive", x) == [2.0**-9, 0]
    assert by_gfloat is None or by_gfloat("ocp_e4m3", "TowardNegative", x) == [0, -(2.0**-9)]
    assert chop is None or chop(4, 3, UP, x) == chop(4, 3, DOWN, x) == [0, 0]


@pytest.mark.parametrize("name", ["fp16", "bf16", "e5m2", "e4m3fn", "e4m3fnuz", "e2m1fn"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_around_the_subnormals(name, dtype):
    fmt = get(name)
    half = dtype(fmt.min_subnormal / 2)
    below, above = np.nextafter(half, dtype(0)), np.nextafter(half, dtype(1))
    assert fmt.round(np.array([below, half, above])).tolist() == [0, 0, fmt.min_subnormal]
    assert fmt.round(np.array([below, half, above]), "rna").tolist() == [0, fmt.min_subnormal, fmt.min_subnormal]
    # Half a place below the smallest normal: the tie goes up to it, and it is found from just above.
    tie = dtype(fmt.min_normal) - half
    largest_subnormal = fmt.min_normal - fmt.min_subnormal
    rounded = fmt.round(np.array([np.nextafter(tie, dtype(0)), tie, np.nextafter(tie, dtype(1))]))
    assert rounded.tolist() == [largest_subnormal, fmt.min_normal, fmt.min_normal]


def test_half_the_smallest_subnormal_by_peers(chop, by_gfloat):
    """Just below it gfloat's 0.5 − 2**−54 + 0.5 is 1 in float64, so ties away go up; just above it pychop goes down."""
    half = 2.0**-10
    x = np.array([np.nextafter(half, 0), half, np.nextafter(half, 1)])
    fmt, smallest = get("e4m3fn"), 2.0**-9
    assert fmt.round(x).tolist() == [0, 0, smallest]
    assert fmt.round(x, "rna").tolist() == [0, smallest, smallest]
    assert by_gfloat is None or by_gfloat("ocp_e4m3", "TiesToAway", x) == [smallest] * 3
    assert chop is None or chop(4, 3, NEAREST, x) == [0, 0, 0]
    # And so in stochastic form a, of one random bit: floor(2d) + r = 0 + 1 is less than 2.
    assert fmt.round(x[:1], "stochastic_a", random=[1], random_bits=1).tolist() == [0]
    assert by_gfloat is None or by_gfloat("ocp_e4m3", "StochasticFastest", x[:1], False, 1, 1) == [smallest]


def test_up_to_the_smallest_normal(chop):
    """Without subnormals the neighbours of 0.9 · 2**−6 are zero and 2**−6, which is nearer; pychop flushes it first."""
    x = np.array([0.4, 0.5, 0.501, 0.9]) * 2.0**-6
    assert get("e4m3_flush").round(x).tolist() == [0, 0, 2.0**-6, 2.0**-6]
    assert chop is None or chop(4, 3, NEAREST, x, subnormal=False) == [0, 0, 0, 0]
    # With subnormals: just below the tie lies the largest of them, but ml_dtypes' float32 is the tie.
    below = np.nextafter(2.0**-6 - 2.0**-10, 0)
    assert get("e4m3fn").round(below) == 2.0**-6 - 2.0**-9
    assert below.astype(ml_dtypes.float8_e4m3fn) == 2.0**-6


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "bfloat16", "float4_e2m1fn", "float6_e2m3fn"])
def test_double_rounding_does_not_happen(name):
    """Just above a tie that goes down to even, and just below one that goes up: through float32 both are the tie."""
    fmt, peer = get(name), getattr(ml_dtypes, name)
    above, below = 1 + fmt.eps / 2 + 2.0**-40, 1 + 1.5 * fmt.eps - 2.0**-40
    assert fmt.round([above, below]).tolist() == [1 + fmt.eps] * 2
    assert np.array([above, below]).astype(peer).astype(float).tolist() == [1, 1 + 2 * fmt.eps]  # the peer's fault
    # numpy's own float16 rounds once.
    above = 1 + 2.0**-11 + 2.0**-40
    assert get("fp16").round(above) == np.float16(above) == 1 + 2.0**-10


# NaN ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["e2m1fn", "e2m3fn", "e3m2fn"])
def test_nan_where_there_is_none(name, by_gfloat):
    """Peers give −0 (ml_dtypes; of −NaN +0), an error (gfloat), or the largest value (PTX cvt).

    Ours is an error until a policy is chosen, from either width and for negative NaN alike.
    """
    fmt = get(name)
    peer = getattr(ml_dtypes, {"e2m1fn": "float4_e2m1fn"}.get(name, f"float6_{name}"))
    theirs = np.array([np.nan, -np.nan], np.float32).astype(peer).view(np.uint8).tolist()
    minus_zero = 1 << (fmt.bits - 1)
    assert theirs == [minus_zero, 0]
    if by_gfloat:
        with pytest.raises(ValueError, match="No NaN in format"):
            by_gfloat(f"ocp_{name.removesuffix('fn')}", "TiesToEven", [np.nan])
    for dtype in (np.float32, np.float64):
        x = np.array([np.nan, -np.nan], dtype)
        with pytest.raises(InputError, match="has no NaN, but 2 of 2 values are NaN"):
            fmt.round(x)
        assert fmt.encode(x, nan="negative_zero").tolist() == [minus_zero] * 2
        assert fmt.round(x, nan="max").tolist() == [fmt.max] * 2 and fmt.round(x, nan="zero").tolist() == [0, 0]


# The quiet NaN of IEEE 754-2019, section 6.2.1, has the first stored bit set; elsewhere there is one magnitude for it.
@pytest.mark.parametrize(
    ("name", "ours", "theirs", "gfloats"),
    [
        ("float8_e4m3fn", 0x7F, [0x7F, 0xFF], ("ocp_e4m3", 0xFF)),
        ("float8_e5m2", 0x7E, [0x7E, 0xFE], ("ocp_e5m2", 0xFF)),
        ("bfloat16", 0x7FC0, [0x7FC0, 0xFFC0], ("bfloat16", 0xFFFF)),
        ("float8_e4m3fnuz", 0x80, [0x80, 0x80], None),
        ("float8_e8m0fnu", 0xFF, [0xFF, 0xFF], ("ocp_e8m0", 0xFF)),
    ],
)
def test_codes_of_nan(name, ours, theirs, gfloats):
    """Quiet and positive here; ml_dtypes keeps the sign, gfloat sets all bits. So compare NaN by class."""
    x = np.array([np.nan, -np.nan], np.float32)
    fmt = get(name)
    assert fmt.encode(x).tolist() == fmt.encode(x.astype(np.float64)).tolist() == [ours] * 2
    assert x.astype(getattr(ml_dtypes, name)).view(fmt.code_dtype).tolist() == theirs
    assert np.isnan(fmt.decode(np.array(theirs))).all()
    if gfloats and (gfloat := _installed("gfloat", "0.5.2")):
        formats = importlib.import_module("gfloat.formats")
        code = gfloat.encode_float(getattr(formats, f"format_info_{gfloats[0]}"), np.nan)
        assert code == gfloats[1] and np.isnan(fmt.decode(code))


def test_e8m0fnu_by_gfloat(by_gfloat):
    """Ties as here, but zero, 2**−130 and −2 stay as they are, none of which the format has."""
    x = [0.75, 1.5, 3.0, 0.0, 2.0**-130, -2.0]
    assert by_gfloat is None or by_gfloat("ocp_e8m0", "TiesToEven", x) == [0.5, 2, 2, 0, 2.0**-130, -2]
    assert get("e8m0fnu").round([0.75, 1.5, 3.0]).tolist() == [0.5, 2, 2]
    assert get("e8m0fnu").round([0.0, 2.0**-130]).tolist() == [2.0**-127] * 2
    assert np.isnan(get("e8m0fnu").round(-2.0))
