"""Precision by magnitude, number lines as text, and what is said of a format's record."""

import math

import numpy as np
import pytest

from hwsim.formats import get
from hwsim.formats.analysis.precision import precision_by_binade, precision_profile, relative_error_curve
from hwsim.formats.base import families
from hwsim.report.format_facts import field_meanings, power_of_two, source_of
from hwsim.report.number_line import number_line, number_line_text, precision_text, values_on_line

EXAMPLES = [example for family in families.items().values() for example in family.examples()]
WIDE = [get(name) for name in ("fp64", "fp32", "int32", "int64", "posit32", "takum_linear32", "q16.16", "uint1")]


@pytest.mark.parametrize(
    "name", ["fp64", "fp32", "bf16", "fp16", "e4m3fn", "e5m2", "e2m3fn", "e8m0fnu", "p3109_k8p3se"]
)
def test_normal_floats_err_by_one_in_two_to_the_precision_plus_one(name):
    """Between 2**e and the next value, half of 2**(1 − p) relative to 1 + 2**−p."""
    fmt = get(name)
    binades = precision_by_binade(fmt)
    normal = [each for each in binades if fmt.emin <= each.first < fmt.emax]
    assert len(normal) == min(fmt.emax, binades[-1].first + 1) - fmt.emin
    for each in normal:
        assert each.relative_error == pytest.approx(1 / (2**fmt.precision + 1), rel=1e-12)


@pytest.mark.parametrize("name", ["int8", "uint4", "int16", "int32", "q4.4"])
def test_evenly_spaced_values_err_by_half_a_step(name):
    fmt = get(name)
    first = round(math.log2(fmt.smallest))
    for each in precision_by_binade(fmt):
        assert each.relative_error == pytest.approx(1 / (2 ** (each.first - first + 1) + 1), rel=1e-12)


def test_posits_turn_at_the_geometric_mean_where_exponent_bits_are_cut_off():
    """posit8: between 2**20 and 2**24 values turn at 2**22 (Posit Standard 2022, section 4.1)."""
    profile = precision_profile(get("posit8"))
    assert profile[-1].relative_error == pytest.approx(3, rel=1e-12)
    assert (profile[-1].first, profile[-1].last) == (16, 23)
    assert max(each.bits for each in profile) == pytest.approx(math.log2(17), rel=1e-12)


@pytest.mark.parametrize("fraction_bits", [0, 3, 6])
def test_logarithmic_numbers_err_alike_everywhere(fraction_bits):
    """They turn at the geometric mean: 2**(2**−(f + 1)) − 1."""
    fmt = get(f"lns8_{fraction_bits}")
    _, errors = relative_error_curve(fmt)
    assert errors == pytest.approx(2 ** (2.0 ** -(fraction_bits + 1)) - 1, rel=1e-9)


@pytest.mark.parametrize("fmt", [*EXAMPLES, *WIDE], ids=str)
def test_no_rounding_errs_more_than_its_binade_says(fmt):
    binades = precision_by_binade(fmt)
    draws = np.random.default_rng(0).uniform(math.log2(fmt.smallest), math.log2(fmt.max), 2000)
    x = np.exp2(draws[draws < 1023])
    x = x[(x >= fmt.smallest) & (x <= float(fmt.max))]
    errors = np.abs(np.asarray(fmt.round(x, overflow="saturate"), np.float64) - x) / x
    limits = {each.first: each.relative_error for each in binades}
    for value, error in zip(np.frexp(x)[1] - 1, errors, strict=True):
        assert error <= limits[min(int(value), binades[-1].first)] * (1 + 1e-9)


@pytest.mark.parametrize("fmt", [*EXAMPLES, *WIDE], ids=str)
def test_pictures_fit_their_width(fmt):
    lines = [*number_line_text(fmt, 60), *precision_text(fmt, 60)]
    assert max(map(len, lines)) <= 60
    assert len(precision_text(fmt)) <= 32


def test_a_line_of_few_values_has_a_tick_for_each():
    drawn, labels, _ = number_line_text(get("e2m1fn"), 73)
    # 12 half units of 6 columns between −6 and 6.
    assert [column / 6 - 6 for column, letter in enumerate(drawn) if letter == "┼"] == [
        -6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6,
    ]  # fmt: skip
    assert labels.split() == ["-6", "0", "6"]


def test_a_logarithmic_line_is_symmetric_about_zero():
    fmt = get("e4m3fn")
    line = number_line(fmt)
    places = line.positions(values_on_line(fmt))
    assert line.logarithmic
    assert np.array_equal(places, -places[::-1])
    assert line.ends == (places[0], places[-1])
    assert line.positions(2 * fmt.smallest) == line.positions(fmt.smallest) + 1 == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(448.0, "448"), (0.125, "0.125"), (2.0**-9, "2^-9"), (-(2.0**24), "-2^24"), (0.0, "0"), (3.4e38, "3.4e+38")],
)
def test_powers_of_two_are_written_as_such(value, text):
    assert power_of_two(value) == text


@pytest.mark.parametrize("kind", [*families.items().values(), type(get("nvfp4"))], ids=lambda kind: kind.__name__)
def test_every_field_has_a_meaning(kind):
    meanings = field_meanings(kind)
    assert meanings
    assert all(meanings.values()), meanings


def test_sources_are_those_of_the_catalogue():
    assert source_of(get("e4m3fn"))[1] == ("float8_e4m3fn",)
    assert "OCP" in source_of(get("mxfp4"))[0]
    assert source_of(get("posit9_1")) == ("by the pattern of its name", ())
