"""The Pareto front by exact dominance: designs that no other beats in one objective without losing in another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pareto_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of ``costs`` [designs, objectives], all to be minimised, no other row dominates.

    Row p dominates row q when p ≤ q in every objective and p < q in at least one; equal rows do not dominate each
    other. A row with NaN has no place in the comparison and is never on the front. Two objectives take
    O(n log n), more take O(n²) with n vectorised.
    """
    costs = np.asarray(costs, dtype=np.float64)
    if costs.ndim != 2 or costs.shape[1] == 0:
        raise ValueError(f"expected costs of shape [designs, objectives], got {costs.shape}")
    front = np.zeros(len(costs), dtype=np.bool_)
    known = np.flatnonzero(~np.isnan(costs).any(axis=1))
    if len(known):
        candidates = costs[known]
        front[known] = _two(candidates) if candidates.shape[1] == 2 else _any(candidates)
    return front


def _two(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Sort by the first; a row stays when its second is the best at its first and beats all smaller firsts."""
    order = np.lexsort((costs[:, 1], costs[:, 0]))
    first, second = costs[order, 0], costs[order, 1]
    starts = np.concatenate(([True], first[1:] != first[:-1]))  # where a new value of the first begins
    group = np.cumsum(starts) - 1
    best = second[starts]  # of each group: its first row, by the sort
    before = np.concatenate(([np.inf], np.minimum.accumulate(best)[:-1]))  # the best of all smaller firsts
    # The first group has nothing before it; an infinite second there is still the best there is.
    alive = best < before
    alive[0] = True
    stays = np.empty(len(costs), dtype=np.bool_)
    stays[order] = (second == best[group]) & alive[group]
    return stays


def _any(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    stays = np.ones(len(costs), dtype=np.bool_)
    for row, cost in enumerate(costs):
        stays[row] = not np.any(np.all(costs <= cost, axis=1) & np.any(costs < cost, axis=1))
    return stays
