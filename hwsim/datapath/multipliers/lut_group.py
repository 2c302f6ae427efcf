"""A table of sums of activations, looked up by a group of one-bit weights, bit plane by bit plane."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Literal, Self

from pydantic import Field

from hwsim.datapath.factor import Factor, significand_bits
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.multipliers.bipolar import is_bipolar
from hwsim.datapath.parts import Part
from hwsim.datapath.structure import ExactStructure, Word, whole_word, word
from hwsim.formats.base import Format
from hwsim.formats.integer import UniformFormat


@multipliers.register("lut_group")
class LutGroupMultiplier(ExactStructure):
    """Exact ``Σ a_k·w_k`` over a group of K activations by one look-up per bit of the weights (LUT Tensor Core).

    An n-bit weight is read as the odd integer ``w' = 2w + 1 = Σ_i (2·b_i − 1)·2**i`` over the bits b_i of its offset
    code ``w + 2**(n−1)`` (unsigned: ``w' = 2w − (2**n − 1)``), so that ``Σ a_k·w'_k = Σ_i 2**i · LUT[bits i]`` with
    ``LUT[t] = Σ_k ±a_k``, and ``Σ a_k·w_k`` follows with one sum of the activations. As ``LUT[t] = −LUT[~t]``, half of
    the 2**K entries do (``symmetrized``). arXiv:2408.06003, section 3; best at K = 4 with 64 columns per table.

    One product is what a group with one activation gives; the sum of a group is no different, since every entry is
    exact. A group takes as many cycles as weights have bits; a lane is one K-th of it. Tables quantized to int8, as
    the paper offers, are not modelled: their scale depends on the whole group, so no rule for one product has it.
    Bipolar weights (``binary``, ``bipolar2`` …) are such odd integers as they stand.
    """

    kind: Literal["lut_group"] = "lut_group"
    group: int = Field(default=4, ge=1, le=8)
    """K, activations per table."""
    symmetrized: bool = True
    """Whether half of the table is stored and its sign taken from the weights' top bit."""
    shared_by: int = Field(default=64, ge=1)
    """Columns of weights that look up one table."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(), cls(group=2, symmetrized=False, shared_by=8)]

    def check(self, a: Format, b: Format) -> None:
        if not (isinstance(b, UniformFormat) and b.bits <= 8) and not is_bipolar(b):
            raise ValueError(f"lut_group takes integer or bipolar weights of at most 8 bits as b, got '{b.name}'")

    def enter(self, x: Factor, number_format: Format) -> Word:
        """Bipolar weights come as the integers that they are."""
        return whole_word(x, number_format) if is_bipolar(number_format) else word(x, number_format)

    def cycles(self, a: Format, b: Format) -> int:
        return b.bits

    def table(self, activations: Sequence[int]) -> list[int]:
        """``LUT[t] = Σ_k (2·t_k − 1)·a_k`` for all t, or for those with a top bit of 0."""
        free = len(activations) - int(self.symmetrized)
        entries = []
        for bits in product((0, 1), repeat=free):
            chosen = (*bits[::-1], *([0] if self.symmetrized else []))
            entries.append(sum((2 * t - 1) * a for t, a in zip(chosen, activations, strict=True)))
        return entries

    def look_up(self, table: Sequence[int], plane: int, group: int) -> int:
        """``LUT[plane]``, from the half that is stored: that of ``~plane``, negated, where the top bit is 1."""
        if self.symmetrized and plane >> (group - 1):
            return -table[~plane & ((1 << (group - 1)) - 1)]
        return table[plane]

    def group_sum(self, activations: Sequence[int], weights: Sequence[Word]) -> list[int]:
        """Terms whose sum is ``2·Σ a_k·w_k`` (bipolar: ``Σ a_k·w_k``): a look-up per plane, and the offset's share."""
        table, bits = self.table(activations), weights[0].bits
        codes = [_offset_code(w) for w in weights]
        planes = [sum(((c >> i) & 1) << k for k, c in enumerate(codes)) for i in range(bits)]
        found = [self.look_up(table, plane, len(weights)) << i for i, plane in enumerate(planes)]
        beside = 0 if is_bipolar(weights[0].format) else 1 if weights[0].signed else 1 - (1 << bits)  # w' − 2w
        return [*found, -beside * sum(activations)]

    def partial_products(self, x: Word, y: Word) -> list[int]:
        """A group with x at each place in turn and zeros beside it, which all give the same."""
        sums = set()
        for place in range(self.group):
            activations = [0] * self.group
            activations[place] = x.value
            sums.add(sum(self.group_sum(activations, [y] * self.group)))
        (total,) = sums
        if is_bipolar(y.format):
            return [total]
        assert total % 2 == 0
        return [total // 2]

    def parts(self, a: Format, b: Format) -> list[Part]:
        """A lane's K-th of a look-up path, and its share of the table's entries and of their sums.

        *Assumed*: an entry is one addition away from another one; the table is in registers, written once per group.
        """
        from hwsim.technology.primitives import Gate, IntegerAdder, LookupTable, Register

        cycles, lane = self.cycles(a, b), 1 / self.group
        entries = 1 << (self.group - int(self.symmetrized))
        width = significand_bits(a) + (self.group - 1).bit_length() + 1
        share, total = lane / self.shared_by, width + cycles
        parts = [
            Part("table sums", IntegerAdder(width), entries * share, entries * share),
            Part("table", Register(entries * width), share, share),
            Part("look-up", LookupTable(entries, width), lane, cycles * lane),
            Part("partial sum adder", IntegerAdder(total), lane, cycles * lane),
            Part("partial sum register", Register(total), lane, cycles * lane),
        ]
        if self.symmetrized:
            parts.append(Part("sign", Gate("xor2", width + self.group - 1), lane, cycles * lane))
        return parts


def _offset_code(w: Word) -> int:
    """The code whose bits b_i give the odd integer ``Σ_i (2·b_i − 1)·2**i``."""
    if is_bipolar(w.format):
        return (w.value + (1 << w.bits) - 1) // 2
    return w.value + (1 << (w.bits - 1) if w.signed else 0)
