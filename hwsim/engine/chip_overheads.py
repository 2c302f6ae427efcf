"""What a chip draws beside the actions of its parts, step by step: leakage, clock pins, wires.

- ``leakage``: (W/m² of logic x area of logic + W/m² of SRAM x area of memories) x time of the step.
- ``clock``: flip-flops of compute unit, vector unit and register files x energy per bit and cycle x cycles; nothing
  is gated.
- ``wires.array``: bits that pass from one processing element to the next x the pitch, the side of an element that is
  square (*assumed*).
- ``wires.<memory>``: bits read from or written to a memory on the chip x half the side of the chip, or of the core
  or processing element that it belongs to, all square (*assumed*: a memory's bus leads to the middle). Off-chip memory
  has its interface's wires in its energy per bit.

The four prices and their sources: `hwsim.technology.chip`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwsim.technology import chip

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.arch.costs import Prices


class ChipOverheads:
    """Powers, distances and energies per bit of one architecture; `energy` costs one step."""

    def __init__(self, architecture: Architecture, prices: Prices, area_m2: Mapping[str, float]) -> None:
        self.unit = architecture.compute
        memories = architecture.memories
        price = {key: number.value for key, number in prices.chip.items()}
        stored = sum(area for name, area in area_m2.items() if name in memories and memories[name].kind != "registers")
        total = sum(area_m2.values())
        watts = price[chip.LOGIC] * (total - stored) + price[chip.SRAM] * stored
        self.leakage_j_per_cycle = watts / architecture.clock_hz
        self.flip_flops = sum(cost.register_bits for cost in prices.units.values()) + sum(
            8 * (memory.capacity or 0) * self.unit.instances(memory.per)
            for memory in memories.values()
            if memory.kind == "registers"
        )
        self.clock_j_per_cycle = price[chip.CLOCK] * self.flip_flops
        self.wire_j_per_bit_m = price[chip.WIRE]
        self.pitch_m = math.sqrt(prices.units["compute"].total_area_m2 / self.unit.element_count)
        self.distance_m = {
            name: math.sqrt(total / self.unit.instances(memory.per)) / 2
            for name, memory in memories.items()
            if memory.on_chip
        }

    @property
    def per_cycle_j(self) -> float:
        """Joules that every cycle costs."""
        return self.leakage_j_per_cycle + self.clock_j_per_cycle

    def wire_j_per_bit(self, name: str) -> float:
        """Joules of a bit on the way to or from a memory on the chip; of another it is in its price."""
        return self.distance_m.get(name, 0.0) * self.wire_j_per_bit_m

    def hops_j(self, bits: int) -> float:
        """Joules of bits that go from one processing element to the next."""
        return bits * self.pitch_m * self.wire_j_per_bit_m

    def energy(self, row: Mapping[str, Any], passed: int) -> dict[str, float]:
        """Energy by component of a step with ``row``'s cycles and traffic, and bits ``passed`` between neighbours."""
        wires = {"wires.array": self.hops_j(passed)} if passed else {}
        wires |= {
            f"wires.{name}": 8 * (moved["read"] + moved["write"]) * self.wire_j_per_bit(name)
            for name, moved in row["traffic_bytes"].items()
            if name in self.distance_m
        }
        cycles = row["cycles"]
        return {"leakage": cycles * self.leakage_j_per_cycle, "clock": cycles * self.clock_j_per_cycle, **wires}
