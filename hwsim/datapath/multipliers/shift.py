"""A power-of-two multiplier: the second operand is a sign and a distance to shift."""

from __future__ import annotations

from typing import Literal

from hwsim.datapath.codes import values
from hwsim.datapath.factor import significand_bits
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, exponent_parts
from hwsim.formats.base import TABLE_BITS, Format
from hwsim.formats.exact import TWO, floor_log2
from hwsim.formats.float import FloatFormat


@multipliers.register("shift")
class ShiftMultiplier(ExactStructure):
    """The exact product with b one of 0 and ±2**n: a shifted by n places, or its exponent raised by n.

    b is a format of powers of two: ``pot4`` and its like, ``ternary``, ``binary``, ``int2``, or a float without
    mantissa bits (``e5m0``). Shift networks have weights like these (DeepShift, arXiv:1905.13298).
    """

    kind: Literal["shift"] = "shift"

    def check(self, a: Format, b: Format) -> None:
        if not _powers_of_two(b):
            raise ValueError(f"shift multiplies by 0 and powers of two, and '{b.name}' has other values")

    def partial_products(self, x: Word, y: Word) -> list[int]:
        magnitude = abs(y.value)
        if magnitude == 0:
            return []
        shifted = x.value << (magnitude.bit_length() - 1)
        return [-shifted if y.value < 0 else shifted]

    def parts(self, a: Format, b: Format) -> list[Part]:
        """Of floats an adder of exponents; of integers a barrel shifter over b's range and a row of sign gates."""
        from hwsim.technology.primitives import Gate, Shifter

        if isinstance(a, FloatFormat):
            return [*exponent_parts(a, b), Part("sign", Gate("xor2", 1))]
        width = significand_bits(a)
        distance = _distance(b)
        return [Part("shifter", Shifter(width + distance, distance)), Part("sign", Gate("xor2", width + distance))]


def _powers_of_two(b: Format) -> bool:
    if isinstance(b, FloatFormat):
        return b.mantissa_bits == 0
    return b.bits <= TABLE_BITS and all(abs(value) == TWO ** floor_log2(abs(value)) for value in values(b) if value)


def _distance(b: Format) -> int:
    """Places between the least and the greatest power of two."""
    exponents = [floor_log2(abs(value)) for value in values(b) if value]
    return max(exponents) - min(exponents)
