"""Cascaded summation: the exact errors of all additions are summed beside the sum and added at the end."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from hwsim.datapath.accumulator import accumulators
from hwsim.datapath.compensated import Compensated, TwoWords, joined
from hwsim.datapath.sums import Counts, Sums


@accumulators.register("two_sum")
class TwoSumAccumulator(Compensated):
    """Two words by TwoSum: the errors of all additions are summed beside the sum and added at the end.

    From s and σ (+0 and +0 at first), with each operation rounded into ``format``, a term x gives::

        h = fl(x),  r = fl(x − h)      for an exact product this is TwoProduct; r = 0 where x is a number of the format
        t = s ⊕ h                      TwoSum (Knuth): t and its error q
        a = t ⊖ h;  b = t ⊖ a;  q = (s ⊖ a) ⊕ (h ⊖ b)
        σ = σ ⊕ (q ⊕ r)
        s = t

    and the result is s ⊕ σ, as good as a sum in twice the precision that is rounded once. Ogita, Rump, Oishi, Accurate
    Sum and Dot Product, SIAM J. Sci. Comput. 26(6), 2005: Sum2 (algorithm 4.4) of rounded products and Dot2 (5.3) of
    exact ones; TwoSum: Knuth, The Art of Computer Programming, volume 2, section 4.2.2.
    """

    kind: Literal["two_sum"] = "two_sum"
    sum_rule: ClassVar[int] = 1
    corrections: ClassVar[tuple[int, int]] = (6, 5)

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(**fields) for fields in cls._examples()]

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        assert isinstance(sums, TwoWords)
        total, overflowed = joined(sums, self.parameters())
        return total, self.counts(overflowed)
