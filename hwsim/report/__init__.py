"""Tables, figures and pages. Everything heavy is loaded when first used."""

from hwsim.report.files import write_comparison, write_run
from hwsim.report.table import comparison_table, comparison_view, run_table, run_view

__all__ = ["comparison_table", "comparison_view", "run_table", "run_view", "write_comparison", "write_run"]
