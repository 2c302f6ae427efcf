"""An accumulator's register in exact arithmetic: a number, or a pair of them where sums have two words."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.datapath.datapath import Datapath
from hwsim.datapath.factor import fraction_places
from hwsim.formats.exact import Draw
from hwsim.golden import compensated
from hwsim.golden.draws import LOAD, draw
from hwsim.golden.number import ZERO, Events, Number, Target, add, finite, round_to


def enter(datapath: Datapath, accumulator: Any, start: Number | None, events: Events, output: int = 0) -> Number:
    """``start`` as the accumulator's register holds it; cleared when not given."""
    if start is None:
        return ZERO
    if accumulator.kind == "integer":
        return fit(datapath, accumulator, start.signed, events)
    return round_to(start, target_of(accumulator), events, draw(accumulator, output, 0, LOAD))


def add_into(
    datapath: Datapath, accumulator: Any, x: Number, y: Number, events: Events, bits: Draw | None = None
) -> Number:
    """``x + y`` in an accumulator of one level and one word."""
    if accumulator.kind == "integer":
        return fit(datapath, accumulator, x.signed + y.signed, events)
    return add(x, y, target_of(accumulator), events, bits)


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


def target_of(accumulator: Any, default_overflow: str | None = None) -> Target:
    return Target(accumulator.format, accumulator.rounding, accumulator.overflow or default_overflow, accumulator.flush)
