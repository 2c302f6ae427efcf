"""Every kernel gives the golden model's bits and counts, whatever the formats, parts and shapes."""

from __future__ import annotations

import numpy as np
import pytest
from _datapaths import Case, cases
from hypothesis import HealthCheck, given, settings

from hwsim.base.errors import HwsimError
from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.golden import datapath as golden

relaxed = settings(suppress_health_check=list(HealthCheck))


def compare(case: Case) -> None:
    c = None if case.c is None else case.c.tolist()
    try:
        expected, events = golden.matmul(case.datapath, case.a.tolist(), case.b.tolist(), c)
    except HwsimError:
        with pytest.raises(HwsimError):
            case.datapath.matmul_codes(case.a, case.b, case.c)
        return
    result = case.datapath.matmul_codes(case.a, case.b, case.c)
    assert result.codes.tolist() == expected
    assert (result.overflows, result.saturations) == (events.overflows, events.saturations)


@relaxed
@given(cases("float"))
def test_floating_point_sums(case: Case) -> None:
    compare(case)


@relaxed
@given(cases("integer"))
def test_integer_sums(case: Case) -> None:
    compare(case)


# Each reduction over operands of one size, so that rounding, cancellation and sticky bits decide.
REDUCTIONS = [
    {"kind": "sequential"},
    {"kind": "sequential", "fused": False},
    {"kind": "tree", "lanes": 4},
    {"kind": "tree", "lanes": 5, "format": "fp16"},
    {"kind": "fused", "lanes": 8, "align_bits": 13},
    {"kind": "fused", "lanes": 3, "align_bits": 6, "align": "rne"},
    {"kind": "exact"},
    {"kind": "exact", "lanes": 4},
]


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("rounding", ["rne", "rna", "rz", "ru", "rd"])
@pytest.mark.parametrize(
    "formats", [("fp16", "fp32"), ("e4m3fn", "e5m10"), ("fp32", "bf16"), ("bf16", "e8m3")], ids=str
)
def test_sums_of_like_terms(reduction: dict[str, object], rounding: str, formats: tuple[str, str]) -> None:
    operand, total = formats
    datapath = Datapath.model_validate(
        {
            "operands": {"a": operand, "b": operand},
            "reduction": reduction,
            "accumulator": {"format": total, "rounding": rounding},
        }
    )
    generator = np.random.default_rng(len(rounding) + 7 * REDUCTIONS.index(reduction))
    a = datapath.operands.a.encode(generator.standard_normal((2, 23)))
    b = datapath.operands.b.encode(generator.standard_normal((23, 2)))
    c = get(total).encode(generator.standard_normal((2, 2)))
    compare(Case(datapath, a, b, c))


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("rounding", ["rne", "rna", "rz", "ru", "rd"])
@pytest.mark.parametrize("chunked", [False, True])
def test_signed_zeros(reduction: dict[str, object], rounding: str, chunked: bool) -> None:
    accumulator: dict[str, object] = {"format": "fp16", "rounding": rounding}
    if chunked:
        accumulator = {"every": 2, "inner": accumulator, "into": {"format": "bf16", "rounding": rounding}}
    datapath = Datapath.model_validate(
        {"operands": {"a": "e5m2", "b": "e5m2"}, "reduction": reduction, "accumulator": accumulator}
    )
    minus, one, tiny = 0x80, 0x3C, 0x01  # −0, 1 and 2**-16, whose products round to zero
    a = np.array([[0, 0], [minus, minus], [0, minus], [one, one | minus], [tiny, tiny]], np.uint8)
    b = np.array([[0, one, tiny, minus | tiny], [0, one, minus, minus | tiny]], np.uint8)
    sign = 1 << (datapath.c_format.bits - 1)
    for c in (None, np.zeros((5, 4), np.int64), np.full((5, 4), sign)):
        compare(Case(datapath, a, b, None if c is None else c.astype(np.uint16)))


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("overflow", ["inf", "saturate", "always_inf"])
@pytest.mark.parametrize("special", [[np.inf], [-np.inf, 1.0], [np.nan], [np.inf, -np.inf], [-0.0], [60000.0, 3.0]])
def test_special_operands(reduction: dict[str, object], overflow: str, special: list[float]) -> None:
    accumulator = {"format": "fp16", "overflow": overflow, "rounding": "rd"}
    datapath = Datapath.model_validate(
        {"operands": {"a": "fp16", "b": "fp16"}, "reduction": reduction, "accumulator": accumulator}
    )
    half = get("fp16")
    a = half.encode(np.array([[*special, 1.0, -0.0, 0.0], [0.0, *special, -2.0, 0.0]]))
    b = half.encode(np.array([[1.0, 0.0], [2.0, -1.0], [-0.0, np.inf], [1.0, 1.0], [1.0, 1.0]])[: a.shape[1]])
    compare(Case(datapath, a, b, None))
    compare(Case(datapath, a, b, half.encode(np.array([[-0.0, 65504.0], [np.inf, -np.inf]]))))


def test_empty_sums() -> None:
    datapath = Datapath.model_validate({"operands": {"a": "fp16", "b": "fp16"}, "accumulator": "fp32"})
    empty = np.zeros((2, 0), np.uint16)
    assert datapath.matmul_codes(empty, empty.T).codes.tolist() == [[0, 0], [0, 0]]
    c = get("fp32").encode(np.array([[1.0, -0.0], [np.inf, 3.0]]))
    assert datapath.matmul_codes(empty, empty.T, c).codes.tolist() == c.tolist()
    assert datapath.matmul_codes(np.zeros((0, 3), np.uint16), np.zeros((3, 2), np.uint16)).codes.shape == (0, 2)


def test_rows_of_dots_are_the_diagonal() -> None:
    datapath = Datapath.model_validate({"operands": {"a": "e4m3fn", "b": "e5m2"}, "accumulator": "bf16"})
    generator = np.random.default_rng(0)
    a = generator.integers(0, 256, (7, 11)).astype(np.uint8)
    b = generator.integers(0, 256, (7, 11)).astype(np.uint8)
    c = generator.integers(0, 1 << 16, 7).astype(np.uint16)
    full = datapath.matmul_codes(a, b.T, np.tile(c, (7, 1)))
    assert datapath.dot_codes(a, b, c).codes.tolist() == np.diagonal(full.codes).tolist()


@pytest.mark.parametrize("k", [3, 4, 5, 7, 8])
def test_idle_lanes_of_a_fused_block_are_zeros_with_their_exponent(k: int) -> None:
    """Small terms, none of them zero: only an idle lane's exponent, far above, cuts them."""
    datapath = Datapath.model_validate(
        {
            "operands": {"a": "fp16", "b": "fp16", "c": "fp32"},
            "reduction": {"kind": "fused", "lanes": 4, "align_bits": 9, "zero_exponent": 2},
            "accumulator": {"format": "fp32", "rounding": "rz"},
        }
    )
    half = get("fp16")
    a, b = half.encode(np.full((1, k), 0.0703125)), half.encode(np.full((k, 1), 0.0390625))
    case = Case(datapath, a, b, get("fp32").encode(np.array([[0.0078125 + 2.0**-20]])))
    compare(case)
    whole = half.decode(a) @ half.decode(b) + 0.0078125
    assert (get("fp32").decode(datapath.matmul_codes(case.a, case.b, case.c).codes) < whole * 0.99) == bool(k % 4)
