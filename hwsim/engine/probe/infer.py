"""A found datapath as parameters in the field's terms, each beside the answers that rule its neighbours out."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.engine.probe.black_box import BlackBox
from hwsim.engine.probe.findings import evidence
from hwsim.engine.probe.hypotheses import Judge, Parts
from hwsim.engine.probe.result import Parameter, Refuted
from hwsim.engine.probe.search import changed
from hwsim.engine.probe.terms import precision_of, values

NAMES = {
    "lanes": "L",
    "align_bits": "F",
    "align": "alignment",
    "rounding": "rounding",
    "zero_exponent": "e_zero",
    "normalized_bits": "normalised bits",
    "late.align_bits": "c: bits below the largest exponent",
    "late.sum_align_bits": "products' sum: bits below the largest exponent",
    "late.align": "late alignment",
}
"""Keys of the search to what reports call them."""


def parameters(judge: Judge, parts: Parts, others: dict[str, list[Any]]) -> tuple[Parameter, ...]:
    """Every parameter of ``parts``; ``others`` holds the values that give the same answers."""
    register = parts["accumulator"]
    bits = precision_of(register.get("inner", register)["format"])
    found = [
        Parameter(NAMES[key], held, tuple(v for v in others[key] if v != held), refuted(judge, parts, key, others[key]))
        for key in NAMES
        if key in others and _shows(parts, key)
        for held in [_value(parts, key)]
    ]
    if parts["reduction"]["kind"] != "fused" and others.get("align_bits"):
        found.append(Parameter("F", "unbounded", tuple(others["align_bits"])))
    found.append(Parameter("significand bits", bits, tuple(width for width in others["bits"] if width != bits)))
    found.append(Parameter("c", where_c_enters(parts)))
    if parts["reduction"]["kind"] == "tree":
        found.append(Parameter("tree", tree_text(parts["reduction"]["lanes"])))
    return (*found, *_groups(parts))


def _shows(parts: Parts, key: str) -> bool:
    return key != "align_bits" or parts["reduction"]["kind"] == "fused"


def _value(parts: Parts, key: str) -> Any:
    if key == "rounding":
        register = parts["accumulator"]
        return register.get("inner", register)["rounding"]
    held = parts["reduction"]
    for part in key.split("."):
        held = held.get(part)
    return held


def refuted(judge: Judge, parts: Parts, key: str, agreeing: list[Any]) -> tuple[Refuted, ...]:
    """For the neighbours of a parameter's value: an answer that they would have given otherwise."""
    held = _value(parts, key)
    if isinstance(held, int) and not isinstance(held, bool):
        tried: list[Any] = [held - 1, held + 1]
    elif key == "rounding":
        tried = ["rne", "rz"]
    elif "align" in key:
        tried = ["truncate", "floor", "rne"]
    else:
        tried = []
    found = (_refuted(judge, changed(parts, key, value), value) for value in tried if value not in agreeing)
    return tuple(each for each in found if each is not None)


def _refuted(judge: Judge, parts: Parts, value: Any) -> Refuted | None:
    datapath, place = judge.datapath(parts), judge.first_difference(parts)
    if datapath is None or place is None:
        return None
    family, row = place
    for pool in judge.pools:
        if family not in pool.questions:
            continue
        questions, answers = pool.questions[family], pool.answers[family]
        if row in judge.differences(datapath, questions, answers):
            one = questions.rows(slice(row, row + 1))
            instead = datapath.dot_codes(*one.arrays).codes.astype(np.uint64)  # type: ignore[arg-type]
            shown = evidence(judge.box, family, questions, row, answers[row])
            return Refuted(value, shown, float(values(judge.box.d, instead)[0]))
    return None


def where_c_enters(parts: Parts) -> str:
    """Among the first block's products, after them, or after a whole chunk."""
    if parts["accumulator"]["kind"] == "chunked":
        return f"after {parts['accumulator']['every']} products, by one addition"
    kind = parts["reduction"]["kind"]
    if kind == "fused":
        return "after the products' sum" if parts["reduction"].get("late") else "among the products"
    return {"exact": "among the products", "tree": "after the tree"}.get(kind, "first")


def tree_text(lanes: int) -> str:
    """``((p0 + p1) + (p2 + p3)) + c``."""
    level = [f"p{k}" for k in range(lanes)]
    while len(level) > 1:
        pairs = [f"({x} + {y})" for x, y in zip(level[0::2], level[1::2], strict=False)]
        level = [*pairs, *level[2 * len(pairs) :]]
    return f"{level[0]} + c"


def _groups(parts: Parts) -> list[Parameter]:
    groups = parts["reduction"].get("groups")
    found = []
    if groups is not None:
        bits = groups.get("align_bits")
        how = "summed exactly" if bits is None else f"aligned {bits} bits below their own largest exponent"
        scaled = ", times their scales" if groups.get("scaled") else ""
        found.append(Parameter("groups", f"{groups['count']} {groups.get('members', 'contiguous')}, {how}{scaled}"))
    late = parts["reduction"].get("late")
    if late is not None and late.get("drop_below") is not None:
        found.append(Parameter("c: dropped", f"if more than {late['drop_below']} below the largest exponent"))
    if parts["reduction"].get("product_limit") is not None:
        found.append(Parameter("products", f"infinite from 2^{parts['reduction']['product_limit']}"))
    if "convert" in parts:
        found.append(Parameter("operands", f"as {parts['convert'].name}"))
    return found


def readable(box: BlackBox, parts: Parts) -> dict[str, Any]:
    """The parts as a datapath file has them."""
    operands: dict[str, Any] = {"a": box.a.name, "b": box.b.name}
    operands |= {} if box.whole else {"c": box.c.name}
    operands |= {key: _named(parts[key]) for key in ("convert", "flush") if key in parts}
    if box.scale is not None:
        operands |= {"scale": box.scale.name, "scale_block": box.scale_block}
    whole = {"operands": operands}
    whole |= {key: _named(parts[key]) for key in ("order", "reduction", "accumulator") if key in parts}
    return whole if box.whole else {**whole, "output": {"format": box.d.name}}


def _named(value: Any) -> Any:
    """Formats by name, absent values left out."""
    if isinstance(value, dict):
        return {key: _named(each) for key, each in value.items() if each is not None}
    if isinstance(value, tuple):
        return list(value)
    return getattr(value, "name", value)
