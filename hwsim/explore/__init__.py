"""Design spaces, their search and their Pareto fronts. Evaluation is loaded when a study runs."""

from hwsim.explore.pareto import pareto_front
from hwsim.explore.result import Point, StudyResult
from hwsim.explore.run import run_study
from hwsim.explore.study import Study, load_study

__all__ = ["Point", "Study", "StudyResult", "load_study", "pareto_front", "run_study"]
