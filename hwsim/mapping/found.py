"""The best tiles of a problem, what they cost by an objective, and how good they are among all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwsim.mapping.problem import Problem

Objective = Literal["cycles", "energy", "edp", "traffic"]
OBJECTIVES: tuple[Objective, ...] = ("cycles", "energy", "edp", "traffic")


def objective_pair(objective: Objective, cycles: float, joules: float, outer: float) -> tuple[float, float]:
    """What the best has least of, and what decides between equals; ``outer`` is traffic of the outermost memory."""
    pairs = {
        "cycles": (cycles, joules), "energy": (joules, cycles), "edp": (joules * cycles, cycles),
        "traffic": (outer, cycles),
    }  # fmt: skip
    return pairs[objective]


@dataclass(frozen=True)
class Guarantee:
    """How good a mapping is among those of the map space."""

    space: str
    """The map space in words."""
    tiles: tuple[int, ...]
    """Tiles with loop orders looked at in each stage."""
    looked_at: int
    evaluated: int
    """Mappings computed exactly; the others were ruled out by their bounds."""
    optimal: bool
    gap: float = 0.0
    """How much lower the objective of a mapping not looked at could be, as a share; 0 if optimal."""
    spreads: int = 1
    """Ways to spread loops over an array, and products over cores, that were searched one after the other."""
    on_front: bool = False
    """Whether it is a point of a front (`hwsim.mapping.front`); ``optimal``: of the whole one."""

    def __str__(self) -> str:
        spread = f" in each of {self.spreads} ways to spread it" if self.spreads > 1 else ""
        counted = f"{' x '.join(map(str, self.tiles))} tiles with orders{spread}, {self.evaluated} evaluated"
        if self.on_front:
            which = "the whole front" if self.optimal else "the front as far as it was searched"
            return f"on {which} of {self.space} ({counted})"
        if self.optimal:
            return f"optimal among {self.space} ({counted})"
        return f"within {100 * self.gap:.2g} % of the best among {self.space} ({counted}, then stopped)"


@dataclass(frozen=True)
class Found:
    """The best tiles [S, 8] of a problem (`hwsim.kernels.nest_work`), what they cost and how sure that is."""

    problem: Problem
    tiles: np.ndarray
    cycles: int
    """Of the products that are computed together."""
    joules: float
    """Of their traffic."""
    outer_bits: int
    guarantee: Guarantee

    def score(self, objective: Objective) -> tuple[float, float]:
        """The objective's pair, compared in order, of all products."""
        beside = self.problem.beside
        cycles = max(float(self.cycles * self.problem.rounds), float(beside.least_cycles))
        joules = self.joules * self.problem.times + beside.per_cycle_j * cycles + beside.fixed_j
        if objective == "cycles":
            cycles = max(cycles, float(beside.within_cycles))
        return objective_pair(objective, cycles, joules, self.outer_bits * self.problem.times)

    def beats(self, other: Found, objective: Objective) -> bool:
        """Whether it is better; sums of joules in another order are equal to some last places."""
        from hwsim.kernels.nest_objective import no_better

        return not no_better(*self.score(objective), *other.score(objective))
