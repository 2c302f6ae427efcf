"""Neighbours, gaps and counts of every kind of format, by the sorted list of its values."""

import numpy as np
import pytest
from _reference import EVERY_KIND, finite_values

from hwsim.formats import get

SMALL = [fmt for fmt in EVERY_KIND if 2 <= fmt.bits <= 12]


@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_neighbours_are_those_of_the_sorted_values(fmt):
    values = finite_values(fmt)
    values = values[values >= fmt.min]  # the most negative code of a symmetric range is never made
    np.testing.assert_array_equal(fmt.next_up(values[:-1]), values[1:])
    np.testing.assert_array_equal(fmt.next_down(values[1:]), values[:-1])
    between = (values[:-1] + values[1:]) / 2
    np.testing.assert_array_equal(fmt.next_up(between), values[1:])
    np.testing.assert_array_equal(fmt.next_down(between), values[:-1])
    end = np.inf if fmt.has_inf else values[-1]
    assert fmt.next_up(values[-1]) == end and fmt.next_up(np.inf) == end
    assert np.isnan(fmt.next_up(np.nan)) and np.isnan(fmt.ulp(np.nan))
    assert fmt.value_count == np.unique(fmt.values()[np.isfinite(fmt.values())]).size


@pytest.mark.parametrize("fmt", SMALL, ids=str)
def test_ulp_is_the_gap_that_holds_the_magnitude(fmt):
    values = finite_values(fmt)
    values = values[values >= 0]
    gaps = np.diff(values)
    np.testing.assert_array_equal(fmt.ulp(values[:-1]), gaps)
    np.testing.assert_array_equal(fmt.ulp((values[:-1] + values[1:]) / 2), gaps)
    np.testing.assert_array_equal(fmt.ulp([values[-1], 2 * values[-1], np.inf]), [gaps[-1]] * 3)
    np.testing.assert_array_equal(fmt.spacing(-values[1:-1]), -gaps[1:])
    assert fmt.dynamic_range_db == pytest.approx(20 * np.log10(values[-1] / values[values > 0][0]), rel=1e-12)
    assert fmt.binades == pytest.approx(np.log2(values[-1] / values[values > 0][0]), rel=1e-12)


@pytest.mark.parametrize(("name", "dtype"), [("fp16", np.float16), ("fp32", np.float32), ("fp64", np.float64)])
def test_wide_floats_have_numpy_s_neighbours(name, dtype):
    fmt = get(name)
    x = np.random.default_rng(0).standard_cauchy(500).astype(dtype)
    x = np.concatenate([x, np.array([0, 1, 2, -1, np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal], dtype)])
    np.testing.assert_array_equal(fmt.next_up(x), np.nextafter(x, dtype(np.inf)))
    np.testing.assert_array_equal(fmt.next_down(x), np.nextafter(x, dtype(-np.inf)))
    np.testing.assert_array_equal(fmt.ulp(x), np.spacing(np.abs(x)))
    np.testing.assert_array_equal(fmt.next_up(np.finfo(dtype).max), np.inf)


def test_what_lies_below_the_first_string_is_not_zero():
    """2**−255 would be a takum's string of no bit set, which is zero's."""
    takum = get("takum_linear16")
    assert takum.smallest == 2.0**-255 * (1 + 2.0**-4)
    tiny = [2.0**-255, -(2.0**-255), 2.0**-300]
    for mode, expected in (("ru", [1, 0, 1]), ("rd", [0, 0xFFFF, 0]), ("rz", [0, 0, 0]), ("odd", [1, 0xFFFF, 1])):
        assert takum.encode(tiny, mode).tolist() == expected
