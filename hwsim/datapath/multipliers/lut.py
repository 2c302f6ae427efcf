"""A table of products: the codes of both operands are the address of their product."""

from __future__ import annotations

from typing import Literal, Self

from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word
from hwsim.formats.base import Format

TABLE_BITS = 16
"""Address bits of the largest table that is offered."""


@multipliers.register("lut")
class LutMultiplier(ExactStructure):
    """The exact product, looked up by the two codes: 2**(bits of a + bits of b) entries.

    DeepGEMM has 16 entries for operands of 2 bits (arXiv:2304.09049). With ``halved`` signs are taken off first and
    put back behind, which halves each operand's part of the address. A table of other products than the exact ones is
    the multiplier ``table``.
    """

    kind: Literal["lut"] = "lut"
    writable: bool = False
    """Whether the entries are registers that can be loaded, or constants."""
    halved: bool = False
    """Whether the table holds the products of magnitudes, for signed operands."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(writable=True, halved=True)]

    def check(self, a: Format, b: Format) -> None:
        if a.bits + b.bits > TABLE_BITS:
            raise ValueError(
                f"a table of products takes operands of {TABLE_BITS} bits together, got {a.name} x {b.name}"
            )

    def partial_products(self, x: Word, y: Word) -> list[int]:
        if not self.halved:
            return [_entry(x.pattern, y.pattern, x, y)]
        entry = _entry(abs(x.value), abs(y.value), x._replace(signed=False), y._replace(signed=False))
        return [-entry if (x.value < 0) != (y.value < 0) else entry]

    def entries(self, a: Format, b: Format) -> int:
        """Words of the table."""
        return 1 << (a.bits + b.bits - (int(a.signed) + int(b.signed) if self.halved else 0))

    def parts(self, a: Format, b: Format) -> list[Part]:
        from hwsim.technology.primitives import Gate, LookupTable, Register

        entries, width = self.entries(a, b), self.product_bits(a, b)
        parts = [Part("product table", LookupTable(entries, width))]
        if self.writable:
            parts.append(Part("product table", Register(entries * width), 1, 1 / entries))
        if self.halved:  # magnitudes before the table, the sign behind it: *assumed* an XOR2 and half adder per bit
            signs = a.bits + b.bits + width
            parts += [Part("signs", Gate("xor2", signs)), Part("signs", Gate("half_adder", signs))]
        return parts


def _entry(left: int, right: int, x: Word, y: Word) -> int:
    """What the table holds at the address of two bit patterns."""
    return _meaning(left, x) * _meaning(right, y)


def _meaning(pattern: int, x: Word) -> int:
    return pattern - (1 << x.bits) if x.signed and pattern >> (x.bits - 1) else pattern
