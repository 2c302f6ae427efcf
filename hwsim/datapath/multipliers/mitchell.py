"""Mitchell's multiplier: logarithms by straight lines, added and taken back; a piecewise affine product."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal

from hwsim.datapath.factor import Factor, significand_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import Part
from hwsim.formats.base import Format
from hwsim.formats.exact import TWO, floor_log2
from hwsim.formats.float import FloatFormat


@multipliers.register("mitchell")
class MitchellMultiplier(Multiplier):
    """``2**(j+k)·(1+x)(1+y)`` becomes ``2**(j+k)·(1+x+y)`` for x + y < 1 and ``2**(j+k+1)·(x+y)`` from there on.

    Both operands are split at their leading one; log2(1 + x) is taken for x and the sum of the logarithms is taken
    back the same way (Mitchell, IRE Trans. Electronic Computers EC-11, 1962). The product never exceeds the exact one
    and falls short of it by 1/9 at most, at x = y = 1/2. On normal floats this is one integer addition of the bit
    patterns, less the bias: the piecewise affine product of Kosson and Jaggi (arXiv:2305.17190), L-Mul without its
    offset. Integers are split the same way, and their products are integers.
    """

    kind: Literal["mitchell"] = "mitchell"

    kernel: ClassVar[int | None] = 3

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        negative, exponent = x.negative != y.negative, x.exponent + y.exponent
        if x.significand == 0 or y.significand == 0:
            return Factor(negative, Fraction(0), exponent)
        one = TWO ** (floor_log2(x.significand) + floor_log2(y.significand))
        fractions = (
            x.significand / TWO ** floor_log2(x.significand) + y.significand / TWO ** floor_log2(y.significand) - 2
        )
        return Factor(negative, one * (1 + fractions if fractions < 1 else 2 * fractions), exponent)

    def parts(self, a: Format, b: Format) -> list[Part]:
        """Normal floats: one addition of the fields. Others: leading ones, shifters, an adder and the way back.

        Subnormal operands are normalised by the same leading-one counters and shifters, which a design that flushes
        them saves.
        """
        from hwsim.technology.primitives import IntegerAdder, LeadingZeroCounter, Shifter

        parts = []
        for name, operand in (("a", a), ("b", b)):
            width = significand_bits(operand)
            if not isinstance(operand, FloatFormat) or operand.subnormals:
                parts.append(Part(f"leading one of {name}", LeadingZeroCounter(width)))
                parts.append(Part(f"logarithm of {name}", Shifter(width, width - 1)))
        if isinstance(a, FloatFormat) and isinstance(b, FloatFormat):
            return [*parts, Part("field adder", IntegerAdder(max(a.bits, b.bits)))]
        fraction = max(significand_bits(a), significand_bits(b))
        width = self.product_bits(a, b)
        parts.append(Part("field adder", IntegerAdder(fraction + width.bit_length())))
        return [*parts, Part("antilogarithm", Shifter(width, width - 1))]
