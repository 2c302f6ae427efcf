"""What every memory states and answers: capacity, width, bandwidth, what it holds, and its cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
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


def _joules_per_byte(value: Any) -> float:
    try:
        if isinstance(value, str) and value.strip().endswith("/bit"):
            return 8 * parse_quantity(value, "J/bit")
        return parse_quantity(value, "J/B")
    except ValueError:
        raise ValueError(f"expected an energy such as '0.25 pJ/bit' or '2 pJ/B', got '{value}'") from None


JoulesPerByte = Annotated[
    float,
    BeforeValidator(_joules_per_byte),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string"}], "description": "in J/B, e.g. '0.25 pJ/bit' or '2 pJ/B'"}
    ),
    Field(ge=0),
]


@dataclass(frozen=True)
class MemoryCost:
    """Silicon area on the chip and energy per byte moved."""

    area_m2: float
    read_j_per_byte: float
    write_j_per_byte: float
    source: str


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
        given = {name: value for name, value in written.items() if value is not None}
        if not given:
            return cost
        words = f"{', '.join(given)}: written in the architecture"
        source = words if len(given) == len(written) else f"{words}; else {cost.source}"
        return replace(cost, source=source, **given)

    @property
    def usable_bytes(self) -> int | None:
        """Bytes that the tile in use may occupy: half the capacity when double-buffered; None when unlimited."""
        if self.capacity is None or not self.double_buffered:
            return self.capacity
        return self.capacity // 2


memories: Registry[type[Memory]] = Registry("memory", "hwsim.memory")
