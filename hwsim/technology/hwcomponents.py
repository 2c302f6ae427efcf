"""SRAM from CACTI through the optional package hwcomponents-cacti, instead of the interpolated points.

``technology: {source: hwcomponents}`` of an architecture, or `with_hwcomponents` of a technology. Everything else keeps
its own prices. The package runs CACTI, seconds per memory, at 22 to 90 nm; below, it scales by rules of its own. It is
asked at use, not before, and needs Python 3.12.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import HwsimError
from hwsim.technology.records import Number, SramCost
from hwsim.technology.sram import SramTable

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

INSTALL = "pip install 'hwsim[hwcomponents]' (Python 3.12 or newer)"
NAME = "CACTI through hwcomponents-cacti"


def with_hwcomponents(technology: Technology) -> Technology:
    """``technology`` with its SRAMs priced by CACTI at its node."""
    table = CactiTable(technology.node_nm, technology.voltage_v)
    return replace(technology, sram_table=table, rule=f"{technology.rule}; SRAM: {NAME}")


@dataclass(frozen=True)
class CactiTable(SramTable):
    """An SRAM table that asks CACTI; its supply is CACTI's own, whatever the technology's."""

    def cost(self, capacity_bytes: float, width_bytes: float) -> SramCost:
        """One access and the area; raises `HwsimError` with the line that installs the package where it is absent."""
        if capacity_bytes <= 0 or width_bytes <= 0:
            raise ValueError(f"an SRAM has a capacity and a width above zero, got {capacity_bytes} and {width_bytes}")
        read, write, area = _ask(self.node_nm, round(8 * width_bytes), max(1, round(capacity_bytes / width_bytes)))
        return SramCost(read, write, area, f"{NAME}, {self.node_nm} nm", "measured")

    def numbers(self) -> list[Number]:
        """No points: every memory is asked for by itself."""
        return []


@cache
def _ask(node_nm: int, width_bits: int, words: int) -> tuple[float, float, float]:
    """Energy of a read and of a write in J, and area in m²."""
    try:
        package = importlib.import_module("hwcomponents_cacti")
    except ImportError:
        raise HwsimError(f"SRAM from hwcomponents needs a package that is not installed: {INSTALL}") from None
    try:
        model = package.SRAM(tech_node=node_nm * 1e-9, width=width_bits, depth=words)
        return _energy(model.read()), _energy(model.write()), float(model.area)
    except Exception as error:  # whatever CACTI or its wrapper raises, in one line
        told = " ".join(str(error).split())[:200]
        raise HwsimError(f"hwcomponents-cacti: {words} words of {width_bits} bits at {node_nm} nm: {told}") from None


def _energy(answer: Any) -> float:
    """Joules: versions of the package answer with them alone, or with the latency behind."""
    return float(answer[0] if isinstance(answer, tuple) else answer)
