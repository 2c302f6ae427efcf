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
    scales = case.scales or (None, None)
    listed = [None if s is None else s.tolist() for s in scales]
    try:
        expected, events = golden.matmul(case.datapath, case.a.tolist(), case.b.tolist(), c, *listed)
    except HwsimError:
        with pytest.raises(HwsimError):
            case.datapath.matmul_codes(case.a, case.b, case.c, *scales)
        return
    result = case.datapath.matmul_codes(case.a, case.b, case.c, *scales)
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


@relaxed
@given(cases("compensated"))
def test_sums_in_two_words(case: Case) -> None:
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


@pytest.mark.parametrize("c", [None, "fp32", "fp16"])
def test_a_subnormal_sum_aligns_the_next_block_to_its_formats_emin(c: str | None) -> None:
    """2**-20 in fp16 has the exponent −14, so that terms of 1.5 · 2**-24 lose their half; c's has its own format's."""
    datapath = Datapath.model_validate(
        {
            "operands": {"a": "bf16", "b": "bf16", "c": c},
            "reduction": {"kind": "fused", "lanes": 2, "align_bits": 10},
            "accumulator": {"format": "fp16", "rounding": "rz"},
        }
    )
    a = get("bf16").encode(np.array([[2.0**-20, 0.0, 1.5 * 2.0**-24, 1.5 * 2.0**-24]]))
    b = get("bf16").encode(np.ones((4, 1)))
    start = None if c is None else get(c).encode(np.array([[2.0**-22]]))
    compare(Case(datapath, a, b, start))
    first = 0.0 if c is None else 2.0**-22
    assert get("fp16").decode(datapath.matmul_codes(a, b, start).codes) == first + 2.0**-20 + 2 * 2.0**-24


@pytest.mark.parametrize("rounding", ["rne", "rna", "rz", "ru", "rd"])
@pytest.mark.parametrize("large", [1.0, 2.0**13, 2.0**26])
def test_the_least_bit_of_an_exact_sum_decides_its_rounding(large: float, rounding: str) -> None:
    """large ± half a last place ± something far smaller, in every limb of the word and at every place in a limb."""
    datapath = Datapath.model_validate(
        {
            "operands": {"a": "fp32", "b": "fp32"},
            "reduction": "exact",
            "accumulator": {"format": "fp32", "rounding": rounding},
        }
    )
    tiny = 2.0 ** -np.arange(26, 146)
    rows = [[s * large, s * large * 2.0**-24, t * x] for x in tiny for s in (1, -1) for t in (1, -1)]
    a, b = get("fp32").encode(np.array(rows)), get("fp32").encode(np.ones((3, 1)))
    compare(Case(datapath, a, b, None))


@pytest.mark.parametrize("reduction", REDUCTIONS[:5], ids=str)
def test_ties_of_one_bit_significands_go_to_the_even_exponent(reduction: dict[str, object]) -> None:
    datapath = Datapath.model_validate(
        {"operands": {"a": "fp16", "b": "fp16"}, "reduction": reduction, "accumulator": {"format": "e5m0"}}
    )
    half = get("fp16")
    a = half.encode(1.5 * 2.0 ** np.arange(-16, 15)[:, None])
    compare(Case(datapath, a, half.encode(np.array([[1.0, -1.0]])), None))
