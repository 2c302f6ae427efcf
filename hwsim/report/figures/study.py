"""The figures of a study: what the front looks like, and how each metric follows the varied parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwsim.report.figures.pareto import pareto_figure
from hwsim.report.figures.sweep import sweep_figure, sweep_plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hwsim.explore.result import StudyResult

STUDY_CAPTIONS = {
    "pareto": "The designs in the plane of the objectives, with the Pareto front",
    "sweep": "Each metric against the varied parameter",
}


def study_figures(result: StudyResult) -> dict[str, Figure]:
    """File stem to figure; those that have something to show."""
    figures = {}
    if len(result.study.objectives) > 1 and any(point.metrics for point in result.points):
        figures["pareto"] = pareto_figure(result)
    if sweep_plan(result) is not None:
        figures["sweep"] = sweep_figure(result)
    return figures
