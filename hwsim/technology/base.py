"""`Technology`: a process node that answers what a primitive, an SRAM or a DRAM costs, and from which source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from hwsim.base.errors import InputError, did_you_mean
from hwsim.technology import checks, chip, dram, gates, published, scaling, sram
from hwsim.technology.calibration import fits, prices_by_scaling, prices_from_table, statuses
from hwsim.technology.primitives import Gate, Primitive
from hwsim.technology.records import Cost, DramCost, Number, Price, SramCost, halves


@dataclass(frozen=True)
class Technology:
    """A node's price list. Make one with `hwsim.technology.get`.

    Energies are those of one operation; leakage, clock and wires: `hwsim.technology.chip`.
    """

    name: str
    node_nm: int
    voltage_v: float
    rule: str
    """How the prices came about: the node's own table, or scaling and from where."""
    prices: Mapping[str, Price] = field(repr=False)
    sram_table: sram.SramTable = field(repr=False)
    table_nm: int = 45
    """The node whose published rows the energies were fitted to."""
    statuses: Mapping[str, str] = field(repr=False, default_factory=dict)
    """Residuals of the units that the table has rows of, by class name."""

    def cost(self, primitive: Primitive) -> Cost:
        """Energy of one operation and area: the sum over ``primitive.terms()`` of count times price; gate delays.

        ``delay_s`` is set where a source gives it (single NAND2 and XOR2 gates at 28 nm), else None.
        Raises `ValueError` for a term without a price at this node.
        """
        counts = {term: count for term, count in primitive.terms().items() if count}
        missing = counts.keys() - self.prices.keys()
        if missing:
            raise ValueError(f"{self.name} has no price for {', '.join(sorted(missing))} of {primitive}")
        used = [self.prices[term] for term in counts]
        status = "; ".join(dict.fromkeys(price.status for price in used)) or "read"
        return Cost(
            sum(count * self.prices[term].energy_j for term, count in counts.items()),
            sum(count * self.prices[term].area_m2 for term, count in counts.items()),
            used[0].delay_s if used and isinstance(primitive, Gate) else None,
            "; ".join(dict.fromkeys(price.source for price in used)),
            self.statuses.get(type(primitive).__name__, status),
            primitive.gate_delays(),
        )

    def figures(self, name: str, primitive: Primitive) -> list[Number]:
        """`cost` as numbers ``name.energy``, ``name.area`` and ``name.delay`` (in NAND2), each with its own source."""
        cost = self.cost(primitive)
        used = [self.prices[term] for term, count in primitive.terms().items() if count]
        energies = "; ".join(dict.fromkeys(price.energy_source for price in used if price.energy_j))
        areas = "; ".join(dict.fromkeys(price.area_source for price in used if price.area_m2))
        known = halves(self.statuses.get(type(primitive).__name__, ""))
        statuses = known or (
            "; ".join(dict.fromkeys(price.energy_status for price in used if price.energy_j)),
            "; ".join(dict.fromkeys(price.area_status for price in used if price.area_m2)),
        )
        depth = "logic depth, hwsim.technology.blocks"
        return [
            Number(f"{name}.energy", cost.energy_j, "J", energies, statuses[0]),
            Number(f"{name}.area", cost.area_m2, "m2", areas, statuses[1]),
            Number(f"{name}.delay", cost.gate_delays, "gate delays", depth, "assumed"),
        ]

    def sram(self, capacity_bytes: float, width_bytes: float) -> SramCost:
        """Energy of one access of ``width_bytes`` to an SRAM of ``capacity_bytes``, and its area."""
        return self.sram_table.cost(capacity_bytes, width_bytes)

    def dram(self, standard: str) -> DramCost:
        """Energy per bit and bandwidth of a DRAM standard; raises `InputError` with the nearest name."""
        return dram.get(standard)

    def numbers(self) -> list[Number]:
        """Every number of this technology with source and status: published, fitted (with residuals), scaled."""
        found = [number for price in self.prices.values() for number in price.numbers()]
        found += [*self._residuals(), *chip.numbers(self.node_nm, self.voltage_v)]
        found += [number for row in published.rows(self.table_nm) for number in row.numbers()]
        found += [*published.COMPARE, *gates.numbers(), *checks.numbers(self)]
        return [*found, *scaling.numbers(self.node_nm), *self.sram_table.numbers(), *dram.numbers()]

    def _residuals(self) -> list[Number]:
        """(predicted - published) / published of every row of the fits behind the prices."""
        areas_nm = self.table_nm if fits(self.table_nm, "area_m2") else 45
        return [
            Number(
                f"residual.{row}.{word}",
                value,
                "1",
                f"{form} at {node} nm over its published row",
                "fitted" if result.coefficients else "comparison",
            )
            for word, node, found in (
                ("energy", self.table_nm, fits(self.table_nm, "energy_j")),
                ("area", areas_nm, fits(areas_nm, "area_m2")),
            )
            for form, result in found.items()
            for row, value in result.residuals.items()
        ]


TABLES = {"45nm": 45, "7nm": 7}
"""Nodes with a published table of their own."""
SCALED = {
    **{f"{node}nm": node for node in (*scaling.NODES, *scaling.INTERPOLATED) if f"{node}nm" not in TABLES},
    "7nm_scaled": 7,
}
"""Nodes scaled from 45 nm."""


def names() -> list[str]:
    """Every technology, largest node first."""
    known = {**TABLES, **SCALED}
    return sorted(known, key=lambda name: (-known[name], name))


def get(name: str, voltage_v: float | None = None) -> Technology:
    """The technology called ``name``: ``45nm`` and ``7nm`` from their tables, others scaled from 45 nm.

    ``7nm_scaled`` is 7 nm by the scaling rule, for comparison; ``16nm_from_7nm`` any node scaled from either table.
    ``voltage_v`` is the supply, where it is not the tables' own. Raises `InputError` with the nearest name.

    >>> get("16nm_from_7nm").rule
    'own table at 7 nm x 1.829 (Stillmaker & Baas 2017, 7 to 16 nm), 0.9 V'
    """
    key, volts = str(name).strip().lower().replace(" ", ""), voltage_v or scaling.VOLTAGE_V
    if key in TABLES:
        return from_table(TABLES[key], volts)
    if key in SCALED:
        return scaled(SCALED[key], volts)
    written = re.fullmatch(FROM, key)
    if written is not None and written[2] in TABLES and f"{written[1]}nm" in {**TABLES, **SCALED}:
        return scaled(int(written[1]), volts, TABLES[written[2]])
    raise InputError(f"unknown technology '{name}'{_nearest(key)}")


FROM = r"(\d+)nm_from_(\d+nm)"
"""How a node scaled from a table is called."""


def _nearest(key: str) -> str:
    """By size for a node, by spelling for anything else."""
    written = re.fullmatch(r"(\d+(?:\.\d+)?)(?:nm)?", key)
    if written is None or float(written[1]) == 0:
        return did_you_mean(key, names())
    nodes = [name for name in names() if name.endswith("nm")]
    nearest = min(nodes, key=lambda name: abs(math.log(float(written[1]) / float(name[:-2]))))
    return did_you_mean(nearest, [nearest])


@cache
def from_table(node_nm: int, voltage_v: float = scaling.VOLTAGE_V) -> Technology:
    """A node with a published table: its own energies, and its own areas or those of 45 nm scaled.

    At another supply than the table's, its energies are scaled along e(V) of `hwsim.technology.scaling`.
    """
    words = f"own table at {node_nm} nm"
    at_home = voltage_v == scaling.VOLTAGE_V
    if not at_home:
        factor = scaling.energy_factor(node_nm, node_nm, to_v=voltage_v)
        words += f" {scaling.rule(node_nm, node_nm, factor, voltage_v)}"
    if not fits(node_nm, "area_m2"):
        words += f"; areas from 45 nm by {scaling.SOURCE}"
    found = statuses(node_nm)
    return Technology(
        f"{node_nm}nm",
        node_nm,
        voltage_v,
        words,
        prices_from_table(node_nm) if at_home else prices_by_scaling(node_nm, voltage_v, node_nm),
        sram.SramTable(node_nm, voltage_v),
        node_nm,
        found if at_home else {name: f"scaled ({status})" for name, status in found.items()},
    )


@cache
def scaled(node_nm: int, voltage_v: float = scaling.VOLTAGE_V, from_nm: int = 45) -> Technology:
    """The table of ``from_nm`` brought to ``node_nm`` and ``voltage_v`` by Stillmaker & Baas 2017.

    SRAM at 22 nm and 0.9 V keeps CACTI's own points. Raises `InputError` outside 7 to 130 nm.
    """
    own_sram = node_nm == 22 and voltage_v == scaling.VOLTAGE_V
    factor = scaling.energy_factor(from_nm, node_nm, to_v=voltage_v)
    name = f"{node_nm}nm_scaled" if f"{node_nm}nm" in TABLES else f"{node_nm}nm"
    origin = "45 nm" if from_nm == 45 else f"own table at {from_nm} nm"
    return Technology(
        name if from_nm == 45 else f"{node_nm}nm_from_{from_nm}nm",
        node_nm,
        voltage_v,
        f"{origin} {scaling.rule(from_nm, node_nm, factor, voltage_v)}, {voltage_v:g} V",
        prices_by_scaling(node_nm, voltage_v, from_nm),
        sram.SramTable(node_nm, voltage_v, not own_sram, from_nm),
        from_nm,
        {name: f"scaled ({status})" for name, status in statuses(from_nm).items()},
    )
