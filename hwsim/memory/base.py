"""What every memory states and answers: capacity, width, bandwidth, what it holds, and its cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hwsim.base.quantities import BitsPerCycle, Bytes, BytesPerSecond, SquareMetres, Watts
from hwsim.base.record import Registered
from hwsim.base.registry import Registry
from hwsim.formats import FormatName
from hwsim.memory.access_energy import MoveEnergy, joules_per_byte

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

Operand = Literal["input", "weight", "output"]
"""What an operator moves: a (activations), b (weights), c (sums)."""


_PRICED = ("area_m2", "read_j_per_byte", "write_j_per_byte")
WRITTEN = "written in the architecture (written)"
"""Source and status of what the user wrote in place of the technology's number."""


@dataclass(frozen=True)
class MemoryCost:
    """Silicon area on the chip, energy per byte moved, and what else is known."""

    area_m2: float
    read_j_per_byte: float
    write_j_per_byte: float
    source: str
    leakage_w: float | None = None
    """Power without any access; None: no source publishes it and the user wrote none."""
    activate_j: float | None = None
    """Energy of opening and closing a DRAM row, beside that of the bytes; None: it is in the energy per byte."""
    written: Mapping[str, float] = field(default_factory=dict)
    """Those of the three that the user wrote in place of the technology's."""
    origin: str = ""
    """Where the others are from, where some are written."""

    def source_of(self, quantity: str) -> str:
        """Where ``area_m2``, ``read_j_per_byte`` or ``write_j_per_byte`` comes from."""
        return WRITTEN if quantity in self.written else self.origin or self.source

    def rewritten(self, given: Mapping[str, float]) -> MemoryCost:
        """The same with the values ``given`` by name, which their source then says."""
        written = {**self.written, **given}
        if not written:
            return self
        origin = self.origin or self.source
        words = f"{', '.join(sorted(written))}: written in the architecture"
        return replace(
            self,
            area_m2=written.get("area_m2", self.area_m2),
            read_j_per_byte=written.get("read_j_per_byte", self.read_j_per_byte),
            write_j_per_byte=written.get("write_j_per_byte", self.write_j_per_byte),
            source=words if len(written) == len(_PRICED) else f"{words}; else {origin}",
            written=written,
            origin=origin,
        )


class Memory(Registered, ABC):
    """A level of the hierarchy. Register a subclass in `memories` and it is a ``kind`` in YAML."""

    on_chip: ClassVar[bool] = True

    capacity: Bytes | None = None
    """Bytes; None (DRAM only) means never full."""
    width: Bytes | None = None
    """Bytes of one access of one bank through one port."""
    bandwidth: BytesPerSecond | None = None
    """Peak of the whole memory, each way."""
    read_bandwidth: BitsPerCycle | None = None
    """What it gives in a cycle, e.g. ``2048 bit/cycle``; None follows from the width or the bandwidth."""
    write_bandwidth: BitsPerCycle | None = None
    """What it takes in a cycle, e.g. ``256 B/cycle``; None follows from the width or the bandwidth."""
    shared_port: bool = False
    """Reads and writes take turns."""
    port_per_operand: bool = False
    """Inputs and weights are read side by side, each at the full rate."""
    latency: int = Field(default=0, ge=0)
    """Cycles from the first request of an operator to its first word."""
    banks: int = Field(default=1, ge=1)
    """Independent parts that serve accesses at the same time."""
    double_buffered: bool = False
    """Half the capacity is filled while the other half is in use."""
    in_place: bool = False
    """Words make room one by one as they are used: filled and emptied while in use, without a second half (as ZigZag
    assumes of every memory; optimistic where words are used more than once)."""
    holds: tuple[Operand, ...] = Field(default=("input", "weight", "output"), min_length=1)
    """The operands it may hold; others bypass it."""
    per: Literal["chip", "core", "pe"] = "chip"
    """'core', 'pe': every core, or every processing element, has one of these; figures are of one."""
    format: FormatName | None = None
    """Number format of the sums that are added in this memory (an accumulator memory)."""
    overflow: Literal["wrap", "saturate"] | None = None
    """What a sum too large for `format` becomes; None is the format's own default."""
    rounding: Literal["rne", "rna", "rz", "ru", "rd"] = "rne"
    """How sums are rounded to `format`."""
    read_energy: MoveEnergy | None = None
    """Overrides the technology's energy, e.g. ``0.25 pJ/bit`` or ``416 pJ/access``."""
    write_energy: MoveEnergy | None = None
    """Overrides the technology's energy, e.g. ``2 pJ/B`` or ``378 pJ/access``."""
    area: SquareMetres | None = None
    """Overrides the technology's area, e.g. ``1.2 mm2``."""

    leakage: Watts | None = None
    """Power without any access, e.g. ``3 mW`` (of a DRAM: background and refresh); no source here publishes it."""

    @model_validator(mode="after")
    def _an_access_has_a_width(self) -> Self:
        self._written_j_per_byte()
        return self

    @abstractmethod
    def own_bytes_per_cycle(self, clock_hz: float) -> float:
        """Bytes per cycle, each way, of its width, banks and ports or its standard; infinity where none is stated."""

    def read_bits_per_cycle(self, clock_hz: float) -> float:
        """Bits read in a cycle of ``clock_hz``: ``read_bandwidth`` or its own, at most ``bandwidth / clock_hz``."""
        return self._bits_per_cycle(self.read_bandwidth, clock_hz)

    def write_bits_per_cycle(self, clock_hz: float) -> float:
        """Bits written in a cycle of ``clock_hz``: ``write_bandwidth`` or its own, at most ``bandwidth / clock_hz``."""
        return self._bits_per_cycle(self.write_bandwidth, clock_hz)

    def bytes_per_cycle(self, clock_hz: float) -> float:
        """Bytes per cycle that it reads and that it writes: the lesser of the two ways."""
        return min(self.read_bits_per_cycle(clock_hz), self.write_bits_per_cycle(clock_hz)) / 8

    def _bits_per_cycle(self, written: float | None, clock_hz: float) -> float:
        bits = 8 * self.own_bytes_per_cycle(clock_hz) if written is None else written
        return float(bits if self.bandwidth is None else min(bits, 8 * (self.bandwidth / clock_hz)))

    @property
    def shared_bus(self) -> bool:
        """Whether reads and writes take turns."""
        return self.shared_port

    @abstractmethod
    def cost(self, technology: Technology) -> MemoryCost:
        """Area of this memory and energy per byte in ``technology``, overrides applied."""

    def overridden(self, cost: MemoryCost) -> MemoryCost:
        """``cost`` with the energies, the area and the leakage that the user wrote."""
        written = {"area_m2": self.area, **self._written_j_per_byte()}
        given = {name: value for name, value in written.items() if value is not None}
        return replace(cost, leakage_w=self.leakage).rewritten(given)

    def _written_j_per_byte(self) -> dict[str, float | None]:
        """The energies that the user wrote. An access is ``width`` wide, or else as wide as its port."""
        wide = None if self.width is None else 8 * self.width
        return {
            "read_j_per_byte": joules_per_byte(self.read_energy, wide or self.read_bandwidth),
            "write_j_per_byte": joules_per_byte(self.write_energy, wide or self.write_bandwidth),
        }

    @property
    def usable_bytes(self) -> int | None:
        """Bytes that the tile in use may occupy: half the capacity when double-buffered; None when unlimited."""
        if self.capacity is None or not self.double_buffered or self.in_place:
            return self.capacity
        return self.capacity // 2


memories: Registry[type[Memory]] = Registry("memory", "hwsim.memory")
