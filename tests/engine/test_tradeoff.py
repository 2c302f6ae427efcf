"""Error against energy: what `measure` computes is what the datapaths and exact arithmetic say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.engine.tradeoff import Variant, drawn_operands, measure, product, quantize
from hwsim.engine.tradeoff_variants import default_variants, families
from hwsim.formats import get
from hwsim.workload.distributions import Normal

VARIANTS = default_variants()
BY_LABEL = {variant.label: variant for variant in VARIANTS}
X, W = drawn_operands(Normal(), 96, 7, 5, 6)


def wide(operands: dict[str, Any], lanes: int, **more: Any) -> Datapath:
    fused = {"kind": "fused", "lanes": lanes, "align_bits": 48, **more}
    accumulator = {"format": "fp32", "rounding": "rz"}
    return Datapath.model_validate({"operands": operands, "reduction": fused, "accumulator": accumulator})


BLOCKS = {
    "mxfp8_e4m3": ({"a": "e4m3fn", "b": "e4m3fn", "scale": "e8m0fnu"}, 32, {}),
    "mxfp6_e2m3": ({"a": "e2m3fn", "b": "e2m3fn", "scale": "e8m0fnu"}, 32, {}),
    "mxfp4": ({"a": "e2m1fn", "b": "e2m1fn", "scale": "e8m0fnu"}, 32, {}),
    "nvfp4": (
        {"a": "e2m1fn", "b": "e2m1fn", "scale": "ue4m3", "scale_block": 16}, 64,
        {"align_bits": 44, "groups": {"count": 4, "scaled": True}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BLOCKS)
def test_a_wide_sum_of_a_block_format_is_the_exact_product_rounded_by_the_accumulator(name: str) -> None:
    """Block by block: the exact sum of dequantized products and of the sum so far, rounded toward zero."""
    operands, lanes, more = BLOCKS[name]
    datapath = wide(operands, lanes, **more)
    variant = Variant(
        label=name, family=name, knob="F", value=48, datapath=datapath, rule="block", block=name
    )  # fmt: skip
    computed, _, _ = product(variant, X, W)
    a, b = quantize(variant, X, datapath.operands.a), quantize(variant, W.T, datapath.operands.b)
    for m, row in enumerate(a.inner):
        for n, column in enumerate(b.inner):
            total = Fraction(0)
            for first in range(0, row.size, lanes):
                pairs = zip(row[first : first + lanes], column[first : first + lanes], strict=True)
                total = toward_zero(total + sum(Fraction(float(p)) * Fraction(float(q)) for p, q in pairs))
            assert computed[m, n] == float(total) * (a.outer[m, 0] * b.outer[n, 0])


def toward_zero(value: Fraction) -> Fraction:
    """To float32's 24 significand bits; the values here are no subnormals."""
    if value == 0:
        return value
    place = Fraction(2) ** (abs(value.numerator).bit_length() - value.denominator.bit_length() - 25)
    while abs(value) / place >= 2**24:
        place *= 2
    return int(value / place) * place


@pytest.mark.parametrize("name", ["mxfp8_e4m3", "mxint8", "nvfp4", "nvint4"])
def test_inner_times_outer_is_what_the_block_format_dequantizes(name: str) -> None:
    variant = next(variant for variant in VARIANTS if variant.block == name)
    found = quantize(variant, X, variant.datapath.operands.a)
    assert np.array_equal(found.inner * found.outer, get(name).quantize(X).dequantize())


def test_integers_wide_enough_lose_nothing_but_their_operands_rounding() -> None:
    for label in ("INT8 32 bits", "INT4 32 bits"):
        (row,) = measure([BY_LABEL[label]], X, W)
        assert row.own_rel_l2 == 0
        assert row.saturations == 0
        assert row.rel_l2 is not None
        assert row.rel_l2 > 0


def test_rows_have_the_datapaths_price_and_errors_that_fall_with_width() -> None:
    rows = measure([v for v in VARIANTS if v.family == "FP8 E4M3" and v.hardware is None], X, W, "45nm")
    assert [row.own_rel_l2 for row in rows] == sorted((row.own_rel_l2 or 0 for row in rows), reverse=True)
    cost = BY_LABEL["FP8 E4M3 F=13"].datapath.cost("45nm")
    (row,) = (row for row in rows if row.value == 13)
    assert (row.energy_per_mac_j, row.area_m2) == (cost.total_energy_per_mac_j, cost.total_area_m2)


def test_every_default_variant_computes_and_chips_are_the_sweeps_own_points() -> None:
    rows = {row.label: row for row in measure(VARIANTS, X, W)}
    assert len(rows) == len(VARIANTS)
    assert all(row.rel_l2 is not None for row in rows.values())
    assert rows["FP8 E4M3 Hopper"].own_rel_l2 == rows["FP8 E4M3 F=13"].own_rel_l2
    assert rows["MXFP8 E4M3 Blackwell"].own_rel_l2 == rows["MXFP8 E4M3 F=25"].own_rel_l2
    assert rows["NVFP4 Blackwell"].own_rel_l2 == rows["NVFP4 F=35"].own_rel_l2
    assert {"INT8", "INT4", "FP16", "MXFP4", "NVINT4"} <= set(families(VARIANTS))


def test_zero_rows_and_shapes_that_do_not_match() -> None:
    rows = measure([BY_LABEL["INT8 32 bits"], BY_LABEL["NVFP4 F=35"]], np.zeros_like(X), W)
    assert [row.rel_l2 for row in rows] == [None, None]
    with pytest.raises(InputError, match=r"expected \[M, K\] x \[K, N\], got \[5, 96\] x \[6, 96\]"):
        measure(VARIANTS[:1], X, W.T)
    with pytest.raises(InputError, match="no block format"):
        measure([BY_LABEL["MXFP4 F=13"].model_copy(update={"block": "int8"})], X, W)
