"""Sweeps: the same cycles, energy and area as a run whose products are mapped by the same tiles."""

from __future__ import annotations

import numpy as np
import pytest

from hwsim.arch import Architecture
from hwsim.base.errors import InputError
from hwsim.engine import simulate
from hwsim.engine.sweep import sweep
from hwsim.workload import Workload

ARRAY = Architecture.load("systolic_int8_ws_32x32")
SMALL = Workload.model_validate(
    {
        "name": "small",
        "operators": [
            {"name": "one", "op": "gemm", "m": 40, "n": 50, "k": 60},
            {"name": "two", "op": "gemm", "m": 40, "n": 50, "k": 60},
            {"name": "other", "op": "gemm", "m": 7, "n": 90, "k": 33, "repeat": 3},
        ],
        "numerics": {"compute": False},
    }
)
VARY = {
    "compute.rows": [8, 32],
    "memories.buffer.capacity": ["512 KiB", "1 MiB"],
    "memories.dram.stacks": [1, 2],
    "technology.clock": ["1 GHz", "700 MHz"],
}


def test_where_everything_fits_one_tile_a_sweep_is_the_run_of_each_design_so_mapped():
    """Everything fits: the sweep's tile is the whole product, which the mapper is told to take too."""
    from hwsim.mapping.fixed import Mappings

    found = sweep(ARRAY, SMALL, VARY)
    whole = {
        name: {"stages": [{"m": m, "n": n, "k": k, "order": "mnk"}]}
        for name, (m, n, k) in {"one": (40, 50, 60), "two": (40, 50, 60), "other": (7, 90, 33)}.items()
    }
    fixed = Mappings.model_validate({"mappings": whole})
    assert found.layers == ("one", "other")
    assert found.repeats.tolist() == [2, 1]
    assert len(found.area_m2) == 16 and found.fits.all()
    for index in range(16):
        run = simulate(ARRAY.override(found.design(index)), SMALL, mappings=fixed)
        rows = {row["name"]: row for row in run.operators}
        for place, name in enumerate(found.layers):
            assert found.cycles[index, place] == rows[name]["cycles"]
            assert found.energy_j[index, place] == pytest.approx(sum(rows[name]["energy_j"].values()), rel=1e-9)
        assert found.total_cycles[index] == run.totals["cycles"]
        assert found.total_energy_j[index] == pytest.approx(run.totals["energy_j"], rel=1e-9)
        assert found.area_m2[index] == pytest.approx(run.totals["area_m2"], rel=1e-12)


def test_a_sweep_never_beats_the_search():
    tight = {"memories.buffer.capacity": ["4 KiB", "16 KiB"], "memories.buffer.banks": [1], "compute.rows": [8, 16]}
    found = sweep(ARRAY, SMALL, tight)
    for index in np.flatnonzero(found.fits):
        rows = {row["name"]: row for row in simulate(ARRAY.override(found.design(int(index))), SMALL).operators}
        for place, name in enumerate(found.layers):
            assert found.cycles[index, place] >= rows[name]["cycles"]


def test_the_front_is_not_beaten():
    found = sweep(ARRAY, SMALL, VARY)
    points = np.stack([found.time_s, found.total_energy_j, found.area_m2], axis=1)
    front = found.pareto()
    for index in range(len(points)):
        beaten = np.all(points[front] <= points[index], axis=1) & np.any(points[front] < points[index], axis=1)
        assert (index in front) or beaten.any() or (points[front] == points[index]).all(axis=1).any()
    for index in front:
        assert not np.any(np.all(points <= points[index], axis=1) & np.any(points < points[index], axis=1))


@pytest.mark.parametrize(
    ("architecture", "vary", "message"),
    [
        ("systolic_int8_ws_32x32", {}, "at least one value"),
        ("systolic_int8_ws_32x32", {"vector.lanes": [8]}, "a sweep varies compute, memories, technology"),
        ("systolic_int8_ws_32x32", {"compute.rowz": [8]}, "rows"),
        ("tensorcore_fp8", {"compute.cores": [8]}, "one stage of on-chip memories"),
    ],
)
def test_what_a_sweep_cannot_take(architecture, vary, message):
    with pytest.raises(InputError, match=message):
        sweep(Architecture.load(architecture), SMALL, vary)
