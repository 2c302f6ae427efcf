"""One GEMM in several ways: what is counted, batches, references, and the exact product behind them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hwsim.arch.gemm_orders import gemm_order
from hwsim.arch.matrix_units import mma
from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.engine.divergence import Difference, Output, divergence
from hwsim.engine.exact_product import Measured, exact_product, lowest_place, two_exact_parts
from hwsim.engine.reproduce import EXACT, LAYERCAST, Gemm, reproduce
from hwsim.formats import get
from hwsim.golden.formats import decode, encode


def gemm(m: int = 6, n: int = 10, k: int = 512, output: str = "bf16", seed: int = 0) -> Gemm:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(m, k)).astype(np.float32), rng.normal(size=(k, n)).astype(np.float32)
    return Gemm(a, b, np.arange(m), np.arange(n), get(output), "normal values", seed)


# Counting -------------------------------------------------------------------------------------------


def test_differences_by_hand() -> None:
    f = get("bf16")
    reference = np.array([[1.0, 2.0], [4.0, -4.0]])
    values = np.array([[1.0, 2.0 + 2**-6], [-5.0, -4.0]])
    outputs = [Output(name, f.encode(x), x) for name, x in (("mine", values), ("reference", reference))]
    found = divergence(outputs[0], outputs[1], f, np.array([3, 7]), np.array([10, 20]))
    assert found.differing == 0.5
    assert found.max_ulp == 9 / 2**-5  # |−5 − 4|, and 4 has a last place of 2^(2−7)
    assert found.tokens_differing == 0.5  # row 7: column 10 held the largest, now 20 does
    assert found.first == Difference(3, 20, 0x4001, 0x4000)
    assert divergence(outputs[0], outputs[0], f, np.array([3, 7]), np.array([10, 20])).first is None


def test_a_pair_is_what_the_orders_give_alone() -> None:
    g = gemm()
    found = reproduce(g, ["ada.mma", "hopper.wgmma"], ["cublaslt_h100_fast", "cublaslt_h100_slow"], [1], "e4m3fn")
    assert [(case.unit, case.order) for case in found.cases][1:3] == [
        ("ada.mma", "cublaslt_h100_slow"), ("hopper.wgmma", "cublaslt_h100_fast"),
    ]  # fmt: skip
    f = get("e4m3fn")
    a, b = (f.encode(x, overflow="saturate") for x in (g.a, g.b))
    alone = [
        gemm_order(order).matmul(mma(unit, a="e4m3fn", d="fp32"), a, b)
        for unit in ("ada.mma", "hopper.wgmma")
        for order in ("cublaslt_h100_fast", "cublaslt_h100_slow")
    ]
    shares = [[float((x != y).mean()) for y in alone] for x in alone]
    assert found.matrix[:4, :4].tolist() == shares
    assert found.matrix[0, 1] > 0 and found.matrix[0, 2] > 0
    assert [case.against["first"].differing for case in found.cases] == shares[0]
    assert found.names[-2:] == (LAYERCAST, EXACT)


def test_layercast_is_a_chain_of_fp32_multiply_adds() -> None:
    g = gemm(3, 4, 64, output="fp32")
    found = reproduce(g, ["simt.fma"], ["single_chain"], [1], "bf16")
    assert found.cases[0].against["layercast"].differing == 0
    f = get("bf16")
    a, b = f.round(g.a).astype(np.float32), f.round(g.b).astype(np.float32)
    total = np.zeros((3, 4), np.float32)
    for k in range(64):
        total = total + a[:, k, None] * b[None, k]  # products of two bf16 are exact in fp32
    simt = gemm_order("single_chain,epilogue=null").matmul(
        mma("simt.fma", a="bf16", d="fp32"), f.encode(a), f.encode(b)
    )
    assert np.array_equal(get("fp32").decode(simt), total)


# Batches --------------------------------------------------------------------------------------------


def test_batches_of_a_fixed_order_agree_and_of_a_fitted_one_do_not() -> None:
    g = gemm(4, 64, 2048)
    orders = ["cublaslt_h100_fast", "fill_sms_rtx4060"]
    found = reproduce(g, ["hopper.wgmma"], orders, [1, 2048], "e4m3fn")
    fixed, fitted = found.cases
    assert fixed.batches[1].against_first.differing == 0 and fixed.batches[1].row_0_differing == 0
    assert [batch.split_k for batch in fitted.batches] == [7, 1]
    assert fitted.batches[1].against_first.differing > 0


@pytest.mark.parametrize("batch", [1, 2, 3, 16])
def test_a_batch_of_stream_k_is_the_gemm_of_its_rows(batch: int) -> None:
    """Rows 0 … batch − 1 together, then the next; the last batch filled up with zeros."""
    g = gemm(5, 40, 256)
    order = "stream_k_a100,tile.m=2,tile.n=8,stream_k.workers=3"
    found = reproduce(g, ["hopper.wgmma"], [order], [5, batch], "e4m3fn")
    f, unit = get("e4m3fn"), mma("hopper.wgmma", a="e4m3fn", d="fp32")
    a, b = (f.encode(x, overflow="saturate") for x in (g.a, g.b))
    whole = gemm_order(order).matmul(unit, a, b)
    filled = np.pad(a, ((0, -len(a) % batch), (0, 0)))
    parts = [gemm_order(order).matmul(unit, filled[i : i + batch], b) for i in range(0, 5, batch)]
    expected = float((np.concatenate(parts)[:5] != whole).mean())
    assert expected > 0
    assert found.cases[0].batches[1].against_first.differing == expected


def test_chosen_rows_and_columns_are_those_of_the_whole() -> None:
    g = gemm(8, 12, 4096)
    rows, columns = np.array([0, 3, 7]), np.array([1, 2, 11])
    part = Gemm(g.a, g.b, rows, columns, g.output, g.source, 0)
    orders = ["cublaslt_rtx4060_fast", "cublaslt_rtx4060_slow,split_k=2"]
    found = reproduce(part, ["ada.mma"], orders, [1], "e4m3fn")
    f, unit = get("e4m3fn"), mma("ada.mma", a="e4m3fn", d="fp32")
    a, b = (f.encode(x, overflow="saturate") for x in (g.a, g.b))
    whole = [gemm_order(order).matmul(unit, a, b)[np.ix_(rows, columns)] for order in orders]
    assert found.matrix[0, 1] == float((whole[0] != whole[1]).mean()) > 0
    first = found.cases[1].against["first"].first
    assert first is not None and first.row in rows and first.column in columns


def test_progress_ends_with_all_steps() -> None:
    seen: list[tuple[int, int]] = []
    reproduce(gemm(), ["ada.mma"], ["single_chain"], [1, 6], "e4m3fn", lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == max(done for done, _ in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("unit", "order", "operands", "words"),
    [
        ("ampere.mma", "single_chain", "e4m3fn", "ampere.mma takes no e4m3fn"),
        ("hopper.wgma", "single_chain", "bf16", "did you mean 'hopper.wgmma'"),
        ("hopper.wgmma", "single_chain,tile.k=24", "bf16", "multiple of the instruction's k"),
        ("hopper.wgmma:bf16:bf16:bf16", "single_chain", "bf16", "UNIT:FORMAT"),
    ],
)
def test_what_does_not_fit_gets_one_line(unit: str, order: str, operands: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        reproduce(gemm(), [unit], [order], [1], operands)


# Exact products -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [("bf16", "bf16"), ("fp16", "fp16"), ("e4m3fn", "e5m2"), ("fp32", "bf16")])
@pytest.mark.parametrize("output", ["fp32", "bf16", "e4m3fn"])
def test_exact_products_round_once(a: str, b: str, output: str) -> None:
    rng = np.random.default_rng(5)
    x = get(a).encode(rng.normal(size=(3, 40)) * 2.0 ** rng.integers(-6, 6, (3, 40)))
    y = get(b).encode(rng.normal(size=(40, 4)))
    codes, values = exact_product(get(a), get(b), get(output), x, y)
    for i in range(3):
        for j in range(4):
            products = (
                Fraction(decode(get(a), int(p))) * Fraction(decode(get(b), int(q)))
                for p, q in zip(x[i], y[:, j], strict=True)
            )
            total = sum(products, Fraction(0))
            overflow = "saturate" if output == "e4m3fn" else None
            assert codes[i, j] == encode(get(output), total, "rne", overflow)
            assert values[i, j] == float(total)


def test_both_ways_to_exact_sums_agree() -> None:
    """Two float64 products, and the long word of `Datapath`, on ties and cancellation as well."""
    rng, f = np.random.default_rng(1), get("bf16")
    a = f.round(rng.normal(size=(6, 300)) * 2.0 ** rng.integers(-8, 8, (6, 300)))
    a = np.concatenate([a, -a[:, ::-1]], axis=1)
    b = f.round(rng.normal(size=(300, 5)))
    b = np.concatenate([b, f.round(b[::-1] * (1 + 2.0**-7))])
    b[:, 0] = np.concatenate([b[:300, 0], b[:300, 0][::-1]])  # column 0 cancels to zero
    parts = two_exact_parts(a.astype(np.float64), b.astype(np.float64), Measured.of(b))
    assert parts is not None
    codes, values = exact_product(f, f, f, f.encode(a), f.encode(b))
    datapath = Datapath(operands={"a": f, "b": f}, reduction={"kind": "exact"}, accumulator={"format": f})
    assert np.array_equal(codes, datapath.matmul_codes(f.encode(a), f.encode(b)).codes)
    assert not values[:, 0].any()


def test_wide_ranges_need_the_long_word() -> None:
    a = np.array([[2.0**60, 1.0, 2.0**-60]])
    assert two_exact_parts(a, a.T, Measured.of(a.T)) is None
    f = get("bf16")
    codes, _ = exact_product(f, f, f, f.encode(a), f.encode(a.T))
    assert f.decode(codes)[0, 0] == 2.0**120


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_special_values_need_the_long_word(value: float) -> None:
    x = np.array([[1.0, value], [2.0, 1.0]]) if value else np.zeros((2, 2))
    assert Measured.of(x) is None
    f = get("bf16")
    _, values = exact_product(f, f, f, f.encode(x), f.encode(np.ones((2, 1))))
    assert np.array_equal(values[:, 0], x.sum(axis=1), equal_nan=True)


@pytest.mark.parametrize(("x", "place"), [([1.0], 0), ([0.75, 8.0], -2), ([0.0, 2.0**-149], -149), ([3.0 * 2**40], 40)])
def test_the_lowest_place(x: list[float], place: int) -> None:
    assert lowest_place(np.array(x)) == place
