"""Operators and their data: what is computed, in which order, on which tensors; nothing of hardware."""

from hwsim.workload.backend import Backend
from hwsim.workload.operator import Operator
from hwsim.workload.reference import ReferenceBackend
from hwsim.workload.steps import MatmulStep, Step, VectorStep
from hwsim.workload.tensors import Tensors
from hwsim.workload.workload import Workload

__all__ = [
    "Backend",
    "MatmulStep",
    "Operator",
    "ReferenceBackend",
    "Step",
    "Tensors",
    "VectorStep",
    "Workload",
]
