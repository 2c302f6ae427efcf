"""The crest factor at which floating point becomes better than integers of the same width.

Source: Chen et al., arXiv:2510.25602, its crossover points of MX and NV formats. Below the crossover, where
the values of a block are of similar magnitude, the integer has the higher QSNR.
"""

from __future__ import annotations

import math

from hwsim.base.errors import InputError
from hwsim.formats.analysis.qsnr import Block, block, theoretical_qsnr_db

PAIRS: dict[str, tuple[str, str]] = {
    "mx8": ("mxint8", "mxfp8"),
    "mx6": ("mxint6", "mxfp6"),
    "mx4": ("mxint4", "mxfp4"),
    "nv4": ("nvint4", "nvfp4"),
}
"""Blocks of the same width that the paper compares, integer first."""

TOLERANCE = 1e-9
"""Width of the interval of κ that bisection ends with."""

GREATEST = 64.0
"""Where the search ends unless an E4M3 scale ends it at √g: far beyond every crossover of `PAIRS`."""


def crossover(integer: Block, floating: Block, constants: str = "exact", tolerance: float = TOLERANCE) -> float:
    """κ at which both blocks have the same QSNR, by bisection to ``tolerance``.

    ``constants``: "exact" (10 log10 3 and 20 log10 2) or "printed" (4.78 and 6.02), for the integer's QSNR.
    ρ is that of the blocks, on both sides; `hwsim.formats.analysis.qsnr.block` sets it.

    With few subnormals the float is at its ceiling and κ = √(3 · 4**b / (24 · 4**M)) / ρ: MXINT8 meets
    MXFP8 at 2**3.5 / 1.5 = 7.5425 (within 1e-6). No block of 32 elements gets there: κ ≤ √32 = 5.66.

    Raises `InputError` where one block is better from κ = 1 up to √g (E4M3 scales) or 64.
    """
    low, high = 1.0, GREATEST
    for side in (integer, floating):
        if side.exact_maximum:
            high = min(high, math.nextafter(side.greatest_crest_factor, 0))

    def advantage(crest_factor: float) -> float:
        """dB by which the integer is better."""
        ours = theoretical_qsnr_db(integer, crest_factor, constants)
        return ours - theoretical_qsnr_db(floating, crest_factor, constants)

    integer_first = advantage(low) > 0
    if integer_first == (advantage(high) > 0):
        better = integer if integer_first else floating
        raise InputError(f"no crossover: {better.element.name} is better at crest factors from 1 to {high:g}")
    while high - low > tolerance:
        middle = (low + high) / 2
        if (advantage(middle) > 0) == integer_first:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def crossovers(constants: str = "exact", e4m3_overhead: float = 1.0) -> dict[str, float]:
    """Crossover of each of `PAIRS`, UE8M0 scales with ρ = 1.5.

    ``e4m3_overhead``: ρ of the E4M3 scales, on both sides: 1 in the paper's formulas, 1.05 in its code
    (`hwsim.formats.analysis.qsnr.E4M3_CODE_OVERHEAD`).
    """
    overheads = {name: e4m3_overhead if name.startswith("nv") else None for name in PAIRS}
    return {
        name: crossover(block(integer, overheads[name]), block(floating, overheads[name]), constants)
        for name, (integer, floating) in PAIRS.items()
    }
