"""The exact multiplier: all bits of the product are kept."""

from __future__ import annotations

from typing import ClassVar, Literal

from hwsim.datapath.factor import Factor, significand_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import Part
from hwsim.formats.base import Format


@multipliers.register("exact")
class ExactMultiplier(Multiplier):
    """The product with all its bits: significands multiplied, exponents added, nothing rounded or renormalised."""

    kind: Literal["exact"] = "exact"

    kernel: ClassVar[int | None] = 0

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        return Factor(x.negative != y.negative, x.significand * y.significand, x.exponent + y.exponent)

    def parts(self, a: Format, b: Format) -> list[Part]:
        from hwsim.technology.primitives import IntegerAdder, IntegerMultiplier

        parts = [Part("multiplier", IntegerMultiplier(significand_bits(a), significand_bits(b)))]
        exponent_bits = max(getattr(a, "exponent_bits", 0), getattr(b, "exponent_bits", 0))
        if exponent_bits:
            parts.append(Part("exponent adder", IntegerAdder(exponent_bits)))
        return parts
