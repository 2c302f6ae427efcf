"""Published energy and area of arithmetic units, row by row; the fits and their residuals come from here.

Energies: 45 nm, M. Horowitz, "Computing's energy problem", ISSCC 2014; 7 nm, N. Jouppi et al., "Ten lessons from
three generations shaped Google's TPUv4i", ISCA 2021, table 2. Areas: 45 nm, as quoted in W. Dally's tutorials; the
7 nm table has none. The int32 and fp32 energies at 45 nm were read in PMC8934428, table 3; all else is recalled.

"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hwsim.technology.primitives import FloatAdder, FloatMultiplier, IntegerAdder, IntegerMultiplier, Primitive
from hwsim.technology.records import Number

HOROWITZ = "Horowitz, ISSCC 2014"
HOROWITZ_READ = "Horowitz, ISSCC 2014, as in PMC8934428 table 3"
DALLY = "Dally's tutorials, 45 nm"
JOUPPI = "Jouppi et al., ISCA 2021, table 2"
ALADDIN = "Aladdin table in hwcomponents-library 1.0.58"

FP16, BF16, FP32 = (5, 11), (8, 8), (8, 24)
"""Exponent bits, significand bits with the hidden bit."""


@dataclass(frozen=True)
class Published:
    """One row of a table. ``held_out`` rows are not fitted: they check the structural form."""

    name: str
    node_nm: int
    primitive: Primitive
    energy_j: float
    area_m2: float | None
    energy_source: str
    energy_status: str
    held_out: bool = False

    def numbers(self) -> Iterator[Number]:
        """Energy and, where published, area."""
        yield Number(f"published.{self.name}.energy", self.energy_j, "J", self.energy_source, self.energy_status)
        if self.area_m2 is not None:
            yield Number(f"published.{self.name}.area", self.area_m2, "m2", DALLY, "recalled")


def _at_45(name: str, primitive: Primitive, picojoules: float, square_microns: float, read: bool = False) -> Published:
    source, status = (HOROWITZ_READ, "read") if read else (HOROWITZ, "recalled")
    return Published(name, 45, primitive, picojoules * 1e-12, square_microns * 1e-12, source, status)


def _at_7(name: str, primitive: Primitive, picojoules: float, held_out: bool = False) -> Published:
    return Published(name, 7, primitive, picojoules * 1e-12, None, JOUPPI, "recalled", held_out)


ARITHMETIC: tuple[Published, ...] = (
    _at_45("int8_add", IntegerAdder(8), 0.03, 36),
    _at_45("int16_add", IntegerAdder(16), 0.05, 67),
    _at_45("int32_add", IntegerAdder(32), 0.1, 137, read=True),
    _at_45("int8_multiply", IntegerMultiplier(8, 8), 0.2, 282),
    _at_45("int32_multiply", IntegerMultiplier(32, 32), 3.1, 3495, read=True),
    _at_45("fp16_add", FloatAdder(*FP16), 0.4, 1360),
    _at_45("fp32_add", FloatAdder(*FP32), 0.9, 4184, read=True),
    _at_45("fp16_multiply", FloatMultiplier(*FP16), 1.1, 1640),
    _at_45("fp32_multiply", FloatMultiplier(*FP32), 3.7, 7700, read=True),
    _at_7("int8_add", IntegerAdder(8), 0.007),
    _at_7("int32_add", IntegerAdder(32), 0.03),
    _at_7("int8_multiply", IntegerMultiplier(8, 8), 0.07),
    _at_7("int32_multiply", IntegerMultiplier(32, 32), 1.48),
    _at_7("bf16_add", FloatAdder(*BF16), 0.11),
    _at_7("fp16_add", FloatAdder(*FP16), 0.16),
    _at_7("fp32_add", FloatAdder(*FP32), 0.38),
    _at_7("bf16_multiply", FloatMultiplier(*BF16), 0.21),
    _at_7("fp16_multiply", FloatMultiplier(*FP16), 0.34, held_out=True),
    _at_7("fp32_multiply", FloatMultiplier(*FP32), 1.31),
)

# At 40 nm, (energy, area): one bit of clocked storage, which prices registers, and a comparator of 32 bits, a check.
ALADDIN_REGISTER_BIT = (0.009e-12, 5.98e-12)
ALADDIN_COMPARATOR_32 = (0.02947e-12, 71e-12)

# Whole numbers to hold the model against, not used by it.
COMPARE = (
    Number("published.tpu_v4i.mac.energy", 0.084e-12, "J", "AccelForge's TPU-v4i", "read"),
    Number("published.tpu_v4i.dram.energy_per_bit", 7.03e-12, "J/bit", "AccelForge's TPU-v4i", "read"),
    Number("published.aladdin.int32_add.energy", 0.21e-12, "J", f"{ALADDIN}, 40 nm", "read"),
    Number("published.aladdin.int32_multiply.energy", 12.68e-12, "J", f"{ALADDIN}, 40 nm", "read"),
    Number(
        "published.hwcomponents.int8_multiply_45nm.energy", 0.912e-12, "J", "hwcomponents-library, scaled", "measured"
    ),
    Number(
        "published.hwcomponents.int8_multiply_7nm.energy", 0.0860e-12, "J", "hwcomponents-library, scaled", "measured"
    ),
)


def rows(node_nm: int) -> list[Published]:
    """The published arithmetic rows of one node (empty where there are none)."""
    return [row for row in ARITHMETIC if row.node_nm == node_nm]
