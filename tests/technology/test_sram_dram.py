"""SRAM between and beyond its points; DRAM bandwidths from the standards' data rates."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import technology
from hwsim.base.errors import InputError
from hwsim.technology import dram
from hwsim.technology.sram import AREA_M2, CACTI, READ_J, interpolate, write_ratio

NAMES = technology.names()
KIB, MIB = 2**10, 2**20


@given(st.integers(64, 2**28), st.integers(1, 2**20), st.sampled_from(NAMES))
def test_a_larger_sram_draws_more_and_is_larger(capacity, more, name):
    tech = technology.get(name)
    small, large = tech.sram(capacity, 8), tech.sram(capacity + more, 8)
    assert 0 < small.read_j <= large.read_j
    assert 0 < small.area_m2 <= large.area_m2
    assert small.write_j <= large.write_j
    assert small.write_j > small.read_j


@given(st.integers(64, 2**28), st.integers(1, 512))
def test_energy_is_proportional_to_width_and_area_is_not(capacity, width):
    tech = technology.get("7nm")
    one, wide = tech.sram(capacity, 1), tech.sram(capacity, width)
    assert wide.read_j == pytest.approx(width * one.read_j)
    assert wide.area_m2 == one.area_m2


def test_between_points_the_value_is_log_log_interpolated():
    """16 KiB lies half-way between 8 and 32 KiB: the geometric mean."""
    cost = technology.get("45nm").sram(16 * KIB, 8)
    assert cost.read_j == pytest.approx(math.sqrt(6.137e-12 * 17.04e-12))
    assert cost.area_m2 == pytest.approx(math.sqrt(26267e-12 * 94860e-12))
    assert "between 8 KiB and 32 KiB" in cost.source


@pytest.mark.parametrize("capacity", [KIB, 4 * MIB])
def test_beyond_the_points_it_says_so(capacity):
    assert "extrapolated" in technology.get("45nm").sram(capacity, 8).source
    assert "extrapolated" not in technology.get("45nm").sram(64 * KIB, 8).source


def test_extrapolation_keeps_the_slope_of_the_last_pair():
    value, _ = interpolate(READ_J[45], 4 * MIB)
    assert value == pytest.approx(93.52e-12 * 93.52 / 44.72)


def test_7_nm_takes_its_energy_from_its_own_table_and_area_from_45_nm():
    cost = technology.get("7nm").sram(MIB, 8)
    assert cost.read_j == 14e-12
    assert cost.area_m2 == pytest.approx(0.059 * AREA_M2[45][MIB][0])
    assert "Jouppi" in cost.source
    assert f"{CACTI}, 45 nm, 1 MiB x 0.059 (Stillmaker & Baas 2017, 45 to 7 nm)" in cost.source


def test_tpu_v4i_memories_come_back():
    """Read / write in pJ per bit: 4 MB 0.249 / 0.293, 128 MB 1.88 / 2.36."""
    for capacity, read, write in ((4 * MIB, 0.249e-12, 0.293e-12), (128 * MIB, 1.88e-12, 2.36e-12)):
        cost = technology.get("7nm").sram(capacity, 8)
        assert cost.read_j / 64 == pytest.approx(read)
        assert cost.write_j / 64 == pytest.approx(write)


def test_the_write_ratio_is_held_outside_its_points():
    assert write_ratio(KIB) == write_ratio(4 * MIB) == pytest.approx(0.293 / 0.249)
    assert write_ratio(2**30) == pytest.approx(2.36 / 1.88)
    assert write_ratio(4 * MIB) < write_ratio(32 * MIB) < write_ratio(128 * MIB)


def test_22_nm_keeps_cactis_own_points_and_16_nm_scales_those_of_45():
    assert technology.get("22nm").sram(8 * KIB, 8).read_j == 1.590e-12
    found = technology.get("16nm")
    factor = technology.base.scaling.energy_factor(45, 16)
    assert found.sram(8 * KIB, 8).read_j == pytest.approx(factor * 6.137e-12)


@pytest.mark.parametrize(("capacity", "width"), [(0, 8), (1024, 0), (-1, 8)])
def test_an_empty_sram_is_refused(capacity, width):
    with pytest.raises(ValueError, match="above zero"):
        technology.get("7nm").sram(capacity, width)


@pytest.mark.parametrize(
    ("standard", "gigabytes", "part"),
    [
        ("DDR4", 25.6, "channel"),
        ("DDR5", 38.4, "channel"),
        ("LPDDR4", 17.064, "channel"),
        ("LPDDR5", 25.6, "channel"),
        ("GDDR6", 64, "channel"),
        ("HBM2", 256, "stack"),
        ("HBM2E", 460, "stack"),
        ("HBM3", 819, "stack"),
        ("HBM3E", 1177.6, "stack"),
    ],
)
def test_bandwidths(standard, gigabytes, part):
    found = technology.get("7nm").dram(standard.lower())
    assert found.standard == standard
    assert found.bandwidth_bytes_per_s == pytest.approx(gigabytes * 1e9)
    assert found.part == part


def test_standards_without_a_published_energy_are_labelled():
    for standard, relative in (("DDR5", "DDR4"), ("LPDDR5", "LPDDR4"), ("HBM2E", "HBM2"), ("HBM3E", "HBM3")):
        assert dram.get(standard).status == "assumed"
        assert dram.get(standard).energy_j_per_bit == dram.get(relative).energy_j_per_bit
        assert f"{relative}'s energy" in dram.get(standard).source


def test_dram_energy_is_the_same_at_every_logic_node():
    assert len({technology.get(name).dram("HBM3").energy_j_per_bit for name in NAMES}) == 1


def test_an_unknown_standard_gets_the_nearest_name():
    with pytest.raises(InputError, match="unknown DRAM standard 'HBM4'; did you mean 'HBM3'"):
        dram.get("HBM4")
