"""Cycles, traffic and energy of every step of a workload on an architecture, and where the numbers are from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hwsim.engine.placing import Placing
from hwsim.technology.records import Number
from hwsim.workload import MatmulStep, Operator, Step, VectorStep


class CostModel(Placing):
    """Prices of an architecture, looked up once; `row` costs one step.

    Every action is counted by the unit or the mapping and priced by the part that does it:
    energy = Σ actions × energy per action + Σ bytes moved × energy per byte, and leakage, clock and wires
    (`hwsim.engine.chip_overheads`).
    """

    # Cycles and energy ------------------------------------------------------------------------------

    def row(self, operator: Operator, step: Step) -> dict[str, Any]:
        """Cycles, utilization, bound, traffic and energy of one step of ``operator``."""
        if isinstance(step, MatmulStep):
            found = self._product(operator, step)
            passed = self.unit.on(step.window).neighbour_bits(step.gemm)
        else:
            found, passed = self._vector(operator, step), 0
        fused = self.fused.get(step.name)
        told = {"fused": fused.fused} if fused is not None else {}
        return found | {"energy_j": found["energy_j"] | self.overheads.energy(found, passed)} | told

    def _product(self, operator: Operator, step: MatmulStep) -> dict[str, Any]:
        """A matrix product; scaling, bias and activation follow in the vector unit as results leave.

        The vector unit works while the array computes, so the step takes the longer of the two.
        """
        stated = self._stated(operator, step)
        placed = stated or self.placed(operator, step)
        energy = self._traffic_energy(placed.traffic)
        drawn = self.unit_cost.energy_by_part(self.unit.on(step.window).actions(step.gemm))
        energy |= {f"compute.{part}": joules for part, joules in drawn.items()}
        if (after := self.epilogue(operator, step)) is not None:
            energy["vector"] = self.vector_energy(after)
        vector_cycles = self.vector_cycles(operator, step)
        cycles = max(placed.cycles, vector_cycles) if stated is None else stated.cycles
        return {
            "unit": self.unit.kind,
            "macs": step.macs,
            "cycles": cycles,
            "compute_cycles": placed.compute_cycles,
            "stall_cycles": cycles - placed.compute_cycles,
            "utilization": (
                stated.utilization if stated else float(step.macs / (cycles * self.unit.peak_macs_per_cycle))
            ),
            "bound": "vector" if stated is None and vector_cycles > placed.cycles else placed.bound,
            "traffic_bytes": {name: dict(moved) for name, moved in placed.traffic.items()},
            "energy_j": energy,
        }

    def _vector(self, operator: Operator, step: VectorStep) -> dict[str, Any]:
        vector = self.architecture.vector
        placed = self.fused.get(step.name) or self.placed_vector(operator, step)
        return {
            "unit": vector.kind,
            "macs": 0,
            "cycles": placed.cycles,
            "compute_cycles": placed.compute_cycles,
            "stall_cycles": placed.stall_cycles,
            "utilization": None,
            "bound": placed.bound,
            "traffic_bytes": {name: dict(moved) for name, moved in placed.traffic.items()},
            "energy_j": {**self._traffic_energy(placed.traffic), "vector": self.vector_energy(step.work)},
        }

    def _traffic_energy(self, traffic: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
        return {
            name: moved["read"] * self.memory_costs[name].read_j_per_byte
            + moved["write"] * self.memory_costs[name].write_j_per_byte
            for name, moved in traffic.items()
        }

    # Where the numbers are from ---------------------------------------------------------------------

    def roofline(self) -> dict[str, Any]:
        """Peak MACs per second and each memory's bandwidth, outermost first."""
        return {
            "peak_macs_per_s": float(self.unit.peak_macs_per_cycle) * self.clock_hz,
            "bandwidth_bytes_per_s": {
                name: memory.bytes_per_cycle(self.clock_hz) * self.clock_hz * self.unit.instances(memory.per)
                for name, memory in self.architecture.memories.items()
            },
        }

    def sources(self, steps: Iterable[tuple[Operator, Step]]) -> list[dict[str, Any]]:
        """What the energy and area of ``steps`` rest on: what, value, unit, source, status."""
        works = [self.epilogue(op, step) if isinstance(step, MatmulStep) else step.work for op, step in steps]
        done = {action for work in works if work is not None for action in self.architecture.vector.actions(work)}
        unused = {f"vector.{action}" for action in self.vector_cost.energy_j if action not in done}
        evidence = self.architecture.evidence
        bits = {"what": f"bits of {self.architecture.name}", "value": None, "unit": "", "source": evidence.source}
        chosen = {"what": f"technology {self.technology.name}", "value": self.technology.voltage_v, "unit": "V"}
        return [
            bits | {"status": evidence.grade},
            chosen | {"source": f"prices from {self.technology.rule}", "status": "chosen"},
            *(_row(number) for number in self.prices.numbers() if number.name not in unused),
        ]


def _row(number: Number) -> dict[str, Any]:
    keys = ("value", "unit", "source", "status")
    return {"what": number.name} | {key: getattr(number, key) for key in keys}
