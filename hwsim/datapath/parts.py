"""The gates of a datapath as a list of primitives, and what they cost in a technology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwsim.technology.base import Technology
    from hwsim.technology.primitives import Primitive


@dataclass(frozen=True)
class Part:
    """``count`` copies of a primitive, of which ``per_mac`` are switched per multiply-accumulate."""

    name: str
    primitive: Primitive
    count: float = 1.0
    """Copies per lane of the datapath: a unit of L lanes shared by all of them has one L-th per lane."""
    per_mac: float = 1.0
    """Operations of the primitive per multiply-accumulate."""

    def scaled(self, factor: float, prefix: str = "") -> Part:
        """The same part, used ``factor`` times as often and present ``factor`` times as much."""
        return replace(self, name=prefix + self.name, count=self.count * factor, per_mac=self.per_mac * factor)


@dataclass(frozen=True)
class DatapathCost:
    """Area and energy of one lane (one multiply-accumulate per cycle) by part."""

    area_m2: Mapping[str, float]
    """Area per lane, by part name."""
    energy_per_mac_j: Mapping[str, float]
    """Energy of one multiply-accumulate, by part name."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each part's numbers come from."""

    @property
    def total_area_m2(self) -> float:
        """Area of one lane."""
        return sum(self.area_m2.values())

    @property
    def total_energy_per_mac_j(self) -> float:
        """Energy of one multiply-accumulate."""
        return sum(self.energy_per_mac_j.values())


def cost_of(parts: list[Part], technology: Technology) -> DatapathCost:
    """Sum of ``parts`` in ``technology``; parts of one name are added up."""
    area: dict[str, float] = {}
    energy: dict[str, float] = {}
    sources: dict[str, str] = {}
    for part in parts:
        cost = technology.cost(part.primitive)
        area[part.name] = area.get(part.name, 0.0) + part.count * cost.area_m2
        energy[part.name] = energy.get(part.name, 0.0) + part.per_mac * cost.energy_j
        sources[part.name] = f"{cost.source} ({cost.status})"
    return DatapathCost(area, energy, sources)
