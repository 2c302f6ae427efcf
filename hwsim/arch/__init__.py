"""Architectures: YAML to a checked `Architecture`, with file, line and column in every complaint."""

from hwsim.arch.architecture import Architecture, Process
from hwsim.arch.quantization import Quantization

__all__ = ["Architecture", "Process", "Quantization"]
