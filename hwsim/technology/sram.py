"""SRAM energy per access and area from capacity and width, between published points.

Energy of a 64-bit read and area of the macro are interpolated log-log in the capacity and extrapolated with the
slope of the outermost pair. Tables: CACTI 7 at 45 and 22 nm (measured), Jouppi et al. 2021 at 7 nm up to 1 MiB
and TPU-v4i's 4 and 128 MiB memories above. 7 nm has no area: CACTI's at 45 nm is scaled. Other nodes are
CACTI's 45 nm scaled.

Assumed: energy grows in proportion to the width (an access of W bits costs W/64 of a 64-bit one of the same
capacity) and area does not depend on it; a write costs more than a read by TPU-v4i's published ratio, which is
1.177 at 4 MiB and below, 1.255 at 128 MiB and above, log-interpolated between. Banks share the capacity's wires,
so a memory of many banks is priced by its whole capacity. Leakage: no published number, not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hwsim.technology.published import JOUPPI
from hwsim.technology.records import Number, SramCost
from hwsim.technology.scaling import VOLTAGE_V, area_factor, energy_factor, rule

KIB, MIB = 2**10, 2**20
CACTI = "CACTI 7 via hwcomponents-cacti"
TPU = "AccelForge's TPU-v4i"
REFERENCE_BYTES = 8
"""Width of the accesses in the tables: 64 bits."""

Points = Mapping[int, tuple[float, str, str]]
"""Capacity in bytes to (value, source, status)."""


def _cacti(node_nm: int, values: tuple[float, ...], unit: float) -> Points:
    capacities = (8 * KIB, 32 * KIB, 64 * KIB, 256 * KIB, MIB)
    source = f"{CACTI}, {node_nm} nm"
    return {size: (value * unit, source, "measured") for size, value in zip(capacities, values, strict=True)}


READ_J: dict[int, Points] = {
    45: _cacti(45, (6.137, 17.04, 25.87, 44.72, 93.52), 1e-12),
    22: _cacti(22, (1.590, 3.786, 5.670, 11.86, 23.47), 1e-12),
    7: {
        8 * KIB: (7.5e-12, JOUPPI, "recalled"),
        32 * KIB: (8.5e-12, JOUPPI, "recalled"),
        MIB: (14e-12, JOUPPI, "recalled"),
        4 * MIB: (64 * 0.249e-12, TPU, "read"),
        128 * MIB: (64 * 1.88e-12, TPU, "read"),
    },
}
AREA_M2: dict[int, Points] = {
    45: _cacti(45, (26267, 94860, 209046, 872093, 3262830), 1e-12),
    22: _cacti(22, (6265, 26695, 58601, 225290, 778459), 1e-12),
}
WRITE_RATIO: Points = {
    4 * MIB: (0.293 / 0.249, TPU, "read"),
    128 * MIB: (2.36 / 1.88, TPU, "read"),
}
# Not used by the model: the other published figures at 45 nm, to hold it against.
HOROWITZ_READ_J: Points = {
    8 * KIB: (10e-12, "Horowitz, ISSCC 2014", "read"),
    32 * KIB: (20e-12, "Horowitz, ISSCC 2014", "recalled"),
    MIB: (100e-12, "Horowitz, ISSCC 2014", "recalled"),
}


@dataclass(frozen=True)
class SramTable:
    """The points of one node: where energy and area start from, and the factor that brings them here."""

    node_nm: int
    voltage_v: float = VOLTAGE_V
    by_scaling: bool = False
    from_nm: int = 45
    """Where the points come from that this node has none of, or may not use its own of."""

    @property
    def energy_nm(self) -> int:
        """Node of the energy points."""
        return self.node_nm if self.node_nm in READ_J and not self.by_scaling else self.from_nm

    @property
    def area_nm(self) -> int:
        """Node of the area points."""
        if self.node_nm in AREA_M2 and not self.by_scaling:
            return self.node_nm
        return self.from_nm if self.from_nm in AREA_M2 else 45

    def cost(self, capacity_bytes: float, width_bytes: float) -> SramCost:
        """Cost of one access of ``width_bytes`` and area; raises `ValueError` unless both are positive."""
        if capacity_bytes <= 0 or width_bytes <= 0:
            raise ValueError(f"an SRAM has a capacity and a width above zero, got {capacity_bytes} and {width_bytes}")
        energy, energy_source = self._read(capacity_bytes)
        area, area_source = self._area(capacity_bytes)
        words = width_bytes / REFERENCE_BYTES
        read = energy * words
        return SramCost(
            read,
            read * write_ratio(capacity_bytes),
            area,
            f"energy: {energy_source}, x {words:g} for {width_bytes:g} B; write/read {TPU}; area: {area_source}",
            "interpolated; proportional to width, write/read ratio away from 4 and 128 MiB: assumed",
        )

    def numbers(self) -> list[Number]:
        """The points themselves, scaled where the node has none of its own."""
        energy_scale, energy_rule = self._scale(self.energy_nm)
        area_scale, area_rule = self._scale(self.area_nm, area=True)
        found = _numbers("sram.read_64b", READ_J[self.energy_nm], "J", energy_scale, energy_rule)
        found += _numbers("sram.area", AREA_M2[self.area_nm], "m2", area_scale, area_rule)
        found += _numbers("sram.write_over_read", WRITE_RATIO, "1")
        if self.node_nm == 45:
            found += _numbers("published.sram.read_64b", HOROWITZ_READ_J, "J")
        return found

    def _read(self, capacity: float) -> tuple[float, str]:
        scale, words = self._scale(self.energy_nm)
        value, source = interpolate(READ_J[self.energy_nm], capacity)
        return value * scale, f"{source} {words}".rstrip()

    def _area(self, capacity: float) -> tuple[float, str]:
        scale, words = self._scale(self.area_nm, area=True)
        value, source = interpolate(AREA_M2[self.area_nm], capacity)
        return value * scale, f"{source} {words}".rstrip()

    def _scale(self, from_nm: int, area: bool = False) -> tuple[float, str]:
        """Factor from the node of the points, and its words; 1 and nothing where the points are this node's."""
        at_home = from_nm == self.node_nm and (area or self.voltage_v == VOLTAGE_V)
        if at_home:
            return 1.0, ""
        if area:
            factor = area_factor(from_nm, self.node_nm)
        else:
            factor = energy_factor(from_nm, self.node_nm, VOLTAGE_V, self.voltage_v)
        return factor, rule(from_nm, self.node_nm, factor, VOLTAGE_V if area else self.voltage_v)


def write_ratio(capacity_bytes: float) -> float:
    """Energy of a write over that of a read, held constant outside the two published capacities."""
    sizes = np.log(list(WRITE_RATIO))
    return float(np.interp(np.log(capacity_bytes), sizes, [value for value, _, _ in WRITE_RATIO.values()]))


def interpolate(points: Points, capacity_bytes: float) -> tuple[float, str]:
    """Log-log interpolated value and the words that say from which points, or that it lies outside them.

    >>> interpolate({1024: (1.0, "A", "read"), 4096: (4.0, "A", "read")}, 2048)
    (2.0, 'A, between 1 KiB and 4 KiB')
    """
    sizes = sorted(points)
    upper = next((index for index in range(1, len(sizes)) if capacity_bytes <= sizes[index]), len(sizes) - 1)
    low, high = sizes[upper - 1], sizes[upper]
    for size in (low, high):
        if capacity_bytes == size:
            return points[size][0], f"{points[size][1]}, {_readable(size)}"
    slope = np.log(points[high][0] / points[low][0]) / np.log(high / low)
    value = points[low][0] * (capacity_bytes / low) ** slope
    sources = " and ".join(dict.fromkeys((points[low][1], points[high][1])))
    between = f"between {_readable(low)} and {_readable(high)}"
    if not sizes[0] <= capacity_bytes <= sizes[-1]:
        between = f"extrapolated to {_readable(capacity_bytes)} with the slope {between}"
    return float(value), f"{sources}, {between}"


def _numbers(name: str, points: Points, unit: str, scale: float = 1.0, words: str = "") -> list[Number]:
    return [
        Number(
            f"{name}.{_readable(size).replace(' ', '')}",
            value * scale,
            unit,
            f"{source} {words}".rstrip(),
            f"scaled ({status})" if words else status,
        )
        for size, (value, source, status) in points.items()
    ]


def _readable(size: float) -> str:
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size:g} B"
