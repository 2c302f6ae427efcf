"""Off-chip DRAM by standard: bandwidth from stacks or channels, energy per bit from the technology's table."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from hwsim.base.errors import InputError
from hwsim.memory.base import Memory, MemoryCost, memories
from hwsim.technology import Technology
from hwsim.technology import dram as standards


def _standard(value: Any) -> str:
    try:
        return standards.canonical(value)
    except InputError as error:
        raise ValueError(str(error)) from None


Standard = Annotated[
    str, BeforeValidator(_standard), WithJsonSchema({"type": "string", "enum": list(standards.STANDARDS)})
]


@memories.register("dram")
class Dram(Memory):
    """DRAM of a standard: ``{kind: dram, standard: HBM2, stacks: 1}``.

    Peak bandwidth is ``bandwidth`` where given, else that of the standard times ``stacks`` (HBM) or ``channels``
    (others). Without a standard, bandwidth and energies are the user's: ``{kind: dram, read_bandwidth: 64 bit/cycle,
    write_bandwidth: 64 bit/cycle, read_energy: 700 pJ/access, write_energy: 750 pJ/access}``. The devices and the PHY
    are not counted as chip area: no source here publishes them.
    """

    on_chip: ClassVar[bool] = False

    kind: Literal["dram"] = "dram"
    shared_port: bool = True
    """Reads and writes take turns on the data bus."""
    standard: Standard | None = None
    """DDR4, DDR5, LPDDR4, LPDDR5, GDDR6, HBM2, HBM2E, HBM3 or HBM3E; none where everything is written."""
    stacks: int | None = Field(default=None, ge=1)
    """Stacks of an HBM standard; one unless written."""
    channels: int | None = Field(default=None, ge=1)
    """Channels of any other standard (64 bits for DDR, 32 for LPDDR and GDDR6); one unless written."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(standard="HBM2", stacks=2), cls(standard="DDR4", capacity=1 << 33, bandwidth=1.5e10)]

    @model_validator(mode="after")
    def _of_a_standard_or_written(self) -> Self:
        if self.standard is not None:
            return self
        rate = self.bandwidth or (self.read_bandwidth and self.write_bandwidth)
        if rate is None or self.read_energy is None or self.write_energy is None:
            raise ValueError(
                "a DRAM needs a standard (such as 'HBM3'), or read_energy, write_energy and a bandwidth (or "
                "read_bandwidth and write_bandwidth)"
            )
        return self

    @model_validator(mode="after")
    def _counted_in(self) -> Self:
        if self.standard is None:
            return self
        part = standards.part(self.standard)
        other = "channels" if part == "stack" else "stacks"
        if getattr(self, other) is not None:
            raise ValueError(f"{self.standard} is counted in {part}s, not {other}; write '{part}s:' instead")
        return self

    @property
    def parts(self) -> int:
        """Stacks or channels."""
        return self.stacks or self.channels or 1

    @property
    def peak_bytes_per_s(self) -> float:
        """``bandwidth``, or that of the standard times the stacks or channels; infinity where neither is stated."""
        if self.bandwidth is not None:
            return self.bandwidth
        return (
            float("inf") if self.standard is None else self.parts * standards.get(self.standard).bandwidth_bytes_per_s
        )

    def own_bytes_per_cycle(self, clock_hz: float) -> float:
        """Peak bandwidth over the clock; no refresh, row misses or turnaround (see `hwsim.memory.dram_commands`)."""
        return self.peak_bytes_per_s / clock_hz

    def cost(self, technology: Technology) -> MemoryCost:
        """Energy per byte of the standard, the same for reads and writes; no area on the chip."""
        if self.standard is None:
            return self.overridden(MemoryCost(0.0, 0.0, 0.0, "no chip area"))
        found = technology.dram(self.standard)
        per_byte = 8 * found.energy_j_per_bit
        return self.overridden(MemoryCost(0.0, per_byte, per_byte, f"{found.source} ({found.status})"))
