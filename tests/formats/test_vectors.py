"""Recorded tables and roundings of other libraries agree on every code (see tests/data/formats/ATTRIBUTION.md)."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.formats import get

DATA = Path(__file__).parent.parent / "data" / "formats"
TABLES = np.load(DATA / "decode_tables.npz", allow_pickle=False)
SOFTPOSIT = np.load(DATA / "softposit_vectors.npz", allow_pickle=False)
ROUNDINGS = np.load(DATA / "round_vectors.npz", allow_pickle=False)

# The vectors' names for formats that go by another name here.
NAMES = {
    "e4m3_ieee": "e4m3",
    "e3m4_ieee": "e3m4",
    "ocp_int8": "q2.6",
    "ue4m3_7bit_nan7f": "ue4m3",
    "ue5m3_nanff": "ue5m3",
}
DECODED = TABLES.files
ROUNDED = [key for key in ROUNDINGS.files if not key.endswith(".in")]


@pytest.mark.parametrize("name", ["posit8_0", "posit16_1", "posit32_2"])
def test_softposit(name):
    x = SOFTPOSIT[f"{name}.in"].view(np.float64)
    np.testing.assert_array_equal(get(name).encode(x), SOFTPOSIT[f"{name}.codes"])


def test_everything_is_covered():
    assert len(DECODED) == 136
    assert len(ROUNDED) == 210


@pytest.mark.parametrize("name", DECODED)
def test_decode_table(name):
    expected = TABLES[name]
    decoded = get(NAMES.get(name, name)).values()
    np.testing.assert_array_equal(decoded, expected)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(decoded[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("key", ROUNDED)
def test_rounding(key):
    name, source, rounding, overflow = key.split(".")
    fmt = get(NAMES.get(name, name))
    x = ROUNDINGS[f"{name}.{source}.in"].view(np.float32 if source == "f32" else np.float64)
    expected = ROUNDINGS[key]
    numbers = ~np.isnan(x)
    codes = fmt.encode(x[numbers], rounding, "inf" if overflow == "ns" else "saturate")
    both_nan = np.isnan(fmt.decode(codes)) & np.isnan(fmt.decode(expected[numbers]))
    np.testing.assert_array_equal(codes[~both_nan], expected[numbers][~both_nan])
    if fmt.has_nan:
        assert np.isnan(fmt.decode(fmt.encode(x[~numbers], rounding))).all()
