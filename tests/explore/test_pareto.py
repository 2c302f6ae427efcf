"""The front against its definition, taken literally."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.explore.pareto import pareto_front


def dominates(p, q) -> bool:
    return all(a <= b for a, b in zip(p, q, strict=True)) and any(a < b for a, b in zip(p, q, strict=True))


def by_definition(rows) -> list[bool]:
    known = [row for row in rows if not any(np.isnan(row))]
    return [not any(np.isnan(row)) and not any(dominates(other, row) for other in known) for row in rows]


# Few different values, so that ties and equal rows are common.
values = st.sampled_from([-1.0, 0.0, 1.0, 2.0, 3.0, float("inf"), float("-inf"), float("nan")]) | st.floats(-2, 2)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[values] * width), min_size=1, max_size=24)))
def test_front_is_what_no_other_row_dominates(rows):
    assert pareto_front(np.array(rows)).tolist() == by_definition(rows)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40))
def test_two_objectives_with_many_ties(rows):
    assert pareto_front(np.array(rows, dtype=float)).tolist() == by_definition(rows)


def test_two_objectives_scale():
    ramp = np.arange(200_000.0)
    assert pareto_front(np.column_stack([ramp, -ramp])).all()
    assert pareto_front(np.column_stack([ramp, ramp])).sum() == 1


def test_shape_is_checked():
    with pytest.raises(ValueError, match="shape"):
        pareto_front(np.zeros(3))
