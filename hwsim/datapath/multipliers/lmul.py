"""L-Mul: a floating-point product from one integer addition (Luo and Sun, arXiv:2410.00907)."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field

from hwsim.datapath.factor import Factor, fraction_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import Part
from hwsim.formats.base import Format


@multipliers.register("lmul")
class LMul(Multiplier):
    """``(1+x)(1+y)·2^(ex+ey)`` becomes ``(1 + s)·2^(ex+ey)`` with ``s = x + y + 2^−l(m)``, m mantissa bits.

    l(m) = m for m ≤ 3, 3 for m = 4 and 4 above (arXiv:2410.00907, equation 1). With operands of different
    mantissa widths m is the wider one, the width of the adder (*assumed*; ``offset_bits`` overrides l). A
    subnormal operand is normalised first, as the formula asks for a leading one (*assumed*; the paper does not
    treat subnormals).
    """

    kind: Literal["lmul"] = "lmul"
    form: Literal["addition", "formula"] = "addition"
    """``addition``: the exponent and mantissa fields are added as one integer (equation 3), so that a carry out
    of the mantissa gives ``2^⌊s⌋·(1 + s − ⌊s⌋)``; ``formula``: ``1 + s`` as written in equation 1."""
    offset_bits: int | None = Field(default=None, ge=0, le=23)
    """l of the offset ``2^−l``; the paper's l(m) when not given."""

    kernel: ClassVar[int | None] = 2

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(form="formula"), cls(offset_bits=0)]

    def check(self, a: Format, b: Format) -> None:
        for operand in (a, b):
            if operand.kind != "float":
                raise ValueError(f"lmul multiplies floating-point operands, got '{operand.name}'")

    def offset(self, a: Format, b: Format) -> int:
        """l(m) of these operands."""
        if self.offset_bits is not None:
            return self.offset_bits
        m = max(fraction_bits(a), fraction_bits(b))
        return m if m <= 3 else 3 if m == 4 else 4

    def fraction_bits(self, a: Format, b: Format) -> int:
        return max(fraction_bits(a), fraction_bits(b), self.offset(a, b))

    def product_bits(self, a: Format, b: Format) -> int:
        return self.fraction_bits(a, b) + 3  # 1 + s < 4 in the formula; 4·(1 + s − 2) < 8 in the addition

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        negative = x.negative != y.negative
        if x.significand == 0 or y.significand == 0:
            return Factor(negative, Fraction(0), x.exponent + y.exponent)
        x, y = _normalised(x), _normalised(y)
        s = (x.significand - 1) + (y.significand - 1) + Fraction(1, 2 ** self.offset(a, b))
        significand = 1 + s if self.form == "formula" else 2 ** int(s) * (1 + s - int(s))
        return Factor(negative, significand, x.exponent + y.exponent)

    def kernel_parameters(self, a: Format, b: Format) -> tuple[int, int]:
        return self.offset(a, b), int(self.form == "formula")

    def parts(self, a: Format, b: Format) -> list[Part]:
        from hwsim.technology.primitives import IntegerAdder

        # One adder over sign, exponent and mantissa; the constant offset enters by a second one.
        bits = max(a.bits, b.bits)
        return [Part("field adder", IntegerAdder(bits)), Part("offset adder", IntegerAdder(bits))]


def _normalised(x: Factor) -> Factor:
    significand, exponent = x.significand, x.exponent
    while significand < 1:
        significand, exponent = significand * 2, exponent - 1
    return Factor(x.negative, significand, exponent)
