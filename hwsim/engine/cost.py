"""Cycles, traffic and energy of every step of a workload on an architecture, and the architecture's area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwsim import technology
from hwsim.mapping import map_gemm, map_vector
from hwsim.workload import MatmulStep, Step, VectorStep

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.plan import Plan
    from hwsim.units.base import VectorWork


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

    def row(self, step: Step) -> dict[str, Any]:
        """Cycles, utilization, bound, traffic and energy of one step."""
        return self._product(step) if isinstance(step, MatmulStep) else self._vector(step)

    def _product(self, step: MatmulStep) -> dict[str, Any]:
        """A matrix product; its bias, scaling and activation follow in the vector unit as results leave.

        The vector unit works while the array computes, so the operator takes the longer of the two.
        """
        placed = map_gemm(
            step.gemm,
            self.unit,
            self.architecture.memories,
            self.clock_hz,
            (self.unit.a_format.bits / 8, self.unit.b_format.bits / 8, self._result_bits(step) / 8),
            self.unit.result_format.bits / 8,
        )
        energy = self._traffic_energy(placed.traffic)
        for action, count in self.unit.actions(step.gemm).items():
            energy[f"compute.{action}"] = count * self.unit_cost.energy_j[action]
        vector_cycles = 0
        if step.epilogue is not None:
            vector_cycles = self.architecture.vector.timing(step.epilogue).total
            energy["vector"] = self._vector_energy(step.epilogue)
        cycles = max(placed.cycles, vector_cycles)
        return {
            "unit": self.unit.kind,
            "macs": step.macs,
            "cycles": cycles,
            "compute_cycles": placed.compute_cycles,
            "stall_cycles": cycles - placed.compute_cycles,
            "utilization": step.macs / (cycles * self.unit.peak_macs_per_cycle),
            "bound": "vector" if vector_cycles > placed.cycles else placed.bound,
            "traffic_bytes": {name: dict(moved) for name, moved in placed.traffic.items()},
            "energy_j": energy,
        }

    def _vector(self, step: VectorStep) -> dict[str, Any]:
        vector = self.architecture.vector
        placed = map_vector(step.work, vector, self.architecture.memories, self.clock_hz, vector.format.bits / 8)
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

    def _result_bits(self, step: MatmulStep) -> int:
        """Bits of a finished result in memory: an operand's where only products read it, else the vector unit's."""
        if step.name in self.plan.kept and self.architecture.quantization.activations is not None:
            return self.unit.a_format.bits
        return self.architecture.vector.format.bits

    def _traffic_energy(self, traffic: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
        return {
            name: moved["read"] * self.memory_costs[name].read_j_per_byte
            + moved["write"] * self.memory_costs[name].write_j_per_byte
            for name, moved in traffic.items()
        }

    def _vector_energy(self, work: VectorWork) -> float:
        actions = Counter(self.architecture.vector.actions(work))
        return sum(count * self.vector_cost.energy_j[action] for action, count in actions.items())

    # Where the numbers are from ---------------------------------------------------------------------

    def roofline(self) -> dict[str, Any]:
        """Peak MACs per second and each memory's bandwidth, outermost first."""
        memories = self.architecture.memories
        return {
            "peak_macs_per_s": self.unit.peak_macs_per_cycle * self.clock_hz,
            "bandwidth_bytes_per_s": {
                name: memory.bytes_per_cycle(self.clock_hz)
                * self.clock_hz
                * (self.unit.core_count if memory.per == "core" else 1)
                for name, memory in memories.items()
            },
        }

    def sources(self) -> list[dict[str, Any]]:
        """Each price used: what, value, unit, source, status."""
        rows = []
        for name, cost in self.memory_costs.items():
            for verb in ("read", "write"):
                value = getattr(cost, f"{verb}_j_per_byte")
                rows.append({"what": f"{name} {verb}", "value": value, "unit": "J/B", "source": cost.source})
        for part, cost_of in (("compute", self.unit_cost), ("vector", self.vector_cost)):
            for action, value in cost_of.energy_j.items():
                source = cost_of.sources.get(action, "")
                rows.append({"what": f"{part} {action}", "value": value, "unit": "J", "source": source})
        return rows
