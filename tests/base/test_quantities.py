"""Quantities: what people write is the nearest double of exactly what it says."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hwsim.base.quantities import Bytes, Fraction01, Hertz, SquareMetres, parse_quantity

SI = {"f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15}
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
DECIMALS = st.decimals(0, 10**6, places=4).map(lambda number: f"{number:f}")


@given(DECIMALS, st.sampled_from(sorted(SI)), st.sampled_from(["Hz", "B/s", "J", "W", "s", "B"]))
def test_si_prefixes_are_rounded_once(number, prefix, unit):
    assert parse_quantity(f"{number} {prefix}{unit}", unit) == float(Fraction(number) * Fraction(10) ** SI[prefix])


@given(DECIMALS, st.sampled_from(sorted(SI)))
def test_the_prefix_of_an_area_is_squared(number, prefix):
    exact = Fraction(number) * Fraction(10) ** (2 * SI[prefix])
    assert parse_quantity(f"{number} {prefix}m2", "m2", powers=2) == float(exact)


@given(st.integers(1, 4096), st.sampled_from(sorted(BINARY)))
def test_binary_prefixes(number, prefix):
    assert TypeAdapter(Bytes).validate_python(f"{number} {prefix}B") == number << BINARY[prefix]


@given(st.text(max_size=70))
def test_any_text_is_a_number_or_a_value_error(text):
    try:
        assert abs(parse_quantity(text, "B")) < float("inf")
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("written", "value"),
    [("3.35 TB/s", 3.35e12), ("1e3 B/s", 1000.0), (7, 7), ("1_000kB/s", 1e6), ("  2 GB/s ", 2e9), ("-1 B/s", -1.0)],
)
def test_spellings(written, value):
    assert parse_quantity(written, "B/s") == value


@pytest.mark.parametrize(
    "written",
    ["1 MiHz", "1 mhz", "fast", "", "1 GHz/s", "1e99999 Hz", "1e308 GHz", True, None, [1], float("inf"), float("nan")],
)
def test_refused(written):
    with pytest.raises(ValueError, match=r"expected"):
        parse_quantity(written, "Hz")


@pytest.mark.parametrize("written", ["0.5 B", "1.0005 kB", "0 B", "-1 MiB"])
def test_bytes_are_whole_and_positive(written):
    with pytest.raises(ValidationError):
        TypeAdapter(Bytes).validate_python(written)


def test_fields():
    assert TypeAdapter(Hertz).validate_python("1.83 GHz") == 1.83e9
    assert TypeAdapter(SquareMetres).validate_python("5 mm2") == 5e-6
    with pytest.raises(ValidationError):
        TypeAdapter(Hertz).validate_python("0 Hz")


@pytest.mark.parametrize(("written", "value"), [("0.5 %", 0.005), ("100%", 1.0), (0.25, 0.25), ("0.25", 0.25), (1, 1)])
def test_fractions(written, value):
    assert TypeAdapter(Fraction01).validate_python(written) == value


@pytest.mark.parametrize("written", ["101 %", "-1 %", "x %", "1 % 2", "%", "nan", 1.5])
def test_no_fractions(written):
    with pytest.raises(ValidationError):
        TypeAdapter(Fraction01).validate_python(written)
