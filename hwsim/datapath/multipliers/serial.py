"""Bit-serial and digit-serial multipliers: one digit of an operand per cycle, exact."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from hwsim.datapath.factor import significand_bits
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, digit_count, digits, exponent_parts
from hwsim.formats.base import Format


@multipliers.register("serial")
class SerialMultiplier(ExactStructure):
    """The exact product as ``Σ_i a · b_i · 2**(d·i)``, one digit b_i of d bits per cycle, the top one signed.

    Bit-serial is d = 1 (Stripes, Judd et al., MICRO 2016, has activations serial). With ``serial: both`` each cycle
    multiplies one digit of a by one of b, as many cycles as there are pairs. Cycles follow from the operands' width:
    8 for int8 by bits, 4 by digits of two, 11 for the significands of fp16.
    """

    kind: Literal["serial"] = "serial"
    digit_bits: int = Field(default=1, ge=1, le=16)
    """d, bits per digit."""
    serial: Literal["a", "b", "both"] = "b"
    """The operand that comes digit by digit; the other one stands still."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(digit_bits=2, serial="a"), cls(digit_bits=3, serial="both")]

    def partial_products(self, x: Word, y: Word) -> list[int]:
        d = self.digit_bits
        left = digits(x, d) if self.serial != "b" else [x.value]
        right = digits(y, d) if self.serial != "a" else [y.value]
        return [(p * q) << (d * (i + j)) for i, p in enumerate(left) for j, q in enumerate(right)]

    def cycles(self, a: Format, b: Format) -> int:
        left = digit_count(a, self.digit_bits) if self.serial != "b" else 1
        return left * (digit_count(b, self.digit_bits) if self.serial != "a" else 1)

    def parts(self, a: Format, b: Format) -> list[Part]:
        """A digit multiplier (AND gates for one bit), an adder and the register that shifts the partial sum.

        *Assumed*: an AND is a NAND2 (its inverter absorbed by the adder); the sum slides past the adder, which is as
        wide as the standing operand and a digit. With both operands serial it does not slide evenly, so a shifter
        over the whole product places each digit product.
        """
        from hwsim.technology.primitives import Gate, IntegerAdder, IntegerMultiplier, Primitive, Register, Shifter

        cycles, width = self.cycles(a, b), self.product_bits(a, b)
        left = significand_bits(a) if self.serial == "b" else self.digit_bits
        right = significand_bits(b) if self.serial == "a" else self.digit_bits
        narrow = min(left, right) == 1
        product: Primitive = Gate("nand2", max(left, right)) if narrow else IntegerMultiplier(left, right)
        adder = width if self.serial == "both" else left + right + 1
        parts = [
            Part("digit multiplier", product, 1, cycles),
            Part("partial sum adder", IntegerAdder(adder), 1, cycles),
            Part("partial sum register", Register(width), 1, cycles),
        ]
        if self.serial == "both":
            parts.append(Part("digit shifter", Shifter(left + right, max(0, width - left - right)), 1, cycles))
        return parts + exponent_parts(a, b)
