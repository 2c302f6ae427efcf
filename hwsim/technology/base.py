"""`Technology`: a process node that answers what a primitive, an SRAM or a DRAM costs, and from which source."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from hwsim.base.errors import InputError, did_you_mean
from hwsim.technology import checks, dram, gates, published, scaling, sram
from hwsim.technology.calibration import fits, prices_by_scaling, prices_from_table, statuses
from hwsim.technology.primitives import Gate, Primitive
from hwsim.technology.records import Cost, DramCost, Number, Price, SramCost


@dataclass(frozen=True)
class Technology:
    """A node's price list. Make one with `hwsim.technology.get`.

    Energies are dynamic only: the sources publish no leakage, so none is modelled.
    """

    name: str
    node_nm: int
    voltage_v: float
    rule: str
    """How the prices came about: the node's own table, or scaling and from where."""
    prices: Mapping[str, Price] = field(repr=False)
    sram_table: sram.SramTable = field(repr=False)
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

    def sram(self, capacity_bytes: float, width_bytes: float) -> SramCost:
        """Energy of one access of ``width_bytes`` to an SRAM of ``capacity_bytes``, and its area."""
        return self.sram_table.cost(capacity_bytes, width_bytes)

    def dram(self, standard: str) -> DramCost:
        """Energy per bit and bandwidth of a DRAM standard; raises `InputError` with the nearest name."""
        return dram.get(standard)

    def numbers(self) -> list[Number]:
        """Every number of this technology with source and status: published, fitted (with residuals), scaled."""
        found = [number for price in self.prices.values() for number in price.numbers()]
        found += self._residuals()
        found += [number for row in published.rows(self._fitted_nm) for number in row.numbers()]
        found += [*published.COMPARE, *gates.numbers(), *checks.numbers(self)]
        return [*found, *scaling.numbers(self.node_nm), *self.sram_table.numbers(), *dram.numbers()]

    @property
    def _fitted_nm(self) -> int:
        """The node whose published rows the energies were fitted to."""
        return 45 if self.sram_table.by_scaling else self.node_nm

    def _residuals(self) -> list[Number]:
        """(predicted - published) / published of every row of the fits behind the prices."""
        areas_nm = self._fitted_nm if fits(self._fitted_nm, "area_m2") else 45
        return [
            Number(
                f"residual.{row}.{word}",
                value,
                "1",
                f"{form} at {node} nm over its published row",
                "fitted" if result.coefficients else "comparison",
            )
            for word, node, found in (
                ("energy", self._fitted_nm, fits(self._fitted_nm, "energy_j")),
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


def get(name: str) -> Technology:
    """The technology called ``name``: ``45nm`` and ``7nm`` from their tables, others scaled from 45 nm.

    ``7nm_scaled`` is 7 nm by the scaling rule, for comparison. Raises `InputError` with the nearest name.
    """
    key = str(name).strip().lower().replace(" ", "")
    if key in TABLES:
        return from_table(TABLES[key])
    if key in SCALED:
        return scaled(SCALED[key])
    raise InputError(f"unknown technology '{name}'{_nearest(key)}")


def _nearest(key: str) -> str:
    """By size for a node, by spelling for anything else."""
    written = re.fullmatch(r"(\d+(?:\.\d+)?)(?:nm)?", key)
    if written is None or float(written[1]) == 0:
        return did_you_mean(key, names())
    nodes = [name for name in names() if name.endswith("nm")]
    nearest = min(nodes, key=lambda name: abs(math.log(float(written[1]) / float(name[:-2]))))
    return did_you_mean(nearest, [nearest])


@cache
def from_table(node_nm: int) -> Technology:
    """A node with a published table: its own energies, and its own areas or those of 45 nm scaled."""
    words = f"own table at {node_nm} nm"
    if not fits(node_nm, "area_m2"):
        words += f"; areas from 45 nm by {scaling.SOURCE}"
    return Technology(
        f"{node_nm}nm",
        node_nm,
        scaling.VOLTAGE_V,
        words,
        prices_from_table(node_nm),
        sram.SramTable(node_nm),
        statuses(node_nm),
    )


@cache
def scaled(node_nm: int, voltage_v: float = scaling.VOLTAGE_V) -> Technology:
    """45 nm brought to ``node_nm`` and ``voltage_v`` by Stillmaker & Baas 2017 (see `hwsim.technology.scaling`).

    SRAM at 22 nm and 0.9 V keeps CACTI's own points. Raises `InputError` outside 7 to 130 nm.
    """
    own_sram = node_nm == 22 and voltage_v == scaling.VOLTAGE_V
    return Technology(
        f"{node_nm}nm_scaled" if f"{node_nm}nm" in TABLES else f"{node_nm}nm",
        node_nm,
        voltage_v,
        f"45 nm {scaling.rule(45, node_nm, scaling.energy_factor(45, node_nm, to_v=voltage_v))}, {voltage_v:g} V",
        prices_by_scaling(node_nm, voltage_v),
        sram.SramTable(node_nm, voltage_v, by_scaling=not own_sram),
        {name: f"scaled ({status})" for name, status in statuses(45).items()},
    )
