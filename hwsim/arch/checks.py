"""What spans several keys of an architecture: operands and their scales, memories and who owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.validate import LocatedError

if TYPE_CHECKING:
    from hwsim.arch.architecture import Architecture
    from hwsim.formats.base import Format
    from hwsim.formats.quantize import Scaling
    from hwsim.units.registry import MatmulUnit


def check_architecture(architecture: Architecture) -> None:
    """Raises `LocatedError`, with the place inside the architecture, for parts that do not fit together."""
    _check_memories(architecture)
    if architecture.vector.format.kind != "float":
        name = architecture.vector.format.name
        raise LocatedError(("vector", "format"), f"scales and functions need a floating-point format, got {name}")
    unit, rules = architecture.compute, architecture.quantization
    _check_scaling("activations", rules.activations, unit.a_format)
    _check_scaling("weights", rules.weights, unit.b_format)
    if rules.requantization == "fixed_point" and unit.result_format.kind == "float":
        raise LocatedError(
            ("quantization", "requantization"),
            f"fixed_point needs an integer accumulator, not {unit.result_format.name}; write 'float'",
        )


def _check_memories(architecture: Architecture) -> None:
    memories = architecture.memories
    outside = [name for name, memory in memories.items() if not memory.on_chip]
    for position, name in enumerate(memories):
        if name in outside and position >= len(outside):
            raise LocatedError(("memories", name), "a memory off the chip stands before those on it: from outside in")
    inner = list(memories)[-1]
    for name, memory in memories.items():
        if memory.per == "core" and not architecture.compute.has_cores:
            raise LocatedError(("memories", name, "per"), f"a {architecture.compute.kind} has no cores; write 'chip'")
        if memory.format is not None and "output" not in memory.holds:
            raise LocatedError(("memories", name, "format"), "sums are added in a memory that holds [output]")
        if memory.format is not None and name != inner:
            raise LocatedError(("memories", name, "format"), f"sums are added in the innermost memory, '{inner}'")


def _check_scaling(role: str, scaling: Scaling | None, operand: Format) -> None:
    """A scaling's codes are the operand's own, or integers that the operand's range includes."""
    if scaling is None:
        if operand.kind == "integer":
            raise LocatedError(
                ("quantization",), f"missing key '{role}': {operand.name} operands need a scale, such as "
                f"{{format: {operand.name}, granularity: tensor, scale: absmax}}"
            )  # fmt: skip
        return
    written = scaling.format
    narrower = written.kind == operand.kind == "integer" and operand.min <= written.min and written.max <= operand.max
    if written != operand and not narrower:
        message = f"the compute unit takes {operand.name} {role}, got {written.name}"
        near = did_you_mean(written.name, [operand.name])
        raise LocatedError(("quantization", role, "format"), message + (near if "did you mean" in near else ""))


def wired(unit: MatmulUnit, memories: dict[str, Any]) -> MatmulUnit:
    """``unit`` with its partial sums added in the format of the memory that states one."""
    for name, memory in memories.items():
        if memory.format is None:
            continue
        try:
            unit = unit.with_accumulator_memory(memory)
        except InputError as error:
            raise LocatedError(("memories", name, "format"), str(error)) from None
    return unit
