"""Integer units: exact sums that wrap or saturate, and where a saturating one clamps."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.engine.probe.black_box import BlackBox, Questions
from hwsim.engine.probe.findings import Finding, evidence
from hwsim.engine.probe.hypotheses import Judge, Parts
from hwsim.engine.probe.pool import Pool


def ones(box: BlackBox, plus: int, minus: int | None, c: int) -> Questions:
    """1·1 at ``plus``, −1·1 at ``minus`` (with an unsigned a and a signed b, 1·−1), beside c."""
    a, b = np.zeros((1, box.k)), np.zeros((1, box.k))
    a[0, plus] = b[0, plus] = 1
    if minus is not None:
        a[0, minus], b[0, minus] = (-1, 1) if box.a.signed else (1, -1)
    return box.questions(a, b, np.array([float(c)]))


def integer_pool(box: BlackBox, rows: int, seed: int) -> Pool:
    """Any operands beside any c, one near the largest and one near the least number."""
    random = np.random.default_rng(seed)
    codes = [random.integers(0, 1 << f.bits, (rows, box.k)).astype(f.code_dtype) for f in (box.a, box.b)]
    top = 1 << (box.d.bits - 1)
    near = np.stack([random.integers(-top, top, rows), top - 1 - random.integers(0, 9, rows),
                     -top + random.integers(0, 9, rows)])  # fmt: skip
    c = np.take_along_axis(near, random.integers(0, 3, (1, rows)), 0)[0]
    held = (c & ((1 << box.c.bits) - 1)).astype(np.uint64).astype(box.c.code_dtype)
    return Pool({"integers": Questions(codes[0], codes[1], held if box.takes_c else np.zeros_like(held))})


def probe_integers(box: BlackBox) -> tuple[list[Finding], Parts, Judge]:
    """What overflows do, and the datapath that would do the same."""
    top = (1 << (box.d.bits - 1)) - 1
    shown = evidence(box, f"c = {top}, one product of 1", ones(box, 0, None, top))
    saturates = shown.value == top
    findings = [Finding("overflow", "saturates" if saturates else f"wraps: 1 more gives {shown.value:.0f}", (shown,))]
    lanes, proof = _clamped_after(box, top) if saturates and (box.a.signed or box.b.signed) else (1, ())
    if proof:
        findings.append(Finding("clamped after", f"{lanes} products", proof))
    register: dict[str, Any] = {"kind": "integer", "bits": box.d.bits}
    register["overflow"] = "saturate" if saturates else "wrap"
    reduction: dict[str, Any] = {"kind": "exact", "lanes": lanes} if lanes > 1 else {"kind": "sequential"}
    judge = Judge(box, [integer_pool(box, 400, seed).ask(box) for seed in (1, 2)])
    return findings, {"reduction": reduction, "accumulator": register}, judge


def _clamped_after(box: BlackBox, top: int) -> tuple[int, tuple[Any, ...]]:
    """Products whose sum is clamped at once: 1 at k = 0 and −1 at k = j leave c = top where both are among them."""
    shown = [evidence(box, f"c = {top}, 1 at k = 0, −1 at k = {j}", ones(box, 0, j, top)) for j in range(1, box.k)]
    lanes = 1 + sum(each.value == top for each in shown)
    return lanes, tuple(shown[max(lanes - 2, 0) : lanes])
