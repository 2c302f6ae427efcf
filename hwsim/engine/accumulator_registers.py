"""The registers of a datapath one by one: what may replace each, and what the replacement costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.datapath.accumulator import Accumulator
from hwsim.datapath.accumulators.chunked import ChunkedAccumulator, OneLevel
from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.accumulators.integer import IntegerAccumulator

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

Simple = FloatAccumulator | IntegerAccumulator

FLOATS = {8: (3, 5, 7, 8, 9, 10, 11, 12, 13, 16, 19, 23, 27), 5: (3, 5, 7, 8, 10, 13, 16)}
"""Mantissa bits that are tried, by exponent bits: those of fp32 and of fp16. bf16 is e8m7, tf32 e8m10, fp16 e5m10,
fp32 e8m23; FP8 tensor cores have e8m13 (MMA-Sim, arXiv:2511.10909)."""
LEAST_BITS = 8
"""Narrowest integer register that is tried."""
WIDE_BITS = 60
"""An integer register that nothing here overflows, as wide as float accumulators take chunks from."""


@dataclass(frozen=True)
class Register:
    """One accumulator of a datapath: ``accumulator``, or ``inner`` (a chunk's) and ``outer`` (adds the chunks)."""

    name: str
    datapath: Datapath

    @property
    def accumulator(self) -> Simple:
        """What it is now."""
        held: Accumulator = self.datapath.accumulator
        if isinstance(held, ChunkedAccumulator):
            held = held.into if self.name == "outer" else held.chunk
        if not isinstance(held, FloatAccumulator | IntegerAccumulator):
            raise InputError(f"'{held.kind}' has two words; registers are varied where sums have one")
        return held

    def products(self, k: int) -> int:
        """Products in one of its sums, where outputs have ``k``."""
        held = self.datapath.accumulator
        return min(k, held.every) if isinstance(held, ChunkedAccumulator) and self.name == "inner" else k

    def replaced(self, accumulator: dict[str, Any]) -> Datapath:
        """The datapath with ``accumulator`` here and everything else as it is; raises `ValidationError`."""
        return self._with(accumulator, self._other)

    def alone(self, accumulator: dict[str, Any]) -> Datapath | None:
        """``accumulator`` here and no other loss: a second register wide enough, no output format.

        None where the datapath's parts do not take it (floats before an integer accumulator, say).
        """
        try:
            bare = {**dict(self._with(accumulator, self._lossless(accumulator))), "output": None}
            return Datapath.model_validate(bare)
        except ValidationError:
            return None

    def _with(self, accumulator: dict[str, Any], other: Any) -> Datapath:
        held = self.datapath.accumulator
        if isinstance(held, ChunkedAccumulator):
            inner, outer = (accumulator, other) if self.name == "inner" else (other, accumulator)
            accumulator = {"kind": "chunked", "every": held.every, "inner": inner, "into": outer}
        return Datapath.model_validate({**dict(self.datapath), "accumulator": accumulator})

    @property
    def _other(self) -> OneLevel | None:
        held = self.datapath.accumulator
        if not isinstance(held, ChunkedAccumulator):
            return None
        return held.chunk if self.name == "outer" else held.into

    def _lossless(self, accumulator: dict[str, Any]) -> dict[str, Any]:
        """Integers stay integers, which lose nothing; beside floats a chunk's or the outer sums are in fp64."""
        whole = integer_operands(self.datapath) and (self.name == "outer" or "bits" in accumulator)
        return {"bits": WIDE_BITS} if whole else {"format": "fp64"}


def registers(datapath: Datapath) -> list[Register]:
    """Those of ``datapath``, the one that products enter first."""
    names = ("inner", "outer") if isinstance(datapath.accumulator, ChunkedAccumulator) else ("accumulator",)
    return [Register(name, datapath) for name in names]


def integer_operands(datapath: Datapath) -> bool:
    """Whether sums of products are whole multiples of one last place."""
    return all(fmt.kind in ("integer", "fixed") for fmt in (datapath.operands.a, datapath.operands.b))


def tried(register: Register, most_bits: int | None) -> Iterator[dict[str, Any]]:
    """Accumulators for the curve of error against width: integers up to ``most_bits``, then floats.

    Floats round as the register does if it is one, else to nearest even.
    """
    if most_bits is not None:
        for bits in range(min(LEAST_BITS, most_bits), most_bits + 1):
            for overflow in ("wrap", "saturate"):
                yield {"kind": "integer", "bits": bits, "overflow": overflow}
    held = register.accumulator
    rounding = held.rounding if isinstance(held, FloatAccumulator) else "rne"
    for exponent_bits, mantissas in FLOATS.items():
        for mantissa_bits in mantissas:
            yield {"kind": "float", "format": f"e{exponent_bits}m{mantissa_bits}", "rounding": rounding}


@dataclass(frozen=True)
class Option:
    """An accumulator in a register, and what a lane of the datapath costs with it; SI units."""

    label: str
    register: str
    accumulator: str
    """``int21 wrap``, ``fp32``."""
    bits: int
    area_m2: float
    """Of the register, its adder and its saturation, per lane."""
    energy_j: float
    """Of the same, per multiply-accumulate."""
    lane_area_m2: float
    lane_energy_j: float


def option(
    register: Register, label: str, accumulator: Simple, technology: Technology, outer_share: float = 1.0
) -> Option:
    """``accumulator`` in ``register``, the others as they are, priced by `Datapath.cost`.

    That counts an outer register for every lane; ``outer_share`` is how many there are.
    """
    fields = {key: getattr(accumulator, key) for key in type(accumulator).model_fields}
    cost = register.replaced(fields).cost(technology)
    area = {part: m2 * (outer_share if part.startswith("outer ") else 1) for part, m2 in cost.area_m2.items()}
    prefix = "outer " if register.name == "outer" else ""
    own = {prefix + part.name for part in accumulator.parts(1, True)}
    return Option(
        label,
        register.name,
        spelled(accumulator),
        accumulator.bits if isinstance(accumulator, IntegerAccumulator) else accumulator.format.bits,
        sum(m2 for part, m2 in area.items() if part in own),
        sum(joules for part, joules in cost.energy_per_mac_j.items() if part in own),
        sum(area.values()),
        cost.total_energy_per_mac_j,
    )


def spelled(accumulator: Simple) -> str:
    """``int24 saturate``, or the format."""
    if isinstance(accumulator, IntegerAccumulator):
        return f"int{accumulator.bits} {accumulator.overflow}"
    return accumulator.format.name
