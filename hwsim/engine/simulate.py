"""`simulate`: one architecture, one workload; bits, cycles, joules and square metres in one `Result`."""

from __future__ import annotations

import importlib.metadata
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.errors import naming
from hwsim.engine.backend import SimulatedBackend, StepNumbers
from hwsim.engine.calibration import calibrate_activations
from hwsim.engine.cost import CostModel
from hwsim.engine.mapped import placed_costs
from hwsim.engine.metrics import relative_l2, sqnr_db
from hwsim.engine.plan import Plan, plan
from hwsim.engine.recorder import Recorder
from hwsim.engine.result import OPERATOR_KEYS, Result
from hwsim.engine.toggles import SwitchingBackend, switching_unit
from hwsim.workload import Operator, Step

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.mapping.fixed import Mappings
    from hwsim.workload import Workload

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, name of the step) as a run goes on."""


def simulate(
    architecture: Architecture,
    workload: Workload,
    seed: int = 0,
    *,
    numerics: bool | None = None,
    toggles: bool = False,
    mappings: Mappings | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run ``workload`` on ``architecture``: every product with its bits, every step with its cycles and energy.

    Errors of a row are those of the whole chain up to it: its output against the same step of a float64 run
    with unrounded weights and inputs (SQNR, relative L2). ``max_ulp`` is the datapath's own error: its sums
    against the exact sums of the very operands it was given, in last places of the format of the sums.
    ``seed`` draws operands that come from distributions. With ``numerics`` off (by default, where the workload
    says ``numerics: {compute: false}``) only cycles, energy and area are computed. ``toggles`` counts what the
    registers of a systolic array really switch (`hwsim.engine.toggles`). ``mappings`` fixes how products are mapped,
    or parts of it. Raises `HwsimError` where an operator
    cannot be mapped or computed, naming it.
    """
    if toggles:
        switching_unit(architecture)
    flow = plan(workload.operators)
    costs, steps = placed_costs(architecture, workload, mappings)
    rows = [_row(operator, step, costs) for operator, step in steps]
    score, switching = None, None
    numerics = workload.numerics.compute if numerics is None else numerics
    if numerics or toggles:
        backend, outputs = _simulated(architecture, workload, flow, seed, len(steps), progress, toggles)
        simulated = backend.steps
        if isinstance(backend, SwitchingBackend):
            switching = backend.rows({row["name"]: row["energy_j"] for row in rows})
    if numerics:
        reference = Recorder()
        wanted = workload.evaluate(reference, seed=seed)
        for row in rows:
            _add_errors(row, simulated[row["name"]], reference.outputs[row["name"]])
        score = _score(workload, outputs, wanted)
    return Result(
        architecture=architecture.name,
        workload=workload.name,
        seed=seed,
        versions=versions(),
        operators=rows,
        totals=_totals(rows, costs, score, chained=workload.inputs is not None),
        area_m2=costs.area_m2(),
        energy_j=_sum_by_component(rows),
        roofline=costs.roofline(),
        sources=costs.sources(steps),
        switching=switching,
        inputs={
            f"{architecture.name}.arch.yaml": architecture.text(),
            f"{workload.name}.workload.yaml": workload.text(),
        },
    )


def compare(
    architectures: Sequence[Architecture], workload: Workload, seed: int = 0, *, progress: Progress | None = None
) -> list[Result]:
    """`simulate` for each of ``architectures``, in their order."""
    return [simulate(architecture, workload, seed, progress=progress) for architecture in architectures]


def versions() -> dict[str, str]:
    """Of hwsim and of what its numbers depend on."""
    packages = {name: importlib.metadata.version(name) for name in ("hwsim", "numba", "numpy")}
    return packages | {"python": platform.python_version()}


def _row(operator: Operator, step: Step, costs: CostModel) -> dict[str, Any]:
    with naming(f"{step.name} on {costs.architecture.name}"):
        costed = costs.row(operator, step)
    return dict.fromkeys(OPERATOR_KEYS) | {"name": step.name, "op": step.op} | costed


def _simulated(
    architecture: Architecture,
    workload: Workload,
    flow: Plan,
    seed: int,
    steps: int,
    progress: Progress | None,
    toggles: bool,
) -> tuple[SimulatedBackend, dict[str, np.ndarray]]:
    rule, b_format = architecture.quantization.activations, architecture.compute.b_format
    scales = calibrate_activations(workload, rule, b_format, flow, seed)
    plain = SimulatedBackend(architecture, flow, scales)
    backend = SwitchingBackend(architecture, flow, scales, seed) if toggles else plain
    if progress is not None:
        backend.progress = lambda name: progress(len(backend.steps), steps, name)
    outputs = workload.evaluate(backend, seed=seed)
    return backend, outputs


def _add_errors(row: dict[str, Any], numbers: StepNumbers, reference: np.ndarray) -> None:
    row["sqnr_db"] = sqnr_db(numbers.output, reference)
    row["rel_l2"] = relative_l2(numbers.output, reference)
    row["max_ulp"] = numbers.max_ulp
    row["overflows"] = numbers.overflows
    row["saturations"] = numbers.saturations


def _score(
    workload: Workload, outputs: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> dict[str, Any] | None:
    score, wanted = workload.score(outputs), workload.score(reference)
    if score is None or wanted is None or workload.metric is None:
        return None
    return {
        "name": workload.metric.kind,
        "value": score.value,
        "correct": score.right,
        "total": score.total,
        "reference": wanted.value,
    }


def _sum_by_component(rows: list[dict[str, Any]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row["energy_j"])
    return dict(total)


def _totals(
    rows: list[dict[str, Any]], costs: CostModel, score: dict[str, Any] | None, chained: bool
) -> dict[str, Any]:
    """``sqnr_db`` is that of the last step where steps feed each other, else the lowest of all."""
    cycles = sum(row["cycles"] for row in rows)
    macs = sum(row["macs"] for row in rows)
    time_s = cycles / costs.clock_hz
    energy_j = sum(_sum_by_component(rows).values())
    ratios = [row["sqnr_db"] for row in rows if row["sqnr_db"] is not None]
    return {
        "cycles": cycles,
        "time_s": time_s,
        "energy_j": energy_j,
        "area_m2": sum(costs.area_m2().values()),
        "power_w": energy_j / time_s if time_s else None,
        "macs": macs,
        "utilization": float(macs / (cycles * costs.unit.peak_macs_per_cycle)) if cycles else None,
        "sqnr_db": (ratios[-1] if chained else min(ratios)) if ratios else None,
        "metric": score,
    }
