"""Tensors that lie in memory instead of in a file."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.workload import Tensors
from hwsim.workload.tensor_file import TensorFile


@pytest.fixture(scope="session")
def tensors_of():
    """``tensors_of(weight=array, ...)``: a `Tensors` that finds these arrays by name."""

    def build(**arrays: np.ndarray) -> Tensors:
        file = TensorFile(Path("memory.npz"))
        file.__dict__["_tensors"] = arrays  # what the file would give when it is first looked at
        return Tensors(file)

    return build
