"""OliVe's multiplier: integers and adaptive biased floats as pairs of a small integer and an exponent."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from hwsim.datapath.factor import Factor
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, whole_word
from hwsim.formats.base import Format
from hwsim.formats.codebook import CodebookFormat
from hwsim.formats.integer import IntegerFormat

_ABFLOAT = re.compile(r"abfloat_e(\d)m(\d)b(\d+)")


class Pair(NamedTuple):
    """``integer · 2**exponent``, what OliVe's decoder makes of a code."""

    exponent: int
    integer: int


@multipliers.register("abfloat")
class AbfloatMultiplier(ExactStructure):
    """The exact product ``(i_a · i_b) << (e_a + e_b)`` of decoded pairs ``i · 2**e`` (OliVe, arXiv:2304.07493).

    A normal value is an integer with e = 0; an outlier is an abfloat, ``sign · (2**m + t) << (e + bias)``, whose
    integer has m + 1 bits and a sign. One array takes both, so that outliers need no path of their own. Operands:
    integers of at most 8 bits and ``abfloat_e{x}m{y}b{z}`` (``abfloat4`` is E2M1 with bias 2).
    """

    kind: Literal["abfloat"] = "abfloat"

    def check(self, a: Format, b: Format) -> None:
        for operand in (a, b):
            if not (_abfloat(operand) or (isinstance(operand, IntegerFormat) and operand.bits <= 8)):
                raise ValueError(f"abfloat multiplies abfloats and integers of at most 8 bits, got '{operand.name}'")

    def enter(self, x: Factor, number_format: Format) -> Word:
        return whole_word(x, number_format)

    def partial_products(self, x: Word, y: Word) -> list[int]:
        left, right = pair(x), pair(y)
        return [(left.integer * right.integer) << (left.exponent + right.exponent)]

    def parts(self, a: Format, b: Format) -> list[Part]:
        """A decoder per operand, the small multiplier, the exponent adder and the shifter behind them.

        *Assumed*: the decoder compares a code with the identifier of victims, adds the bias and chooses between the
        integer and the abfloat.
        """
        from hwsim.technology.primitives import Comparator, IntegerAdder, IntegerMultiplier, Multiplexer, Shifter

        parts = []
        for operand in (a, b):
            parts += [
                Part("decoder", Comparator(operand.bits)),
                Part("decoder", Multiplexer(operand.bits, 2)),
                Part("decoder", IntegerAdder(_largest_exponent(operand).bit_length())),
            ]
        distance = _largest_exponent(a) + _largest_exponent(b)
        left, right = _integer_bits(a), _integer_bits(b)
        return [
            *parts,
            Part("multiplier", IntegerMultiplier(left, right)),
            Part("exponent adder", IntegerAdder(distance.bit_length())),
            Part("shifter", Shifter(left + right + distance, distance)),
        ]


def _abfloat(number_format: Format) -> tuple[int, int, int] | None:
    """Exponent bits, mantissa bits and bias, or None of another format."""
    match = _ABFLOAT.fullmatch(number_format.name) if isinstance(number_format, CodebookFormat) else None
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def _largest_exponent(number_format: Format) -> int:
    fields = _abfloat(number_format)
    return 0 if fields is None else (1 << fields[0]) - 1 + fields[2]


def _integer_bits(number_format: Format) -> int:
    """Bits of a decoded integer with its sign."""
    fields = _abfloat(number_format)
    return number_format.bits if fields is None else fields[1] + 2


def pair(x: Word) -> Pair:
    """A value as OliVe's decoder hands it on: an abfloat with the integer ``±(2**m + t)``, an integer as it is."""
    fields = _abfloat(x.format)
    if fields is None or x.value == 0:
        return Pair(0, x.value)
    magnitude = abs(x.value)
    exponent = magnitude.bit_length() - 1 - fields[1]
    integer = magnitude >> exponent
    assert integer << exponent == magnitude
    return Pair(exponent, -integer if x.value < 0 else integer)
