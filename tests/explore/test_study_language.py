"""Ranges, constraints, and the study file itself: what is understood and what is refused, in one line."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.document import parse_document
from hwsim.base.errors import InputError
from hwsim.base.validate import validate
from hwsim.explore.constraint import Constraint
from hwsim.explore.space import Range, design, drawn, grid, size
from hwsim.explore.study import Study, load_study


def levels(**range_) -> list:
    return Range.model_validate({key.rstrip("_"): value for key, value in range_.items()}).levels()


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ({"from_": 10, "to": 14}, [10, 11, 12, 13, 14]),
        ({"from_": 7, "to": 7}, [7]),
        ({"from_": 1, "to": 10, "step": 4}, [1, 5, 9]),
        ({"from_": 8, "to": 64, "factor": 2}, [8, 16, 32, 64]),
        ({"from_": 8, "to": 63, "factor": 2}, [8, 16, 32]),
        ({"from_": 0.1, "to": 0.5, "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"from_": 1, "to": 4, "factor": 1.5}, [1, 1.5, 2.25, 3.375]),
        ({"from_": "64 KiB", "to": "512 KiB", "factor": 2}, ["64 KiB", "128 KiB", "256 KiB", "512 KiB"]),
        ({"from_": "0.5 GHz", "to": "1.5 GHz", "step": "0.5 GHz"}, ["0.5 GHz", "1 GHz", "1.5 GHz"]),
        ({"from_": -2, "to": 1}, [-2, -1, 0, 1]),
    ],
)
def test_range_levels(range_, expected):
    found = levels(**range_)
    assert found == expected
    assert [type(level) for level in found] == [type(level) for level in expected]


@pytest.mark.parametrize(
    ("range_", "message"),
    [
        ({"from_": 5, "to": 4}, "must not be above"),
        ({"from_": 0.1, "to": 0.5}, "'step' or a 'factor'"),
        ({"from_": 1, "to": 8, "factor": 1}, "above 1"),
        ({"from_": 0, "to": 8, "factor": 2}, "above 0"),
        ({"from_": 1, "to": 8, "step": 1, "factor": 2}, "not both"),
        ({"from_": 1, "to": 8, "step": 0}, "positive"),
        ({"from_": "1 KiB", "to": "1 MiB", "factor": 2}, "one unit"),
        ({"from_": "wide", "to": 3}, "expected a number"),
        ({"from_": 0, "to": 10**9}, "more than"),
        ({"from_": 1, "to": 1e300, "factor": 1.000001}, "more than"),
    ],
)
def test_range_refuses(range_, message):
    with pytest.raises(ValueError, match=message):
        levels(**range_)


@given(st.integers(-50, 50), st.integers(0, 200), st.integers(1, 40), st.integers(0, 3))
def test_decimal_ranges_are_exact(first, span, step, places):
    scale = 10**places
    found = levels(from_=first / scale, to=(first + span) / scale, step=step / scale)
    assert found == [float(Decimal(first + position * step) / scale) for position in range(span // step + 1)]


axes_ = st.dictionaries(
    st.text("abc.", min_size=1, max_size=4),
    st.lists(st.integers(), min_size=1, max_size=4, unique=True),
    min_size=1,
    max_size=4,
)


@given(axes_, st.integers(1, 300), st.integers(0, 9))
def test_grid_and_sample(axes, count, seed):
    designs = list(grid(axes))
    assert len(designs) == size(axes) == math.prod(map(len, axes.values()))
    assert len({tuple(each.items()) for each in designs}) == len(designs)
    assert designs[0] == {path: each[0] for path, each in axes.items()}
    last = list(axes)[-1]
    assert [each[last] for each in designs[: len(axes[last])]] == axes[last]  # the last path varies fastest
    sample = drawn(axes, count, seed)
    positions = [designs.index(each) for each in sample]
    assert positions == sorted(set(positions))
    assert len(sample) == min(count, len(designs))
    assert sample == drawn(axes, count, seed)
    assert design(axes, len(designs) - 1) == designs[-1]


@pytest.mark.parametrize(
    ("text", "metric", "limit"),
    [
        ("area <= 5 mm2", "area", 5e-6),
        ("area<=5mm²", "area", 5e-6),
        ("area < 300 um2", "area", 300 / 1e12),
        ("energy <= 12 uJ", "energy", 12 / 1e6),
        ("accuracy >= 97 %", "accuracy", 0.97),
        ("accuracy >= 0.97", "accuracy", 0.97),
        ("sqnr > 20 dB", "sqnr", 20.0),
        ("sqnr ≥ 20", "sqnr", 20.0),
        ("cycles < 1e6", "cycles", 1e6),
        ("time <= 3 ms", "time", 3 / 1e3),
        ("power <= 2 W", "power", 2.0),
        ("edp <= 5 nJ s", "edp", 5 / 1e9),
    ],
)
def test_constraints_with_units(text, metric, limit):
    constraint = Constraint.parse(text)
    assert (constraint.metric, constraint.limit) == (metric, limit)


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [("<=", True, True, False), ("<", True, False, False), (">=", False, True, True), (">", False, False, True)],
)
def test_constraints_at_their_limit(comparison, below, at, above):
    constraint = Constraint.parse(f"cycles {comparison} 100")
    assert [constraint.satisfied({"cycles": value}) for value in (99, 100, 101)] == [below, at, above]
    assert not constraint.satisfied({"cycles": None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("area = 5 mm2", "expected a constraint"),
        ("aera <= 5 mm2", "did you mean 'area'"),
        ("area <= 5 J", "unknown unit 'J'"),
        ("accuracy >= good", "expected a fraction"),
        ("energy <=", "expected a constraint"),
    ],
)
def test_constraints_refuse(text, message):
    with pytest.raises(ValueError, match=message):
        Constraint.parse(text)


STUDY = """\
name: widths
architecture: a.yaml
workloads: [w.yaml]
vary:
  compute.bits: {from: 1, to: 3}
  compute.mode: [wrap, saturate]
constraints: [area <= 5 mm2]
objectives: {accuracy: max, area: min}
"""


def study(text: str) -> Study:
    return validate(Study, parse_document(text, "s.yaml"))


def test_study_designs_in_order():
    designs = study(STUDY).designs()
    assert designs[:3] == [
        {"compute.bits": 1, "compute.mode": "wrap"},
        {"compute.bits": 1, "compute.mode": "saturate"},
        {"compute.bits": 2, "compute.mode": "wrap"},
    ]
    assert len(designs) == 6


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("area <= 5 mm2", "aera <= 5 mm2", "s.yaml:7:15: constraints[0]:", "did you mean 'area'"),
        ("{from: 1, to: 3}", "{from: 3, to: 1}", "s.yaml:5:17: vary.compute.bits", "must not be above"),
        ("[wrap, saturate]", "[wrap, wrap]", "s.yaml:6:17: vary.compute.mode", "twice"),
        ("[wrap, saturate]", "[]", "s.yaml:6:17: vary.compute.mode", ""),
        ("accuracy: max", "accuracy: up", "s.yaml:8:", "max"),
        ("accuracy: max", "acuracy: max", "s.yaml:8:", "accuracy"),
        ("objectives:", "objectivs:", "s.yaml:8:1:", "objectivs"),
        ("name: widths", "name: ../widths", "s.yaml:1:7: name:", ""),
        ("to: 3", "to: 9000", "s.yaml:1:1:", "18000 designs"),
    ],
)
def test_study_refuses_in_one_line(old, new, place, message, monkeypatch):
    monkeypatch.setattr("hwsim.explore.study.MAX_DESIGNS", 10_000)
    with pytest.raises(InputError) as caught:
        study(STUDY.replace(old, new))
    line = str(caught.value)
    assert line.startswith(place)
    assert message in line
    assert "\n" not in line


def test_random_search_needs_its_number():
    with pytest.raises(InputError, match="how many designs"):
        study(STUDY + "search: {method: random}\n")
    assert len(study(STUDY + "search: {method: random, n: 4, seed: 1}\n").designs()) == 4


def test_missing_files_are_named(tmp_path):
    (tmp_path / "s.yaml").write_text(STUDY)
    with pytest.raises(InputError, match=r"s\.yaml:2:15: architecture: 'a\.yaml'"):
        load_study(tmp_path / "s.yaml")
