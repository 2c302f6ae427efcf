"""ZigZag 3.9.1's tpu_like accelerator and ResNet-18 (attribution: tests/data/ATTRIBUTION.md)."""

from __future__ import annotations

import math

import pytest
from zigzag_cases import MEMORIES, OPERANDS, layers, listed, listed_accesses, ports, product

from hwsim.arch import Architecture
from hwsim.mapping import map_gemm
from hwsim.mapping.problem import Beside, loop_extents
from hwsim.mapping.zigzag_cycles import zigzag_cycles

LAYERS, PORTS = layers(), ports()
CHIP = Architecture.load("zigzag_tpu_like")
LETTERS = OPERANDS


def port_bits(memory: str) -> int:
    return max(int(row["bw_max_bits"]) for row in PORTS if row["memory"] == memory)


def test_the_architecture_is_the_listed_one():
    for row in PORTS:
        memory = CHIP.memories[MEMORIES[row["memory"]]]
        cost = CHIP.prices.memories[MEMORIES[row["memory"]]]
        if memory.on_chip:
            assert 8 * memory.capacity == int(row["size_bits"])
        wide = int(row["bw_max_bits"])
        if "read" in row["port_type"]:
            assert memory.read_bits_per_cycle(CHIP.clock_hz) == wide
            assert cost.read_j_per_byte * wide / 8 == pytest.approx(1e-12 * float(row["read_pJ"]), rel=1e-12)
        if "write" in row["port_type"]:
            assert memory.write_bits_per_cycle(CHIP.clock_hz) == wide
            assert cost.write_j_per_byte * wide / 8 == pytest.approx(1e-12 * float(row["write_pJ"]), rel=1e-12)
    assert CHIP.compute.peak_macs_per_cycle == 1024


@pytest.mark.parametrize("layer", LAYERS)
def test_energies_follow_from_the_listed_accesses(layer):
    """Every operand in every memory, the MACs and the totals, to the last printed digits."""
    row = LAYERS[layer]
    spent = {}
    for column, count in row.items():
        operand, _, rest = column.partition("_")
        memory = next((name for name in MEMORIES if rest.startswith(f"{name}_")), None)
        if operand not in LETTERS or memory is None or not count:
            continue
        cost = CHIP.prices.memories[MEMORIES[memory]]
        reads = rest.endswith(("rd_out_to_low", "rd_out_to_high"))
        per_byte = cost.read_j_per_byte if reads else cost.write_j_per_byte
        energy = float(count) * per_byte * port_bits(memory) / 8 * 1e12
        spent[f"E_{operand}_{memory}_pJ"] = spent.get(f"E_{operand}_{memory}_pJ", 0.0) + energy
    for column, picojoules in spent.items():
        assert picojoules == pytest.approx(float(row[column]), rel=1e-12), column
    mac = 1e12 * CHIP.prices.units["compute"].energy_j["mac"] * int(row["macs"])
    assert mac == pytest.approx(float(row["energy_mac_pJ"]), rel=1e-12)
    assert sum(spent.values()) == pytest.approx(float(row["energy_mem_pJ"]), rel=1e-12)
    assert sum(spent.values()) + mac == pytest.approx(float(row["energy_total_pJ"]), rel=1e-12)


def prices() -> dict[str, tuple[float, float]]:
    return {name: (cost.read_j_per_byte / 8, cost.write_j_per_byte / 8) for name, cost in CHIP.prices.memories.items()}


@pytest.mark.parametrize("layer", LAYERS)
def test_the_mapper_needs_no_more_cycles_and_at_equal_cycles_no_more_energy(layer):
    """But for fc: its weights alone are 64000 accesses of the port by ZigZag's own count, its cycles 63739."""
    gemm, window = product(LAYERS[layer])
    found = map_gemm(
        gemm, CHIP.compute, CHIP.memories, CHIP.clock_hz, (1, 1, 1), 2, window=window, energies=prices(), ideal=True
    )
    row = LAYERS[layer]
    assert found.guarantee.optimal
    assert found.cycles >= math.ceil(gemm.macs / 1024)
    if layer.startswith("fc"):
        assert float(row["W_dram_rd_out_to_low"]) == 64000 > float(row["cycles_total"])
        assert found.cycles >= 64000
        return
    assert found.cycles <= float(row["cycles_total"])
    energy = sum(bits * prices()[memory][way == "write"] for (memory, _, way), bits in found.bits.items())
    if found.cycles == float(row["cycles_total"]):
        assert 1e12 * energy <= float(row["energy_mem_pJ"])


def test_within_zigzags_cycles_the_least_energy_is_close_to_its_own_or_below():
    """No more on most layers; ZigZag's rule hides ends that whole tiles expose, which costs 18 % at worst."""
    ratios = []
    for layer, row in LAYERS.items():
        gemm, window = product(row)
        cycles = int(float(row["cycles_total"]))
        found = map_gemm(
            gemm, CHIP.compute, CHIP.memories, CHIP.clock_hz, (1, 1, 1), 2, window=window, energies=prices(),
            ideal=True, beside=Beside(within_cycles=cycles),
        )  # fmt: skip
        energy = sum(bits * prices()[memory][way == "write"] for (memory, _, way), bits in found.bits.items())
        assert found.cycles <= cycles or layer.startswith("fc")
        ratios.append(1e12 * energy / float(row["energy_mem_pJ"]))
    assert max(ratios) < 1.19
    assert sum(ratio < 1.001 for ratio in ratios) == 12
    assert min(ratios) < 0.95


@pytest.mark.parametrize("layer", LAYERS)
def test_cycles_of_the_layers_without_stalls(layer):
    row = LAYERS[layer]
    gemm, window = product(LAYERS[layer])
    found = zigzag_cycles(gemm, window, CHIP.compute.unrollings(loop_extents(gemm, window))[0], 64)
    if float(row["cycles_compute"]) != found.compute:
        return
    assert found.total == float(row["cycles_total"])


def test_the_listed_steps_are_the_arrays_own():
    """Compute cycles without stalls are the steps of the unrolled loops: 13 of 21 layers."""
    free = 0
    for row in LAYERS.values():
        gemm, _ = product(row)
        steps = CHIP.compute.unrollings(
            {"B": 1, "K": gemm.n, "C": int(row["C"]), "OY": int(row["OY"]), "OX": int(row["OX"]),
             "FY": int(row["FY"]), "FX": int(row["FX"])}
        )[0]  # fmt: skip
        extents = {key: int(row[key]) for key in ("B", "K", "C", "OY", "OX", "FY", "FX")}
        free += steps.steps(extents) == float(row["cycles_compute"])
    assert free == 13


@pytest.mark.parametrize("layer", [layer for layer, row in LAYERS.items() if listed(row)])
def test_every_listed_access_of_a_listed_nest_is_hwsims_too(layer):
    """But for three: a finished sum leaves its register as 8 bits here and as 16 there; conv1 reads 24 bits of a port
    whose narrowest access are 64; and fc's outputs are rounded to whole accesses there."""
    row = LAYERS[layer]
    gemm, window = product(row)
    found = map_gemm(
        gemm, CHIP.compute, CHIP.memories, CHIP.clock_hz, (1, 1, 1), 2, window=window, energies=prices(),
        fixed=listed(row), ideal=True,
    )  # fmt: skip
    width = {MEMORIES[port["memory"]]: port_bits(port["memory"]) for port in PORTS}
    ours = {key: bits / width[key[0]] for key, bits in found.bits.items()}
    theirs = listed_accesses(row)
    leaving = int(row["O_rf_2B_rd_out_to_high"])
    theirs["sums", "output", "read"] -= leaving // 2
    if layer.startswith("conv1"):
        assert ours["sram", "input", "read"] * 64 == theirs["sram", "input", "read"] * 24
        ours["sram", "input", "read"] = theirs["sram", "input", "read"]
    if layer.startswith("fc"):
        for way, rounded in (("read", math.floor), ("write", math.ceil)):
            assert rounded(ours["sram", "output", way]) == theirs["sram", "output", way]
            ours["sram", "output", way] = theirs["sram", "output", way]
    assert ours == {key: count for key, count in theirs.items() if count}
