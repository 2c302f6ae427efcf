"""Off-chip DRAM by standard: bandwidth from stacks or channels, energy per bit from the technology's table."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema, model_validator

from hwsim.base.errors import InputError
from hwsim.base.quantities import Joules
from hwsim.memory import dram_standards
from hwsim.memory.base import Memory, MemoryCost, memories
from hwsim.memory.dram_access import Access, AccessPattern, AccessTiming, access_timing, steady_efficiency
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


def _whole_access(value: Any) -> Any:
    """``value`` as it is; what spans several keys of a pattern is said before it is taken for no pattern at all."""
    if isinstance(value, dict):
        try:
            Access.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            if first["type"] == "value_error":
                raise ValueError(str(first["ctx"]["error"])) from None
    return value


@memories.register("dram")
class Dram(Memory):
    """DRAM of a standard: ``{kind: dram, standard: HBM2, stacks: 1}``.

    Peak bandwidth is ``bandwidth`` where given, else that of the standard times ``stacks`` (HBM) or ``channels``
    (others). Without a standard, bandwidth and energies are the user's: ``{kind: dram, read_bandwidth: 64 bit/cycle,
    write_bandwidth: 64 bit/cycle, read_energy: 700 pJ/access, write_energy: 750 pJ/access}``. The devices and the PHY
    are not counted as chip area: no source here publishes them.

    ``access`` takes from the standard's peak what row misses, refreshes and turns of the bus cost
    (`hwsim.memory.dram_access`); a bandwidth that the user writes stays as it is.
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

    access: Annotated[Literal["peak", "sequential"] | Access, BeforeValidator(_whole_access)] = "peak"
    """What the standard's bandwidth is derated by: nothing, ``sequential``, or runs such as ``{run: 256 B}``."""
    activate_energy: Joules | None = None
    """Opening and closing a row, e.g. ``909 pJ``; none: the energy per bit has its part of it (*assumed*)."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(standard="HBM2", stacks=2),
            cls(standard="LPDDR5", access="sequential"),
            cls(standard="DDR4", capacity=1 << 33, bandwidth=1.5e10),
        ]

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
            if self.stacks or self.channels or self.access != "peak":
                raise ValueError("stacks, channels and access are of a standard (such as 'HBM3'), and none is written")
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
        """``bandwidth``, or the standard's times stacks or channels; infinity where neither is stated. Not derated."""
        if self.bandwidth is not None:
            return self.bandwidth
        return (
            float("inf") if self.standard is None else self.parts * standards.get(self.standard).bandwidth_bytes_per_s
        )

    @property
    def pattern(self) -> Access | None:
        """``access`` as a record; None for the peak."""
        if self.access == "peak":
            return None
        return Access() if self.access == "sequential" else self.access

    def own_bytes_per_cycle(self, clock_hz: float) -> float:
        """Bandwidth over the clock: the user's as written, the standard's times the efficiency of ``access``."""
        peak = self.peak_bytes_per_s / clock_hz
        if self.pattern is None or self.bandwidth is not None or self.standard is None:
            return peak
        return peak * steady_efficiency(self.pattern, self.standard, self.parts)

    def timing_of(self, run_bytes: int | None, read_bytes: int, write_bytes: int) -> AccessTiming | None:
        """What it takes to read and write so many bytes in runs of ``run_bytes`` (None: one run), reads first.

        Cycles, row hits and misses, refreshes and efficiency, with the mapping of ``access``; None without a standard
        or without bytes.
        """
        total = read_bytes + write_bytes
        if self.standard is None or total == 0:
            return None
        written = self.pattern or Access()
        mapping = {"mapping": written.mapping, "interleave": written.interleave}
        runs = {} if run_bytes is None or run_bytes >= total else {"run": run_bytes}
        pattern = AccessPattern.model_validate({**mapping, **runs, "bytes": total, "writes": write_bytes / total})
        return access_timing(pattern, dram_standards.get(self.standard), self.parts)

    def efficiency_of(self, run_bytes: int | None, read_bytes: int, write_bytes: int) -> float:
        """Part of the data bus's peak that such accesses reach; 1 where nothing is known of the DRAM."""
        found = self.timing_of(run_bytes, read_bytes, write_bytes)
        return 1.0 if found is None else found.efficiency

    def cost(self, technology: Technology) -> MemoryCost:
        """Energy per byte of the standard, the same for reads and writes; no area on the chip."""
        per_byte, source = 0.0, "no chip area"
        if self.standard is not None:
            found = technology.dram(self.standard)
            per_byte, source = 8 * found.energy_j_per_bit, f"{found.source} ({found.status})"
        return self.overridden(MemoryCost(0.0, per_byte, per_byte, source, activate_j=self.activate_energy))
