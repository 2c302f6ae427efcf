"""A matrix product placed on memories and a unit."""

from __future__ import annotations

from collections.abc import Mapping as Map
from fractions import Fraction

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.hierarchy import Hierarchy, build_hierarchy
from hwsim.mapping.record import DIMENSIONS, Level, Mapping
from hwsim.mapping.schedule import Evaluation, Problem, Widths
from hwsim.mapping.search import Search
from hwsim.mapping.walk import Tiling
from hwsim.memory.base import Memory
from hwsim.units.base import Gemm
from hwsim.units.registry import MatmulUnit


def map_gemm(
    gemm: Gemm,
    unit: MatmulUnit,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: tuple[float, float, float],
    partial_bytes: float | None = None,
    distinct_a: Fraction | int = 1,
) -> Mapping:
    """The best tiles and loop order of ``gemm``: fewest cycles, then least traffic to the outermost memory.

    ``memories`` are named from the outside in. ``element_bytes`` are those of a, b and the finished result;
    0.5 is an int4, 3 a 24-bit sum. ``partial_bytes`` are those of an unfinished sum (default: of a result).
    Elements are packed densely.

    ``distinct_a`` is the share of a's m·k elements that differ, below 1 where a convolution's windows overlap:
    memories hold and move a tile's distinct elements once, and the unit is fed all m·k (implicit im2col). The
    share is taken as that of every tile, rounded up to whole elements; elements that two tiles of a share
    (halos) are counted in one of them.

    ``gemm.count`` products run one after the other, each mapped alike. Where cores have memories of their
    own, groups of cores may each work on their own product, with a part of the shared room and bandwidth:
    as many groups (a power of two) as the unit's own timing favours and as fit.

    What is optimal within which map space: `hwsim.mapping.search`. How cycles and traffic follow from a
    tiling: `hwsim.mapping.schedule`. Raises `HwsimError` when no tile fits, naming the memory and operand.
    """
    hierarchy = build_hierarchy(memories, clock_hz)
    a, b, c = (_bits(width) for width in element_bytes)
    widths = Widths(a, b, c, c if partial_bytes is None else _bits(partial_bytes), _share(Fraction(distinct_a)))
    groups = _groups(gemm, unit) if hierarchy.stages[-1].per_core else 1
    while groups > 1:
        try:
            return _map(gemm, unit, hierarchy, widths, groups)
        except HwsimError:  # the part of a shared memory is too small
            groups //= 2
    return _map(gemm, unit, hierarchy, widths, 1)


def _groups(gemm: Gemm, unit: MatmulUnit) -> int:
    """Groups of cores that finish all products first, by the unit's timing alone; ties go to fewer."""
    choices = [1]
    while 2 * choices[-1] <= min(gemm.count, unit.core_count):
        choices.append(2 * choices[-1])
    one = Gemm(gemm.m, gemm.n, gemm.k)

    def cycles(groups: int) -> int:
        return -(-gemm.count // groups) * unit.with_cores(unit.core_count // groups).timing(one).total

    return min(choices, key=lambda groups: (cycles(groups), groups))


def _map(gemm: Gemm, unit: MatmulUnit, whole: Hierarchy, widths: Widths, groups: int) -> Mapping:
    hierarchy = whole.shared_by(groups)
    per_core = hierarchy.stages[-1].per_core
    problem = Problem(hierarchy, unit.with_cores(1) if per_core else unit, widths)
    group = unit.with_cores(unit.core_count // groups) if per_core else unit
    found = Search(problem, group).best((gemm.m, gemm.n, gemm.k))
    result = problem.evaluate(0, np.array([[gemm.m, gemm.n, gemm.k]]), found.tilings[0], found.tilings[1:])
    return _mapping(hierarchy, found.tilings, result, gemm.count, -(-gemm.count // groups))


def _share(distinct: Fraction) -> tuple[int, int]:
    """Numerator and denominator, small enough for products in 64 bits; rounded up where that needs it."""
    if not 0 < distinct <= 1:
        raise HwsimError(f"a share of distinct elements is above 0 and at most 1, not {float(distinct)}")
    if distinct.denominator <= _FINEST:
        return distinct.numerator, distinct.denominator
    return -(-distinct.numerator * _FINEST // distinct.denominator), _FINEST


_FINEST = 1 << 20


def _bits(element_bytes: float) -> int:
    bits = Fraction(element_bytes) * 8
    if bits <= 0 or bits.denominator != 1:
        raise HwsimError(f"an element takes a whole number of bits, not {float(bits)}")
    return int(bits)


def _mapping(hierarchy: Hierarchy, tilings: tuple[Tiling, ...], result: Evaluation, count: int, rounds: int) -> Mapping:
    cycles, compute = rounds * int(result.cycles[0]), rounds * int(result.compute[0])
    busy = {"compute": compute}
    for (_, name), spent in result.busy.items():
        busy[name] = max(busy.get(name, 0), rounds * int(spent[0]))
    levels = tuple(_level(hierarchy, index, tiling) for index, tiling in enumerate(tilings))
    innermost = levels[-1]
    return Mapping(
        tile=innermost.tile,
        order=tuple(DIMENSIONS[d] for d in innermost.order),
        traffic={name: _traffic(result, name, count) for name in hierarchy.ports},
        cycles=cycles,
        compute_cycles=compute,
        stall_cycles=cycles - compute,
        bound=max(busy, key=lambda name: busy[name]),
        busy_cycles=busy,
        levels=levels,
    )


def _traffic(result: Evaluation, name: str, count: int) -> dict[str, int]:
    def whole_bytes(bits: Map[str, np.ndarray]) -> int:
        return -(-count * int(bits[name][0]) // 8) if name in bits else 0

    return {"read": whole_bytes(result.read), "write": whole_bytes(result.write)}


def _level(hierarchy: Hierarchy, index: int, tiling: Tiling) -> Level:
    homes = dict.fromkeys(route[-1] for route in hierarchy.stages[index].routes.values())
    return Level(tuple(homes), _three(tiling.tile), _three(tiling.core_tile), _three(tiling.order))


def _three(values: np.ndarray) -> tuple[int, int, int]:
    m, n, k = values[0].tolist()
    return m, n, k
