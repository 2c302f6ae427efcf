"""Adders, multipliers, shifters and the other blocks of a datapath: counts of priced terms, and logic depths.

Depths are those of the textbook structures (N. Weste and D. Harris, *CMOS VLSI Design*, 4th edition, chapter 11,
where not said otherwise), in delays of a NAND2, without wires and fan-out. Counts follow the published tables:
their adders cost the same per bit at 8 and at 32 bits, so an adder is counted as one full adder per bit while its
delay is that of a parallel-prefix adder (*assumed*: the cells that a prefix tree adds are within the fitted price).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.technology.gates import DELAYS, GateKind
from hwsim.technology.primitive import Primitive

AND, XOR, MUX, FULL = DELAYS["and2"], DELAYS["xor2"], DELAYS["mux2"], DELAYS["full_adder"]
PREFIX = 2 * DELAYS["nand2"]
"""One AND-OR cell of a prefix tree: two levels of NAND2."""


def levels(ways: int) -> int:
    """Levels of a binary tree over ``ways`` leaves: ⌈log2 ways⌉."""
    return max(ways - 1, 0).bit_length()


def dadda_levels(rows: int) -> int:
    """Levels of full adders that bring ``rows`` addends to two (L. Dadda, Alta Frequenza 34, 1965).

    Heights are 2, 3, 4, 6, 9, 13, 19, 28 …: each is ⌊3/2⌋ of the one before.

    >>> [dadda_levels(rows) for rows in (2, 3, 4, 8, 24, 32)]
    [0, 1, 2, 4, 7, 8]
    """
    height, count = 2, 0
    while height < rows:
        height, count = height * 3 // 2, count + 1
    return count


@dataclass(frozen=True)
class IntegerMultiplier(Primitive):
    """Integer product of ``a_bits`` x ``b_bits``, ``a_bits + b_bits`` wide.

    Depth: AND gates, a Dadda tree over the rows of the narrower operand, an adder of the product's width.
    """

    a_bits: int
    b_bits: int

    def terms(self) -> Mapping[str, float]:
        cells = self.a_bits * self.b_bits
        # Spurious transitions grow with the number of rows that a carry-save array adds up.
        depth = math.log2(max(1, min(self.a_bits, self.b_bits)))
        return {
            "integer_multiplier_cell": cells,
            "integer_multiplier_depth": cells * depth,
            "integer_multiplier_edge": (self.a_bits + self.b_bits) / 2,
        }

    def gate_delays(self) -> float:
        rows = min(self.a_bits, self.b_bits)
        if rows <= 1:
            return AND * rows
        return AND + dadda_levels(rows) * FULL + IntegerAdder(self.a_bits + self.b_bits).gate_delays()


@dataclass(frozen=True)
class IntegerAdder(Primitive):
    """Sum or difference of two ``bits``-wide integers.

    Depth of a Sklansky prefix adder: propagate, ⌈log2 bits⌉ prefix levels, the sum's XOR.
    """

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"full_adder": self.bits}

    def gate_delays(self) -> float:
        return XOR + levels(self.bits) * PREFIX + XOR if self.bits else 0.0


@dataclass(frozen=True)
class Shifter(Primitive):
    """Barrel shifter of ``bits`` by 0 to ``distance`` places: one row of 2:1 multiplexers per bit of the distance."""

    bits: int
    distance: int

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits * self.distance.bit_length()}

    def gate_delays(self) -> float:
        return self.distance.bit_length() * MUX if self.bits else 0.0


@dataclass(frozen=True)
class LeadingZeroCounter(Primitive):
    """Count of leading zeros: per bit one multiplexer (of the partial counts) and one gate (is the half zero).

    Depth: a binary tree whose nodes choose between the counts of their halves (V. Oklobdzija, IEEE Transactions
    on VLSI Systems 2(1), 1994).
    """

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits, "nand2": self.bits}

    def gate_delays(self) -> float:
        return levels(self.bits) * MUX


@dataclass(frozen=True)
class Comparator(Primitive):
    """Magnitude comparison of two ``bits``-wide integers: per bit an XOR, an AND and an OR.

    Depth: the bits' XOR and a tree of greater/equal pairs.
    """

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"xor2": self.bits, "and2": self.bits, "or2": self.bits}

    def gate_delays(self) -> float:
        return XOR + levels(self.bits) * PREFIX if self.bits else 0.0


@dataclass(frozen=True)
class Multiplexer(Primitive):
    """One of ``ways`` words of ``bits``: a tree of ``ways - 1`` 2:1 multiplexers per bit."""

    bits: int
    ways: int = 2

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits * max(0, self.ways - 1)}

    def gate_delays(self) -> float:
        return levels(self.ways) * MUX if self.bits else 0.0


@dataclass(frozen=True)
class Register(Primitive):
    """``bits`` of clocked storage; one operation is one read of all of them.

    It ends a path and adds nothing to it: set-up time and clock-to-output are left out, for want of a number.
    """

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"register_bit": self.bits}

    def gate_delays(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Rounder(Primitive):
    """Conditional increment of a ``bits``-wide significand: one half adder per bit.

    Depth: the carry as a tree of ANDs, the sum's XOR.
    """

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"half_adder": self.bits}

    def gate_delays(self) -> float:
        return levels(self.bits) * AND + XOR if self.bits else 0.0


@dataclass(frozen=True)
class LookupTable(Primitive):
    """Constant table of ``entries`` words of ``bits``, read through a tree of 2:1 multiplexers.

    A writable table also needs ``Register(entries * bits)``. Every multiplexer is charged at each
    read, since one new select bit re-selects a whole level of the tree.
    """

    entries: int
    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits * max(0, self.entries - 1)}

    def gate_delays(self) -> float:
        return levels(self.entries) * MUX if self.bits else 0.0


@dataclass(frozen=True)
class Gate(Primitive):
    """``count`` gates of one kind side by side, for structures that are counted gate by gate."""

    kind: GateKind
    count: int = 1

    def terms(self) -> Mapping[str, float]:
        return {self.kind: self.count}

    def gate_delays(self) -> float:
        return DELAYS[self.kind] if self.count else 0.0


@dataclass(frozen=True)
class OrTree(Primitive):
    """Whether any of ``bits`` is set (a sticky bit): one OR per bit, ⌈log2 bits⌉ levels."""

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"or2": self.bits}

    def gate_delays(self) -> float:
        return levels(self.bits) * DELAYS["or2"]
