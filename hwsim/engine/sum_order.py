"""A unit's order of additions as a datapath: what analyses of sums run and vary instead of the unit itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.units.pim import Pim
from hwsim.units.pim_numerics import burst_order
from hwsim.units.systolic import SystolicArray

if TYPE_CHECKING:
    from hwsim.units.registry import MatmulUnit


@dataclass(frozen=True)
class SumOrder:
    """``datapath`` on operands whose k are taken in the order ``k`` gives the unit's bits."""

    datapath: Datapath
    k: np.ndarray | None = None
    """Which k comes when, −1 for a lane that idles on zeros; None: ascending."""
    outer_share: float = 1.0
    """Adders of chunks for each lane, that is for each multiplier; 0 where another unit adds them."""

    def arranged(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Codes a [.., M, K] and b [.., K, N] with their k in that order."""
        if self.k is None:
            return a, b
        used = self.k >= 0
        return np.where(used, a[..., self.k], 0), np.where(used[:, None], b[..., self.k, :], 0)


def sum_order(unit: MatmulUnit, k: int) -> SumOrder:
    """How ``unit`` adds sums of ``k`` products; raises `InputError` for a unit that no datapath describes."""
    datapath = getattr(unit, "datapath", None)
    if isinstance(datapath, Datapath):
        # An array's fold adders stand below its columns (`hwsim.units.systolic.SystolicArray.cost`).
        return SumOrder(datapath, outer_share=1 / unit.rows if isinstance(unit, SystolicArray) else 1.0)
    if isinstance(unit, Pim):
        return _pim(unit, k)
    raise InputError(f"the sums of a {unit.kind} are not those of a datapath, whose accumulator could be varied")


def _pim(unit: Pim, k: int) -> SumOrder:
    """Each lane's chain is a chunk; the host adds the chunks one by one (see `hwsim.units.pim.Pim`)."""
    if unit.lane_reduction != "sequential":
        raise InputError("the sums of a pim with 'lane_reduction: tree' are not those of a datapath")
    bursts = -(-k // unit.lanes)
    order = burst_order(bursts, unit.registers)[None, :] * unit.lanes + np.arange(unit.lanes)[:, None]
    name = unit.format.name
    datapath = {
        "operands": {"a": name, "b": name},
        "reduction": {"kind": "sequential", "fused": False, "product": name},
        "accumulator": {"every": max(bursts, 1), "into": name},
    }
    chosen = np.where(order < k, order, -1).reshape(-1)
    return SumOrder(Datapath.model_validate(datapath), chosen, outer_share=0.0)
