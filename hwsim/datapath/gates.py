"""The gates of a fused multi-term unit: products aligned to one exponent, added exactly, rounded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwsim.datapath.parts import Part
from hwsim.datapath.reductions.tree import integer_tree_parts
from hwsim.formats.base import Format

if TYPE_CHECKING:
    from hwsim.datapath.multiplier import Multiplier
    from hwsim.datapath.reductions.fused import Fused


def fused_parts(a: Format, b: Format, multiplier: Multiplier, accumulator: Any, unit: Fused) -> list[Part]:
    """Gates per lane behind the multipliers of ``unit.lanes`` = L terms and the sum so far, kept to F bits.

    A maximum over L + 1 exponents; for each term the difference to it, an aligner of F + 2 bits and a complement by
    sign; a tree that adds L + 1 terms in pairs and ends F + 2 + ⌈log2(L + 1)⌉ bits wide; and, once per block, a
    leading-zero count, a normaliser and a rounder. The exponents are ready beside the products. Groups are such
    trees of their own (without exponents where they are exact) before the one that adds their sums; an addend that
    comes late has an aligner for it, one for the sum, and an adder. An integer accumulator needs the tree alone,
    over whole products.
    """
    lanes = unit.lanes
    if accumulator.kind == "integer":
        return [*integer_tree_parts(multiplier.product_bits(a, b), lanes), *accumulator.parts(lanes, True)]
    result, width = accumulator.float_format, unit.align_bits + 2
    exponents = max(getattr(a, "exponent_bits", 0), getattr(b, "exponent_bits", 0)) + 1
    exponents = max(exponents, result.exponent_bits)
    parts = _groups(a, b, multiplier, exponents, unit)
    inputs = unit.groups.count if unit.groups is not None else lanes
    terms = inputs + (unit.late is None)
    parts += [part.scaled(terms / lanes) for part in _alignment(exponents, width, terms)]
    parts += [part.scaled(terms / lanes) for part in integer_tree_parts(width, terms)]
    sum_width = width + terms.bit_length()
    if unit.late is not None:
        sum_width = max(unit.late.align_bits, unit.late.sum_align_bits) + 3
        parts += [part.scaled(2 / lanes) for part in _alignment(exponents, sum_width, 2)]
        parts += [part.scaled(2 / lanes) for part in integer_tree_parts(sum_width, 2)]
    return [*parts, *_rounding(sum_width, result.precision, lanes), *accumulator.parts(lanes, False)]


def _groups(a: Format, b: Format, multiplier: Multiplier, exponent_bits: int, unit: Fused) -> list[Part]:
    """The sums of groups, one part of L/count products each."""
    from hwsim.datapath.reductions.exact import product_range
    from hwsim.technology.primitives import IntegerAdder, IntegerMultiplier, Shifter

    if unit.groups is None:
        return []
    size, share = unit.group_size, unit.groups.count / unit.lanes
    if unit.groups.align_bits is not None:
        width = unit.groups.align_bits + 2
        parts = _alignment(exponent_bits, width, size)
    else:  # a fixed-point word wide enough for every product
        low, high = product_range(a, b, multiplier)
        width = high - low
        parts = [Part("aligner", Shifter(width, width))]
    parts += integer_tree_parts(width, size)
    if unit.groups.scaled:  # significands of 4 bits (E4M3); power-of-two scales need the exponents alone
        parts.append(Part("scale multiplier", IntegerMultiplier(width + size.bit_length(), 8), share, share))
        parts.append(Part("scale multiplier", IntegerMultiplier(4, 4), share, share, chain="exponent"))
        parts.append(Part("scale exponent adder", IntegerAdder(exponent_bits), share, share, chain="exponent"))
    return parts


def _alignment(exponent_bits: int, width: int, terms: int) -> list[Part]:
    """From exponents and values to terms in one unit, per term."""
    from hwsim.technology.primitives import Comparator, Gate, IntegerAdder, Multiplexer, Shifter

    levels = max((terms - 1).bit_length(), 1)
    pairs = (terms - 1) / terms
    return [
        Part("exponent maximum", Comparator(exponent_bits), pairs, pairs, in_series=levels),
        Part("exponent maximum", Multiplexer(exponent_bits, 2), pairs, pairs, in_series=levels),
        Part("exponent difference", IntegerAdder(exponent_bits)),
        Part("aligner", Shifter(width, width)),
        Part("complement", Gate("xor2", width)),
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
