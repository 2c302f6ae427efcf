"""How wide an architecture's accumulators must be for a workload: bounds, needed bits, errors, costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.datapath.accumulator_bounds import needed_bits
from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.partial_sums import NOTHING, Extremes, extremes
from hwsim.engine.accumulator_numbers import (
    Bounds,
    Codes,
    Error,
    FixedPoint,
    Part,
    column_bounds,
    error_curve,
    integers,
    kulisch_of_data,
    kulisch_of_formats,
    present_error,
)
from hwsim.engine.accumulator_options import options_of
from hwsim.engine.accumulator_registers import Option, Register, integer_operands, registers
from hwsim.engine.accumulator_sample import Picked, Picker, Sample
from hwsim.engine.backend import SimulatedBackend
from hwsim.engine.calibration import calibrate_activations
from hwsim.engine.operands import Operand
from hwsim.engine.plan import plan
from hwsim.engine.simulate import Progress, versions
from hwsim.engine.sum_order import sum_order
from hwsim.workload import MatmulStep

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.workload import Workload
    from hwsim.workload.backend import OperandRole

FOLLOWED_MACS = 1 << 28
"""Multiply-accumulates of a product up to which all of its partial sums are followed."""
TRIED_MACS = 1 << 19
"""Multiply-accumulates of a product that each accumulator is tried on."""
BELOW_OPERANDS_DB = 10.0
"""Noise of a float accumulator that is called enough: so far below that of rounding the operands, to which it
then adds 10·log10(1.1) = 0.41 dB. A choice, not a fact."""


@dataclass(frozen=True)
class RegisterNumbers:
    """One register in one product."""

    name: str
    k: int
    """Products in one of its sums."""
    bounds: Bounds | None
    """Of integer operands."""
    guaranteed_bits: int | None
    """For any inputs: from the weights, or from the data types where b is no weight."""
    partial: tuple[Any, Any]
    """Least and greatest value that it holds, in units of the last place of integer products."""
    partial_bits: int | None
    """Two's complement width of the partial sums; a narrower saturating register saturates."""
    final: tuple[Any, Any]
    final_bits: int | None
    """Of the final sums alone, which are all that must fit where overflow wraps: sums modulo 2^P do not depend on
    what was lost above in between."""
    curve: list[Error]
    enough: str | None
    """Narrowest float tried whose noise is `BELOW_OPERANDS_DB` below that of the operands."""


@dataclass(frozen=True)
class LayerNumbers:
    """One matrix product of the workload."""

    name: str
    m: int
    n: int
    k: int
    count: int
    parts: int
    """Groups of k with scales, and so with sums, of their own."""
    weights: bool
    """Whether b is known before the inputs are."""
    followed: Sample
    """What partial and final sums are from."""
    tried: Sample
    """What errors are from: some of what was followed."""
    operand_sqnr_db: float | None
    """Of the exact product of the quantized operands against that of the real ones; None where nothing was
    lost, or where either is not finite."""
    present: Error
    kulisch_formats: FixedPoint | None
    """Of float operands: the word that holds any of their sums exactly; its last place counts real values."""
    kulisch_data: FixedPoint | None
    """The same for these operands."""
    registers: list[RegisterNumbers]


@dataclass(frozen=True)
class AccumulatorAnalysis:
    """What `analyse_accumulators` found."""

    architecture: str
    workload: str
    seed: int
    versions: dict[str, str]
    technology: str
    layers: list[LayerNumbers]
    options: list[Option]
    """For each register: as it is, then what the whole workload needs."""
    inputs: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain mappings and lists, without the input files."""
        return {key: value for key, value in asdict(self).items() if key != "inputs"}


def analyse_accumulators(
    architecture: Architecture,
    workload: Workload,
    seed: int = 0,
    *,
    rows: int | None = None,
    progress: Progress | None = None,
) -> AccumulatorAnalysis:
    """Run ``workload`` on ``architecture`` as it is, and look at what enters its accumulators in every product.

    ``rows`` of each product are looked at (all by default, within `FOLLOWED_MACS` and `TRIED_MACS`). Raises
    `InputError` for a unit whose sums are not a datapath's and `HwsimError` for a workload without products.
    """
    flow = plan(workload.operators)
    scales = calibrate_activations(
        workload, architecture.quantization.activations, architecture.compute.b_format, flow, seed
    )
    backend = _Observer(architecture, flow, scales, seed, rows)
    steps = [step for _, step in workload.placed_steps()]
    if not any(isinstance(step, MatmulStep) for step in steps):
        raise HwsimError(f"{workload.name} has no matrix products, and so nothing to accumulate")
    sum_order(architecture.compute, 1)  # says now what it would say after the first layers
    if progress is not None:
        backend.progress = lambda name: progress(len(backend.steps), len(steps), name)
    workload.evaluate(backend, seed=seed)
    return AccumulatorAnalysis(
        architecture.name,
        workload.name,
        seed,
        versions(),
        architecture.technology.prices.name,
        backend.layers,
        options_of(architecture, backend.layers),
        {
            f"{architecture.name}.arch.yaml": architecture.text(),
            f"{workload.name}.workload.yaml": workload.text(),
        },
    )


class _Observer(SimulatedBackend):
    """The simulation, with a look at the operands of every product before it is computed."""

    def __init__(self, architecture: Architecture, flow: Any, scales: Any, seed: int, rows: int | None):
        super().__init__(architecture, flow, scales)
        self.layers: list[LayerNumbers] = []
        self._seed, self._rows = seed, rows
        self._real: Codes
        self._weights = True

    def matmul(
        self, name: str, a: np.ndarray, b: np.ndarray, *, b_role: OperandRole = "weight", **options: Any
    ) -> np.ndarray:
        """See `hwsim.workload.Backend.matmul`."""
        self._real, self._weights = (a, b), b_role == "weight"
        return super().matmul(name, a, b, b_role=b_role, **options)

    def _finish(self, name: str, pair: list[tuple[Operand, Operand]], bias: Any, activation: Any) -> np.ndarray:
        self.layers.append(self._observed(name, pair))
        return super()._finish(name, pair, bias, activation)

    def _observed(self, name: str, pairs: list[tuple[Operand, Operand]]) -> LayerNumbers:
        a, b = self._real
        m, k, n, count = a.shape[-2], a.shape[-1], b.shape[-1], a[..., 0, 0].size
        pick = Picker(a.shape, n, self._weights, self._seed, name)
        followed, tried = pick(FOLLOWED_MACS, self._rows), pick(TRIED_MACS, self._rows)
        whole = [self._part(left.codes, right.codes) for left, right in pairs]
        few = [self._part(tried.of_a(left.codes), tried.of_b(right.codes)) for left, right in pairs]
        sums = [_followed(self._part(followed.of_a(x.codes), followed.of_b(y.codes))) for x, y in pairs]
        noise = _operand_sqnr_db(tried, self._real, pairs)
        floats = not integer_operands(whole[0].registers[0].datapath)
        words = [word for _, word in sums if word is not None]
        return LayerNumbers(
            name, m, n, k, count, len(pairs), self._weights, followed.sample, tried.sample, noise,
            present_error(few),
            kulisch_of_formats(whole[0].registers[0].datapath, k) if floats else None,
            reduce(_wider, words) if floats and words else None,
            [self._register(index, whole, few, [found for found, _ in sums], noise)
             for index in range(len(whole[0].registers))],
        )  # fmt: skip

    def _part(self, a: np.ndarray, b: np.ndarray) -> Part:
        order = sum_order(self.unit, a.shape[-1])
        return Part(registers(order.datapath), order.arranged(a, b))

    def _register(
        self, index: int, whole: Sequence[Part], few: Sequence[Part], sums: list[list[Extremes]], noise: float | None
    ) -> RegisterNumbers:
        register, bounds = whole[0].registers[index], None
        found = reduce(Extremes.joined, (each[index] for each in sums), NOTHING)
        if integer_operands(register.datapath):
            weights = register.datapath.operands.b
            every = (column_bounds(part.registers[index], integers(weights, part.codes[1])) for part in whole)
            bounds = reduce(Bounds.joined, every)
        curve = error_curve(index, few, None if bounds is None else bounds.data_type)
        return RegisterNumbers(
            register.name,
            register.products(whole[0].codes[0].shape[-1]),
            bounds,
            None if bounds is None else bounds.any_input if self._weights else bounds.data_type,
            found.partial,
            None if bounds is None else needed_bits(*found.partial),
            found.final,
            None if bounds is None else needed_bits(*found.final),
            curve,
            _enough(register, curve, noise),
        )


# What is looked at ------------------------------------------------------------------------------------


def _followed(part: Part) -> tuple[list[Extremes], FixedPoint | None]:
    datapath = part.registers[0].datapath
    found = extremes(datapath, *part.codes)
    if integer_operands(datapath):
        return found, None
    return found, kulisch_of_data(datapath, part.codes, found[-1])


def _wider(one: FixedPoint, other: FixedPoint) -> FixedPoint:
    low = min(one.low, other.low)
    return FixedPoint(low, max(one.low + one.bits, other.low + other.bits) - low)


def _operand_sqnr_db(picked: Picked, real: Codes, pairs: list[tuple[Operand, Operand]]) -> float | None:
    """10·log10 of the power of a·b over that of its change by quantizing a and b, all in float64."""
    from hwsim.engine.metrics import sqnr_db

    with np.errstate(all="ignore"):  # earlier layers may have left infinities and NaN
        wanted = picked.of_a(real[0]).astype(np.float64) @ picked.of_b(real[1]).astype(np.float64)
        got = sum(picked.of_a(_reals(a)) @ picked.of_b(_reals(b)) for a, b in pairs)
    return sqnr_db(np.asarray(got), wanted)


def _reals(operand: Operand) -> np.ndarray:
    """What the codes stand for, scale and zero point included."""
    values = operand.values if operand.zero_point is None else operand.values - operand.zero_point
    return np.asarray(values * operand.outer_scale)


# What follows from it ---------------------------------------------------------------------------------


def _enough(register: Register, curve: Sequence[Error], operands_db: float | None) -> str | None:
    """The narrowest float on the curve that is quiet enough, of the register's own exponent bits (else 8)."""
    if operands_db is None:
        return None
    held = register.accumulator
    kind = f"e{held.float_format.exponent_bits}" if isinstance(held, FloatAccumulator) else "e8"
    floats = [each for each in curve if each.kind == kind and each.rel_l2 is not None]
    quiet = [each for each in floats if each.sqnr_db is None or each.sqnr_db >= operands_db + BELOW_OPERANDS_DB]
    return min(quiet, key=lambda each: each.bits).accumulator if quiet else None
