"""The pim unit: bits against the golden model, actions against the commands, cycles against the public simulator."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import technology
from hwsim.base.errors import HwsimError, InputError
from hwsim.golden.formats import decode
from hwsim.golden.pim import add, multiply, pim_dot, rounded
from hwsim.mapping import map_gemm
from hwsim.units.base import Gemm
from hwsim.units.pim import Pim
from hwsim.units.pim_program import GemvWork, PimProgram
from hwsim.units.registry import units

SMALL = Pim(
    organization={"channels": 2, "bank_groups": 2, "banks_per_group": 2, "bursts_per_row": 4, "burst_bytes": 8},
    timings={"tRAS": 30, "tRC": 44, "tREFI": 700},
    lanes=4,
    registers=2,
)


def golden_matmul(unit, a, b, c=None):
    return [
        [
            pim_dot(unit.format, a[i].tolist(), b[:, j].tolist(), unit.lanes, unit.registers, unit.lane_reduction,
                    None if c is None else int(c[i, j]))
            for j in range(b.shape[1])
        ]
        for i in range(a.shape[0])
    ]  # fmt: skip


codes = st.one_of(
    st.integers(0, 0xFFFF),  # every class of fp16: subnormals, infinities and NaN come up in both
    st.sampled_from([0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x3C00, 0xBC00]),
    st.integers(0x2C00, 0x4400),
)


@given(st.data(), st.integers(1, 2), st.integers(1, 3), st.integers(1, 21), st.booleans(),
       st.sampled_from(("sequential", "tree")))  # fmt: skip
def test_bits_are_golden(data, m, n, k, with_c, reduction):
    unit = SMALL.model_copy(update={"lane_reduction": reduction})

    def draw(rows, columns):
        flat = data.draw(st.lists(codes, min_size=rows * columns, max_size=rows * columns))
        return np.array(flat, np.uint16).reshape(rows, columns)

    a, b = draw(m, k), draw(k, n)
    c = draw(m, n) if with_c else None
    result = unit.matmul_codes(a, b, c)
    assert result.codes.dtype == np.uint16
    assert result.codes.tolist() == golden_matmul(unit, a, b, c)


@pytest.mark.parametrize("name", ["fp16", "bf16"])
def test_bits_of_the_full_block(name):
    unit, rng = Pim(format=name), np.random.default_rng(5)
    a, b = (unit.format.encode(rng.normal(size=shape)) for shape in ((2, 400), (400, 3)))
    assert unit.matmul_codes(a, b).codes.tolist() == golden_matmul(unit, a, b)


def test_the_order_shows_in_the_bits():
    """Lane 0 adds inputs 0, 4 (tile 0), 16, 20 (tile 2), then 8 of the odd tile 1: 2048 + 1 + 1 stays 2048."""
    one, big = 0x3C00, 0x6800  # 1 and 2048 in fp16, where 2048 + 1 rounds to 2048
    weights = np.full((24, 1), one, np.uint16)
    inputs = np.zeros((1, 24), np.uint16)
    inputs[0, [0, 16]], inputs[0, 8] = one, big
    assert SMALL.format.decode(SMALL.matmul_codes(inputs, weights).codes) == 2050
    inputs[0, [0, 16]], inputs[0, 8] = 0, 0
    inputs[0, 0], inputs[0, [16, 8]] = big, one
    assert SMALL.format.decode(SMALL.matmul_codes(inputs, weights).codes) == 2048


def test_overflows_are_counted():
    top = np.array([[0x7BFF]], np.uint16)
    assert SMALL.matmul_codes(top, np.array([[0x3C00]], np.uint16)).overflows == 0
    beyond = SMALL.matmul_codes(top, np.array([[0x4000]], np.uint16))
    assert (beyond.codes.item(), beyond.overflows) == (0x7C00, 1)
    infinite = SMALL.matmul_codes(np.array([[0x7C00]], np.uint16), np.array([[0x3C00]], np.uint16))
    assert (infinite.codes.item(), infinite.overflows) == (0x7C00, 0)


@given(st.lists(st.tuples(codes, codes), min_size=1, max_size=8))
def test_elementwise_bits_are_golden(pairs):
    x, y = (np.array(column, np.uint16) for column in zip(*pairs, strict=True))
    for name, operation in (("add", add), ("mul", multiply)):
        found = SMALL.format.decode(SMALL.elementwise_codes(name, x, y))
        golden = [rounded(SMALL.format, operation(*(decode(SMALL.format, code) for code in pair))) for pair in pairs]
        np.testing.assert_array_equal(found, np.array(golden, np.float64))
    negative = [code >= 0x8000 for code in x.tolist()]
    assert SMALL.elementwise_codes("relu", x).tolist() == np.where(negative, 0, x).tolist()


# Cycles and cost ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("m", "n", "k", "count"), [(1, 1, 1, 1), (3, 40, 33, 2), (1, 16, 8, 1), (2, 17, 9, 1), (9, 5, 70, 1)]
)
def test_timing_and_actions_are_those_of_the_commands(m, n, k, count):
    gemm = Gemm(m, n, k, count)
    program = PimProgram(SMALL.shape, SMALL.timings)
    assert SMALL.timing(gemm).total == program.gemv(GemvWork(n, k, m, count))
    works = Counter(i.command.work for i in program.simulator.trace)
    actions, channels, blocks = SMALL.actions(gemm), SMALL.organization.channels, SMALL.shape.blocks
    reads = program.simulator.counts["RD"]
    assert actions["activate"] == channels * program.simulator.counts["ACT"]
    assert actions["bank_read"] == channels * reads
    assert actions["bank_write"] == channels * blocks * works["mov"]
    assert actions["register_write"] == channels * blocks * works["register"]
    assert actions["mac"] == channels * blocks * SMALL.lanes * works["mac"]
    assert actions["refresh"] == channels * program.simulator.counts["REF"]
    assert actions["mac"] >= gemm.macs
    assert SMALL.timing(gemm).total >= -(-gemm.macs // SMALL.peak_macs_per_cycle)


@pytest.mark.parametrize("operation", ["add", "mul", "relu"])
@pytest.mark.parametrize("elements", [1, 64, 65, 1000])
def test_elementwise_timing_and_actions_are_those_of_the_commands(operation, elements):
    program = PimProgram(SMALL.shape, SMALL.timings)
    assert SMALL.elementwise_timing(operation, elements).total == program.elementwise(operation, elements)
    actions, channels = SMALL.elementwise_actions(operation, elements), SMALL.organization.channels
    works = Counter(i.command.work for i in program.simulator.trace)
    assert actions["activate"] == channels * program.simulator.counts["ACT"]
    assert actions["bank_read"] == channels * program.simulator.counts["RD"]
    assert actions["bank_write"] == channels * SMALL.shape.blocks * works["mov"]
    assert actions["register_write"] == channels * SMALL.shape.blocks * works["register"]
    assert actions["refresh"] == channels * program.simulator.counts["REF"]


PUBLISHED = [
    # (outputs, inputs), PIMSimulator's cycles with PIM, the least and the largest ratio of this model to it
    ((4096, 1024), 3662, 0.86, 0.88),
    ((4096, 4096), 13166, 0.99, 1.0),
    ((1024, 4096), 13166, 0.99, 1.0),
]


@pytest.mark.parametrize(("shape", "published", "low", "high"), PUBLISHED)
def test_cycles_beside_the_public_simulator(shape, published, low, high):
    """They differ (docs/pim.md) by a fixed part, parking and queues, and by some cycles per tile, rows opened ahead."""
    program = PimProgram(Pim().shape, Pim().timings, keep_trace=False)
    assert low < program.gemv(GemvWork(*shape), read_results=False) / published < high


def test_elementwise_cycles_beside_the_public_simulator():
    """1 Mi additions take 3,349 cycles there; the fixed part that is missing here weighs the more in a short kernel."""
    assert 0.84 < Pim().elementwise_timing("add", 1 << 20).total / 3349 < 0.86


def test_an_unfilled_output_tile_costs_a_full_one():
    timing = {n: Pim().timing(Gemm(1, n, 4096)).total for n in (1, 1024, 4096, 4097)}
    assert timing[1] == timing[1024] == timing[4096] < timing[4097]


def test_padding_limits():
    base = Pim().timing(Gemm(1, 4096, 128)).total
    assert Pim().timing(Gemm(1, 1, 1)).total == base
    assert Pim().timing(Gemm(1, 4096, 129)).total > base


def test_room_for_the_weights():
    small = SMALL.model_copy(update={"organization": SMALL.organization.model_copy(update={"rows": 5})})
    assert small.timing(Gemm(1, 1, 16)).total > 0  # one row of weights, one of sums, three reserved
    with pytest.raises(HwsimError, match=r"1x1x17 x 1 needs 6 rows .* has 5"):
        small.timing(Gemm(1, 1, 17))


def test_every_action_has_an_energy_and_every_number_a_source():
    cost = Pim().cost(technology.get("7nm"))
    actions = set(Pim().actions(Gemm(1, 1, 1))) | {
        a for o in ("add", "mul", "relu") for a in Pim().elementwise_actions(o, 1)
    }
    assert actions == set(cost.energy_j)
    assert all(value > 0 for value in (*cost.energy_j.values(), *cost.area_m2.values()))
    # 0.43 of CACTI's 6.25 pJ/bit for HBM2, over 256 bits.
    assert cost.energy_j["bank_read"] == pytest.approx(0.43 * 6.25e-12 * 256)
    # Reading the weights beside the banks must be cheaper than moving them to the host.
    assert cost.energy_j["bank_read"] < 256 * technology.get("7nm").dram("HBM2").energy_j_per_bit


def test_the_shipped_architecture_maps_and_moves_no_weights():
    from hwsim.arch import Architecture

    architecture = Architecture.load(Path(__file__).parents[2] / "arch_configs" / "hbm_pim_fp16.yaml")
    assert architecture.compute == Pim()
    gemm = Gemm(2, 4096, 1024)
    placed = map_gemm(gemm, architecture.compute, architecture.memories, architecture.clock_hz, (2, 2, 2), 2)
    assert placed.cycles == architecture.compute.timing(gemm).total
    accesses = architecture.compute.accesses(gemm)
    moved = placed.traffic["hbm"]
    assert (moved["read"], moved["write"]) == (2 * accesses.a_reads, 2 * accesses.c_writes)
    assert sum(moved.values()) < 2 * gemm.k * gemm.n


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lanes": 8}, "8 lanes of fp16 take 128 bits, but a burst has 256"),
        ({"lanes": 12}, "power of two"),
        ({"format": "int8"}, "expected a float format with infinity"),
        ({"format": "e4m3fn"}, "expected a float format with infinity"),
        ({"registers": 3}, "must fill whole rows"),
        ({"organization": {"bank_groups": 3}}, "even number of bank groups"),
        ({"timings": {"tRC": 48}}, r"asks for tRC <= tRAS \+ tRP"),
        ({"timings": {"tRAS": 37}}, r"asks for tRAS <= tRCDWR"),
        ({"lanes": 0}, "greater than or equal to 1"),
        ({"timings": {"tRP": -1}}, "greater than or equal to 1"),
        ({"timing": {}}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Pim(**fields)


def test_limits_that_still_fit():
    assert Pim(timings={"tRC": 47, "tRAS": 33}).timings.tRC == 47
    assert Pim(timings={"tRAS": 36, "tRC": 50}).timings.tRAS == 36
    assert units.get("pim") is Pim


def test_unknown_operations_are_named():
    with pytest.raises(InputError, match="unknown PIM operation 'mull'; did you mean 'mul'"):
        Pim().elementwise_timing("mull", 1)
    with pytest.raises(InputError, match="'relu' takes 1 operands"):
        Pim().elementwise_codes("relu", np.zeros(1, np.uint16), np.zeros(1, np.uint16))
    with pytest.raises(InputError, match="'add' takes 2 operands"):
        Pim().elementwise_codes("add", np.zeros(1, np.uint16))
