"""Toggles of a systolic array's registers, register by register in plain integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

Codes = Sequence[Sequence[int]]
Sum = Callable[[int, int, int], int]
"""``sum(m, n, k)``: the code of output (m, n) after its first k products."""


def changed(codes: Sequence[int]) -> tuple[int, int]:
    """Bits that change in a register that takes ``codes`` one after the other, and how often it is written anew."""
    bits = sum((one ^ other).bit_count() for one, other in pairwise(codes))
    return bits, len(codes) - 1


def weight_stationary(a: Codes, b: Codes, partial: Sum) -> dict[str, Fraction]:
    """Bits per write of each register of one fold: a [M, R], b [R, C].

    Element (r, c): its a register takes a[0][r], a[1][r] …; its b register, while the weights come down from the
    top, last row first, takes b[R−1][c] … b[r][c]; its sum register takes the sum of r + 1 products of m = 0, 1 ….
    """
    steps, rows, columns = range(len(a)), range(len(b)), range(len(b[0]))
    seen: dict[str, list[tuple[int, int]]] = {"a": [], "b": [], "sum": []}
    for r in rows:
        for c in columns:
            seen["a"].append(changed([a[m][r] for m in steps]))
            seen["b"].append(changed([b[i][c] for i in reversed(rows) if i >= r]))
            seen["sum"].append(changed([partial(m, c, r + 1) for m in steps]))
    return {name: _mean(found) for name, found in seen.items()}


def output_stationary(a: Codes, b: Codes, partial: Sum) -> dict[str, Fraction]:
    """The same for a [R, K], b [K, C]: operands stream by k, the sum stays and takes a value per product."""
    rows, columns, steps = range(len(a)), range(len(b[0])), range(len(b))
    seen: dict[str, list[tuple[int, int]]] = {"a": [], "b": [], "sum": []}
    for r in rows:
        for c in columns:
            seen["a"].append(changed([a[r][k] for k in steps]))
            seen["b"].append(changed([b[k][c] for k in steps]))
            seen["sum"].append(changed([partial(r, c, k + 1) for k in steps]))
    return {name: _mean(found) for name, found in seen.items()}


def _mean(found: list[tuple[int, int]]) -> Fraction:
    writes = sum(count for _, count in found)
    return Fraction(sum(bits for bits, _ in found), writes) if writes else Fraction(0)
