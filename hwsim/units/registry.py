"""Where hardware units register themselves, and what each of them must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.record import Record
from hwsim.base.registry import Registry
from hwsim.units.base import Accesses, Gemm, Timing, UnitCost

if TYPE_CHECKING:
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.technology.base import Technology

units: Registry[type[Record]] = Registry("unit", "hwsim.units")


class MatmulUnit(Record, ABC):
    """Hardware that multiplies matrices: its bits, its cycles and its cost."""

    kind: Any

    @property
    @abstractmethod
    def a_format(self) -> Format:
        """Format of the first operand (activations)."""

    @property
    @abstractmethod
    def b_format(self) -> Format:
        """Format of the second operand (weights)."""

    @property
    @abstractmethod
    def result_format(self) -> Format:
        """Format of the sums that leave the unit."""

    @property
    @abstractmethod
    def peak_macs_per_cycle(self) -> int:
        """Multiply-accumulates per cycle when every multiplier works."""

    @property
    def tile_step(self) -> tuple[int, int, int]:
        """Granularity (m, n, k) of the tiles that leave this unit's order of additions unchanged."""
        return 1, 1, 1

    @abstractmethod
    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N]) on codes, added in the order in which this hardware adds."""

    @abstractmethod
    def timing(self, gemm: Gemm) -> Timing:
        """Cycles of ``gemm`` with every operand at hand; all ``gemm.count`` products."""

    @abstractmethod
    def accesses(self, gemm: Gemm) -> Accesses:
        """Elements that cross between this unit and its nearest memories."""

    @abstractmethod
    def actions(self, gemm: Gemm) -> dict[str, int]:
        """How often each action of `cost` is done during ``gemm``."""

    @abstractmethod
    def cost(self, technology: Technology) -> UnitCost:
        """Area by part and energy by action."""
