"""The scalar functions for mappers say of every small shape what `count_tiles` says."""

from itertools import product

import numpy as np
import pytest

from hwsim.kernels.unit_counts import tile_counts
from hwsim.units.systolic import SystolicArray
from hwsim.units.tensor_core import TensorCore

INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 32}}
DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")
SHAPES = np.array(list(product(range(1, 10), repeat=3)), np.int64)


def same(unit):
    kind, params = unit.tile_params()
    counted = unit.count_tiles(*SHAPES.T)
    expected = [getattr(counted, name) for name in ("cycles", "a_reads", "b_reads", "c_reads", "c_writes")]
    answers = np.array([tile_counts(kind, params, *shape) for shape in SHAPES])
    return np.array_equal(answers, np.stack(expected, axis=1))


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_systolic(dataflow):
    for rows, cols in product(range(1, 5), repeat=2):
        assert same(SystolicArray(rows=rows, cols=cols, dataflow=dataflow, pe=INT8))


def test_tensor_core():
    for cores, tile, rate, latency in [(1, (1, 1, 1), 1, 0), (3, (2, 3, 4), 5, 7), (2, (4, 3, 2), 100, 1)]:
        shape = dict(zip("mnk", tile, strict=True))
        assert same(
            TensorCore(cores=cores, units_per_core=2, tile=shape, macs_per_cycle=rate, latency=latency, datapath=INT8)
        )
