"""Sums in two words against IEEE arithmetic of numpy, the pairs of formats, exact fractions and their error bounds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from _datapaths import Case
from pydantic import ValidationError
from test_kernels_match_golden import compare

from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.formats.schemes.multiword import grow

KINDS = ["kahan", "two_sum", "two_word"]
SPECIAL = [np.inf, -np.inf, np.nan, 3.0e38, -3.0e38, 1e-45, -0.0]


def datapath(kind: str, number_format: str, operand: str = "bf16", fused: bool = False, **more: object) -> Datapath:
    return Datapath.model_validate(
        {
            "operands": {"a": operand, "b": operand},
            "reduction": {"kind": "sequential", "fused": fused},
            "accumulator": {"kind": kind, "format": number_format, **more},
        }
    )


def kahan(terms: np.ndarray) -> np.ndarray:
    s = e = terms.dtype.type(0)
    for x in terms:
        y = x + e
        t = s + y
        s, e = t, (s - t) + y
    return s


def cascaded(terms: np.ndarray) -> np.ndarray:
    s = e = terms.dtype.type(0)
    for x in terms:
        t = s + x
        a = t - x
        b = t - a
        s, e = t, e + ((s - a) + (x - b))
    return s + e


def pair(terms: np.ndarray) -> np.ndarray:
    number_format = get("fp32")
    words = np.zeros(1), np.zeros(1)
    for x in terms:
        words = grow(words, np.array([float(x)]), number_format)
    return np.float32(words[0][0])


@pytest.mark.parametrize(("kind", "rule"), [("kahan", kahan), ("two_sum", cascaded), ("two_word", pair)])
@pytest.mark.parametrize("special", [False, True])
def test_bits_are_those_of_float32_arithmetic(kind: str, rule, special: bool) -> None:  # type: ignore[no-untyped-def]
    generator = np.random.default_rng(special)
    x = (generator.standard_normal((40, 30)) * 2.0 ** generator.integers(-20, 20, (40, 30))).astype(np.float32)
    if special:
        x[np.arange(40), generator.integers(0, 30, 40)] = np.resize(SPECIAL, 40).astype(np.float32)
        x[:7, 29] = x[:7, 28] = 3.0e38  # sums that overflow
    unit = datapath(kind, "fp32", "fp32")
    fmt = get("fp32")
    sums = fmt.decode(unit.matmul_codes(fmt.encode(x), fmt.encode(np.ones((30, 1)))).codes)[:, 0]
    with np.errstate(all="ignore"):
        expected = np.array([rule(row) for row in x])
    assert np.array_equal(sums.astype(np.float32), expected, equal_nan=True)
    assert np.isnan(expected).any() == special


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fused", [False, True])
def test_errors_keep_to_the_published_bounds(kind: str, fused: bool) -> None:
    """2000 float32 products of both signs, u = 2**−24, γ = n·u/(1 − n·u).

    Kahan: |error| ≤ (2u + O(n·u²))·Σ|x| (Higham, 2nd edition, (4.8)), the constant taken as 4. TwoSum:
    u·|sum| + γ²·Σ|x| (Ogita, Rump, Oishi, 2005, propositions 4.5 and 5.5). Pairs: each step errs by at most 2u² of its
    sum (Joldes et al., 2017, algorithm 4) and the rounding of q ⊕ r by as much again, which together stay below γ².
    """
    n, u = 2000, Fraction(1, 1 << 24)
    gamma = n * u / (1 - n * u)
    generator = np.random.default_rng(fused)
    x = generator.standard_normal(n).astype(np.float32)
    y = generator.standard_normal(n).astype(np.float32) if fused else np.ones(n, np.float32)
    products = [Fraction(float(p)) * Fraction(float(q)) for p, q in zip(x, y, strict=True)]
    exact, size = sum(products), sum(map(abs, products))
    unit = datapath(kind, "fp32", "fp32", fused)
    error = abs(Fraction(float(unit.matmul(x[None], y[:, None])[0, 0])) - exact)
    bounds = {"kahan": (2 * u + 4 * n * u * u) * size}
    assert error <= bounds.get(kind, u * abs(exact) + gamma * gamma * size)
    plain = Datapath.model_validate({**dict(unit), "accumulator": "fp32"})
    assert abs(Fraction(float(plain.matmul(x[None], y[:, None])[0, 0])) - exact) > error


@pytest.mark.parametrize("kind", KINDS)
def test_small_terms_are_not_swamped(kind: str) -> None:
    """Of two_sum the sum of errors is one of bf16 too: at 2**−4 it swamps them itself."""
    a, b = np.concatenate([[1.0], np.full(4096, 2.0**-12)])[None], np.ones((4097, 1))
    assert datapath(kind, "bf16").matmul(a, b)[0, 0] == (1.0625 if kind == "two_sum" else 2)
    assert datapath("two_word", "bf16", result="fp32").matmul(a[:, :4001], b[:4001])[0, 0] == 1 + 4000 * 2.0**-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inner", [{"format": "fp16"}, {"bits": 30}, {"kind": "kahan", "format": "e5m5"}], ids=str)
def test_chunks_enter_as_terms(kind: str, inner: dict[str, object]) -> None:
    operand = "int8" if "bits" in inner else "e4m3fn"
    unit = Datapath.model_validate(
        {
            "operands": {"a": operand, "b": operand},
            "accumulator": {"every": 4, "inner": inner, "into": {"kind": kind, "format": "bf16"}},
        }
    )
    generator = np.random.default_rng(0)
    a, b = (unit.operands.a.encode(generator.standard_normal(s) * 8) for s in ((3, 18), (18, 2)))
    compare(Case(unit, a, b, None))
    compare(Case(unit, a, b, unit.c_format.encode(generator.standard_normal((3, 2)))))


def test_a_wider_first_addend_keeps_two_words() -> None:
    unit = Datapath.model_validate(
        {
            "operands": {"a": "bf16", "b": "bf16", "c": "fp32"},
            "accumulator": {"kind": "two_word", "format": "bf16", "result": "fp32"},
        }
    )
    c = np.array([[1 + 2.0**-14]])
    assert unit.matmul(np.zeros((1, 3)), np.zeros((3, 1)), c)[0, 0] == c[0, 0]


@pytest.mark.parametrize("reduction", [{"kind": "tree", "lanes": 4}, "exact"])
def test_blocks_are_refused_with_the_way_out(reduction: object) -> None:
    with pytest.raises(ValidationError, match=r"one by one, not by reduction.*into: {kind: kahan, format: bf16}"):
        Datapath.model_validate(
            {
                "operands": {"a": "bf16", "b": "bf16"},
                "reduction": reduction,
                "accumulator": {"kind": "kahan", "format": "bf16"},
            }
        )
    with pytest.raises(ValidationError, match="Input should be 'rne'"):
        datapath("kahan", "bf16", rounding="stochastic")


@pytest.mark.parametrize(("kind", "additions"), [("kahan", 4), ("two_sum", 7), ("two_word", 10)])
@pytest.mark.parametrize("fused", [False, True])
def test_gates_are_one_adder_per_operation(kind: str, additions: int, fused: bool) -> None:
    """Of the docstrings' lines; an exact product wider than the format costs two adders and a rounder more."""
    split = 2 if fused and kind != "kahan" else 0
    parts = datapath(kind, "bf16", "bf16", fused).parts()
    adders = sum(part.count for part in parts if part.name in ("accumulator adder", "compensation adder"))
    assert adders == additions + split
    assert [p.count for p in parts if p.name in ("accumulator register", "compensation register")] == [1, 1]
    assert any(part.name == "term rounder" for part in parts) == bool(split)
    assert datapath(kind, "bf16").cost("7nm").critical_path_gates > 0


@pytest.mark.parametrize("operand", ["int8", "int16"])
def test_int32_chunks_flush_into_float32(operand: str) -> None:
    """Dynamic fixed point (Das et al., arXiv:1802.00930): short integer chains, their sums added up in FP32."""
    every, k = 32, 300
    unit = Datapath.model_validate(
        {"operands": {"a": operand, "b": operand}, "accumulator": {"every": every, "inner": "int32", "into": "fp32"}}
    )
    assert unit.result_format == get("fp32")
    generator = np.random.default_rng(4)
    top = (1 << unit.operands.a.bits - 1) if operand == "int8" else 1 << 13
    a, b = (generator.integers(-top, top, shape) for shape in ((3, k), (k, 2)))
    codes = [unit.operands.a.encode(x.astype(float)) for x in (a, b)]
    compare(Case(unit, *codes, None))
    expected = np.zeros((3, 2), np.float32)
    for first in range(0, k, every):
        chunk = a[:, first : first + every] @ b[first : first + every]
        assert np.abs(chunk).max() < 1 << 31
        expected += chunk  # numpy adds in float64 and rounds once, as int32 + float32 does exactly here
    sums = unit.result_format.decode(unit.matmul_codes(*codes).codes)
    assert np.array_equal(sums, expected)
    assert not np.array_equal(sums, a @ b) or operand == "int8"
