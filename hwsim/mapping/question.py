"""One question to the mapper: a product on a unit and memories, and how it may be spread over cores and elements."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.mapping.answer import as_mapping
from hwsim.mapping.candidates import Tiles
from hwsim.mapping.fixed import Unmappable
from hwsim.mapping.found import Found, Objective
from hwsim.mapping.front import Front
from hwsim.mapping.hierarchy import Hierarchy
from hwsim.mapping.problem import Beside, Energies, Problem, Widths, build_problem, loop_extents
from hwsim.mapping.record import Mapping
from hwsim.mapping.search import EFFORT, best, candidates
from hwsim.units.base import Gemm, Window
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import SpatialArray, Unrolling


@dataclass(frozen=True)
class Question:
    """What `hwsim.mapping.map_gemm` is asked, widths in bits."""

    gemm: Gemm
    unit: MatmulUnit
    hierarchy: Hierarchy
    widths: Widths
    energies: Energies | None = None
    window: Window | None = None
    objective: Objective = "cycles"
    tiles: Tiles = "auto"
    fixed: Map[str, Any] = field(default_factory=dict)
    effort: int = EFFORT
    beside: Beside | None = None

    def groups(self) -> list[int]:
        """Numbers of groups of cores that each work on products of their own, the fastest by the unit's timing first.

        Powers of two, or what is fixed; one where cores share all memories.
        """
        if self.hierarchy.stages[-1].per != "core":
            return [1]
        if "groups" in self.fixed:
            return [self._fixed_groups()]
        most = min(self.gemm.count, self.unit.core_count)
        choices = [1 << power for power in range(most.bit_length())]
        return sorted(choices, key=lambda groups: (self._timed(groups), groups))

    def _fixed_groups(self) -> int:
        groups = int(self.fixed["groups"])
        if groups > min(self.gemm.count, self.unit.core_count):
            least = f"{self.gemm.count} products on {self.unit.core_count} cores"
            raise Unmappable(f"{groups} groups of cores, each on products of its own: there are {least}", ("groups",))
        return groups

    def _timed(self, groups: int) -> int:
        one = Gemm(self.gemm.m, self.gemm.n, self.gemm.k)
        return -(-self.gemm.count // groups) * self.unit.with_cores(self.unit.core_count // groups).timing(one).total

    def map(self) -> Mapping:
        """The best mapping by the objective."""
        found: Found | None = None
        problem: HwsimError | None = None
        for groups in self.groups():
            try:
                found = self._best_of(groups, found)
            except HwsimError as error:  # the part of a shared memory is too small
                problem = error
        if found is None:
            raise problem or HwsimError("nothing to map")
        return as_mapping(found, self.unit)

    def _best_of(self, groups: int, found: Found | None) -> Found:
        """The best mapping with so many groups of cores, or ``found`` where none is better."""
        hierarchy, one, group = self._share(groups)
        problem: HwsimError | None = None
        best_here = found
        for unrolling in self._unrollings(hierarchy, one, group, groups):
            steps = unrolling.steps(self._extents(groups)) if unrolling.factors else 0
            known = best_here.score("cycles")[0] if best_here is not None else 0.0
            if best_here is not None and self.objective == "cycles" and steps > known * group.core_count:
                break  # those that follow have no fewer steps
            built = self._problem(one, hierarchy, unrolling, group, groups)
            stages = self._fixed_stages(hierarchy)
            try:
                best_here = best(built, group, self.objective, self.tiles, stages, self.effort, best_here)
            except HwsimError as error:
                problem = problem or error
        if best_here is None or (best_here is found and problem is not None):
            raise problem or HwsimError("nothing to map")
        return best_here

    def front(self) -> list[Mapping]:
        """The mappings that no other beats in both cycles and energy."""
        front, problem = Front(), None
        for groups in self.groups():
            hierarchy, one, group = self._share(groups)
            for unrolling in self._unrollings(hierarchy, one, group, groups):
                try:
                    built = self._problem(one, hierarchy, unrolling, group, groups)
                    front.add(built, group, self.tiles, self._fixed_stages(hierarchy), self.effort)
                except HwsimError as error:
                    problem = error
        if not front.points:
            raise problem or HwsimError("nothing to map")
        return [as_mapping(point, self.unit) for point in front.points]

    def _share(self, groups: int) -> tuple[Hierarchy, MatmulUnit, MatmulUnit]:
        """What one group of cores has of the memories; one core, or the unit where cores share all; the group."""
        whole = self.hierarchy
        per_core = whole.stages[-1].per == "core"
        one = self.unit.with_cores(1) if per_core else self.unit
        group = self.unit.with_cores(self.unit.core_count // groups) if per_core else self.unit
        return whole.shared_by(groups), one, group

    def _problem(
        self, one: MatmulUnit, hierarchy: Hierarchy, unrolling: Unrolling, group: MatmulUnit, groups: int
    ) -> Problem:
        """With as many products as the unit takes side by side as one (small groups of a convolution)."""
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
        if any(self._fits(unrolling, hierarchy, one, group, groups) for unrolling in full):
            return full
        if self.fixed.get("stages") or self._fits(Unrolling({}), hierarchy, one, group, groups):
            return self.unit.unrollings(self._extents(groups), every=True)
        return [Unrolling({})]

    def _fits(
        self, unrolling: Unrolling, hierarchy: Hierarchy, one: MatmulUnit, group: MatmulUnit, groups: int
    ) -> bool:
        """Whether any tiles do that agree with what is fixed."""
        try:
            fixed = self._fixed_stages(hierarchy)
            candidates(self._problem(one, hierarchy, unrolling, group, groups), group, self.tiles, fixed)
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
