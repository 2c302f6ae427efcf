"""Published figures that no price was fitted to, and what the model says of them: the ratio model / published.

A price list is one view: public libraries differ by up to 5 x on the same unit (int8 multiply at 45 nm: 0.2 pJ
against 0.912 pJ). These rows, shown by ``hwsim show technology/7nm``, say how far this view is from the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hwsim.technology import gates
from hwsim.technology.primitives import (
    Comparator,
    FloatAdder,
    FloatMultiplier,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    Primitive,
    Rounder,
    Shifter,
)
from hwsim.technology.records import Cost, Number
from hwsim.technology.scaling import area_factor, energy_factor

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

INT_V_FP = "INT v.s. FP, arXiv:2510.25602"

# name: (exponent and mantissa bits) of INT and FP, lanes, published INT/FP ratio of energy and of area
_INT_V_FP = {
    "mxint8_mxfp8": ((0, 7), (4, 3), 32, 0.63, 0.79),
    "nvint4_nvfp4": ((0, 3), (2, 1), 16, 0.34 / 0.55, 0.38 / 0.54),
}


def numbers(technology: Technology) -> list[Number]:
    """All checks that apply to this node, as ratios model / published (status ``comparison``)."""
    found = [*_cells(technology), *_float_adders(technology), *_int_versus_fp(technology)]
    if technology.node_nm in (7, 45):
        found += _integer_units(technology)
    if technology.node_nm == 45:
        found += _synthesized_multipliers(technology)
    return found


def lane_parts(exponent_bits: int, mantissa_bits: int, lanes: int) -> list[Primitive]:
    """The gates of a ``lanes``-wide dot product as *INT v.s. FP* counts them (exponent bits 0: integer).

    With x exponent and y mantissa bits, k lanes and n = min(2^(x+1) + 2y, 24): multipliers k (y+1)², adders k·n,
    exponent adders, subtractors and comparators k·x each, aligners k·n·log2 n and a normalizer n·log2 n
    multiplexers; for integers k (x+y+1)² and 2k (x+y+1).
    """
    bits = mantissa_bits + 1
    multipliers: list[Primitive] = [IntegerMultiplier(bits, bits)] * lanes
    if not exponent_bits:
        return [*multipliers, IntegerAdder(2 * lanes * bits)]
    aligned = min(2 ** (exponent_bits + 1) + 2 * mantissa_bits, 24)
    multiplexers = round((lanes + 1) * aligned * math.log2(aligned))
    exponents = [IntegerAdder(2 * lanes * exponent_bits), Comparator(lanes * exponent_bits)]
    return [*multipliers, IntegerAdder(lanes * aligned), *exponents, Gate("mux2", multiplexers)]


def float_adder_parts(exponent_bits: int, significand_bits: int) -> list[Primitive]:
    """A float adder put together from gates: compare, align, add, count zeros, normalize, round."""
    m = significand_bits
    shifts = [Shifter(m, m), Shifter(m, m)]
    return [IntegerAdder(exponent_bits), *shifts, IntegerAdder(m + 3), LeadingZeroCounter(m), Rounder(m)]


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


def _float_adders(technology: Technology) -> Iterator[Number]:
    """How much of the tables' whole float adders the bare gates of the structure explain."""
    for name, widths in (("fp16", (5, 11)), ("fp32", (8, 24))):
        adder = _total(technology, [FloatAdder(*widths)])
        parts = _total(technology, float_adder_parts(*widths))
        yield from _ratios(f"{name}_add_from_gates", parts, adder, "float adder fitted to the node's table")


def _int_versus_fp(technology: Technology) -> Iterator[Number]:
    for name, (integer, floating, lanes, energy, area) in _INT_V_FP.items():
        ours = _total(technology, lane_parts(*integer, lanes))
        theirs = _total(technology, lane_parts(*floating, lanes))
        ratio = ours[0] / theirs[0], ours[1] / theirs[1]
        source = f"{INT_V_FP}, without accumulator and dequantizer"
        yield from _ratios(name, ratio, (energy, area), source)


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
