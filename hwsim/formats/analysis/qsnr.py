"""Signal to quantization noise of blocks that share a scale, as a function of the crest factor, in closed form.

Source: Chen et al., INT v.s. FP: A Comprehensive Study of Fine-Grained Low-bit Quantization Formats,
arXiv:2510.25602, its theoretical QSNR of integer and floating-point blocks and the code that draws figure 3.

The values of a block of g elements are Gaussian of standard deviation σ, their greatest magnitude is
``κ σ`` with the crest factor κ = max|X| / RMS, and the scale brings ``ρ κ σ`` onto the greatest element:
ρ ≥ 1 is the overhead of a scale that is rounded up (to a power of two, say).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.names import get


class Constants(NamedTuple):
    """What decibels of an integer and of the floating-point ceiling are made of."""

    integer_db: float
    """QSNR of zero bits at κ = ρ = 1."""
    ceiling_db: float
    """Ceiling of a float without stored bits."""
    bit_db: float
    """What one more bit brings."""


CONSTANTS: dict[str, Constants] = {
    # Step 2 Q / 2**b, noise step**2 / 12: 10 log10(12 / 4) and 20 log10(2) a bit; 1/α = 24 · 4**M.
    "exact": Constants(10 * math.log10(3), 10 * math.log10(24), 20 * math.log10(2)),
    # As printed in arXiv:2510.25602.
    "printed": Constants(4.78, 13.80, 6.02),
}

UE8M0_OVERHEAD = 1.5
"""ρ of a power-of-two scale that is rounded up, as the curves of arXiv:2510.25602 have it."""

E4M3_CODE_OVERHEAD = 1.05
"""ρ of an E4M3 scale in the code of arXiv:2510.25602, on both sides; its formulas have 1."""


@dataclass(frozen=True)
class Block:
    """``size`` elements that share a scale.

    Raises `InputError` for elements that are neither integers nor floats with subnormals (both signed), and
    for a scale or an overhead that does not exist.
    """

    element: Format
    """Signed integers, or signed floats with subnormals."""
    size: int
    """g, elements per scale."""
    scale: str
    """ue8m0: a power of two. e4m3: fine enough for the greatest element to come out exact."""
    overhead: float
    """ρ, what the scale exceeds ``max|X| / max(element)`` by; 1 for the formulas of E4M3 scales."""

    def __post_init__(self) -> None:
        if self.scale not in ("ue8m0", "e4m3"):
            raise InputError(f"unknown block scale '{self.scale}'{did_you_mean(self.scale, ('ue8m0', 'e4m3'))}")
        if self.size < 2 or not 1 <= self.overhead < math.inf:
            raise InputError(f"a block has 2 or more elements and an overhead from 1, got {self.size}, {self.overhead}")
        fmt = self.element
        gradual = isinstance(fmt, FloatFormat) and fmt.subnormals and fmt.zero
        if not fmt.signed or not (gradual or isinstance(fmt, IntegerFormat)):
            raise InputError(f"the QSNR of a block is known for signed integers and floats, got {fmt.name}")

    @property
    def exact_maximum(self) -> bool:
        """Whether the greatest element has no error, the scale being fine enough."""
        return self.scale == "e4m3"

    @property
    def greatest_crest_factor(self) -> float:
        """√g, which a block reaches with one value that is not zero."""
        return math.sqrt(self.size)


BLOCKS: dict[str, tuple[str, int, str]] = {
    # Element, block size and scale: OCP Microscaling Formats 1.0 with E8M0 scales; NVIDIA's NVFP4, and its
    # integer counterpart of arXiv:2510.25602, with E4M3 scales. The 6-bit integer is also that paper's.
    "mxint8": ("int8", 32, "ue8m0"),
    "mxint6": ("int6", 32, "ue8m0"),
    "mxint4": ("int4", 32, "ue8m0"),
    "mxfp8": ("e4m3fn", 32, "ue8m0"),
    "mxfp6": ("e2m3fn", 32, "ue8m0"),
    "mxfp4": ("e2m1fn", 32, "ue8m0"),
    "nvint4": ("int4", 16, "e4m3"),
    "nvfp4": ("e2m1fn", 16, "e4m3"),
}


def block(name: str, overhead: float | None = None) -> Block:
    """The block of `BLOCKS` called ``name``, with ρ = ``overhead`` or, by default, 1.5 (UE8M0) and 1 (E4M3).

    ``block("nvfp4", E4M3_CODE_OVERHEAD)`` is what the paper's code draws. Raises `InputError` for an unknown name.
    """
    if name not in BLOCKS:
        raise InputError(f"unknown block '{name}'{did_you_mean(name, BLOCKS)}")
    element, size, scale = BLOCKS[name]
    default = UE8M0_OVERHEAD if scale == "ue8m0" else 1.0
    return Block(get(element), size, scale, default if overhead is None else overhead)


def theoretical_qsnr_db(block: Block, crest_factor: float, constants: str = "exact") -> float:
    """QSNR in dB of a Gaussian block with crest factor κ: `integer_qsnr_db` or `float_qsnr_db`.

    Raises `InputError` for κ < 1, which no data have, and with E4M3 scales for κ ≥ √g, where all of the
    block's energy is in the element without error. (With UE8M0 scales the formulas go on beyond √g, although
    no block of g elements does.)
    """
    if isinstance(block.element, IntegerFormat):
        return integer_qsnr_db(block, crest_factor, constants)
    return float_qsnr_db(block, crest_factor)


def integer_qsnr_db(block: Block, crest_factor: float, constants: str = "exact") -> float:
    """``4.77 + 6.02 b − 20 log10 ρ − 20 log10 κ`` dB of b-bit integers; E4M3 scale: ``+ 10 log10(g / (g − 1))``.

    The noise of a step 2 ρκσ / 2**b is step²/12; with an E4M3 scale one element of g has none.
    """
    _check(block, crest_factor)
    if not isinstance(block.element, IntegerFormat):
        raise InputError(f"expected a block of integers, got one of {block.element.name}")
    chosen = _constants(constants)
    rounded_all = chosen.integer_db + chosen.bit_db * block.element.bits
    rounded_all -= 20 * math.log10(block.overhead) + 20 * math.log10(crest_factor)
    return rounded_all + (10 * math.log10(block.size / (block.size - 1)) if block.exact_maximum else 0.0)


def float_qsnr_db(block: Block, crest_factor: float) -> float:
    """``−10 log10(α w + β (ρκ)² p)`` dB of floats with M stored bits, bias B and greatest value Q.

    α = 1 / (24 · 4**M) is the relative noise of normal numbers and w the share of the energy that they have;
    β = 4**(1 − B − M) / (12 Q²) is the noise of subnormals, by the square of the range, and p the share of
    values that are subnormal. With t = (ρκ / Q) · 2**(1 − B), the smallest normal number in units of σ,
    w = 2 (t φ(t) + 1 − Φ(t)) and p = 2 Φ(t) − 1. With an E4M3 scale w loses κ²/g, the greatest element.
    """
    _check(block, crest_factor)
    fmt = block.element
    if not isinstance(fmt, FloatFormat):
        raise InputError(f"expected a block of floats, got one of {fmt.name}")
    reach = block.overhead * crest_factor
    threshold = reach / fmt.max * fmt.min_normal
    normal_energy = 2 * threshold * _density(threshold) + math.erfc(threshold / math.sqrt(2))
    if block.exact_maximum:
        normal_energy -= crest_factor**2 / block.size
    relative = 1 / (24 * 4.0**fmt.mantissa_bits)
    subnormal = (fmt.min_subnormal / fmt.max) ** 2 / 12
    noise = relative * normal_energy + subnormal * reach**2 * math.erf(threshold / math.sqrt(2))
    if noise <= 0:
        raise InputError(f"the QSNR of {fmt.name} blocks has no value at a crest factor of {crest_factor:g}")
    return -10 * math.log10(noise)


def ceiling_db(mantissa_bits: int, constants: str = "exact") -> float:
    """``13.80 + 6.02 M`` dB, what a float of M stored bits reaches where no value is subnormal (w = 1)."""
    chosen = _constants(constants)
    return chosen.ceiling_db + chosen.bit_db * mantissa_bits


def _density(t: float) -> float:
    return math.exp(-t * t / 2) / math.sqrt(2 * math.pi)


def _constants(name: str) -> Constants:
    if name not in CONSTANTS:
        raise InputError(f"unknown constants '{name}'{did_you_mean(name, CONSTANTS)}")
    return CONSTANTS[name]


def _check(block: Block, crest_factor: float) -> None:
    limit = block.greatest_crest_factor if block.exact_maximum else math.inf
    if not 1 <= crest_factor < limit:
        raise InputError(f"the crest factor is at least 1 and less than {limit:g}, got {crest_factor:g}")
