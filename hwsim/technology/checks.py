"""Published figures that no price was fitted to, and what the model says of them: the ratio model / published.

A price list is one view: public libraries differ by up to 5 x on the same unit (int8 multiply at 45 nm: 0.2 pJ
against 0.912 pJ). These rows, shown by ``hwsim show technology/7nm``, say how far this view is from the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hwsim.technology import gates
from hwsim.technology.primitives import (
    Comparator,
    FloatMultiplier,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    Primitive,
    Register,
)
from hwsim.technology.published import ALADDIN, ALADDIN_COMPARATOR_32
from hwsim.technology.records import Cost, Number
from hwsim.technology.scaling import area_factor, energy_factor

if TYPE_CHECKING:
    from hwsim.technology.base import Technology


def numbers(technology: Technology) -> list[Number]:
    """All checks that apply to this node, as ratios model / published (status ``comparison``)."""
    found = [*_cells(technology), *_aladdin(technology)]
    if technology.node_nm in (7, 45):
        found += _integer_units(technology)
    if technology.node_nm == 45:
        found += _synthesized_multipliers(technology)
    return found


def _total(technology: Technology, parts: list[Primitive]) -> tuple[float, float]:
    costs: list[Cost] = [technology.cost(part) for part in parts]
    return sum(cost.energy_j for cost in costs), sum(cost.area_m2 for cost in costs)


def _ratios(name: str, model: tuple[float, float], published: tuple[float, float], source: str) -> Iterator[Number]:
    for word, ours, theirs in zip(("energy", "area"), model, published, strict=True):
        yield Number(f"check.{name}.{word}", ours / theirs, "1", f"model / published: {source}", "comparison")


def _cells(technology: Technology) -> Iterator[Number]:
    nand2 = _total(technology, [Gate("nand2")])
    cell = (
        gates.NAND2_FARAD * gates.CELL_V**2 * energy_factor(gates.CELL_NM, technology.node_nm),
        gates.NAND2_AREA_M2 * area_factor(gates.CELL_NM, technology.node_nm),
    )
    return _ratios("nand2", nand2, cell, "28 nm cell of ZigZag IMC, scaled to this node")


def _aladdin(technology: Technology) -> Iterator[Number]:
    """A comparator from the cells against Aladdin's, and Aladdin's register bit, which is used, against the cell's."""
    energy, area = energy_factor(40, technology.node_nm), area_factor(40, technology.node_nm)
    published = ALADDIN_COMPARATOR_32[0] * energy, ALADDIN_COMPARATOR_32[1] * area
    source = f"{ALADDIN}, 40 nm, scaled to this node"
    yield from _ratios("comparator32", _total(technology, [Comparator(32)]), published, source)
    nand2 = _total(technology, [Gate("nand2")])
    cell = gates.FLIP_FLOP[0] * nand2[0], gates.FLIP_FLOP[1] * nand2[1]
    yield from _ratios("register_bit", _total(technology, [Register(1)]), cell, f"flip-flop by {gates.SOURCE}")


def _integer_units(technology: Technology) -> Iterator[Number]:
    library = {45: 0.912e-12, 7: 0.0860e-12}[technology.node_nm]
    multiply, _ = _total(technology, [IntegerMultiplier(8, 8)])
    pairs = [("int8_multiply", multiply, library, "hwcomponents-library, scaled")]
    if technology.node_nm == 7:
        add, _ = _total(technology, [IntegerAdder(32)])
        pairs.append(("tpu_v4i_mac", multiply + add, 0.084e-12, "AccelForge's TPU-v4i, int8 multiply and int32 add"))
    for name, ours, theirs, source in pairs:
        yield Number(f"check.{name}.energy", ours / theirs, "1", f"model / published: {source}", "comparison")


def _synthesized_multipliers(technology: Technology) -> Iterator[Number]:
    """Whole float multipliers synthesized in FreePDK45 as the baseline of L-Mul (read, a student project)."""
    rows = (("fp8_e4m3", 4, 4, 347.4e-12), ("bf16", 8, 8, 1067.7e-12), ("fp32", 8, 24, 6311.9e-12))
    for name, exponent_bits, significand_bits, published in rows:
        _, area = _total(technology, [FloatMultiplier(exponent_bits, significand_bits)])
        source = "model / published: synthesis in FreePDK45 beside L-Mul; FP8 taken as e4m3"
        yield Number(f"check.{name}_multiply_freepdk45.area", area / published, "1", source, "comparison")
