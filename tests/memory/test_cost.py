"""Memory records: the YAML dialect, bytes per cycle, what is refused, and cost with overrides."""

from typing import Annotated

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hwsim import formats, technology
from hwsim.base.record import Record
from hwsim.base.registry import OneOf
from hwsim.memory import Memory, memories
from hwsim.memory.dram import Dram
from hwsim.memory.registers import Registers
from hwsim.memory.sram import Sram

KIB, MIB, GIB = 2**10, 2**20, 2**30


class Level(Record):
    memory: Annotated[Memory, OneOf(memories, default="sram")]


def read(text):
    return Level(memory=yaml.safe_load(text)).memory


def test_the_kinds():
    assert {"dram", "sram", "registers"} <= set(memories.names())


def test_the_dialect_of_the_architectures():
    dram = read("{kind: dram, standard: HBM2, stacks: 1}")
    assert isinstance(dram, Dram)
    assert (dram.peak_bytes_per_s, dram.capacity, dram.on_chip) == (256e9, None, False)

    buffer = read("{kind: sram, capacity: 1 MiB, width: 64 B, banks: 8, double_buffered: true}")
    assert (buffer.capacity, buffer.width, buffer.banks) == (MIB, 64, 8)
    assert buffer.usable_bytes == MIB // 2
    assert buffer.holds == ("input", "weight", "output")
    assert buffer.on_chip

    accumulator = read("{kind: sram, capacity: 128 KiB, width: 128 B, holds: [output]}")
    assert accumulator.holds == ("output",)
    assert accumulator.usable_bytes == 128 * KIB

    hbm = read("{kind: dram, standard: HBM3, capacity: 80 GiB, bandwidth: 3.35 TB/s}")
    assert (hbm.capacity, hbm.peak_bytes_per_s) == (80 * GIB, 3.35e12)

    l2 = read("{kind: sram, capacity: 50 MiB, bandwidth: 5.5 TB/s}")
    assert (l2.width, l2.bytes_per_cycle(1e9)) == (None, 5500)

    shared = read("{capacity: 228 KiB, width: 128 B, per: core}")
    assert isinstance(shared, Sram)
    assert shared.per == "core"

    file = read("{kind: registers, capacity: 256 B, width: 4 B, ports: 3}")
    assert isinstance(file, Registers)
    assert file.bytes_per_cycle(1e9) == 12


def test_an_accumulator_memory_states_its_format():
    memory = read("{kind: sram, capacity: 4 KiB, width: 64 B, holds: [output], format: int32, overflow: saturate}")
    assert memory.format == formats.get("int32")
    assert memory.overflow == "saturate"
    plain = read("{kind: sram, capacity: 4 KiB, width: 64 B}")
    assert (plain.format, plain.overflow, plain.rounding) == (None, None, "rne")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{kind: dram, standard: HBM4}", "unknown DRAM standard 'HBM4'; did you mean 'HBM3'"),
        ("{kind: dram}", "a DRAM needs a standard (such as 'HBM3'), or read_energy"),
        ("{kind: dram, standard: HBM2, channels: 2}", "HBM2 is counted in stacks, not channels"),
        ("{kind: dram, standard: DDR4, stacks: 2}", "DDR4 is counted in channels, not stacks"),
        ("{kind: dram, standard: HBM2, access: {order: random}}", "a random access has a run (such as '256 B')"),
        ("{kind: dram, standard: HBM2, access: fast}", "'peak' or 'sequential'"),
        ("{kind: dram, standard: HBM2, access: {run: 64 B, sort: 1}}", "Extra inputs are not permitted"),
        ("{kind: dram, standard: HBM2, stacks: 0}", "greater than or equal to 1"),
        ("{kind: sram, width: 64 B}", "Field required"),
        ("{kind: sram, capacity: 1 MiB}", "needs a width"),
        ("{kind: sram, capacity: 64 B, width: 64 B, banks: 2}", "exceed the capacity of 64 B"),
        ("{kind: sram, capacity: -1 MiB, width: 8 B}", "greater than 0"),
        ("{kind: sram, capacity: 1 MiX, width: 8 B}", "unknown unit 'MiX'"),
        (
            "{kind: sram, capacity: 1 MiB, width: 8 B, holds: [outputs]}",
            "Input should be 'input', 'weight' or 'output'",
        ),
        ("{kind: sram, capacity: 1 MiB, width: 8 B, holds: []}", "at least 1 item"),
        ("{kind: sram, capacity: 1 MiB, width: 8 B, colour: red}", "Extra inputs are not permitted"),
        ("{kind: sram, capacity: 1 MiB, width: 8 B, read_energy: 3 pJ}", "expected an energy such as '0.25 pJ/bit'"),
        ("{kind: sram, capacity: 1 MiB, width: 8 B, overflow: clip}", "'wrap' or 'saturate'"),
        ("{kind: sdram, capacity: 1 MiB}", "sdram"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(ValidationError) as caught:
        read(text)
    assert message in str(caught.value)


@given(st.integers(1, 64), st.integers(1, 16), st.integers(1, 4), st.sampled_from([0.5e9, 1e9, 1.83e9]))
def test_sram_bytes_per_cycle(width, banks, ports, clock):
    memory = Sram(capacity=MIB, width=width, banks=banks, ports=ports)
    assert memory.bytes_per_cycle(clock) == width * banks * ports
    capped = memory.model_copy(update={"bandwidth": 10e9})
    assert capped.bytes_per_cycle(clock) == min(width * banks * ports, 10e9 / clock)


@given(st.integers(1, 12), st.sampled_from([0.5e9, 1e9, 1.83e9]))
def test_dram_bytes_per_cycle(parts, clock):
    assert Dram(standard="HBM3", stacks=parts).bytes_per_cycle(clock) == pytest.approx(parts * 819e9 / clock)
    assert Dram(standard="DDR5", channels=parts).bytes_per_cycle(clock) == pytest.approx(parts * 38.4e9 / clock)
    assert Dram(standard="HBM3", stacks=parts, bandwidth=1e12).bytes_per_cycle(clock) == 1e12 / clock


def test_sram_cost_is_the_technologys():
    tech = technology.get("7nm")
    cost = Sram(capacity=MIB, width=64, banks=8).cost(tech)
    assert cost.read_j_per_byte == pytest.approx(14e-12 / 8)  # 14 pJ per 64 bits
    assert cost.write_j_per_byte == pytest.approx(14e-12 / 8 * 0.293 / 0.249)
    assert cost.area_m2 == tech.sram(MIB, 64).area_m2
    without_width = Sram(capacity=MIB, bandwidth=1e12).cost(tech)
    assert without_width.read_j_per_byte == cost.read_j_per_byte
    assert "Jouppi" in cost.source


def test_each_further_port_costs_what_is_written_or_assumed():
    tech = technology.get("45nm")
    one = read("{kind: sram, capacity: 64 KiB, width: 8 B}").cost(tech)
    three = read("{kind: sram, capacity: 64 KiB, width: 8 B, ports: 3}").cost(tech)
    assert three.area_m2 == pytest.approx(2 * one.area_m2)
    assert three.read_j_per_byte == pytest.approx(1.5 * one.read_j_per_byte)
    assert three.write_j_per_byte == pytest.approx(1.5 * one.write_j_per_byte)
    assert "3 ports: energy x 1.5, area x 2 (assumed)" in three.source
    assert "ports" not in one.source
    free = read("{kind: sram, capacity: 64 KiB, width: 8 B, ports: 3, port_area: 0, port_energy: 0}").cost(tech)
    assert (free.area_m2, free.read_j_per_byte) == (one.area_m2, one.read_j_per_byte)


def test_a_macro_for_each_bank():
    tech = technology.get("45nm")
    banks = read("{kind: sram, capacity: 256 KiB, width: 8 B, banks: 8, macro: per_bank}").cost(tech)
    one = read("{kind: sram, capacity: 32 KiB, width: 8 B}").cost(tech)
    whole = read("{kind: sram, capacity: 256 KiB, width: 8 B, banks: 8}").cost(tech)
    assert banks.area_m2 == pytest.approx(8 * one.area_m2)
    assert banks.read_j_per_byte == one.read_j_per_byte < whole.read_j_per_byte
    assert "8 macros" in banks.source


def test_a_register_file_is_an_sram_of_three_ports():
    file = read("{kind: regfile, capacity: 4 KiB, width: 32 B}")
    assert file.bytes_per_cycle(1e9) == 3 * 32
    sram = read("{kind: sram, capacity: 4 KiB, width: 32 B, ports: 3}")
    assert file.cost(technology.get("7nm")) == sram.cost(technology.get("7nm"))
    assert "extrapolated to 4 KiB" in file.cost(technology.get("45nm")).source


def test_dram_cost_is_the_standards_and_takes_no_chip_area():
    cost = Dram(standard="HBM2", stacks=4).cost(technology.get("7nm"))
    assert cost.read_j_per_byte == cost.write_j_per_byte == pytest.approx(8 * 6.25e-12)
    assert cost.area_m2 == 0
    assert "(measured)" in cost.source


def test_registers_cost_a_register_bit_each():
    cost = Registers(capacity=256, width=4).cost(technology.get("40nm"))
    assert cost.area_m2 == pytest.approx(256 * 8 * 5.98e-12)
    assert cost.read_j_per_byte == pytest.approx(8 * 0.009e-12)


def test_written_costs_override_the_technologys_and_say_so():
    tech = technology.get("7nm")
    memory = read("{kind: sram, capacity: 1 MiB, width: 64 B, read_energy: 0.25 pJ/bit, area: 1.2 mm2}")
    cost = memory.cost(tech)
    assert cost.read_j_per_byte == pytest.approx(2e-12)
    assert cost.area_m2 == 1.2e-6
    assert cost.write_j_per_byte == Sram(capacity=MIB, width=64).cost(tech).write_j_per_byte
    assert cost.source.startswith("area_m2, read_j_per_byte: written in the architecture; else energy: Jouppi")
    whole = memory.model_copy(update={"write_energy": 3e-12}).cost(tech)
    assert whole.source == "area_m2, read_j_per_byte, write_j_per_byte: written in the architecture"
    assert read("{kind: dram, standard: HBM2, write_energy: 60 pJ/B}").cost(tech).write_j_per_byte == 60e-12


@given(st.integers(128, 2**26), st.integers(1, 2**20))
def test_a_larger_memory_costs_no_less(capacity, more):
    tech = technology.get("7nm")
    for kind in (Sram, Registers):
        small, large = (kind(capacity=size, width=8).cost(tech) for size in (capacity, capacity + more))
        assert large.area_m2 >= small.area_m2 > 0
        assert large.read_j_per_byte >= small.read_j_per_byte > 0


def test_a_standard_is_derated_by_its_access_and_a_written_bandwidth_is_not():
    peak, sequential, strided, random = (
        read(f"{{kind: dram, standard: HBM3, stacks: 2{access}}}")
        for access in ("", ", access: sequential", ", access: {run: 256 B}", ", access: {run: 64 B, order: random}")
    )
    rates = [memory.bytes_per_cycle(1e9) for memory in (peak, sequential, strided, random)]
    assert rates[0] == 2 * 819
    assert 0.85 * rates[0] < rates[1] < rates[0]
    assert rates[1] > rates[2] > rates[3] > 0
    written = read("{kind: dram, standard: HBM3, bandwidth: 1 TB/s, access: sequential}")
    assert written.bytes_per_cycle(1e9) == 1000


def test_a_transfer_has_its_efficiency():
    memory = read("{kind: dram, standard: HBM2}")
    whole = memory.timing_of(None, 1 << 20, 0)
    assert whole.exact
    assert memory.efficiency_of(None, 1 << 20, 0) == memory.efficiency_of(1 << 20, 1 << 20, 0) == whole.efficiency
    assert memory.efficiency_of(64, 1 << 20, 0) < memory.efficiency_of(4096, 1 << 20, 0) < whole.efficiency
    assert memory.efficiency_of(None, 1 << 19, 1 << 19) < whole.efficiency
    assert memory.efficiency_of(64, 0, 0) == 1
    unknown = read("{kind: dram, bandwidth: 1 GB/s, read_energy: 1 pJ/B, write_energy: 1 pJ/B}")
    assert unknown.efficiency_of(64, 1 << 20, 0) == 1


def test_leakage_and_row_energy_are_the_users():
    tech = technology.get("7nm")
    plain = read("{kind: dram, standard: HBM2}").cost(tech)
    assert (plain.leakage_w, plain.activate_j) == (None, None)
    written = read("{kind: dram, standard: HBM2, activate_energy: 909 pJ, leakage: 0.5 W}").cost(tech)
    assert (written.leakage_w, written.activate_j) == (0.5, 909e-12)
    assert written.read_j_per_byte == plain.read_j_per_byte
    assert read("{kind: sram, capacity: 1 MiB, width: 8 B, leakage: 3 mW}").cost(tech).leakage_w == 3e-3


def test_the_schema_names_the_standards():
    schema = Dram.model_json_schema()["properties"]["standard"]
    assert "HBM2E" in schema["anyOf"][0]["enum"]
