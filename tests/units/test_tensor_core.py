"""Tensor cores: the closed form against the event simulator, and the bits against the datapath."""

from itertools import product

import numpy as np
import pytest

from hwsim import technology
from hwsim.units.base import Gemm
from hwsim.units.tensor_core import TensorCore
from hwsim.units.tensor_core_simulator import TensorCoreSimulator

FP8 = {
    "operands": {"a": "e4m3fn", "b": "e4m3fn"},
    "reduction": {"kind": "fused", "lanes": 32, "align_bits": 13, "align": "truncate"},
    "accumulator": {"format": "e8m13", "rounding": "rz"},
    "output": {"format": "fp32"},
}
PLAIN = {"operands": {"a": "fp16", "b": "fp16"}, "accumulator": "fp32"}


def small(cores: int, per_core: int, tile: tuple[int, int, int], rate: int, latency: int) -> TensorCore:
    m, n, k = tile
    return TensorCore(
        cores=cores,
        units_per_core=per_core,
        tile={"m": m, "n": n, "k": k},
        macs_per_cycle=rate,
        latency=latency,
        datapath=PLAIN,
    )


def hopper_like() -> TensorCore:
    return TensorCore(cores=132, units_per_core=4, tile={"m": 64, "n": 256, "k": 32}, macs_per_cycle=1024, datapath=FP8)


@pytest.mark.parametrize(
    "unit",
    [
        small(1, 1, (1, 1, 1), 1, 0),
        small(1, 2, (2, 3, 2), 4, 0),
        small(3, 1, (2, 2, 4), 5, 7),
        small(2, 4, (4, 3, 3), 36, 1),
        small(2, 2, (3, 4, 2), 24, 2),
    ],
)
def test_closed_form_is_the_event_simulator_on_every_small_shape(unit):
    tile = unit.tile
    simulator = TensorCoreSimulator(unit.unit_count, tile.m, tile.n, tile.k, unit.macs_per_cycle, unit.latency)
    for m, n, k in product(range(1, 10), repeat=3):
        for count in (1, 3) if m == n else (1,):
            gemm = Gemm(m, n, k, count)
            run, accesses = simulator.run(gemm), unit.accesses(gemm)
            assert run.cycles == unit.timing(gemm).total, gemm
            assert run.macs == gemm.macs == unit.actions(gemm)["mac"]
            assert (run.a_reads, run.b_reads, run.c_writes) == (accesses.a_reads, accesses.b_reads, accesses.c_writes)
            assert accesses.c_reads == 0


def test_tile_and_wave_quantization():
    unit = hopper_like()
    whole = Gemm(64 * 132, 256 * 4, 512)
    assert unit.utilization(whole) == 1
    assert unit.peak_macs_per_cycle == 132 * 4 * 1024
    # One row more opens a row of tiles, and with it a second wave.
    assert unit.timing(Gemm(64 * 132 + 1, 256 * 4, 512)).total == 2 * unit.timing(whole).total
    # A tile of one row, one column and one product costs a full instruction.
    assert unit.timing(Gemm(1, 1, 1)).total == 64 * 256 * 32 // 1024


def test_latency_is_paid_by_every_wave():
    plain, late = small(2, 1, (2, 2, 2), 1, 0), small(2, 1, (2, 2, 2), 1, 5)
    gemm = Gemm(8, 4, 6)
    assert late.timing(gemm).fill == 4 * 5
    assert late.timing(gemm).total == plain.timing(gemm).total + 20


def test_bits_are_the_chained_datapath():
    unit = hopper_like()
    rng = np.random.default_rng(0)
    a = unit.a_format.encode(rng.normal(0, 1, (5, 100)))
    b = unit.b_format.encode(rng.normal(0, 1, (100, 7)))
    whole = unit.matmul_codes(a, b).codes
    assert np.array_equal(whole, unit.datapath.matmul_codes(a, b).codes)
    # Cutting K at the mapper's step and going on from the partial sums changes no bit.
    step = unit.tile_step[2]
    sums = unit.matmul_codes(a[:, :step], b[:step]).codes
    for first in range(step, 100, step):
        sums = unit.matmul_codes(a[:, first : first + step], b[first : first + step], sums).codes
    assert np.array_equal(whole, sums)


def test_k_step_covers_lanes_and_chunks():
    chunked = FP8 | {"accumulator": {"every": 128, "into": "fp32", "inner": {"format": "e8m13", "rounding": "rz"}}}
    unit = TensorCore(tile={"m": 16, "n": 8, "k": 32}, macs_per_cycle=256, datapath=chunked)
    assert unit.tile_step == (16, 8, 128)
    with pytest.raises(ValueError, match="not a multiple of the 32 products"):
        TensorCore(tile={"m": 16, "n": 8, "k": 48}, macs_per_cycle=256, datapath=FP8)


def test_many_shapes_at_once():
    unit = small(2, 4, (4, 3, 3), 36, 1)
    m, n, k = np.random.default_rng(1).integers(1, 40, (3, 6, 4))
    counts, base = unit.count_tiles(m, n, k), super(TensorCore, unit).count_tiles(m, n, k)
    for name in ("cycles", "a_reads", "b_reads", "c_reads", "c_writes"):
        assert np.array_equal(getattr(counts, name), getattr(base, name))


def test_every_action_has_a_price():
    unit = hopper_like()
    cost = unit.cost(technology.get("7nm"))
    actions = unit.actions(Gemm(100, 200, 300))
    assert actions["sum_access"] == 100 * 200 * 10  # ten instructions of 32 products
    assert actions.keys() <= cost.energy_j.keys()
    assert all(cost.energy_j[name] > 0 for name in actions)
    assert cost.sources.keys() == cost.area_m2.keys()
    half = unit.model_copy(update={"cores": 66}).cost(technology.get("7nm"))
    assert half.total_area_m2 == pytest.approx(cost.total_area_m2 / 2)


@pytest.mark.parametrize("in_flight", [1, 2, 3, 5])
@pytest.mark.parametrize("latency", [0, 1, 7, 30])
def test_tiles_in_flight_hide_latency(latency, in_flight):
    """The closed form is the queue, whether the issue or the latency is what is waited for."""
    unit = small(2, 1, (2, 2, 4), 3, latency).model_copy(update={"tiles_in_flight": in_flight})
    simulator = TensorCoreSimulator(2, 2, 2, 4, 3, latency, in_flight)
    for m, n, k in product(range(1, 12, 2), range(1, 8), (1, 4, 9)):
        gemm = Gemm(m, n, k, count=1 + m % 2)
        assert simulator.run(gemm).cycles == unit.timing(gemm).total, gemm
    busy = Gemm(40, 40, 40)  # work of 60 cycles a tile hides all but the first latency of several
    expected = latency + 200 * 60 if in_flight > 1 else 200 * (latency + 60)
    assert unit.timing(busy).total == expected
    assert unit.resident_outputs == in_flight * 4


def test_occupancy_is_what_registers_and_shared_memory_allow():
    sums, panels = 16 * 16 * 32 // 8, (16 * 16 + 16 * 16) * 16 // 8
    for registers, shared, expected in (
        (8 * sums, 100 * panels, 4),
        (8 * sums - 1, 100 * panels, 3),
        (100 * sums, 12 * panels, 3),
        (100 * sums, 12 * panels - 1, 2),
    ):
        room = {"register_file": registers, "shared_memory": shared, "stages": 2}
        tile = {"m": 16, "n": 16, "k": 16}
        unit = TensorCore(units_per_core=2, tile=tile, macs_per_cycle=64, tiles_in_flight=room, datapath=PLAIN)
        assert unit.in_flight == expected
    with pytest.raises(ValueError, match="register_file of 2047 B: 2 units with one tile of 1024 B each need 2048"):
        TensorCore(
            units_per_core=2,
            tile={"m": 16, "n": 16, "k": 16},
            macs_per_cycle=64,
            tiles_in_flight={"register_file": 2047, "shared_memory": "1 MiB"},
            datapath=PLAIN,
        )


def measured(chip, name, tile, macs, per_core=1, **options):
    shape = dict(zip("mnk", tile, strict=True))
    more = {key: options.pop(key) for key in ("in_type", "acc_type", "wait") if key in options}
    instruction = {"chip": chip, "name": name, **more}
    return TensorCore(
        units_per_core=per_core, tile=shape, macs_per_cycle=macs, instruction=instruction, datapath=PLAIN, **options
    )


def test_measured_instructions():
    """Issue intervals, rates of a core and latencies as the table has them."""
    hopper = measured("H100 80GB HBM3", "wgmma m64n256k16 (SS)", (64, 256, 16), 2048)
    assert hopper.timing(Gemm(64, 256, 16 * 100)).total == 12930  # 129.3 cycles each
    ampere = measured("A100", "mma.sync m16n8k16", (16, 8, 16), 256, 4, in_type="fp16", acc_type="fp32", wait=3)
    work = 100 * 16 * 8 * 16 * 4 / 1004.2  # four units share the measured rate of a core
    assert ampere.timing(Gemm(16, 8, 1600)).total == int(work) + 1 + 3 + 17  # ⌈24.7 − 8.2⌉ beyond an issue
    cdna = measured("CDNA3", "v_mfma_f32_32x32x8_f16", (32, 32, 8), 256, 4)
    assert cdna.cycles_per_instruction == 32
    assert cdna.waiting == 0


def test_a_measured_interval_is_the_event_simulator():
    unit = measured("H100 80GB HBM3", "wgmma m64n8k16 (SS)", (64, 8, 16), 2048, wait=50, tiles_in_flight=2)
    simulator = TensorCoreSimulator(1, 64, 8, 16, 2048, 50, 2, unit.cycles_per_instruction)
    for m, n, k in product((1, 64, 200, 300), (8, 20), (16, 100, 1000)):
        assert simulator.run(Gemm(m, n, k)).cycles == unit.timing(Gemm(m, n, k)).total


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("A101", "mma.sync m16n8k16", (16, 8, 16), 256), {}, "no measured cycles of chip 'A101'.*A100"),
        (("A100", "mma.sync m16n8k17", (16, 8, 16), 256), {}, "no measured cycles of 'mma.sync m16n8k17' on A100"),
        (("A100", "mma.sync m16n8k16", (16, 8, 16), 256), {}, "give acc_type, one of fp16, fp32"),
        (("A100", "mma.sync m16n8k16", (16, 8, 8), 256), {"in_type": "fp16", "acc_type": "fp32"}, "expected a tile of"),
        (
            ("H100 80GB HBM3", "wgmma m64n256k16 (SS)", (64, 256, 16), 1024),
            {},
            "macs_per_cycle 1024: .* was measured at 2027.4",
        ),
        (("RTX4090", "mma.sync m16n8k16", (16, 8, 16), 256), {"latency": 3}, "the instruction's own is taken"),
    ],
)
def test_instructions_that_do_not_fit(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        measured(*arguments, **options)


def test_sparse_weights_double_the_rate():
    dense = TensorCore(tile={"m": 16, "n": 8, "k": 16}, macs_per_cycle=256, datapath=PLAIN)
    sparse = TensorCore.model_validate({**dict(dense), "sparsity": {"keep": 2, "of": 4, "prune": "magnitude"}})
    gemm = Gemm(64, 64, 256)
    assert dense.timing(gemm).total == 2 * sparse.timing(gemm).total
    assert sparse.peak_macs_per_cycle == 2 * dense.peak_macs_per_cycle == 512
    assert sparse.utilization(gemm) == dense.utilization(gemm) == 1
    assert sparse.actions(gemm)["mac"] * 2 == gemm.macs
    assert sparse.tile_step == (16, 8, 32)
    assert sparse.b_bits_per_element == (16 + 2) / 2
    rng = np.random.default_rng(0)
    a, b = (f.encode(rng.normal(0, 1, s)) for f, s in ((dense.a_format, (5, 70)), (dense.b_format, (70, 6))))
    pruned = b.reshape(70, 6).copy()
    places = sparse.sparsity.places(b, dense.b_format)
    for j in range(6):
        pruned[[row for row in range(70) if row not in places[:, j]], j] = 0
    assert np.array_equal(sparse.matmul_codes(a, b).codes, dense.matmul_codes(a, pruned).codes)
    with pytest.raises(ValueError, match="not a multiple of the 3 weights of a group"):
        TensorCore.model_validate({**dict(dense), "sparsity": {"keep": 3, "of": 4}})


def test_a_measured_sparse_instruction():
    fields = {"in_type": "fp16", "acc_type": "fp32", "sparsity": {"keep": 2, "of": 4}}
    unit = measured("A100", "mma.sp.sync m16n8k32", (16, 8, 16), 256, 4, **fields)
    assert float(unit.cycles_per_instruction) == pytest.approx(16 * 8 * 32 * 4 / 1979.1)


def test_a_serial_multiplier_slows_the_core():
    digits = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 32}, "multiplier": {"kind": "serial"}}
    plain = TensorCore(tile={"m": 4, "n": 4, "k": 4}, macs_per_cycle=10, datapath=digits | {"multiplier": "exact"})
    slow = TensorCore(tile={"m": 4, "n": 4, "k": 4}, macs_per_cycle=10, datapath=digits)
    gemm = Gemm(9, 9, 9)
    assert slow.timing(gemm).total == 8 * plain.timing(gemm).total
    assert slow.peak_macs_per_cycle * 8 == plain.peak_macs_per_cycle == 10
