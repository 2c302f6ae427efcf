"""The backend that computes with an architecture's own numbers: quantize, multiply, rescale, round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hwsim.base.errors import naming
from hwsim.engine.metrics import max_ulp
from hwsim.engine.operands import Operand, quantized_pair
from hwsim.engine.vector import apply_function
from hwsim.formats.quantize import fixed_point_multiplier, requantize
from hwsim.workload.backend import Activation, OperandRole

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.calibration import Scales
    from hwsim.engine.plan import Plan
    from hwsim.formats.quantize import Scale

Progress = Callable[[str], None]
"""Called with the name of a step when it has been computed."""


@dataclass
class StepNumbers:
    """What happened to the numbers of one step."""

    output: np.ndarray = field(default_factory=lambda: np.empty(0))
    """Values that the step left behind, float64."""
    overflows: int | None = None
    saturations: int | None = None
    max_ulp: float | None = None
    """Of the datapath alone: against the exact sum of the operands that it was given."""


class SimulatedBackend:
    """Runs a workload's operators with the bits of an architecture; a `hwsim.workload.Backend`.

    A product's operands are quantized (or, without quantization rules, rounded to the operand formats),
    multiplied in the unit's own order of additions, and scaled back: in the vector unit's format, or, with
    ``requantization: fixed_point`` and integer sums, by integer multiplication and shift into the codes that
    the next product reads (Jacob et al., arXiv:1712.05877, section 2.2). Zero points are taken out of
    integer sums exactly, as terms that hardware folds into the bias; out of others by the vector unit.
    Errors name the step.
    """

    def __init__(self, architecture: Architecture, plan: Plan, scales: Scales, progress: Progress | None = None):
        self.architecture = architecture
        self.unit = architecture.compute
        self.vector_unit = architecture.vector
        self.plan = plan
        self.scales = scales
        self.progress = progress
        self.steps: dict[str, StepNumbers] = {}

    def matmul(
        self,
        name: str,
        a: np.ndarray,
        b: np.ndarray,
        *,
        bias: np.ndarray | None = None,
        activation: Activation | None = None,
        b_role: OperandRole = "weight",
    ) -> np.ndarray:
        """See `hwsim.workload.Backend.matmul`."""
        self.steps[name] = StepNumbers(overflows=0, saturations=0, max_ulp=0.0)
        scale_a = self.scales.of(name, "a", self.plan.scaled_as.get(name))
        scale_b = self.scales.of(name, "b") if b_role == "activation" else None
        with naming(name):
            pairs = quantized_pair(self.architecture, a, b, scale_a, scale_b, b_role)
            output = self._finish(name, pairs, bias, activation)
        return self._done(name, output)

    def vector(self, name: str, op: str, arrays: list[np.ndarray], **params: float) -> np.ndarray:
        """See `hwsim.workload.Backend.vector`."""
        self.steps.setdefault(name, StepNumbers())
        with naming(name):
            output = apply_function(self.vector_unit, op, arrays, **params)
        return self._done(name, output)

    # One product --------------------------------------------------------------------------------------

    def _finish(
        self, name: str, pair: list[tuple[Operand, Operand]], bias: np.ndarray | None, activation: str | None
    ) -> np.ndarray:
        """Multiply every group of k, then rescale, add the bias and apply the activation."""
        out_scale = self.scales.tensors.get(name) if name in self.plan.stored_as_codes else None
        if len(pair) == 1 and out_scale is not None and self._stays_integer(pair[0], activation):
            return self._requantized(self._sums(name, *pair[0]), pair[0], bias, activation, out_scale)
        total = None
        for a, b in pair:
            scaled = self._rescaled(self._sums(name, a, b), a, b)
            total = scaled if total is None else self.vector_unit.apply("add", total, scaled)
        assert total is not None
        if bias is not None:
            total = self.vector_unit.apply("add", total, self.vector_unit.format.round(bias.astype(np.float64)))
        return total if activation is None else apply_function(self.vector_unit, activation, [total])

    def _sums(self, name: str, a: Operand, b: Operand) -> np.ndarray:
        """The unit's sums as values, int64 where they are integers, zero points taken out; events and ulps noted."""
        result = self.unit.matmul_codes(a.codes, b.codes)
        sums = self._values(result.codes)
        numbers = self.steps[name]
        assert numbers.overflows is not None and numbers.saturations is not None
        numbers.overflows += result.overflows
        numbers.saturations += result.saturations
        exact = a.values @ b.values
        worst = max_ulp(sums.astype(np.float64), exact, self.unit.result_format)
        numbers.max_ulp = None if worst is None or numbers.max_ulp is None else max(numbers.max_ulp, worst)
        return sums if a.zero_point is None and b.zero_point is None else self._without(a.zero_point_terms(b), sums)

    def _values(self, sums: np.ndarray) -> np.ndarray:
        """Sums from their codes or, without an output format, from multiples of their last place (int64)."""
        fmt = self.unit.result_format
        multiples = sums.dtype == np.int64
        if fmt.kind == "integer":
            return sums if multiples else fmt.decode(sums).astype(np.int64)
        return np.asarray(sums * fmt.smallest if multiples else fmt.decode(sums, np.float64))

    def _without(self, terms: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """``sums`` − ``terms``: exactly of integers, else by the vector unit in its own format."""
        if sums.dtype == np.int64:
            return np.asarray(sums - terms)
        return self.vector_unit.apply("sub", *(self.vector_unit.round(x) for x in (sums, terms)))

    def _rescaled(self, sums: np.ndarray, a: Operand, b: Operand) -> np.ndarray:
        """Sums times both scales, each step rounded to the vector unit's format."""
        fmt = self.vector_unit.format
        values = fmt.round(sums.astype(np.float64))
        if a.scale is None and b.scale is None:
            return values
        scale = fmt.round(np.asarray(a.outer_scale * b.outer_scale, dtype=np.float64))
        return self.vector_unit.apply("mul", values, np.broadcast_to(scale, values.shape))

    def _stays_integer(self, pair: tuple[Operand, Operand], activation: str | None) -> bool:
        return (
            self.architecture.quantization.requantization == "fixed_point"
            and self.unit.result_format.kind == "integer"
            and activation in (None, "relu")
            and pair[0].scale is not None
            and np.size(pair[0].outer_scale) == 1
        )

    def _requantized(
        self,
        sums: np.ndarray,
        pair: tuple[Operand, Operand],
        bias: np.ndarray | None,
        activation: str | None,
        out: Scale,
    ) -> np.ndarray:
        """Integer bias, integer rescaling to the next product's codes, relu as a clamp at the zero point."""
        a, b = pair
        scale = np.asarray(a.outer_scale * b.outer_scale, dtype=np.float64)
        if bias is not None:
            sums = sums + np.rint(bias.astype(np.float64) / scale).astype(np.int64)
        multiplier, shift = fixed_point_multiplier(scale / float(np.asarray(out.scale).item()))
        zero = int(np.asarray(out.zero_point).item())
        rule = self.architecture.quantization.activations
        assert rule is not None  # there is no output scale without one
        fmt = rule.format
        codes = requantize(sums, multiplier, shift, zero, fmt)
        values = fmt.decode(codes).astype(np.int64)
        if activation == "relu":
            values = np.maximum(values, zero)
        return (values - zero) * float(np.asarray(out.scale).item())

    def _done(self, name: str, output: np.ndarray) -> np.ndarray:
        self.steps[name].output = output
        if self.progress is not None:
            self.progress(name)
        return output
