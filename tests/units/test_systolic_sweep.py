"""The kernels of sweeps are the closed forms of one array."""

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.units.base import Gemm
from hwsim.units.systolic import SystolicArray
from hwsim.units.systolic_sweep import DATAFLOWS, count_many

PE = {"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"}


@pytest.mark.parametrize("timing", ["exact", "scalesim_v3"])
def test_a_sweep_is_every_array_by_itself(timing):
    rng = np.random.default_rng(3)
    m, n, k, rows, cols = (rng.integers(1, high, 400) for high in (90, 90, 90, 20, 20))
    flows = [DATAFLOWS[code] for code in rng.integers(0, 3, 400)]
    counts = count_many(m, n, k, rows, cols, flows, scalesim=timing == "scalesim_v3")
    for i, flow in enumerate(flows):
        array = SystolicArray(rows=rows[i], cols=cols[i], dataflow=flow, pe=PE, timing=timing)
        gemm = Gemm(int(m[i]), int(n[i]), int(k[i]))
        assert counts.cycles[i] == array.timing(gemm).total
        accesses = array.accesses(gemm)
        for name in ("a_reads", "b_reads", "c_reads", "c_writes"):
            assert getattr(counts, name)[i] == getattr(accesses, name)
        tiles = array.count_tiles(m[i : i + 1], n[i : i + 1], k[i : i + 1])
        assert (tiles.cycles[0], tiles.c_writes[0]) == (counts.cycles[i], counts.c_writes[i])


def test_extents_are_broadcast():
    counts = count_many([[5], [7]], [1, 2, 3], 4, 2, 2, "output_stationary")
    assert counts.cycles.shape == (2, 3)
    assert counts.cycles[1, 2] == 4 * 2 * (2 * 2 + 2 + 4 - 2)


def test_no_extent_is_below_one():
    with pytest.raises(InputError, match="one and more"):
        count_many(0, 1, 1, 1, 1, "output_stationary")
