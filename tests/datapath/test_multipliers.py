"""L-Mul against the published formula, and a multiplier that is nothing but its rule."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal

import numpy as np
import pytest

from hwsim.datapath import Datapath
from hwsim.datapath.factor import Factor
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.multipliers.lmul import LMul
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
    random = generator.integers(0, 2 * top, 18).astype(np.uint64)
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
