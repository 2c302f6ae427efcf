"""Toggles: the kernel and the sequences against plain integers, and the order against the array itself."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.arch import Architecture
from hwsim.base.errors import InputError
from hwsim.engine import simulate
from hwsim.engine.toggles import REGISTERS, Count, count_product, switching_row
from hwsim.golden import datapath as golden
from hwsim.golden import toggles as golden_toggles
from hwsim.units.systolic import SystolicArray
from hwsim.units.systolic_simulator import SystolicSimulator
from hwsim.workload import Workload

ELEMENTS = {
    "int8 in 20 bits": {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 20}},
    "int8 wrapping at 13": {
        "operands": {"a": "int8", "b": "int4"}, "accumulator": {"bits": 13, "overflow": "wrap"},
    },
    "fp8 in bf16": {"operands": {"a": "e4m3fn", "b": "e2m1fn"}, "accumulator": "bf16"},
    "int8, out as int16": {
        "operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 24, "overflow": "saturate"},
        "output": {"format": "int16"},
    },
}  # fmt: skip


def array(name: str, dataflow: str, rows: int = 4, cols: int = 8) -> SystolicArray:
    return SystolicArray(rows=rows, cols=cols, dataflow=dataflow, pe=ELEMENTS[name])


def operands(unit: SystolicArray, m: int, n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    values = random.integers(-6, 7, (m, k)), random.integers(-6, 7, (k, n))
    return tuple(f.encode(x.astype(float)) for f, x in zip((unit.a_format, unit.b_format), values, strict=True))


def counted(unit: SystolicArray, a: np.ndarray, b: np.ndarray, seed: int = 0) -> dict[str, Count]:
    counts = {register: Count() for register in REGISTERS}
    count_product(unit, a, b, counts, np.random.default_rng(seed))
    return counts


def patterns(codes: np.ndarray, bits: int) -> list[list[int]]:
    return [[int(code) & ((1 << bits) - 1) for code in row] for row in codes]


@given(
    codes=st.lists(st.lists(st.integers(0, (1 << 62) - 1), min_size=4, max_size=4), min_size=1, max_size=5),
    weights=st.lists(st.integers(0, 9), min_size=3, max_size=3),
)
def test_the_kernel_counts_bits(codes, weights):
    from hwsim.kernels.toggles import toggles

    by_hand = sum(weight * (row[i] ^ row[i + 1]).bit_count() for row in codes for i, weight in enumerate(weights))
    assert int(toggles(np.array(codes, np.uint64), np.array(weights, np.uint64))) == by_hand


def test_all_64_bits_count():
    from hwsim.kernels.toggles import toggles

    found = toggles(np.array([[0, 2**64 - 1, 0]], np.uint64), np.ones(2, np.uint64))
    assert isinstance(found, int) and found == 128


@pytest.mark.parametrize("name", ELEMENTS)
@pytest.mark.parametrize("dataflow", ["weight_stationary", "input_stationary", "output_stationary"])
@settings(max_examples=8, deadline=None)
@given(shape=st.tuples(st.integers(2, 8), st.integers(2, 8), st.integers(2, 4)), seed=st.integers(0, 99))
def test_activity_is_that_of_every_register_of_a_fold(name, dataflow, shape, seed):
    """One fold, small enough that nothing is left out: the same mean bits per write as register by register."""
    m, n, k = shape
    unit = array(name, dataflow)
    a, b = operands(unit, m, n, k, seed)
    element = unit.pe.model_copy(update={"output": None})
    width = element.result_format.bits
    partial = {}
    for depth in range(1, k + 1):
        codes, _ = golden.matmul(element, a[:, :depth].tolist(), b[:depth].tolist())
        partial[depth] = patterns(np.array(codes, object), width)
    left, right = patterns(a, unit.a_format.bits), patterns(b, unit.b_format.bits)
    if dataflow == "input_stationary":
        turned = [list(row) for row in zip(*right, strict=True)], [list(row) for row in zip(*left, strict=True)]
        expected = golden_toggles.weight_stationary(*turned, lambda i, j, depth: partial[depth][j][i])
        expected = {"a": expected["b"], "b": expected["a"], "sum": expected["sum"]}
    else:
        judge = getattr(golden_toggles, dataflow)
        expected = judge(left, right, lambda i, j, depth: partial[depth][i][j])
    bits = {"a": unit.a_format.bits, "b": unit.b_format.bits, "sum": width}
    for register, count in counted(unit, a, b).items():
        assert Fraction(count.changed, count.held) == expected[register] / bits[register], register


@pytest.mark.parametrize("dataflow", ["weight_stationary", "input_stationary", "output_stationary"])
def test_elements_see_operands_in_that_order(dataflow):
    """Tags moved through the cycle-by-cycle array: what each element multiplies, one after the other."""
    m, n, k, seen = 3, 3, 3, {}

    def step(total, left, right):
        (i, p), (q, j) = left, right
        assert p == q
        places = {"weight_stationary": (p, j), "input_stationary": (p, i), "output_stationary": (i, j)}
        times = {"weight_stationary": i, "input_stationary": j, "output_stationary": p}
        seen.setdefault(places[dataflow], []).append(times[dataflow])
        return total

    tags = [[(i, p) for p in range(k)] for i in range(m)], [[(p, j) for j in range(n)] for p in range(k)]
    SystolicSimulator(3, 3, dataflow, step).run(*tags)
    assert seen == {(r, c): [0, 1, 2] for r in range(3) for c in range(3)}


def test_what_stays_does_not_switch_a_multiplier():
    for dataflow, moving in (("weight_stationary", "a"), ("input_stationary", "b")):
        unit = array("int8 in 20 bits", dataflow)
        counts = counted(unit, *operands(unit, 8, 8, 4, 1))
        row = switching_row(unit, "x", counts, {"compute.multiplier": 4.0, "dram": 1.0})
        assert row["activity"]["multiplier"] == pytest.approx(row["activity"][moving] / 2)
        half = row["activity"]["multiplier"] / 0.5
        assert row["energy_j"] == {"compute.multiplier": {"average": 4.0, "measured": pytest.approx(4 * half)}}


def test_constant_data_switch_nothing_and_single_steps_are_unknown():
    unit = array("int8 in 20 bits", "weight_stationary")
    ones = np.ones((8, 4), np.uint8), np.ones((4, 8), np.uint8)
    assert {name: count.activity for name, count in counted(unit, *ones).items()} == {"a": 0, "b": 0, "sum": 0}
    alone = counted(unit, ones[0][:1], ones[1])
    assert alone["a"].activity is None and alone["sum"].activity is None
    row = switching_row(unit, "x", alone, {"compute.multiplier": 1.0})
    assert row["activity"]["multiplier"] is None and row["energy_j"] == {}


@pytest.mark.parametrize("dataflow", ["weight_stationary", "output_stationary"])
def test_random_bits_change_half_the_time(dataflow):
    unit = array("int8 in 20 bits", dataflow, rows=32)
    random = np.random.default_rng(5)
    a, b = (random.integers(0, 256, shape).astype(np.uint8) for shape in ((500, 64), (64, 60)))
    counts = counted(unit, a, b)
    assert counts["a"].activity == pytest.approx(0.5, abs=0.02)
    assert counts["b"].activity == pytest.approx(0.5, abs=0.03)


def test_a_run_reports_switching_beside_the_average_when_asked():
    architecture, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("edge_gemm")
    result, again = (simulate(architecture, work, toggles=True) for _ in range(2))
    assert result.switching == again.switching
    plain = simulate(architecture, work)
    assert plain.switching is None and plain.to_json()["switching"] is None
    assert plain.operators == result.operators
    products = [row["name"] for row in result.operators if row["macs"]]
    assert [row["name"] for row in result.switching] == products
    by_name = {row["name"]: row for row in result.operators}
    for row in result.switching:
        assert all(value is None or 0 <= value <= 1 for value in row["activity"].values())
        for component, energy in row["energy_j"].items():
            assert energy["average"] == by_name[row["name"]]["energy_j"][component]
    assert "Bits that switch" in result.table()


def test_other_units_are_refused_before_anything_runs():
    with pytest.raises(InputError, match="not of a tensor_core"):
        simulate(Architecture.load("tensorcore_fp8"), Workload.load("edge_gemm"), toggles=True)
