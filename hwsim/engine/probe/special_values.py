"""Subnormals, zeros of both signs, NaN, infinities, and sums beyond the range (Fasi et al., PeerJ CS 7:e330, 3.1)."""

from __future__ import annotations

import math

import numpy as np

from hwsim.engine.probe.black_box import BlackBox
from hwsim.engine.probe.findings import Evidence, Finding, Known, evidence, experiment, pair_of, sum_of
from hwsim.engine.probe.terms import exponents, lowest, precision_of, product_range


@experiment
def subnormal_operands(box: BlackBox, known: Known) -> Finding | None:
    """The largest power of two below the normal numbers, times a number that brings the product into d's range."""
    found, shown = [], []
    for name, this, other in (("a", box.a, box.b), ("b", box.b, box.a)):
        small = exponents(this)[0] - 1
        if small < lowest(this):
            continue
        partner = min(exponents(other)[1], max(exponents(box.d)[0] - small, 0))
        if small + partner < exponents(box.d)[0]:
            continue
        pair = (2.0**small, 2.0**partner) if name == "a" else (2.0**partner, 2.0**small)
        shown.append(pair_of(box, f"{name} = 2^{small}", {0: pair}))
        found.append(f"{name} {_kept(shown[-1], small + partner)}")
    return Finding("subnormal operands", ", ".join(found), tuple(shown)) if found else None


@experiment
def subnormal_addend(box: BlackBox, known: Known) -> Finding | None:
    """c = half of its smallest normal number beside products of zero; d may flush it on its way out."""
    small = exponents(box.c)[0] - 1
    if not box.takes_c or small < lowest(box.c) or small < lowest(box.d):
        return None
    shown = sum_of(box, f"c = 2^{small}, no products", {}, 2.0**small)
    return Finding("subnormal addend", _kept(shown, small), (shown,))


@experiment
def subnormal_results(box: BlackBox, known: Known) -> Finding | None:
    """A product of normal operands, or two that nearly cancel, below d's normal numbers."""
    small = exponents(box.d)[0] - 1
    if small < max(product_range(box).least, lowest(box.d)):
        return None
    shown = sum_of(box, f"one product of 2^{small}", {0: (1.0, small)})
    return Finding("subnormal results", _kept(shown, small), (shown,))


def _kept(shown: Evidence, exponent: int) -> str:
    return "kept" if shown.value == 2.0**exponent else "flushed" if shown.value == 0 else "changed"


@experiment
def signed_zeros(box: BlackBox, known: Known) -> Finding | None:
    """(−0)·0 + (−0), and 1 − 1: which zero is it?"""
    minus = box.c.encode(np.array([-0.0]))
    asked = box.questions(np.full((1, box.k), -0.0), np.zeros((1, box.k)), np.array([-0.0]))
    if not math.copysign(1, float(box.c.decode(minus)[0])) < 0:
        return None
    zeros = evidence(box, "every product −0, c = −0", asked)
    exact = sum_of(box, "1 − 1", {0: (1.0, 0), 1: (-1.0, 0)}) if box.k > 1 else zeros
    words = [f"{what} {'−0' if math.copysign(1, each.value) < 0 else '+0'}" for what, each in
             (("of −0 only:", zeros), ("of 1 − 1:", exact))]  # fmt: skip
    return Finding("zero results", ", ".join(words), (zeros, exact))


@experiment
def not_a_number(box: BlackBox, known: Known) -> Finding | None:
    """The bit pattern of NaN: from a NaN operand, from Inf − Inf, from Inf·0."""
    shown = []
    if box.a.has_nan:
        shown.append(pair_of(box, "NaN · 1", {0: (math.nan, 1.0)}))
    if box.a.has_inf:
        shown.append(pair_of(box, "Inf · 0", {0: (math.inf, 0.0)}))
        shown.append(pair_of(box, "Inf − Inf", {0: (math.inf, 1.0), 1: (-math.inf, 1.0)}))
    if not shown:
        return None
    words = dict.fromkeys(f"{each.d:#0{2 + -(-box.d.bits // 4)}x}" for each in shown if math.isnan(each.value))
    value = " or ".join(words) or "none: " + ", ".join(f"{each.question} gives {each.value:g}" for each in shown)
    return Finding("NaN", value, tuple(shown))


@experiment
def overflow(box: BlackBox, known: Known) -> Finding | None:
    """The largest number as c, and a product of its size (or as near as products come): infinity, NaN or a stop?"""
    most = min(sum(exponents(f)[1] for f in (box.a, box.b)), exponents(box.d)[1])
    if box.c.max < box.d.max or most < exponents(box.d)[1] - precision_of(box.d) + 1:
        return None  # out of reach
    sign = dict.fromkeys(range(box.k), (1.0, most))
    shown = sum_of(box, f"c = d's largest number, {box.k} products of 2^{most}", sign, min(box.d.max, box.c.max))
    told = {True: "NaN", False: f"{shown.value:g}"}[math.isnan(shown.value)]
    return Finding("overflow", "infinity" if math.isinf(shown.value) else told, (shown,))


@experiment
def product_overflow(box: BlackBox, known: Known) -> Finding | None:
    """Two products beyond d's range that cancel: no harm in a wide adder, NaN where each becomes infinite."""
    beyond = exponents(box.d)[1] + 1
    if beyond > sum(exponents(f)[1] for f in (box.a, box.b)) or box.k < 2:
        return None
    first = known.order.sequence[:2]
    shown = sum_of(box, f"2^{beyond} − 2^{beyond}", {first[0]: (1.0, beyond), first[1]: (-1.0, beyond)})
    told = "NaN" if math.isnan(shown.value) else f"{shown.value:g}"
    return Finding("products beyond d's range", f"2^{beyond} − 2^{beyond} gives {told}", (shown,))
