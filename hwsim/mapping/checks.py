"""Whether a unit can be mapped onto memories at all, whatever the product."""

from __future__ import annotations

from hwsim.base.errors import HwsimError
from hwsim.mapping.hierarchy import Hierarchy
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import SpatialArray


def check_unit(unit: MatmulUnit, hierarchy: Hierarchy) -> None:
    """Raises `HwsimError` for memories of elements or cores that the unit does not have."""
    inner = hierarchy.stages[-1].per
    if inner == "pe" and not isinstance(unit, SpatialArray):
        raise HwsimError(f"a {unit.kind} has its own registers; memories 'per: pe' belong to a spatial array")
    if isinstance(unit, SpatialArray) and unit.cores > 1 and inner != "core":
        raise HwsimError(
            f"the {unit.cores} cores of a spatial array have memories of their own (per: core); "
            "write arrays that share all of them as one more dimension of the array"
        )
