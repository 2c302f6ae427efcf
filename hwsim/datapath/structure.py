"""Multipliers that are exact by another structure: partial products that add up to the product."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple

from hwsim.datapath.factor import Factor, fraction_bits, significand_bits
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.parts import Part
from hwsim.formats.base import Format
from hwsim.formats.exact import TWO
from hwsim.formats.integer import UniformFormat


class Word(NamedTuple):
    """An operand as it enters an array of gates: ``value · 2**place``."""

    value: int
    """The integer; of a signed word negative where two's complement says so."""
    bits: int
    """Width."""
    signed: bool
    """Two's complement (integers, fixed point), or a magnitude whose sign goes past the array (all others)."""
    place: int
    """Exponent of the last place."""
    format: Format

    @property
    def pattern(self) -> int:
        """The bits as they lie on the wires."""
        return self.value & ((1 << self.bits) - 1)


def word(x: Factor, number_format: Format) -> Word:
    """``x`` in units of its significand's last place."""
    point = fraction_bits(number_format)
    magnitude = x.significand * (1 << point)
    assert magnitude.denominator == 1, f"{number_format.name}: fraction_bits is too small"
    signed = isinstance(number_format, UniformFormat) and number_format.signed
    value = -magnitude.numerator if signed and x.negative else magnitude.numerator
    return Word(value, significand_bits(number_format), signed, x.exponent - point, number_format)


class ExactStructure(Multiplier):
    """A multiplier whose partial products add up to the exact product.

    `product` adds them up bit by bit, which is the golden model; the kernel is that of the exact multiplier, so
    that every comparison of the two proves the structure.
    """

    kernel: ClassVar[int | None] = 0

    @abstractmethod
    def partial_products(self, x: Word, y: Word) -> list[int]:
        """What the adders of this structure add up, each in units of the product's last place."""

    def enter(self, x: Factor, number_format: Format) -> Word:
        """``x`` as this structure takes it."""
        return word(x, number_format)

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        left, right = self.enter(x, a), self.enter(y, b)
        total = sum(self.partial_products(left, right))
        for operand, entered in ((x, left), (y, right)):
            if operand.negative and not entered.signed:
                total = -total
        negative, exponent = (total < 0 if total else x.negative != y.negative), x.exponent + y.exponent
        return Factor(negative, abs(total) * TWO ** (left.place + right.place - exponent), exponent)


def whole_word(x: Factor, number_format: Format) -> Word:
    """The integer that ``x`` is, for formats whose codes mean integers by a rule of their own."""
    assert x.value.denominator == 1
    return Word(x.value.numerator, number_format.bits, True, 0, number_format)


def digits(x: Word, width: int) -> list[int]:
    """``x = Σ d_i · 2**(width·i)``, d_i in [0, 2**width); the top digit of a signed word is signed.

    The top digit has the bits that are left, so that no bit is counted that the word does not have.
    """
    count = -(-x.bits // width)
    found = [(x.pattern >> (width * i)) & ((1 << width) - 1) for i in range(count)]
    if x.signed and x.value < 0:
        found[-1] -= 1 << (x.bits - width * (count - 1))
    return found


def digit_count(number_format: Format, width: int) -> int:
    """Digits of ``width`` bits that an operand has."""
    return -(-significand_bits(number_format) // width)


def exponent_parts(a: Format, b: Format) -> list[Part]:
    """The adder of the exponents, where operands have some."""
    from hwsim.technology.primitives import IntegerAdder

    bits = max(getattr(a, "exponent_bits", 0), getattr(b, "exponent_bits", 0))
    return [Part("exponent adder", IntegerAdder(bits))] if bits else []
