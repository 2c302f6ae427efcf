"""The search for a datapath that gives a unit's answers: plain kinds first, then fused blocks, then their variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from hwsim.engine.probe.black_box import BlackBox
from hwsim.engine.probe.hypotheses import (
    ROUNDINGS,
    Judge,
    Parts,
    accumulators,
    fused,
    register_format,
    with_reduction,
)
from hwsim.engine.probe.order import Order
from hwsim.engine.probe.terms import precision_of
from hwsim.formats import get

BLOCK = ("block", "scaled block", "scaled groups")
"""Families where only the products of one block meet, and no addend."""
EDGES = ("tiny", "lowest", "subnormal", "overflow")
"""Families at the ends of d's range, where zero terms may set the alignment and products may count as infinite."""
MOST_LATE = 8
"""Alignments of products that are tried with a late addend."""
LATE_SPAN = range(1, 48)
"""Alignment widths of a late addend that are tried."""


def search(judge: Judge, order: Order, bits: int, flush: tuple[bool, bool]) -> Parts | None:
    """The parts of the first datapath that gives every answer; None if none does.

    ``bits``: the most significand bits of an answer. ``flush``: whether subnormal operands and subnormal results
    were found to be flushed.
    """
    box = judge.box
    registers = [{**each, "flush": True} if flush[1] else each for each in accumulators(box, bits)]
    around = list(frames(box, order, flush[0]))
    for frame in reversed(around):  # without chunks first: a chunk of trees may be one tree
        found = _plain(judge, frame, registers)
        if found is not None:
            return found
    groups: list[Parts | None] = [None, *_groups(box, max(frame.lanes for frame in around))]
    for grouped in groups:
        for frame in around:
            found = _fused(judge, frame, registers, grouped)
            if found is not None:
                return found
    return None


class Frame:
    """What surrounds the reduction: its lanes, the order along K, chunks, flushed or converted operands."""

    def __init__(self, lanes: int, **keys: Any) -> None:
        self.lanes, self.keys = lanes, keys
        self.chunk: int | None = keys.pop("chunk", None)

    def around(self, parts: Parts) -> Parts:
        """The whole of ``parts`` within this frame."""
        whole = {**parts, **self.keys}
        if self.chunk is not None:
            inner = parts["accumulator"]
            outer = {"kind": "float", "format": inner["format"], "rounding": parts.get("outer", "rne")}
            whole["accumulator"] = {"kind": "chunked", "every": self.chunk, "inner": inner, "into": outer}
        whole.pop("outer", None)
        return whole


def frames(box: BlackBox, order: Order, flush: bool) -> Iterator[Frame]:
    """Ways to read the blocks that the order experiments found."""
    keys: Parts = {"flush": True} if flush else {}
    run = _period(box, order)
    if run is not None:
        keys["order"] = run
    sizes = [len(block) for block in order.blocks]
    inner, chunk = sizes[0], sizes[-1]
    if chunk > inner and box.k % chunk == 0:  # a chunk's own blocks show in the first one only
        first = tuple(k for k in order.sequence if k < chunk)
        chunked = {**keys, "chunk": chunk, "order": first} if first != tuple(range(chunk)) else {**keys, "chunk": chunk}
        inner = 1 if sizes[0] == 2 and sizes[1:2] == [1] else inner
        for convert in (None, "fp16") if _widens(box) else (None,):
            yield Frame(inner, **chunked, **({"convert": get(convert)} if convert else {}))
    yield Frame(order.lanes, **keys)


def _widens(box: BlackBox) -> bool:
    return box.a.bits <= 8 and box.b.bits <= 8


def _period(box: BlackBox, order: Order) -> tuple[int, ...] | None:
    """The shortest permutation that, repeated, is the order of K; None for ascending."""
    sequence = order.sequence
    if sequence == tuple(range(box.k)):
        return None
    for run in range(1, box.k + 1):
        if box.k % run == 0 and all(sequence[k] == sequence[k % run] + k - k % run for k in range(box.k)):
            return sequence[:run]
    return None


# Kinds that need no width ---------------------------------------------------------------------------


def _plain(judge: Judge, frame: Frame, registers: list[Parts]) -> Parts | None:
    """A chain of multiply-adds, exact blocks, or a tree."""
    reductions: list[Parts] = []
    if frame.lanes == 1:
        reductions += [{"kind": "sequential"}, {"kind": "sequential", "fused": False}]
    reductions += [{"kind": "exact", "lanes": frame.lanes}]
    if frame.lanes > 1:
        reductions += [{"kind": "tree", "lanes": frame.lanes}, _rounded_tree(judge.box, frame.lanes)]
    for reduction in reductions:
        for register in registers:
            found = frame.around({"reduction": reduction, "accumulator": register})
            if judge.agrees(found):
                return found
    return None


def _rounded_tree(box: BlackBox, lanes: int) -> Parts:
    return {"kind": "tree", "lanes": lanes, "product": box.d}


# Fused blocks ---------------------------------------------------------------------------------------


def _fused(judge: Judge, frame: Frame, registers: list[Parts], grouped: Parts | None) -> Parts | None:
    """Fused blocks of any width, the addend among the products or after them."""
    if grouped is not None and frame.lanes % grouped["count"]:
        return None
    alone = [with_groups(each, grouped) for register in registers for each in fused(frame.lanes, register)]
    # A chunk's outer addition is one more rounding, which leaves a block's sum as it is.
    among = judge.among((frame.around(each) for each in alone), BLOCK)
    for parts in among:
        found = _with_edges(judge, parts)
        if found is not None:
            return found
    return _late(judge, among) if frame.chunk is None and judge.box.scale is None else None


def with_groups(parts: Parts, groups: Parts | None) -> Parts:
    """Fused blocks of groups; a width of "same" is that of the block."""
    if groups is None:
        return parts
    bits = parts["reduction"]["align_bits"]
    return with_reduction(parts, groups={k: bits if v == "same" else v for k, v in groups.items()})


def _groups(box: BlackBox, lanes: int) -> Iterator[Parts]:
    counts = [count for count in (2, 4, 8) if lanes % count == 0 and lanes > count]
    if box.scale is not None:
        yield from ({"count": count, "scaled": True} for count in counts)
        return
    for count in counts:
        for members in ("interleaved", "contiguous"):
            yield {"count": count, "members": members, "align_bits": "same"}
            yield {"count": count, "members": members}


def _with_edges(judge: Judge, parts: Parts) -> Parts | None:
    """``parts``, if it gives all answers but at the ends of the range, with the limits that give these as well."""
    if not judge.agrees(parts, _but_edges(judge)):
        return None
    for limit in product_limits(judge.box):
        for exponent in (None, *zero_exponents(judge.box)):
            found = with_reduction(parts, zero_exponent=exponent, product_limit=limit)
            if judge.agrees(found):
                return found
    return None


def product_limits(box: BlackBox) -> tuple[int | None, ...]:
    """Exponents from which products may count as infinite: those that d does not hold, or none."""
    return None, int(np.floor(np.log2(box.d.max))) + 1


def zero_exponents(box: BlackBox) -> range:
    """Exponents of zero terms that could show: around the lower end of d's range."""
    low = int(getattr(box.d, "emin", 0))
    return range(low + 4, low - 48, -1)


def _but_edges(judge: Judge) -> list[str]:
    return [name for pool in judge.pools for name in pool.questions if name not in EDGES]


# An addend that comes late --------------------------------------------------------------------------


def _late(judge: Judge, among: list[Parts]) -> Parts | None:
    """The addend joins after the products are summed: its own cut, the sum's, and what the adder keeps."""
    for parts in among[:MOST_LATE]:
        bits = parts["reduction"]["align_bits"]
        for small in _cut_addend(judge, parts, bits):
            for late, kept in _cut_sum(judge, parts, small):
                found = _late_edges(judge, with_reduction(parts, late=late, normalized_bits=kept))
                if found is not None:
                    return found
    return None


def _cut_addend(judge: Judge, parts: Parts, bits: int) -> Iterable[Parts]:
    """How an addend below the products is cut."""
    plain = [
        {"align_bits": width, "sum_align_bits": max(width, bits) + 8, "align": align}
        for align in ("floor", "truncate", "rne")
        for width in LATE_SPAN
    ]
    agreed = [late for late in plain if judge.agrees(with_reduction(parts, late=late), ("small addend",))]
    if agreed:
        return agreed
    dropping = ({**late, "drop_below": below} for late in plain[: 2 * len(LATE_SPAN)] for below in range(16, 40))
    return (late for late in dropping if judge.agrees(with_reduction(parts, late=late), ("small addend",)))


def _cut_sum(judge: Judge, parts: Parts, late: Parts) -> Iterator[tuple[Parts, int | None]]:
    """How the products' sum below the addend, and the whole below its leading bit, are cut."""
    families = [name for pool in judge.pools for name in pool.questions if name.endswith("addend")]
    for width in range(40, 15, -1):
        for kept in (None, *range(24, 41)):
            each = {**late, "sum_align_bits": width}
            if judge.agrees(with_reduction(parts, late=each, normalized_bits=kept), families):
                yield each, kept


def _late_edges(judge: Judge, parts: Parts) -> Parts | None:
    """What a zero addend, a product beyond d's range and a negative zero do, where they show."""
    low = int(getattr(judge.box.d, "emin", 0))
    late = parts["reduction"]["late"]
    for negative in ("never", "underflow"):
        for limit in product_limits(judge.box):
            for exponent in (None, low):
                keys = {"late": {**late, "zero_exponent": exponent}, "product_limit": limit}
                found = with_reduction(parts, negative_zero=negative, **keys)
                if judge.agrees(found):
                    return found
    return None


# What else would have given the same answers --------------------------------------------------------


def alternatives(judge: Judge, parts: Parts, bits: int) -> dict[str, list[Any]]:
    """For each parameter of a found datapath: its values that give the same answers, the others held.

    ``bits``: the most significand bits of an answer.
    """
    reduction = parts["reduction"]
    choices: dict[str, Iterable[Any]] = {}
    if "lanes" in reduction:
        most = judge.box.k if reduction.get("groups") is None else 0
        choices["lanes"] = sorted({reduction["lanes"], *range(1, most + 1)})
    if reduction["kind"] == "fused":
        choices["align_bits"] = range(1, 57)
        choices["align"] = ("truncate", "floor", "rne", "rna", "sticky")
        if reduction.get("late") is None:
            choices["zero_exponent"] = (None, *zero_exponents(judge.box))
        else:
            choices["normalized_bits"] = (None, *range(20, 41))
            choices["late.align"] = ("truncate", "floor", "rne")
            choices["late.align_bits"] = choices["late.sum_align_bits"] = range(1, 49)
    found = {
        key: [value for value in values if judge.agrees(changed(parts, key, value))] for key, values in choices.items()
    }
    widths = range(bits, precision_of(judge.box.d) + 1)
    found["bits"] = [width for width in widths if judge.agrees(with_register(judge.box, parts, width))]
    found["rounding"] = [mode for mode in ROUNDINGS if judge.agrees(_rounding(parts, mode))]
    if reduction["kind"] != "fused":
        found["align_bits"] = _as_fused(judge, parts)
    return found


def changed(parts: Parts, key: str, value: Any) -> Parts:
    """``parts`` with one parameter, as `alternatives` names it, of another value."""
    if key == "rounding":
        return _rounding(parts, value)
    if key.startswith("late."):
        late = {**parts["reduction"]["late"], key.removeprefix("late."): value}
        return with_reduction(parts, late=late)
    return with_reduction(parts, **{key: value})


def _rounding(parts: Parts, mode: str) -> Parts:
    register = dict(parts["accumulator"])
    if register["kind"] == "chunked":
        register["inner"] = {**register["inner"], "rounding": mode}
    else:
        register["rounding"] = mode
    return {**parts, "accumulator": register}


def with_register(box: BlackBox, parts: Parts, bits: int) -> Parts:
    """``parts`` with sums of ``bits`` significand bits."""
    register, f = dict(parts["accumulator"]), register_format(box, bits)
    if register["kind"] == "chunked":
        register["inner"] = {**register["inner"], "format": f}
    else:
        register["format"] = f
    return {**parts, "accumulator": register}


def _as_fused(judge: Judge, parts: Parts) -> list[int]:
    """Widths at which a fused block would have given the same answers as an exact one."""
    lanes = parts["reduction"].get("lanes") or 1
    wide = [
        {**parts, "reduction": {"kind": "fused", "lanes": lanes, "align_bits": bits, "align": "truncate"}}
        for bits in range(1, 57)
    ]
    return [each["reduction"]["align_bits"] for each in judge.among(wide)]
