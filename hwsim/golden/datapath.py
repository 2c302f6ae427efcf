"""What a `Datapath` computes, in Python integers and fractions: slow, and meant to be obviously right.

The multiplier's own rule is used; everything else is written here from the definitions and calls no kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.datapath.datapath import Datapath
from hwsim.datapath.factor import fraction_places
from hwsim.formats.exact import TWO, Draw, floor_log2
from hwsim.golden import compensated, fused
from hwsim.golden.draws import CHUNK, LOAD, STEP, TREE, draw
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
    times,
    unpack,
)

Codes = Sequence[Sequence[int]]
_Rule = Callable[[Datapath, Any, "Terms", Number | None, Events], Number]


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


@dataclass(frozen=True)
class Terms:
    """Products, and beside each the product of the two scales of its blocks where a later sum is to be scaled."""

    products: Sequence[Number]
    scales: Sequence[Number | None]
    output: int = 0
    """Which output they belong to."""
    first: int = 0
    """The k of the first."""

    def __len__(self) -> int:
        return len(self.products)

    def part(self, first: int, last: int) -> Terms:
        """Those with k in [first, last)."""
        return Terms(self.products[first:last], self.scales[first:last], self.output, self.first + first)

    def draw(self, accumulator: Any, offset: int, place: int = STEP) -> Draw | None:
        """The random bits of the addition of the ``offset``-th product (or of the block that starts there)."""
        return draw(accumulator, self.output, self.first + offset, place)


def enter_operand(datapath: Datapath, code: int, f: Any) -> int:
    """An operand's code as the multiplier sees it: flushed, converted."""
    code = flush(f, code) if datapath.operands.flush else code
    convert = datapath.operands.convert
    return code if convert is None else encode(convert, decode(f, code))


def flush(f: Any, code: int) -> int:
    """+0 in place of a subnormal number."""
    value = decode(f, code)
    subnormal = isinstance(value, Fraction) and f.kind == "float" and 0 < abs(value) < TWO**f.emin
    return 0 if subnormal else code


def pair_scales(datapath: Datapath, scale_a: Any, scale_b: Any, k: int) -> list[Number | None]:
    """The product of a's and b's scales at every k; None without scales."""
    scale, block = datapath.operands.scale, datapath.operands.scale_block
    if scale is None:
        return [None] * k
    one = encode(scale, 1.0)
    codes = [[one if s is None else s[i // block] for i in range(k)] for s in (scale_a, scale_b)]
    return [times(unpack(scale, x), unpack(scale, y)) for x, y in zip(*codes, strict=True)]


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
        return _sequential(datapath, accumulator, terms, start, events)
    if not len(terms):
        return read(accumulator, begin(datapath, accumulator, start, events, terms.output), events)
    rule: _Rule = _FLOAT_SUMS.get(datapath.reduction.kind, _by_its_own_rule)
    return rule(datapath, accumulator, terms, start, events)


def enter(datapath: Datapath, accumulator: Any, start: Number | None, events: Events, output: int = 0) -> Number:
    """``start`` as the accumulator's register holds it; cleared when not given."""
    if start is None:
        return ZERO
    if accumulator.kind == "integer":
        return fit(datapath, accumulator, start.signed, events)
    return round_to(start, _target(accumulator), events, draw(accumulator, output, 0, LOAD))


def add_into(
    datapath: Datapath, accumulator: Any, x: Number, y: Number, events: Events, bits: Draw | None = None
) -> Number:
    """``x + y`` in an accumulator of one level and one word."""
    if accumulator.kind == "integer":
        return fit(datapath, accumulator, x.signed + y.signed, events)
    return add(x, y, _target(accumulator), events, bits)


# An accumulator of one level and one word holds a number, one of two words a pair.


def begin(datapath: Datapath, accumulator: Any, start: Number | None, events: Events, output: int) -> Any:
    """What an accumulator of one level holds at first."""
    held: Any
    if accumulator.kind in compensated.KINDS:
        held = compensated.CLEARED if start is None else compensated.enter(accumulator, start, events)
    else:
        held = enter(datapath, accumulator, start, events, output)
    events.begin(accumulator, held, start)
    return held


def step(datapath: Datapath, accumulator: Any, held: Any, term: Number, events: Events, bits: Draw | None) -> Any:
    """What it holds after the addition of a term."""
    after: Any
    if accumulator.kind in compensated.KINDS:
        after = compensated.step(accumulator, held, term, events)
    else:
        after = add_into(datapath, accumulator, held, term, events, bits)
    events.step(accumulator, held, term, after)
    return after


def read(accumulator: Any, held: Any, events: Events) -> Number:
    """The sum that it gives."""
    number: Number = compensated.leave(accumulator, held, events) if accumulator.kind in compensated.KINDS else held
    return number


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
    return sum(fraction_places(f) for f in datapath.operands.multiplied)


def _target(accumulator: Any, default_overflow: str | None = None) -> Target:
    return Target(accumulator.format, accumulator.rounding, accumulator.overflow or default_overflow, accumulator.flush)


# Reductions into floating-point accumulators --------------------------------------------------------


def blocks(products: Sequence[Number], lanes: int) -> Iterator[list[Number]]:
    """Products in groups of ``lanes``, the last one filled up with zeros."""
    for start in range(0, len(products), lanes):
        block = list(products[start : start + lanes])
        yield block + [ZERO] * (lanes - len(block))


def _sequential(datapath: Datapath, accumulator: Any, terms: Terms, start: Number | None, events: Events) -> Number:
    reduction: Any = datapath.reduction
    held = begin(datapath, accumulator, start, events, terms.output)
    for k, product in enumerate(terms.products):
        term = product if reduction.fused else _rounded_product(reduction, accumulator, product)
        held = step(datapath, accumulator, held, term, events, terms.draw(accumulator, k))
    return read(accumulator, held, events)


def _rounded_product(reduction: Any, accumulator: Any, product: Number) -> Number:
    product_format = reduction.product or accumulator.format
    flushes = accumulator.flush and product_format == accumulator.format
    return round_to(product, Target(product_format, reduction.product_rounding, None, flushes))


def _tree(datapath: Datapath, accumulator: Any, terms: Terms, start: Number | None, events: Events) -> Number:
    reduction: Any = datapath.reduction
    own = reduction.levels or (reduction.format,)
    draws = accumulator if reduction.rounding is None else None
    held = begin(datapath, accumulator, start, events, terms.output)
    for index, block in enumerate(blocks(terms.products, reduction.lanes)):
        first, place = index * reduction.lanes, count(TREE)
        level, depth = block, 0
        if reduction.product is not None:
            level = [_rounded_product(reduction, accumulator, p) for p in block]
        while len(level) > 1:
            adder = _adder(reduction, accumulator, own[min(depth, len(own) - 1)])
            pairs = [
                add(x, y, adder, None, terms.draw(draws, first, next(place)))
                for x, y in zip(level[0::2], level[1::2], strict=False)
            ]
            level, depth = [*pairs, *level[2 * len(pairs) :]], depth + 1
        held = step(datapath, accumulator, held, level[0], events, terms.draw(accumulator, first))
    return read(accumulator, held, events)


def _adder(reduction: Any, accumulator: Any, own: Any) -> Target:
    """The adders of a level with a format of their ``own``, or with the accumulator's and its overflow."""
    chosen = own or accumulator.format
    overflow = accumulator.overflow if own is None else None
    flushes = accumulator.flush and chosen == accumulator.format
    return Target(chosen, reduction.rounding or accumulator.rounding, overflow, flushes)


def _fused(datapath: Datapath, accumulator: Any, terms: Terms, start: Number | None, events: Events) -> Number:
    reduction: Any = datapath.reduction
    target, emin = _target(accumulator, "always_inf"), accumulator.format.emin
    total = start or ZERO
    # The first addend keeps the exponent that its own format gives it.
    exponent = start.exponent if start is not None else emin
    events.begin(accumulator, total, start)
    for first in range(0, len(terms), reduction.lanes):
        part = terms.part(first, first + reduction.lanes)
        products = next(blocks([_limited(reduction, p) for p in part.products], reduction.lanes))
        before, term = total, _exact_term(part.products)
        special = add_special([total, *products, *(s for s in part.scales if s is not None and s.special)])
        if special is not None:
            total = round_to(special, target)
        else:
            scales = [part.scales[k] or ZERO for k in range(0, len(part), reduction.group_size)]
            scales += [ZERO] * (reduction.lanes // reduction.group_size - len(scales))  # of idle groups
            exact = fused.block_sum(reduction, products, scales, (total.signed, exponent), emin)
            total = round_to(finite(exact), target, events, terms.draw(accumulator, first))
            keeps = reduction.negative_zero == "underflow"
            total = total if total.special or total.magnitude or keeps else ZERO
        events.step(accumulator, before, term, total)
        exponent = max(floor_log2(total.magnitude), emin) if total.magnitude else emin
    return total


def _limited(reduction: Any, product: Number) -> Number:
    """A product beyond the limit counts as infinite."""
    limit = reduction.product_limit
    beyond = limit is not None and not product.special and product.magnitude >= TWO**limit
    return Number(product.negative, special="inf") if beyond else product


def _exact(datapath: Datapath, accumulator: Any, terms: Terms, start: Number | None, events: Events) -> Number:
    total = start or ZERO
    events.begin(accumulator, total, start)
    lanes = datapath.reduction.lanes_of(len(terms))
    for index, block in enumerate(blocks(terms.products, lanes)):
        special = add_special([total, *block])
        exact = special or finite(exact_sum([total, *block]))
        before = total
        total = round_to(exact, _target(accumulator), events, terms.draw(accumulator, index * lanes))
        events.step(accumulator, before, _exact_term(block), total)
    return total


def _exact_term(products: Sequence[Number]) -> Number:
    return add_special(products) or finite(exact_sum(products))


def _by_its_own_rule(datapath: Datapath, accumulator: Any, terms: Terms, start: Any, events: Events) -> Number:
    reduction = datapath.reduction
    total = (start or ZERO) if reduction.loads_exactly else enter(datapath, accumulator, start, events)
    return reduction.golden_sum(terms.products, total, Arithmetic(_target(accumulator, reduction.overflow), events))


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
