"""Tables that fit the terminal, and numbers as engineers write them."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.report import comparison_table, run_table
from hwsim.report.engineering import area, engineering, ratio, significant
from hwsim.report.table import shortened

PREFIX = {
    prefix: 1000.0**power
    for power, prefix in enumerate(["a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"], -6)
}


@given(st.floats(1e-17, 1e20) | st.floats(-1e20, -1e-17))
def test_engineering_reads_back_to_three_digits(value):
    number, unit = engineering(value, "J").split(" ")
    assert abs(float(number) * PREFIX[unit.removesuffix("J")] / value - 1) <= 0.00501
    assert 1 <= abs(float(number)) < 1000


@given(st.floats(1e-6, 1e6))
def test_significant_keeps_three_digits(value):
    assert abs(float(significant(value)) / value - 1) <= 0.00501


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-6, "1.00 mm²"), (999e-12, "999 µm²"), (1e-9, "0.00100 mm²"), (0.0, "0 mm²"), (814e-6, "814 mm²")],
)
def test_areas(value, text):
    assert area(value) == text


def test_ratio_needs_a_reference():
    assert [ratio(1.0, None), ratio(1.0, 0.0), ratio(float("inf"), 2.0)] == ["", "", ""]


@pytest.mark.parametrize("width", [80, 96, 100, 140])
def test_tables_fit(result, results, long_result, width):
    for text in (run_table(result, width), run_table(long_result, width), comparison_table(results, width)):
        assert max(map(len, text.splitlines())) <= width
        assert "\x1b" not in text


def test_run_table_shows_layers_and_totals(result):
    text = run_table(result, 80)
    assert "349 of 360" in text
    for row in result.operators:
        line = next(line for line in text.splitlines() if line.split()[:1] == [row["name"]])
        assert engineering(sum(row["energy_j"].values()), "J") in line
    assert "…" not in text


def test_comparison_table_measures_against_the_first(results):
    text = comparison_table(results)
    energies = [each.totals["energy_j"] for each in results]
    line = next(line for line in text.splitlines() if line.split()[:1] == ["Energy"])
    assert [f"×{significant(each / energies[0])}" in line for each in energies[1:]] == [True, True]


def test_many_architectures_come_in_blocks_that_repeat_the_first(results):
    from dataclasses import replace

    many = [replace(results[0], architecture=f"candidate-number-{number}-of-seven") for number in range(7)]
    text = comparison_table(many[:5], 100)
    assert max(map(len, text.splitlines())) <= 100
    assert sum(line.split()[:1] == ["Area"] for line in text.splitlines()) == 2


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_numbers_are_never_cut(result, count):
    from dataclasses import replace

    many = [replace(result, architecture=f"systolic-int{number}-ws-32x32") for number in range(count)]
    for text in (run_table(result, 80), comparison_table(many, 80)):
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("length", [8, 20])
def test_shortened_names_keep_their_end(length):
    name = "encoder.blocks.11.attention.out_projection"
    assert len(shortened(name, length)) == length
    assert shortened(name, length).endswith("tion")
    assert shortened("conv1", length) == "conv1"


def test_importing_reports_and_studies_loads_nothing_heavy():
    code = (
        "import sys, hwsim.report, hwsim.explore, hwsim.report.html.run, hwsim.report.figures.study\n"
        "print([name for name in ('numba', 'pandas', 'matplotlib', 'rich') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
