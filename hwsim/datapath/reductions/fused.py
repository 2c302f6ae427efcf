"""Fused multi-term sums, as matrix units compute them: align, cut, add exactly, round once."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.fused_block import ALIGNMENTS, Alignment, Groups, LateAddend
from hwsim.datapath.fused_sums import fused_sums
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.sums import Sums
from hwsim.formats.base import Format

SUM_BITS = 62
"""Bits of the kernel's exact sum."""
SCALE_BITS = 8
"""Bits of the product of two scale significands (E4M3 has 4 each)."""


@reductions.register("fused")
class Fused(Reduction):
    """Blocks of ``lanes`` products and the sum so far are aligned to the largest exponent E among them.

    Every term is cut to a multiple of ``2**(E − align_bits)``, all are added exactly, and the accumulator
    rounds the sum; the result is an addend of the next block. Exponents are not normalised: that of a product
    is the sum of its operands' (`hwsim.datapath.factor.Factor`), that of the sum so far its own, at least its
    format's emin. A block's NaN, or infinities of both signs, give NaN; a zero result is +0.

    This is T-FDPA of MMA-Sim (arXiv:2511.10909): Ampere fp16 has 8 lanes and 24 bits, Hopper's FP8 32 and 13.
    Products may first be summed in ``groups``, and the sum so far may come ``late``; AMD's CDNA3 has both.
    """

    kind: Literal["fused"] = "fused"
    lanes: int = Field(ge=1, le=4096)
    """Products per block (L)."""
    align_bits: int = Field(ge=1, le=56)
    """Fraction bits kept below the largest exponent (F)."""
    align: Alignment = "truncate"
    """How the bits below are cut: toward zero, toward −inf, rounded to nearest (ties to even, or away), or toward
    zero with a last bit that is set when anything was cut (sticky)."""
    zero_exponent: int | None = Field(default=None, ge=-1000, le=1000)
    """Exponent that zero terms take in the search for E; when not given they take no part in it. It shows only
    where c is 0 and every product lies below it (NVIDIA: −131 to −133 for FP32 results)."""
    groups: Groups | None = None
    """Groups of lanes that are summed before they are aligned; when not given each product is a term."""
    late: LateAddend | None = None
    """How the sum so far joins after the products are added; when not given it is one more term beside them."""
    normalized_bits: int | None = Field(default=None, ge=1, le=56)
    """Fraction bits kept below the leading one of the sum (at least the accumulator's emin), cut toward −inf
    before the accumulator rounds it; when not given all of them."""
    product_limit: int | None = Field(default=None, ge=-1000, le=1024)
    """Products of a magnitude of ``2**product_limit`` or more count as infinite; when not given none do."""
    negative_zero: Literal["never", "underflow"] = "never"
    """Whether a negative sum that rounds to zero gives −0. An exact zero is +0."""

    nan: Literal["canonical", "quiet"] = "canonical"
    """Bits of a NaN result: all ones below a zero sign bit (0x7FFFFFFF), or the format's own quiet NaN."""

    @classmethod
    def examples(cls) -> list[Self]:
        pair = Groups(count=2, members="interleaved", align_bits=4)
        late = LateAddend(align_bits=5, sum_align_bits=8, zero_exponent=-6)
        return [
            cls(lanes=4, align_bits=10),
            cls(lanes=3, align_bits=2, align="rne", zero_exponent=-3),
            cls(lanes=4, align_bits=3, align="sticky", nan="quiet", groups=Groups(count=2), product_limit=4),
            cls(lanes=4, align_bits=5, late=late, normalized_bits=7, negative_zero="underflow"),
            cls(lanes=6, align_bits=4, align="floor", groups=pair, late=late.model_copy(update={"drop_below": 3})),
        ]

    @model_validator(mode="after")
    def _groups_divide_lanes(self) -> Self:
        if self.groups is not None and self.lanes % self.groups.count:
            raise ValueError(f"{self.lanes} lanes do not form {self.groups.count} groups of one size")
        return self

    def lanes_of(self, k: int) -> int:
        return self.lanes

    @property
    def is_chain(self) -> bool:
        return True

    @property
    def group_size(self) -> int:
        """Products of one group, of the whole block where there are none."""
        return self.lanes // (self.groups.count if self.groups is not None else 1)

    @property
    def scales_groups(self) -> bool:
        return self.groups is not None and self.groups.scaled

    @property
    def loads_exactly(self) -> bool:
        return True

    @property
    def overflow(self) -> str | None:
        return "always_inf"

    @property
    def canonical_nan(self) -> bool:
        return self.nan == "canonical"

    def kernel_parameters(self) -> tuple[int, ...]:
        """As `hwsim.kernels.matmul_fused.UNIT_PARAMETERS` has them."""
        groups, late = self.groups, self.late
        return (
            self.lanes,
            self.align_bits,
            ALIGNMENTS[self.align],
            *_optional(self.zero_exponent),
            groups.count if groups is not None else 0,
            int(groups is not None and groups.members == "interleaved"),
            *_optional(groups.align_bits if groups is not None else None),
            ALIGNMENTS[groups.align if groups is not None else "truncate"],
            int(self.scales_groups),
            int(late is not None),
            late.align_bits if late is not None else 0,
            late.sum_align_bits if late is not None else 0,
            ALIGNMENTS[late.align if late is not None else "floor"],
            *_optional(late.zero_exponent if late is not None else None),
            *_optional(late.drop_below if late is not None else None),
            *_optional(self.normalized_bits),
            *_optional(self.product_limit),
            int(self.negative_zero == "underflow"),
        )

    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        return fused_sums(self, products, accumulator, sums)

    def check(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> None:
        if accumulator.kind == "integer":
            if self.groups is not None or self.late is not None:
                raise ValueError("an integer accumulator adds a block exactly; it takes no 'groups' and no 'late'")
            return
        integer_part = max(multiplier.product_bits(a, b) - multiplier.fraction_bits(a, b), 1)
        group = self.group_size.bit_length() if self.groups is not None else 0
        terms = (self.groups.count if self.groups is not None else self.lanes).bit_length()
        bits = self.align_bits
        if self.late is not None:
            bits = max(bits, self.late.align_bits, self.late.sum_align_bits) + 1
        self._check_width(bits + integer_part + group + terms + 1)
        if self.groups is not None:
            self._check_groups(a, b, multiplier, integer_part + group)

    def _check_width(self, needed: int) -> None:
        if needed > SUM_BITS:
            raise ValueError(
                f"{self.lanes} lanes and {self.align_bits} align_bits need a sum of {needed} bits, more than "
                f"{SUM_BITS}; 'reduction: exact' has no limit"
            )

    def _check_groups(self, a: Format, b: Format, multiplier: Multiplier, integer_part: int) -> None:
        assert self.groups is not None
        if self.groups.align_bits is not None:
            self._check_width(self.groups.align_bits + integer_part + 1)
            return
        from hwsim.datapath.reductions.exact import product_range

        low, high = product_range(a, b, multiplier)
        needed = high - low + self.group_size.bit_length() + (SCALE_BITS if self.groups.scaled else 0)
        if needed > SUM_BITS - 2:
            raise ValueError(
                f"exact groups of {self.group_size} products of '{a.name}' and '{b.name}' need {needed} bits, more "
                f"than {SUM_BITS - 2}; give 'groups.align_bits'"
            )
        if self.groups.scaled:  # whose exponent leaves out that of the products
            carries = self.group_size.bit_length() + self.groups.count.bit_length()
            self._check_width(self.align_bits + high + carries + 2)

    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        """Exponent maximum tree, aligners, adder tree, and one normaliser and rounder per block."""
        from hwsim.datapath.gates import fused_parts

        return fused_parts(a, b, multiplier, accumulator, self)


def _optional(value: int | None) -> tuple[int, int]:
    """Whether there is a value, and the value."""
    return int(value is not None), value or 0
