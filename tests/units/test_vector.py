"""The vector unit: each result rounded once, sums in the order of the lanes, and the work that it counts."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import formats, technology
from hwsim.base.errors import InputError
from hwsim.golden import formats as golden
from hwsim.units import vector_functions as functions
from hwsim.units import vector_work as work
from hwsim.units.base import VectorWork
from hwsim.units.vector import VectorUnit
from hwsim.units.vector_operations import OPERATIONS

FORMATS = ["fp32", "bf16", "fp16", "e4m3fn"]


def rounded(name: str, exact: Fraction) -> float:
    """The golden model's rounding of an exact result."""
    fmt = formats.get(name)
    return float(golden.decode(fmt, golden.encode(fmt, exact)))


def values(name: str, seed: int, count: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(0, 1, count) * 2.0 ** np.random.default_rng(seed).integers(-9, 3, count)
    return formats.get(name).round(drawn)


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32 - 1))
def test_arithmetic_is_exact_and_rounded_once(name, seed):
    unit = VectorUnit(lanes=4, format=name)
    x, y = values(name, seed, 16), values(name, seed + 1, 16)
    y[y == 0] = 1
    exact = {
        "add": lambda p, q: p + q,
        "sub": lambda p, q: p - q,
        "mul": lambda p, q: p * q,
        "div": lambda p, q: p / q,
        "max": max,
        "min": min,
    }
    for operation, rule in exact.items():
        expected = [rounded(name, rule(Fraction(p), Fraction(q))) for p, q in zip(x, y, strict=True)]
        np.testing.assert_array_equal(unit.apply(operation, x, y), expected, operation)  # NaN where e4m3fn ends


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32 - 1))
def test_square_root_is_correctly_rounded(name, seed):
    x = np.abs(values(name, seed, 16))
    for root, value in zip(VectorUnit(format=name).apply("sqrt", x).tolist(), x.tolist(), strict=True):
        # The integer root of a hugely scaled value is exact far beyond any format here.
        scaled = Fraction(math.isqrt(int(Fraction(value) * 2**400)), 2**200)
        assert root == rounded(name, scaled)


def sum_by_lanes(name: str, lanes: int, row: list[float]) -> float:
    """The documented order, one golden addition at a time."""
    registers = row[:lanes]
    for position, value in enumerate(row[lanes:]):
        lane = position % lanes
        registers[lane] = rounded(name, Fraction(registers[lane]) + Fraction(value))
    while len(registers) > 1:
        half = -(-len(registers) // 2)
        for lane in range(len(registers) - half):
            registers[lane] = rounded(name, Fraction(registers[lane]) + Fraction(registers[half + lane]))
        registers = registers[:half]
    return registers[0]


@given(
    name=st.sampled_from(FORMATS[:3]),
    lanes=st.integers(1, 9),
    length=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_sums_follow_the_lanes(name, lanes, length, seed):
    row = values(name, seed, 2 * length).reshape(2, length)
    sums = VectorUnit(lanes=lanes, format=name).sum(row)
    assert sums.tolist() == [sum_by_lanes(name, lanes, line) for line in row.tolist()]


def test_the_order_of_a_sum_shows():
    row = [[2048.0, 1.0, 1.0, 1.0]]
    assert VectorUnit(lanes=1, format="fp16").sum(row) == 2048
    assert VectorUnit(lanes=2, format="fp16").sum(row) == 2050


def counted(unit: VectorUnit, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Operations that the unit does from now on, by name; `max` of whole rows is counted by its own rule."""
    seen: dict[str, int] = {}
    plain = VectorUnit.apply

    def apply(self, operation, *arrays):
        result = plain(self, operation, *arrays)
        seen[operation] = seen.get(operation, 0) + result.size
        return result

    monkeypatch.setattr(VectorUnit, "apply", apply)
    return seen


@pytest.mark.parametrize("function", ["relu", "gelu", "gelu_tanh", "silu", "sigmoid"])
def test_elementwise_work_is_what_is_done(function, monkeypatch):
    unit = VectorUnit(lanes=4)
    seen = counted(unit, monkeypatch)
    getattr(functions, function)(unit, np.ones((3, 5)))
    assert seen == work.elementwise(function, 15).operations


def test_row_work_is_what_is_done(monkeypatch):
    unit, x = VectorUnit(lanes=4), np.random.default_rng(0).normal(size=(3, 10))
    seen = counted(unit, monkeypatch)
    functions.softmax(unit, x)
    assert {"max": 3 * 9, **seen} == work.softmax(3, 10).operations
    seen.clear()
    functions.layer_norm(unit, x, np.ones(10), np.ones(10))
    assert seen == work.layer_norm(3, 10).operations
    seen.clear()
    functions.layer_norm(unit, x)
    assert seen == work.layer_norm(3, 10, weight=False, bias=False).operations
    seen.clear()
    functions.rms_norm(unit, x, np.ones(10))
    assert seen == work.rms_norm(3, 10).operations
    seen.clear()
    unit.mean(x)
    assert seen == work.mean(3, 10).operations
    seen.clear()
    functions.avg_pool2d(unit, np.ones((2, 4, 6)), kernel=2)
    assert seen == work.avg_pool(48, 12, 4).operations


@pytest.mark.parametrize("lanes", [1, 3, 32])
def test_functions_in_double_precision_are_the_textbook(lanes):
    unit = VectorUnit(lanes=lanes, format="fp64")
    x = np.random.default_rng(2).normal(size=(4, 37))
    powers = np.exp(x - x.max(-1, keepdims=True))
    near = {"rtol": 1e-13, "atol": 1e-15}  # double precision in another order of additions
    np.testing.assert_allclose(functions.softmax(unit, x), powers / powers.sum(-1, keepdims=True), **near)
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * 2 + 1
    np.testing.assert_allclose(functions.layer_norm(unit, x, 2.0, 1.0), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(functions.rms_norm(unit, x), x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5), **near)
    erf = np.vectorize(math.erf)(x / math.sqrt(2))
    np.testing.assert_allclose(functions.gelu(unit, x), x / 2 * (1 + erf), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(functions.gelu_tanh(unit, x), functions.gelu(unit, x), atol=1e-3)
    np.testing.assert_allclose(functions.silu(unit, x), x / (1 + np.exp(-x)), **near)
    np.testing.assert_allclose(functions.sigmoid(unit, x), 1 / (1 + np.exp(-x)), **near)


def test_pools():
    unit, x = VectorUnit(), np.arange(16.0).reshape(1, 1, 4, 4) - 20
    assert functions.max_pool2d(unit, x, 2).tolist() == [[[[-15, -13], [-7, -5]]]]
    assert functions.avg_pool2d(unit, x, 2).tolist() == [[[[-17.5, -15.5], [-9.5, -7.5]]]]
    assert functions.max_pool2d(unit, x, 3, stride=2, padding=1).shape == (1, 1, 2, 2)
    assert functions.max_pool2d(unit, x, 3, stride=2, padding=1)[0, 0, 0, 0] == -15  # padding is not a zero
    assert functions.avg_pool2d(unit, x, 3, stride=2, padding=1)[0, 0, 0, 0] == np.float32((-20 - 19 - 16 - 15) / 9)


def test_cycles():
    unit = VectorUnit(lanes=8, cycles={"exp": 3})
    total = VectorWork(0, 0, {"add": 17, "exp": 8, "div": 1})
    assert unit.timing(total).total == 3 * 1 + 1 * 3 + 1 * OPERATIONS["div"].cycles
    assert unit.timing(VectorWork(5, 5, {})).total == 0


def test_what_is_refused():
    with pytest.raises(InputError, match="did you mean 'sqrt'"):
        VectorUnit().apply("sqtr", [1.0])
    with pytest.raises(InputError, match="takes 2 arguments, got 1"):
        VectorUnit().apply("add", [1.0])
    with pytest.raises(ValueError, match="unknown operation 'expp'; did you mean 'exp'"):
        VectorUnit(cycles={"expp": 3})
    with pytest.raises(ValueError, match="at least one cycle"):
        VectorUnit(cycles={"exp": 0})


@pytest.mark.parametrize("name", ["fp32", "fp16", "int16"])
def test_every_operation_has_a_price(name):
    cost = VectorUnit(lanes=16, format=name).cost(technology.get("7nm"))
    assert cost.energy_j.keys() == OPERATIONS.keys()
    assert all(energy > 0 for energy in cost.energy_j.values())
    assert cost.energy_j["exp"] > cost.energy_j["mul"]
    assert cost.sources.keys() == cost.area_m2.keys()
