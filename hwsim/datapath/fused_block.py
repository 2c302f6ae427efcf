"""What a fused block may have beside its lanes: groups that are summed first, and an addend that comes late."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hwsim.base.record import Record

Alignment = Literal["truncate", "floor", "rne", "rna", "sticky"]
ALIGNMENTS = {"rne": 0, "rna": 1, "truncate": 2, "floor": 4, "sticky": 5}
"""How an aligned term loses its low bits, as the rounding modes of `hwsim.kernels.rounding`."""


class Groups(Record):
    """The lanes of a block form ``count`` groups, each summed on its own; the groups' sums are the block's terms.

    CDNA3's FP8 units sum even- and odd-indexed products apart (two interleaved groups); Blackwell's FP4 units sum
    four contiguous groups of 16 exactly and weigh each by its scales (MMA-Sim, arXiv:2511.10909).
    """

    count: int = Field(ge=1, le=256)
    members: Literal["contiguous", "interleaved"] = "contiguous"
    """Lane l of L belongs to group ⌊l·count/L⌋, or l mod count."""
    align_bits: int | None = Field(default=None, ge=1, le=56)
    """Fraction bits kept below the group's largest exponent; not given: the group's sum is exact."""
    align: Alignment = "truncate"
    scaled: bool = False
    """Whether the operands' scales multiply the group's sum, whose exponent is then that of the scales alone."""


class LateAddend(Record):
    """The addend c meets the sum S of the block's products after their alignment (CDNA3, arXiv:2511.10909).

    With E the larger of the products' largest exponent and c's own, S is cut to a multiple of
    ``2**(E − sum_align_bits)`` and c to a multiple of ``2**(E − align_bits)``; then they are added.
    """

    align_bits: int = Field(ge=1, le=56)
    sum_align_bits: int = Field(ge=1, le=56)
    align: Alignment = "floor"
    zero_exponent: int | None = Field(default=None, ge=-1000, le=1000)
    """Exponent of an addend that is zero; when not given it takes no part in E."""
    drop_below: int | None = Field(default=None, ge=0, le=1023)
    """An addend whose exponent is more than this below E counts as zero."""
