"""What a hardware primitive answers: which priced terms it holds, and how many gate delays it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Primitive(ABC):
    """A piece of hardware that does one operation; raises `ValueError` for a negative width."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and value < 0:
                raise ValueError(f"{type(self).__name__}.{field.name} is a width or a count, got {value}")

    @abstractmethod
    def terms(self) -> Mapping[str, float]:
        """How many of each priced term one instance holds."""

    @abstractmethod
    def gate_delays(self) -> float:
        """The longest way through it, in delays of a NAND2 (see `hwsim.technology.gates`)."""


@dataclass(frozen=True)
class Composite(Primitive):
    """A primitive made of others: stages one after the other, each of primitives that work side by side."""

    @abstractmethod
    def stages(self) -> tuple[tuple[Primitive, ...], ...]:
        """What it is made of, from operands to result."""

    def terms(self) -> Mapping[str, float]:
        total: dict[str, float] = {}
        for stage in self.stages():
            for part in stage:
                for term, count in part.terms().items():
                    total[term] = total.get(term, 0.0) + count
        return total

    def gate_delays(self) -> float:
        return sum(max(part.gate_delays() for part in stage) for stage in self.stages())
