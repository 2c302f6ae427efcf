"""The figures of a run and of a comparison; one file per idea, matplotlib loaded when the first is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwsim.report.figures.breakdown import comparison_breakdown, run_breakdown
from hwsim.report.figures.layers import cycles_by_layer, finite, sqnr_by_layer
from hwsim.report.figures.roofline import roofline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hwsim.engine.result import Result

CAPTIONS = {
    "energy_area": "Energy and area by component",
    "cycles": "Cycles by layer, computing and stalled",
    "sqnr": "Signal to quantization-noise ratio by layer",
    "roofline": "Roofline: attained against attainable arithmetic",
}
"""What each figure shows, for readers who do not see it."""


def figures_of(results: Sequence[Result]) -> dict[str, Figure]:
    """File stem to figure, for one run or for several side by side."""
    one = len(results) == 1
    figures = {
        "energy_area": run_breakdown(results[0]) if one else comparison_breakdown(results),
        "cycles": cycles_by_layer(results),
    }
    if any(finite(row["sqnr_db"]) for result in results for row in result.operators):
        figures["sqnr"] = sqnr_by_layer(results)
    figures["roofline"] = roofline(results)
    return figures
