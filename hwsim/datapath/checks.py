"""Whether the parts of a datapath fit together; what is raised becomes one line of the file that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwsim.base.errors import InputError
from hwsim.datapath.factor import exponent_range, fraction_places, significand_bits
from hwsim.datapath.fma_sums import is_fma_chain
from hwsim.datapath.products import TABLE_BITS
from hwsim.datapath.reductions.exact import product_range
from hwsim.formats.base import Format

if TYPE_CHECKING:
    from hwsim.datapath.datapath import Datapath

PRODUCT_BITS = 58
"""Widest product significand that the floating-point kernels hold beside a sticky bit (fp32 x fp32 has 48)."""
INTEGER_PRODUCT_BITS = 62
WORD_BITS = 60
"""Widest exact sum of a group of products."""


def check(datapath: Datapath) -> None:
    """Raises `ValueError` with one line if operands, multiplier, reduction and accumulator do not fit."""
    a, b = datapath.operands.multiplied
    if datapath.order is not None and sorted(datapath.order) != list(range(len(datapath.order))):
        raise ValueError(f"order is not a permutation of 0 … {len(datapath.order) - 1}")
    datapath.multiplier.check(a, b)
    datapath.accumulator.check(a, b)
    datapath.accumulator.check_reduction(datapath.reduction)
    datapath.reduction.check(a, b, datapath.multiplier, datapath.entered)
    limit = INTEGER_PRODUCT_BITS if datapath.entered.kind == "integer" else PRODUCT_BITS
    bits = datapath.multiplier.product_bits(a, b)
    if bits > limit and not is_fma_chain(a, b, datapath.multiplier, datapath.reduction, datapath.entered):
        raise ValueError(f"{a.name} x {b.name} has products of {bits} significand bits, more than {limit}")
    if datapath.multiplier.kernel is None and a.bits + b.bits > TABLE_BITS:
        raise ValueError(f"multiplier '{datapath.multiplier.kind}' takes operands of {TABLE_BITS} bits together")
    check_addend(datapath)
    check_scales(datapath, bits)


def check_scales(datapath: Datapath, product_bits: int) -> None:
    """Scales multiply what can take them, exactly."""
    scale = datapath.operands.scale
    if scale is None:
        if datapath.reduction.scales_groups:
            raise ValueError("scaled groups need the operands' 'scale'")
        return
    bits, block = 2 * significand_bits(scale), datapath.operands.scale_block
    if datapath.order is not None and block % len(datapath.order):
        raise ValueError(f"scales of {block} elements do not go with an order of {len(datapath.order)}")
    if datapath.scaled_at == "chunk":
        every = getattr(datapath.accumulator, "every", block)
        if block % every:
            raise ValueError(f"chunks of {every} products do not divide a scale's block of {block}")
        bits += datapath.entered.bits
    elif datapath.scaled_at == "group":
        size = getattr(datapath.reduction, "group_size", 1)
        if block % size:
            raise ValueError(f"groups of {size} products do not divide a scale's block of {block}")
    elif datapath.entered.kind == "integer":
        raise ValueError("scaled products do not fit an integer accumulator; add chunks of them to a float one")
    elif (needed := exact_group_bits(datapath, scale)) > WORD_BITS:
        raise ValueError(
            f"exact groups of products scaled by '{scale.name}' need {needed} bits, more than {WORD_BITS}; "
            "write 'scaled: true' to scale the groups, or give 'groups.align_bits'"
        )
    elif significand_bits(scale) > 1 and datapath.multiplier.kernel != 0:
        raise ValueError(f"products by '{datapath.multiplier.kind}' take power-of-two scales, not '{scale.name}'")
    else:
        bits += product_bits
    if bits > PRODUCT_BITS:
        raise ValueError(f"scaled sums have {bits} significand bits, more than {PRODUCT_BITS}")


def exact_group_bits(datapath: Datapath, scale: Format) -> int:
    """Bits of an exact sum of a group's products, each times its scales; 0 where no group is exact."""
    groups = getattr(datapath.reduction, "groups", None)
    if groups is None or groups.align_bits is not None:
        return 0
    low, high = product_range(*datapath.operands.multiplied, datapath.multiplier)
    least, most = exponent_range(scale)
    size: int = datapath.reduction.lanes_of(1) // groups.count
    return high - low + 2 * (most + 1 - least) + size.bit_length()


def check_addend(datapath: Datapath) -> None:
    """The first addend is of the sum's kind and has its last place."""
    try:
        c, target = datapath.c_format, datapath.sum_format
    except InputError as error:  # the sum's own width and fraction bits make no format
        raise ValueError(str(error)) from None
    if (c.kind == "float") != (target.kind == "float"):
        raise ValueError(f"a sum in '{target.name}' cannot start from c in '{c.name}'")
    if c.kind != "float" and fraction_places(c) != fraction_places(target):
        raise ValueError(f"c in '{c.name}' does not have the {fraction_places(target)} fraction bits of the sum")
