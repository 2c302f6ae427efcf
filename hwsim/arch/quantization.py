"""How real numbers become operands, and sums become the next layer's operands."""

from __future__ import annotations

from typing import Literal

from hwsim.base.record import Record
from hwsim.formats.quantize import Scaling


class Quantization(Record):
    """Scales of weights and activations, and how results are brought back to operand precision."""

    weights: Scaling | None = None
    """Scaling of the second operand; None: values are rounded to the operand format as they are."""
    activations: Scaling | None = None
    """Scaling of the first operand, calibrated on the workload's calibration split."""
    requantization: Literal["float", "fixed_point"] = "float"
    """Between layers: rescale in float, or by an integer multiplication and a shift."""
