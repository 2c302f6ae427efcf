"""What a `Datapath` computes, in Python integers and fractions: slow, and meant to be obviously right.

The multiplier's own rule is used; everything else is written here from the definitions and calls no kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.datapath.datapath import Datapath
from hwsim.formats.exact import TWO, floor_log2, round_to_integer
from hwsim.golden.formats import decode, encode
from hwsim.golden.number import (
    ZERO,
    Arithmetic,
    Events,
    Number,
    Target,
    add,
    add_special,
    exact_sum,
    finite,
    multiply,
    round_to,
    unpack,
)

Codes = Sequence[Sequence[int]]
_Rule = Callable[[Datapath, Any, Sequence[Number], Number | None, Events], Number]


def matmul(datapath: Datapath, a: Codes, b: Codes, c: Codes | None = None) -> tuple[list[list[int]], Events]:
    """Codes [M, K] x [K, N] (+ c [M, N]) -> codes, as `Datapath.matmul_codes`; raises `HwsimError` on a trap."""
    events = Events()
    columns = list(zip(*b, strict=True))
    rows = [
        [dot(datapath, row, column, None if c is None else c[i][j], events) for j, column in enumerate(columns)]
        for i, row in enumerate(a)
    ]
    return rows, events


def dot(datapath: Datapath, a: Sequence[int], b: Sequence[int], c: int | None, events: Events) -> int:
    """One output: the code of ``c + Σ a[k]·b[k]``, or the value of an integer sum without an output format."""
    formats = datapath.operands.a, datapath.operands.b
    products = [multiply(datapath.multiplier, x, y, *formats) for x, y in zip(a, b, strict=True)]
    start = None if c is None else unpack(datapath.c_format, c)
    return leave(datapath, accumulate(datapath, datapath.accumulator, products, start, events), events)


# Accumulators ---------------------------------------------------------------------------------------


def accumulate(
    datapath: Datapath, accumulator: Any, products: Sequence[Number], start: Number | None, events: Events
) -> Number:
    """All products and ``start`` in the accumulator, by the datapath's reduction."""
    if accumulator.kind == "chunked":
        total = enter(datapath, accumulator.into, start, events)
        for first in range(0, len(products), accumulator.every):
            part = products[first : first + accumulator.every]
            chunk = accumulate(datapath, accumulator.inner or accumulator.into, part, None, events)
            total = add_into(datapath, accumulator.into, total, chunk, events)
        return total
    if accumulator.kind == "integer":
        total = enter(datapath, accumulator, start, events)
        for block in blocks(products, datapath.reduction.lanes_of(len(products))):
            total = add_into(datapath, accumulator, total, finite(exact_sum(block)), events)
        return total
    if not products:
        return enter(datapath, accumulator, start, events)
    rule: _Rule = _FLOAT_SUMS.get(datapath.reduction.kind, _by_its_own_rule)
    return rule(datapath, accumulator, products, start, events)


def enter(datapath: Datapath, accumulator: Any, start: Number | None, events: Events) -> Number:
    """``start`` as the accumulator's register holds it; cleared when not given."""
    if start is None:
        return ZERO
    if accumulator.kind == "integer":
        return fit(datapath, accumulator, start.signed, events)
    return round_to(start, _target(accumulator), events)


def add_into(datapath: Datapath, accumulator: Any, x: Number, y: Number, events: Events) -> Number:
    """``x + y`` in an accumulator of one level."""
    if accumulator.kind == "integer":
        return fit(datapath, accumulator, x.signed + y.signed, events)
    return add(x, y, _target(accumulator), events)


def fit(datapath: Datapath, accumulator: Any, x: Fraction, events: Events) -> Number:
    """``x`` in two's complement of the accumulator's width, in units of the products' last place."""
    units = 1 << product_places(datapath)
    high = (1 << (accumulator.bits - 1)) - 1
    low = -high - 1
    whole = int(x * units)
    if low <= whole <= high:
        return finite(x)
    if accumulator.overflow == "trap":
        raise HwsimError(f"a sum overflowed the {accumulator.bits}-bit accumulator, which traps")
    events.count(accumulator.overflow == "saturate")
    if accumulator.overflow == "saturate":
        return finite(Fraction(min(max(whole, low), high), units))
    return finite(Fraction((whole - low) % (1 << accumulator.bits) + low, units))


def product_places(datapath: Datapath) -> int:
    """Places after the binary point of integer and fixed-point products."""
    return sum(int(getattr(f, "fraction_bits", 0)) for f in (datapath.operands.a, datapath.operands.b))


def _target(accumulator: Any, default_overflow: str | None = None) -> Target:
    return Target(accumulator.format, accumulator.rounding, accumulator.overflow or default_overflow)


# Reductions into floating-point accumulators --------------------------------------------------------


def blocks(products: Sequence[Number], lanes: int) -> Iterator[list[Number]]:
    """Products in groups of ``lanes``, the last one filled up with zeros."""
    for start in range(0, len(products), lanes):
        block = list(products[start : start + lanes])
        yield block + [ZERO] * (lanes - len(block))


def _sequential(datapath: Datapath, accumulator: Any, products: Any, start: Number | None, events: Events) -> Number:
    reduction: Any = datapath.reduction
    total = enter(datapath, accumulator, start, events)
    for product in products:
        term = product if reduction.fused else _rounded_product(reduction, accumulator, product)
        total = add(total, term, _target(accumulator), events)
    return total


def _rounded_product(reduction: Any, accumulator: Any, product: Number) -> Number:
    return round_to(product, Target(reduction.product or accumulator.format, reduction.product_rounding, None))


def _tree(datapath: Datapath, accumulator: Any, products: Any, start: Number | None, events: Events) -> Number:
    reduction: Any = datapath.reduction
    adder = Target(
        reduction.format or accumulator.format,
        reduction.rounding or accumulator.rounding,
        accumulator.overflow if reduction.format is None else None,
    )
    total = enter(datapath, accumulator, start, events)
    for block in blocks(products, reduction.lanes):
        level = block
        if reduction.product is not None:
            level = [_rounded_product(reduction, accumulator, p) for p in block]
        while len(level) > 1:
            pairs = [add(x, y, adder) for x, y in zip(level[0::2], level[1::2], strict=False)]
            level = [*pairs, *level[2 * len(pairs) :]]
        total = add(total, level[0], _target(accumulator), events)
    return total


def _fused(datapath: Datapath, accumulator: Any, products: Any, start: Number | None, events: Events) -> Number:
    reduction: Any = datapath.reduction
    target, emin = _target(accumulator, "always_inf"), accumulator.format.emin
    total = start or ZERO
    # The first addend keeps the exponent that its own format gives it.
    exponent = start.exponent if start is not None else emin
    for block in blocks(products, reduction.lanes):
        special = add_special([total, *block])
        if special is not None:
            total = round_to(special, target)
        else:
            terms = [(p.signed, p.exponent) for p in block] + [(total.signed, exponent)]
            total = round_to(finite(fused_sum(reduction, terms)), target, events)
            total = total if total.special or total.magnitude else ZERO
        exponent = max(floor_log2(total.magnitude), emin) if total.magnitude else emin
    return total


def fused_sum(reduction: Any, terms: list[tuple[Fraction, int | None]]) -> Fraction:
    """Σ of the terms, each cut to a multiple of ``2**(E − F)``, E the largest exponent."""
    exponents = [exponent if value else reduction.zero_exponent for value, exponent in terms]
    known = [exponent for exponent in exponents if exponent is not None]
    if not known:
        return Fraction(0)
    last_place = TWO ** (max(known) - reduction.align_bits)
    return sum((cut(value, last_place, reduction.align) for value, _ in terms), Fraction(0))


def cut(x: Fraction, last_place: Fraction, align: str) -> Fraction:
    """``x`` as a multiple of ``last_place``."""
    mode = {"truncate": "rz", "floor": "rd"}.get(align, align)
    size = round_to_integer(x < 0, abs(x) / last_place, mode) * last_place
    return -size if x < 0 else size


def _exact(datapath: Datapath, accumulator: Any, products: Any, start: Number | None, events: Events) -> Number:
    total = start or ZERO
    for block in blocks(products, datapath.reduction.lanes_of(len(products))):
        special = add_special([total, *block])
        exact = special or finite(exact_sum([total, *block]))
        total = round_to(exact, _target(accumulator), events)
    return total


def _by_its_own_rule(datapath: Datapath, accumulator: Any, products: Any, start: Any, events: Events) -> Number:
    reduction = datapath.reduction
    total = (start or ZERO) if reduction.loads_exactly else enter(datapath, accumulator, start, events)
    return reduction.golden_sum(products, total, Arithmetic(_target(accumulator, reduction.overflow), events))


_FLOAT_SUMS: dict[str, _Rule] = {"sequential": _sequential, "tree": _tree, "fused": _fused, "exact": _exact}


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
