"""Hypotheses about a unit: datapaths that could have given its answers, tried until one gives all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.engine.probe.black_box import BlackBox, Questions
from hwsim.engine.probe.pool import Pool
from hwsim.engine.probe.terms import precision_of, values
from hwsim.formats import get

ROUNDINGS = ("rne", "rz", "ru", "rd", "rna")
ALIGNMENTS = ("truncate", "floor", "rne", "rna", "sticky")
FIRST_ROWS = 40
"""Rows of a family that a hypothesis must pass before it is asked for the rest."""

Parts = dict[str, Any]
"""Keys of a `Datapath` beside operands' formats: reduction, accumulator, order, flush, convert."""


@dataclass
class Judge:
    """Compares hypotheses with what the unit answered, bit for bit; NaN with NaN."""

    box: BlackBox
    pools: list[Pool]
    tried: int = 0
    _made: dict[str, Datapath | None] = field(default_factory=dict)

    def datapath(self, parts: Parts) -> Datapath | None:
        """The datapath of these parts between the unit's formats; None where they do not fit together."""
        box = self.box
        whole = {key: value for key, value in parts.items() if key in ("reduction", "accumulator", "order")}
        operands: dict[str, Any] = {"a": box.a, "b": box.b, "c": box.c}
        operands |= {key: parts[key] for key in ("flush", "convert") if key in parts}
        if box.scale is not None:
            operands |= {"scale": box.scale, "scale_block": box.scale_block}
        try:
            return Datapath.model_validate({**whole, "operands": operands, **self._ends(operands)})
        except (ValueError, InputError):
            return None

    def _ends(self, operands: dict[str, Any]) -> dict[str, Any]:
        """The output; integer sums leave as they are, and start from c of their own format."""
        if not self.box.whole:
            return {"output": {"format": self.box.d}}
        operands.pop("c")
        return {}

    def agrees(self, parts: Parts, families: Iterable[str] | None = None) -> bool:
        """Whether the hypothesis gives every answer of ``families`` (default: of all)."""
        return self.first_difference(parts, families) is None

    def first_difference(self, parts: Parts, families: Iterable[str] | None = None) -> tuple[str, int] | None:
        """The family and the row of the first answer that it does not give; None if it gives all."""
        datapath = self.datapath(parts)
        self.tried += 1
        if datapath is None:
            return ("no such datapath", 0)
        wanted = None if families is None else set(families)
        for whole in (False, True):
            for pool in self.pools:
                for name, questions in pool.questions.items():
                    if wanted is not None and name not in wanted:
                        continue
                    rows = slice(None) if whole else slice(0, FIRST_ROWS)
                    wrong = self.differences(datapath, questions.rows(rows), pool.answers[name][rows])
                    if len(wrong):
                        return name, int(wrong[0])
        return None

    def differences(self, datapath: Datapath, questions: Questions, answers: np.ndarray) -> np.ndarray:
        """Rows whose answer is another one."""
        given = datapath.dot_codes(*questions.arrays).codes.astype(np.uint64)  # type: ignore[arg-type]
        given &= np.uint64((1 << self.box.d.bits) - 1)
        wrong = np.flatnonzero(given != answers)
        if len(wrong) == 0 or self.box.whole:
            return wrong
        both = np.isnan(values(self.box.d, given[wrong])) & np.isnan(values(self.box.d, answers[wrong]))
        return np.asarray(wrong[~both])

    def among(self, choices: Iterable[Parts], families: Iterable[str] | None = None) -> list[Parts]:
        """The choices that agree."""
        wanted = None if families is None else list(families)
        return [parts for parts in choices if self.agrees(parts, wanted)]


def significant_bits(f: Any, answers: Iterable[np.ndarray]) -> int:
    """The most significand bits that any finite answer has."""
    most = 1
    for codes in answers:
        found = values(f, codes)
        found = found[np.isfinite(found) & (found != 0)]
        whole = np.ldexp(np.frexp(found)[0], precision_of(f)).astype(np.int64)
        if len(whole):
            trailing = np.log2((whole & -whole).astype(np.float64)).astype(int)
            most = max(most, int(precision_of(f) - trailing.min()))
    return most


def accumulators(box: BlackBox, bits: int) -> list[Parts]:
    """Registers that sums of at most ``bits`` significand bits may come from: d's format, or a narrower one."""
    formats = [register_format(box, width) for width in dict.fromkeys((precision_of(box.d), bits))]
    return [{"kind": "float", "format": f, "rounding": rounding} for f in formats for rounding in ROUNDINGS]


def register_format(box: BlackBox, bits: int) -> Any:
    """d's format, or one of its exponents and ``bits`` significand bits."""
    d: Any = box.d
    return d if bits >= precision_of(d) else get(f"e{d.exponent_bits}m{bits - 1}")


def with_reduction(base: Parts, **changes: Any) -> Parts:
    """``base`` with other fields of its reduction."""
    return {**base, "reduction": {**base["reduction"], **changes}}


def fused(lanes: int, accumulator: Parts, **more: Any) -> Iterator[Parts]:
    """Fused blocks of every alignment width and direction."""
    for align in ALIGNMENTS:
        for bits in range(1, 57):
            reduction = {"kind": "fused", "lanes": lanes, "align_bits": bits, "align": align, **more}
            yield {"reduction": reduction, "accumulator": accumulator}
