"""Float adders and multipliers put together from the same blocks as every other datapath.

The structure is that of a single-path unit for all of IEEE 754, subnormal numbers included (J.-M. Muller et al.,
*Handbook of Floating-Point Arithmetic*, 2nd edition, chapter 8). The leading zeros are counted behind the adder and
the rounding is a stage of its own: nothing is anticipated, computed twice or pipelined.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.technology.blocks import (
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    Multiplexer,
    OrTree,
    Rounder,
    Shifter,
)
from hwsim.technology.primitive import Composite, Primitive


@dataclass(frozen=True)
class FloatMultiplier(Composite):
    """Rounded product of two floats; ``significand_bits`` counts the hidden bit (fp16: 5, 11).

    Subnormal operands are normalised, and a subnormal result is shifted right before it is rounded.
    """

    exponent_bits: int
    significand_bits: int

    def stages(self) -> tuple[tuple[Primitive, ...], ...]:
        e, m = self.exponent_bits, self.significand_bits
        return (
            (LeadingZeroCounter(m), LeadingZeroCounter(m)),
            (Shifter(m, m), Shifter(m, m)),
            (IntegerMultiplier(m, m), IntegerAdder(e), IntegerAdder(e)),
            (Multiplexer(m, 2),),
            (Shifter(2 * m, 2 * m), OrTree(m)),
            (Rounder(m),),
            (Multiplexer(e + m, 2),),
        )


@dataclass(frozen=True)
class FloatAdder(Composite):
    """Rounded sum of two floats; ``significand_bits`` counts the hidden bit (fp16: 5, 11).

    ``sum_bits`` is the width of aligner, adder and normaliser where one addend has more bits than the result (the
    exact product of a fused multiply-add); three guard bits beyond the significand otherwise.
    """

    exponent_bits: int
    significand_bits: int
    sum_bits: int = 0

    @property
    def word(self) -> int:
        """Bits of the aligned sum."""
        return max(self.significand_bits + 3, self.sum_bits)

    def stages(self) -> tuple[tuple[Primitive, ...], ...]:
        e, m, word = self.exponent_bits, self.significand_bits, self.word
        return (
            (IntegerAdder(e),),
            (Multiplexer(m, 2), Multiplexer(m, 2)),
            (Shifter(word, word), OrTree(m)),
            (Gate("xor2", word),),
            (IntegerAdder(word),),
            (LeadingZeroCounter(word),),
            (Shifter(word, word), IntegerAdder(e)),
            (Rounder(m),),
            (Multiplexer(e + m, 2),),
        )
