"""What a run answers: one row per operator, totals, areas and energies by component, and where the numbers are from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OPERATOR_KEYS = (
    "name", "op", "unit", "macs", "cycles", "compute_cycles", "stall_cycles", "utilization", "bound",
    "traffic_bytes", "energy_j", "sqnr_db", "max_ulp", "rel_l2", "overflows", "saturations",
    "fused",
)  # fmt: skip
"""Keys of every operator's row; a key without a value is None, never missing. ``fused``: in words, the blocks of the
chain that the operator is a link of."""

TOTAL_KEYS = ("cycles", "time_s", "energy_j", "area_m2", "power_w", "macs", "utilization", "sqnr_db", "metric")
"""Keys of the totals; ``metric`` is ``{"name", "value", "correct", "total", "reference"}`` or None."""


@dataclass(frozen=True)
class Result:
    """One architecture on one workload: bits (errors), cycles, joules, square metres. SI units without prefix."""

    architecture: str
    workload: str
    seed: int
    versions: dict[str, str]
    operators: list[dict[str, Any]]
    """One mapping with `OPERATOR_KEYS` per operator, in execution order."""
    totals: dict[str, Any]
    """A mapping with `TOTAL_KEYS`."""
    area_m2: dict[str, float]
    """Area by component; sums to ``totals["area_m2"]``."""
    energy_j: dict[str, float]
    """Energy by component; sums to ``totals["energy_j"]``."""
    roofline: dict[str, Any]
    """``peak_macs_per_s`` and ``bandwidth_bytes_per_s`` by memory, outermost first."""
    sources: list[dict[str, Any]] = field(default_factory=list)
    """``what, value, unit, source, status`` of every cost used."""
    switching: list[dict[str, Any]] | None = None
    """Per product, where it was asked for: ``name``, measured ``activity`` by register, and ``energy_j`` of the
    components that follow it, ``average`` beside ``measured`` (`hwsim.engine.toggles`)."""
    inputs: dict[str, str] = field(default_factory=dict)
    """The files the run was made from, as text by name; stored beside the results."""

    def to_json(self) -> dict[str, Any]:
        """The mapping that ``--json`` prints: plain numbers, strings, lists and None."""
        return {
            "architecture": self.architecture,
            "workload": self.workload,
            "seed": self.seed,
            "versions": self.versions,
            "operators": self.operators,
            "totals": self.totals,
            "switching": self.switching,
        }

    def table(self) -> str:
        """The terminal's table as text."""
        from hwsim.report import run_table  # the one look downwards: a face, not a dependency

        return run_table(self)

    def save(self, directory: str | Path) -> Path:
        """Write summary, CSV, figures and the HTML report into ``directory``; it appears only when complete."""
        from hwsim.report import write_run

        return write_run(self, Path(directory))
