"""The gates that apply scales of blocks; those of a fused block's groups are counted with the block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwsim.datapath.factor import significand_bits
from hwsim.datapath.parts import Part

if TYPE_CHECKING:
    from hwsim.datapath.datapath import Datapath

OUTER = "outer"
"""The chain behind a chunk's register."""


def scale_parts(datapath: Datapath) -> list[Part]:
    """Per lane: the exponents of a pair of scales added to each other and to what they multiply, and the product of
    their significands times it where they have more than one bit.

    They multiply a chunk's sum once per chunk. On products the significands multiply each one; the exponents are
    added once for the products of one block of scales that are summed together, since the largest of these exponents
    may take them as well as each. The pair's own sum is ready early.
    """
    from hwsim.technology.primitives import IntegerAdder, IntegerMultiplier

    scale = datapath.operands.scale
    if scale is None or datapath.scaled_at == "group":
        return []
    whole = datapath.scaled_at == "chunk"
    often = 1 / _products_of_a_scale(datapath)
    exponents = Part(
        "scale exponent adder", IntegerAdder(_exponent_bits(datapath)), 2 * often, 2 * often, in_series=1,
        chain=OUTER if whole else "exponent",
    )  # fmt: skip
    bits = significand_bits(scale)
    if bits == 1:
        return [exponents]
    name, width, share = "scale multiplier", _width(datapath), often if whole else 1.0
    return [
        Part(name, IntegerMultiplier(bits, bits), often, often, chain=OUTER if whole else None),
        Part(name, IntegerMultiplier(width, 2 * bits), share, share, chain=OUTER if whole else None),
        Part(exponents.name, exponents.primitive, exponents.count, exponents.per_mac, in_series=0, chain="exponent"),
    ]


def _products_of_a_scale(datapath: Datapath) -> int:
    """Products that take one pair of scales at once."""
    if datapath.scaled_at == "chunk":
        return int(getattr(datapath.accumulator, "every", 1))
    return int(min(getattr(datapath.reduction, "lanes", None) or 1, datapath.operands.scale_block))


def _exponent_bits(datapath: Datapath) -> int:
    return int(getattr(datapath.operands.scale, "exponent_bits", 8)) + 1


def _width(datapath: Datapath) -> int:
    """Bits of what the scales' significands multiply."""
    if datapath.scaled_at == "chunk":
        return int(getattr(getattr(datapath.accumulator, "chunk", None), "bits", 32))
    return datapath.multiplier.product_bits(*datapath.operands.multiplied)
