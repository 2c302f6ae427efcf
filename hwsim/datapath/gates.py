"""The gates of a fused multi-term unit: products aligned to one exponent, added exactly, rounded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwsim.datapath.parts import Part
from hwsim.datapath.reductions.tree import integer_tree_parts
from hwsim.formats.base import Format

if TYPE_CHECKING:
    from hwsim.datapath.multiplier import Multiplier


def fused_parts(
    a: Format, b: Format, multiplier: Multiplier, accumulator: Any, lanes: int, align_bits: int
) -> list[Part]:
    """Gates per lane behind the multipliers of ``lanes`` = L terms and the sum so far, kept to ``align_bits`` = F.

    A maximum over L + 1 exponents; for each term the difference to it, an aligner of F + 2 bits and a complement by
    sign; a tree that adds L + 1 terms in pairs and ends F + 2 + ⌈log2(L + 1)⌉ bits wide; and, once per block, a
    leading-zero count, a normaliser and a rounder. The exponents are ready beside the products. An integer
    accumulator needs the tree alone, over whole products.
    """
    if accumulator.kind == "integer":
        return [*integer_tree_parts(multiplier.product_bits(a, b), lanes), *accumulator.parts(lanes, True)]
    result = accumulator.float_format
    exponents = max(getattr(a, "exponent_bits", 0), getattr(b, "exponent_bits", 0)) + 1
    return [
        *_alignment(max(exponents, result.exponent_bits), align_bits + 2, lanes),
        *(part.scaled((lanes + 1) / lanes) for part in integer_tree_parts(align_bits + 2, lanes + 1)),
        *_rounding(align_bits + 2 + lanes.bit_length(), result.precision, lanes),
        *accumulator.parts(lanes, False),
    ]


def _alignment(exponent_bits: int, width: int, lanes: int) -> list[Part]:
    """From exponents and products to L + 1 terms in one unit."""
    from hwsim.technology.primitives import Comparator, Gate, IntegerAdder, Multiplexer, Shifter

    terms, levels = 1 + 1 / lanes, lanes.bit_length()  # ⌈log2(L + 1)⌉
    return [
        Part("exponent maximum", Comparator(exponent_bits), in_series=levels),
        Part("exponent maximum", Multiplexer(exponent_bits, 2), in_series=levels),
        Part("exponent difference", IntegerAdder(exponent_bits), terms, terms),
        Part("aligner", Shifter(width, width), terms, terms),
        Part("complement", Gate("xor2", width), terms, terms),
    ]


def _rounding(width: int, precision: int, lanes: int) -> list[Part]:
    """From a block's sum to the accumulator's format."""
    from hwsim.technology.primitives import LeadingZeroCounter, Rounder, Shifter

    once = 1 / lanes
    return [
        Part("normaliser", LeadingZeroCounter(width), once, once),
        Part("normaliser", Shifter(width, width), once, once),
        Part("rounder", Rounder(precision), once, once),
    ]
