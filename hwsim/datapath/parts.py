"""The gates of a datapath as a list of primitives, and what they cost in a technology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwsim.technology.base import Technology
    from hwsim.technology.primitives import Primitive

EXPONENT_PARTS = frozenset({"exponent adder", "exponent maximum", "exponent difference"})
"""Parts that work beside the significands unless they say otherwise."""
JOINING_PARTS = frozenset({"aligner", "tree adder", "accumulator adder", "product rounder"})
"""Parts that need exponents and significands unless they say otherwise."""


@dataclass(frozen=True)
class Part:
    """``count`` copies of a primitive, of which ``per_mac`` are switched per multiply-accumulate."""

    name: str
    primitive: Primitive
    count: float = 1.0
    """Copies per lane of the datapath: a unit of L lanes shared by all of them has one L-th per lane."""
    per_mac: float = 1.0
    """Operations of the primitive per multiply-accumulate."""
    in_series: float = 1.0
    """Copies that a signal passes one after the other: the levels of a tree; 0 for what is beside every path."""
    chain: str | None = None
    """Parts of one chain follow one another as listed, chains work side by side. ``significand`` and ``exponent``
    start at the operands; any other starts at a register of its own (``output``: behind the accumulator). By
    default an exponent part (`EXPONENT_PARTS`) is on the exponent chain and all others on that of significands."""
    joins: bool | None = None
    """Whether it waits for both the significand and the exponent chain; by default `JOINING_PARTS` do."""

    def scaled(self, factor: float, prefix: str = "") -> Part:
        """The same part, used ``factor`` times as often and present ``factor`` times as much."""
        return replace(self, name=prefix + self.name, count=self.count * factor, per_mac=self.per_mac * factor)

    @property
    def on_chain(self) -> str:
        """The chain that it is on."""
        return self.chain or ("exponent" if self.name in EXPONENT_PARTS else "significand")

    @property
    def waits_for_both(self) -> bool:
        """Whether significand and exponent must both have arrived."""
        return self.name in JOINING_PARTS if self.joins is None else self.joins

    @property
    def gate_delays(self) -> float:
        """The way through it, in delays of a NAND2."""
        return self.in_series * self.primitive.gate_delays()


@dataclass(frozen=True)
class DatapathCost:
    """Area, energy and delay of one lane (one multiply-accumulate per cycle) by part."""

    area_m2: Mapping[str, float]
    """Area per lane, by part name."""
    energy_per_mac_j: Mapping[str, float]
    """Energy of one multiply-accumulate, by part name."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each part's numbers come from."""
    critical_path: Mapping[str, float] = field(default_factory=dict)
    """The longest way from register to register: part name to gate delays, in the order of the signal."""
    register_bits: float = 0.0
    """Flip-flops per lane."""

    @property
    def total_area_m2(self) -> float:
        """Area of one lane."""
        return sum(self.area_m2.values())

    @property
    def total_energy_per_mac_j(self) -> float:
        """Energy of one multiply-accumulate."""
        return sum(self.energy_per_mac_j.values())

    @property
    def critical_path_gates(self) -> float:
        """The longest way from register to register in delays of a NAND2, as one stage: nothing is pipelined."""
        return sum(self.critical_path.values())


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
    flip_flops = sum(part.count * part.primitive.terms().get("register_bit", 0.0) for part in parts)
    return DatapathCost(area, energy, sources, critical_path(parts), flip_flops)


def critical_path(parts: Sequence[Part]) -> dict[str, float]:
    """The longest way through ``parts``, listed in the order of the signal: part name to gate delays.

    The time at which a chain's signal leaves a part is the time it arrived there plus the part's own delays; a part
    that joins starts when both the significand and the exponent are there.
    """
    chains: dict[str, dict[str, float]] = {}
    for part in parts:
        delays = part.gate_delays
        if not delays:
            continue
        chain = part.on_chain
        arrived = chains.get(chain, {})
        if part.waits_for_both and chain in ("significand", "exponent"):
            arrived = max(arrived, chains.get("exponent", {}), chains.get("significand", {}), key=_length)
        chains[chain] = {**arrived, part.name: arrived.get(part.name, 0.0) + delays}
    return max(chains.values(), key=_length, default={})


def _length(path: Mapping[str, float]) -> float:
    return sum(path.values())
