"""On-chip SRAM by capacity and width."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hwsim.base.quantities import Bytes
from hwsim.memory.base import Memory, MemoryCost, memories
from hwsim.technology import Technology
from hwsim.technology.sram import REFERENCE_BYTES


class SramMacro(Memory):
    """What is built from SRAM macros: capacity, ports, and how the price goes with ports and banks.

    A port beyond the first adds a word line and bit lines to every cell: area and energy of an access grow by
    ``port_area`` and ``port_energy`` of the single-ported macro with each. Both are *assumed*: no source here prices
    ports.
    """

    capacity: Bytes
    """Bytes of all banks together."""
    ports: int = Field(default=1, ge=1)
    """Accesses of one bank per cycle."""
    port_area: float = Field(default=0.5, ge=0)
    """Area that each further port adds, in single-ported macros (*assumed*)."""
    port_energy: float = Field(default=0.25, ge=0)
    """Energy that each further port adds to an access, in accesses of a single-ported macro (*assumed*)."""
    macro: Literal["whole", "per_bank"] = "whole"
    """'whole' prices one macro of the capacity, with the wires to its banks; 'per_bank' a macro for each bank."""

    @model_validator(mode="after")
    def _has_a_rate(self) -> Self:
        both_ways = self.read_bandwidth is not None and self.write_bandwidth is not None
        if self.width is None and self.bandwidth is None and not both_ways:
            raise ValueError(
                "an SRAM needs a width (such as '64 B'), a bandwidth (such as '5.5 TB/s') or "
                "read_bandwidth and write_bandwidth (such as '2048 bit/cycle')"
            )
        if self.width is not None and self.width * self.banks > self.capacity:
            raise ValueError(f"{self.banks} banks of {self.width} B words exceed the capacity of {self.capacity} B")
        return self

    def own_bytes_per_cycle(self, clock_hz: float) -> float:
        """``width x banks x ports``; no bank conflicts."""
        return float("inf") if self.width is None else float(self.width * self.banks * self.ports)

    def cost(self, technology: Technology) -> MemoryCost:
        """Area of all macros and energy per byte of an access of ``width``, ports included."""
        width = self.width or REFERENCE_BYTES
        macros = self.banks if self.macro == "per_bank" else 1
        found = technology.sram(self.capacity / macros, width)
        further = self.ports - 1
        energy, area = 1 + self.port_energy * further, macros * (1 + self.port_area * further)
        words = f"{found.source} ({found.status})"
        if further:
            words += f"; {self.ports} ports: energy x {energy:g}, area x {1 + self.port_area * further:g} (assumed)"
        if macros > 1:
            words += f"; {macros} macros"
        return self.overridden(
            MemoryCost(area * found.area_m2, energy * found.read_j / width, energy * found.write_j / width, words)
        )


@memories.register("sram")
class Sram(SramMacro):
    """SRAM: ``{kind: sram, capacity: 1 MiB, width: 64 B, banks: 8, double_buffered: true}``.

    Each port of each bank does one access of ``width`` bytes per cycle, a read or a write, so the peak is
    ``width x banks x ports`` bytes per cycle, reached when no two accesses meet in one bank. ``bandwidth`` caps it;
    with no ``width`` it is the peak. ``read_bandwidth`` and ``write_bandwidth`` say each way's in bits per cycle.
    ``capacity`` counts all banks together. ``ports`` beyond the first cost what `SramMacro` assumes.
    """

    kind: Literal["sram"] = "sram"

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(capacity=1 << 20, width=64, banks=8, double_buffered=True),
            cls(capacity=100, bandwidth=3e9),
            cls(capacity=1 << 16, width=8, ports=2, banks=4, macro="per_bank"),
        ]
