"""Scales of activations, chosen on the workload's calibration split by running it in float64."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hwsim.base.errors import naming
from hwsim.engine.operands import along, calibrate_operand, second_activation_rule
from hwsim.engine.recorder import Recorder, Side
from hwsim.formats.quantize import Scale, Scaling
from hwsim.workload import Workload

if TYPE_CHECKING:
    from hwsim.engine.plan import Plan
    from hwsim.formats.base import Format


@dataclass(frozen=True)
class Scales:
    """Scales known before the run. What has none here is scaled by the very operand that is multiplied."""

    tensors: dict[str, Scale] = field(default_factory=dict)
    """By tensor (operator or input data), per tensor: shared by all products that read it."""
    operands: dict[tuple[str, Side], Scale] = field(default_factory=dict)
    """By step and operand, for products of computed operands and for finer granularities."""

    def of(self, step: str, side: Side, tensor: str | None = None) -> Scale | None:
        """The scale of an operand of ``step``; ``tensor`` is what its operand a was quantized as."""
        if side == "a" and tensor in self.tensors:
            return self.tensors[tensor]
        return self.operands.get((step, side))


def calibrate_activations(
    workload: Workload, scaling: Scaling | None, b_format: Format, plan: Plan, seed: int
) -> Scales:
    """Run the calibration split in float64 and choose every activation's scale from what it saw.

    Per-tensor scales belong to the tensor as its producer stores it, so that pooling and reshaping do not
    change them. Activations that are operand b are scaled to ``b_format``. Without a calibration split there
    are no scales, and each operand scales itself.
    """
    data = workload.calibration_data(seed)
    if scaling is None or data is None:
        return Scales()
    recorder = Recorder()
    outputs = workload.evaluate(recorder, seed=seed, data=data)
    if workload.inputs is not None:
        outputs[workload.inputs.data] = data
    tensors = {}
    if scaling.granularity == "tensor":
        tensors = {name: _calibrated(name, outputs[name], scaling) for name in sorted(set(plan.scaled_as.values()))}
    rules: dict[Side, Scaling | None] = {
        "a": along(scaling, -1, -1),
        "b": along(second_activation_rule(scaling, b_format), -1, 0),
    }
    operands = {
        (step, side): _calibrated(step, _matrix(array), rules[side])
        for (step, side), array in recorder.activations.items()
        if side == "b" or plan.scaled_as.get(step) not in tensors
    }
    return Scales(tensors, operands)


def _calibrated(name: str, array: np.ndarray, rule: Scaling | None) -> Scale:
    assert rule is not None  # `calibrate_activations` returns before, without one
    with naming(name):
        return calibrate_operand(array, rule)


def _matrix(array: np.ndarray) -> np.ndarray:
    """All products' operands below each other: the scale of one serves them all."""
    return array.reshape(-1, array.shape[-1])
