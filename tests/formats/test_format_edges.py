"""Unusual input: types of numpy, misspelt options, names that change, numbers that float64 does not have."""

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.formats import FloatFormat, get, names, register
from hwsim.formats.quantize import Scaling, calibrate, quantize


def test_a_misspelt_option_is_not_ignored():
    with pytest.raises(TypeError, match="overfow"):
        get("e4m3fn").encode([1000.0], overfow="saturate")
    with pytest.raises(InputError, match=r"seed: expected an integer, got 1\.5"):
        get("e4m3fn").encode([1.0], "stochastic", seed=1.5)
    with pytest.raises(InputError, match=r"random_bits: expected 1 to 32, got 33"):
        get("e4m3fn").encode([1.0], "stochastic", random_bits=33)
    with pytest.raises(InputError, match="'rne' takes no random bits"):
        get("e4m3fn").encode([1.0], random_bits=3)
    seeded = get("e4m3fn").encode(np.full(9, 1.05), "stochastic", seed=np.int32(5))
    np.testing.assert_array_equal(seeded, get("e4m3fn").encode(np.full(9, 1.05), "stochastic", seed=5))


@pytest.mark.parametrize("name", ["e4m3fn", "int8", "q4.4", "posit8_1", "nf4", "p3109_k8p4se"])
def test_decodes_into_any_type_that_holds_the_values(name):
    fmt = get(name)
    codes = np.arange(fmt.code_count).reshape(2, -1)
    for dtype in (np.float16, np.longdouble, ">f4", ">f8", np.float32):
        if fmt.fits(np.dtype(dtype)):
            decoded = fmt.decode(codes, dtype)
            assert decoded.dtype == np.dtype(dtype)
            np.testing.assert_array_equal(decoded.astype(np.float64), fmt.decode(codes, np.float64))
    assert fmt.fits(np.dtype(np.float16)) == (name != "nf4")
    for dtype in (bool, complex, "U4"):
        with pytest.raises(InputError, match="does not hold every value"):
            fmt.decode(codes, dtype)


def test_a_name_registered_after_its_pattern_was_used():
    assert get("e5m9").bias == 15
    register(FloatFormat("e5m9", 5, 10, 11), "this test")
    try:
        assert get("e5m9").bias == 11 and "e5m9" in names()
    finally:
        from hwsim.formats.names import _entries, _get

        _entries.pop("e5m9")
        _get.cache_clear()


def test_neighbours_of_wide_integers_are_refused_rather_than_wrong():
    with pytest.raises(InputError, match="int64 has values that float64 does not"):
        get("int64").ulp(2.0**60)
    assert get("int53").ulp(2.0**51) == 1


def test_asymmetric_scaling_is_as_wide_as_its_arithmetic():
    with pytest.raises(ValueError, match="up to 32 bits"):
        Scaling(format="int64", symmetric=False)
    scaling = Scaling(format="int8", symmetric=False)
    scale = calibrate([0.0, 1.0], scaling)
    with pytest.raises(InputError, match=r"^int8 has no NaN, but 1 of 2 values are NaN$"):
        quantize([0.5, np.nan], scaling, scale)


def test_float64_beyond_float32_saturates_under_nvfp4():
    quantized = get("nvfp4").quantize(np.array([[1e300, -1e300, 1.0]]))
    greatest = np.finfo(np.float32).max
    assert quantized.tensor_scale == greatest / np.float32(6 * 448)
    largest = 6 * 448 * float(quantized.tensor_scale)
    assert quantized.dequantize().tolist() == [[largest, -largest, 0.0]]
    assert get("nvfp4_one_level").smallest == 2.0**-7
