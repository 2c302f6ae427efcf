"""Error measures against their definitions."""

import math

import numpy as np
import pytest

from hwsim import formats
from hwsim.engine.metrics import last_place, max_ulp, relative_l2, sqnr_db


def test_sqnr_of_a_tenth_of_the_amplitude_is_20_db() -> None:
    reference = np.array([3.0, 4.0])
    assert sqnr_db(reference * 1.1, reference) == pytest.approx(20, abs=1e-9)
    assert relative_l2(reference * 1.1, reference) == pytest.approx(0.1, abs=1e-12)


@pytest.mark.parametrize(
    "computed, reference", [([1.0], [1.0]), ([1.0], [0.0]), ([math.inf], [1.0]), ([math.nan], [1.0])]
)
def test_sqnr_without_a_finite_value_is_none(computed: list[float], reference: list[float]) -> None:
    assert sqnr_db(np.array(computed), np.array(reference)) is None


def test_last_place_on_both_sides_of_a_binade_and_among_subnormals() -> None:
    fp16 = formats.get("fp16")
    x = np.array([1.0, np.nextafter(1.0, 0), 2.0**-14, 2.0**-24, 0.0, 65504.0])
    assert last_place(x, fp16).tolist() == [2**-10, 2**-11, 2**-24, 2**-24, 2**-24, 32.0]


def test_last_place_of_integers_is_one() -> None:
    assert last_place(np.array([0.0, 1e6]), formats.get("int32")).tolist() == [1.0, 1.0]


def test_max_ulp_counts_last_places_of_the_exact_value() -> None:
    fp16 = formats.get("fp16")
    assert max_ulp(np.array([1.0 + 3 * 2**-10, 5.0]), np.array([1.0, 5.0]), fp16) == 3.0
    assert max_ulp(np.array([np.inf]), np.array([1.0]), fp16) is None
    assert max_ulp(np.empty(0), np.empty(0), fp16) == 0.0
