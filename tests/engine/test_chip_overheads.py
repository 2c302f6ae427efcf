"""Leakage, clock and wires: counted by hand, and nothing lost between components and totals."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.arch import Architecture
from hwsim.engine import simulate
from hwsim.engine.chip_overheads import ChipOverheads
from hwsim.engine.cost import CostModel
from hwsim.engine.plan import plan
from hwsim.technology import chip
from hwsim.units.base import Gemm
from hwsim.workload import Workload


def model(architecture: Architecture) -> CostModel:
    return CostModel(architecture, plan([]))


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("systolic_int8_ws_32x32", "digits_cnn"),
        ("systolic_bf16_os_16x16", "digits_vit"),
        ("tensorcore_fp8", "digits_cnn"),
        ("hbm_pim_fp16", "edge_gemm"),
    ],
)
def test_components_sum_to_the_total_and_each_is_named(name, workload):
    result = simulate(Architecture.load(name), Workload.load(workload), numerics=False)
    assert result.totals["energy_j"] == sum(result.energy_j.values())
    assert result.energy_j.keys() >= {"leakage", "clock"}
    told = {row["what"] for row in result.sources}
    assert {chip.LOGIC, chip.SRAM, chip.CLOCK, chip.WIRE} <= told
    for row in result.operators:
        assert all(value >= 0 for value in row["energy_j"].values())
        assert row["energy_j"]["leakage"] > 0 and row["energy_j"]["clock"] > 0


def test_leakage_is_density_times_area_times_time():
    array = Architecture.load("systolic_int8_ws_32x32")
    costs = model(array)
    area, density = costs.area_m2(), chip.ALADDIN_LEAKAGE_W_PER_M2
    energy = costs.overheads.energy({"cycles": 1000, "traffic_bytes": {}}, 0)
    assert energy["leakage"] == pytest.approx(density * math.fsum(area.values()) * 1e-6)
    only_sram = model(array.override({"costs": {"leakage.logic": 0}})).overheads
    stored = density * (area["buffer"] + area["accumulator"])
    assert only_sram.leakage_j_per_cycle * 1e9 == pytest.approx(stored)


def test_clocked_bits_of_an_array():
    overheads = model(Architecture.load("systolic_int8_ws_32x32")).overheads
    elements = 32 * 32 * (8 + 8 + 24)  # a, b and the accumulator
    fold_adders, vector = 32 * 32, 2 * 32 * 32  # one of 32 bits per column; two words of 32 bits per lane
    assert overheads.flip_flops == elements + fold_adders + vector
    clock = chip.numbers(7, 0.9)[2].value
    assert overheads.clock_j_per_cycle == clock * overheads.flip_flops


def test_register_files_are_clocked_too():
    array = Architecture.load("systolic_int8_ws_32x32")
    memories = {**array.data()["memories"], "buffer": {"kind": "registers", "capacity": "1 MiB", "width": "64 B"}}
    more = model(array.override({"memories": memories})).overheads
    assert more.flip_flops - model(array).overheads.flip_flops == 8 << 20


def test_wires_of_a_memory_are_half_the_chips_side_long():
    costs = model(Architecture.load("systolic_int8_ws_32x32"))
    side = math.sqrt(math.fsum(costs.area_m2().values()))
    moved = {"dram": {"read": 5, "write": 6}, "buffer": {"read": 100, "write": 20}}
    energy = costs.overheads.energy({"cycles": 0, "traffic_bytes": moved}, 0)
    assert energy == {"leakage": 0, "clock": 0, "wires.buffer": pytest.approx(8 * 120 * side / 2 * 40.5e-12)}


def test_wires_of_an_array_are_one_pitch_for_each_bit_that_hops():
    costs = model(Architecture.load("systolic_int8_ws_32x32"))
    gemm = Gemm(m=5, n=32, k=32)
    # a: 5·32 elements pass 32 columns; b: element (r, c) makes r + 1 hops; sums go down with every product.
    hops = 8 * 5 * 32 * 32 + 8 * 32 * (32 * 33 // 2) + 24 * 5 * 32 * 32
    assert costs.unit.neighbour_bits(gemm) == hops
    pitch = math.sqrt(costs.unit_cost.total_area_m2 / 1024)
    energy = costs.overheads.energy({"cycles": 0, "traffic_bytes": {}}, hops)
    assert energy["wires.array"] == pytest.approx(hops * pitch * 40.5e-12)


def test_switched_off_they_draw_nothing_and_the_rest_is_as_before():
    array, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("edge_gemm")
    on = simulate(array, work, numerics=False)
    switches = {f"technology.{name}": "off" for name in ("leakage", "clock_tree", "wires")}
    off = simulate(array.override(switches), work, numerics=False)
    drawn = {name for name, joules in off.energy_j.items() if joules == 0}
    assert drawn == {name for name in on.energy_j if name.partition(".")[0] in ("leakage", "clock", "wires")}
    for name in on.energy_j.keys() - drawn:
        assert on.energy_j[name] == off.energy_j[name]


def test_a_written_cost_reaches_totals_and_sources():
    array, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("edge_gemm")
    written = simulate(array.override({"costs": {"compute.mac": "1 pJ", "dram.read": "0", "dram.write": 0}}), work)
    macs = sum(row["macs"] for row in written.operators)
    assert written.energy_j["compute.mac"] == pytest.approx(macs * 1e-12)
    assert written.energy_j["dram"] == 0
    assert written.totals["energy_j"] == sum(written.energy_j.values())
    rows = {row["what"]: row for row in written.sources}
    assert rows["compute.mac"]["source"] == "written in the architecture"
    assert rows["technology 7nm"]["source"].startswith("prices from own table at 7 nm")


@settings(max_examples=40, deadline=None)
@given(
    cycles=st.integers(0, 10**9),
    moved=st.tuples(*[st.integers(0, 10**9)] * 4),
    shape=st.tuples(*[st.integers(1, 200)] * 3),
)
def test_energy_is_linear_in_cycles_and_bytes(cycles, moved, shape):
    one_at_a_time = Architecture.load("systolic_int8_ws_32x32").override({"compute.pack_groups": False})
    overheads: ChipOverheads = model(one_at_a_time).overheads

    def energy(factor: int) -> float:
        a, b, c, d = (factor * amount for amount in moved)
        traffic = {"buffer": {"read": a, "write": b}, "accumulator": {"read": c, "write": d}}
        passed = one_at_a_time.compute.neighbour_bits(Gemm(*shape, count=factor)) if factor else 0
        return sum(overheads.energy({"cycles": factor * cycles, "traffic_bytes": traffic}, passed).values())

    assert energy(3) == pytest.approx(3 * energy(1), rel=1e-12)
    assert energy(0) == 0


def test_wires_of_an_elements_registers_are_half_an_elements_side_long():
    costs = model(Architecture.load("eyeriss_like"))
    side = math.sqrt(math.fsum(costs.area_m2().values()) / (12 * 14))
    energy = costs.overheads.energy({"cycles": 0, "traffic_bytes": {"sums": {"read": 100, "write": 20}}}, 0)
    price = costs.overheads.wire_j_per_bit_m
    assert energy["wires.sums"] == pytest.approx(8 * 120 * side / 2 * price)
