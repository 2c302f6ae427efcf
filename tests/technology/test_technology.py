"""`Technology` as a whole: names, look-up, and that nothing is shown without source and status."""

import math
import subprocess
import sys

import pytest

from hwsim import technology
from hwsim.base.errors import InputError
from hwsim.technology import FloatMultiplier

STATUSES = ("read", "measured", "recalled", "assumed", "comparison", "fitted", "scaled (", "ratio ")


@pytest.mark.parametrize("name", technology.names())
def test_every_number_carries_source_and_status(name):
    numbers = technology.get(name).numbers()
    for number in numbers:
        assert number.source, number
        assert number.status.startswith(STATUSES), number
        assert math.isfinite(number.value), number
        assert number.unit in {"J", "m2", "s", "F", "1", "J/bit", "B/s", "W/m2", "J/bit/m"}, number
    assert len({number.name for number in numbers}) == len(numbers)


@pytest.mark.parametrize("name", technology.names())
def test_a_technology_is_found_by_its_own_name(name):
    found = technology.get(name)
    assert found.name == name
    assert technology.get(name) is found
    assert name.startswith(f"{found.node_nm}nm")


def test_shown_numbers_are_those_that_are_used():
    tech = technology.get("7nm")
    listed = {number.name: number.value for number in tech.numbers()}
    terms = FloatMultiplier(4, 4).terms()
    by_hand = sum(count * listed[f"{term}.energy"] for term, count in terms.items())
    assert tech.cost(FloatMultiplier(4, 4)).energy_j == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [("7mn", "7nm"), ("46nm", "45nm"), ("5 nm", "7nm"), ("12", "14nm"), ("7nm_scale", "7nm_scaled")],
)
def test_an_unknown_node_gets_the_nearest_name(wrong, nearest):
    with pytest.raises(InputError, match=f"unknown technology '{wrong}'; did you mean '{nearest}'"):
        technology.get(wrong)


def test_spelling_with_a_space_or_capitals_is_understood():
    assert technology.get("7 NM") is technology.get("7nm")


def test_the_rule_in_use_is_stated():
    assert technology.get("45nm").rule == "own table at 45 nm"
    assert technology.get("7nm").rule == "own table at 7 nm; areas from 45 nm by Stillmaker & Baas 2017"
    assert "Stillmaker & Baas 2017, 45 to 16 nm" in technology.get("16nm").rule


def test_importing_costs_no_heavy_library():
    code = (
        "import sys, hwsim.technology, hwsim.memory as m; m.memories.names();"
        "sys.exit(any(name in sys.modules for name in ('numba', 'pandas', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
