"""`probe`: the arithmetic of a unit from its answers alone, by black-box experiments.

M. Fasi, N. J. Higham, M. Mikaitis, S. Pranesh, Numerical behavior of NVIDIA tensor cores, PeerJ Computer Science
7:e330 (2021); the order of additions as in FPRev (arXiv:2411.00442).
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.probe.black_box import BlackBox, black_box
from hwsim.engine.probe.findings import EXPERIMENTS, Finding, Known
from hwsim.engine.probe.hypotheses import Judge, Parts, significant_bits
from hwsim.engine.probe.infer import parameters, readable
from hwsim.engine.probe.integers import integer_pool, probe_integers
from hwsim.engine.probe.order import Order, find_order
from hwsim.engine.probe.pool import Drawer
from hwsim.engine.probe.result import Parameter, ProbeReport
from hwsim.engine.probe.search import alternatives, search

ROWS = 200
"""Dot products of each family that a hypothesis must give."""
FRESH_ROWS = 400
"""Those of each family that the winner is compared with afterwards, drawn anew."""
SEARCHES = 4
"""Hypotheses that fresh questions may refute before the probe gives up."""

__all__ = ["BlackBox", "Finding", "Parameter", "ProbeReport", "black_box", "probe"]


def probe(unit: Any, name: str | None = None, seed: int = 0) -> ProbeReport:
    """Infer the arithmetic of ``unit`` (a `MatrixUnit`, `Datapath`, compute unit or `BlackBox`) from its answers.

    Experiments find the order of additions and what becomes of special values; then hypotheses, each a datapath,
    are compared with the answers to drawn questions until one gives all of them; fresh questions check it. Raises
    `InputError` for operands that are neither all floats nor all integers.
    """
    box = unit if isinstance(unit, BlackBox) else black_box(unit, name)
    return _integer_report(box, seed) if box.whole else _float_report(box, seed)


def _float_report(box: BlackBox, seed: int) -> ProbeReport:
    from hwsim.engine.probe import special_values, sums  # noqa: F401  # they put their experiments on the list

    order = find_order(box)
    drawer = Drawer(box, order, seed)
    judge = Judge(box, [pool.ask(box) for pool in (drawer.pool(ROWS), drawer.tiny(ROWS), drawer.overflowing(ROWS))])
    bits = significant_bits(box.d, (codes for pool in judge.pools for codes in pool.answers.values()))
    early = Known(order, None)
    first = [told for each in EXPERIMENTS if (told := each(box, early)) is not None]
    parts, checked, differing = _settle(judge, order, bits, _flushes(first), seed)
    known = Known(order, parts, {} if parts is None else parts["reduction"])
    findings = [told for each in EXPERIMENTS if (told := each(box, known)) is not None]
    if parts is None or differing:
        return _report(box, "unexplained", (), findings, None, checked, differing)
    found = parameters(judge, parts, alternatives(judge, parts, bits))
    return _report(box, _kind(parts), found, findings, readable(box, parts), checked, differing)


def _settle(
    judge: Judge, order: Order, bits: int, flushes: tuple[bool, bool], seed: int
) -> tuple[Parts | None, int, int]:
    """A hypothesis that fresh questions do not refute; those that refute one are known to the next search."""
    parts, checked, differing = None, 0, 0
    for attempt in range(1, SEARCHES + 1):
        parts = search(judge, order, bits, flushes)
        if parts is None:
            return None, checked, differing
        checked, differing = _check(judge, Drawer(judge.box, order, seed + attempt), parts)
        if differing == 0:
            break
    return parts, checked, differing


def _flushes(findings: list[Finding]) -> tuple[bool, bool]:
    told = {each.name: each.value for each in findings}
    operands = "flushed" in told.get("subnormal operands", "")
    results = "flushed" in (told.get("subnormal results", ""), told.get("subnormal addend", ""))
    return operands, results


def _check(judge: Judge, drawer: Drawer, parts: Parts) -> tuple[int, int]:
    """Fresh questions asked, and those answered otherwise; they join the judge's."""
    datapath = judge.datapath(parts)
    assert datapath is not None
    fresh = [drawer.pool(FRESH_ROWS), drawer.tiny(FRESH_ROWS), drawer.overflowing(FRESH_ROWS)]
    fresh = [pool.ask(judge.box) for pool in fresh]
    judge.pools += fresh
    wrong = [judge.differences(datapath, pool.questions[f], pool.answers[f]) for pool in fresh for f in pool.questions]
    return sum(map(len, fresh)), sum(map(len, wrong))


def _kind(parts: Parts) -> str:
    reduction = parts["reduction"]
    if reduction["kind"] == "sequential":
        return "FMA chain" if reduction.get("fused", True) else "multiply-add chain"
    return "FMA chain" if reduction["kind"] == "exact" and reduction["lanes"] == 1 else str(reduction["kind"])


def _integer_report(box: BlackBox, seed: int) -> ProbeReport:
    findings, parts, judge = probe_integers(box)
    datapath = judge.datapath(parts)
    fresh = integer_pool(box, FRESH_ROWS, seed + 3).ask(box)
    judge.pools.append(fresh)
    if datapath is None or not judge.agrees(parts):
        return _report(box, "unexplained", (), findings, None, len(fresh), 1)
    register = parts["accumulator"]
    found = [Parameter("bits", register["bits"]), Parameter("overflow", register["overflow"])]
    if parts["reduction"].get("lanes"):
        found.insert(0, Parameter("L", parts["reduction"]["lanes"]))
    return _report(box, "integer", tuple(found), findings, readable(box, parts), len(fresh), 0)


def _report(
    box: BlackBox, kind: str, found: Any, findings: list[Finding], datapath: Any, checked: int, differing: int
) -> ProbeReport:
    formats = {key: getattr(box, key).name for key in ("a", "b", "c", "d")}
    formats |= {"scale": box.scale.name} if box.scale is not None else {}
    return ProbeReport(box.name, formats, kind, tuple(found), tuple(findings), datapath, box.asked, checked, differing)
