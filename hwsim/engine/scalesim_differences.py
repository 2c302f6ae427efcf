"""hwsim against SCALE-Sim v3, layer by layer, with the reason of every difference and what it amounts to.

The amounts of a quantity's reasons sum to its difference: nothing is left unexplained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwsim.engine.plan import plan
from hwsim.engine.scalesim import ReportedLayer, reported_layers, systolic_of
from hwsim.units.base import Gemm
from hwsim.units.systolic import SystolicArray

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.workload import Workload


@dataclass(frozen=True)
class Facts:
    """One layer, as reasons need to see it. Numbers are those of all its runs."""

    array: SystolicArray
    gemm: Gemm
    """The product as hwsim computes it."""
    layer: ReportedLayer
    row: dict[str, Any]
    """hwsim's row of the layer, mapped onto the architecture's memories."""
    stated: dict[str, Any]
    """The same row as SCALE-Sim counts it."""

    @property
    def images(self) -> Gemm:
        """hwsim's products one image at a time."""
        windows_m = self.gemm.m * self.gemm.count // self.layer.runs
        return Gemm(windows_m, self.gemm.n, self.gemm.k, self.layer.runs)

    @property
    def rounded_up(self) -> Gemm:
        """One image at a time, with SCALE-Sim's extents."""
        return Gemm(self.layer.report.counts.layer.m, self.gemm.n, self.gemm.k, self.layer.runs)

    @property
    def folds(self) -> int:
        return self.layer.runs * int(self.layer.report.counts.folds.count)

    @property
    def output_stationary(self) -> bool:
        return self.array.dataflow == "output_stationary"

    @property
    def alone(self) -> SystolicArray:
        """The array with one product at a time."""
        return self.array.model_copy(update={"pack_groups": False})

    def cycles(self, gemm: Gemm) -> int:
        """Of the array alone."""
        return self.alone.timing(gemm).total

    def accesses(self, name: str, gemm: Gemm) -> int:
        return int(getattr(self.alone.accesses(gemm), name))

    def dram(self, way: str) -> tuple[int, int]:
        """Bytes that hwsim and SCALE-Sim move from or to the outermost memory."""
        outside = next(iter(self.row["traffic_bytes"]))
        return self.row["traffic_bytes"][outside][way], self.stated["traffic_bytes"][outside][way]


Amount = Callable[[Facts], int]
"""What a reason adds to hwsim's number of one quantity."""


@dataclass(frozen=True)
class Reason:
    """Why SCALE-Sim's number is another one."""

    name: str
    text: str
    amounts: dict[str, Amount]
    """By quantity."""


def _accesses_between(name: str, before: Callable[[Facts], Gemm], after: Callable[[Facts], Gemm]) -> Amount:
    return lambda facts: facts.accesses(name, after(facts)) - facts.accesses(name, before(facts))


_SRAM = {"a reads": "a_reads", "b reads": "b_reads", "partial sum reads": "c_reads", "writes": "c_writes"}
"""Quantity to its name in `hwsim.units.base.Accesses`."""
_BATCH: dict[str, Amount] = {"cycles": lambda f: f.cycles(f.images) - f.cycles(f.gemm)} | {
    quantity: _accesses_between(name, lambda f: f.gemm, lambda f: f.images) for quantity, name in _SRAM.items()
}
_ROUNDED: dict[str, Amount] = {"cycles": lambda f: f.cycles(f.rounded_up) - f.cycles(f.images)} | {
    quantity: _accesses_between(name, lambda f: f.images, lambda f: f.rounded_up) for quantity, name in _SRAM.items()
}

REASONS = (
    Reason(
        "no stalls",
        "its DRAM is always as fast as the array needs (InterfaceBandwidth: CALC), and no vector unit is waited for",
        {"cycles": lambda f: f.row["compute_cycles"] - f.row["cycles"]},
    ),
    Reason(
        "no tiles",
        "its folds take their operands from buffers of any size; hwsim's tiles fit the memories and may cut folds",
        {"cycles": lambda f: f.cycles(f.gemm) - f.row["compute_cycles"]},
    ),
    Reason("one image", "it runs the images of a batch one after the other", _BATCH),
    Reason(
        "outputs rounded up",
        "its output extents are ⌈(size − filter)/stride⌉ + 1: one too large where the division leaves a rest",
        _ROUNDED,
    ),
    Reason(
        "no drain",
        "its output-stationary folds end with the last product: R cycles for the results to leave are missing",
        {"cycles": lambda f: -f.folds * f.array.rows if f.output_stationary else 0},
    ),
    Reason(
        "last cycle's index",
        "its total is the index of the last cycle, counted from 0: one short",
        {"cycles": lambda f: -f.layer.runs},
    ),
    Reason(
        "partial sums not read",
        "it writes the partial sums of every row fold and never reads them back to add to them",
        {"partial sum reads": lambda f: -f.accesses("c_reads", f.rounded_up)},
    ),
    Reason(
        "shape added to writes",
        "it adds the rows and columns of each output-stationary fold, R + C, to the words written",
        {"writes": lambda f: f.folds * (f.array.rows + f.array.cols) if f.output_stationary else 0},
    ),
    Reason(
        "its buffers",
        "its read buffers forget 50 groups of ⌊words/100⌋ at once, and partial sums leave for DRAM in every row fold; "
        "hwsim's mapper chooses tiles and keeps them as long as they serve",
        {
            "DRAM bytes read": lambda f: f.dram("read")[1] - f.dram("read")[0],
            "DRAM bytes written": lambda f: f.dram("write")[1] - f.dram("write")[0],
        },
    ),
)
"""In the order in which they are applied."""


@dataclass(frozen=True)
class Difference:
    """One quantity of one layer."""

    layer: str
    quantity: str
    hwsim: int
    scalesim: int
    reasons: dict[str, int]
    """Name of a reason to what it adds; empty where both agree."""


def differences(architecture: Architecture, workload: Workload) -> list[Difference]:
    """Every quantity of every matrix product of ``workload``; raises `InputError` without a systolic array."""
    from hwsim.engine.cost import CostModel

    systolic_of(architecture)
    exact = architecture.override({"compute.timing": "exact"})
    stated = architecture.override({"compute.timing": "scalesim_v3"})
    flow = plan(workload.operators)
    costs, counted = CostModel(exact, flow), CostModel(stated, flow)
    placed = {step.name: (operator, step) for operator, step in workload.placed_steps()}
    found = []
    for layer in reported_layers(architecture, workload):
        operator, step = placed[layer.step.name]
        facts = Facts(
            systolic_of(exact), layer.step.gemm, layer, costs.row(operator, step), counted.row(operator, step)
        )  # fmt: skip
        found += [_difference(facts, quantity, numbers) for quantity, numbers in _quantities(facts).items()]
    return found


def _quantities(facts: Facts) -> dict[str, tuple[int, int]]:
    """Quantity to hwsim's number and SCALE-Sim's."""
    words = (*facts.layer.report.counts.sram[:2], 0, facts.layer.report.counts.sram[2])
    sram = {
        quantity: (facts.accesses(name, facts.gemm), facts.layer.runs * count)
        for (quantity, name), count in zip(_SRAM.items(), words, strict=True)
    }
    return {
        "cycles": (facts.row["cycles"], facts.stated["cycles"]),
        **sram,
        "DRAM bytes read": facts.dram("read"),
        "DRAM bytes written": facts.dram("write"),
    }


def _difference(facts: Facts, quantity: str, numbers: tuple[int, int]) -> Difference:
    amounts = {
        reason.name: amount
        for reason in REASONS
        if quantity in reason.amounts and (amount := reason.amounts[quantity](facts))
    }
    return Difference(facts.layer.step.name, quantity, *numbers, amounts)
