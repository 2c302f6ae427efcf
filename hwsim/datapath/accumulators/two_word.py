"""A sum as an unevaluated pair of narrow floats (Collage), renewed with every term."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import field_validator

from hwsim.datapath.accumulator import accumulators
from hwsim.datapath.compensated import Compensated, TwoWords, joined
from hwsim.datapath.parts import Part
from hwsim.datapath.sums import Counts, Sums, float_accumulator_problem, float_parameters
from hwsim.formats import FormatName, get
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat


@accumulators.register("two_word")
class TwoWordAccumulator(Compensated):
    """A pair of numbers, hi and lo, renewed with every term (Collage's Grow).

    From hi and lo (+0 and +0 at first), with each operation rounded into ``format``, a term x gives::

        h = fl(x),  r = fl(x − h)      r = 0 where x is a number of the format
        t = hi ⊕ h                     TwoSum: t and its error q
        a = t ⊖ h;  b = t ⊖ a;  q = (hi ⊖ a) ⊕ (h ⊖ b)
        v = lo ⊕ (q ⊕ r)
        hi = t ⊕ v                     Fast2Sum
        lo = v ⊖ (hi ⊖ t)

    Yu et al., Collage (arXiv:2405.03637): the expansion of two bf16 and its Grow, with TwoSum because a term may be
    larger than the sum; the steps are those of algorithm 4 of Joldes, Muller, Popescu, ACM TOMS 44(2), 2017
    (`hwsim.formats.schemes.multiword`).
    """

    kind: Literal["two_word"] = "two_word"
    result: FormatName | None = None
    """Format that hi + lo is rounded into, once, by ``rounding`` and that format's own overflow, when the sum is
    read; when not given, hi is read."""
    sum_rule: ClassVar[int] = 2
    corrections: ClassVar[tuple[int, int]] = (9, 8)

    @field_validator("result")
    @classmethod
    def _result_is_float(cls, value: Format | None) -> Format | None:
        problem = float_accumulator_problem(value) if value is not None else None
        if problem:
            raise ValueError(problem)
        return value

    @classmethod
    def examples(cls) -> list[Self]:
        plain = [cls(**fields) for fields in cls._examples()]
        return [*plain, cls(format=get("bf16"), result=get("fp32")), cls(format=get("fp16"), result=get("e4m3fn"))]

    @property
    def result_format(self) -> FloatFormat:
        """Format of what is read."""
        chosen = self.result if self.result is not None else self.format
        assert isinstance(chosen, FloatFormat)
        return chosen

    def sum_format(self, scale: int) -> Format:
        return self.result_format

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        if self.result is None:
            return super().finish(sums)
        assert isinstance(sums, TwoWords)
        total, overflowed = joined(sums, float_parameters(self.result_format, self.rounding, None))
        saturates = self.result_format.overflows[0] == "saturate"
        return total, Counts(0, overflowed) if saturates else Counts(overflowed, 0)

    def parts(self, lanes: int, adds: bool) -> list[Part]:
        from hwsim.technology.primitives import FloatAdder

        parts = super().parts(lanes, adds)
        if self.result is not None:  # once per output; its energy per multiply-accumulate goes to 0 with growing K
            target = self.result_format
            adder = FloatAdder(target.exponent_bits, target.precision, 2 * self.float_format.precision + 2)
            parts.append(Part("result adder", adder, 1 / lanes, 0, chain="output"))
        return parts
