"""An operator placed on a memory hierarchy and a unit: tiles, loop order, traffic, cycles."""

from hwsim.mapping.gemm import map_front, map_gemm
from hwsim.mapping.record import Level, Mapping
from hwsim.mapping.vector import map_vector

__all__ = ["Level", "Mapping", "map_front", "map_gemm", "map_vector"]
