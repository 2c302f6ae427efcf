"""The mappings of a product that no other beats in both cycles and energy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwsim.mapping.candidates import Tiles
from hwsim.mapping.found import Found, Guarantee
from hwsim.mapping.problem import Problem
from hwsim.mapping.search import Fixed, best, candidates
from hwsim.units.registry import MatmulUnit


@dataclass
class Front:
    """Points of a front as they are found, one problem (an unrolling of a product) after the other.

    Each problem's map space is that of `hwsim.mapping.search`. A front is whole where each search came to its end:
    then no mapping of the space beats a point of it in both cycles and joules, and none that is not beaten by
    a point is missing.
    """

    points: tuple[Found, ...] = ()
    """In the order of their cycles; joules fall."""
    looked_at: int = 0
    evaluated: int = 0
    whole: bool = True

    def add(self, problem: Problem, unit: MatmulUnit, tiles: Tiles, fixed: Fixed, effort: int) -> None:
        """Puts the mappings of ``problem`` that are not beaten among the points, and removes those they beat.

        The best in cycles and in joules come first, so that little is left to look at. Raises `HwsimError` where
        nothing fits.
        """
        from hwsim.kernels.nest_front import search_front
        from hwsim.kernels.nest_work import FIXED, PER_CYCLE

        for objective in ("cycles", "energy"):
            self._offer(best(problem, unit, objective, tiles, fixed, effort))
        problem, rows, space = candidates(problem, unit, tiles, fixed)
        starts = np.cumsum([0, *map(len, rows)])
        scores = [point.score("cycles") for point in self.points]
        known = np.array([-(-int(c) // problem.rounds) for c, _ in scores]), np.array([j for _, j in scores])
        cycles, joules, chosen, seen, evaluated, whole = search_front(
            problem.arrays, np.concatenate(rows), starts, effort, known[0], known[1] / problem.times
        )
        rest = problem.arrays[1][0]
        self.looked_at += int(seen)
        self.evaluated += int(evaluated)
        self.whole &= bool(whole)
        guarantee = Guarantee(space, tuple(map(len, rows)), int(seen), int(evaluated), bool(whole), on_front=True)
        for point, row in enumerate(chosen):
            if row.any():
                traffic = joules[point] - rest[PER_CYCLE] * cycles[point] - rest[FIXED]
                self._offer(Found(problem, row, int(cycles[point]), float(traffic), 0, guarantee))
        guarantee = replace(guarantee, looked_at=self.looked_at, evaluated=self.evaluated, optimal=self.whole)
        self.points = tuple(replace(point, guarantee=guarantee) for point in self.points)

    def _offer(self, found: Found) -> None:
        from hwsim.kernels.nest_objective import ROUNDING

        def beats(one: Found, other: Found) -> bool:
            (cycles, joules), (its_cycles, its_joules) = one.score("cycles"), other.score("cycles")
            return cycles <= its_cycles and joules <= its_joules * (1 + ROUNDING)

        if not any(beats(point, found) for point in self.points):
            kept = [point for point in self.points if not beats(found, point)]
            self.points = tuple(sorted([*kept, found], key=lambda one: one.score("cycles")))
