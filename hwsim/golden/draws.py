"""Random bits of sums in plain Python: Philox by the words of its paper, one counter at a time.

Source: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011, section 3.3 and table 2.
"""

from __future__ import annotations

from typing import Any

from hwsim.formats.exact import Draw

STEP, CHUNK, LOAD, TREE = 0, 1, 2, 3
"""Which addition: a product or block into the accumulator, a chunk's sum into the outer one, the first addend, and
from TREE on those of a block's tree."""

_WORD = (1 << 32) - 1


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10: the four words of ``counter``."""
    a, b, c, d = counter
    for turn in range(10):
        first, second = a * 0xD2511F53, c * 0xCD9E8D57
        left, right = ((k + turn * weyl) & _WORD for k, weyl in zip(key, (0x9E3779B9, 0xBB67AE85), strict=True))
        a, b, c, d = (second >> 32) ^ b ^ left, second & _WORD, (first >> 32) ^ d ^ right, first & _WORD
    return a, b, c, d


def draw(accumulator: Any, output: int, number: int, place: int) -> Draw | None:
    """The top bits of the first word of counter (output, number, place) by the accumulator's seed; None without."""
    if not getattr(accumulator, "random", False):
        return None
    counter = output & _WORD, output >> 32, number, place
    word = philox(counter, (accumulator.seed & _WORD, accumulator.seed >> 32))[0]
    return Draw(accumulator.bits_drawn, word >> (32 - accumulator.bits_drawn))
