"""How far a preset's bits can be trusted."""

from __future__ import annotations

from typing import Literal

from hwsim.base.record import Record


class Evidence(Record):
    """How far the bits of the matrix unit can be trusted to be those of the hardware that it describes."""

    grade: Literal["hardware-checked", "model-checked", "assumed"] = "assumed"
    """Recordings of the hardware agree on every bit; another published model agrees; or neither was tried."""
    source: str = "no hardware to compare with"
    """Recordings or model compared with, and what they leave out."""
