"""What a technology answers with: numbers that carry their source, and costs built from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Number:
    """One value with where it comes from.

    ``status`` is ``read`` (seen in the source), ``measured`` (a public tool was run), ``recalled`` (commonly quoted,
    the source not opened), ``assumed``, ``comparison`` (model over published), or begins with ``fitted``,
    ``scaled`` (by a published factor) or ``ratio`` (a gate in units of another), with the status of its origin.
    """

    name: str
    value: float
    unit: str
    """SI without prefix (J, m2, s, B/s, J/bit), or 1 for a ratio."""
    source: str
    status: str


@dataclass(frozen=True)
class Price:
    """Energy of one operation and area of one structural term (an adder bit, a multiplier cell, a gate)."""

    term: str
    energy_j: float
    area_m2: float
    energy_source: str
    area_source: str
    energy_status: str
    area_status: str
    delay_s: float | None = None

    @property
    def source(self) -> str:
        """Both sources in one line, or the one that they share."""
        if self.energy_source == self.area_source:
            return self.energy_source
        return f"energy: {self.energy_source}; area: {self.area_source}"

    @property
    def status(self) -> str:
        """Both statuses in one line, or the one that they share."""
        if self.energy_status == self.area_status:
            return self.energy_status
        return f"energy {self.energy_status}; area {self.area_status}"

    def scaled(self, energy: float, area: float, energy_rule: str, area_rule: str) -> Price:
        """The price at another node: a factor and the rule that gave it, for energy and for area.

        An empty rule leaves that half as it is. Delay has no published factor, so a price with one is not scaled.
        """
        if self.delay_s is not None:
            raise ValueError(f"no rule scales the delay of {self.term}")
        price = self
        if energy_rule:
            price = replace(
                price,
                energy_j=self.energy_j * energy,
                energy_source=f"{self.energy_source} {energy_rule}",
                energy_status=_scaled(self.energy_status),
            )
        if area_rule:
            price = replace(
                price,
                area_m2=self.area_m2 * area,
                area_source=f"{self.area_source} {area_rule}",
                area_status=_scaled(self.area_status),
            )
        return price

    def numbers(self) -> list[Number]:
        """Energy, area and, where known, delay of this term."""
        rows = [
            Number(f"{self.term}.energy", self.energy_j, "J", self.energy_source, self.energy_status),
            Number(f"{self.term}.area", self.area_m2, "m2", self.area_source, self.area_status),
        ]
        if self.delay_s is not None:
            rows.append(Number(f"{self.term}.delay", self.delay_s, "s", self.energy_source, self.energy_status))
        return rows


def _scaled(status: str) -> str:
    return status if status.startswith("scaled") else f"scaled ({status})"


def halves(status: str) -> tuple[str, str] | None:
    """The statuses of energy and area that a unit's status says in one line; None where it says no two.

    >>> halves("scaled (energy fitted, residual ±1 %; area read)")
    ('scaled (fitted, residual ±1 %)', 'scaled (read)')
    """
    outer = status.startswith("scaled (energy ")
    energy, found, area = status.removeprefix("scaled (").removesuffix(")" if outer else "").partition("; area ")
    if not found:
        return None
    energy = energy.removeprefix("energy ")
    return (_scaled(energy), _scaled(area)) if outer else (energy, area)


def source_and_status(text: str) -> tuple[str, str]:
    """``"source (status)"`` taken apart at the parenthesis that the last one closes.

    >>> source_and_status("a fit (to 2 rows) (fitted (read))")
    ('a fit (to 2 rows)', 'fitted (read)')
    """
    depth = 0
    for index in range(len(text) - 1, -1, -1):
        depth += (text[index] == ")") - (text[index] == "(")
        if depth == 0:
            return (text[:index].rstrip(), text[index + 1 : -1]) if text.endswith(")") else (text, "")
    return text, ""


@dataclass(frozen=True)
class Cost:
    """One instance of a primitive: energy of one operation, area, and delay in gates and, where known, seconds."""

    energy_j: float
    area_m2: float
    delay_s: float | None
    source: str
    status: str
    gate_delays: float = 0.0
    """Longest way through it in delays of a NAND2."""


@dataclass(frozen=True)
class SramCost:
    """An SRAM macro: energy of one access of its width, and area."""

    read_j: float
    write_j: float
    area_m2: float
    source: str
    status: str


@dataclass(frozen=True)
class DramCost:
    """A DRAM standard: energy per bit moved and peak bandwidth of one stack or channel."""

    standard: str
    energy_j_per_bit: float
    bandwidth_bytes_per_s: float
    part: Literal["stack", "channel"]
    """What the bandwidth is of."""
    channel_bits: int | None
    """Data wires of one channel; None for a stack."""
    source: str
    status: str
