"""Tables, figures and pages. Everything heavy is loaded when first used."""

from hwsim.report.files import plain, write_comparison, write_run
from hwsim.report.progress import progress
from hwsim.report.study import explore_study, study_table, study_view, write_study
from hwsim.report.table import comparison_table, comparison_view, run_table, run_view

__all__ = [
    "comparison_table", "comparison_view", "explore_study", "plain", "progress", "run_table", "run_view",
    "study_table", "study_view", "write_comparison", "write_run", "write_study",
]  # fmt: skip
