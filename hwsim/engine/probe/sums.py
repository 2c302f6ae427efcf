"""Carry bits, normalisation, monotonicity of a sum, and the order of its terms (Fasi et al., PeerJ CS 7:e330)."""

from __future__ import annotations

import math

import numpy as np

from hwsim.engine.probe.black_box import BlackBox
from hwsim.engine.probe.findings import Finding, Known, evidence, experiment, pair_of, sum_of
from hwsim.engine.probe.terms import exponents, precision_of, product_range, products, values


@experiment
def carry_bits(box: BlackBox, known: Known) -> Finding | None:
    """A block of products as large as one exponent allows: does their sum lose its carries?"""
    block = known.order.sequence[: known.order.lanes]
    largest = [2 - 2.0 ** (1 - precision_of(f)) for f in (box.a, box.b)]
    pairs = dict.fromkeys(block, (largest[0], largest[1]))
    shown = pair_of(box, f"{len(block)} products of {largest[0]:g}·{largest[1]:g}", pairs)
    exact = len(block) * largest[0] * largest[1]
    if exact > box.d.max:
        return None
    close = abs(shown.value - exact) <= exact * 2.0 ** (4 - precision_of(box.d)) * len(block)
    bits = math.ceil(math.log2(exact)) - 1
    return Finding("carry bits", f"{bits} and none lost" if close else "carries are lost", (shown,))


@experiment
def normalisation(box: BlackBox, known: Known) -> Finding | None:
    """1.5·1.5 − 1.5·1.5 + 2^−F: 2.25 as 2.25·2^0 leaves the small term, as 1.125·2^1 it would be cut."""
    bits, block = known.reduction.get("align_bits"), known.order.sequence[: known.order.lanes]
    span = product_range(box)
    if (
        known.reduction.get("kind") != "fused"
        or len(block) < 3
        or bits is None
        or min(map(precision_of, (box.a, box.b))) < 2
    ):
        return None
    if known.reduction.get("groups") or not span.low <= min(-bits, 0) or span.high < 1:
        return None
    sign, exponent = np.zeros((1, box.k)), np.zeros((1, box.k), int)
    fraction = np.zeros((1, box.k))
    sign[0, list(block[:3])], exponent[0, block[2]], fraction[0, list(block[:2])] = (1.0, -1.0, 1.0), -bits, 0.5
    asked = products(box, sign, exponent, np.zeros(1), (fraction, fraction))
    shown = evidence(box, f"1.5·1.5 − 1.5·1.5 + 2^{-bits}", asked)
    if shown.value == 2.0**-bits:
        return Finding("products in [2, 4)", "not normalised: they keep the exponent e_a + e_b", (shown,))
    return Finding("products in [2, 4)", "normalised" if shown.value == 0 else f"gave {shown.value:g}", (shown,))


@experiment
def monotonicity(box: BlackBox, known: Known) -> Finding | None:
    """A smaller c with the same products: may d be larger? (Fasi et al., section 3.3: it may, on V100)"""
    block, span, bits = known.order.sequence[: known.order.lanes], product_range(box), precision_of(box.d)
    if not box.takes_c:
        return None
    near = int(np.clip(0, span.low, span.high))
    high = [near + t for t in range(1, 40) if near + t < min(exponents(box.c)[1], exponents(box.d)[1]) - 6]
    c = np.array([x for t in high for x in (2.0**t, 2.0**t - 2.0 ** (t - min(bits, precision_of(box.c))))])
    sign = np.zeros((len(c), box.k))
    sign[:, list(block)] = 1.0
    asked = products(box, sign, np.full(sign.shape, near), c)
    answers = box.ask(asked)
    d = values(box.d, answers)
    worse = np.flatnonzero(d[1::2] > d[0::2])
    if not len(worse):
        return Finding("monotonicity", "no violation seen")
    row = 2 * int(worse[0])
    shown = tuple(
        evidence(box, f"c = {float(c[r])!r}, {len(block)} products of 2^{near}", asked, r, answers[r])
        for r in (row, row + 1)
    )
    return Finding("monotonicity", "violated: a smaller c gives a larger d", shown)


@experiment
def order_along_k(box: BlackBox, known: Known) -> Finding | None:
    """M at one place, −M at another, a small term elsewhere: which small terms are swallowed?"""
    if known.order.method != "cancelling":
        return None
    from hwsim.engine.probe.order import large_and_small

    large, small = large_and_small(box)
    first, *others = known.order.sequence
    shown = []
    for j in (others[0], others[-1]):
        for spot in [k for k in (1, box.k // 2, box.k - 1) if k not in (first, j)][:2]:
            terms = {first: (1.0, large), j: (-1.0, large), spot: (1.0, small)}
            shown.append(sum_of(box, f"2^{large} at {first}, −2^{large} at {j}, 2^{small} at {spot}", terms))
    return Finding("order along K", describe_order(known), tuple(shown))


def describe_order(known: Known) -> str:
    """The blocks in words."""
    blocks, count = known.order.blocks, sum(map(len, known.order.blocks))
    ascending = known.order.sequence == tuple(range(count))
    if ascending and all(len(block) == 1 for block in blocks):
        return "one product after another, in ascending k"
    words = [f"{len(block)}{'' if ascending else ' (k = ' + _runs(block) + ')'}" for block in blocks[:6]]
    tail = ", …" if len(blocks) > 6 else ""
    return ("ascending blocks of " if ascending else "blocks of ") + ", ".join(words) + tail


def _runs(block: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, block[:6]))
    return shown + (", …" if len(block) > 6 else "")
