"""Mean squared errors in closed form: the table of arXiv:2208.09225, and plain numerical integration."""

import math
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.formats.analysis import (
    CLIPPED_STUDENT_T,
    DISTRIBUTIONS,
    FORMATS,
    GAUSSIAN,
    UNIFORM,
    Distribution,
    best_clip,
    exponent_table,
    grid,
    mean_squared_error,
)
from hwsim.formats.analysis.exponent import student_t

TABLE = {
    "uniform": {"5E2M": 31.05, "4E3M": 37.18, "3E4M": 43.26, "2E5M": 49.26, "INT8": 52.90},
    "gaussian": {"5E2M": 25.58, "4E3M": 31.56, "3E4M": 37.56, "2E5M": 42.67, "INT8": 40.54},
    "student_t": {"5E2M": 24.31, "4E3M": 30.29, "3E4M": 36.27, "2E5M": 37.18, "INT8": 33.14},
}
"""−10 log10 MSE at the best clip."""

DENSITIES = {
    "uniform": lambda t: 0.5 * (abs(t) <= 1),
    "gaussian": lambda t: math.exp(-t * t / 2) / math.sqrt(2 * math.pi),
    # Γ(9/2) / (√(8π) Γ(4)) (1 + t²/8)^(−9/2)
    "student_t": lambda t: math.gamma(4.5) / (math.sqrt(8 * math.pi) * 6) * (1 + t * t / 8) ** -4.5,
}


@lru_cache
def table():
    return exponent_table()


@pytest.mark.parametrize("label", FORMATS)
@pytest.mark.parametrize("distribution", TABLE)
def test_the_table_comes_back_to_its_last_digit(distribution, label):
    assert round(table()[distribution][label], 2) == TABLE[distribution][label]


def test_the_table_is_whole():
    assert table().keys() == TABLE.keys() == DISTRIBUTIONS.keys()
    assert all(row.keys() == FORMATS.keys() for row in table().values())


def simpson(function, low, high, pieces=None):
    pieces = pieces or 16 + math.ceil(100 * (high - low))
    width = (high - low) / (2 * pieces)
    inner = math.fsum(function(low + i * width) * (4 if i % 2 else 2) for i in range(1, 2 * pieces))
    return width / 3 * (function(low) + inner + function(high))


def integrated(points, density, limit):
    """E[(X − q(X))²] by Simpson's rule between the edges of all cells."""
    edges = [-limit, *(x for x in (points[1:] + points[:-1]) / 2 if -limit < x < limit), limit]

    def squared_error(q):
        return lambda t: (t - q) ** 2 * density(t)

    def nearest(x):
        return min(points, key=lambda q: abs(q - x))

    cells = pairwise(edges)
    return math.fsum(simpson(squared_error(nearest((low + high) / 2)), low, high) for low, high in cells)


@pytest.mark.parametrize("clip", [0.6, 1.0, 2.5, 7.0])
@pytest.mark.parametrize("name", ["e2m1fn", "e2m3fn", "int4", "int4_symmetric"])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_closed_forms_are_numerical_integrals(distribution, name, clip):
    points = grid(get(name)) * clip
    chosen = DISTRIBUTIONS[distribution]
    limit = {"uniform": 1.0, "gaussian": 9.0, "student_t": 8.0}[distribution]
    # A limit of 8 makes the clipped values of Student's t count: 4e-5 of them.
    expected = integrated(points, DENSITIES[distribution], limit)
    if distribution == "student_t":
        chosen = replace(chosen, limit=limit)
        beyond = simpson(DENSITIES[distribution], limit, 200.0)  # 1e-16 lies beyond 200
        ends = [limit - points[-1], -limit - points[0]]
        expected += beyond * sum(max(end * sign, 0) ** 2 for end, sign in zip(ends, (1, -1), strict=True))
    assert mean_squared_error(points, chosen) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("distribution", "variance"), [(UNIFORM, 1 / 3), (GAUSSIAN, 1.0), (CLIPPED_STUDENT_T, 8 / 6)])
def test_everything_rounds_to_zero_on_a_grid_of_zero(distribution, variance):
    """The error is the variance; the clip at 100 takes 1e-8 of Student's."""
    assert mean_squared_error(np.zeros(1), distribution) == pytest.approx(variance, rel=1e-7)


@pytest.mark.parametrize("degrees", [4, 6, 8, 10])
def test_student_t_with_other_degrees_of_freedom(degrees):
    """Total probability ½ on each side and variance ν / (ν − 2)."""
    integrals = Distribution("t", student_t(degrees)).integrals(np.array([0.0, np.inf]))
    assert integrals[0, 0] == pytest.approx(0.5, abs=1e-14)
    assert 2 * integrals[2, 0] == pytest.approx(degrees / (degrees - 2), rel=1e-14)


@pytest.mark.parametrize("degrees", [0, 2, 7])
def test_degrees_of_freedom_without_a_closed_form(degrees):
    with pytest.raises(InputError, match=f"even degrees of freedom from 4, got {degrees}"):
        student_t(degrees)


def test_a_uniform_grid_that_fits_has_the_noise_of_its_step():
    """255 cells of step 1 / 127.5 fill [−1, 1]: step² / 12, which the best clip, found to 1e-10, does not exceed."""
    fitting = grid(FORMATS["INT8"]) * (127 / 127.5)
    assert mean_squared_error(fitting, UNIFORM) == pytest.approx(127.5**-2 / 12, rel=1e-12)
    assert best_clip(FORMATS["INT8"], UNIFORM).mean_squared_error <= 127.5**-2 / 12 * (1 + 1e-9)


def test_grids():
    np.testing.assert_array_equal(grid(get("int4")), np.arange(-8, 8) / 7)
    np.testing.assert_array_equal(grid(get("int4_symmetric")), np.arange(-7, 8) / 7)
    halves = np.array([0, 1, 2, 3, 4, 6, 8, 12]) / 12
    np.testing.assert_array_equal(grid(get("e2m1fn")), np.unique([*halves, *-halves]))
    assert grid(get("e4m3")).size == 2 * 119 + 1  # OCP: 2**7 − 8 codes of infinity and NaN − zero, on each side


def test_clips_beyond_the_data_can_help_a_float():
    points = grid(FORMATS["5E2M"])
    beyond = min(mean_squared_error(points * clip, UNIFORM) for clip in np.linspace(13.2, 13.6, 41))
    within = best_clip(FORMATS["5E2M"], UNIFORM)
    assert round(-10 * math.log10(beyond), 2) > round(within.decibels, 2) == 31.05
    assert within.clip <= 1


def test_the_256th_value_of_int8_is_not_in_the_table():
    full = best_clip(get("int8"), GAUSSIAN).decibels
    assert 0.02 < full - TABLE["gaussian"]["INT8"] < 0.04
