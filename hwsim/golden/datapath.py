"""What a `Datapath` computes, in Python integers and fractions: slow, and meant to be obviously right.

The multiplier's own rule is used; everything else is written here from the definitions and calls no kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.datapath.datapath import Datapath
from hwsim.golden import compensated
from hwsim.golden.draws import CHUNK, draw
from hwsim.golden.formats import decode, encode
from hwsim.golden.number import (
    ZERO,
    Events,
    Number,
    exact_sum,
    finite,
    multiply,
    times,
    unpack,
)
from hwsim.golden.register import add_into, begin, enter, product_places, read, step
from hwsim.golden.sums import FLOAT_SUMS, Rule, blocks, by_its_own_rule, sequential
from hwsim.golden.terms import Terms, enter_operand, flush, pair_scales

__all__ = ["Events", "Terms", "accumulate", "add_into", "dot", "enter", "leave", "matmul", "product_places"]

Codes = Sequence[Sequence[int]]


def matmul(
    datapath: Datapath,
    a: Codes,
    b: Codes,
    c: Codes | None = None,
    scale_a: Codes | None = None,
    scale_b: Codes | None = None,
    events: Events | None = None,
) -> tuple[list[list[int]], Events]:
    """Codes [M, K] x [K, N] (+ c [M, N]) -> codes, as `Datapath.matmul_codes`; raises `HwsimError` on a trap.

    ``events`` counts; a `hwsim.golden.diagnosis.Recorder` does so for each register.
    """
    events = Events() if events is None else events
    columns = list(zip(*b, strict=True))
    right = [None] * len(columns) if scale_b is None else list(zip(*scale_b, strict=True))
    rows = [
        [
            dot(
                datapath, row, column, None if c is None else c[i][j], events,
                None if scale_a is None else scale_a[i], right[j], i * len(columns) + j,
            )
            for j, column in enumerate(columns)
        ]
        for i, row in enumerate(a)
    ]  # fmt: skip
    return rows, events


def dot(
    datapath: Datapath,
    a: Sequence[int],
    b: Sequence[int],
    c: int | None,
    events: Events,
    scale_a: Sequence[int] | None = None,
    scale_b: Sequence[int] | None = None,
    output: int = 0,
) -> int:
    """One output: the code of ``c + Σ a[k]·b[k]``, or the value of an integer sum without an output format.

    ``output`` is its index in the whole product, by which random roundings draw their bits.
    """
    operands = datapath.operands
    left, right = (
        [enter_operand(datapath, code, f) for code in codes] for codes, f in ((a, operands.a), (b, operands.b))
    )
    formats = operands.multiplied
    products = [multiply(datapath.multiplier, x, y, *formats) for x, y in zip(left, right, strict=True)]
    scales = pair_scales(datapath, scale_a, scale_b, len(products))
    if datapath.scaled_at == "product":
        products = [x if s is None else times(x, s) for x, s in zip(products, scales, strict=True)]
        if not all(f.kind == "float" for f in formats):  # whose products have no −0
            products = [x if x.special or x.magnitude else replace(x, negative=False) for x in products]
        scales = [None] * len(products)
    if datapath.order is not None:
        run = len(datapath.order)
        ordered = [first + k for first in range(0, len(products), run) for k in datapath.order]
        products, scales = [products[k] for k in ordered], [scales[k] for k in ordered]
    start = None
    if c is not None:
        start = unpack(datapath.c_format, flush(datapath.c_format, c) if operands.flush else c)
    total = accumulate(datapath, datapath.accumulator, Terms(products, scales, output), start, events)
    return leave(datapath, total, events)


# Accumulators ---------------------------------------------------------------------------------------


def accumulate(datapath: Datapath, accumulator: Any, terms: Terms, start: Number | None, events: Events) -> Number:
    """All products and ``start`` in the accumulator, by the datapath's reduction."""
    if accumulator.kind == "chunked":
        inner, outer = events.of("inner"), events.of("outer")
        held = begin(datapath, accumulator.into, start, outer, terms.output)
        for first in range(0, len(terms), accumulator.every):
            part = terms.part(first, first + accumulator.every)
            chunk = accumulate(datapath, accumulator.inner or accumulator.into, part, None, inner)
            if datapath.scaled_at == "chunk" and part.scales[0] is not None:
                chunk = times(chunk, part.scales[0])
                chunk = chunk if chunk.special or chunk.magnitude else ZERO  # integers have no −0
            bits = draw(accumulator.into, terms.output, (terms.first + first) // accumulator.every, CHUNK)
            held = step(datapath, accumulator.into, held, chunk, outer, bits)
        return read(accumulator.into, held, outer)
    events = events.of("accumulator") if accumulator is datapath.accumulator else events
    if accumulator.kind == "integer":
        held = begin(datapath, accumulator, start, events, terms.output)
        for block in blocks(terms.products, datapath.reduction.lanes_of(len(terms))):
            held = step(datapath, accumulator, held, finite(exact_sum(block)), events, None)
        return read(accumulator, held, events)
    if accumulator.kind in compensated.KINDS:
        return sequential(datapath, accumulator, terms, start, events)
    if not len(terms):
        return read(accumulator, begin(datapath, accumulator, start, events, terms.output), events)
    rule: Rule = FLOAT_SUMS.get(datapath.reduction.kind, by_its_own_rule)
    return rule(datapath, accumulator, terms, start, events)


# Results --------------------------------------------------------------------------------------------


def leave(datapath: Datapath, total: Number, events: Events) -> int:
    """The code of the sum in the result's format, or the integer itself without an output format."""
    output, f = datapath.output, datapath.result_format
    if f.kind != "float" and output is None:
        return int(total.signed * (1 << product_places(datapath)))
    rounding = output.rounding if output is not None else "rne"
    overflow = output.overflow if output is not None else None
    greatest, least = (decode(f, encode(f, sign, "rne", "saturate")) for sign in (float("inf"), float("-inf")))
    if not total.special and not least <= total.signed <= greatest:
        events.count((overflow or f.overflows[0]) == "saturate")
    canonical = datapath.reduction.canonical_nan and f.has_nan and getattr(f, "specials", "") in ("ieee", "fn")
    if total.special == "nan" and canonical:
        return (1 << (f.bits - int(f.signed))) - 1
    try:
        return encode(f, total.value, rounding, overflow, (output.nan if output is not None else None) or "error")
    except ValueError as error:
        raise HwsimError(str(error)) from None
