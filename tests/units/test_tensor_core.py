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
        small(2, 2, (3, 4, 2), 100, 2),
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
