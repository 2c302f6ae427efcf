"""Cycles, traffic and energy of every step of a workload on an architecture, and the architecture's area."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hwsim import technology
from hwsim.engine.plan import KEEPS_CODES
from hwsim.mapping import map_gemm, map_vector
from hwsim.units.base import UnitCost, VectorWork
from hwsim.workload import MatmulStep, Operator, Step, VectorStep
from hwsim.workload.vector_ops import combine

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.plan import Plan


class CostModel:
    """Prices of an architecture, looked up once; `row` costs one step.

    Every action is counted by the unit or the mapping and priced by the part that does it:
    energy = Σ actions × energy per action + Σ bytes moved × energy per byte. Leakage is not modelled
    (no published number; see `hwsim.technology`).
    """

    def __init__(self, architecture: Architecture, plan: Plan) -> None:
        self.architecture = architecture
        self.plan = plan
        self.technology = technology.get(architecture.technology.node)
        self.clock_hz = architecture.technology.clock
        self.unit = architecture.compute
        self.unit_cost = self.unit.cost(self.technology)
        self.vector_cost = architecture.vector.cost(self.technology)
        self.memory_costs = {name: memory.cost(self.technology) for name, memory in architecture.memories.items()}

    # Area -------------------------------------------------------------------------------------------

    def area_m2(self) -> dict[str, float]:
        """Area by component: parts of the compute unit, on-chip memories, the vector unit."""
        cores = self.unit.core_count
        area = {f"compute.{part}": value for part, value in self.unit_cost.area_m2.items()}
        area |= {
            name: self.memory_costs[name].area_m2 * (cores if memory.per == "core" else 1)
            for name, memory in self.architecture.memories.items()
            if memory.on_chip
        }
        return area | {"vector": self.vector_cost.total_area_m2}

    # Cycles and energy ------------------------------------------------------------------------------

    def row(self, operator: Operator, step: Step) -> dict[str, Any]:
        """Cycles, utilization, bound, traffic and energy of one step of ``operator``."""
        return self._product(operator, step) if isinstance(step, MatmulStep) else self._vector(operator, step)

    def _product(self, operator: Operator, step: MatmulStep) -> dict[str, Any]:
        """A matrix product; scaling, bias and activation follow in the vector unit as results leave.

        The vector unit works while the array computes, so the step takes the longer of the two.
        """
        placed = map_gemm(
            step.gemm,
            self.unit,
            self.architecture.memories,
            self.clock_hz,
            (self.unit.a_format.bits / 8, self._weight_bytes, self._result_bytes(operator, step)),
            self.unit.result_format.bits / 8,
            _distinct(step),
        )
        energy = self._traffic_energy(placed.traffic)
        drawn = self.unit_cost.energy_by_part(self.unit.actions(step.gemm))
        energy |= {f"compute.{part}": joules for part, joules in drawn.items()}
        vector_cycles = 0
        if (after := self.epilogue(operator, step)) is not None:
            vector_cycles = self.architecture.vector.timing(after).total
            energy["vector"] = self._vector_energy(after)
        cycles = max(placed.cycles, vector_cycles)
        return {
            "unit": self.unit.kind,
            "macs": step.macs,
            "cycles": cycles,
            "compute_cycles": placed.compute_cycles,
            "stall_cycles": cycles - placed.compute_cycles,
            "utilization": float(step.macs / (cycles * self.unit.peak_macs_per_cycle)),
            "bound": "vector" if vector_cycles > placed.cycles else placed.bound,
            "traffic_bytes": {name: dict(moved) for name, moved in placed.traffic.items()},
            "energy_j": energy,
        }

    def _vector(self, operator: Operator, step: VectorStep) -> dict[str, Any]:
        vector = self.architecture.vector
        reads_codes = operator.op in KEEPS_CODES and operator.name in self.plan.stored_as_codes
        placed = map_vector(
            step.work,
            vector,
            self.architecture.memories,
            self.clock_hz,
            (self.unit.a_format if reads_codes else vector.format).bits / 8,
            self._result_bytes(operator, step),
            cores=self.unit.core_count,
        )
        return {
            "unit": vector.kind,
            "macs": 0,
            "cycles": placed.cycles,
            "compute_cycles": placed.compute_cycles,
            "stall_cycles": placed.stall_cycles,
            "utilization": None,
            "bound": placed.bound,
            "traffic_bytes": {name: dict(moved) for name, moved in placed.traffic.items()},
            "energy_j": {**self._traffic_energy(placed.traffic), "vector": self._vector_energy(step.work)},
        }

    def epilogue(self, operator: Operator, step: MatmulStep) -> VectorWork | None:
        """Vector work on a product's results: one multiplication by the scales, bias and activation, and one
        rounding where they are stored as operand codes."""
        elements = step.gemm.count * step.gemm.m * step.gemm.n
        rules = self.architecture.quantization
        scaling = {"mul": elements} if rules.weights is not None or rules.activations is not None else {}
        if scaling and self._as_codes(operator, step):
            scaling["round"] = elements
        works = [VectorWork(elements, elements, scaling)] if scaling else []
        works += [step.epilogue] if step.epilogue is not None else []
        return combine(*works) if works else None

    def _as_codes(self, operator: Operator, step: Step) -> bool:
        """Whether only products read the step's result, so that memory holds operand codes."""
        if step.feeds == "readers":
            return operator.name in self.plan.stored_as_codes
        return step.feeds == "product"

    @property
    def _weight_bytes(self) -> float:
        """Bytes per element of b in memory, rounded up to whole bits where only some are stored."""
        return math.ceil(self.unit.b_bits_per_element) / 8

    def _result_bytes(self, operator: Operator, step: Step) -> float:
        """Bytes of a result in memory: an operand's, or those of the vector unit's format."""
        return (self.unit.a_format if self._as_codes(operator, step) else self.architecture.vector.format).bits / 8

    def _traffic_energy(self, traffic: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
        return {
            name: moved["read"] * self.memory_costs[name].read_j_per_byte
            + moved["write"] * self.memory_costs[name].write_j_per_byte
            for name, moved in traffic.items()
        }

    def _vector_energy(self, work: VectorWork) -> float:
        return sum(self.vector_cost.energy_by_part(self.architecture.vector.actions(work)).values())

    # Where the numbers are from ---------------------------------------------------------------------

    def roofline(self) -> dict[str, Any]:
        """Peak MACs per second and each memory's bandwidth, outermost first."""
        memories = self.architecture.memories
        return {
            "peak_macs_per_s": float(self.unit.peak_macs_per_cycle) * self.clock_hz,
            "bandwidth_bytes_per_s": {
                name: memory.bytes_per_cycle(self.clock_hz)
                * self.clock_hz
                * (self.unit.core_count if memory.per == "core" else 1)
                for name, memory in memories.items()
            },
        }

    def sources(self, steps: Iterable[tuple[Operator, Step]]) -> list[dict[str, Any]]:
        """What the energy and area of ``steps`` rest on: what, value, unit, source, status."""
        works = [self.epilogue(op, step) if isinstance(step, MatmulStep) else step.work for op, step in steps]
        done = {action for work in works if work is not None for action in self.architecture.vector.actions(work)}
        vector_energy = {action: joules for action, joules in self.vector_cost.energy_j.items() if action in done}
        evidence = self.architecture.evidence
        bits = {"what": f"bits of {self.architecture.name}", "value": None, "unit": "", "source": evidence.source}
        return [
            bits | {"status": evidence.grade},
            *self._memory_sources(),
            *_unit_sources("compute", self.unit_cost, self.unit_cost.energy_j),
            *_unit_sources("vector", self.vector_cost, vector_energy),
        ]

    def _memory_sources(self) -> list[dict[str, Any]]:
        rows = []
        for name, cost in self.memory_costs.items():
            rows.append(_sourced(f"{name} read", cost.read_j_per_byte, "J/B", cost.source))
            rows.append(_sourced(f"{name} write", cost.write_j_per_byte, "J/B", cost.source))
            if self.architecture.memories[name].on_chip:
                rows.append(_sourced(f"{name} area", cost.area_m2, "m2", cost.source))
        return rows


def _distinct(step: MatmulStep) -> Fraction:
    """The share of operand a's elements that differ: below 1 where windows of a convolution overlap."""
    elements = step.gemm.count * step.gemm.m * step.gemm.k
    return Fraction(min(step.a_elements or elements, elements), elements)


def _unit_sources(unit: str, cost: UnitCost, energy_j: Mapping[str, float]) -> list[dict[str, Any]]:
    rows = [
        _sourced(f"{unit}: {part}, area", area, "m2", cost.sources.get(part, "")) for part, area in cost.area_m2.items()
    ]
    for action, joules in energy_j.items():
        source = cost.sources.get(action) or "; ".join(
            f"{part}: {cost.sources[part]}" for part in cost.drawn_by.get(action, {}) if part in cost.sources
        )
        rows.append(
            _sourced(f"{unit}: {action}", joules, "J", source or "the parts' own energies, sourced at their areas")
        )
    return rows


def _sourced(what: str, value: float, unit: str, source: str) -> dict[str, Any]:
    """A row of `CostModel.sources`; a source's status stands in parentheses at its end."""
    text, status = _status_at_end(source)
    return {"what": what, "value": value, "unit": unit, "source": text, "status": status}


def _status_at_end(source: str) -> tuple[str, str]:
    """``"text (status)"`` taken apart at the parenthesis that the last one closes."""
    depth = 0
    for index in range(len(source) - 1, -1, -1):
        depth += (source[index] == ")") - (source[index] == "(")
        if depth == 0:
            return (source[:index].rstrip(), source[index + 1 : -1]) if source.endswith(")") else (source, "")
    return source, ""
