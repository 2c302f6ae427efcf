"""Register files: flip-flops, priced per bit."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from hwsim.base.quantities import Bytes
from hwsim.memory.base import Memory, MemoryCost, memories
from hwsim.technology import Register, Technology


@memories.register("registers")
class Registers(Memory):
    """Registers: ``{kind: registers, capacity: 256 B, width: 4 B, ports: 3}``.

    Each port does one access of ``width`` bytes per cycle. Every bit is a register bit of the technology; the
    multiplexers that select a word are not counted here.
    """

    kind: Literal["registers"] = "registers"
    capacity: Bytes
    """Bytes of all registers."""
    width: Bytes
    """Bytes of one access through one port."""
    ports: int = Field(default=1, ge=1)
    """Accesses per cycle."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(capacity=256, width=4, ports=3), cls(capacity=1, width=1)]

    def own_bytes_per_cycle(self, clock_hz: float) -> float:
        """``width x banks x ports``."""
        return float(self.width * self.banks * self.ports)

    def cost(self, technology: Technology) -> MemoryCost:
        """``capacity`` register bits of area; a byte moved is eight register bits read or written."""
        byte = technology.cost(Register(8))
        source = f"{byte.source} ({byte.status}); a write taken as a read: assumed"
        return self.overridden(MemoryCost(byte.area_m2 * self.capacity, byte.energy_j, byte.energy_j, source))
