"""Data-dependent switching: bits that really change in the registers of a systolic array, on the codes of a run.

In the order in which the array sees them. Weight stationary: activations stream by m along a row, weights come down
once per fold, the sum of r + 1 products leaves row r for every m. Input stationary: the same with a and b exchanged.
Output stationary: both operands stream by k and the sum stays. A multiplier's inputs are its operand registers; the one
that stays does not change.

Of each product some folds, columns and successive time steps are looked at, drawn by the seed (`FOLDS`, `LINES`,
`STEPS`). Between folds and at the edges nothing is counted.

The average-activity figures of the published tables are taken as those of random data, where half of the bits change
(*assumed*); what the measured activity makes of a component's energy is in proportion to it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.engine.backend import SimulatedBackend
from hwsim.technology.chip import WIRE_ACTIVITY
from hwsim.units.systolic import SystolicArray

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.calibration import Scales
    from hwsim.engine.operands import Operand
    from hwsim.engine.plan import Plan

FOLDS, LINES, STEPS = 2, 8, 128
"""Folds, columns (or outputs a side) and successive steps that are looked at in each product."""
REGISTERS = ("a", "b", "sum")
COMPONENTS = {
    "compute.operand registers": ("a", "b"),
    "compute.multiplier": ("multiplier",),
    "compute.accumulator register": ("sum",),
    "compute.accumulator adder": ("sum",),
    "wires.array": ("a", "b", "sum"),
}
"""Whose energy follows the activity of which registers."""


@dataclass
class Count:
    """Bits that changed, and bits that could have."""

    changed: int = 0
    held: int = 0

    def add(self, codes: np.ndarray, bits: int, weights: np.ndarray | None = None) -> None:
        """Sequences ``codes`` [S, T] of ``bits``-wide words; ``weights`` [T − 1]: registers that see a change."""
        from hwsim.kernels.toggles import toggles

        times = np.ones(codes.shape[1] - 1, np.uint64) if weights is None else weights.astype(np.uint64)
        patterns = codes.astype(np.int64).view(np.uint64) & np.uint64((1 << bits) - 1)
        self.changed += int(toggles(np.ascontiguousarray(patterns), times))
        self.held += codes.shape[0] * int(times.sum()) * bits

    @property
    def activity(self) -> float | None:
        """Share of the bits that change at a write; None where nothing was written twice."""
        return self.changed / self.held if self.held else None


class SwitchingBackend(SimulatedBackend):
    """A `SimulatedBackend` that also counts toggles: `activity` has them by step and register."""

    def __init__(self, architecture: Architecture, plan: Plan, scales: Scales, seed: int) -> None:
        super().__init__(architecture, plan, scales)
        self.array = switching_unit(architecture)
        self.seed = seed
        self.counts: dict[str, dict[str, Count]] = {}

    def rows(self, energy_j: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
        """`switching_row` of every product, in the order in which they ran; ``energy_j`` by step and component."""
        return [switching_row(self.array, name, counts, energy_j[name]) for name, counts in self.counts.items()]

    def _sums(self, name: str, a: Operand, b: Operand) -> np.ndarray:
        counts = self.counts.setdefault(name, {register: Count() for register in REGISTERS})
        random = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        count_product(self.array, a.codes, b.codes, counts, random)
        return super()._sums(name, a, b)


def switching_unit(architecture: Architecture) -> SystolicArray:
    """The array whose registers are looked at; `InputError` for a unit of another kind."""
    unit = architecture.compute
    if not isinstance(unit, SystolicArray):
        raise InputError(f"toggles are counted in the registers of a systolic array, not of a {unit.kind}")
    return unit


def count_product(
    array: SystolicArray, a: np.ndarray, b: np.ndarray, counts: Mapping[str, Count], random: np.random.Generator
) -> None:
    """Add the toggles of a sample of [.., M, K] x [.., K, N] to ``counts``."""
    matrices = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
    for _ in range(FOLDS):
        left, right = (each[random.integers(len(each))] for each in _aligned(*matrices, random))
        if array.dataflow == "output_stationary":
            _output_stationary(array, left, right, counts, random)
        elif array.dataflow == "weight_stationary":
            _stationary(array, left, right, counts, random)
        else:
            _stationary(array, left, right, counts, random, inputs_stay=True)


def _aligned(a: np.ndarray, b: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One of the products: a and b of the same index, where there are as many of both."""
    if len(a) != len(b):
        return a, b
    index = int(random.integers(len(a)))
    return a[index : index + 1], b[index : index + 1]


def _stationary(
    array: SystolicArray, a: np.ndarray, b: np.ndarray, counts: Mapping[str, Count], random: np.random.Generator,
    inputs_stay: bool = False,
) -> None:  # fmt: skip
    """One fold of weight (or input) stationary: R rows of k, some lines across, some steps in time."""
    k = a.shape[1]
    first = array.rows * int(random.integers(-(-k // array.rows)))
    rows = slice(first, min(first + array.rows, k))
    if inputs_stay:
        chosen, steps = _lines(a.shape[0], random), _steps(b.shape[1], random)
        a, b = a[chosen, rows], b[rows, steps]
        streamed, staying, names = b, a.T, ("b", "a")
    else:
        chosen, steps = _lines(b.shape[1], random), _steps(a.shape[0], random)
        a, b = a[steps, rows], b[rows, chosen]
        streamed, staying, names = a.T, b, ("a", "b")
    bits = {"a": array.a_format.bits, "b": array.b_format.bits}
    counts[names[0]].add(streamed, bits[names[0]])
    # The change from row i + 1 to row i is seen by the registers of rows 0 … i.
    seen_by = np.arange(staying.shape[0] - 1, 0, -1)
    counts[names[1]].add(staying[::-1].T, bits[names[1]], seen_by)
    width, sums = _partial_sums(array, a, b)
    by_time = sums if inputs_stay else sums.swapaxes(1, 2)
    counts["sum"].add(by_time.reshape(-1, by_time.shape[-1]), width)


def _output_stationary(
    array: SystolicArray, a: np.ndarray, b: np.ndarray, counts: Mapping[str, Count], random: np.random.Generator
) -> None:
    """Some outputs of one fold, from their first product on."""
    rows, columns = _lines(a.shape[0], random), _lines(b.shape[1], random)
    a, b = a[rows, :STEPS], b[:STEPS, columns]
    counts["a"].add(a, array.a_format.bits)
    counts["b"].add(b.T, array.b_format.bits)
    width, sums = _partial_sums(array, a, b)
    counts["sum"].add(sums.reshape(sums.shape[0], -1).T, width)


def _partial_sums(array: SystolicArray, a: np.ndarray, b: np.ndarray) -> tuple[int, np.ndarray]:
    """Bits of an element's sum, and its codes after 1, 2 … K products: [K, M, N]."""
    element = array.pe.model_copy(update={"output": None})
    bits = element.result_format.bits
    found = [element.matmul_codes(a[:, :k], b[:k]).codes for k in range(1, a.shape[1] + 1)]
    return bits, np.stack(found)


def _lines(extent: int, random: np.random.Generator) -> np.ndarray:
    return np.sort(random.permutation(extent)[:LINES])


def _steps(extent: int, random: np.random.Generator) -> slice:
    """Successive steps, from anywhere."""
    first = int(random.integers(max(extent - STEPS, 0) + 1))
    return slice(first, first + STEPS)


def switching_row(
    array: SystolicArray, name: str, counts: Mapping[str, Count], energy_j: Mapping[str, float]
) -> dict[str, Any]:
    """Activity of each register and of the multiplier's inputs, and what it makes of the energies of a step's row.

    ``activity``: share of bits that change at a write. ``energy_j``: the average figure and the one at the measured
    activity, for each component that follows it.
    """
    bits = {"a": array.a_format.bits, "b": array.b_format.bits}
    measured = {register: counts[register].activity for register in REGISTERS}
    staying = {"weight_stationary": "b", "input_stationary": "a"}.get(array.dataflow)
    inputs = [(0.0 if side == staying else measured[side], width) for side, width in bits.items()]
    activity = measured | {"multiplier": _weighted(inputs)}
    energies = {}
    for component, registers in COMPONENTS.items():
        widths = bits | {"sum": array.pe.model_copy(update={"output": None}).result_format.bits, "multiplier": 1}
        mean = _weighted([(activity[register], widths[register]) for register in registers])
        if component in energy_j and mean is not None:
            average = energy_j[component]
            energies[component] = {"average": average, "measured": average * mean / WIRE_ACTIVITY}
    return {"name": name, "activity": activity, "energy_j": energies}


def _weighted(found: list[tuple[float | None, int]]) -> float | None:
    """The mean activity over bits; None where one is unknown."""
    known = [(activity, bits) for activity, bits in found if activity is not None]
    if len(known) < len(found):
        return None
    return sum(activity * bits for activity, bits in known) / sum(bits for _, bits in known)
