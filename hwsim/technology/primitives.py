"""Hardware primitives described by their bit widths, and the structure that each is counted as.

A primitive knows no node and no number: `terms` says how many of which priced term it holds, and a
`Technology` has a price per term. A new primitive is a dataclass here; if its terms are already priced
(gates, adder bits) it needs nothing else.

Structure (m: significand bits with the hidden bit, e: exponent bits):

- integer multiplier a x b: a·b cells, a final adder of about (a+b)/2 columns, and switching that grows with the depth;
- float multiplier: m² cells, an e-bit exponent adder, m-bit rounding;
- float adder: e-bit exponent subtraction, alignment and normalization shifts m·log2 m, an (m+3)-bit addition,
  and per-bit work (leading-zero count, rounding).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

GateKind = Literal["nand2", "xor2", "half_adder", "full_adder", "mux2"]
"""Gates with a price at every node; weights in `hwsim.technology.gates`."""


@dataclass(frozen=True)
class Primitive(ABC):
    """A piece of hardware that does one operation; raises `ValueError` for a negative width."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and value < 0:
                raise ValueError(f"{type(self).__name__}.{field.name} is a width or a count, got {value}")

    @abstractmethod
    def terms(self) -> Mapping[str, float]:
        """How many of each priced term one instance holds."""


@dataclass(frozen=True)
class IntegerMultiplier(Primitive):
    """Integer product of ``a_bits`` x ``b_bits``, ``a_bits + b_bits`` wide."""

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


@dataclass(frozen=True)
class IntegerAdder(Primitive):
    """Sum or difference of two ``bits``-wide integers."""

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"integer_adder_bit": self.bits}


@dataclass(frozen=True)
class FloatMultiplier(Primitive):
    """Rounded product of two floats; ``significand_bits`` counts the hidden bit (fp16: 5, 11)."""

    exponent_bits: int
    significand_bits: int

    def terms(self) -> Mapping[str, float]:
        return {
            "float_multiplier_cell": self.significand_bits**2,
            "float_multiplier_bit": self.significand_bits,
            "integer_adder_bit": self.exponent_bits,
        }


@dataclass(frozen=True)
class FloatAdder(Primitive):
    """Rounded sum of two floats; ``significand_bits`` counts the hidden bit (fp16: 5, 11)."""

    exponent_bits: int
    significand_bits: int

    def terms(self) -> Mapping[str, float]:
        m = self.significand_bits
        return {
            "float_adder_shift": m * math.log2(max(1, m)),
            "float_adder_bit": m,
            "integer_adder_bit": self.exponent_bits + (m + 3 if m else 0),
        }


@dataclass(frozen=True)
class Shifter(Primitive):
    """Barrel shifter of ``bits`` by 0 to ``distance`` places: one row of 2:1 multiplexers per bit of the distance."""

    bits: int
    distance: int

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits * self.distance.bit_length()}


@dataclass(frozen=True)
class LeadingZeroCounter(Primitive):
    """Count of leading zeros: per bit one multiplexer (of the partial counts) and one gate (is the half zero)."""

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits, "nand2": self.bits}


@dataclass(frozen=True)
class Comparator(Primitive):
    """Magnitude comparison of two ``bits``-wide integers."""

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"comparator_bit": self.bits}


@dataclass(frozen=True)
class Multiplexer(Primitive):
    """One of ``ways`` words of ``bits``: a tree of ``ways - 1`` 2:1 multiplexers per bit."""

    bits: int
    ways: int = 2

    def terms(self) -> Mapping[str, float]:
        return {"mux2": self.bits * max(0, self.ways - 1)}


@dataclass(frozen=True)
class Register(Primitive):
    """``bits`` of clocked storage; one operation is one read of all of them."""

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"register_bit": self.bits}


@dataclass(frozen=True)
class Rounder(Primitive):
    """Conditional increment of a ``bits``-wide significand: one half adder per bit."""

    bits: int

    def terms(self) -> Mapping[str, float]:
        return {"half_adder": self.bits}


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


@dataclass(frozen=True)
class Gate(Primitive):
    """``count`` gates of one kind, for structures that are counted gate by gate."""

    kind: GateKind
    count: int = 1

    def terms(self) -> Mapping[str, float]:
        return {self.kind: self.count}
