"""What every memory states and answers: capacity, width, bandwidth, what it holds, and its cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from hwsim.base.quantities import Bytes, BytesPerSecond, SquareMetres, parse_quantity
from hwsim.base.record import Registered
from hwsim.base.registry import Registry
from hwsim.formats import FormatName

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

Operand = Literal["input", "weight", "output"]
"""What an operator moves: a (activations), b (weights), c (sums)."""


def joules_per_byte(value: Any) -> float:
    """``0.25 pJ/bit`` or ``2 pJ/B`` in J/B."""
    try:
        if isinstance(value, str) and value.strip().endswith("/bit"):
            return 8 * parse_quantity(value, "J/bit")
        return parse_quantity(value, "J/B")
    except ValueError:
        raise ValueError(f"expected an energy such as '0.25 pJ/bit' or '2 pJ/B', got '{value}'") from None


JoulesPerByte = Annotated[
    float,
    BeforeValidator(joules_per_byte),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string"}], "description": "in J/B, e.g. '0.25 pJ/bit' or '2 pJ/B'"}
    ),
    Field(ge=0),
]


_PRICED = ("area_m2", "read_j_per_byte", "write_j_per_byte")
WRITTEN = "written in the architecture (written)"
"""Source and status of what the user wrote in place of the technology's number."""


@dataclass(frozen=True)
class MemoryCost:
    """Silicon area on the chip and energy per byte moved."""

    area_m2: float
    read_j_per_byte: float
    write_j_per_byte: float
    source: str
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
        return MemoryCost(
            written.get("area_m2", self.area_m2),
            written.get("read_j_per_byte", self.read_j_per_byte),
            written.get("write_j_per_byte", self.write_j_per_byte),
            words if len(written) == len(_PRICED) else f"{words}; else {origin}",
            written,
            origin,
        )


class Memory(Registered, ABC):
    """A level of the hierarchy. Register a subclass in `memories` and it is a ``kind`` in YAML."""

    on_chip: ClassVar[bool] = True

    capacity: Bytes | None = None
    """Bytes; None (DRAM only) means never full."""
    width: Bytes | None = None
    """Bytes of one access of one bank through one port."""
    bandwidth: BytesPerSecond | None = None
    """Peak of the whole memory."""
    banks: int = Field(default=1, ge=1)
    """Independent parts that serve accesses at the same time."""
    double_buffered: bool = False
    """Half the capacity is filled while the other half is in use."""
    holds: tuple[Operand, ...] = Field(default=("input", "weight", "output"), min_length=1)
    """The operands it may hold; others bypass it."""
    per: Literal["chip", "core"] = "chip"
    """'core': every core of the compute unit has one of these; figures are of one."""
    format: FormatName | None = None
    """Number format of the sums that are added in this memory (an accumulator memory)."""
    overflow: Literal["wrap", "saturate"] | None = None
    """What a sum too large for `format` becomes; None is the format's own default."""
    rounding: Literal["rne", "rna", "rz", "ru", "rd"] = "rne"
    """How sums are rounded to `format`."""
    read_energy: JoulesPerByte | None = None
    """Overrides the technology's energy, e.g. ``0.25 pJ/bit``."""
    write_energy: JoulesPerByte | None = None
    """Overrides the technology's energy, e.g. ``2 pJ/B``."""
    area: SquareMetres | None = None
    """Overrides the technology's area, e.g. ``1.2 mm2``."""

    @abstractmethod
    def bytes_per_cycle(self, clock_hz: float) -> float:
        """Peak bytes per cycle of a clock of ``clock_hz``, without bank conflicts or refresh."""

    @abstractmethod
    def cost(self, technology: Technology) -> MemoryCost:
        """Area of this memory and energy per byte in ``technology``, overrides applied."""

    def overridden(self, cost: MemoryCost) -> MemoryCost:
        """``cost`` with the energies and the area that the user wrote in place of the technology's."""
        written = {
            "area_m2": self.area,
            "read_j_per_byte": self.read_energy,
            "write_j_per_byte": self.write_energy,
        }
        return cost.rewritten({name: value for name, value in written.items() if value is not None})

    @property
    def usable_bytes(self) -> int | None:
        """Bytes that the tile in use may occupy: half the capacity when double-buffered; None when unlimited."""
        if self.capacity is None or not self.double_buffered:
            return self.capacity
        return self.capacity // 2


memories: Registry[type[Memory]] = Registry("memory", "hwsim.memory")
