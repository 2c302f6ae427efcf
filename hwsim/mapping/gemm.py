"""A matrix product, or the convolution behind it, placed on memories and a unit."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.candidates import Tiles
from hwsim.mapping.fixed import Unmappable
from hwsim.mapping.front import Front
from hwsim.mapping.hierarchy import OPERANDS, Hierarchy, build_hierarchy
from hwsim.mapping.problem import (
    Beside,
    Energies,
    Problem,
    Widths,
    bits_of,
    build_problem,
    loop_extents,
    share,
)
from hwsim.mapping.record import DIMENSIONS, Level, Mapping
from hwsim.mapping.search import EFFORT, Found, Objective, best, candidates
from hwsim.memory.base import Memory
from hwsim.units.base import Gemm, Window
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import SpatialArray, Unrolling


def map_gemm(
    gemm: Gemm,
    unit: MatmulUnit,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: tuple[float, float, float],
    partial_bytes: float | None = None,
    distinct_a: Fraction | int = 1,
    *,
    window: Window | None = None,
    energies: Energies | None = None,
    objective: Objective = "cycles",
    tiles: Tiles = "auto",
    fixed: Map[str, Any] | None = None,
    hides_ends: bool = False,
    ideal: bool = False,
    effort: int = EFFORT,
    sources: Map[str, str] | None = None,
    beside: Beside | None = None,
) -> Mapping:
    """The best tiles, loop orders and unrolling of ``gemm`` by ``objective``, ties decided by energy (or cycles).

    ``memories`` are named from the outside in. ``element_bytes`` are those of a, b and the finished result;
    0.5 is an int4, 3 a 24-bit sum. ``partial_bytes`` are those of an unfinished sum (default: of a result).
    Elements are packed densely. ``energies`` are joules per bit read and written of each memory; without them
    the energy is the traffic of the outermost memory.

    ``window`` is the convolution that the product unfolds: memories hold and move a tile's pixels once, halos
    counted in every tile that needs them, and the unit is fed all m·k elements (implicit im2col). Tiles of a
    ``spatial`` array are runs of its loops; those of other units are runs of m and k, whose pixels are counted
    as if the run began at the start of a row, and of a part of a window in proportion. Without a window,
    ``distinct_a`` is the share of a's m·k elements that differ.

    ``gemm.count`` products run one after the other, each mapped alike, or as many side by side as the unit takes at
    once (`MatmulUnit.products_abreast`: small groups of a convolution). Where cores have memories of their
    own, groups of cores may each work on their own product, with a part of the shared room and bandwidth:
    as many groups (a power of two) as the unit's own timing favours and as fit.

    ``beside`` is what counts for the objective besides the traffic: energy of every cycle, of what all mappings do
    alike, and cycles of work that runs beside all products, below which fewer gain nothing.

    With ``hides_ends`` the first load and the last store are done beside the operators before and after. With
    ``ideal`` any transfer may run beside any work: cycles are those of the first load, the work and the last
    store, or of the busiest memory, whichever are more.

    ``fixed`` is any part of `Mapping.data`: ``{"unroll": {"K": 32}, "stages": [{"m": 16, "order": "nmk"}]}``.
    The map space and what is optimal in it: `hwsim.mapping.search`; how cycles and traffic follow from a
    mapping: `hwsim.kernels.nest_steps`. ``sources`` names on-chip memories where an operand is whole already
    (or is left), instead of the outermost one. Raises `HwsimError` when no tile fits, naming the memory and operand.
    """
    asked, hierarchy = _ask(
        gemm, unit, memories, clock_hz, element_bytes, partial_bytes, distinct_a, window, energies, objective, tiles,
        fixed, hides_ends, ideal, effort, sources, beside,
    )  # fmt: skip
    for groups in asked.groups(hierarchy):
        try:
            return asked.map(hierarchy, groups)
        except HwsimError:  # the part of a shared memory is too small
            if groups == 1:
                raise
    raise AssertionError("one group is the last")


def map_front(
    gemm: Gemm,
    unit: MatmulUnit,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: tuple[float, float, float],
    partial_bytes: float | None = None,
    distinct_a: Fraction | int = 1,
    *,
    window: Window | None = None,
    energies: Energies | None = None,
    tiles: Tiles = "auto",
    fixed: Map[str, Any] | None = None,
    hides_ends: bool = False,
    ideal: bool = False,
    effort: int = EFFORT,
    beside: Beside | None = None,
) -> list[Mapping]:
    """The mappings that no other beats in both cycles and energy, fewest cycles first; arguments as of `map_gemm`."""
    asked, hierarchy = _ask(
        gemm, unit, memories, clock_hz, element_bytes, partial_bytes, distinct_a, window, energies, "cycles", tiles,
        fixed, hides_ends, ideal, effort, None, beside,
    )  # fmt: skip
    for groups in asked.groups(hierarchy):
        try:
            return asked.front(hierarchy, groups)
        except HwsimError:
            if groups == 1:
                raise
    raise AssertionError("one group is the last")


def _ask(
    gemm: Gemm,
    unit: MatmulUnit,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: tuple[float, float, float],
    partial_bytes: float | None,
    distinct_a: Fraction | int,
    window: Window | None,
    energies: Energies | None,
    objective: Objective,
    tiles: Tiles,
    fixed: Map[str, Any] | None,
    hides_ends: bool,
    ideal: bool,
    effort: int,
    sources: Map[str, str] | None,
    beside: Beside | None,
) -> tuple[_Asked, Hierarchy]:
    hierarchy = replace(build_hierarchy(memories, clock_hz, sources), hides_ends=hides_ends, ideal=ideal)
    if hierarchy.stages[-1].per == "pe" and not isinstance(unit, SpatialArray):
        raise HwsimError(f"a {unit.kind} has its own registers; memories 'per: pe' belong to a spatial array")
    if isinstance(unit, SpatialArray) and unit.cores > 1 and hierarchy.stages[-1].per != "core":
        raise HwsimError(
            f"the {unit.cores} cores of a spatial array have memories of their own (per: core); "
            "write arrays that share all of them as one more dimension of the array"
        )
    a, b, c = (bits_of(width) for width in element_bytes)
    partial = c if partial_bytes is None else bits_of(partial_bytes)
    distinct = (1, 1) if window is not None else share(Fraction(distinct_a))
    widths = Widths(a, b, c, partial, distinct)
    return _Asked(gemm, unit, widths, energies, window, objective, tiles, fixed or {}, effort, beside), hierarchy


class _Asked:
    """One call of `map_gemm`."""

    def __init__(
        self,
        gemm: Gemm,
        unit: MatmulUnit,
        widths: Widths,
        energies: Energies | None,
        window: Window | None,
        objective: Objective,
        tiles: Tiles,
        fixed: Map[str, Any],
        effort: int,
        beside: Beside | None,
    ) -> None:
        self.gemm, self.unit, self.widths, self.energies, self.window = gemm, unit, widths, energies, window
        self.objective: Objective = objective
        self.tiles, self.fixed, self.effort, self.beside = tiles, fixed, effort, beside

    def groups(self, hierarchy: Hierarchy) -> list[int]:
        """Groups of cores to try, the fastest first."""
        groups = _groups(self.gemm, self.unit) if hierarchy.stages[-1].per == "core" else 1
        return [groups >> halvings for halvings in range(groups.bit_length())]

    def map(self, whole: Hierarchy, groups: int) -> Mapping:
        """The best mapping by the objective, each of ``groups`` of cores on a product of its own."""
        hierarchy, one, group = self._share(whole, groups)
        found: Found | None = None
        problem: HwsimError | None = None
        for unrolling in self._unrollings(hierarchy, one, group, groups):
            steps = unrolling.steps(self._extents(groups)) if unrolling.factors else 0
            if found is not None and self.objective == "cycles" and steps > found.score("cycles")[0]:
                break  # those that follow have no fewer steps
            built = self._problem(one, hierarchy, unrolling, group)
            stages = self._fixed_stages(hierarchy)
            try:
                found = best(built, group, self.objective, self.tiles, stages, self.effort, found)
            except HwsimError as error:
                problem = problem or error
        if found is None:
            raise problem or HwsimError("nothing to map")
        return as_mapping(found, self.unit)

    def front(self, whole: Hierarchy, groups: int) -> list[Mapping]:
        """The mappings that no other beats in both cycles and energy."""
        hierarchy, one, group = self._share(whole, groups)
        front, problem = Front(), None
        for unrolling in self._unrollings(hierarchy, one, group, groups):
            try:
                built = self._problem(one, hierarchy, unrolling, group)
                front.add(built, group, self.tiles, self._fixed_stages(hierarchy), self.effort)
            except HwsimError as error:
                problem = problem or error
        if not front.points:
            raise problem or HwsimError("nothing to map")
        return [as_mapping(point, self.unit) for point in front.points]

    def _share(self, whole: Hierarchy, groups: int) -> tuple[Hierarchy, MatmulUnit, MatmulUnit]:
        """What one group of cores has of the memories; one core, or the unit where cores share all; the group."""
        per_core = whole.stages[-1].per == "core"
        one = self.unit.with_cores(1) if per_core else self.unit
        group = self.unit.with_cores(self.unit.core_count // groups) if per_core else self.unit
        return whole.shared_by(groups), one, group

    def _problem(self, one: MatmulUnit, hierarchy: Hierarchy, unrolling: Unrolling, group: MatmulUnit) -> Problem:
        """With as many products as the unit takes side by side as one (small groups of a convolution)."""
        groups = self.unit.core_count // max(group.core_count, 1)
        abreast = unrolling.groups
        if one is self.unit and not isinstance(self.unit, SpatialArray):
            abreast = group.products_abreast(replace(self.gemm, count=-(-self.gemm.count // groups)))
        return build_problem(
            self.gemm, one, hierarchy, self.widths, self.energies, self.window, unrolling, group.core_count, abreast,
            groups, self.beside,
        )  # fmt: skip

    def _extents(self, groups: int = 1) -> dict[str, int]:
        """Of every loop of what one of ``groups`` of cores computes."""
        return {"G": -(-self.gemm.count // groups)} | loop_extents(self.gemm, self.window)

    def _unrollings(self, hierarchy: Hierarchy, one: MatmulUnit, group: MatmulUnit, groups: int) -> list[Unrolling]:
        """Those that fill the array; all others too where none of these fits the memories but one step of it does."""
        if not isinstance(self.unit, SpatialArray):
            if self.fixed.get("unroll"):
                raise Unmappable(f"a {self.unit.kind} has no loops to unroll; only a spatial array has", ("unroll",))
            return [Unrolling({})]
        if "unroll" in self.fixed:
            extents = self._extents()
            wanted = {loop: min(int(factor), extents[loop]) for loop, factor in self.fixed["unroll"].items()}
            if not self.unit.has_room_for(wanted):
                asked = " x ".join(f"{loop} {factor}" for loop, factor in wanted.items())
                array = " x ".join(f"{axis.size} ({', '.join(axis.unroll)})" for axis in self.unit.array)
                raise Unmappable(f"{asked} cannot be spread over the array of {array}", ("unroll",))
            return [Unrolling({loop: factor for loop, factor in wanted.items() if factor > 1})]
        full = self.unit.unrollings(self._extents(groups))
        fixed = bool(self.fixed.get("stages"))
        if fixed or any(self._fits(unrolling, hierarchy, one, group) for unrolling in full):
            return full
        if not self._fits(Unrolling({}), hierarchy, one, group):
            return [Unrolling({})]
        return self.unit.unrollings(self._extents(groups), every=True)

    def _fits(self, unrolling: Unrolling, hierarchy: Hierarchy, one: MatmulUnit, group: MatmulUnit) -> bool:
        """Whether any tiles do."""
        try:
            candidates(self._problem(one, hierarchy, unrolling, group), group, self.tiles, {})
        except HwsimError:
            return False
        return True

    def _fixed_stages(self, hierarchy: Hierarchy) -> dict[int, Map[str, Any]]:
        stages = self.fixed.get("stages", [])
        if len(stages) > len(hierarchy.stages):
            message = f"{len(stages)} stages are fixed, the memories make {len(hierarchy.stages)}"
            raise Unmappable(message, ("stages", len(hierarchy.stages)))
        for index, stage in enumerate(stages):
            homes = list(dict.fromkeys(route[-1] for route in hierarchy.stages[index].routes.values()))
            if stage and stage.get("memories") is not None and sorted(stage["memories"]) != sorted(homes):
                message = f"the memories of this stage are {homes}, not {list(stage['memories'])}"
                raise Unmappable(message, ("stages", index, "memories"))
        return {index: stage or {} for index, stage in enumerate(stages)}


def _groups(gemm: Gemm, unit: MatmulUnit) -> int:
    """Groups of cores that finish all products first, by the unit's timing alone; ties go to fewer."""
    choices = [1]
    while 2 * choices[-1] <= min(gemm.count, unit.core_count):
        choices.append(2 * choices[-1])
    one = Gemm(gemm.m, gemm.n, gemm.k)

    def cycles(groups: int) -> int:
        return -(-gemm.count // groups) * unit.with_cores(unit.core_count // groups).timing(one).total

    return min(choices, key=lambda groups: (cycles(groups), groups))


def as_mapping(found: Found, unit: MatmulUnit) -> Mapping:
    """What was found for one product, or those computed together, as the mapping of all."""
    from hwsim.kernels.nest_bounds import bound, bound_space, ideal_cycles
    from hwsim.kernels.nest_steps import evaluate, workspace
    from hwsim.kernels.nest_work import ORDERS, busy_cycles

    problem, tiles = found.problem, found.tiles
    count, rounds = problem.gemm.count, problem.rounds
    hierarchy, arrays = problem.hierarchy, problem.arrays
    names, places = list(hierarchy.ports), len(hierarchy.ports)
    total, timed, spare = (np.zeros((places, 3, 2), np.int64) for _ in range(3))
    cycles = rounds * int(evaluate(arrays, tiles, workspace(len(tiles), places), total, timed))
    _, alone, _ = bound(arrays, tiles, 0, len(tiles) - 1, bound_space(places), spare)
    compute = rounds * int(alone)
    if hierarchy.ideal:
        cycles = rounds * int(ideal_cycles(arrays, tiles, alone, total, bound_space(places)))
    busy = {"compute": compute}
    nothing = np.zeros_like(timed)
    for place, name in enumerate(names):
        one = np.zeros_like(timed)
        one[place] = timed[place]
        busy[name] = rounds * int(busy_cycles(arrays, one, nothing))
    levels = []
    for stage, row in zip(hierarchy.stages, tiles.tolist(), strict=True):
        homes = tuple(dict.fromkeys(route[-1] for route in stage.routes.values()))
        whole = tuple(min(size, steps) for size, steps in zip(row[:3], problem.steps, strict=True))
        core = tuple(min(size, steps) for size, steps in zip(row[3:6], problem.steps, strict=True))
        order = tuple(int(side) for side in ORDERS[row[6]])
        grid = (-(-whole[0] // core[0]), -(-whole[1] // core[1])) if stage.per == "core" else None
        levels.append(Level(homes, whole, core, order, bool(row[7]), grid))  # type: ignore[arg-type]
    bits = {
        (name, operand, way): count * int(total[place, index, direction]) // problem.abreast
        for place, name in enumerate(names)
        for index, operand in enumerate(OPERANDS)
        for direction, way in enumerate(("read", "write"))
        if total[place, index, direction]
    }
    geometry = problem.geometry
    loops = dict(zip(("OX", "OY", "B", "FX", "FY", "C", "K"), geometry[:7].tolist(), strict=True))
    return Mapping(
        tile=levels[-1].tile,
        order=tuple(DIMENSIONS[d] for d in levels[-1].order),
        traffic={name: _traffic(bits, name) for name in names},
        cycles=cycles,
        compute_cycles=compute,
        stall_cycles=cycles - compute,
        bound=max(busy, key=lambda name: busy[name]),
        busy_cycles=busy,
        levels=tuple(levels),
        unrolling=dict(problem.unrolling.factors),
        loops=loops,
        bits=bits,
        guarantee=found.guarantee,
        compulsory=_compulsory(problem, count),
        groups=problem.groups,
        peak_cycles=-(-problem.gemm.macs // unit.peak_macs_per_cycle),
    )


def _compulsory(problem: Problem, count: int) -> dict[str, int]:
    """Bytes of every operand's distinct elements, once."""
    from hwsim.kernels.tile_elements import input_elements

    (m, n, k), widths = (problem.gemm.m, problem.gemm.n, problem.gemm.k), problem.widths
    inputs = int(input_elements(problem.geometry, problem.steps[0], problem.steps[2], m, k))
    return {
        "read": count * (inputs * widths.a + k * n * widths.b) // 8,
        "write": count * m * n * widths.c // 8,
    }


def _traffic(bits: Map[tuple[str, str, str], int], name: str) -> dict[str, int]:
    def whole_bytes(way: str) -> int:
        return -(-sum(bits.get((name, operand, way), 0) for operand in OPERANDS) // 8)

    return {"read": whole_bytes("read"), "write": whole_bytes("write")}
