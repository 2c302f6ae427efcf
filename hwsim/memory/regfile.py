"""Register files: small SRAM of several ports."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from hwsim.base.quantities import Bytes
from hwsim.memory.base import memories
from hwsim.memory.sram import SramMacro


@memories.register("regfile")
class RegisterFile(SramMacro):
    """Register file of SRAM cells: ``{kind: regfile, capacity: 4 KiB, width: 32 B, ports: 3}``.

    Priced as an SRAM of its capacity, below the smallest published macro by extrapolation, and of its ports as
    `SramMacro` assumes. A few registers are cheaper as flip-flops: ``kind: registers``.
    """

    kind: Literal["regfile"] = "regfile"
    width: Bytes
    """Bytes of one access through one port."""
    ports: int = Field(default=3, ge=1)
    """Accesses per cycle: two reads and a write unless written."""

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(capacity=4096, width=32), cls(capacity=64, width=4, ports=1, banks=2)]
