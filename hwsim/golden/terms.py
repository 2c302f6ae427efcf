"""What a golden datapath adds up: products and scales, from codes as the multiplier sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hwsim.datapath.datapath import Datapath
from hwsim.formats.exact import TWO, Draw
from hwsim.golden.draws import STEP, draw
from hwsim.golden.formats import decode, encode
from hwsim.golden.number import Number, times, unpack


@dataclass(frozen=True)
class Terms:
    """Products, and beside each the product of the two scales of its blocks where a later sum is to be scaled."""

    products: Sequence[Number]
    scales: Sequence[Number | None]
    output: int = 0
    """Which output they belong to."""
    first: int = 0
    """The k of the first."""

    def __len__(self) -> int:
        return len(self.products)

    def part(self, first: int, last: int) -> Terms:
        """Those with k in [first, last)."""
        return Terms(self.products[first:last], self.scales[first:last], self.output, self.first + first)

    def draw(self, accumulator: Any, offset: int, place: int = STEP) -> Draw | None:
        """The random bits of the addition of the ``offset``-th product (or of the block that starts there)."""
        return draw(accumulator, self.output, self.first + offset, place)


def enter_operand(datapath: Datapath, code: int, f: Any) -> int:
    """An operand's code as the multiplier sees it: flushed, converted."""
    code = flush(f, code) if datapath.operands.flush else code
    convert = datapath.operands.convert
    return code if convert is None else encode(convert, decode(f, code))


def flush(f: Any, code: int) -> int:
    """+0 in place of a subnormal number."""
    value = decode(f, code)
    subnormal = isinstance(value, Fraction) and f.kind == "float" and 0 < abs(value) < TWO**f.emin
    return 0 if subnormal else code


def pair_scales(datapath: Datapath, scale_a: Any, scale_b: Any, k: int) -> list[Number | None]:
    """The product of a's and b's scales at every k; None without scales."""
    scale, block = datapath.operands.scale, datapath.operands.scale_block
    if scale is None:
        return [None] * k
    one = encode(scale, 1.0)
    codes = [[one if s is None else s[i // block] for i in range(k)] for s in (scale_a, scale_b)]
    return [times(unpack(scale, x), unpack(scale, y)) for x, y in zip(*codes, strict=True)]
