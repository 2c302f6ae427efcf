"""Errors about a workload that carry the place of the entry they are about."""

from __future__ import annotations

from hwsim.base.compose import Location, dotted
from hwsim.base.errors import InputError


class Misfit(InputError):
    """An operator whose operands do not fit; ``field`` is the field to blame, if it is one."""

    def __init__(self, operator: str, problem: str, field: str | None = None) -> None:
        super().__init__(f"{operator}: {problem}")
        self.field = field


class Misplaced(InputError):
    """A problem at ``place`` (keys and indices from the top of the workload's file)."""

    def __init__(self, place: Location, problem: str) -> None:
        super().__init__(f"{dotted(place)}: {problem}")
        self.place = place
        self.problem = problem
