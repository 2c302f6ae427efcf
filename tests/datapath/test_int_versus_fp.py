"""The counts of *INT v.s. FP* (arXiv:2510.25602, table 6) by hand, and its ratios from cells fitted to other tables."""

from __future__ import annotations

import math

import pytest

from hwsim import technology
from hwsim.datapath.int_versus_fp import INT8_BY_4, MXFP8, MXINT8, NVFP4, NVINT4, PAIRS, SHARED, UNITS

NODES = ("45nm", "7nm")
RATIOS = {pair.name: pair for pair in PAIRS}


def test_counts_of_integers() -> None:
    assert MXINT8.counts() == {"multiplier": 32 * 8 * 8, "adder": 2 * 32 * 8}
    assert NVINT4.counts() == {"multiplier": 16 * 4 * 4, "adder": 2 * 16 * 4}
    assert INT8_BY_4.counts() == {"multiplier": 16 * 8 * 4, "adder": 16 * (8 + 4)}


def test_counts_of_mxfp8() -> None:
    """E4M3, k = 32: n = min(2^5 + 6, 24) = 24."""
    assert MXFP8.counts() == {
        "multiplier": 32 * 4 * 4,
        "adder": 32 * 24,
        "exponent adder": 32 * 4,
        "exponent subtractor": 32 * 4,
        "comparator": 32 * 4,
        "aligner": pytest.approx(32 * 24 * math.log2(24)),
        "normalizer": pytest.approx(24 * math.log2(24)),
    }


def test_counts_of_nvfp4() -> None:
    """E2M1, k = 16: n = min(2^3 + 2, 24) = 10."""
    assert NVFP4.counts() == {
        "multiplier": 16 * 2 * 2,
        "adder": 16 * 10,
        "exponent adder": 16 * 2,
        "exponent subtractor": 16 * 2,
        "comparator": 16 * 2,
        "aligner": pytest.approx(16 * 10 * math.log2(10)),
        "normalizer": pytest.approx(10 * math.log2(10)),
    }


@pytest.mark.parametrize(
    ("unit", "bits"),
    [(MXFP8, 24), (NVFP4, 10)],
)
def test_aligner_widths(unit: object, bits: int) -> None:
    assert unit.aligner_bits == bits  # type: ignore[attr-defined]


def test_exact_sums_hold_every_lane() -> None:
    assert 1 << (NVINT4.sum_bits - 1) >= 16 * 8 * 8  # 16 products of −8 · −8
    assert NVINT4.sum_bits == 12
    assert NVFP4.sum_bits == 10 + 4


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_lane_holds_the_counted_cells_over_k(unit: object) -> None:
    """Each sub-block's cells per lane are its count over k; what has several kinds of cell has as many of each."""
    for part in unit.parts():  # type: ignore[attr-defined]
        if part.name in SHARED:
            assert part.count in (1 / unit.lanes, 2 / unit.lanes)  # type: ignore[attr-defined]
        elif part.name == "multiplier":
            assert (
                part.primitive.terms()["integer_multiplier_cell"] == unit.counts()["multiplier"] / unit.lanes  # type: ignore[attr-defined]
            )
        else:
            assert part.count == part.per_mac == unit.counts()[part.name] / unit.lanes  # type: ignore[attr-defined]


@pytest.mark.parametrize("node", NODES)
def test_mxint8_over_mxfp8_comes_out_within_15_percent(node: str) -> None:
    """Published 0.63 of the energy and 0.79 of the area."""
    energy, area = RATIOS["MXINT8 / MXFP8"].residuals(technology.get(node))
    assert abs(energy) < 0.11
    assert abs(area) < 0.04


@pytest.mark.parametrize("node", NODES)
def test_nvfp4_over_mxfp8_comes_out_within_15_percent(node: str) -> None:
    energy, area = RATIOS["NVFP4 / MXFP8"].residuals(technology.get(node))
    assert max(abs(energy), abs(area)) < 0.06


@pytest.mark.parametrize(
    ("node", "energy", "area", "lanes_energy", "lanes_area"),
    [("45nm", 0.169, 0.202, -0.087, 0.105), ("7nm", 0.128, 0.202, -0.169, 0.105)],
)
def test_nvint4_over_nvfp4_misses_by_the_shared_parts(
    node: str, energy: float, area: float, lanes_energy: float, lanes_area: float
) -> None:
    """Published 0.62 and 0.70. Accumulator and dequantizer, of which the paper prints no counts, are half a lane."""
    tech, pair = technology.get(node), RATIOS["NVINT4 / NVFP4"]
    assert pair.residuals(tech) == (pytest.approx(energy, abs=1e-3), pytest.approx(area, abs=1e-3))
    bare = pytest.approx(lanes_energy, abs=1e-3), pytest.approx(lanes_area, abs=1e-3)
    assert pair.residuals(tech, shared=False) == bare
    assert pair.shared(tech)[0] > 0.5 * NVINT4.cost(tech).total_energy_per_mac_j
    # Energy lies between lanes alone and lanes with all of the shared parts: a smaller share of them gives it.
    assert 0 < pair.shared_that_would_match(tech)[0] < pair.shared(tech)[0]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
@pytest.mark.parametrize("node", NODES)
def test_what_would_match_does_match(node: str, pair: object) -> None:
    tech = technology.get(node)
    if not pair.same_scale:  # type: ignore[attr-defined]
        return
    for quantity, shared, ratio in zip(
        ("energy_per_mac_j", "area_m2"),
        pair.shared_that_would_match(tech),  # type: ignore[attr-defined]
        pair.published,  # type: ignore[attr-defined]
        strict=True,
    ):
        first, second = (
            sum(value for name, value in getattr(unit.cost(tech), quantity).items() if name not in SHARED)
            for side in pair.energy  # type: ignore[attr-defined]
            for unit in side
        )
        assert (first + shared) / (second + shared) == pytest.approx(ratio)


def test_the_aligner_is_what_a_float_lane_has_more() -> None:
    """The explanation of the ratios: of the float lane's extra energy and area the aligner is the most."""
    for node in NODES:
        cost = MXFP8.cost(technology.get(node))
        for by_part in (cost.energy_per_mac_j, cost.area_m2):
            assert by_part["aligner"] == max(by_part.values())
