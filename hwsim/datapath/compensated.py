"""Accumulators that hold a sum in two words, the second of which keeps what roundings of the first lose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hwsim.base.errors import InputError
from hwsim.datapath.float_register import FloatRegister
from hwsim.datapath.parts import Part
from hwsim.datapath.products import Products
from hwsim.datapath.sums import MINUS_ZERO, NO_FORMAT, Counts, FloatParameters, Sums, add_sums, round_sums
from hwsim.formats.rounding import Rounding
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

if TYPE_CHECKING:
    from hwsim.datapath.reduction import Reduction


@dataclass(frozen=True)
class TwoWords(Sums):
    """Sums whose second word is ``low``."""

    low: Sums | None = None

    @property
    def words(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Significands, exponents and tags of both words, as kernels take them."""
        assert self.low is not None
        return arrays(self), arrays(self.low)


def joined(sums: TwoWords, parameters: FloatParameters) -> tuple[Sums, int]:
    """Both words' sum rounded into a format, and how many left its range."""
    assert sums.low is not None
    total = Sums(sums.significand.copy(), sums.exponent.copy(), sums.tag.copy(), sums.bits)
    overflowed = add_sums(total, sums.low, parameters)
    return replace(total, bits=parameters[0]), overflowed


def arrays(sums: Sums) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Significands, exponents and tags."""
    return sums.significand, sums.exponent, sums.tag


def negated(sums: Sums) -> Sums:
    """``−sums``; zeros change their sign."""
    tag = np.choose(np.minimum(sums.tag, MINUS_ZERO), (0, 2, 1, 3, 0)).astype(np.uint8)
    tag[(sums.tag == 0) & (sums.significand == 0)] = MINUS_ZERO
    return replace(sums, significand=-sums.significand, tag=tag)


class Compensated(FloatRegister):
    """Two words of ``format``, each operation between them rounded into it.

    Products come one at a time: exactly before a ``fused`` sequential reduction, rounded otherwise. Chunks' sums are
    terms alike. The first addend c is held as ``fl(c)`` and ``fl(c − fl(c))``. Nothing is done about infinities and
    NaN beyond IEEE 754's rules for each operation: an infinite sum makes the other word NaN, and soon the sum.
    Counted are additions into the sum that left the range, not those of the correction.
    """

    rounding: Rounding = "rne"
    """The rules give the exact error of an addition when it is rounded to nearest; any rounding is computed."""

    sum_rule: ClassVar[int]
    """Number of the rule in `hwsim.kernels.compensated`."""

    def load(self, c: Sums) -> tuple[Sums, Counts]:
        parameters = self.parameters()
        high, overflowed = round_sums(c, parameters)
        low = replace(c, significand=c.significand.copy(), exponent=c.exponent.copy(), tag=c.tag.copy())
        add_sums(low, negated(high), parameters)
        return TwoWords(*arrays(high), high.bits, None, replace(low, bits=high.bits)), self.counts(overflowed)

    def zeros(self, shape: tuple[int, int], scale: int) -> Sums:
        high, low = super().zeros(shape, scale), super().zeros(shape, scale)
        return TwoWords(*arrays(high), high.bits, None, low)

    def extend(self, products: Products, reduction: Reduction, sums: Sums) -> Counts:
        from hwsim.kernels.compensated import compensated

        assert isinstance(sums, TwoWords)
        rounding = NO_FORMAT if reduction.fused else reduction.product_parameters(self)  # type: ignore[attr-defined]
        overflowed = over_threads(
            compensated, products.sum_count, products.count // SCALAR_SPAN,
            *products.unpacked, products.rule(rounding[0]), (products.first, products.last),
            products.rows_per_matrix, rounding, self.sum_rule, self.parameters(), *sums.words,
        )  # fmt: skip
        return self.counts(overflowed)

    def add(self, sums: Sums, terms: Sums, number: int = 0) -> tuple[Sums, Counts]:
        from hwsim.kernels.compensated import compensate_arrays

        assert isinstance(sums, TwoWords)
        if terms.bits > 60:
            raise InputError(f"sums of {terms.bits} bits do not fit the float accumulator's 60")
        overflowed = over_threads(
            compensate_arrays, sums.significand.shape[0], sums.significand.size // SCALAR_SPAN,
            *sums.words, arrays(terms), terms.bits, self.sum_rule, self.parameters(),
        )  # fmt: skip
        return sums, self.counts(overflowed)

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        return Sums(*arrays(sums), self.float_format.precision), Counts()

    def check_reduction(self, reduction: Reduction) -> None:
        if reduction.kind != "sequential":
            raise ValueError(
                f"'{self.kind}' takes products one by one, not by reduction '{reduction.kind}'; make blocks chunks: "
                f"{{every: …, inner: {self.format.name}, into: {{kind: {self.kind}, format: {self.format.name}}}}}"
            )

    # Gates ------------------------------------------------------------------------------------------

    corrections: ClassVar[tuple[int, int]]
    """Additions beside the one into the sum, and how many of them follow one another behind it."""
    splits: ClassVar[bool] = True
    """Whether a term is made a number of the format first."""

    def entry(self, lanes: int, product_bits: int) -> list[Part]:
        """The adder into the sum; before it what splits an exact product, and the adder that takes its tail up."""
        from hwsim.technology.primitives import Rounder

        if not self.splits or product_bits <= self.float_format.precision:
            return [self.adder(lanes, product_bits)]
        once = 1 / lanes
        tail = replace(self.adder(lanes, product_bits), name="compensation adder", in_series=0)
        up = replace(self.adder(lanes), name="compensation adder")
        return [Part("term rounder", Rounder(self.float_format.precision), once, once), tail, self.adder(lanes), up]

    def parts(self, lanes: int, adds: bool) -> list[Part]:
        """An adder for each operation, so that a product enters every cycle; what follows the last is done by them."""
        from hwsim.technology.primitives import Register

        once = 1 / lanes
        names = "accumulator register", "compensation register"
        parts = [Part(name, Register(self.float_format.bits), once, once) for name in names]
        parts += self.entry(lanes, 0) if adds else []
        count, in_series = self.corrections
        adder = replace(self.adder(lanes), name="compensation adder", in_series=in_series)
        return [*parts, replace(adder, count=count * once, per_mac=count * once)]

    @classmethod
    def _examples(cls) -> list[dict[str, Any]]:
        from hwsim.formats import get

        return [
            {"format": get("bf16")},
            {"format": get("e4m3fn"), "rounding": "rz", "overflow": "inf"},
            {"format": get("e5m2"), "overflow": "saturate", "flush": True},
        ]
