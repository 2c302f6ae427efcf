"""What a run reports is best by the objective that it was mapped for, with all that draws energy."""

import math

import pytest

from hwsim.arch import Architecture
from hwsim.engine import simulate
from hwsim.workload import Workload

VALUES = {
    "cycles": lambda row: row["cycles"],
    "energy": lambda row: math.fsum(row["energy_j"].values()),
    "edp": lambda row: row["cycles"] * math.fsum(row["energy_j"].values()),
    "traffic": lambda row: sum(next(iter(row["traffic_bytes"].values())).values()),
}


@pytest.mark.parametrize("name", ["systolic_int8_ws_32x32", "tpu_v4i_like", "tensorcore_fp8"])
def test_no_other_objective_does_better_by_this_one(name):
    """Leakage and clock count, wires too, and a product that its vector work outlasts need not be faster."""
    architecture, work = Architecture.load(name), Workload.load("resnet18")
    rows = {
        objective: {
            row["name"]: row
            for row in simulate(architecture.override({"mapping.objective": objective}), work).operators
            if row["macs"]
        }
        for objective in VALUES
    }
    for objective, value in VALUES.items():
        for layer, row in rows[objective].items():
            for other in VALUES:
                assert value(row) <= value(rows[other][layer]) * (1 + 1e-9), (objective, other, layer)


def test_energy_counts_the_time_that_a_mapping_takes():
    """A buffer that holds little: fewest bytes alone would take more time, and leak more, than it saves."""
    architecture = Architecture.load("tpu_v4i_like")
    work = Workload.load("resnet18")
    fast = simulate(architecture, work).totals
    frugal = simulate(architecture.override({"mapping.objective": "energy"}), work).totals
    assert frugal["energy_j"] <= fast["energy_j"]
    assert frugal["cycles"] < 1.1 * fast["cycles"]


def test_slack_trades_a_few_cycles_for_energy():
    """At most one percent more of a layer's cycles, and no more energy; together a tenth less of it."""
    architecture, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("resnet18")
    fast, frugal = (simulate(architecture.override({"mapping.slack": slack}), work) for slack in (0, 0.01))
    for row, other in zip(fast.operators, frugal.operators, strict=True):
        assert row["cycles"] <= other["cycles"] <= 1.01 * row["cycles"]
        assert VALUES["energy"](other) <= VALUES["energy"](row) * (1 + 1e-9)
    assert frugal.totals["energy_j"] < 0.95 * fast.totals["energy_j"]


def test_slack_counts_the_leakage_of_the_cycles_it_spends():
    """Where traffic cannot fall, more cycles only leak: a vector times a matrix on a slow chip."""
    architecture = Architecture.load("systolic_int8_ws_32x32").override({"technology.clock": "100 MHz"})
    work = Workload.model_validate(
        {"name": "w", "operators": [{"name": "g", "op": "gemm", "m": 1, "n": 512, "k": 512}],
         "numerics": {"compute": False}}
    )  # fmt: skip
    (fast,), (frugal,) = (
        simulate(architecture.override({"mapping.slack": slack}), work).operators for slack in (0, 0.3)
    )
    assert VALUES["energy"](frugal) <= VALUES["energy"](fast) * (1 + 1e-9)
    assert frugal["cycles"] <= 1.3 * fast["cycles"]
