"""What every kind of format keeps to. A new kind registers, gives `examples`, a golden rule, and passes."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from _reference import (
    EVERY_KIND,
    MODES,
    RANDOM_MODES,
    exactly,
    golden_codes,
    philox_words,
    same_codes,
    turning_points,
)

from hwsim.base.errors import InputError
from hwsim.formats import Format
from hwsim.golden import formats as golden

pytestmark = pytest.mark.parametrize("fmt", EVERY_KIND, ids=str)


def _codes(fmt: Format) -> np.ndarray:
    """All codes where there are few, otherwise the ends, the powers of two and a seeded sample."""
    if fmt.bits <= 10:
        return np.arange(fmt.code_count, dtype=fmt.code_dtype)
    powers = [(1 << k) + d for k in range(1, fmt.bits) for d in (-1, 0, 1)]
    sample = np.random.default_rng(0).integers(0, fmt.code_count - 1, 300, dtype=np.uint64, endpoint=True)
    limits = [(int(fmt.encode(limit)) + d) % fmt.code_count for limit in (fmt.min, fmt.max) for d in (-1, 0, 1)]
    codes = [0, fmt.code_count - 1, *powers, *limits, *sample.tolist()]
    return np.array(codes, np.uint64).astype(fmt.code_dtype)


def _values(fmt: Format) -> list:
    return [golden.decode(fmt, int(code)) for code in _codes(fmt)]


def test_decodes_as_the_golden_model(fmt):
    decoded = fmt.decode(_codes(fmt))
    assert decoded.dtype == fmt.value_dtype
    for got, expected in zip(decoded.tolist(), _values(fmt), strict=True):
        if isinstance(expected, float):  # inf, NaN, −0
            assert repr(got) == repr(expected)
        else:
            assert Fraction(got) == expected


def test_decode_then_encode_is_the_identity(fmt):
    codes = _codes(fmt)
    values = fmt.decode(codes)
    # NaN has many codes, and the most negative one of a symmetric range is never made. Other codes come back
    # unless an earlier one has the same value, as zeros do where subnormals would be.
    kept = ~(np.isnan(values.astype(float)) | (values < fmt.min))
    assert kept.mean() > 0.5
    codes, values = codes[kept], values[kept]
    again = fmt.encode(values)
    np.testing.assert_array_equal(fmt.decode(again), values)
    np.testing.assert_array_equal(np.signbit(fmt.decode(again)), np.signbit(values))
    signed = [repr(value) for value in values.tolist()]
    alone = np.array([signed.count(value) == 1 for value in signed])
    np.testing.assert_array_equal(again[alone], codes[alone])


def test_unpacks_to_the_value(fmt):
    if fmt.name == "uint64":
        pytest.skip("significands are int64")
    significands, exponents, specials = fmt.unpack(_codes(fmt))
    assert (significands.dtype, exponents.dtype, specials.dtype) == (np.int64, np.int32, np.uint8)
    for value, significand, exponent, special in zip(_values(fmt), significands, exponents, specials, strict=True):
        if special:
            assert significand == 0
            assert repr(value) == {1: "inf", 2: "-inf", 3: "nan"}[int(special)]
        else:
            assert Fraction(int(significand)) * Fraction(2) ** int(exponent) == Fraction(value)


def test_derived_properties_are_those_of_the_values(fmt):
    finite = [Fraction(v) for v in _values(fmt) if abs(v) < float("inf")]  # NaN compares false
    assert max(finite) == Fraction(fmt.max) or fmt.bits > 53
    assert min(finite) >= Fraction(fmt.min) or getattr(fmt, "symmetric", False)
    assert min(v for v in finite if v > 0) == Fraction(fmt.smallest)
    assert (min(finite) < 0) == fmt.signed
    assert fmt.code_dtype.itemsize * 8 >= fmt.bits
    assert fmt.dynamic_range_db >= 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounds_as_the_golden_model(fmt, dtype):
    if fmt.bits > 10:
        points = np.random.default_rng(1).standard_cauchy(200) * float(min(fmt.max, 1e300))
        points = np.concatenate([points, points * float(fmt.smallest) / fmt.max, [0.0, -0.0, np.inf, -np.inf, np.nan]])
        with np.errstate(over="ignore"):
            points = points.astype(dtype)
    else:
        points = turning_points(fmt, dtype)
    for overflow in fmt.overflows:
        for mode in MODES:
            expected = golden_codes(fmt, points, mode, overflow)
            codes = fmt.encode(points, mode, overflow, nan="zero")
            wrong = ~same_codes(fmt, codes, expected)
            assert not wrong.any(), (mode, overflow, points[wrong][:5], codes[wrong][:5], expected[wrong][:5])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounds_randomly_as_the_golden_model(fmt, dtype):
    random = np.random.default_rng(3)
    if fmt.bits > 10:
        points = random.standard_cauchy(150) * float(min(fmt.max, 1e300))
        points = np.concatenate([points, points * float(fmt.smallest) / fmt.max, points / fmt.max])
    else:
        points = turning_points(fmt, np.float32)
        points = points[np.isfinite(points)]
        with np.errstate(over="ignore"):
            beside = points[:40] * 1.0009765625
        points = np.concatenate([random.choice(points, min(points.size, 400)), points[-8:], beside])
    with np.errstate(over="ignore", under="ignore"):
        points = np.concatenate([points, points * 2.0**-12]).astype(dtype)
    for mode in RANDOM_MODES:
        for bits in (1, 3, 24, fmt.max_random_bits):
            words = random.integers(0, 1 << bits, points.size)
            words[:8], words[8:16] = 0, (1 << bits) - 1
            overflow = fmt.overflows[bits % len(fmt.overflows)]
            expected = golden_codes(fmt, points, mode, overflow, "zero", bits, words)
            codes = fmt.encode(points, mode, overflow, nan="zero", random=words, random_bits=bits)
            wrong = ~same_codes(fmt, codes, expected)
            assert not wrong.any(), (
                mode,
                bits,
                overflow,
                points[wrong][:5],
                words[wrong][:5],
                codes[wrong][:5],
                expected[wrong][:5],
            )


def test_random_bits_are_those_of_the_seed(fmt):
    """Word i of Philox4x32-10; one call or two, the codes are the same."""
    x = (np.random.default_rng(4).standard_normal(1000) * min(float(fmt.max), 100)).astype(np.float32)
    words = philox_words(seed=7, count=x.size) >> np.uint32(32 - 24)
    codes = fmt.encode(x, "stochastic", "saturate", seed=7)
    np.testing.assert_array_equal(codes, fmt.encode(x, "stochastic_a", "saturate", random=words))
    np.testing.assert_array_equal(codes[:300], fmt.encode(x[:300], "stochastic", "saturate", seed=7))
    np.testing.assert_array_equal(fmt.round(x, "stochastic", "saturate", seed=7), fmt.decode(codes))


def test_integers_round_once(fmt):
    integers = [0, 1, -1, 7, 100, -129, 2**24 + 1, 2**53 + 1, -(2**53) - 1, 2**62 + 2**9 + 1, 2**63 - 1, -(2**63)]
    for overflow in fmt.overflows:
        for mode in MODES:
            expected = [golden.encode(fmt, Fraction(i), mode, overflow) for i in integers]
            assert fmt.encode(np.array(integers), mode, overflow).tolist() == expected
    unsigned = [2**64 - 1, 2**63 + 2**11 + 1, 2**63]
    expected = [golden.encode(fmt, Fraction(i)) for i in unsigned]
    assert fmt.encode(np.array(unsigned, np.uint64)).tolist() == expected


def test_round_gives_values_and_is_idempotent(fmt):
    x = np.random.default_rng(2).standard_normal(100).astype(np.float32)
    rounded = fmt.round(x)
    expected = [float(golden.decode(fmt, golden.encode(fmt, v))) for v in exactly(x)]
    np.testing.assert_array_equal(rounded, np.array(expected))
    np.testing.assert_array_equal(fmt.round(rounded), rounded)
    assert rounded.dtype == (np.float32 if fmt.fits(np.dtype(np.float32)) else fmt.value_dtype)


def test_nan_follows_the_policy(fmt):
    if fmt.has_nan:
        assert np.isnan(fmt.decode(fmt.encode(np.nan)))
        return
    with pytest.raises(InputError, match=rf"{fmt.name} has no NaN, but 1 of 2 values are NaN"):
        fmt.encode([0.0, np.nan])
    for policy in ("zero", "negative_zero", "max"):
        assert fmt.encode(np.nan, nan=policy) == golden.encode(fmt, float("nan"), nan=policy)


def test_keeps_shapes_and_strides(fmt):
    x = np.arange(24, dtype=np.float64).reshape(4, 6)
    codes = fmt.encode(x)
    assert codes.dtype == fmt.code_dtype
    np.testing.assert_array_equal(fmt.encode(x[::2, 1::3]), codes[::2, 1::3])
    np.testing.assert_array_equal(fmt.encode(x.T), codes.T)
    np.testing.assert_array_equal(fmt.decode(codes.T), fmt.decode(codes).T)
    assert fmt.encode(1.0).shape == () and fmt.decode(fmt.encode(1.0)) == fmt.round(1.0)
    assert fmt.encode([]).shape == (0,) and fmt.decode(np.array([], fmt.code_dtype)).shape == (0,)


def test_refuses_what_is_no_code_or_number(fmt):
    with pytest.raises(InputError, match="integers"):
        fmt.decode([0.5])
    if fmt.bits < 64:
        with pytest.raises(InputError, match=f"{fmt.bits} bits"):
            fmt.decode([fmt.code_count])
    with pytest.raises(InputError, match="did you mean 'rne'"):
        fmt.encode([1.0], "rnee")
    with pytest.raises(InputError, match="did you mean 'saturate'"):
        fmt.encode([1.0], overflow="saturated")
    with pytest.raises(InputError, match="did you mean 'zero'"):
        fmt.encode([1.0], nan="zeros")
    with pytest.raises(InputError, match="complex128"):
        fmt.encode([1j])


def test_is_a_plain_frozen_record(fmt):
    copy = pickle.loads(pickle.dumps(fmt))
    assert copy == fmt and hash(copy) == hash(fmt) and str(fmt) == fmt.name
    with pytest.raises(AttributeError):
        fmt.name = "other"
