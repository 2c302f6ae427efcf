"""What an experiment found, with the very questions and answers that show it; and the list of experiments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim.engine.probe.black_box import BlackBox, Questions
from hwsim.engine.probe.order import Order
from hwsim.engine.probe.terms import products, values


@dataclass(frozen=True)
class Evidence:
    """One dot product: what was asked, in codes, and what came back."""

    question: str
    terms: tuple[tuple[int, int, int], ...]
    """(k, code of a, code of b) wherever neither is +0."""
    c: int
    d: int
    value: float
    scales: tuple[tuple[int, ...], ...] = ()
    """Codes of a's and of b's scales, where there are any."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one experiment in a few words."""

    name: str
    value: str
    evidence: tuple[Evidence, ...] = ()


@dataclass
class Known:
    """What earlier steps of the probe found, for experiments that build on it."""

    order: Order
    parts: dict[str, Any] | None
    """Parts of the datapath that gives the unit's answers, if one was found."""
    reduction: dict[str, Any] = field(default_factory=dict)


Experiment = Callable[[BlackBox, Known], "Finding | None"]
EXPERIMENTS: list[Experiment] = []
"""All experiments in the order of the report; each answers None where the unit's formats leave it no question."""


def experiment(function: Experiment) -> Experiment:
    """Put ``function`` on the list."""
    EXPERIMENTS.append(function)
    return function


def evidence(box: BlackBox, what: str, questions: Questions, row: int = 0, answer: Any = None) -> Evidence:
    """Row ``row`` of ``questions`` with the unit's answer."""
    one = questions.rows(slice(row, row + 1))
    d = int(box.ask(one)[0] if answer is None else answer)
    used = np.flatnonzero((one.a[0] != 0) & (one.b[0] != 0))
    terms = tuple((int(k), int(one.a[0, k]), int(one.b[0, k])) for k in used)
    scales = () if one.scale_a is None or one.scale_b is None else (tuple(one.scale_a[0]), tuple(one.scale_b[0]))
    value = _signed(box, d) if box.whole else float(values(box.d, np.array([d]))[0])
    return Evidence(what, terms, int(one.c[0]), d, value, tuple(tuple(map(int, s)) for s in scales))


def _signed(box: BlackBox, d: int) -> float:
    return float(d - (1 << box.d.bits) if d >> (box.d.bits - 1) else d)


def sum_of(
    box: BlackBox, what: str, terms: dict[int, tuple[float, int]], c: float = 0.0, subnormal: bool = False
) -> Evidence:
    """The answer to Σ sign·2**exponent over ``terms`` {k: (sign, exponent)}, plus c."""
    sign, exponent = np.zeros((1, box.k)), np.zeros((1, box.k), int)
    for k, (s, e) in terms.items():
        sign[0, k], exponent[0, k] = s, e
    return evidence(box, what, products(box, sign, exponent, np.array([c]), subnormal=subnormal))


def pair_of(box: BlackBox, what: str, pairs: dict[int, tuple[float, float]], c: float = 0.0) -> Evidence:
    """The answer to Σ a·b over ``pairs`` {k: (a, b)}, plus c, any values that the formats hold."""
    a, b = np.zeros((1, box.k)), np.zeros((1, box.k))
    for k, (x, y) in pairs.items():
        a[0, k], b[0, k] = x, y
    return evidence(box, what, box.questions(a, b, np.array([c])))
