"""What a sweep answers: cycles, energy and area of every design, and those that no other beats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sweep:
    """Designs d and the network's different products j."""

    paths: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    """Values [D] of every path."""
    layers: tuple[str, ...]
    """The first operator of every different product."""
    repeats: np.ndarray
    """[J]: how many operators are that product."""
    cycles: np.ndarray
    """int64[D, J], of one operator; -1 where it does not fit."""
    energy_j: np.ndarray
    """[D, J], of one operator."""
    outer_bytes: np.ndarray
    """[D, J]: bytes through the outermost memory, of one operator."""
    area_m2: np.ndarray
    """[D]."""
    clock_hz: np.ndarray
    """[D]."""

    @property
    def fits(self) -> np.ndarray:
        """[D]: whether every product fits."""
        fitting: np.ndarray = np.all(self.cycles >= 0, axis=1)
        return fitting

    @property
    def total_cycles(self) -> np.ndarray:
        """[D], of all products; -1 where one does not fit."""
        total: np.ndarray = np.where(self.fits, self.cycles @ self.repeats, -1)
        return total

    @property
    def total_energy_j(self) -> np.ndarray:
        """[D], of all products; NaN where one does not fit."""
        total: np.ndarray = self.energy_j @ self.repeats
        return total

    @property
    def time_s(self) -> np.ndarray:
        """[D], of all products; NaN where one does not fit."""
        seconds: np.ndarray = np.where(self.fits, self.total_cycles, np.nan) / self.clock_hz
        return seconds

    def design(self, index: int) -> dict[str, Any]:
        """Dotted path to value of one design."""
        return {path: values[index] for path, values in zip(self.paths, self.values, strict=True)}

    def pareto(self) -> np.ndarray:
        """Designs that no other beats in time, energy and area at once, fastest first."""
        points = np.stack([self.time_s, self.total_energy_j, self.area_m2], axis=1)
        order = np.lexsort((points[:, 2], points[:, 1], points[:, 0]))
        order = order[self.fits[order]]
        kept: list[int] = []
        front = np.empty((0, 3))
        for index in order:
            if not np.any(np.all(front <= points[index], axis=1)):
                kept.append(int(index))
                front = np.vstack([front, points[index]])
        return np.array(kept, dtype=np.int64)
