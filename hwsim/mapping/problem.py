"""A product, a unit and a hierarchy of memories as the arrays that the mapping kernels read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.hierarchy import OPERANDS, Hierarchy
from hwsim.units.base import Gemm, Window
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import LOOPS, SpatialArray, Unrolling

Energies = Mapping[str, tuple[float, float]]
"""Memory to joules per bit read and written."""
_FINEST = 1 << 20


@dataclass(frozen=True)
class Widths:
    """Bits per element."""

    a: int
    b: int
    c: int
    """Of a finished result on its way out."""
    partial: int
    """Of an unfinished sum, and of sums in the memory nearest to the unit."""
    distinct_a: tuple[int, int] = (1, 1)
    """Numerator and denominator of the share of a's elements that differ, where no window says it."""


@dataclass(frozen=True)
class Beside:
    """What all products take beside the traffic of their mapping, for the objective alone."""

    per_cycle_j: float = 0.0
    """Joules of every cycle: leakage and clock."""
    fixed_j: float = 0.0
    """Joules of what every mapping does alike: multiplications, vector work."""
    least_cycles: int = 0
    """Cycles of vector work beside them: fewer gain nothing."""
    within_cycles: int = 0
    """For the objective cycles: mappings of at most so many cycles are compared by their energy."""


NOTHING_BESIDE = Beside()


@dataclass(frozen=True)
class Problem:
    """What stays the same while tilings vary."""

    hierarchy: Hierarchy
    unit: MatmulUnit
    """One core of it where the innermost memories are a core's own."""
    widths: Widths
    gemm: Gemm
    window: Window | None
    unrolling: Unrolling
    abreast: int
    """Products that are computed together, side by side on the unit."""
    arrays: tuple[np.ndarray, ...]
    """(memory, rates, routes, stages, nearest, widths, geometry, unit) of `hwsim.kernels.nest_work`."""
    groups: int = 1
    """Groups of cores that work on products of their own."""
    beside: Beside = NOTHING_BESIDE

    @property
    def rounds(self) -> int:
        """How often the product stands for others that follow it: its cycles count so many times."""
        return ceil(Fraction(ceil(Fraction(self.gemm.count, self.groups)), self.abreast))

    @property
    def times(self) -> float:
        """How often its energy and traffic count: those of all products together."""
        return self.gemm.count / self.abreast

    @property
    def geometry(self) -> np.ndarray:
        return self.arrays[6]

    @property
    def steps(self) -> tuple[int, int, int]:
        """Temporal steps along (m, n, k)."""
        g = self.geometry
        return int(g[0] * g[1] * g[2]), int(g[6]), int(g[3] * g[4] * g[5])


def build_problem(
    gemm: Gemm,
    unit: MatmulUnit,
    hierarchy: Hierarchy,
    widths: Widths,
    energies: Energies | None = None,
    window: Window | None = None,
    unrolling: Unrolling | None = None,
    cores: int = 1,
    abreast: int = 1,
    groups: int = 1,
    beside: Beside | None = None,
) -> Problem:
    """One of ``gemm.count`` products; ``unit`` is one of ``cores`` where the innermost memories are a core's own.

    There are ``groups`` of so many cores, each on products of its own.

    With ``abreast`` of the products computed together, side by side on the unit, every element stands for theirs.
    Without ``energies`` a bit through the outermost memory costs one joule and all others nothing, so that
    least energy is least traffic of that memory.
    """
    unrolling = unrolling or Unrolling({})
    names = list(hierarchy.ports)
    energies = energies or {names[0]: (1.0, 1.0)}
    memory = np.zeros((len(names), 8), np.int64)
    rates = np.zeros((len(names), 8))
    for place, port in enumerate(hierarchy.ports.values()):
        usable = -1 if port.usable_bits is None else port.usable_bits
        per = ("chip", "core", "pe").index(port.per)
        memory[place] = per, port.overlaps, port.shared_bus, usable, port.side_by_side, port.latency, 0, 0
        rates[place, :4] = port.bits_per_cycle, port.write_bits_per_cycle, *energies.get(port.name, (0.0, 0.0))
    memory[0, 6:] = hierarchy.hides_ends, hierarchy.ideal
    routes = np.zeros((len(hierarchy.stages), 3, 8), np.int64)
    for index, stage in enumerate(hierarchy.stages):
        for operand, name in enumerate(OPERANDS):
            route = [names.index(passed) for passed in stage.routes.get(name, ())]
            routes[index, operand, : len(route) + 1] = len(route), *route
    stages = np.array([("chip", "core", "pe").index(stage.per) for stage in hierarchy.stages])
    nearest = np.array([names.index(hierarchy.nearest[name]) for name in OPERANDS])
    bits = abreast * np.array([widths.a, widths.b, widths.c, widths.partial])
    geometry = geometry_of(gemm, window, unrolling, widths.distinct_a, isinstance(unit, SpatialArray))
    instances = unit.element_count if hierarchy.stages[-1].per == "pe" else cores
    arrays = (memory, rates, routes, stages, nearest, bits, geometry, _unit(unit, unrolling, instances, abreast))
    beside = beside or NOTHING_BESIDE
    problem = Problem(hierarchy, unit, widths, gemm, window, unrolling, abreast, arrays, groups, beside)
    rounds, times = problem.rounds, problem.times
    rates[0, 4:6] = beside.per_cycle_j * rounds / times, beside.fixed_j / times
    rates[0, 6:] = beside.least_cycles / rounds, beside.within_cycles / rounds
    return problem


def geometry_of(
    gemm: Gemm, window: Window | None, unrolling: Unrolling, distinct: tuple[int, int], spatial: bool
) -> np.ndarray:
    """`hwsim.kernels.tile_elements`: steps, unrolling and extent of every loop, strides, the input's extent."""
    window = window or Window(1, (1, gemm.m), gemm.k, (1, 1), (1, gemm.m))
    extents = loop_extents(gemm, window)
    unroll = {loop: unrolling.factors.get(loop, 1) for loop in extents}
    order = ("OX", "OY", "B", "FX", "FY", "C", "K")
    (stride_y, stride_x), (dilation_y, dilation_x), (high, wide) = window.stride, window.dilation, window.input
    return np.array(
        [
            *(-(-extents[loop] // unroll[loop]) for loop in order),
            *(unroll[loop] for loop in order),
            *(extents[loop] for loop in order),
            *(stride_x, stride_y, dilation_x, dilation_y, wide, high, spatial, *distinct),
        ],
        dtype=np.int64,
    )


def loop_extents(gemm: Gemm, window: Window | None) -> dict[str, int]:
    """Extent of every loop but G of one product: a convolution's own, or OX = m, K = n, C = k of a matrix product."""
    if window is None:
        return {"B": 1, "K": gemm.n, "C": gemm.k, "OY": 1, "OX": gemm.m, "FY": 1, "FX": 1}
    (rows, columns), (high, wide) = window.outputs, window.taps
    loops = {"B": window.images, "K": gemm.n, "C": window.channels, "OY": rows, "OX": columns, "FY": high, "FX": wide}
    if loops["B"] * rows * columns != gemm.m or loops["C"] * high * wide != gemm.k:
        raise HwsimError(f"a window of {loops} is no product of m = {gemm.m}, k = {gemm.k}")
    assert {*loops, "G"} == set(LOOPS)
    return loops


def _unit(unit: MatmulUnit, unrolling: Unrolling, instances: int, abreast: int) -> np.ndarray:
    """Kind, instances of the innermost memories, copies of a, b, c among elements, first reads, abreast, parameters."""
    from hwsim.kernels.nest_work import SPATIAL, TABLE

    if isinstance(unit, SpatialArray):
        return np.array([SPATIAL, instances, *unrolling.copies(), unit.first_reads, abreast], np.int64)
    form = unit.tile_params(abreast) if abreast > 1 else unit.tile_params()
    kind, params = (TABLE, np.zeros(0, np.int64)) if form is None else form
    return np.array([kind, instances, 1, 1, 1, 0, abreast, *params], np.int64)


def with_table(problem: Problem, sizes: tuple[list[int], list[int], list[int]]) -> Problem:
    """``problem`` with the counts of a unit that has no closed form, for tiles of all these sizes along m, n, k."""
    from dataclasses import replace

    from hwsim.kernels.nest_work import TABLE

    unit = problem.arrays[7]
    if unit[0] != TABLE:
        return problem
    along = [np.array(sorted(set(side)), np.int64) for side in sizes]
    m, n, k = np.meshgrid(*along, indexing="ij")
    abreast = problem.abreast
    counts = problem.unit.count_tiles(m, n, k, abreast)
    accesses = (counts.a_reads, counts.b_reads, counts.c_reads, counts.c_writes)
    columns = (counts.cycles, *(column // abreast for column in accesses))
    data = np.stack([np.ravel(column) for column in columns], axis=1).astype(np.int64).ravel()
    table = np.concatenate([unit[:7], [len(side) for side in along], *along, data])
    return replace(problem, arrays=(*problem.arrays[:7], table.astype(np.int64)))


def share(distinct: Fraction) -> tuple[int, int]:
    """Numerator and denominator, small enough for products in 64 bits; rounded up where that needs it."""
    if not 0 < distinct <= 1:
        raise HwsimError(f"a share of distinct elements is above 0 and at most 1, not {float(distinct)}")
    if distinct.denominator <= _FINEST:
        return distinct.numerator, distinct.denominator
    return -(-distinct.numerator * _FINEST // distinct.denominator), _FINEST


def bits_of(element_bytes: Any) -> int:
    """Bits of an element of so many bytes; `HwsimError` unless they are whole."""
    bits = Fraction(element_bytes) * 8
    if bits <= 0 or bits.denominator != 1:
        raise HwsimError(f"an element takes a whole number of bits, not {float(bits)}")
    return int(bits)
