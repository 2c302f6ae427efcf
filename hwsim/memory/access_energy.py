"""Energy of moving data, as people write it: per bit, per byte, or per access of the port's full width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from hwsim.base.quantities import parse_quantity


@dataclass(frozen=True)
class PerAccess:
    """Energy of one access, whatever part of its width is used."""

    joules: float


def move_energy(value: Any) -> float | PerAccess:
    """J/B as a number, or `PerAccess`; raises `ValueError` for anything else and for energies below zero."""
    if isinstance(value, PerAccess):
        return value
    unit = value.strip().rpartition("/")[2] if isinstance(value, str) else ""
    try:
        if unit == "access":
            found = parse_quantity(value, "J/access")
        elif unit == "bit":
            found = 8 * parse_quantity(value, "J/bit")
        else:
            found = parse_quantity(value, "J/B")
    except ValueError:
        message = f"expected an energy such as '0.25 pJ/bit', '2 pJ/B' or '416 pJ/access', got '{value}'"
        raise ValueError(message) from None
    if found < 0:
        raise ValueError(f"expected an energy of at least 0, got '{value}'")
    return PerAccess(found) if unit == "access" else found


def _written(value: float | PerAccess) -> float | str:
    return f"{value.joules!r} J/access" if isinstance(value, PerAccess) else value


MoveEnergy = Annotated[
    float | PerAccess,
    BeforeValidator(move_energy),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string"}],
            "description": "in J/B, e.g. '0.25 pJ/bit', '2 pJ/B' or '416 pJ/access'",
        }
    ),
]
"""J/B, or the energy of one access (`PerAccess`)."""


def joules_per_byte(energy: float | PerAccess | None, access_bits: float | None) -> float | None:
    """``energy`` per byte, where an access moves ``access_bits``; raises `ValueError` if that is needed and unknown."""
    if not isinstance(energy, PerAccess):
        return energy
    if access_bits is None:
        raise ValueError("an energy per access needs a width, or the bandwidth of its port in bit/cycle")
    return energy.joules / (access_bits / 8)
