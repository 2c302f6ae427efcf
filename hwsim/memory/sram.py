"""On-chip SRAM by capacity and width."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hwsim.base.quantities import Bytes
from hwsim.memory.base import Memory, MemoryCost, memories
from hwsim.technology import Technology
from hwsim.technology.sram import REFERENCE_BYTES


@memories.register("sram")
class Sram(Memory):
    """SRAM: ``{kind: sram, capacity: 1 MiB, width: 64 B, banks: 8, double_buffered: true}``.

    Each port of each bank does one access of ``width`` bytes per cycle, a read or a write, so the peak is
    ``width x banks x ports`` bytes per cycle, reached when no two accesses meet in one bank. ``bandwidth`` caps it;
    with no ``width`` it is the peak. ``read_bandwidth`` and ``write_bandwidth`` say each way's in bits per cycle.
    ``capacity`` counts all banks together.
    """

    kind: Literal["sram"] = "sram"
    capacity: Bytes
    """Bytes of all banks together."""
    ports: int = Field(default=1, ge=1)
    """Accesses of one bank per cycle. The cost is that of single-ported cells: no source here prices ports."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(capacity=1 << 20, width=64, banks=8, double_buffered=True), cls(capacity=100, bandwidth=3e9)]

    @model_validator(mode="after")
    def _has_a_rate(self) -> Sram:
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
        """Area of the whole capacity and energy per byte of an access of ``width``.

        Priced as one macro of ``capacity``, whatever the banks: the wires to reach a bank remain.
        """
        width = self.width or REFERENCE_BYTES
        found = technology.sram(self.capacity, width)
        return self.overridden(
            MemoryCost(found.area_m2, found.read_j / width, found.write_j / width, f"{found.source} ({found.status})")
        )
