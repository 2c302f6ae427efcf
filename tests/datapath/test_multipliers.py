"""L-Mul against the published formula, and a multiplier that is nothing but its rule."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import ValidationError

from hwsim.datapath import Datapath
from hwsim.datapath.factor import Factor
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.multipliers.lmul import LMul
from hwsim.datapath.multipliers.mitchell import MitchellMultiplier
from hwsim.datapath.multipliers.rounded import RoundedMultiplier
from hwsim.datapath.multipliers.truncated import TruncatedMultiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.products import factors
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.golden import datapath as golden

# Relative error over all m-bit mantissas of the integer form: mean, mean magnitude, largest (facts about
# L-Mul, arXiv:2410.00907, recomputed by exhaustion), to the digits given.
ERRORS = {
    1: (0.375, 0.375, 0.5),
    2: (0.1467, 0.1467, 0.25),
    3: (0.0493, 0.0524, 0.125),
    4: (0.0487, 0.0514, 0.125),
    5: (0.0041, 0.0267, 0.0729),
    7: (0.0041, 0.0265, 0.0729),
}


@pytest.mark.parametrize("m", ERRORS)
def test_lmul_errors(m: int) -> None:
    number_format = get(f"e8m{m}")
    mantissas = [Factor(False, 1 + Fraction(i, 1 << m), 0) for i in range(1 << m)]
    rule = LMul(form="addition")
    errors = [
        float(rule.product(x, y, number_format, number_format).value / (x.value * y.value) - 1)
        for x in mantissas
        for y in mantissas
    ]
    measured = (np.mean(errors), np.mean(np.abs(errors)), np.max(np.abs(errors)))
    # Four digits are given. At m = 7 a few sums reach 2, where the table keeps 2s and the addition carries twice:
    # the mean magnitude is .026554 instead of .026541.
    assert measured == pytest.approx(ERRORS[m], abs=6e-5 if m == 7 else 5e-5)


def test_lmul_is_one_integer_addition_of_the_fields() -> None:
    """Equation 3: fields added, bias taken off, offset added; a carry runs into the exponent."""
    f = get("e5m2")
    factor = factors(f)
    for x in range(f.code_count >> 1):
        for y in range(f.code_count >> 1):
            fields = (x >> 2, y >> 2)
            if min(fields) == 0 or max(fields) == 31:
                continue
            total = x + y - (f.bias << 2) + 1  # 2**-2 of a 2-bit mantissa is its last place
            expected = (1 + Fraction(total & 3, 4)) * Fraction(2) ** ((total >> 2) - f.bias)
            left, right = factor[x], factor[y]
            assert left is not None and right is not None
            assert LMul().product(left, right, f, f).value == expected


# The same for Mitchell's product, from its definition: mean and largest error of m = 3 as facts about piecewise affine
# products state them (arXiv:2305.17190), to the digits given.
@pytest.mark.parametrize("name", ["e8m3", "uint4"])
def test_mitchell_errors(name: str) -> None:
    f, rule = get(name), MitchellMultiplier()
    if name == "uint4":  # 8 to 15 are 1.000 to 1.111 in units of 8
        operands = [Factor(False, Fraction(i), 0) for i in range(8, 16)]
    else:
        operands = [Factor(False, 1 + Fraction(i, 8), 0) for i in range(8)]
    errors = [rule.product(x, y, f, f).value / (x.value * y.value) - 1 for x in operands for y in operands]
    assert float(sum(errors) / len(errors)) == pytest.approx(-0.0378, abs=5e-5)
    assert min(errors) == Fraction(-1, 9)  # .1111, at 1.5 x 1.5
    assert max(errors) == 0


def test_mitchell_is_one_integer_addition_of_the_fields() -> None:
    f = get("e5m2")
    factor = factors(f)
    for x in range(4, 124):
        for y in range(4, 124):
            total = x + y - (f.bias << 2)
            expected = (1 + Fraction(total & 3, 4)) * Fraction(2) ** ((total >> 2) - f.bias)
            left, right = factor[x], factor[y]
            assert left is not None and right is not None
            assert MitchellMultiplier().product(left, right, f, f).value == expected


def test_truncated_columns_by_hand() -> None:
    """13 x 11 = 1101 x 1011: rows 1101, 1101·2, 1101·8; the columns below 3 hold 1, 2·1 and 2·4 (of bits 2 and 1)."""
    f = get("uint4")
    x, y = Factor(False, Fraction(13), 0), Factor(False, Fraction(11), 0)

    def product(columns: int, compensation: str) -> Fraction:
        return (
            TruncatedMultiplier.model_validate({"columns": columns, "compensation": compensation})
            .product(x, y, f, f)
            .value
        )

    # Row 1101: places 0, 2, 3; row ·2: 1, 3, 4; row ·8: 3, 5, 6. Place 3 holds three bits, below it are 1 + 2 + 4.
    assert product(3, "none") == 143 - 7
    assert product(3, "variable") == 143 - 7 + 8  # one bit in column 2, counted in column 3
    assert product(4, "none") == 143 - 7 - 24
    assert product(4, "variable") == 143 - 7 - 24 + 3 * 16
    # Columns 0 to 3 have 1, 2, 3 and 4 bits: a mean of (1 + 4 + 12 + 32)/4 = 12.25, .77 of column 4, so 1.
    assert product(4, "constant") == 143 - 7 - 24 + 16


def test_the_constant_leaves_the_least_bias() -> None:
    """Schulte and Swartzlander's aim: the mean error is that of rounding the constant, where dropping loses it all."""
    f = get("uint4")
    operands = [x for x in factors(f) if x is not None and x.significand]
    means = {}
    for compensation in ("none", "constant", "variable"):
        rule = TruncatedMultiplier.model_validate({"columns": 4, "compensation": compensation})
        errors = [rule.product(x, y, f, f).value - x.value * y.value for x in operands for y in operands]
        means[compensation] = sum(errors) / len(errors)
    assert means["none"] == -Fraction(49 * 64, 225)  # of 16·16 pairs each bit is 1 in 64; 15·15 are not zero
    assert means["constant"] == means["none"] + 16
    assert abs(means["constant"]) < abs(means["none"])
    assert abs(means["variable"]) < abs(means["none"])


WIDE: list[dict[str, object]] = [
    {"kind": "mitchell"},
    {"kind": "truncated", "columns": 5},
    {"kind": "truncated", "columns": 1, "compensation": "constant"},  # a constant of 0
    {"kind": "truncated", "columns": 9, "compensation": "constant"},
    {"kind": "truncated", "columns": 12, "compensation": "variable"},
    {"kind": "shift_add", "terms": 3},
    {"kind": "shift_add", "terms": 2, "digits": "signed"},
    {"kind": "shift_add"},
    {"kind": "rounded", "format": "fp16"},
    {"kind": "rounded", "format": "e8m5", "rounding": "ru"},
    {"kind": "rounded", "format": "e4m9", "rounding": "rna"},
    {"kind": "rounded", "format": "q20.2", "rounding": "rd"},
    {"kind": "rounded", "format": "int9", "rounding": "rne"},
]
WIDE_OPERANDS = [("fp16", "fp16"), ("bf16", "fp16"), ("fp32", "fp32"), ("int16", "int16"), ("q8.8", "uint16")]


def _takes(multiplier: dict[str, object], operands: tuple[str, str]) -> bool:
    if multiplier["kind"] != "rounded":
        return True
    try:
        RoundedMultiplier.model_validate(multiplier).check(get(operands[0]), get(operands[1]))
    except ValueError:  # as `test_refusals` has it
        return False
    return True


@pytest.mark.parametrize(("multiplier", "operands"), [(m, o) for m in WIDE for o in WIDE_OPERANDS if _takes(m, o)])
@pytest.mark.parametrize("reduction", ["sequential", "exact", {"kind": "fused", "lanes": 2, "align_bits": 14}], ids=str)
def test_wide_kernels_follow_the_rules(
    multiplier: dict[str, object], operands: tuple[str, str], reduction: Any
) -> None:
    whole = operands[0] in ("int16", "q8.8")
    a, b = (get(name) for name in operands)
    for accumulator in ("e11m40", "int48") if whole else ("e11m40",):
        fields = {"operands": {"a": a.name, "b": b.name}, "multiplier": multiplier, "accumulator": accumulator}
        datapath = Datapath.model_validate({**fields, "reduction": reduction})
        generator = np.random.default_rng(4)
        x, y = _any_codes(a, generator), _any_codes(b, generator)
        # Each product alone by one reduction, sums of them by all.
        left, right = (x[:, None], y[None]) if reduction == "exact" else (x.reshape(4, -1), y.reshape(4, -1).T)
        expected, _ = golden.matmul(datapath, left.tolist(), right.tolist())
        assert datapath.matmul_codes(left, right).codes.tolist() == expected


def test_rounded_products_saturate_and_underflow() -> None:
    f, rule = get("fp16"), RoundedMultiplier(format=get("fp16"))
    factor = {value: _factor(value) for value in (60000.0, -2.0, 6e-8, 0.25)}
    assert rule.product(factor[60000.0], factor[-2.0], f, f).value == -65504
    tiny = rule.product(factor[-2.0], _factor(0.0), f, f)
    assert (tiny.negative, tiny.significand) == (True, 0)
    gone = rule.product(factor[6e-8], factor[0.25], f, f)
    assert gone.significand == 0  # a quarter of the smallest number


def test_a_rounded_product_is_rounded_once() -> None:
    """Against numpy, whose float32 product of fp16 numbers is exact."""
    f = get("fp16")
    generator = np.random.default_rng(5)
    x, y = (f.decode(generator.integers(0, 0x7C00, 200).astype(np.uint16)) for _ in range(2))
    rule = RoundedMultiplier(format=f)
    for left, right in zip(x.tolist(), y.tolist(), strict=True):
        exact = np.float64(left) * np.float64(right)
        with np.errstate(over="ignore"):
            expected = float(np.clip(exact.astype(np.float16), -65504, 65504))
        assert float(rule.product(_factor(left), _factor(right), f, f).value) == expected


def _factor(value: float) -> Factor:
    return Factor(math.copysign(1, value) < 0, Fraction(abs(value)), 0)


REFUSED = [
    ({"kind": "truncated", "columns": 7}, "int4 x int4 has 7 columns of partial products"),
    ({"kind": "rounded", "format": "fp16"}, "rounded to an integer or fixed-point format, not to 'fp16'"),
    ({"kind": "rounded", "format": "q4.4"}, "'q4.4' has more fraction bits than products of int4 x int4"),
    ({"kind": "rounded", "format": "e5m0"}, "two significand bits or more"),
    ({"kind": "rounded"}, "format"),
]


@pytest.mark.parametrize(("multiplier", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_refusals(multiplier: dict[str, object], message: str) -> None:
    fields = {"operands": {"a": "int4", "b": "int4"}, "multiplier": multiplier, "accumulator": "int20"}
    with pytest.raises(ValidationError, match=message):
        Datapath.model_validate(fields)


@pytest.mark.parametrize("form", ["addition", "formula"])
@pytest.mark.parametrize("offset_bits", [None, 0, 2, 9])
@pytest.mark.parametrize("operands", [("fp16", "fp16"), ("bf16", "e4m3fn"), ("fp32", "fp32")])
def test_the_wide_kernel_follows_the_rule(form: str, offset_bits: int | None, operands: tuple[str, str]) -> None:
    datapath = Datapath.model_validate(
        {
            "operands": {"a": operands[0], "b": operands[1]},
            "multiplier": {"kind": "lmul", "form": form, "offset_bits": offset_bits},
            "reduction": "exact",
            "accumulator": "e11m40",
        }
    )
    generator = np.random.default_rng(1)
    a = _any_codes(get(operands[0]), generator)
    b = _any_codes(get(operands[1]), generator)
    expected, _ = golden.matmul(datapath, a[:, None].tolist(), b[None].tolist())
    assert datapath.matmul_codes(a[:, None], b[None]).codes.tolist() == expected


def _any_codes(number_format: Format, generator: np.random.Generator) -> np.ndarray:
    top = 1 << (number_format.bits - 1)
    random = generator.integers(0, 2 * top, 19).astype(np.uint64)
    return np.append(random, [0, 1, top, top + 1, top - 1]).astype(number_format.code_dtype)


class Rounded(Multiplier):
    """A multiplier of one file: the product's magnitude cut to a power of two. Only its rule is given."""

    kind: Literal["power"] = "power"
    kernel: ClassVar[int | None] = None

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        exact = x.significand * y.significand
        kept = Fraction(0) if exact < 1 else Fraction(1 << (int(exact).bit_length() - 1))
        return Factor(x.negative != y.negative, kept, x.exponent + y.exponent)

    def parts(self, a: Format, b: Format) -> list[Part]:
        return []


@pytest.mark.parametrize("operands", [("int4", "uint4"), ("e2m1fn", "e3m2fn"), ("int5", "e2m1fn")])
@pytest.mark.parametrize("reduction", ["sequential", "exact", {"kind": "fused", "lanes": 4, "align_bits": 12}])
def test_a_multiplier_needs_only_its_rule(operands: tuple[str, str], reduction: object) -> None:
    accumulator = {"bits": 9} if operands[0] == "int4" else {"format": "bf16"}
    datapath = Datapath.model_validate(
        {"operands": {"a": operands[0], "b": operands[1]}, "accumulator": accumulator, "reduction": reduction}
    ).model_copy(update={"multiplier": Rounded()})
    generator = np.random.default_rng(3)
    a = generator.integers(0, datapath.operands.a.code_count, (3, 9)).astype(np.uint8)
    b = generator.integers(0, datapath.operands.b.code_count, (9, 3)).astype(np.uint8)
    expected, events = golden.matmul(datapath, a.tolist(), b.tolist())
    result = datapath.matmul_codes(a, b)
    assert result.codes.tolist() == expected
    assert result.overflows == events.overflows
