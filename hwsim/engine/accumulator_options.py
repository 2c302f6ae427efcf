"""What the sums of a whole workload ask of each register, and what that would cost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.accumulators.integer import IntegerAccumulator
from hwsim.engine.accumulator_registers import Option, Register, option, registers
from hwsim.engine.sum_order import sum_order
from hwsim.formats import get as format_named

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.accumulators import LayerNumbers, RegisterNumbers


def options_of(architecture: Architecture, layers: Sequence[LayerNumbers]) -> list[Option]:
    """Each register that the unit has itself, as it is and as the widest need of all layers asks."""
    node = architecture.technology.prices
    order = sum_order(architecture.compute, max(layer.k for layer in layers))
    found = []
    for index, register in enumerate(registers(order.datapath)):
        if register.name == "outer" and not order.outer_share:
            continue
        numbers = [layer.registers[index] for layer in layers]
        wanted = [("present", register.accumulator), *_wanted(register, numbers)]
        for label, accumulator in wanted:
            with suppress(ValidationError):  # an integer beside floats that do not take one
                found.append(option(register, label, accumulator, node, order.outer_share))
    return found


def _wanted(register: Register, numbers: Sequence[RegisterNumbers]) -> list[tuple[str, Any]]:
    """Accumulators that the widest need of all layers asks for; integers for a float too, where operands are."""
    held = register.accumulator
    floats = _quiet_floats(held, numbers) if isinstance(held, FloatAccumulator) else []
    if any(each.bounds is None for each in numbers):
        return floats
    overflow = held.overflow if isinstance(held, IntegerAccumulator) else "wrap"
    widths = {
        "data, saturating": (_most(numbers, "partial_bits"), "saturate"),
        "data, wrapping": (_most(numbers, "final_bits"), "wrap"),
        "any input": (_most(numbers, "guaranteed_bits"), overflow),
        "data types": (max(each.bounds.data_type for each in numbers if each.bounds), overflow),
    }
    exact = [(label, IntegerAccumulator(bits=bits, overflow=policy)) for label, (bits, policy) in widths.items()]
    return [*floats, *exact]


def _quiet_floats(held: FloatAccumulator, numbers: Sequence[RegisterNumbers]) -> list[tuple[str, Any]]:
    names = [each.enough for each in numbers if each.enough is not None]
    if len(names) < len(numbers):
        return []
    widest = max((format_named(name) for name in names), key=lambda fmt: fmt.bits)
    return [("quiet enough", _in_format(held, widest.name))]


def _in_format(held: FloatAccumulator, name: str) -> FloatAccumulator:
    """``held`` in another format."""
    return held.model_copy(update={"format": format_named(name)})


def _most(numbers: Sequence[RegisterNumbers], key: str) -> int:
    return max(int(getattr(each, key)) for each in numbers)
