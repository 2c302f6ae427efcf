"""The reductions in exact arithmetic: in which order, groups and roundings products enter a float register."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from hwsim.datapath.datapath import Datapath
from hwsim.formats.exact import TWO, floor_log2
from hwsim.golden import fused
from hwsim.golden.draws import TREE
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
    round_to,
)
from hwsim.golden.register import begin, enter, read, step, target_of
from hwsim.golden.terms import Terms

Rule = Callable[[Datapath, Any, Terms, Number | None, Events], Number]


def blocks(products: Sequence[Number], lanes: int) -> Iterator[list[Number]]:
    """Products in groups of ``lanes``, the last one filled up with zeros."""
    for start in range(0, len(products), lanes):
        block = list(products[start : start + lanes])
        yield block + [ZERO] * (lanes - len(block))


def sequential(datapath: Datapath, accumulator: Any, terms: Terms, start: Number | None, events: Events) -> Number:
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
    target, emin = target_of(accumulator, "always_inf"), accumulator.format.emin
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
        total = round_to(exact, target_of(accumulator), events, terms.draw(accumulator, index * lanes))
        events.step(accumulator, before, _exact_term(block), total)
    return total


def _exact_term(products: Sequence[Number]) -> Number:
    return add_special(products) or finite(exact_sum(products))


def by_its_own_rule(datapath: Datapath, accumulator: Any, terms: Terms, start: Any, events: Events) -> Number:
    reduction = datapath.reduction
    total = (start or ZERO) if reduction.loads_exactly else enter(datapath, accumulator, start, events)
    return reduction.golden_sum(terms.products, total, Arithmetic(target_of(accumulator, reduction.overflow), events))


FLOAT_SUMS: dict[str, Rule] = {"sequential": sequential, "tree": _tree, "fused": _fused, "exact": _exact}
