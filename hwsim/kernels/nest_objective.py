"""What the best mapping has least of: pairs that are compared in order."""

from __future__ import annotations

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_work import FIXED, LEAST_CYCLES, PER_CYCLE, WITHIN

CYCLES, ENERGY, EDP, TRAFFIC = 0, 1, 2, 3
ROUNDING = 1e-12


@bare
def score(objective, cycles, joules, bits):
    if objective == CYCLES:
        return float(cycles), joules
    if objective == ENERGY:
        return joules, float(cycles)
    if objective == EDP:
        return joules * cycles, float(cycles)
    return float(bits), float(cycles)


@bare
def whole_energy(problem, joules, cycles):
    """Joules of traffic, of every cycle and of what all mappings do alike."""
    return joules + problem[1][0, PER_CYCLE] * cycles + problem[1][0, FIXED]


@bare
def value(problem, objective, cycles, joules, bits):
    """`score` of a mapping of so many cycles, joules of traffic and bits, or of bounds of them."""
    rates = problem[1]
    cycles = max(float(cycles), rates[0, LEAST_CYCLES])
    joules = whole_energy(problem, joules, cycles)
    if objective == CYCLES:
        return max(cycles, rates[0, WITHIN]), joules
    return score(objective, cycles, joules, bits)


@bare
def no_better(primary, secondary, best, best_second):
    """Whether a pair is no better than the best: sums of joules in another order are equal to some last places."""
    if primary > best * (1 + ROUNDING):
        return True
    return primary >= best * (1 - ROUNDING) and secondary >= best_second
