"""Compensated summation: the error of each addition is added to the next term."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from hwsim.datapath.accumulator import accumulators
from hwsim.datapath.compensated import Compensated


@accumulators.register("kahan")
class KahanAccumulator(Compensated):
    """Compensated summation (Kahan): the error of each addition corrects the next term.

    From s and e (+0 and +0 at first), with each operation rounded into ``format``, a term x gives::

        y = x ⊕ e        one fused multiply-add where x is an exact product
        t = s ⊕ y
        e = (s ⊖ t) ⊕ y
        s = t

    and the result is s: |error| ≤ (2u + O(n·u²)) · Σ|x| to nearest, whatever n. Kahan, Pracniques: Further remarks on
    reducing truncation errors, CACM 8(1), 1965; Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition,
    algorithm 4.2 and (4.8).
    """

    kind: Literal["kahan"] = "kahan"
    sum_rule: ClassVar[int] = 0
    corrections: ClassVar[tuple[int, int]] = (3, 3)
    splits: ClassVar[bool] = False

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(**fields) for fields in cls._examples()]
