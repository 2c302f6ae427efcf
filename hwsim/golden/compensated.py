"""Sums in two words in exact fractions: the rules of the accumulators' docstrings, line by line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hwsim.golden.number import ZERO, Events, Number, Target, add, round_to

KINDS = ("kahan", "two_sum", "two_word")


@dataclass(frozen=True)
class Pair:
    """The sum and what it lacks."""

    high: Number
    low: Number


CLEARED = Pair(ZERO, ZERO)


def negated(x: Number) -> Number:
    """``−x``; of +0 it is −0."""
    return replace(x, negative=not x.negative)


def target_of(accumulator: Any) -> Target:
    """The format of both words."""
    return Target(accumulator.format, accumulator.rounding, accumulator.overflow, accumulator.flush)


def enter(accumulator: Any, c: Number, events: Events) -> Pair:
    """``c`` as two words."""
    target = target_of(accumulator)
    high = round_to(c, target, events)
    return Pair(high, add(c, negated(high), target))


def step(accumulator: Any, pair: Pair, x: Number, events: Events) -> Pair:
    """The pair after the addition of x, which may have any number of bits."""
    target = target_of(accumulator)

    def plus(u: Number, v: Number) -> Number:
        return add(u, v, target)

    def minus(u: Number, v: Number) -> Number:
        return add(u, negated(v), target)

    s, e = pair.high, pair.low
    if accumulator.kind == "kahan":
        y = plus(x, e)
        t = add(s, y, target, events)
        return Pair(t, plus(minus(s, t), y))
    h = round_to(x, target)
    r = minus(x, h)
    t = add(s, h, target, events)
    a = minus(t, h)
    b = minus(t, a)
    q = plus(minus(s, a), minus(h, b))
    v = plus(e, plus(q, r))
    if accumulator.kind == "two_sum":
        return Pair(t, v)
    high = add(t, v, target, events)
    return Pair(high, minus(v, minus(high, t)))


def leave(accumulator: Any, pair: Pair, events: Events) -> Number:
    """What is read."""
    if accumulator.kind == "two_sum":
        return add(pair.high, pair.low, target_of(accumulator), events)
    if accumulator.kind == "two_word" and accumulator.result is not None:
        return add(pair.high, pair.low, Target(accumulator.result, accumulator.rounding, None), events)
    return pair.high
