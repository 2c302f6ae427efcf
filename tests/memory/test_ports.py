"""Ports in bits per cycle, latency and energies per access, as accelerator descriptions state them."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hwsim import technology
from hwsim.base.quantities import BitsPerCycle
from hwsim.memory import memories

CLOCK = 1e9
SEVEN = technology.get("7nm")


def read(text):
    fields = yaml.safe_load(text)
    return memories.get(fields["kind"]).model_validate(fields)


@pytest.mark.parametrize(
    ("written", "bits"),
    [("2048 bit/cycle", 2048), ("256 B/cycle", 2048), ("2 Kibit/cycle", 2048), ("2 kB/cycle", 16000), (64, 64)],
)
def test_a_port_is_so_many_bits_per_cycle(written, bits):
    assert TypeAdapter(BitsPerCycle).validate_python(written) == bits


@pytest.mark.parametrize("written", ["2048 bit", "2048 bit/s", "wide", True, "0 bit/cycle", "-1 B/cycle"])
def test_what_is_no_port_is_refused(written):
    with pytest.raises(ValidationError):
        TypeAdapter(BitsPerCycle).validate_python(written)


def test_reads_and_writes_may_differ_and_the_bandwidth_caps_both():
    buffer = read("{kind: sram, capacity: 2 MiB, read_bandwidth: 2048 bit/cycle, write_bandwidth: 64 B/cycle}")
    assert (buffer.read_bits_per_cycle(CLOCK), buffer.write_bits_per_cycle(CLOCK)) == (2048, 512)
    assert buffer.bytes_per_cycle(CLOCK) == 64
    capped = buffer.model_copy(update={"bandwidth": 100e9})
    assert (capped.read_bits_per_cycle(CLOCK), capped.write_bits_per_cycle(CLOCK)) == (800, 512)


def test_one_way_written_leaves_the_other_to_the_width():
    buffer = read("{kind: sram, capacity: 2 MiB, width: 16 B, read_bandwidth: 2048 bit/cycle}")
    assert (buffer.read_bits_per_cycle(CLOCK), buffer.write_bits_per_cycle(CLOCK)) == (2048, 128)
    with pytest.raises(ValidationError, match="needs a width"):
        read("{kind: sram, capacity: 2 MiB, read_bandwidth: 2048 bit/cycle}")


def test_dram_takes_turns_and_memories_on_the_chip_do_not_unless_they_say_so():
    assert read("{kind: dram, standard: HBM2}").shared_bus
    assert not read("{kind: dram, standard: HBM2, shared_port: false}").shared_bus
    assert not read("{kind: sram, capacity: 1 KiB, width: 8 B}").shared_bus
    assert read("{kind: sram, capacity: 1 KiB, width: 8 B, shared_port: true}").shared_bus


def test_latency_and_owner():
    file = read("{kind: registers, capacity: 128 B, width: 1 B, latency: 1, per: pe}")
    assert (file.latency, file.per) == (1, "pe")
    assert read("{kind: dram, standard: HBM2}").latency == 0
    with pytest.raises(ValidationError, match="latency"):
        read("{kind: dram, standard: HBM2, latency: -1}")


def test_an_access_moves_the_width_or_else_the_port():
    """2048 bits for 416.16 pJ and 378.4 pJ; with a width of 8 B the same energy is of 8 B."""
    ports = "read_bandwidth: 2048 bit/cycle, write_bandwidth: 2048 bit/cycle"
    energies = "read_energy: 416.16 pJ/access, write_energy: 378.4 pJ/access"
    cost = read(f"{{kind: sram, capacity: 2 MiB, {ports}, {energies}}}").cost(SEVEN)
    assert (cost.read_j_per_byte, cost.write_j_per_byte) == (416.16e-12 / 256, 378.4e-12 / 256)
    cost = read(f"{{kind: sram, capacity: 2 MiB, width: 8 B, {ports}, {energies}}}").cost(SEVEN)
    assert (cost.read_j_per_byte, cost.write_j_per_byte) == (416.16e-12 / 8, 378.4e-12 / 8)


@pytest.mark.parametrize("energy", ["read_energy", "write_energy"])
def test_an_access_of_unknown_width_is_refused(energy):
    with pytest.raises(ValidationError, match="an energy per access needs a width, or the bandwidth of its port"):
        read(f"{{kind: sram, capacity: 2 MiB, bandwidth: 1 TB/s, {energy}: 3 pJ/access}}")


def test_a_dram_without_a_standard_is_all_written():
    ports = "read_bandwidth: 64 bit/cycle, write_bandwidth: 64 bit/cycle"
    energies = "read_energy: 700 pJ/access, write_energy: 750 pJ/access"
    dram = read(f"{{kind: dram, {ports}, {energies}}}")
    assert (dram.bytes_per_cycle(CLOCK), dram.on_chip) == (8, False)
    cost = dram.cost(SEVEN)
    assert (cost.read_j_per_byte, cost.write_j_per_byte, cost.area_m2) == (700e-12 / 8, 750e-12 / 8, 0)
    for text in (ports, energies, f"{ports}, read_energy: 2 pJ/B", f"read_bandwidth: 8 bit/cycle, {energies}"):
        with pytest.raises(ValidationError, match=r"a DRAM needs a standard|needs a width"):
            read(f"{{kind: dram, {text}}}")


@pytest.mark.parametrize("key", ["stacks: 2", "channels: 2", "access: sequential"])
def test_what_only_a_standard_has_is_refused_without_one(key):
    with pytest.raises(ValidationError, match="stacks, channels and access are of a standard"):
        read(f"{{kind: dram, bandwidth: 1 GB/s, read_energy: 1 pJ/B, write_energy: 1 pJ/B, {key}}}")


@given(st.floats(0, 1e-3), st.sampled_from(["J/access", "J/B", "J/bit"]))
def test_energies_survive_yaml(joules, unit):
    memory = read(f"{{kind: sram, capacity: 2 MiB, width: 8 B, read_energy: {joules!r} {unit}}}")
    again = type(memory).model_validate(yaml.safe_load(yaml.safe_dump(memory.model_dump(mode="json"))))
    assert again == memory
    per_byte = {"J/access": joules / 8, "J/B": joules, "J/bit": 8 * joules}[unit]
    assert math.isclose(again.cost(SEVEN).read_j_per_byte, per_byte)


@pytest.mark.parametrize("written", ["-1 pJ/access", "3 pJ/word", "-2 pJ/B", "cheap"])
def test_what_is_no_energy_is_said(written):
    with pytest.raises(ValidationError, match="expected an energy"):
        read(f"{{kind: sram, capacity: 2 MiB, width: 8 B, read_energy: {written}}}")
