"""What the additions of a datapath lose: swamped terms, cancellations, overflows and underflows, register by register.

The sums are made block by block, which gives the bits of `Datapath.matmul_codes` and shows every partial sum; a run
that does not ask for it makes them in one go and counts none of this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.datapath.accumulator_bounds import needed_bits
from hwsim.datapath.accumulators.chunked import ChunkedAccumulator
from hwsim.datapath.accumulators.integer import IntegerAccumulator
from hwsim.datapath.compensated import TwoWords, arrays
from hwsim.datapath.float_register import FloatRegister
from hwsim.datapath.products import Products
from hwsim.datapath.result import MatmulResult
from hwsim.datapath.step_terms import step_terms
from hwsim.datapath.sums import Counts, Sums

if TYPE_CHECKING:
    from hwsim.datapath.datapath import Datapath
    from hwsim.datapath.reduction import Reduction

EXACT_BITS = 64
"""Integer sums are followed in registers of this width besides."""


@dataclass(frozen=True)
class RegisterStatistics:
    """Of all additions into one register; s is the sum before an addition, x the term and r the sum after it.

    A term is a product (rounded first where the reduction rounds it), the sum of a tree, the exact sum of a block's
    products (``fused`` and ``exact``), or a chunk's sum. What is infinite or NaN is only counted as an addition.
    """

    register: str
    """``accumulator``, or ``inner`` and ``outer`` of a chunked one."""
    additions: int
    overflows: int
    """As in `MatmulResult`, of this register."""
    saturations: int
    largest: float
    """Largest finite \\|s\\| or \\|r\\|; of two words the first."""
    swamped: int | None = None
    """x ≠ 0 and r = s (Higham, Accuracy and Stability of Numerical Algorithms; *swamping*: N. Wang et al.,
    arXiv:1812.08011); of two words both are as before. None for integers, as for the next two."""
    cancelled: int | None = None
    """s and x are of opposite signs and the exponent of r is at least ``cancelled_bits`` below the larger of theirs,
    or r = 0: that many leading bits cancelled (exponents compared as in M. Lam, J. Hollingsworth, G. W. Stewart,
    Dynamic floating-point cancellation detection, Parallel Computing 39(3), 2013)."""
    underflows: int | None = None
    """s + x ≠ 0 and r = 0 or subnormal, whether exact or not (*tiny*, IEEE 754-2019, section 7.5)."""
    needed_bits: int | None = None
    """Narrowest integer register in which no addition overflows; None for floats."""


@dataclass(frozen=True)
class Diagnosis:
    """A product, and what went on in each register, the inner before the outer."""

    result: MatmulResult
    registers: tuple[RegisterStatistics, ...]


def diagnose(datapath: Datapath, products: Products, start: Sums | None, cancelled_bits: int | None) -> Diagnosis:
    """See `Datapath.diagnose`."""
    accumulator, reduction = datapath.accumulator, datapath.reduction
    if not reduction.is_chain or datapath.scaled_at == "group":
        raise InputError(f"the sums of reduction '{reduction.kind}' are not made block by block, unscaled")
    if isinstance(accumulator, ChunkedAccumulator):
        inner = _Register("inner", accumulator.chunk, cancelled_bits)
        outer = _Register("outer", accumulator.into, cancelled_bits)
        sums = outer.begin(products, reduction, start)
        for first in range(0, products.length, accumulator.every):
            part = products.part(first, first + accumulator.every)
            held = inner.follow(part, reduction, inner.begin(part, reduction, None))
            chunk = inner.finish(held)
            if products.scales is not None and products.scales.where == "chunk":
                chunk = products.scales.of_chunk(chunk, first // products.scales.block, products.matrices)
            outer.add(sums, chunk, (products.first + first) // accumulator.every)
        registers, total = [inner, outer], outer.finish(sums)
    else:
        only = _Register("accumulator", accumulator, cancelled_bits)
        registers = [only]
        total = only.finish(only.follow(products, reduction, only.begin(products, reduction, start)))
    codes, counts = datapath.leave(total)
    for register in registers:
        counts += register.counted
    result = MatmulResult(codes, counts.overflows, counts.saturations)
    return Diagnosis(result, tuple(register.statistics() for register in registers))


@dataclass
class _Register:
    name: str
    accumulator: Any
    cancelled_bits: int | None
    counted: Counts = field(default_factory=Counts)
    additions: int = 0
    largest: Any = 0
    exact: Sums | None = None
    """Integer sums that did not wrap."""
    ends: tuple[int, int] = (0, 0)
    """Of these."""
    events: np.ndarray = field(default_factory=lambda: np.zeros(4, np.int64))

    # What a register does ---------------------------------------------------------------------------

    def begin(self, products: Products, reduction: Reduction, start: Sums | None) -> Sums:
        sums, counts = self.accumulator.begin(products, reduction, start)
        self.counted += counts
        if isinstance(self.accumulator, IntegerAccumulator):
            self.exact, _ = self._wide.begin(products, reduction, start)
        self._see(sums)
        return sums  # type: ignore[no-any-return]

    def follow(self, products: Products, reduction: Reduction, sums: Sums) -> Sums:
        """All products, block by block."""
        lanes = max(reduction.lanes_of(products.length), 1)
        for first in range(0, products.length, lanes):
            part = products.part(first, first + lanes)
            before = _copy(sums)
            self.counted += self.accumulator.extend(part, reduction, sums)
            if self.exact is not None:
                self.additions += sums.significand.size
                self._check(self._wide.extend(part, reduction, self.exact))
            else:
                self._count(before, step_terms(reduction, part, self.accumulator), sums)
            self._see(sums)
            sums = replace(sums, emin=None)  # from the second block on the sum's exponents are the register's
        return sums

    def add(self, sums: Sums, terms: Sums, number: int) -> None:
        """A chunk's sum."""
        before = _copy(sums)
        _, counts = self.accumulator.add(sums, terms, number)
        self.counted += counts
        if self.exact is not None:
            self.additions += sums.significand.size
            self._check(self._wide.add(self.exact, terms)[1])
        else:
            self._count(before, terms, sums)
        self._see(sums)

    def finish(self, sums: Sums) -> Sums:
        total, counts = self.accumulator.finish(sums)
        self.counted += counts
        return total  # type: ignore[no-any-return]

    # What is seen of it -----------------------------------------------------------------------------

    @property
    def _wide(self) -> IntegerAccumulator:
        return IntegerAccumulator(bits=EXACT_BITS)

    def _check(self, counts: Counts) -> None:
        if counts.overflows:
            raise InputError(f"exact sums of more than {EXACT_BITS} bits are not followed")

    def _see(self, sums: Sums) -> None:
        if self.exact is not None:
            low, high = int(self.exact.significand.min()), int(self.exact.significand.max())
            self.ends = min(self.ends[0], low), max(self.ends[1], high)
            held = max(-int(sums.significand.min()), int(sums.significand.max()))
            self.largest = max(self.largest, math.ldexp(float(held), int(sums.exponent.flat[0])))
        else:
            values = np.abs(sums.values())
            self.largest = max(self.largest, float(values[np.isfinite(values)].max(initial=0)))

    def _count(self, before: Sums, terms: Sums, after: Sums) -> None:
        from hwsim.kernels.statistics import count_additions

        assert isinstance(self.accumulator, FloatRegister)
        target = self.accumulator.float_format
        lost_bits = self.cancelled_bits if self.cancelled_bits is not None else (target.precision + 1) // 2
        kept = np.ones(before.significand.shape, np.bool_)
        if isinstance(before, TwoWords) and isinstance(after, TwoWords):
            assert before.low is not None and after.low is not None
            kept = (before.low.values() == after.low.values()) & np.isfinite(after.low.values())
        count_additions(arrays(before), arrays(terms), arrays(after), kept, target.emin, lost_bits, self.events)

    def statistics(self) -> RegisterStatistics:
        left = self.counted.overflows, self.counted.saturations
        additions, *lost = (int(count) for count in self.events)
        if self.exact is not None:
            return RegisterStatistics(
                self.name, self.additions, *left, self.largest, needed_bits=needed_bits(*self.ends)
            )
        return RegisterStatistics(self.name, additions, *left, self.largest, *lost)


def _copy(sums: Sums) -> Sums:
    significand, exponent, tag = (x.copy() for x in arrays(sums))
    copied = replace(sums, significand=significand, exponent=exponent, tag=tag)
    if isinstance(copied, TwoWords) and copied.low is not None:
        return replace(copied, low=_copy(copied.low))
    return copied
