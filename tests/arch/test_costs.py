"""`costs:` of an architecture: every price has a name, and what is written there is what is used."""

import pytest
import yaml

from hwsim.arch import Architecture
from hwsim.base.document import parse_document
from hwsim.base.errors import InputError
from hwsim.base.shipped import shipped
from hwsim.technology import chip

SHIPPED = sorted(shipped("archs"))
TEXT = """\
name: a
technology: {node: 7nm, clock: 1 GHz}
memories:
  dram:   {kind: dram, standard: HBM2}
  buffer: {kind: sram, capacity: 1 MiB, width: 64 B, read_energy: 1 pJ/B}
compute:
  kind: systolic
  rows: 8
  cols: 8
  dataflow: weight_stationary
  pe: {operands: {a: int8, b: int8}, accumulator: {kind: integer, bits: 24, overflow: wrap}}
quantization:
  weights:     {format: int8, granularity: channel, scale: absmax}
  activations: {format: int8, granularity: tensor, scale: absmax}
costs:
"""
LINE = TEXT.count("\n") + 1
WRITTEN = {"J": 3e-12, "J/B": 4e-12, "m2": 5e-6, "W/m2": 6.0, "J/bit": 7e-15, "J/bit/m": 8e-10}


def read(costs: str, text: str = TEXT) -> Architecture:
    return Architecture.from_document(parse_document(text + costs, "a.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_price_has_a_name_a_source_and_a_status(name):
    numbers = Architecture.load(name).prices.numbers()
    assert len({number.name for number in numbers}) == len(numbers)
    for number in numbers:
        assert number.source and number.status and number.value >= 0, number


@pytest.mark.parametrize("name", SHIPPED)
def test_every_price_can_be_written_one_by_one(name):
    architecture = Architecture.load(name)
    data = architecture.data()
    for number in architecture.prices.numbers():
        written = architecture.override({"costs": {number.name: WRITTEN[number.unit]}}).prices.numbers()
        found = next(each for each in written if each.name == number.name)
        assert (found.value, found.source, found.status) == (
            WRITTEN[number.unit], "written in the architecture", "written",
        )  # fmt: skip
    assert architecture.data() == data


def test_units_of_all_kinds_are_understood():
    found = read(
        "  compute.mac: 0.084 pJ\n  dram.read: 7.03 pJ/bit\n  buffer.write: 2 pJ/B\n  buffer.area: 1.2 mm2\n"
        "  clock.energy_per_bit: 0.2 fJ\n  wires.energy_per_bit: 80 fJ/bit/mm\n  leakage.logic: 12 mW/mm2\n"
        "  leakage.sram: 5\n  compute.multiplier.area: 100 um2\n"
    ).prices
    values = {number.name: number.value for number in found.numbers()}
    assert values["compute.mac"] == pytest.approx(0.084e-12)
    assert values["dram.read"] == pytest.approx(8 * 7.03e-12)
    assert values["buffer.read"] == pytest.approx(1e-12)  # the memory's own key still counts
    assert values["buffer.write"] == pytest.approx(2e-12)
    assert values["buffer.area"] == pytest.approx(1.2e-6)
    assert values["compute.multiplier.area"] == pytest.approx(100e-12)
    assert values[chip.CLOCK] == pytest.approx(0.2e-15)
    assert values[chip.WIRE] == pytest.approx(80e-12)
    assert values[chip.LOGIC] == pytest.approx(12e3)
    assert values[chip.SRAM] == 5
    assert found.units["compute"].drawn_by.keys() == {"a_hop", "b_hop", "sum_hop", "fold_add"}


def test_costs_go_before_the_memorys_own_keys():
    assert read("  buffer.read: 3 pJ/B\n").prices.memories["buffer"].read_j_per_byte == pytest.approx(3e-12)


def test_a_part_of_a_multiply_accumulate_changes_its_sum():
    own, written = read("  buffer.area: 1 mm2\n").prices.units["compute"], read("  compute.multiplier: 1 fJ\n")
    parts = own.drawn_by["mac"] | {"multiplier": 1e-15}
    assert written.prices.units["compute"].energy_j["mac"] == pytest.approx(sum(parts.values()))
    assert written.prices.units["compute"].drawn_by["mac"] == pytest.approx(parts)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ("  compute.maac: 1 pJ\n", f"a.yaml:{LINE}:3: costs: unknown cost 'compute.maac'; did you mean 'compute.mac'?"),
        ("  dram.read: 7 pJ\n", f"a.yaml:{LINE}:14: costs.dram.read: expected a quantity in J/B such as '7.03 pJ/bit'"),
        ("  dram.area: 7 mm2\n", f"a.yaml:{LINE}:3: costs: unknown cost 'dram.area'"),
        ("  buffer.area: 1 J\n", f"a.yaml:{LINE}:16: costs.buffer.area: expected a quantity in m2 such as '1.2 mm2'"),
        ("  compute.mac: -1 pJ\n", f"a.yaml:{LINE}:16: costs.compute.mac: expected a quantity in J such as '0.084 pJ'"),
        ("  compute.mac: true\n", f"a.yaml:{LINE}:16: costs.compute.mac: expected"),
        (
            "  compute.mac: 1 pJ\n  compute.multiplier: 1 fJ\n",
            f"a.yaml:{LINE + 1}:3: costs: 'compute.multiplier' is a share of 'compute.mac'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(costs, message):
    with pytest.raises(InputError) as caught:
        read(costs)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_what_is_switched_off_is_zero_and_cannot_be_written():
    off = TEXT.replace("clock: 1 GHz", "clock: 1 GHz, wires: off, leakage: off, clock_tree: off").removesuffix(
        "costs:\n"
    )
    prices = read("", off).prices
    assert [number.value for number in prices.chip.values()] == [0, 0, 0, 0]
    assert {number.source for number in prices.chip.values()} == {"switched off in the architecture"}
    with pytest.raises(InputError, match=r"'wires\.energy_per_bit' is switched off in the architecture"):
        read("costs: {wires.energy_per_bit: 80 fJ/bit/mm}\n", off)


def test_supply_and_origin_of_the_technology():
    text = TEXT.replace("node: 7nm,", "node: 16nm_from_7nm, voltage: 800 mV,").removesuffix("costs:\n")
    found = read("", text).technology.prices
    assert (found.name, found.voltage_v) == ("16nm_from_7nm", 0.8)
    with pytest.raises(InputError, match="unknown unit 'J'"):
        read("", text.replace("800 mV", "800 J"))


def test_the_schema_accepts_what_the_parser_accepts():
    jsonschema = pytest.importorskip("jsonschema")
    from hwsim.base.json_schema import json_schema

    data = yaml.safe_load(TEXT + "  dram.read: 7 pJ/bit\n  leakage.sram: 5\n")
    data["technology"] |= {"node": "16nm_from_7nm", "voltage": "0.8 V", "wires": "off"}
    jsonschema.validate(data, json_schema(Architecture))
