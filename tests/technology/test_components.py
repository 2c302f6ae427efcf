"""Components by name: the same numbers as the technology's, and errors that help."""

import pytest

from hwsim import technology
from hwsim.base.errors import InputError
from hwsim.technology import FloatMultiplier, IntegerAdder, IntegerMultiplier, Register, chip
from hwsim.technology.components import component, names, primitive
from hwsim.technology.published import rows
from hwsim.technology.scaling import energy_factor


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("int8_multiply", IntegerMultiplier(8, 8)),
        ("multiplier:int8", IntegerMultiplier(8, 8)),
        ("multiplier:8x4", IntegerMultiplier(8, 4)),
        ("adder:int32", IntegerAdder(32)),
        ("adder:24", IntegerAdder(24)),
        ("fp16_multiply", FloatMultiplier(5, 11)),
        ("multiplier:e4m3fn", FloatMultiplier(4, 4)),
        ("register:16", Register(16)),
    ],
)
def test_a_name_is_a_primitive(name, expected):
    assert primitive(name) == expected
    tech = technology.get("7nm")
    found, cost = component(name, tech), tech.cost(expected)
    assert [number.value for number in found[:3]] == [cost.energy_j, cost.area_m2, cost.gate_delays]
    assert all(number.source and number.status for number in found)


@pytest.mark.parametrize("node", ["45nm", "7nm"])
def test_every_published_row_is_a_component_and_stands_beside_the_model(node):
    tech = technology.get(node)
    for row in rows(tech.node_nm):
        values = {number.name: number.value for number in component(row.name, tech)}
        assert values[f"published.{row.name}.energy"] == row.energy_j


def test_memories_wires_clock_and_leakage_have_names():
    tech = technology.get("45nm")
    sram = {number.name: number.value for number in component("sram:64KiB:8B", tech)}
    assert sram["sram:64KiB:8B.read"] == tech.sram(1 << 16, 8).read_j == 8 * sram["sram:64KiB:8B.read_per_byte"]
    assert component("dram:hbm3", tech)[0].value == tech.dram("HBM3").energy_j_per_bit
    # α ½ C V² = ½ · ½ · 0.2 pF · 0.81 V²
    assert component("wire:1mm", tech)[0].value == pytest.approx(40.5e-15)
    assert component("clock:1000", tech)[0].value == pytest.approx(1000 * 0.95e-15 * 0.81)
    # Aladdin: (0.07786 + 0.00225) mW on (6351.3 + 278.0) µm²
    assert component("leakage:1mm2", tech)[0].value == pytest.approx(12.08e-3, rel=1e-3)


def test_clock_and_wires_follow_node_and_supply():
    here, there = technology.get("45nm"), technology.get("16nm", 0.7)
    clock = [component("clock:1", tech)[0].value for tech in (here, there)]
    assert clock[1] / clock[0] == pytest.approx(energy_factor(45, 16, 0.9, 0.7))
    wire = [component("wire:1mm", tech)[0].value for tech in (here, there)]
    assert wire[1] / wire[0] == pytest.approx((0.7 / 0.9) ** 2)
    statuses = {number.name: number.status for number in chip.numbers(40, 0.9)}
    assert (statuses[chip.LOGIC], statuses[chip.SRAM]) == ("read", "assumed")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("int8_mutiply", "unknown component 'int8_mutiply'; did you mean 'int8_multiply'"),
        ("adder", "expected adder:int32, adder:fp16 or adder:24, got 'adder'"),
        ("adder:int33x", "did you mean 'int32'"),
        ("register:0", "expected register:bits"),
        ("multiplexer:8", "expected multiplexer:bits:ways"),
        ("gate:xor3", "unknown gate 'xor3'; did you mean 'xor2'"),
        ("sram:64KiB", "expected sram:capacity:width"),
        ("sram:64KiB:8J", "unknown unit 'J'"),
        ("dram:HBM9", "did you mean 'HBM3'"),
        ("multiplier:posit16_1", "expected an integer or a floating-point format"),
    ],
)
def test_an_unknown_component_gets_the_form_or_the_nearest_name(wrong, words):
    with pytest.raises(InputError) as caught:
        component(wrong, technology.get("7nm"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_kinds_have_a_name():
    assert {"adder", "sram", "dram", "wire", "register", "int8_multiply"} <= set(names())


@pytest.mark.parametrize(("name", "volts"), [("7nm", 0.7), ("45nm", 1.1), ("22nm", 0.8), ("16nm_from_7nm", 0.9)])
def test_another_supply_or_origin_scales_every_energy_and_says_so(name, volts):
    tech = technology.get(name, volts)
    origin = technology.get("7nm" if "7nm" in name else "45nm")
    factor = energy_factor(origin.node_nm, tech.node_nm, 0.9, volts)
    for item in (IntegerMultiplier(8, 8), FloatMultiplier(5, 11)):
        assert tech.cost(item).energy_j == pytest.approx(factor * origin.cost(item).energy_j)
    assert tech.sram(1 << 16, 8).read_j == pytest.approx(factor * origin.sram(1 << 16, 8).read_j)
    assert f"x {factor:.4g} (Stillmaker & Baas 2017" in tech.cost(IntegerAdder(8)).source
    assert f"{volts:g} V" in tech.rule
    assert tech.statuses["IntegerAdder"].startswith("scaled (")


def test_the_tables_own_supply_changes_nothing():
    assert technology.get("7nm", 0.9) is technology.get("7nm")
