"""Values moved through the systolic array, register by register, are those of `matmul_codes`, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import technology
from hwsim.base.errors import InputError
from hwsim.memory.base import memories
from hwsim.units.base import Gemm
from hwsim.units.systolic import SystolicArray
from hwsim.units.systolic_simulator import run_codes

INT8 = {"a": "int8", "b": "int8"}
FP8 = {"a": "e4m3fn", "b": "e5m2"}
ELEMENTS = {
    "int8 in 24 bits": ({"operands": INT8, "accumulator": {"bits": 24}}, None),
    "int8 saturating at 16 bits": ({"operands": INT8, "accumulator": {"bits": 16, "overflow": "saturate"}}, None),
    "int8 wrapping at 13 bits, folds in 18": (
        {"operands": INT8, "accumulator": {"bits": 13, "overflow": "wrap"}},
        {"bits": 18, "overflow": "saturate"},
    ),
    "fp8 in fp16": ({"operands": FP8, "accumulator": "fp16"}, None),
    "fp8 in fp16, folds in fp32": ({"operands": FP8, "accumulator": {"format": "fp16", "rounding": "rz"}}, "fp32"),
    "fp8 in bf16, out as fp8": (
        {"operands": FP8, "accumulator": "bf16", "output": {"format": "e4m3fn", "overflow": "saturate"}},
        "fp32",
    ),
}


def make(name: str, rows: int, cols: int, dataflow: str) -> SystolicArray:
    pe, fold = ELEMENTS[name]
    return SystolicArray(rows=rows, cols=cols, dataflow=dataflow, pe=pe, fold_accumulator=fold)


def codes(unit: SystolicArray, which: str, shape: tuple[int, int], seed: int) -> np.ndarray:
    """All codes of the operand's format with equal probability: subnormals, NaN and infinities too."""
    number_format = unit.a_format if which == "a" else unit.b_format
    drawn = np.random.default_rng(seed).integers(0, 1 << number_format.bits, shape)
    return drawn.astype(number_format.code_dtype)


def same(unit: SystolicArray, ours: np.ndarray, theirs: list[list[int]]) -> bool:
    expected = np.array(theirs, dtype=ours.dtype)
    if unit.result_format.kind != "float":
        return np.array_equal(ours, expected)
    values, others = unit.result_format.decode(ours), unit.result_format.decode(expected)
    # A NaN's payload is nobody's promise.
    return bool(np.all((ours == expected) | (np.isnan(values) & np.isnan(others))))


@pytest.mark.parametrize("name", ELEMENTS)
@given(
    dataflow=st.sampled_from(["os", "ws", "is"]),
    array=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    seed=st.integers(0, 2**32 - 1),
    starts=st.booleans(),
)
def test_moved_values_are_matmul_codes(name, dataflow, array, shape, seed, starts):
    unit = make(name, *array, dataflow)
    m, n, k = shape
    a, b = codes(unit, "a", (m, k), seed), codes(unit, "b", (k, n), seed + 1)
    c = None
    if starts and unit.datapath.c_format.kind == "float":
        drawn = np.random.default_rng(seed).normal(0, 4, (m, n))
        c = unit.datapath.c_format.encode(drawn)
    elif starts:
        c = np.random.default_rng(seed).integers(-4000, 4000, (m, n)).astype(np.int64)
        c = unit.datapath.c_format.encode(c)
    moved = run_codes(unit, a.tolist(), b.tolist(), None if c is None else c.tolist())
    assert same(unit, unit.matmul_codes(a, b, c).codes, moved.result)
    assert moved.cycles == unit.timing(Gemm(m, n, k)).total


def test_dataflows_add_in_different_orders():
    """The test above could not fail if the order did not matter."""
    a = np.random.default_rng(3).normal(0, 1, (8, 64))
    b = np.random.default_rng(4).normal(0, 1, (64, 8))
    results = []
    for dataflow, rows in (("os", 4), ("ws", 4), ("ws", 16), ("is", 16)):
        unit = make("fp8 in fp16", rows, 4, dataflow)
        encoded = unit.a_format.encode(a), unit.b_format.encode(b)
        results.append(unit.matmul_codes(*encoded).codes.tolist())
    assert results[2] == results[3]
    assert results[0] != results[1] != results[2] != results[0]


def test_the_accumulator_memory_hands_its_format_over():
    sram = memories.get("sram")
    unit = make("int8 wrapping at 13 bits, folds in 18", 4, 4, "ws").model_copy(update={"fold_accumulator": None})
    assert unit.with_accumulator_memory(sram(capacity=1024, width=8)) == unit
    wide = unit.with_accumulator_memory(sram(capacity=1024, width=8, format="int20"))
    assert (wide.fold_adder.bits, wide.fold_adder.overflow) == (20, "wrap")
    assert wide.result_format.name == "int20"
    full = unit.with_accumulator_memory(sram(capacity=1024, width=8, format="int20", overflow="saturate"))
    assert full.fold_adder.overflow == "saturate"
    floats = make("fp8 in fp16", 4, 4, "ws")
    rounded = floats.with_accumulator_memory(sram(capacity=1024, width=8, format="bf16", rounding="rz"))
    assert (rounded.fold_adder.format.name, rounded.fold_adder.rounding) == ("bf16", "rz")
    with pytest.raises(InputError, match=r"format 'int20': .* floating point cannot go into an integer"):
        floats.with_accumulator_memory(sram(capacity=1024, width=8, format="int20"))


def test_what_a_processing_element_cannot_be():
    tree = {"operands": FP8, "accumulator": "fp32", "reduction": {"kind": "tree", "lanes": 4}}
    with pytest.raises(ValueError, match="one product per cycle"):
        SystolicArray(rows=4, cols=4, dataflow="ws", pe=tree)
    chunked = {"operands": FP8, "accumulator": {"every": 4, "into": "fp32"}}
    with pytest.raises(ValueError, match="chunks of its rows"):
        SystolicArray(rows=4, cols=4, dataflow="ws", pe=chunked)


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_every_action_has_a_price(dataflow):
    unit = make("int8 in 24 bits", 8, 8, dataflow)
    cost = unit.cost(technology.get("7nm"))
    actions = unit.actions(Gemm(10, 20, 30))
    assert actions.keys() <= cost.energy_j.keys()
    assert all(cost.energy_j[name] > 0 for name in actions)
    assert cost.sources.keys() == cost.area_m2.keys()
    larger = unit.model_copy(update={"rows": 16}).cost(technology.get("7nm"))
    assert larger.area_m2["multiplier"] == 2 * cost.area_m2["multiplier"]
    assert larger.area_m2.get("fold adders") == cost.area_m2.get("fold adders")  # one per column
