"""Occupancy: how many output tiles the units of a core have in flight, as registers and shared memory allow."""

from __future__ import annotations

from pydantic import Field

from hwsim.base.errors import InputError
from hwsim.base.quantities import Bytes
from hwsim.base.record import Record


class Occupancy(Record):
    """What one core has for the tiles that its units work on, or wait with, at once.

    A tile holds its sums in registers and ``stages`` pairs of panels, one instruction's k deep, in shared memory
    (*assumed*: operands come from shared memory, and tiles do not share panels).
    """

    register_file: Bytes
    """Of one core, for sums."""
    shared_memory: Bytes
    """Of one core, for panels of a and b."""
    stages: int = Field(default=2, ge=1)
    """Panels of each operand that a tile has in flight: 2 is double buffering."""

    def tiles(self, units: int, sum_bits: int, panel_bits: int) -> int:
        """Tiles in flight of each of ``units`` in a core. Raises `InputError` where none fits, naming what is short."""
        needs = {
            "register_file": (self.register_file, -(-sum_bits // 8)),
            "shared_memory": (self.shared_memory, -(-self.stages * panel_bits // 8)),
        }
        for name, (room, bytes_) in needs.items():
            if room < units * bytes_:
                raise InputError(
                    f"{name} of {room} B: {units} units with one tile of {bytes_} B each need {units * bytes_}"
                )
        return min(room // bytes_ for room, bytes_ in needs.values()) // units
