"""A floating-point accumulator of any format, rounding and overflow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from hwsim.datapath.accumulator import accumulators
from hwsim.datapath.float_register import FloatRegister
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.sums import CHUNK, LOAD, Counts, FloatParameters, Sums, add_sums, round_sums
from hwsim.formats import get
from hwsim.formats.rounding import DEFAULT_RANDOM_BITS, STOCHASTIC_A, mode_number

if TYPE_CHECKING:
    from hwsim.datapath.reduction import Reduction

RANDOM_REACH = 58
"""Bits of a sum that kernels keep above a sticky one; a random rounding looks at ``precision + random_bits``."""


@accumulators.register("float")
class FloatAccumulator(FloatRegister):
    """Every sum is rounded once into ``format``. IEEE 754 rules for signed zeros, infinities and NaN.

    The random roundings are those of `hwsim.formats.base.Format.encode`. Their bits belong to the place of the
    addition alone (see `hwsim.kernels.accumulate.drawn`): another number of threads, or other outputs beside it, change
    nothing; the same product twice gives the same sums, and another ``seed`` others.
    """

    kind: Literal["float"] = "float"
    seed: int = Field(default=0, ge=0, lt=1 << 64)
    """Key of the random bits, where the rounding takes some."""
    random_bits: int | None = Field(default=None, ge=1, le=32)
    """Random bits per rounding (r of a generator that hardware has); 24 when not given."""

    @model_validator(mode="after")
    def _random_bits_fit(self) -> Self:
        if not self.random:
            if self.random_bits is not None or self.seed:
                raise ValueError(f"rounding '{self.rounding}' takes no 'random_bits' and no 'seed'")
        elif self.float_format.precision + self.bits_drawn > RANDOM_REACH:
            raise ValueError(
                f"{self.bits_drawn} random bits below the {self.float_format.precision} of {self.format.name} are more "
                f"than {RANDOM_REACH}"
            )
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(format=get("fp16")),
            cls(format=get("e8m13"), rounding="rz"),
            cls(format=get("e4m3fn"), overflow="inf"),
            cls(format=get("e3m4"), flush=True),
            cls(format=get("e5m2"), rounding="stochastic", seed=3, random_bits=4),
            cls(format=get("bf16"), rounding="odd"),
        ]

    @property
    def random(self) -> bool:
        """Whether the rounding takes random bits."""
        return mode_number(self.rounding) >= STOCHASTIC_A

    @property
    def bits_drawn(self) -> int:
        """Random bits per rounding."""
        return self.random_bits or DEFAULT_RANDOM_BITS

    def parameters(self, default_overflow: str | None = None) -> FloatParameters:
        return self.with_draws(super().parameters(default_overflow))

    def with_draws(self, parameters: FloatParameters) -> FloatParameters:
        """``parameters`` of a random rounding with what `hwsim.kernels.accumulate.RANDOM_PARAMETERS` names."""
        if parameters[4] < STOCHASTIC_A:
            return parameters
        return (*parameters, self.bits_drawn, self.seed & 0xFFFFFFFF, self.seed >> 32, 0)

    def load(self, c: Sums) -> tuple[Sums, Counts]:
        rounded, overflowed = round_sums(c, self.parameters(), (0, LOAD))
        return rounded, self.counts(overflowed)

    def add(self, sums: Sums, terms: Sums, number: int = 0) -> tuple[Sums, Counts]:
        return sums, self.counts(add_sums(sums, terms, self.parameters(), (number, CHUNK)))

    def begin(self, products: Products, reduction: Reduction, start: Sums | None) -> tuple[Sums, Counts]:
        if start is not None and products.length and reduction.loads_exactly:
            return start, Counts()
        return super().begin(products, reduction, start)

    def extend(self, products: Products, reduction: Reduction, sums: Sums) -> Counts:
        return self.counts(reduction.float_sums(products, self, sums))

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        return replace(sums, bits=self.float_format.precision), Counts()

    def check_reduction(self, reduction: Reduction) -> None:
        if self.random and not reduction.is_chain:
            raise ValueError(f"reduction '{reduction.kind}' does not number its additions, which random rounding needs")

    def parts(self, lanes: int, adds: bool) -> list[Part]:
        from hwsim.technology.primitives import Register

        once = 1 / lanes
        parts = [Part("accumulator register", Register(self.float_format.bits), once, once)]
        if self.random:  # a linear feedback shift register of its own, which steps with every rounding
            parts.append(Part("random bits", Register(self.bits_drawn), once, once, in_series=0))
        return [*parts, self.adder(lanes)] if adds else parts
