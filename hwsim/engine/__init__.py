"""Running workloads on architectures: numbers, errors, cycles and costs in one `Result`."""

from hwsim.engine.result import OPERATOR_KEYS, TOTAL_KEYS, Result
from hwsim.engine.simulate import compare, simulate, versions

__all__ = ["OPERATOR_KEYS", "TOTAL_KEYS", "Result", "compare", "simulate", "versions"]
