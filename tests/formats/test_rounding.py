"""The one rounding: its helpers against Python integers, its result against exact fractions."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.formats import FloatFormat, get
from hwsim.formats.rounding import MODES
from hwsim.golden import formats as golden
from hwsim.kernels import codec, encode_fixed, encode_float, rounding, tapered

ALL_MODES = {**MODES, "odd": rounding.ODD}
MAGNITUDES = st.one_of(
    st.integers(0, 2**63 - 1),
    st.integers(0, 31).flatmap(lambda low: st.integers(0, 57).map(lambda up: low << up)),
)


def _rounded(negative, magnitude, exponent, precision, last_place_min, mode):
    """By the definition: floor to the place, then decide by the exact remainder."""
    place = max(magnitude.bit_length() + exponent - precision, last_place_min)
    exact = magnitude * Fraction(2) ** exponent / Fraction(2) ** place
    lower = math.floor(exact)
    rest = exact - lower
    odd = lower % 2 == 1 and (precision > 1 or (place - last_place_min) % 2 == 0)
    away = {
        "rne": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and odd),
        "rna": rest >= Fraction(1, 2),
        "rz": False,
        "ru": not negative,
        "rd": negative,
        "odd": not odd,
    }[mode]
    return (lower + (away and rest != 0)) * Fraction(2) ** place


@given(
    st.booleans(),
    MAGNITUDES,
    st.integers(-150, 150),
    st.integers(1, 62),
    st.integers(-150, 150),
    st.sampled_from(sorted(ALL_MODES)),
)
def test_round_significand(negative, magnitude, exponent, precision, last_place_min, mode):
    result, place = rounding.round_significand(
        negative, magnitude, exponent, precision, last_place_min, ALL_MODES[mode]
    )
    assert result < 2**precision
    assert result == 0 or place >= last_place_min
    expected = _rounded(negative, magnitude, exponent, precision, last_place_min, mode)
    assert result * Fraction(2) ** place == expected


@given(
    st.booleans(),
    st.integers(0, 2**62 - 1),
    st.integers(0, 80),
    st.integers(1, 20),
    st.sampled_from(sorted(ALL_MODES)),
)
def test_a_sticky_bit_below_two_more_bits_is_enough(negative, magnitude, shift, precision, mode):
    jammed = rounding.shift_right_jam(magnitude, min(shift, max(magnitude.bit_length() - precision - 2, 0)))
    place = min(shift, max(magnitude.bit_length() - precision - 2, 0))
    result, exponent = rounding.round_significand(negative, jammed, place, precision, -1000, ALL_MODES[mode])
    assert result * Fraction(2) ** exponent == _rounded(negative, magnitude, 0, precision, -1000, mode)


@given(MAGNITUDES, st.integers(0, 200))
def test_shift_and_length(x, n):
    assert rounding.bit_length(x) == x.bit_length()
    assert rounding.shift_right_jam(x, n) == (x >> n) | int((x >> n) << n != x)


@given(st.booleans(), MAGNITUDES, st.integers(-1200, 1200), st.sampled_from(sorted(MODES)), st.booleans())
@pytest.mark.parametrize("name", ["fp64", "fp16", "e4m3fn", "e2m1fn", "e8m0fnu", "ue5m3", "flush"])
def test_pack(name, negative, magnitude, exponent, mode, saturate):
    fmt = FloatFormat("flush", 4, 4, 5, subnormals=False) if name == "flush" else get(name)
    overflow = "saturate" if saturate else fmt.overflows[0]
    for place in (exponent, 1006, fmt.emin - magnitude.bit_length() + exponent % 8, fmt.emax - magnitude.bit_length()):
        code, overflowed = codec.pack(negative, magnitude, place, fmt.parameters(mode, overflow))
        exact = Fraction(magnitude) * Fraction(2) ** place
        value = -0.0 if negative and magnitude == 0 else (-exact if negative else exact)
        assert code % 2**64 == golden.encode(fmt, value, mode, overflow)
        assert not overflowed or exact > fmt.max / 2 or (negative and not fmt.signed)


def test_integer_kernels_hold_no_float():
    """Mixed int64 and uint64 become float64 without a word; nothing in these kernels may be one."""
    for name in ("fp32", "int8", "posit8_1"):
        for dtype in (np.float32, np.float64):
            for mode in ("rne", "rd", "stochastic"):
                get(name).encode(np.ones(3, dtype), mode)
    get("fp16").encode(np.array([2**63 - 1]))
    kernels = [
        encode_float.encode_float32, encode_float.encode_float64, encode_fixed.encode_float32,
        encode_fixed.encode_float64, encode_float.encode_float32_randomly, encode_float.encode_float64_randomly,
        encode_fixed.encode_float64_randomly, tapered.encode, tapered.encode_float32_to_nearest,
        codec.encode_integers, codec.pack, rounding.round_significand,
    ]  # fmt: skip
    for kernel in kernels:
        assert kernel.overloads
        for compiled in kernel.overloads.values():
            inferred = re.findall(r"::\s*(.*)", str(compiled.type_annotation))
            assert len(inferred) > 10
            assert not [t for t in inferred if "float" in t], kernel
