"""What a user of `map_gemm` may rely on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_cases import (
    CLOCK,
    CORES,
    ELEMENTS,
    INT8,
    SHARED,
    convolutions,
    dram,
    hierarchies,
    shapes,
    spatial_arrays,
    sram,
    units,
)  # fmt: skip

from hwsim.base.errors import HwsimError
from hwsim.mapping import map_gemm
from hwsim.mapping.candidates import core_grids, tile_sizes
from hwsim.units.base import Gemm, Window
from hwsim.units.systolic import SystolicArray
from hwsim.units.tensor_core import TensorCore

ARRAY = SystolicArray(rows=4, cols=4, dataflow="ws", pe=INT8)


@given(memory=hierarchies(), unit=units(), shape=shapes, count=st.integers(1, 3))
def test_traffic_is_compulsory_at_least_and_cycles_peak_at_best(memory, unit, shape, count):
    gemm = Gemm(*shape, count)
    try:
        mapping = map_gemm(gemm, unit, memory, CLOCK, (1, 0.5, 1), partial_bytes=3)
    except HwsimError:
        return
    m, n, k = shape
    outermost = mapping.traffic["dram"]
    assert outermost["read"] >= count * (m * k + -(-k * n // 2)) - count
    assert outermost["write"] >= count * m * n
    assert mapping.cycles >= gemm.macs / unit.peak_macs_per_cycle
    assert mapping.cycles == mapping.compute_cycles + mapping.stall_cycles
    assert mapping.stall_cycles >= 0
    assert mapping.bound in {"compute", *memory}
    assert mapping.busy_cycles[mapping.bound] == max(mapping.busy_cycles.values())
    assert max(mapping.busy_cycles.values()) <= mapping.cycles
    assert all(isinstance(amount, int) for traffic in mapping.traffic.values() for amount in traffic.values())


@given(memory=hierarchies(), unit=units(), shape=shapes)
def test_repeats_cost_their_number(memory, unit, shape):
    """One after the other; groups of cores that take them side by side have a test of their own."""
    if "shared" in memory and unit.core_count > 1:
        return
    if unit.products_abreast(Gemm(*shape, 5)) > 1:
        return
    try:
        one = map_gemm(Gemm(*shape), unit, memory, CLOCK, (1, 1, 1))
    except HwsimError:
        return
    five = map_gemm(Gemm(*shape, 5), unit, memory, CLOCK, (1, 1, 1))
    assert (five.tile, five.order, five.bound) == (one.tile, one.order, one.bound)
    assert (five.cycles, five.compute_cycles) == (5 * one.cycles, 5 * one.compute_cycles)
    assert five.traffic == {
        name: {way: 5 * amount for way, amount in traffic.items()} for name, traffic in one.traffic.items()
    }


def test_small_products_stand_side_by_side_on_an_array():
    """Four 2x2x2 products on a 4x4 array that keeps weights: two at once, block by block."""
    memory = {"dram": dram(1 << 20), "buffer": sram(4096, 1 << 20, double_buffered=True)}
    packed = map_gemm(Gemm(2, 2, 2, count=4), ARRAY, memory, CLOCK, (1, 1, 1))
    alone = map_gemm(Gemm(2, 2, 2, count=4), ARRAY.model_copy(update={"pack_groups": False}), memory, CLOCK, (1, 1, 1))
    assert (packed.compute_cycles, alone.compute_cycles) == (2 * (2 * 4 + 4 - 2 + 2), 4 * (2 * 4 + 4 - 2 + 2))
    assert packed.traffic["dram"] == alone.traffic["dram"] == {"read": 4 * 8, "write": 4 * 4}


def test_groups_of_cores_take_a_product_each():
    quad = TensorCore(cores=4, tile={"m": 16, "n": 16, "k": 16}, macs_per_cycle=256, datapath=INT8)
    memory = {"dram": dram(1 << 20), "shared": sram(4096, 1 << 20, per="core", double_buffered=True)}
    mapping = map_gemm(Gemm(16, 16, 64, count=8), quad, memory, CLOCK, (1, 1, 4))
    assert mapping.compute_cycles == 2 * 4 * 16  # two rounds of four products
    assert mapping.traffic["dram"] == {"read": 8 * 2 * 16 * 64, "write": 8 * 16 * 16 * 4}
    wide = map_gemm(Gemm(32, 32, 64, count=8), quad, memory, CLOCK, (1, 1, 4))
    assert wide.compute_cycles == 8 * 4 * 16  # one product fills all four cores


def test_the_vision_transformer_layer_computes_for_3468_cycles():
    big = SystolicArray(rows=128, cols=128, dataflow="ws", pe=INT8)
    memory = {
        "dram": dram(256),
        "buffer": sram(8 << 20, 1024, double_buffered=True),
        "accumulator": sram(1 << 20, 1024, holds=("output",)),
    }
    mapping = map_gemm(Gemm(196, 192, 384), big, memory, CLOCK, (1, 1, 3))
    assert mapping.compute_cycles == 3468
    assert mapping.traffic["dram"]["write"] == 196 * 192 * 3
    assert mapping.bound == "compute"


def test_by_hand():
    """One tile, not double-buffered: load 64 + 64 B at 8 B/cycle, compute, store 64 B."""
    memory = {"dram": dram(8), "buffer": sram(4096, 64)}
    unit = SystolicArray(rows=8, cols=8, dataflow="os", pe=INT8)
    mapping = map_gemm(Gemm(8, 8, 8), unit, memory, CLOCK, (1, 1, 1))
    compute = 8 + 8 + 8 - 2 + 8
    assert mapping.compute_cycles == compute
    assert mapping.cycles == 16 + compute + 8
    assert mapping.traffic == {
        "dram": {"read": 128, "write": 64},
        "buffer": {"read": 128 + 64, "write": 128 + 64},
    }
    assert mapping.tile == (8, 8, 8)


def test_double_buffering_hides_transfers():
    memory = {"dram": dram(8), "buffer": sram(4096, 64)}
    hidden = {"dram": dram(8), "buffer": sram(8192, 64, double_buffered=True)}
    gemm = Gemm(256, 64, 64)
    assert (
        map_gemm(gemm, ARRAY, hidden, CLOCK, (1, 1, 1)).cycles < map_gemm(gemm, ARRAY, memory, CLOCK, (1, 1, 1)).cycles
    )


def test_a_slow_memory_is_named():
    gemm = Gemm(64, 64, 64)
    fast, slow = dram(64), dram(0.01)
    buffer = sram(1 << 16, 64, double_buffered=True)
    assert map_gemm(gemm, ARRAY, {"dram": fast, "buffer": buffer}, CLOCK, (1, 1, 1)).bound == "compute"
    assert map_gemm(gemm, ARRAY, {"hbm": slow, "buffer": buffer}, CLOCK, (1, 1, 1)).bound == "hbm"
    narrow = sram(1 << 16, 0.5, double_buffered=True)
    assert map_gemm(gemm, ARRAY, {"hbm": fast, "buffer": narrow}, CLOCK, (1, 1, 1)).bound == "buffer"


def test_does_not_fit():
    small = {"dram": dram(8), "buffer": sram(64, 8, double_buffered=True)}
    message = r"40x40x40 \(m x n x k\) does not fit memories.buffer: its smallest tile, 1x4x4, needs 32 B of 32 B"
    assert map_gemm(Gemm(40, 40, 40), ARRAY, small, CLOCK, (1, 1, 3)).tile[1:] == (4, 4)
    with pytest.raises(HwsimError, match=message.replace("needs 32 B", "needs 36 B")):
        map_gemm(Gemm(40, 40, 40), ARRAY, small, CLOCK, (1, 1, 4))
    with pytest.raises(HwsimError, match="4 B too much; the largest part is the weight's 16 B"):
        map_gemm(Gemm(40, 40, 40), ARRAY, small, CLOCK, (1, 1, 4))
    outputs = {"dram": dram(8), "buffer": sram(1024, 8), "acc": sram(8, 8, holds=("output",))}
    with pytest.raises(HwsimError, match=r"memories.acc: .* largest part is the output's 16 B"):
        map_gemm(Gemm(40, 40, 40), ARRAY, outputs, CLOCK, (1, 1, 4))


def test_what_a_hierarchy_must_be():
    with pytest.raises(HwsimError, match="at least one memory"):
        map_gemm(Gemm(1, 1, 1), ARRAY, {}, CLOCK, (1, 1, 1))
    with pytest.raises(HwsimError, match="the outermost memory must hold every operand"):
        map_gemm(Gemm(1, 1, 1), ARRAY, {"sram": sram(64, 8, holds=("input",))}, CLOCK, (1, 1, 1))
    cores = {"dram": dram(8), "shared": sram(64, 8, per="core"), "deeper": sram(64, 8)}
    with pytest.raises(HwsimError, match="only the innermost stage"):
        map_gemm(Gemm(1, 1, 1), ARRAY, cores, CLOCK, (1, 1, 1))
    with pytest.raises(HwsimError, match="whole number of bits"):
        map_gemm(Gemm(1, 1, 1), ARRAY, {"dram": dram(8)}, CLOCK, (1, 0.3, 1))


def test_sums_in_the_unit_need_no_memory():
    core = TensorCore(tile={"m": 16, "n": 16, "k": 16}, macs_per_cycle=256, datapath=INT8)
    memory = {"dram": dram(64), "shared": sram(600, 64)}
    mapping = map_gemm(Gemm(16, 16, 160), core, memory, CLOCK, (1, 1, 4))
    assert mapping.tile == (16, 16, 16)
    assert mapping.traffic["dram"] == {"read": 2 * 16 * 160, "write": 16 * 16 * 4}
    assert mapping.traffic["shared"] == {"read": 2 * 16 * 160 + 1024, "write": 2 * 16 * 160 + 1024}


def test_cores_share_the_outputs():
    quad = TensorCore(cores=4, tile={"m": 16, "n": 16, "k": 16}, macs_per_cycle=256, datapath=INT8)
    memory = {"dram": dram(1024), "shared": sram(1024, 64, per="core", double_buffered=True)}
    mapping = map_gemm(Gemm(32, 32, 64), quad, memory, CLOCK, (1, 1, 4))
    assert mapping.compute_cycles == 4 * 16  # four tiles side by side, four instructions of 16 cycles
    assert mapping.levels[-1].core_tile[:2] == (16, 16)
    # Two rows and two columns of cores: each element of a and b is fetched twice.
    assert mapping.traffic["dram"]["read"] == 2 * (32 * 64 + 64 * 32)


def test_loop_nest_is_readable():
    memory = {"dram": dram(8), "buffer": sram(4096, 64)}
    text = map_gemm(Gemm(8, 8, 8), ARRAY, memory, CLOCK, (1, 1, 1)).loop_nest()
    assert text.splitlines() == [
        "dram: whole operands",
        "for n in 2 x 4",
        "  buffer: m 8, n 4, k 8",
        "  for m in 8: for n in 4: for k in 8",
    ]


def test_candidates():
    assert tile_sizes(1, 32) == [1]
    assert tile_sizes(100, 32) == [32, 64, 100]
    assert tile_sizes(96, 1) == [1, 2, 4, 8, 12, 14, 16, 20, 24, 32, 48, 64, 96]
    assert core_grids(4).tolist() == [[4, 1], [2, 2], [1, 4]]


def distinct_inputs(window: Window) -> int:
    """Pixels under any window, each once, listed."""
    rows, columns = (
        {o * window.stride[side] + t * window.dilation[side] - window.padding[side]
         for o in range(window.outputs[side]) for t in range(window.taps[side])} & set(range(window.input[side]))
        for side in range(2)
    )  # fmt: skip
    return window.images * window.channels * len(rows) * len(columns)


@given(
    memory=hierarchies(SHARED + CORES + ELEMENTS), unit=spatial_arrays(), layer=convolutions(), count=st.integers(1, 6),
    objective=st.sampled_from(["cycles", "energy", "traffic"]),
)  # fmt: skip
def test_convolutions_on_spatial_arrays_move_no_less_than_every_operand_once(memory, unit, layer, count, objective):
    """Registers in every element, buffers of cores, groups side by side: never below compulsory traffic or peak."""
    (gemm, window), innermost = layer, list(memory.values())[-1]
    gemm = replace(gemm, count=count)
    unit = unit if innermost.per == "core" else unit.with_cores(1)
    try:
        mapping = map_gemm(gemm, unit, memory, CLOCK, (1, 1, 1), 3, window=window, objective=objective)
    except HwsimError:
        return
    outermost = mapping.traffic["dram"]
    assert outermost["read"] >= count * (distinct_inputs(window) + gemm.k * gemm.n)
    assert outermost["write"] >= count * gemm.m * gemm.n
    assert mapping.gap_to_compulsory >= 0
    assert mapping.cycles >= gemm.macs / unit.peak_macs_per_cycle
    assert mapping.compute_cycles >= gemm.macs / unit.peak_macs_per_cycle
    for name, one in memory.items():
        if one.per == "pe" and "weight" in one.holds:  # read by every product
            assert mapping.bits[name, "weight", "read"] == 8 * gemm.macs


def test_an_outermost_memory_that_holds_too_little():
    """64 weights and 64 results of a byte, beside the inputs."""
    for capacity, fits in ((128, True), (127, False)):
        memory = {"dram": dram(4, capacity=capacity), "buffer": sram(64, 8)}
        if fits:
            assert map_gemm(Gemm(8, 8, 8), ARRAY, memory, CLOCK, (1, 1, 1)).cycles
            continue
        with pytest.raises(HwsimError, match=r"does not fit memories.dram: .* alone need 128 B of 127 B"):
            map_gemm(Gemm(8, 8, 8), ARRAY, memory, CLOCK, (1, 1, 1))


def test_counts_that_would_not_fit_64_bits_are_refused():
    memory = {"dram": dram(4), "buffer": sram(4096, 8)}
    with pytest.raises(HwsimError, match="its traffic may not fit 63 bits"):
        map_gemm(Gemm(1 << 21, 1 << 20, 1 << 21), ARRAY, memory, CLOCK, (1, 1, 1))
