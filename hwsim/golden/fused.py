"""A fused block in exact arithmetic: the definition of `hwsim.datapath.reductions.fused`, step by step.

A term is ``(value, exponent)``; the exponent is None where the term takes no part in the search for the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hwsim.formats.exact import TWO, floor_log2, round_to_integer
from hwsim.golden.number import Number

Term = tuple[Fraction, int | None]


def block_sum(
    reduction: Any, products: Sequence[Number], scales: Sequence[Number], addend: Term, emin: int
) -> Fraction:
    """The sum of one block's products and the addend, before the accumulator rounds it.

    ``scales`` has one scale for each group where groups are scaled; ``emin`` is the accumulator's.
    """
    terms = [(p.signed, p.exponent) if p.magnitude else (Fraction(0), reduction.zero_exponent) for p in products]
    if reduction.groups is not None:
        terms = [
            group_sum(reduction, group, scales[index] if reduction.groups.scaled else None)
            for index, group in enumerate(groups_of(reduction.groups, terms))
        ]
    if reduction.late is not None:
        total = add_late(reduction.late, *aligned_sum(terms, reduction.align_bits, reduction.align), addend)
    else:
        own = addend if addend[0] else (Fraction(0), reduction.zero_exponent)
        total, _ = aligned_sum([*terms, own], reduction.align_bits, reduction.align)
    if reduction.normalized_bits is not None and total:
        exponent = max(floor_log2(abs(total)), emin)
        total = cut(total, exponent - reduction.normalized_bits, "floor")
    return total


def groups_of(groups: Any, terms: Sequence[Term]) -> list[list[Term]]:
    """The terms of each group."""
    size = len(terms) // groups.count
    if groups.members == "interleaved":
        return [list(terms[g :: groups.count]) for g in range(groups.count)]
    return [list(terms[g * size : (g + 1) * size]) for g in range(groups.count)]


def group_sum(reduction: Any, terms: Sequence[Term], scale: Number | None) -> Term:
    """A group's sum, aligned within the group or exact, times its scale, with the exponent that it then has."""
    bits = reduction.groups.align_bits
    total, exponent = (sum_exactly if bits is None else _aligned(bits, reduction.groups.align))(terms)
    if scale is None:
        return total, exponent
    zero = not scale.magnitude or not any(value for value, _ in terms)
    return total * scale.magnitude, reduction.zero_exponent if zero else scale.exponent


def _aligned(bits: int, mode: str) -> Any:
    return lambda terms: aligned_sum(terms, bits, mode)


def sum_exactly(terms: Sequence[Term]) -> Term:
    """Σ of the values, and the largest exponent."""
    return sum((value for value, _ in terms), Fraction(0)), largest(terms)


def aligned_sum(terms: Sequence[Term], bits: int, mode: str) -> Term:
    """Σ of the values, each cut to a multiple of ``2**(E − bits)``, and E, the largest exponent."""
    exponent = largest(terms)
    if exponent is None:
        return Fraction(0), None
    return sum((cut(value, exponent - bits, mode) for value, _ in terms), Fraction(0)), exponent


def largest(terms: Sequence[Term]) -> int | None:
    """The largest exponent of those that count."""
    return max((exponent for _, exponent in terms if exponent is not None), default=None)


def add_late(late: Any, total: Fraction, exponent: int | None, addend: Term) -> Fraction:
    """The products' sum and the addend, each cut below the larger of their two exponents."""
    value, own = addend if addend[0] else (Fraction(0), late.zero_exponent)
    known = [e for e in (exponent, own) if e is not None]
    if not known:
        return Fraction(0)
    reach = max(known)
    if late.drop_below is not None and own is not None and own < reach - late.drop_below:
        value = Fraction(0)
    return cut(total, reach - late.sum_align_bits, late.align) + cut(value, reach - late.align_bits, late.align)


def cut(x: Fraction, last_place: int, align: str) -> Fraction:
    """``x`` as a multiple of ``2**last_place``."""
    mode = {"truncate": "rz", "floor": "rd", "sticky": "odd"}.get(align, align)
    size = round_to_integer(x < 0, abs(x) / TWO**last_place, mode) * TWO**last_place
    return -size if x < 0 else size
