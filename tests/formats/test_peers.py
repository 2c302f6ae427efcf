"""Where other libraries answer the same question: their codes are ours. Where they differ: `test_peer_faults.py`.

ml_dtypes is a test dependency; gfloat and pychop, which have more roundings, are compared with where installed.
"""

import importlib

import ml_dtypes
import numpy as np
import pytest
from _reference import exactly, finite_values, same_codes, turning_points

from hwsim.formats import get
from hwsim.golden import formats as golden

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
    """Agrees on all it can represent; ties go to the even code here, away from zero there; zero is NaN there."""
    fmt, peer = get("e8m0fnu"), ml_dtypes.float8_e8m0fnu
    scales = fmt.values()[:-1]
    assert fmt.encode(scales).tolist() == list(range(255))
    np.testing.assert_array_equal(scales, np.arange(255, dtype=np.uint8).view(peer).astype(np.float64))
    between = (scales[1:-1] * 1.4).astype(np.float32)
    np.testing.assert_array_equal(fmt.encode(between), between.astype(peer).view(np.uint8))
    x = np.array([0.75, 1.5, 3.0], np.float32)  # between codes 126 and 127, 127 and 128, 128 and 129
    assert fmt.encode(x).tolist() == [126, 128, 128] and x.astype(peer).view(np.uint8).tolist() == [127, 128, 129]
    # Zero is nearest to the least value; a negative number has no near one.
    assert fmt.encode([0.0, -0.0, 1e-300]).tolist() == [0, 0, 0]
    assert fmt.encode([-1.0]).tolist() == [255] and fmt.encode([-1.0], overflow="saturate").tolist() == [0]
    assert np.array([0.0, -0.0, -1.0], np.float32).astype(peer).view(np.uint8).tolist() == [255] * 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fp16_is_numpy_s_from_either_width(dtype):
    """numpy's float16 rounds once from float64 too, unlike ml_dtypes' types; all values and ties, and their sides."""
    fmt = get("fp16")
    x = turning_points(fmt, dtype)
    x = x[~np.isnan(x)]
    with np.errstate(over="ignore", under="ignore"):
        expected = x.astype(np.float16)
    np.testing.assert_array_equal(fmt.encode(x), expected.view(np.uint16))
    np.testing.assert_array_equal(fmt.round(x).view(f"u{x.itemsize}"), expected.astype(dtype).view(f"u{x.itemsize}"))


# gfloat -------------------------------------------------------------------------------------------

GFLOAT = {
    "e4m3fn": "ocp_e4m3", "e5m2": "ocp_e5m2", "e3m2fn": "ocp_e3m2", "e2m3fn": "ocp_e2m3", "e2m1fn": "ocp_e2m1",
    "q2.6": "ocp_int8", "fp16": "binary16", "bf16": "bfloat16",
}  # fmt: skip
DIRECTIONS = {
    "rne": "TiesToEven", "rna": "TiesToAway", "rz": "TowardZero", "ru": "TowardPositive", "rd": "TowardNegative",
}  # fmt: skip


def _some(fmt, limit: int = 1500) -> np.ndarray:
    points = turning_points(fmt)
    points = points[~np.isnan(points)]
    return np.random.default_rng(2).choice(points, min(limit, points.size), replace=False)


@pytest.mark.parametrize("saturate", [False, True], ids=["onward", "saturate"])
@pytest.mark.parametrize("name", GFLOAT)
def test_rounds_as_gfloat(name, saturate):
    gfloat = pytest.importorskip("gfloat")
    fmt, peer = get(name), getattr(importlib.import_module("gfloat.formats"), f"format_info_{GFLOAT[name]}")
    x = _some(fmt)
    if not saturate and fmt.overflows[0] == "saturate":  # gfloat raises where there is neither infinity nor NaN
        x = x[np.abs(x) <= fmt.max]
    if name == "q2.6":
        x = x[x != 0]  # it has no −0, which gfloat gives all the same
    with np.errstate(over="ignore"):
        beside_the_tie = np.abs(x) == np.nextafter(fmt.smallest / 2, 0)  # gfloat's fault, see `test_peer_faults.py`
    for mode, theirs in DIRECTIONS.items():
        expected = [gfloat.round_float(peer, float(v), gfloat.RoundMode[theirs], saturate) for v in x]
        rounded = fmt.round(x, mode, "saturate" if saturate or fmt.overflows[0] == "saturate" else "inf")
        same = (rounded == expected) | (np.isnan(rounded) & np.isnan(expected))
        if mode == "rna":
            same |= beside_the_tie
        assert same.all(), (mode, x[~same][:5], rounded[~same][:5], np.array(expected)[~same][:5])


@pytest.mark.parametrize("name", ["e4m3fn", "e2m1fn", "p3109_k8p3se"])
def test_stochastic_forms_are_gfloat_s(name):
    """Its Stochastic is form c, StochasticFast b and StochasticFastest a."""
    gfloat = pytest.importorskip("gfloat")
    formats = importlib.import_module("gfloat.formats")
    fmt = get(name)
    peer = (
        formats.format_info_p3109(8, 3) if name.startswith("p3109") else getattr(formats, f"format_info_{GFLOAT[name]}")
    )
    values = finite_values(fmt)
    fractions = np.arange(1, 64) / 64  # of few bits, so that gfloat's sums in float64 are exact
    x = (values[:-1, None] + np.diff(values)[:, None] * fractions).reshape(-1)
    x = np.random.default_rng(3).choice(x, 400, replace=False)
    forms = {"stochastic_a": "StochasticFastest", "stochastic_b": "StochasticFast", "stochastic_c": "Stochastic"}
    for mode, theirs in forms.items():
        for bits in (1, 2, 5, 9):
            words = np.random.default_rng(bits).integers(0, 1 << bits, x.size)
            expected = [
                gfloat.round_float(peer, float(v), gfloat.RoundMode[theirs], True, int(r), bits)
                for v, r in zip(x, words, strict=True)
            ]
            rounded = fmt.round(x, mode, "saturate", random=words, random_bits=bits)
            np.testing.assert_array_equal(rounded, expected, f"{mode} {bits}")


# pychop's formats of IEEE P3109 -------------------------------------------------------------------

P3109 = [
    (k, p, signed, domain)
    for k in (3, 4, 6, 8) for p in range(1, k + 1) for signed in (True, False) for domain in ("extended", "finite")
    if not (signed and p == k) and (k < 8 or p in (1, 3, 4, 7, 8))
]  # fmt: skip
P3109_MODES = {
    "rne": "nearest_even", "rna": "nearest_away", "rz": "toward_zero", "ru": "toward_positive",
    "rd": "toward_negative", "odd": "to_odd", "stochastic_a": "stochastic_a", "stochastic_b": "stochastic_b",
    "stochastic_c": "stochastic_c",
}  # fmt: skip
SATURATION = {"inf": "none", "saturate": "finite", "saturate_finite": "propagate"}


@pytest.mark.parametrize("shape", P3109, ids=lambda s: f"k{s[0]}p{s[1]}{'s' if s[2] else 'u'}{s[3][0]}")
def test_p3109_formats_are_pychop_s(shape):
    """All codes, nine roundings, three saturations; the exceptions are in `test_peer_faults.py`."""
    pychop = pytest.importorskip("pychop")
    peer = pychop.P3109Format(*shape)
    fmt = get(peer.name)
    every = np.arange(fmt.code_count, dtype=np.uint8)
    np.testing.assert_array_equal(fmt.decode(every), pychop.p3109_decode(every, peer))
    x = _some(fmt)
    for mode, theirs in P3109_MODES.items():
        ours, given = {}, {}
        if mode.startswith("stochastic"):
            words = np.random.default_rng(7).integers(0, 32, x.size)
            ours, given = {"random": words, "random_bits": 5}, {"srbits": words, "srnumbits": 5}
        for overflow in fmt.overflows:
            expected = pychop.p3109_encode(x, peer, rounding=theirs, saturate=SATURATION[overflow], **given)
            same = same_codes(fmt, fmt.encode(x, mode, overflow, **ours), expected)
            if mode == "odd" and overflow == "inf":  # see `test_to_odd_beyond_the_range`
                same |= (x > fmt.max) | (x < fmt.min)
            if overflow == "saturate_finite":  # −∞ of an unsigned format: zero there, NaN here
                same |= (x == -np.inf) & (not fmt.signed)
            assert same.all(), (mode, overflow, x[~same][:5], expected[~same][:5])


def test_the_golden_model_is_numpy_s_fp16_too():
    """The judge of all other tests, by a third party: 2000 points of fp16."""
    fmt = get("fp16")
    x = _some(fmt, 2000)
    with np.errstate(over="ignore", under="ignore"):
        expected = x.astype(np.float16).view(np.uint16)
    assert [golden.encode(fmt, v) for v in exactly(x)] == expected.tolist()
