"""Truncated array multipliers: the lowest columns of the partial products are never built."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field

from hwsim.datapath.factor import Factor, significand_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import exponent_parts, word
from hwsim.formats.base import Format

_BY_NOTHING, _BY_COLUMN, _BY_CONSTANT = 0, 1, 2  # as hwsim.kernels.multiply has them


@multipliers.register("truncated")
class TruncatedMultiplier(Multiplier):
    """``Σ a_i·b_j·2**(i+j)`` over the bits with i + j >= ``columns``, plus what makes up for the others.

    ``compensation``: ``none``; ``constant``: the mean of the dropped columns, were every bit 1 half of the time (a
    partial product bit is 1 in a quarter of the cases), to the nearest kept place, halves up (Schulte and Swartzlander,
    Truncated Multiplication with Correction Constant, VLSI Signal Processing VI, 1993); ``variable``: the bits of the
    highest dropped column are added to the lowest kept one (King and Swartzlander, Data-Dependent Truncation Scheme
    for Parallel Multipliers, Asilomar 1997).

    *Assumed*: the array multiplies magnitudes, the sign goes past it (integers too), and nothing is added to the
    product of a zero.
    """

    kind: Literal["truncated"] = "truncated"
    columns: int = Field(ge=1, le=60)
    """Columns without partial products, the lowest first."""
    compensation: Literal["none", "constant", "variable"] = "none"
    """What is added in place of the dropped columns."""

    kernel: ClassVar[int | None] = 4

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(columns=2), cls(columns=3, compensation="constant"), cls(columns=4, compensation="variable")]

    def check(self, a: Format, b: Format) -> None:
        height = significand_bits(a) + significand_bits(b) - 1
        if self.columns >= height:
            raise ValueError(
                f"{a.name} x {b.name} has {height} columns of partial products, expected fewer dropped than that, "
                f"got {self.columns}"
            )

    def product_bits(self, a: Format, b: Format) -> int:
        return significand_bits(a) + significand_bits(b) + 1  # at most twice the exact product

    def column_height(self, column: int, a: Format, b: Format) -> int:
        """Partial product bits of weight ``2**column``."""
        left, right = significand_bits(a), significand_bits(b)
        return max(0, min(column, left - 1) - max(0, column - right + 1) + 1)

    def constant(self, a: Format, b: Format) -> int:
        """The correction constant, in units of the lowest kept column."""
        mean = sum(Fraction(self.column_height(c, a, b) << c, 4) for c in range(self.columns))
        return int(mean / (1 << self.columns) + Fraction(1, 2))

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        negative, exponent = x.negative != y.negative, x.exponent + y.exponent
        if x.significand == 0 or y.significand == 0:
            return Factor(negative, Fraction(0), exponent)
        point = self.fraction_bits(a, b)
        left, right = _ones(abs(word(x, a).value)), _ones(abs(word(y, b).value))
        columns = [i + j for i in left for j in right]
        total = sum(1 << c for c in columns if c >= self.columns)
        if self.compensation == "variable":
            total += columns.count(self.columns - 1) << self.columns
        elif self.compensation == "constant":
            total += self.constant(a, b) << self.columns
        return Factor(negative, Fraction(total, 1 << point), exponent)

    def kernel_parameters(self, a: Format, b: Format) -> tuple[int, int]:
        if self.compensation == "constant":
            return self.columns, _BY_CONSTANT + self.constant(a, b)
        return self.columns, _BY_COLUMN if self.compensation == "variable" else _BY_NOTHING

    def parts(self, a: Format, b: Format) -> list[Part]:
        """The array's cells by columns: an AND (NAND2) per bit, a full adder per bit but one of each column.

        The technology's priced multiplier cannot lose columns, so the cells are counted gate by gate and cost what
        gates cost; compare with ``columns: 1`` rather than with ``exact``.
        """
        from hwsim.technology.primitives import Gate, IntegerAdder

        lowest = self.columns - int(self.compensation == "variable")
        heights = [self.column_height(c, a, b) for c in range(lowest, significand_bits(a) + significand_bits(b) - 1)]
        adders = sum(height - 1 for height in heights) + int(self.compensation == "constant")
        return [
            Part("partial products", Gate("nand2", sum(heights))),
            Part("array", Gate("full_adder", adders)),
            Part("final adder", IntegerAdder(max(significand_bits(a), significand_bits(b)))),
            *exponent_parts(a, b),
        ]


def _ones(magnitude: int) -> list[int]:
    """Places of the ones."""
    return [i for i in range(magnitude.bit_length()) if (magnitude >> i) & 1]
