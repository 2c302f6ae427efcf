"""Every published number that the costs rest on or can be held against, and what the model says of it.

Groups, in the order of the page: arithmetic at 45 and 7 nm, Aladdin's library at 40 nm, hwcomponents' scaled library,
SRAM, DRAM, TPU-v4i, L-Mul as synthesized, cells at 28 nm, scaling, whole runs
(`hwsim.report.calibration_runs`). Why a row is further than 20 % from the model stands
in `hwsim.report.calibration_reasons`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hwsim import technology
from hwsim.datapath.multiplier import multipliers
from hwsim.datapath.parts import cost_of
from hwsim.formats import get as format_named
from hwsim.technology import (
    Comparator,
    FloatMultiplier,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    Primitive,
    Register,
    Rounder,
    gates,
    published,
    scaling,
    sram,
)
from hwsim.technology.sram import KIB, MIB

LIMIT = 0.2
"""A larger error needs a reason."""


@dataclass(frozen=True)
class Row:
    """One published number and what the model says."""

    group: str
    name: str
    quantity: str
    unit: str
    published: float
    model: float
    status: str
    source: str

    @property
    def error(self) -> float:
        """Model over published, less one."""
        return self.model / self.published - 1

    @property
    def key(self) -> str:
        """What a reason is found by."""
        return f"{self.group}: {self.name}, {self.quantity}"


def rows() -> list[Row]:
    """The whole table."""
    from hwsim.report.calibration_runs import runs

    return [*_arithmetic(), *_libraries(), *_sram(), *_dram(), *_tpu(), *_lmul(), *_cells(), *_scaling(), *runs()]


def _arithmetic() -> Iterator[Row]:
    for node in (45, 7):
        tech, group = technology.get(f"{node}nm"), f"arithmetic, {node} nm"
        for row in published.rows(node):
            cost = tech.cost(row.primitive)
            yield Row(
                group, row.name, "energy", "pJ", row.energy_j * 1e12, cost.energy_j * 1e12,
                row.energy_status, row.energy_source,
            )  # fmt: skip
            if row.area_m2 is not None:
                area, model = row.area_m2 * 1e12, cost.area_m2 * 1e12
                yield Row(group, row.name, "area", "µm²", area, model, "recalled", published.DALLY)


Entry = tuple[str, tuple[Primitive, ...], float, float]
"""Name, primitives, pJ, µm² of a library that no price was fitted to, but for the register bit."""
ALADDIN_40 = (
    ("int32 add", (IntegerAdder(32),), 0.21, 278.0),
    ("int32 multiply", (IntegerMultiplier(32, 32),), 12.68, 6350.0),
    ("register bit", (Register(1),), 0.009, 5.98),
    ("comparator, 32 bits", (Comparator(32),), 0.02947, 71.0),
    ("counter, 32 bits", (Register(32), Rounder(32)), 0.25074, 495.5),
)
LIBRARY_45 = (
    ("int8 multiply", (IntegerMultiplier(8, 8),), 0.912, 580.0),
    ("int32 multiply", (IntegerMultiplier(32, 32),), 14.59, 9281.0),
    ("int32 add", (IntegerAdder(32),), 0.2417, 406.0),
)
LIBRARY_7 = (("int8 multiply", (IntegerMultiplier(8, 8),), 0.0860, 34.3),)


def _libraries() -> Iterator[Row]:
    library = "hwcomponents-library, scaled"
    yield from _library("Aladdin, 40 nm", "40nm", ALADDIN_40, "read", published.ALADDIN)
    yield from _library("hwcomponents-library, 45 nm", "45nm", LIBRARY_45, "measured", library)
    yield from _library("hwcomponents-library, 7 nm", "7nm", LIBRARY_7, "measured", library)


def _library(group: str, node: str, table: Sequence[Entry], status: str, source: str) -> Iterator[Row]:
    tech = technology.get(node)
    for name, parts, picojoules, square_microns in table:
        costs = [tech.cost(part) for part in parts]
        energy, area = sum(cost.energy_j for cost in costs) * 1e12, sum(cost.area_m2 for cost in costs) * 1e12
        yield Row(group, name, "energy", "pJ", picojoules, energy, status, source)
        yield Row(group, name, "area", "µm²", square_microns, area, status, source)


def _sram() -> Iterator[Row]:
    """The points that are interpolated, each between its neighbours without itself, and points of other sources."""
    for node in (45, 22):
        tech, group = technology.get(f"{node}nm"), f"CACTI 7, {node} nm, 64-bit read"
        for table, quantity, unit, scale in ((sram.READ_J, "energy", "pJ", 1e12), (sram.AREA_M2, "area", "µm²", 1e12)):
            points = table[node]
            for size, (value, source, status) in points.items():
                cost = tech.sram(size, 8)
                model = cost.read_j if quantity == "energy" else cost.area_m2
                yield Row(group, _size(size), quantity, unit, value * scale, model * scale, status, source)
            for size in list(points)[1:-1]:
                value, source, status = points[size]
                without = {other: point for other, point in points.items() if other != size}
                model, _ = sram.interpolate(without, size)
                name = f"{_size(size)} from its neighbours"
                yield Row(group, name, quantity, unit, value * scale, model * scale, status, source)
    for node, points in ((7, sram.READ_J[7]), (45, sram.HOROWITZ_READ_J)):
        group = f"SRAM, {node} nm, 64-bit read"
        for size, (value, source, status) in points.items():
            model = technology.get(f"{node}nm").sram(size, 8).read_j
            yield Row(group, _size(size), "energy", "pJ", value * 1e12, model * 1e12, status, source)


def _size(size: int) -> str:
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


# Name, pJ per bit, the standard that answers for it, status, source.
DRAM = (
    ("DRAM (1300 to 2600 pJ per 64 b)", 1300 / 64, "DDR4", "recalled", published.HOROWITZ),
    ("DDR3/4 (1300 pJ per 64 b)", 1300 / 64, "DDR4", "recalled", published.JOUPPI),
    ("HBM2 (250 to 450 pJ per 64 b)", 350 / 64, "HBM2", "recalled", published.JOUPPI),
    ("GDDR6 (350 to 480 pJ per 64 b)", 415 / 64, "GDDR6", "recalled", published.JOUPPI),
    ("LPDDR4", 8.0, "LPDDR4", "measured", "hwcomponents-cacti 1.0.40"),
    ("LPDDR", 40.0, "LPDDR4", "measured", "hwcomponents-cacti 1.0.40"),
    ("DDR3", 70.0, "DDR4", "measured", "hwcomponents-cacti 1.0.40"),
    ("HBM2", 6.25, "HBM2", "measured", "hwcomponents-cacti 1.0.40"),
    ("HBM3", 4.05, "HBM3", "measured", "hwcomponents-cacti 1.0.40"),
    ("HBM4", 3.2, "HBM3", "measured", "hwcomponents-cacti 1.0.40"),
    ("TPU-v4i's HBM2", 7.03, "HBM2", "read", sram.TPU),
)
# GB/s of one channel or stack, by standard data rate.
BANDWIDTHS = (
    ("DDR4", 25.6), ("DDR5", 38.4), ("LPDDR4", 17.1), ("LPDDR5", 25.6), ("GDDR6", 64.0), ("HBM2", 256.0),
    ("HBM2E", 460.0), ("HBM3", 819.0),
)  # fmt: skip


def _dram() -> Iterator[Row]:
    tech = technology.get("7nm")
    for name, picojoules, standard, status, source in DRAM:
        model = tech.dram(standard).energy_j_per_bit * 1e12
        told = name if name.startswith(standard) else f"{name}, against {standard}"
        yield Row("DRAM", told, "energy", "pJ/bit", picojoules, model, status, source)
    for standard, gigabytes in BANDWIDTHS:
        model = tech.dram(standard).bandwidth_bytes_per_s / 1e9
        yield Row("DRAM", standard, "bandwidth", "GB/s", gigabytes, model, "read", "standard data rate")


def _tpu() -> Iterator[Row]:
    tech = technology.get("7nm")
    mac = tech.cost(IntegerMultiplier(8, 8)).energy_j + tech.cost(IntegerAdder(32)).energy_j
    yield Row("TPU-v4i", "int8 multiply, int32 add", "energy", "pJ", 0.084, mac * 1e12, "read", sram.TPU)
    for size, read, write in ((4 * MIB, 0.249, 0.293), (128 * MIB, 1.88, 2.36)):
        cost = tech.sram(size, 8)
        for word, value, model in (("read", read, cost.read_j), ("write", write, cost.write_j)):
            name, per_bit = f"{_size(size)} {word}", model * 1e12 / 64
            yield Row("TPU-v4i", name, "energy", "pJ/bit", value, per_bit, "read", sram.TPU)


FREEPDK = "synthesis in FreePDK45 (a student project)"
# Area µm², power mW, delay ns of L-Mul and of the multiplier beside it.
LMUL = (
    ("FP8", "e4m3", (112.8, 0.111, 0.36), (347.4, 1.055, 1.29)),
    ("BF16", "bf16", (255.6, 0.253, 0.48), (1067.7, 7.46, 1.94)),
    ("FP32", "fp32", (702.5, 0.532, 0.55), (6311.9, 133.4, 2.85)),
)


def _lmul() -> Iterator[Row]:
    """Areas, and the ratios L-Mul over multiplier of area, power and delay: at which clock is not said."""
    group, tech = "L-Mul, 45 nm", technology.get("45nm")
    lmul = multipliers.get("lmul").model_validate({})
    for name, operand, approximate, exact in LMUL:
        fmt = format_named(operand)
        parts = lmul.parts(fmt, fmt)
        cost = cost_of(parts, tech)
        whole = FloatMultiplier(fmt.exponent_bits, fmt.precision)
        own = cost.total_area_m2, cost.total_energy_per_mac_j, cost.critical_path_gates
        full = tech.cost(whole)
        other = full.area_m2, full.energy_j, full.gate_delays
        yield Row(group, f"{name} L-Mul", "area", "µm²", approximate[0], own[0] * 1e12, "read", FREEPDK)
        yield Row(group, f"{name} multiplier", "area", "µm²", exact[0], other[0] * 1e12, "read", FREEPDK)
        for index, quantity in enumerate(("area", "power", "delay")):
            ratio, model = approximate[index] / exact[index], own[index] / other[index]
            yield Row(group, f"{name} L-Mul / multiplier", quantity, "1", ratio, model, "read", FREEPDK)


def _cells() -> Iterator[Row]:
    """The absolute 28 nm cells against those that the 45 nm tables lead to."""
    tech, group, source = technology.get("28nm"), "cells, 28 nm", "ZigZag IMC, 28 nm"
    nand2, bit = tech.cost(Gate("nand2")), tech.cost(Register(1))
    energy = gates.NAND2_FARAD * gates.CELL_V**2
    yield Row(group, "NAND2", "energy", "fJ", energy * 1e15, nand2.energy_j * 1e15, "read", source)
    yield Row(group, "NAND2", "area", "µm²", gates.NAND2_AREA_M2 * 1e12, nand2.area_m2 * 1e12, "read", source)
    yield Row(group, "NAND2", "delay", "ps", 47.8, (nand2.delay_s or 0.0) * 1e12, "read", source)
    flip_flop = gates.FLIP_FLOP
    yield Row(group, "flip-flop", "energy", "fJ", flip_flop[0] * energy * 1e15, bit.energy_j * 1e15, "read", source)
    area = flip_flop[1] * gates.NAND2_AREA_M2
    yield Row(group, "flip-flop", "area", "µm²", area * 1e12, bit.area_m2 * 1e12, "read", source)


# Stillmaker and Baas: node, e(0.9 V), area in 45 nm.
SCALING = (
    (130, 2.67441, 6.4), (90, 1.64632, 2.8), (65, 1.05835, 1.5), (45, 0.84433, 1.0), (32, 0.541209, 0.46),
    (20, 0.20079, 0.21), (16, 0.158148, 0.19), (14, 0.126718, 0.17), (10, 0.107459, 0.10), (7, 0.086453, 0.059),
)  # fmt: skip


def _scaling() -> Iterator[Row]:
    """A full adder at each node over that at 45 nm, and the rule against the ratios of the published tables."""
    group, whole = "scaling from 45 nm", Gate("full_adder")
    reference = technology.get("45nm").cost(whole)
    for node, energy, area in SCALING:
        cost = technology.get("7nm_scaled" if node == 7 else f"{node}nm").cost(whole)
        ratio = energy / SCALING[3][1]
        for quantity, factor, model in (
            ("energy", ratio, cost.energy_j / reference.energy_j),
            ("area", area, cost.area_m2 / reference.area_m2),
        ):
            yield Row(group, f"{node} nm", quantity, "1", factor, model, "recalled", scaling.SOURCE)
    for name, ratio in (("int8_multiply", 0.07 / 0.2), ("int8_add", 0.007 / 0.03)):
        source = "Jouppi et al. 2021 over Horowitz 2014"
        own = {row.name: row.primitive for row in published.rows(7)}[name]
        costs = [technology.get(node).cost(own).energy_j for node in ("7nm", "7nm_scaled", "45nm")]
        yield Row(group, f"7nm: {name}", "energy", "1", ratio, costs[0] / costs[2], "recalled", source)
        yield Row(group, f"7nm_scaled: {name}", "energy", "1", ratio, costs[1] / costs[2], "recalled", source)
