"""The layers of a workload as SCALE-Sim v3 would report them on an architecture's systolic array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwsim.base.errors import InputError, naming
from hwsim.units import scalesim_mode
from hwsim.units.scalesim_layer import LayerReport
from hwsim.units.systolic import SystolicArray
from hwsim.workload import MatmulStep

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.workload import Workload


@dataclass(frozen=True)
class ReportedLayer:
    """One product of the workload; SCALE-Sim would list it ``runs`` times (batch, groups and repeats)."""

    step: MatmulStep
    report: LayerReport
    runs: int


def systolic_of(architecture: Architecture) -> SystolicArray:
    """Its compute unit; raises `InputError` where that is no systolic array."""
    unit = architecture.compute
    if not isinstance(unit, SystolicArray):
        raise InputError(f"{architecture.name}: SCALE-Sim knows systolic arrays only, not a {unit.kind}")
    return unit


def reported_layers(architecture: Architecture, workload: Workload) -> list[ReportedLayer]:
    """Every matrix product of ``workload``, in order, whichever way the array's own timing is counted."""
    array = systolic_of(architecture)
    layers = []
    for step in workload.steps():
        if not isinstance(step, MatmulStep):
            continue  # SCALE-Sim knows no other work
        with naming(step.name):
            report, runs = scalesim_mode.report(
                array.dataflow, array.rows, array.cols, step.gemm, step.windows, architecture.memories
            )
        layers.append(ReportedLayer(step, report, runs))
    if not layers:
        raise InputError(f"{workload.name}: no matrix products for SCALE-Sim to report")
    return layers
