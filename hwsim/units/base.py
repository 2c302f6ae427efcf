"""What a unit is asked and what it answers: plain records that workloads, mappings and engines share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Gemm:
    """``count`` independent products [m, k] x [k, n] -> [m, n]."""

    m: int
    n: int
    k: int
    count: int = 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all ``count`` products."""
        return self.count * self.m * self.n * self.k


@dataclass(frozen=True)
class Window:
    """The convolution behind a product: m = images x rows x columns, k = channels x taps, pairs along (y, x)."""

    images: int
    outputs: tuple[int, int]
    channels: int
    """Of one group."""
    taps: tuple[int, int]
    input: tuple[int, int]
    """Rows and columns that are in memory (without padding)."""
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    @property
    def windows(self) -> Windows | None:
        """One image of one group, padding included; None for windows with gaps (dilation)."""
        if self.dilation != (1, 1):
            return None
        rows, columns = (self.input[side] + 2 * self.padding[side] for side in range(2))
        return Windows(rows, columns, self.channels, *self.taps, *self.stride)


@dataclass(frozen=True)
class Windows:
    """Where operand a of a convolution comes from: windows over ``height`` × ``width`` pixels of ``channels`` each.

    The extents include the padding. A plain product [m, k] is the windows of one row of k pixels over m rows
    (`rows_of`).
    """

    height: int
    width: int
    channels: int
    filter_height: int
    filter_width: int
    stride_height: int = 1
    stride_width: int = 1

    @classmethod
    def rows_of(cls, m: int, k: int) -> Windows:
        """The windows that are the rows of a matrix [m, k]."""
        return cls(height=m, width=k, channels=1, filter_height=1, filter_width=k)

    @property
    def elements(self) -> int:
        """K: elements in a window."""
        return self.filter_height * self.filter_width * self.channels


@dataclass(frozen=True)
class VectorWork:
    """Elementwise or row-wise work: how often each scalar operation (add, mul, max, exp, ...) is done."""

    reads: int
    """Elements read."""
    writes: int
    """Elements written."""
    operations: Mapping[str, int]
    """Scalar operation to count."""


@dataclass(frozen=True)
class Timing:
    """Cycles of a unit on its own, without stalls for data: ``total = fill + compute + drain``."""

    fill: int
    """Cycles before the first useful multiply-accumulate (preload, skew)."""
    compute: int
    """Cycles in which the steady state runs."""
    drain: int
    """Cycles after the last useful multiply-accumulate until the last result has left."""

    @property
    def total(self) -> int:
        return self.fill + self.compute + self.drain


@dataclass(frozen=True)
class Accesses:
    """Elements that cross between a unit and its nearest memories during one Gemm (all ``count``)."""

    a_reads: int
    b_reads: int
    c_reads: int
    """Partial sums read back for accumulation."""
    c_writes: int
    """Partial and final sums written."""


@dataclass(frozen=True)
class TileCounts:
    """Cycles (`Timing.total`) and `Accesses` of many products at once: integer arrays of one shape."""

    cycles: np.ndarray
    a_reads: np.ndarray
    b_reads: np.ndarray
    c_reads: np.ndarray
    c_writes: np.ndarray

    def plus(self, other: TileCounts, times: np.ndarray) -> TileCounts:
        """These and ``times`` the others."""
        names = ("cycles", "a_reads", "b_reads", "c_reads", "c_writes")
        return TileCounts(*(getattr(self, name) + times * getattr(other, name) for name in names))


@dataclass(frozen=True)
class WholeLayer:
    """Cycles and traffic of a product with its memories, from a unit that states them itself instead of being mapped.

    Has the names of a `hwsim.mapping.Mapping` that costs are counted from.
    """

    cycles: int
    compute_cycles: int
    stall_cycles: int
    bound: str
    """What the cycles are spent on: ``compute``, or a memory's name."""
    utilization: float
    traffic: Mapping[str, Mapping[str, int]]
    """Memory to bytes ``read`` and ``write``."""


@dataclass(frozen=True)
class UnitCost:
    """Area of a unit by part and energy per action; actions are counted by the unit's ``actions``."""

    area_m2: Mapping[str, float]
    energy_j: Mapping[str, float]
    """Energy of one action, by action name."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each number comes from, by part (or by an action that is no part's)."""
    drawn_by: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Action to the parts that draw its energy; an action without an entry counts as a part of its own."""

    register_bits: float = 0.0
    """Flip-flops that the clock drives: pipeline, operand and accumulator registers."""

    @property
    def total_area_m2(self) -> float:
        return sum(self.area_m2.values())

    def energy_by_part(self, actions: Mapping[str, int]) -> dict[str, float]:
        """Energy in J that each part draws when every action is done as often as ``actions`` says."""
        energy: dict[str, float] = {}
        for action, count in actions.items():
            for part, value in self.drawn_by.get(action, {action: self.energy_j[action]}).items():
                energy[part] = energy.get(part, 0.0) + count * value
        return energy
