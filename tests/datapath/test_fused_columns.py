"""Fused sums in float32 carriers give the bits of the golden model, and leave alone what they cannot carry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwsim.arch.matrix_units import mma
from hwsim.base.errors import InputError
from hwsim.datapath import Datapath, fused_columns, fused_sums
from hwsim.formats import get
from hwsim.golden import datapath as golden

OPERANDS = ["e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e2m1fn", "e3m2fn", "fp16", "bf16", "tf32"]
SUMS = ["fp32", "fp16", "bf16", "e8m13", "e8m20", "e5m6", "e6m9"]


@st.composite
def units(draw: st.DrawFn) -> dict[str, Any]:
    """Fused datapaths that the kernel serves, if the operands' exponents let it."""
    align_bits = draw(st.sampled_from([1, 2, 5, 13, 23, 24, 25, 26]))
    reduction: dict[str, Any] = {"kind": "fused", "align_bits": align_bits}
    late = draw(st.booleans())
    if late:
        reduction |= {
            "lanes": draw(st.sampled_from([4, 8, 6])),
            "zero_exponent": draw(st.sampled_from([-999, None])),
            "late": {
                "align_bits": draw(st.sampled_from([1, 24, 30])),
                "sum_align_bits": draw(st.sampled_from([3, 31, 32])),
                "zero_exponent": draw(st.sampled_from([-126, None, 3])),
                "drop_below": draw(st.sampled_from([None, 2, 25])),
            },
            "normalized_bits": draw(st.sampled_from([None, 4, 31])),
            "negative_zero": draw(st.sampled_from(["never", "underflow"])),
        }
        if draw(st.booleans()):
            members = draw(st.sampled_from(["contiguous", "interleaved"]))
            reduction |= {"groups": {"count": 2, "members": members, "align_bits": align_bits}, "align": "floor"}
    else:
        reduction |= {
            "lanes": draw(st.sampled_from([1, 3, 4, 8, 12, 16, 32])),
            "align": draw(st.sampled_from(["truncate", "floor", "rne", "rna", "sticky"])),
            "zero_exponent": draw(st.sampled_from([None, -132, -20])),
        }
    rounding = "rne" if late else draw(st.sampled_from(["rne", "rz"]))
    operands = {"a": draw(st.sampled_from(OPERANDS)), "b": draw(st.sampled_from(OPERANDS))}
    if draw(st.integers(0, 3)) == 0:
        operands |= {"scale": draw(st.sampled_from(["e8m0fnu", "ue4m3"])), "scale_block": 4}
    return {
        "operands": operands,
        "reduction": reduction,
        "accumulator": {"format": draw(st.sampled_from(SUMS)), "rounding": rounding},
    }


def values(generator: np.random.Generator, shape: tuple[int, int], spread: int) -> np.ndarray:
    """Numbers of many sizes, one in five zero."""
    x = generator.standard_normal(shape) * 2.0 ** generator.integers(-spread, spread + 1, shape)
    return x * (generator.random(shape) > 0.2)


def compare(datapath: Datapath, a: np.ndarray, b: np.ndarray, c: Any = None, scales: Any = (None, None)) -> None:
    lists = [None if x is None else x.tolist() for x in (c, *scales)]
    expected, events = golden.matmul(datapath, a.tolist(), b.tolist(), *lists)
    result = datapath.matmul_codes(a, b, c, *scales)
    assert result.codes.tolist() == expected
    assert (result.overflows, result.saturations) == (events.overflows, events.saturations)


@settings(suppress_health_check=list(HealthCheck))
@given(units(), st.integers(0, 1 << 20), st.sampled_from([0, 1, 4, 10, 40]), st.booleans())
def test_sums_are_the_golden_models(fields: dict[str, Any], seed: int, spread: int, special: bool) -> None:
    datapath = Datapath.model_validate(fields)
    generator = np.random.default_rng(seed)
    operands = datapath.operands
    a = operands.a.encode(values(generator, (2, 19), spread), overflow="saturate")
    b = operands.b.encode(values(generator, (19, 3), spread), overflow="saturate")
    c = datapath.c_format.encode(values(generator, (2, 3), 3 * spread), overflow="saturate")
    if special and operands.a.has_nan:
        a[1, 7] = operands.a.encode(np.nan)
        c[0, 2] = datapath.c_format.encode(np.inf)
    scales = (None, None)
    if operands.scale is not None:
        middle = 120 if operands.scale.name == "e8m0fnu" else 40
        scales = tuple(generator.integers(middle, middle + 16, s).astype(np.uint8) for s in ((2, 5), (5, 3)))
        if special:
            scales[0][1, 2] = operands.scale.encode(np.nan)
    compare(datapath, a, b, c, scales)
    compare(datapath, a, b)


WIDE = ["fp32", "tf32", "bf16", "fp16", "e5m2", "int8", "q4.4", "posit16", "takum_linear16"]


@settings(suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(WIDE),
    st.sampled_from(WIDE),
    st.sampled_from(["fp32", "e8m30", "e11m40", "fp16"]),
    st.sampled_from(["rne", "rz"]),
    st.sampled_from(["truncate", "floor", "rne", "rna", "sticky"]),
    st.tuples(st.sampled_from([1, 3, 8]), st.sampled_from([1, 8, 24, 40])),
    st.sampled_from([None, -20, -132]),
    st.tuples(st.integers(0, 1 << 20), st.sampled_from([0, 3, 30])),
)
def test_float64_carries_wide_operands(
    a: str, b: str, total: str, rounding: str, align: str, block: tuple[int, int], zero: int | None, draw: Any
) -> None:
    lanes, align_bits = block
    reduction = {"kind": "fused", "lanes": lanes, "align_bits": align_bits, "align": align, "zero_exponent": zero}
    datapath = Datapath.model_validate(
        {
            "operands": {"a": a, "b": b},
            "reduction": reduction,
            "accumulator": {"format": total, "rounding": rounding},
        }
    )
    seed, spread = draw
    generator = np.random.default_rng(seed)
    x, y = (
        f.encode(values(generator, shape, spread), overflow="saturate")
        for f, shape in ((datapath.operands.a, (2, 11)), (datapath.operands.b, (11, 3)))
    )
    compare(datapath, x, y)
    compare(datapath, x, y, datapath.c_format.encode(values(generator, (2, 3), 3 * spread), overflow="saturate"))


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize(("scale", "middle"), [("e8m0fnu", 120), ("ue4m3", 40), ("ue4m3", 0)])
def test_scaled_groups_are_carried(count: int, scale: str, middle: int) -> None:
    fields = {
        "operands": {"a": "e2m1fn", "b": "e2m1fn", "scale": scale, "scale_block": 16 // count},
        "reduction": {
            "kind": "fused",
            "lanes": 16,
            "align_bits": 35,
            "zero_exponent": -139,
            "groups": {"count": count, "scaled": True},
        },
        "accumulator": {"format": "fp32", "rounding": "rz"},
    }
    datapath = Datapath.model_validate(fields)
    generator = np.random.default_rng(middle + count)
    blocks = 48 // (16 // count)
    for _ in range(4):
        a, b = (generator.integers(0, 16, shape).astype(np.uint8) for shape in ((3, 48), (48, 4)))
        a[0, :20], b[:20, 2] = 0, 8  # whole groups of zeros
        scales = [generator.integers(middle, middle + 9, s).astype(np.uint8) for s in ((3, blocks), (blocks, 4))]
        if middle == 0:
            scales[0][1, 0] = 0x7F
        c = datapath.c_format.encode(values(generator, (3, 4), 60))
        compare(datapath, a, b, c, scales)
        compare(datapath, a, b, None, scales)


def served(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each product that follows goes through the carriers."""
    answers: list[bool] = []
    keep = fused_sums.carriers

    def asked(*arguments: Any) -> Any:
        found = keep(*arguments)
        answers.append(found is fused_columns.run)
        return found

    monkeypatch.setattr(fused_sums, "carriers", asked)
    return answers


@pytest.mark.parametrize(
    ("unit", "arguments"),
    [
        ("volta.mma", {"a": "fp16", "d": "fp16"}),
        ("ampere.mma", {"a": "fp16", "d": "fp32"}),
        ("ampere.mma", {"a": "bf16"}),
        ("ampere.mma", {"a": "tf32"}),
        ("ada.mma", {"a": "e4m3fn", "d": "fp16"}),
        ("hopper.wgmma", {"a": "e5m2", "d": "fp32"}),
        ("blackwell.tcgen05", {"a": "e4m3fn", "d": "fp32"}),
        ("rtx_blackwell.mma", {"a": "e4m3fn", "scale": "e8m0fnu"}),
        ("cdna3.mfma", {"a": "fp16"}),
        ("cdna3.mfma", {"a": "e4m3fnuz"}),
    ],
)
def test_matrix_units_are_served(unit: str, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordinary numbers go through the carriers, in bands and strips of several tasks; a few are held to the golden
    model, all to the general kernel."""
    answers = served(monkeypatch)
    datapath = mma(unit, **arguments).datapath
    generator = np.random.default_rng(1)
    a = datapath.operands.a.encode(values(generator, (70, 96), 2), overflow="saturate")
    b = datapath.operands.b.encode(values(generator, (96, 150), 2), overflow="saturate")
    c = datapath.c_format.encode(values(generator, (70, 150), 6), overflow="saturate")
    fast = datapath.matmul_codes(a, b, c).codes
    assert answers == [True]
    monkeypatch.setattr(fused_sums, "carriers", lambda *_: None)
    assert np.array_equal(fast, datapath.matmul_codes(a, b, c).codes)
    for i, j in ((0, 0), (33, 129), (69, 149)):
        expected = golden.dot(datapath, a[i].tolist(), b[:, j].tolist(), int(c[i, j]), golden.Events())
        assert fast[i, j] == expected


@pytest.mark.parametrize("exponent", [-127, -126, -102, -101, -100, -99, 124, 125, 126, 127])
@pytest.mark.parametrize("late", [False, True])
def test_addends_at_the_ends_of_the_carriers(exponent: int, late: bool) -> None:
    """A first addend far below all products, or far above, alone and beside them."""
    reduction: dict[str, Any] = {"kind": "fused", "lanes": 4, "align_bits": 24}
    if late:
        reduction |= {"zero_exponent": -999, "late": {"align_bits": 24, "sum_align_bits": 32, "zero_exponent": -126}}
    fields = {"operands": {"a": "fp16", "b": "fp16"}, "reduction": reduction, "accumulator": "fp32"}
    datapath = Datapath.model_validate(fields)
    half, single = get("fp16"), get("fp32")
    a = half.encode(np.array([[0.0] * 8, [0, 1, 0, 0, 0, 0, 0, 2**-24], [65504.0] * 8]))
    b = half.encode(np.array([[1.0, -1.0, 2**-24, 0.0]] * 8))
    c = single.encode(np.outer([1.0, -1.0, 1.75], [1.0, 1.5, -1.0, 1.999]) * 2.0**exponent)
    compare(datapath, a, b, c)


@pytest.mark.parametrize("power", [-52, -51, -50, -49, 61, 62, 63, 64])
def test_products_at_the_ends_of_the_carriers(power: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """bf16 squares around 2**−100 and 2**125: those beyond go to the general kernel, with the same bits."""
    answers = served(monkeypatch)
    fields = {
        "operands": {"a": "bf16", "b": "bf16"},
        "reduction": {"kind": "fused", "lanes": 8, "align_bits": 24, "zero_exponent": -132},
        "accumulator": {"format": "fp32", "rounding": "rz"},
    }
    datapath = Datapath.model_validate(fields)
    x = np.random.default_rng(abs(power)).uniform(1, 2, (3, 8)) * 2.0**power
    a, b = get("bf16").encode(x, "rz"), get("bf16").encode(x.T.copy(), "rz")
    compare(datapath, a, b)
    assert answers == [-100 <= 2 * power <= 125]


def test_parts_of_a_chunked_sum() -> None:
    """Chunks that do and do not fill their last block."""
    for every in (8, 12, 32):
        fields = {
            "operands": {"a": "e4m3fn", "b": "e4m3fn"},
            "reduction": {"kind": "fused", "lanes": 8, "align_bits": 13, "zero_exponent": -133},
            "accumulator": {"every": every, "inner": {"format": "e8m13", "rounding": "rz"}, "into": "fp32"},
        }
        datapath = Datapath.model_validate(fields)
        generator = np.random.default_rng(every)
        a, b = (get("e4m3fn").encode(values(generator, s, 2)) for s in ((2, 37), (37, 3)))
        compare(datapath, a, b)


# What carriers must leave alone -------------------------------------------------------------------


@pytest.mark.parametrize("align", ["truncate", "floor", "sticky"])
def test_operands_beyond_float32_are_not_zeros(align: str) -> None:
    reduction = {"kind": "fused", "lanes": 4, "align_bits": 10, "align": align}
    fields = {"operands": {"a": "e9m10", "b": "e9m10"}, "reduction": reduction, "accumulator": "fp32"}
    datapath = Datapath.model_validate(fields)
    wide = get("e9m10")
    a, b = wide.encode(np.full((1, 4), 2.0**100)), wide.encode(np.array([[1.0, -1.0, 1.5]] * 4) * 2.0**-160)
    compare(datapath, a, b)


def test_scales_beyond_float32_are_not_zeros() -> None:
    operands = {"a": "bf16", "b": "bf16", "scale": "e8m0fnu", "scale_block": 4}
    reduction = {"kind": "fused", "lanes": 4, "align_bits": 24}
    datapath = Datapath.model_validate({"operands": operands, "reduction": reduction, "accumulator": "fp32"})
    a, b = get("bf16").encode(np.ones((1, 4))), get("bf16").encode(np.full((4, 3), 2.0**-60))
    compare(datapath, a, b, None, (np.array([[254]], np.uint8), np.zeros((1, 3), np.uint8)))


def test_a_zero_scale_takes_its_products_out_of_the_search_for_the_largest_exponent() -> None:
    operands = {"a": "e4m3fn", "b": "e4m3fn", "scale": "ue4m3", "scale_block": 2}
    datapath = Datapath.model_validate(
        {
            "operands": operands,
            "reduction": {"kind": "fused", "lanes": 4, "align_bits": 5},
            "accumulator": {"format": "fp32", "rounding": "rz"},
        }
    )
    fp8, scale = get("e4m3fn").encode, get("ue4m3").encode
    a, b = fp8(np.array([[448, 448, 1.125, 0.0625]])), fp8(np.ones((4, 3)))
    compare(datapath, a, b, None, (scale(np.array([[0.0, 1.0]])), scale(np.ones((2, 3)))))


@pytest.mark.parametrize("reduction", [
    {"kind": "exact", "lanes": 4}, {"kind": "fused", "lanes": 4, "align_bits": 24}, {"kind": "tree", "lanes": 4},
    "sequential",
], ids=str)  # fmt: skip
@pytest.mark.parametrize("c", [1e300, -1e300, 1e-300, 1e150, 5e-324])
@pytest.mark.parametrize("total", ["fp32", "fp16", "bf16"])
def test_first_addends_at_the_ends_of_float64(reduction: Any, c: float, total: str) -> None:
    for operand in ("fp32", "fp16"):
        fields = {"operands": {"a": operand, "b": operand, "c": "fp64"}, "reduction": reduction, "accumulator": total}
        datapath = Datapath.model_validate(fields)
        a, b = get(operand).encode(np.ones((2, 4))), get(operand).encode(np.ones((4, 3)))
        compare(datapath, a, b, get("fp64").encode(np.array([[c, 0.0, -c], [1.0, c, -0.0]])))


def test_exact_groups_of_scaled_products_are_refused_where_they_would_not_fit() -> None:
    operands = {"a": "e3m2fn", "b": "e3m2fn", "scale": "e8m0fnu", "scale_block": 1}
    reduction = {"kind": "fused", "lanes": 2, "align_bits": 10, "groups": {"count": 1}}
    with pytest.raises(ValueError, match="exact groups of products scaled by 'e8m0fnu' need"):
        Datapath.model_validate({"operands": operands, "reduction": reduction, "accumulator": "fp32"})


@pytest.mark.parametrize("columns", [1, 2])
def test_a_sum_of_nothing_is_the_first_addend(columns: int) -> None:
    reduction = {"kind": "fused", "lanes": 4, "align_bits": 24}
    fields = {"operands": {"a": "fp16", "b": "fp16"}, "reduction": reduction, "accumulator": "fp32"}
    c = np.full((1, columns), 0x80000000, np.uint32)
    empty = np.zeros((1, 0), np.uint16), np.zeros((0, columns), np.uint16)
    assert Datapath.model_validate(fields).matmul_codes(*empty, c).codes.tolist() == c.tolist()


@pytest.mark.parametrize("codes", [np.array([[1.0, 2.0]]), np.array([[16, 0]]), np.array([[-9, 0]])])
def test_codes_that_are_none_are_refused(codes: np.ndarray) -> None:
    fields = {"operands": {"a": "e2m1fn", "b": "e2m1fn"}, "accumulator": "fp32"}
    for reduction in ("sequential", {"kind": "fused", "lanes": 2, "align_bits": 24}):
        datapath = Datapath.model_validate({**fields, "reduction": reduction})
        with pytest.raises(InputError):
            datapath.matmul_codes(codes, np.zeros((2, 3), np.uint8))
