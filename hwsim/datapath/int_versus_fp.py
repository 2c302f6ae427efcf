"""The hardware model of *INT v.s. FP* (M. Chen et al., arXiv:2510.25602, appendix C): counts, and its ratios.

The paper counts the dominant cells of a multiply-accumulate unit of k lanes (table 6), adds an FP32 accumulator and a
dequantizer that the lanes share, prices the cells from a library that it does not publish, and prints ratios of
energy and area (table 5). Here the same counts are priced with the cells of a `Technology`, which are fitted to other
tables altogether, so that the ratios check the model. Quantizers, flip-flops and wires are left out, as there.

The paper names the FP32 accumulator and the dequantizer (two 8-bit additions for UE8M0 scales, two float
multiplications for E4M3 scales) without their counts. *Assumed*: an FP32 adder, and multiplications of the block's
exact sum by one 4-bit significand after the other, unrounded, each with an 8-bit exponent addition.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hwsim.datapath.parts import DatapathCost, Part, cost_of

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

SUM_BITS = 24
"""Widest aligner (``psum_bit_width``)."""
SHARED = ("FP32 accumulator", "dequantizer")
"""Parts whose counts the paper does not print."""


@dataclass(frozen=True)
class Unit:
    """A multiply-accumulate unit of ``lanes`` (k) lanes for x exponent and y mantissa bits; x = 0 for integers."""

    name: str
    exponent_bits: int
    mantissa_bits: int
    lanes: int
    scale: Literal["ue8m0", "e4m3"]
    second_mantissa_bits: int | None = None
    """Mantissa bits of the other operand where they differ (the int8 x int4 lane of table 7)."""

    @property
    def aligner_bits(self) -> int:
        """n = min(2^(x+1) + 2y, 24), equation 44."""
        return min((2 << self.exponent_bits) + 2 * self.mantissa_bits, SUM_BITS)

    @property
    def operand_bits(self) -> tuple[int, int]:
        """What the multiplier multiplies: y + 1 bits of each operand."""
        second = self.mantissa_bits if self.second_mantissa_bits is None else self.second_mantissa_bits
        return self.mantissa_bits + 1, second + 1

    @property
    def sum_bits(self) -> int:
        """Bits of the exact sum of all lanes."""
        term = self.aligner_bits if self.exponent_bits else sum(self.operand_bits)
        return term + (self.lanes - 1).bit_length()

    def counts(self) -> dict[str, float]:
        """Cells of all k lanes by sub-block, as table 6 has them."""
        x, k, (first, second) = self.exponent_bits, self.lanes, self.operand_bits
        if not x:
            return {"multiplier": k * first * second, "adder": k * (first + second)}
        n = self.aligner_bits
        return {
            "multiplier": k * first * second,
            "adder": k * n,
            "exponent adder": k * x,
            "exponent subtractor": k * x,
            "comparator": k * x,
            "aligner": k * n * math.log2(n),
            "normalizer": n * math.log2(n),
        }

    def parts(self) -> list[Part]:
        """The unit per lane, out of the primitives of a technology."""
        from hwsim.technology.primitives import Gate, IntegerMultiplier

        cells: dict[str, tuple[str, ...]] = {
            "adder": ("full_adder",),
            "exponent adder": ("full_adder",),
            "exponent subtractor": ("full_adder", "xor2"),
            "comparator": ("xor2", "and2", "or2"),
            "aligner": ("mux2",),
            "normalizer": ("mux2", "or2"),
        }
        parts = [Part("multiplier", IntegerMultiplier(*self.operand_bits))]
        for name, count in self.counts().items():
            share = count / self.lanes
            parts += [Part(name, Gate(cell), share, share) for cell in cells.get(name, ())]  # type: ignore[arg-type]
        return [*parts, *(part.scaled(1 / self.lanes) for part in self._shared())]

    def _shared(self) -> Iterator[Part]:
        from hwsim.technology.primitives import FloatAdder, IntegerAdder, IntegerMultiplier

        yield Part("FP32 accumulator", FloatAdder(8, 24))
        yield Part("dequantizer", IntegerAdder(8), 2, 2)
        if self.scale == "e4m3":
            yield Part("dequantizer", IntegerMultiplier(self.sum_bits, 4))
            yield Part("dequantizer", IntegerMultiplier(self.sum_bits + 4, 4))

    def cost(self, technology: Technology) -> DatapathCost:
        """Per lane, by sub-block."""
        return cost_of(self.parts(), technology)


MXINT8, MXFP8 = Unit("MXINT8", 0, 7, 32, "ue8m0"), Unit("MXFP8", 4, 3, 32, "ue8m0")
NVINT4, NVFP4 = Unit("NVINT4", 0, 3, 16, "e4m3"), Unit("NVFP4", 2, 1, 16, "e4m3")
INT8_BY_4 = Unit("INT8 x INT4", 0, 7, 16, "e4m3", second_mantissa_bits=3)
UNITS = (MXINT8, MXFP8, NVINT4, NVFP4, INT8_BY_4)


@dataclass(frozen=True)
class Pair:
    """Two designs as weighted lanes, and the published ratio of their energies and areas."""

    name: str
    energy: tuple[dict[Unit, float], dict[Unit, float]]
    area: tuple[dict[Unit, float], dict[Unit, float]]
    published: tuple[float, float]

    def ratios(self, technology: Technology, shared: bool = True) -> tuple[float, float]:
        """Of energy and of area; without accumulator and dequantizer if not ``shared``."""
        energy = [_total(side, technology, "energy_per_mac_j", shared) for side in self.energy]
        area = [_total(side, technology, "area_m2", shared) for side in self.area]
        return energy[0] / energy[1], area[0] / area[1]

    @property
    def same_scale(self) -> bool:
        """Whether both designs are one unit and share accumulator and dequantizer among as many lanes."""
        (*first,), (*second,) = self.energy
        return len(first) == len(second) == 1 and (first[0].lanes, first[0].scale) == (second[0].lanes, second[0].scale)

    def shared(self, technology: Technology) -> tuple[float, float]:
        """What accumulator and dequantizer of a lane of the first design draw (J) and take (m²)."""
        cost = next(iter(self.energy[0])).cost(technology)
        return sum(cost.energy_per_mac_j[name] for name in SHARED), sum(cost.area_m2[name] for name in SHARED)

    def shared_that_would_match(self, technology: Technology) -> tuple[float, float]:
        """What accumulator and dequantizer of a lane would have to draw (J) and take (m²) to give the published ratio.

        With s beside I of the first design and F of the second, (I + s) / (F + s) = r at s = (r·F − I) / (1 − r).
        """
        found = []
        for sides, quantity, ratio in zip(
            (self.energy, self.area), ("energy_per_mac_j", "area_m2"), self.published, strict=True
        ):
            first, second = (_total(side, technology, quantity, shared=False) for side in sides)
            found.append((ratio * second - first) / (1 - ratio))
        return found[0], found[1]

    def residuals(self, technology: Technology, shared: bool = True) -> tuple[float, float]:
        """Ratio here over the published one, less one: of energy and of area."""
        found = self.ratios(technology, shared)
        return found[0] / self.published[0] - 1, found[1] / self.published[1] - 1


def _total(side: dict[Unit, float], technology: Technology, quantity: str, shared: bool) -> float:
    total = 0.0
    for unit, often in side.items():
        by_part: Mapping[str, float] = getattr(unit.cost(technology), quantity)
        total += often * sum(value for part, value in by_part.items() if shared or part not in SHARED)
    return total


def _plain(first: Unit, second: Unit, energy: float, area: float) -> Pair:
    sides = {first: 1.0}, {second: 1.0}
    return Pair(f"{first.name} / {second.name}", sides, sides, (energy, area))


# Mixed units, table 7: integers on two int8 x int4 lanes, of which an int8 product takes both; floats on one e4m3
# lane, which also does e2m1, beside an e2m1 lane. Energy of one 8-bit and two 4-bit products, the throughput that the
# paper compares at (the weighting is not printed: assumed).
_MIXED = Pair(
    "MXINT8 + NVINT4 / MXFP8 + NVFP4",
    ({INT8_BY_4: 4.0}, {MXFP8: 2.0, NVFP4: 1.0}),
    ({INT8_BY_4: 2.0}, {MXFP8: 1.0, NVFP4: 1.0}),
    (0.75, 0.66),
)
PAIRS = (
    _plain(MXINT8, MXFP8, 0.63, 0.79),
    _plain(NVINT4, NVFP4, 0.34 / 0.55, 0.38 / 0.54),
    _plain(NVFP4, MXFP8, 0.55, 0.54),
    _plain(NVINT4, MXFP8, 0.34, 0.38),
    _MIXED,
)
