"""Register files: small SRAM of several ports, or flip-flops."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from hwsim.base.quantities import Bytes
from hwsim.memory.base import MemoryCost, memories
from hwsim.memory.sram import SramMacro
from hwsim.technology import Multiplexer, Register, Technology


@memories.register("regfile")
class RegisterFile(SramMacro):
    """Register file: ``{kind: regfile, capacity: 4 KiB, width: 32 B, ports: 3}``.

    Built from SRAM cells or from flip-flops, whichever has the smaller product of area and energy of a read
    (*assumed*). SRAM is priced by its capacity, below the smallest published macro by extrapolation, and by its ports
    as `SramMacro` assumes. Of flip-flops a read costs a word of register bits and the multiplexer that selects it among
    all words, a write the word alone; each port but the one that writes has a multiplexer of its own (*assumed*).
    """

    kind: Literal["regfile"] = "regfile"
    width: Bytes
    """Bytes of one access through one port."""
    ports: int = Field(default=3, ge=1)
    """Accesses per cycle: two reads and a write unless written."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(capacity=4096, width=32), cls(capacity=64, width=4, ports=1, banks=2)]

    def cost(self, technology: Technology) -> MemoryCost:
        """Area of all words and energy per byte of an access of ``width``."""
        cells, flip_flops = super().cost(technology), self._flip_flops(technology)
        return min(cells, self.overridden(flip_flops), key=lambda cost: cost.area_m2 * cost.read_j_per_byte)

    def _flip_flops(self, technology: Technology) -> MemoryCost:
        word, words = self.width, -(-self.capacity // self.width)
        kept, one = technology.cost(Register(8 * self.capacity)), technology.cost(Register(8 * word))
        selector = technology.cost(Multiplexer(8 * word, words)) if words > 1 else None
        reads = max(self.ports - 1, 1)
        area = kept.area_m2 + (reads * selector.area_m2 if selector else 0.0)
        read = one.energy_j + (selector.energy_j if selector else 0.0)
        source = f"{one.source} ({one.status})" + (f"; multiplexer: {selector.source}" if selector else "")
        return MemoryCost(area, read / word, one.energy_j / word, f"flip-flops: {source}")
