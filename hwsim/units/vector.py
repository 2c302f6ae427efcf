"""A vector unit: lanes that do one scalar operation each, every result rounded to one format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.record import Record
from hwsim.formats import FormatName
from hwsim.units.base import Timing, UnitCost, VectorWork
from hwsim.units.registry import units
from hwsim.units.vector_operations import OPERATIONS, Array

if TYPE_CHECKING:
    from hwsim.datapath.parts import Part
    from hwsim.technology.base import Technology
    from hwsim.technology.primitives import Primitive


@units.register("vector")
class VectorUnit(Record):
    """``lanes`` lanes in ``format``: elementwise operations, and sequences of them over rows.

    Each scalar operation is computed in float64 and rounded once, to nearest even, into ``format``. For
    formats of at most 25 significand bits (fp32 and below) that is the correctly rounded result of add, sub,
    mul, div and sqrt (a float64 has 2p + 2 bits); exp, tanh and erf are as good as the C library's float64.

    Order of a sum over n elements: lane j adds elements j, j + lanes, j + 2·lanes, … in ascending order, then
    the lanes are added in a binary tree, lane j to lane j + half. Lanes without an element take no part.

    >>> unit = VectorUnit(lanes=4, format="fp16")
    >>> unit.apply("add", [2048.0], [1.0]).tolist()
    [2048.0]
    """

    kind: Literal["vector"] = "vector"
    lanes: int = Field(default=32, ge=1)
    format: FormatName = Field(default="fp32", validate_default=True)
    cycles: dict[str, int] = Field(default_factory=dict)
    """Cycles of one lane per operation, over the defaults: 1 for add, sub, mul, max, min, relu and round;
    8 (*assumed*, `hwsim.units.vector_operations.SLOW`) for div, sqrt, exp, tanh and erf."""

    @field_validator("cycles")
    @classmethod
    def _known_operations(cls, value: dict[str, int]) -> dict[str, int]:
        for name, cycles in value.items():
            if name not in OPERATIONS:
                raise ValueError(f"unknown operation '{name}'{did_you_mean(name, OPERATIONS)}")
            if cycles < 1:
                raise ValueError(f"operation '{name}' takes at least one cycle, not {cycles}")
        return value

    # Numbers ----------------------------------------------------------------------------------------

    def apply(self, operation: str, *arrays: Any) -> Array:
        """One scalar operation on broadcast arrays of values, each result rounded to ``format``; float64."""
        known = OPERATIONS.get(operation)
        if known is None:
            raise InputError(f"unknown vector operation '{operation}'{did_you_mean(operation, OPERATIONS)}")
        if len(arrays) != known.arguments:
            raise InputError(f"'{operation}' takes {known.arguments} arguments, got {len(arrays)}")
        with np.errstate(all="ignore"):  # infinities and NaN are results here, not accidents
            result = known.compute(*(np.asarray(array, dtype=np.float64) for array in arrays))
        return self.round(result)

    def round(self, values: Any) -> Array:
        """``values`` as the unit's registers hold them."""
        values = np.asarray(values, dtype=np.float64)
        if self.format.name == "fp32":
            with np.errstate(all="ignore"):
                rounded: Array = values.astype(np.float32).astype(np.float64)
        else:
            rounded = self.format.round(values)
        return rounded

    def sum(self, values: Any) -> Array:
        """Sum over the last axis in the order of the lanes."""
        values = np.asarray(values, dtype=np.float64)
        length = values.shape[-1]
        lanes = min(self.lanes, length)
        if lanes == 0:
            return np.zeros(values.shape[:-1])
        partial = self.round(values[..., :lanes])
        for first in range(lanes, length, lanes):
            chunk = values[..., first : first + lanes]
            used = chunk.shape[-1]
            partial[..., :used] = self.apply("add", partial[..., :used], chunk)
        while partial.shape[-1] > 1:
            half = -(-partial.shape[-1] // 2)
            upper = partial[..., half:]
            partial = partial[..., :half].copy()
            partial[..., : upper.shape[-1]] = self.apply("add", partial[..., : upper.shape[-1]], upper)
        return np.asarray(partial[..., 0])

    def mean(self, values: Any) -> Array:
        """Sum over the last axis, divided by its length."""
        return self.apply("div", self.sum(values), float(np.shape(values)[-1]))

    # Cycles -----------------------------------------------------------------------------------------

    def cycles_of(self, operation: str) -> int:
        """Cycles of one lane for one operation."""
        if operation not in OPERATIONS:
            raise InputError(f"unknown vector operation '{operation}'{did_you_mean(operation, OPERATIONS)}")
        return self.cycles.get(operation, OPERATIONS[operation].cycles)

    def timing(self, work: VectorWork) -> Timing:
        """Σ over operations of ⌈count / lanes⌉ · cycles; nothing overlaps."""
        steps = (-(-count // self.lanes) * self.cycles_of(name) for name, count in work.operations.items())
        return Timing(fill=0, compute=sum(steps), drain=0)

    def actions(self, work: VectorWork) -> dict[str, int]:
        """The operations themselves."""
        return dict(work.operations)

    # Cost -------------------------------------------------------------------------------------------

    def cost(self, technology: Technology) -> UnitCost:
        """Per lane an adder, a multiplier, a comparator and two operand registers; energy by operation.

        *Assumed*: a special function of n cycles is n multiply-adds on the same lane (an iteration or a
        polynomial) and needs no hardware of its own; register files and control are left out.
        """
        adder, multiplier, comparator, register = (technology.cost(part) for part in self._primitives())
        area = {
            "adders": self.lanes * adder.area_m2,
            "multipliers": self.lanes * multiplier.area_m2,
            "comparators": self.lanes * comparator.area_m2,
            "operand registers": 2 * self.lanes * register.area_m2,
        }
        one = {"add": adder, "sub": adder, "mul": multiplier}
        energy = {name: one.get(name, comparator).energy_j for name in OPERATIONS}
        energy["round"] = adder.energy_j
        for name in OPERATIONS:
            if OPERATIONS[name].cycles > 1:
                energy[name] = self.cycles_of(name) * (adder.energy_j + multiplier.energy_j)
        costs = {"adders": adder, "multipliers": multiplier, "comparators": comparator, "operand registers": register}
        sources = {name: f"{cost.source} ({cost.status})" for name, cost in costs.items()}
        drawn_by = {name: self._drawn_by(name, adder.energy_j, multiplier.energy_j, energy[name]) for name in energy}
        return UnitCost(area, energy, sources, drawn_by, 2 * self.lanes * self.format.bits)

    def _drawn_by(self, operation: str, adder_j: float, multiplier_j: float, total_j: float) -> dict[str, float]:
        """The parts that do ``operation``."""
        if OPERATIONS[operation].cycles > 1:
            cycles = self.cycles_of(operation)
            return {"adders": cycles * adder_j, "multipliers": cycles * multiplier_j}
        own = {"add": "adders", "sub": "adders", "round": "adders", "mul": "multipliers"}
        return {own.get(operation, "comparators"): total_j}

    def parts(self) -> list[Part]:
        """The blocks of gates of all lanes."""
        from hwsim.datapath.parts import Part

        adder, multiplier, comparator, register = self._primitives()
        return [
            Part("adders", adder, self.lanes),
            Part("multipliers", multiplier, self.lanes),
            Part("comparators", comparator, self.lanes),
            Part("operand registers", register, 2 * self.lanes),
        ]

    def _primitives(self) -> tuple[Primitive, Primitive, Primitive, Primitive]:
        from hwsim.technology.primitives import (
            Comparator,
            FloatAdder,
            FloatMultiplier,
            IntegerAdder,
            IntegerMultiplier,
            Register,
        )

        bits = self.format.bits
        shared = Comparator(bits), Register(bits)
        if self.format.kind == "float":
            widths = self.format.exponent_bits, self.format.precision  # type: ignore[attr-defined]  # a FloatFormat
            return FloatAdder(*widths), FloatMultiplier(*widths), *shared
        return IntegerAdder(bits), IntegerMultiplier(bits, bits), *shared
