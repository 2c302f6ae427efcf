"""The scaling rule: its published consequence, its algebra, and its limits."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import technology
from hwsim.base.errors import InputError
from hwsim.technology import IntegerAdder, Register, scaling
from hwsim.technology.scaling import area_factor, energy_factor

ALL = [*scaling.NODES, *scaling.INTERPOLATED]
nodes = st.sampled_from(ALL)


# Stillmaker & Baas 2017, as printed: nodes in columns.
PUBLISHED = """
130    90     65     45     32     20      16      14       10       7
7.171  4.762  3.755  1.103  .9559  .373    .2958   .2363    .2068    .1776
-6.709 -4.781 -4.398 -.362  -.7823 -.1582  -.1241  -.09675  -.09311  -.09097
2.904  2.092  1.975  .2767  .471   .04104  .03024  .02239   .02375   .02447
6.4    2.8    1.5    1      .46    .21     .19     .17      .10      .059
"""
COLUMNS = list(zip(*([float(cell) for cell in line.split()] for line in PUBLISHED.split("\n") if line), strict=True))


@pytest.mark.parametrize("volts", [0.7, 0.9, 1.1])
@pytest.mark.parametrize(("node", "a", "b", "c", "area"), COLUMNS)
def test_the_published_table(node, a, b, c, area, volts):
    at_45 = 1.103 * 0.81 - 0.362 * 0.9 + 0.2767
    assert energy_factor(45, node, 0.9, volts) == pytest.approx((a * volts**2 + b * volts + c) / at_45, rel=1e-12)
    assert area_factor(45, node) == pytest.approx(area, rel=1e-12)


def test_45_to_7_nm_at_0_9_v():
    by_hand = (0.1776 * 0.81 - 0.09097 * 0.9 + 0.02447) / (1.103 * 0.81 - 0.362 * 0.9 + 0.2767)
    assert energy_factor(45, 7) == pytest.approx(by_hand, rel=1e-12)
    assert round(energy_factor(45, 7), 3) == 0.102
    assert area_factor(45, 7) == 0.059


@given(nodes, nodes, nodes)
def test_factors_chain(first, second, third):
    for factor in (energy_factor, area_factor):
        assert factor(first, second) * factor(second, third) == pytest.approx(factor(first, third))


def test_smaller_nodes_are_smaller_and_draw_less():
    ordered = sorted(ALL, reverse=True)
    for larger, smaller in pairwise(ordered):
        assert energy_factor(larger, smaller) < 1
        assert area_factor(larger, smaller) < 1


def test_interpolated_nodes_lie_on_the_line_between_their_neighbours():
    share = math.log(28 / 20) / math.log(32 / 20)
    assert area_factor(45, 28) == pytest.approx(0.21 ** (1 - share) * 0.46**share)
    assert "28 nm interpolated" in scaling.rule(45, 28, 1.0)
    assert "interpolated" not in scaling.rule(45, 16, 1.0)


def test_cacti_agrees_with_the_interpolated_area_of_22_nm():
    """An independent check of the interpolation: the same tool at both nodes, 1 MiB: 3.26 to 0.778 mm²."""
    assert pytest.approx(area_factor(45, 22), rel=0.05) == 0.778459 / 3.262830


def test_a_lower_supply_saves_energy_and_no_area():
    lower, usual = technology.scaled(16, voltage_v=0.8), technology.scaled(16)
    for primitive in (IntegerAdder(8), Register(8)):
        assert lower.cost(primitive).energy_j < usual.cost(primitive).energy_j
        assert lower.cost(primitive).area_m2 == usual.cost(primitive).area_m2
    assert lower.sram(2**15, 8).read_j < usual.sram(2**15, 8).read_j
    factor = energy_factor(45, 16, 0.9, 0.8)
    ours = lower.cost(IntegerAdder(8)).energy_j / technology.get("45nm").cost(IntegerAdder(8)).energy_j
    assert ours == pytest.approx(factor)
    assert f"x {factor:.4g} " in lower.rule
    assert lower.rule.endswith("0.8 V")


@pytest.mark.parametrize("call", [lambda: energy_factor(45, 5), lambda: area_factor(45, 180)])
def test_outside_the_table_is_refused(call):
    with pytest.raises(InputError, match="outside the scaling table, 7 to 130 nm"):
        call()


def test_a_voltage_without_meaning_is_refused():
    with pytest.raises(InputError, match="above zero, got 0 V"):
        energy_factor(45, 7, 0.9, 0)


def test_both_ways_to_7_nm_are_shipped_and_say_which_they_are():
    tables, rule = technology.get("7nm"), technology.get("7nm_scaled")
    add = IntegerAdder(32)
    assert rule.cost(add).energy_j == pytest.approx(0.1024 * technology.get("45nm").cost(add).energy_j, rel=1e-3)
    assert tables.cost(add).energy_j > 2 * rule.cost(add).energy_j
    assert "Jouppi" in tables.cost(add).source
    assert "Stillmaker" in rule.cost(add).source
    assert "Stillmaker" in tables.cost(add).source.partition("area")[2]
    assert rule.cost(add).area_m2 == tables.cost(add).area_m2
    listed = {number.name: number.value for number in tables.numbers()}
    assert listed["scaling.tables.int8_multiply_from_45nm"] == pytest.approx(0.35)
    assert listed["scaling.tables.int8_add_from_45nm"] == pytest.approx(0.233, abs=1e-3)
    assert listed["scaling.energy_from_45nm"] == pytest.approx(0.102, abs=5e-4)
