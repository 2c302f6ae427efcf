"""Products of bipolar integers by bit planes: XNOR gates and counts of ones."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from hwsim.datapath.codes import values
from hwsim.datapath.factor import Factor
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, whole_word
from hwsim.formats.base import Format
from hwsim.formats.integer import UniformFormat


@multipliers.register("bipolar")
class BipolarMultiplier(ExactStructure):
    """The exact product of bipolar integers ``Σ_i (2·a_i − 1)·2**i`` as ``Σ_ij (2·(a_i xnor b_j) − 1)·2**(i+j)``.

    All bits weigh alike, the top one too, so each pair of planes is a one-bit product: over K products of a sum,
    ``2·popcount(xnor) − K``. arXiv:2409.17870, bipolar-INT; ``binary`` (±1) is its one-bit member, as in XNOR-Net.
    Formats: ``binary``, ``bipolar2`` … ``bipolar8``.
    """

    kind: Literal["bipolar"] = "bipolar"
    serial: bool = False
    """Whether one pair of planes is counted per cycle, or all at once."""
    group: int = Field(default=128, ge=1)
    """K, products that one popcount adds up."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(serial=True, group=32)]

    def check(self, a: Format, b: Format) -> None:
        for operand in (a, b):
            if not is_bipolar(operand):
                raise ValueError(f"bipolar multiplies bipolar integers (binary, bipolar2, …), got '{operand.name}'")

    def cycles(self, a: Format, b: Format) -> int:
        return a.bits * b.bits if self.serial else 1

    def enter(self, x: Factor, number_format: Format) -> Word:
        return whole_word(x, number_format)

    def partial_products(self, x: Word, y: Word) -> list[int]:
        left, right = _planes(x), _planes(y)
        return [(2 * int(p == q) - 1) << (i + j) for i, p in enumerate(left) for j, q in enumerate(right)]

    def dot_planes(self, xs: list[int], ys: list[int], a: Format, b: Format) -> int:
        """``Σ_k x_k·y_k`` of codes, each pair of planes counted over all k at once."""
        total = 0
        for i in range(a.bits):
            for j in range(b.bits):
                alike = sum(((x >> i) & 1) == ((y >> j) & 1) for x, y in zip(xs, ys, strict=True))
                total += (2 * alike - len(xs)) << (i + j)
        return total

    def parts(self, a: Format, b: Format) -> list[Part]:
        """XNOR gates, a lane's share of the counters (K − 1 full adders count K bits) and of the shifted sums."""
        from hwsim.technology.primitives import Gate, IntegerAdder

        pairs, share = a.bits * b.bits, 1 / self.group
        built = 1 if self.serial else pairs
        width = a.bits + b.bits + 1 + (self.group - 1).bit_length()
        counter = built * (self.group - 1) * share
        return [
            Part("xnor", Gate("xor2", 1), built, pairs),
            Part("popcount", Gate("full_adder"), counter, pairs * (self.group - 1) * share),
            Part("plane adder", IntegerAdder(width), built * share, pairs * share),
        ]


def is_bipolar(number_format: Format) -> bool:
    """Whether code c stands for ``2·c − (2**bits − 1)``."""
    bits = number_format.bits
    return (
        bits <= 8
        and not isinstance(number_format, UniformFormat)
        and values(number_format) == tuple(2 * code + 1 - (1 << bits) for code in range(1 << bits))
    )


def _planes(x: Word) -> list[int]:
    """The bits of the code of a bipolar integer, ``(x + 2**n − 1) / 2``, the lowest first."""
    code = (x.value + (1 << x.bits) - 1) // 2
    return [(code >> i) & 1 for i in range(x.bits)]
