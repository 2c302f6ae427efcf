"""A two's complement integer accumulator that wraps, saturates or refuses to overflow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field

from hwsim.base.errors import HwsimError, InputError
from hwsim.datapath.accumulator import Accumulator, accumulators
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction
from hwsim.datapath.sums import Counts, Sums
from hwsim.formats.base import Format
from hwsim.formats.fixed import FixedFormat
from hwsim.formats.integer import IntegerFormat, UniformFormat
from hwsim.kernels.threads import SCALAR_SPAN, VECTOR_SPAN, over_threads

_WRAP, _SATURATE = 0, 1  # as hwsim.kernels.matmul_integer has them
_TABLE = 1  # the rules above it, in hwsim.kernels.multiply, are neither exact nor a table


@accumulators.register("integer")
class IntegerAccumulator(Accumulator):
    """``bits`` wide, in units of the products' last place; a block's exact sum is added at once."""

    kind: Literal["integer"] = "integer"
    bits: int = Field(ge=2, le=64)
    """Width of the register, the sign bit included."""
    overflow: Literal["wrap", "saturate", "trap"] = "wrap"
    """What becomes of a total outside ``[−2**(bits−1), 2**(bits−1))``. ``wrap``: its low bits, as adders do
    unless built otherwise; ``saturate``: the end of the range; ``trap``: the run stops with an error that
    names how many sums overflowed and the first output concerned."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(bits=20), cls(bits=7), cls(bits=6, overflow="saturate"), cls(bits=9, overflow="trap")]

    def sum_format(self, scale: int) -> Format:
        if scale == 0:
            return IntegerFormat(f"int{self.bits}", self.bits)
        if self.bits + scale < 1:
            raise InputError(
                f"an accumulator of {self.bits} bits is narrower than its products' {-scale} fraction bits"
            )
        return FixedFormat(f"q{self.bits + scale}.{-scale}", self.bits + scale, -scale)

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest value."""
        return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1

    def load(self, c: Sums) -> tuple[Sums, Counts]:
        zeros = Sums(np.zeros_like(c.significand), c.exponent, c.tag, self.bits)
        return self.add(zeros, c)

    def add(self, sums: Sums, terms: Sums, number: int = 0) -> tuple[Sums, Counts]:
        from hwsim.kernels.matmul_integer import add_integers

        out_of_range = np.zeros(sums.significand.shape, np.int64)
        rows, worth = sums.significand.shape[0], sums.significand.size // VECTOR_SPAN
        over_threads(
            add_integers, rows, worth, sums.significand, terms.significand, self.bits, self._policy, out_of_range
        )
        return sums, self._counts(out_of_range)

    def zeros(self, shape: tuple[int, int], scale: int) -> Sums:
        return Sums.zeros(*shape, scale, self.bits)

    def extend(self, products: Products, reduction: Reduction, sums: Sums) -> Counts:
        lanes = max(1, reduction.lanes_of(products.length))
        if (1 << products.bits) * lanes > 1 << 62:
            raise InputError(f"{lanes} products of {products.bits} bits do not fit a 62-bit exact sum")
        total, out_of_range = self._run(products, lanes, sums.significand)
        np.copyto(sums.significand, total)
        return self._counts(out_of_range)

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        return replace(sums, bits=self.bits), Counts()

    def _run(self, products: Products, lanes: int, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from hwsim.kernels.matmul_integer import COLUMNS_PER_STRIP, integer

        if products.rule()[0] > _TABLE:
            return self._run_by_rule(products, lanes, start)
        narrow = products.reach * lanes + (1 << (self.bits - 1)) < 1 << 31 and products.table[0].size < 1 << 31
        carrier: type[np.signedinteger[Any]] = np.int32 if narrow else np.int64
        sums = start.astype(carrier)
        out_of_range = np.zeros(sums.shape, carrier)
        strips = sums.shape[0] * -(-sums.shape[1] // COLUMNS_PER_STRIP)
        over_threads(
            integer, strips, products.count // VECTOR_SPAN,
            *(products.narrow_integers if narrow else products.integers), (products.first, products.last),
            products.rows_per_matrix, lanes, self.bits, self._policy, sums, out_of_range,
        )  # fmt: skip
        return sums.astype(np.int64), out_of_range

    def _run_by_rule(self, products: Products, lanes: int, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from hwsim.kernels.matmul_by_rule import integer_by_rule
        from hwsim.kernels.matmul_integer import COLUMNS_PER_STRIP

        sums, out_of_range = start.astype(np.int64), np.zeros(start.shape, np.int64)
        strips = sums.shape[0] * -(-sums.shape[1] // COLUMNS_PER_STRIP)
        over_threads(
            integer_by_rule, strips, products.count // SCALAR_SPAN,
            *products.integers, products.rule(), (products.first, products.last),
            products.rows_per_matrix, lanes, self.bits, self._policy, sums, out_of_range,
        )  # fmt: skip
        return sums, out_of_range

    @property
    def _policy(self) -> int:
        return _SATURATE if self.overflow == "saturate" else _WRAP

    def _counts(self, out_of_range: np.ndarray) -> Counts:
        total = int(out_of_range.sum(dtype=np.int64))
        if self.overflow == "saturate":
            return Counts(0, total)
        if self.overflow == "trap" and total:
            first = tuple(int(i) for i in np.argwhere(out_of_range)[0])
            raise HwsimError(
                f"{total} sums overflowed the {self.bits}-bit accumulator, which traps; "
                f"the first output concerned is {list(first)}"
            )
        return Counts(total, 0)

    def check(self, a: Format, b: Format) -> None:
        for operand in (a, b):
            if not isinstance(operand, UniformFormat):
                raise ValueError(
                    f"an integer accumulator cannot add products of '{operand.name}', a {operand.kind} format"
                )

    def parts(self, lanes: int, adds: bool) -> list[Part]:
        from hwsim.technology.primitives import IntegerAdder, Multiplexer, Register

        parts = [Part("accumulator register", Register(self.bits), 1 / lanes, 1 / lanes)]
        parts.append(Part("accumulator adder", IntegerAdder(self.bits), 1 / lanes, 1 / lanes))
        if self.overflow == "saturate":  # chooses between the sum and the two ends of the range
            parts.append(Part("saturation", Multiplexer(self.bits, 3), 1 / lanes, 1 / lanes))
        return parts
