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


def test_groups_stand_side_by_side_in_a_sweep_too():
    """Filters of 3 x 3: 3, 7 or 14 of them block-diagonally; more rows take fewer cycles, not more."""
    work = Workload.load("mobilenet_v1")
    found = sweep(ARRAY, work, {"compute.rows": [32, 64, 128], "compute.cols": [32]})
    place = found.layers.index("block1.depthwise")
    for index in range(3):
        rows = {row["name"]: row for row in simulate(ARRAY.override(found.design(index)), work).operators}
        assert found.cycles[index, place] >= rows["block1.depthwise"]["cycles"]
        assert found.cycles[index, place] <= 1.1 * rows["block1.depthwise"]["cycles"]


@pytest.mark.parametrize(
    "changes",
    [{"compute.sparsity": {"keep": 2, "of": 4}}, {"technology.node": "45nm"}, {"compute.folds": "overlapped"}],
)
def test_a_changed_unit_is_swept_as_it_runs(changes):
    """Sparse weights take fewer bits; vector work is priced at the node of the design."""
    from hwsim.mapping.fixed import Mappings

    array = ARRAY.override(changes)
    vary = {path: [value] for path, value in changes.items() if path.startswith("technology")} or {"compute.rows": [32]}
    found = sweep(ARRAY if "technology.node" in vary else array, SMALL, vary)
    fixed = {"mappings": {"one": {"stages": [{"m": 40, "n": 50, "k": 60, "order": "mnk"}]}}}
    row = simulate(array, SMALL, mappings=Mappings.model_validate(fixed)).operators[0]
    assert found.cycles[0, 0] == row["cycles"]
    assert found.energy_j[0, 0] == pytest.approx(sum(row["energy_j"].values()), rel=1e-9)
    assert found.outer_bytes[0, 0] == sum(row["traffic_bytes"]["dram"].values())


def test_a_unit_that_states_its_own_cycles_is_not_swept():
    with pytest.raises(InputError, match="states its cycles itself"):
        sweep(ARRAY.override({"compute.timing": "scalesim_v3"}), SMALL, {"compute.rows": [8]})


def test_sums_that_a_tensor_core_keeps_need_no_room():
    """A shared memory of 64 KiB holds the operands' tiles; 128 x 128 sums of FP32 are in the cores."""
    core = Architecture.load("tensorcore_fp16")
    memories = core.data()["memories"]
    outermost = next(iter(memories))
    l2 = {"kind": "sram", "capacity": "64 KiB", "width": "64 B", "double_buffered": True}
    small = core.override({"compute.cores": 2, "memories": {outermost: memories[outermost], "l2": l2}})
    work = Workload.model_validate(
        {"name": "w", "operators": [{"name": "g", "op": "gemm", "m": 128, "n": 128, "k": 512}],
         "numerics": {"compute": False}}
    )  # fmt: skip
    found = sweep(small, work, {"compute.cores": [1, 2]})
    run = simulate(small, work).totals["cycles"]
    assert run <= found.total_cycles[1] <= 1.1 * run


def test_designs_that_do_not_fit_have_no_figures():
    found = sweep(ARRAY, SMALL, {"memories.buffer.capacity": ["16 B", "1 MiB"], "memories.buffer.width": ["4 B"],
                                 "memories.buffer.banks": [1]})  # fmt: skip
    assert found.fits.tolist() == [False, True]
    assert found.total_cycles[0] == -1
    assert np.isnan(found.time_s[0]) and np.isnan(found.total_energy_j[0])
