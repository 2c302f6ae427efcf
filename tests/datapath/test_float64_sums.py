"""The float64 way of sequential sums gives the general kernel's bits, rounding ties, subnormals and overflow."""

from __future__ import annotations

import numpy as np
import pytest

from hwsim.datapath import Datapath, MatmulResult
from hwsim.datapath.float64_sums import float64_serves
from hwsim.datapath.products import Products
from hwsim.datapath.reductions import exact, sequential, tree
from hwsim.datapath.sums import Sums
from hwsim.formats import get

PAIRS = [
    ("fp16", "fp16", "fp32"),
    ("fp16", "fp16", "fp16"),
    ("bf16", "bf16", "e8m13"),
    ("fp32", "fp32", "fp32"),
    ("e5m2", "e5m2", "bf16"),
    ("e4m3fn", "e4m3fn", "e4m3fn"),
    ("e4m3fnuz", "e5m2", "e4m3fnuz"),
    ("fp32", "e3m2fn", "e6m40"),
    ("e2m1fn", "e2m1fn", "e3m1"),
]


def both(datapath: Datapath, a: np.ndarray, b: np.ndarray, c: np.ndarray | None) -> list[MatmulResult]:
    """The result by the float64 way, then by the general kernel alone."""
    quick = datapath.matmul_codes(a, b, c)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "exact_serves", lambda *_: False)
        patch.setattr(sequential, "is_single_chain", lambda *_: False)
        for module, name in ((sequential, "float64_serves"), (sequential, "tree_serves"), (tree, "tree_serves")):
            patch.setattr(module, name, lambda *_: False)
        return [quick, datapath.matmul_codes(a, b, c)]


@pytest.mark.parametrize("overflow", ["inf", "saturate"])
@pytest.mark.parametrize(("a", "b", "total"), PAIRS)
@pytest.mark.parametrize("spread", ["like", "any", "few bits"])
@pytest.mark.parametrize("rounding", ["rne", "rna", "rz", "ru", "rd"])
def test_the_same_bits(a: str, b: str, total: str, overflow: str, spread: str, rounding: str) -> None:
    accumulator = {"format": total, "overflow": overflow, "rounding": rounding}
    fields = {"operands": {"a": a, "b": b}, "accumulator": accumulator}
    if (a, b) == ("e2m1fn", "e2m1fn"):  # products from a table
        fields["multiplier"] = "lmul"
    datapath = Datapath.model_validate(fields)
    generator = np.random.default_rng([*spread.encode(), *total.encode()])
    left, right = (_codes(get(name), spread, shape, generator) for name, shape in ((a, (9, 50)), (b, (50, 300))))
    c = _codes(get(total), spread, (9, 300), generator)
    products = Products(left, np.ascontiguousarray(right.T), get(a), get(b), datapath.multiplier, 1, 0, 50)
    assert float64_serves(products, datapath.accumulator, Sums.unpack(c, get(total)))
    for start in (None, c):
        quick, general = both(datapath, left, right, start)
        assert np.array_equal(quick.codes, general.codes)
        assert (quick.overflows, quick.saturations) == (general.overflows, general.saturations)


@pytest.mark.parametrize("reduction", [
    {"kind": "tree", "lanes": 4},
    {"kind": "tree", "lanes": 8, "levels": ["fp16", "e8m13"]},
    {"kind": "tree", "lanes": 7, "format": "fp16", "product": "e5m6", "product_rounding": "rd"},
    {"kind": "tree", "lanes": 3, "product": "fp32"},
    {"kind": "exact", "lanes": 4},
    {"kind": "exact", "lanes": 7},
    {"kind": "sequential", "fused": False},
    {"kind": "sequential", "fused": False, "product": "fp16", "product_rounding": "rz"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("accumulator", [
    {"format": "fp32"}, {"format": "e4m3fnuz"}, {"format": "fp32", "flush": True}, {"format": "bf16", "rounding": "rd"},
    {"format": "fp16", "rounding": "ru", "overflow": "saturate"}, {"format": "e5m6", "rounding": "rna", "flush": True},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("spread", ["like", "any", "few bits"])
def test_trees_and_products_that_are_rounded(reduction: object, accumulator: object, spread: str) -> None:
    for operand in ("fp16", "bf16"):
        fields = {"operands": {"a": operand, "b": operand}, "reduction": reduction, "accumulator": accumulator}
        datapath = Datapath.model_validate(fields)
        generator = np.random.default_rng(len(spread))
        left, right = (_codes(get(operand), spread, shape, generator) for shape in ((5, 23), (23, 200)))
        for start in (None, _codes(datapath.c_format, spread, (5, 200), generator)):
            quick, general = both(datapath, left, right, start)
            assert np.array_equal(quick.codes, general.codes)
            assert (quick.overflows, quick.saturations) == (general.overflows, general.saturations)


def _codes(number_format: object, spread: str, shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    f = number_format
    if spread == "any":  # all exponents, subnormals and zeros; without infinities and NaN
        drawn = generator.integers(0, f.code_count, shape).astype(f.code_dtype)
        return np.where(np.isfinite(f.decode(drawn)), drawn, 0).astype(f.code_dtype)
    values = generator.standard_normal(shape)
    if spread == "few bits":  # sums land on ties
        values = np.ldexp(generator.integers(-3, 4, shape), generator.integers(-7, 3, shape))
    return f.encode(values, overflow="saturate")


@pytest.mark.parametrize(
    "change",
    [
        {"operands": {"a": "int8", "b": "int8"}},
        {"operands": {"a": "fp32", "b": "e11m30"}},
        {"accumulator": {"format": "e5m0"}},
        {"multiplier": "lmul"},
    ],
)
def test_other_datapaths_go_the_general_way(change: dict[str, object]) -> None:
    fields = {"operands": {"a": "fp16", "b": "fp16"}, "accumulator": {"format": "fp32"}, **change}
    datapath = Datapath.model_validate(fields)
    operands = datapath.operands
    ones = operands.a.encode(np.ones((5, 5))), operands.b.encode(np.ones((5, 5)))
    products = Products(*ones, operands.a, operands.b, datapath.multiplier, 1, 0, 5)
    start = datapath.accumulator.zeros((5, 5), 0)
    assert not float64_serves(products, datapath.accumulator, start)


def test_infinite_operands_go_the_general_way() -> None:
    datapath = Datapath.model_validate({"operands": {"a": "fp16", "b": "fp16"}, "accumulator": "fp32"})
    a = get("fp16").encode(np.array([[1.0, np.inf], [1.0, 2.0]]))
    b = get("fp16").encode(np.array([[1.0, 0.0, 1.0, 1.0], [1.0, 0.0, -1.0, 2.0]]))
    values = get("fp32").decode(datapath.matmul_codes(a, b).codes)
    assert np.array_equal(values, [[np.inf, np.nan, -np.inf, np.inf], [3.0, 0.0, -1.0, 5.0]], equal_nan=True)
