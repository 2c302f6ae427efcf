"""Cycles, traffic and energy of every step of a workload on an architecture, and the architecture's area."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import HwsimError
from hwsim.engine.chip_overheads import ChipOverheads
from hwsim.engine.plan import KEEPS_CODES
from hwsim.mapping import Mapping as Placed
from hwsim.mapping import map_front, map_gemm, map_vector
from hwsim.mapping.fixed import Mappings, Unmappable
from hwsim.mapping.problem import Beside
from hwsim.technology.records import Number
from hwsim.units.base import VectorWork, WholeLayer
from hwsim.workload import MatmulStep, Operator, Step, VectorStep
from hwsim.workload.vector_ops import combine

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.plan import Plan


class CostModel:
    """Prices of an architecture, looked up once; `row` costs one step.

    Every action is counted by the unit or the mapping and priced by the part that does it:
    energy = Σ actions × energy per action + Σ bytes moved × energy per byte, and leakage, clock and wires
    (`hwsim.engine.chip_overheads`).
    """

    def __init__(self, architecture: Architecture, plan: Plan, mappings: Mappings | None = None) -> None:
        self.architecture = architecture
        self.plan = plan
        self.technology = architecture.technology.prices
        self.prices = architecture.prices
        self.clock_hz = architecture.technology.clock
        self.rules = architecture.mapping
        self.unit = architecture.compute
        self.unit_cost, self.vector_cost = self.prices.units["compute"], self.prices.units["vector"]
        self.memory_costs = self.prices.memories
        self.mappings = mappings
        """What the user fixed of products' mappings."""
        self.fixed = {} if mappings is None else mappings.fixed()
        self.fused: dict[str, Placed] = {}
        """Steps of fused chains (`hwsim.engine.fusing`)."""
        self._mappings: dict[Any, Placed] = {}
        self.overheads = ChipOverheads(architecture, self.prices, self.area_m2())
        self.access_j_per_bit = {
            name: (cost.read_j_per_byte / 8, cost.write_j_per_byte / 8) for name, cost in self.memory_costs.items()
        }
        """Joules of a bit read from and written to each memory."""
        wires = {name: self.overheads.wire_j_per_bit(name) for name in self.memory_costs}
        self.energies = {
            name: (read + wires[name], write + wires[name]) for name, (read, write) in self.access_j_per_bit.items()
        }
        """The same, the bit's way to or from the memory included."""

    # Area -------------------------------------------------------------------------------------------

    def area_m2(self) -> dict[str, float]:
        """Area by component: parts of the compute unit, on-chip memories, the vector unit."""
        copies = {"chip": 1, "core": self.unit.core_count, "pe": self.unit.element_count}
        area = {f"compute.{part}": value for part, value in self.unit_cost.area_m2.items()}
        area |= {
            name: self.memory_costs[name].area_m2 * copies[memory.per]
            for name, memory in self.architecture.memories.items()
            if memory.on_chip
        }
        return area | {"vector": self.vector_cost.total_area_m2}

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
        vector_cycles = 0
        if (after := self.epilogue(operator, step)) is not None:
            vector_cycles = self.architecture.vector.timing(after).total
            energy["vector"] = self.vector_energy(after)
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

    def map_all(self, steps: Iterable[tuple[Operator, Step]]) -> None:
        """Maps every different product of ``steps`` that the unit does not time itself, side by side in threads."""
        products = {}
        for operator, step in steps:
            if isinstance(step, MatmulStep) and step.name not in self.fused:
                with contextlib.suppress(HwsimError):  # said again, with the operator's name, where its row is made
                    if self._stated(operator, step) is None:
                        products[self._key(operator, step)] = (operator, step)
        if len(products) < 2:
            return
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda one: self._try(*one), products.values()):
                pass

    def _try(self, operator: Operator, step: MatmulStep) -> None:
        with contextlib.suppress(HwsimError):
            self.mapping(operator, step)

    def _stated(self, operator: Operator, step: MatmulStep) -> WholeLayer | None:
        bits = self.unit.a_format.bits, self.unit.b_format.bits, int(8 * self.result_bytes(operator, step))
        return self.unit.whole_layer(step.gemm, step.windows, self.architecture.memories, bits)

    def is_mapped(self, operator: Operator, step: MatmulStep) -> bool:
        """Whether a product is mapped, rather than timed by its unit itself."""
        return self._stated(operator, step) is None

    def placed(self, operator: Operator, step: MatmulStep) -> Placed:
        """The mapping of a product: as part of a fused chain, or by itself."""
        return self.fused.get(step.name) or self.mapping(operator, step)

    def mapped_energy(self, operator: Operator, step: Step, placed: Placed) -> float:
        """Joules of a step so mapped: of its traffic, of every cycle, and of what all mappings draw alike."""
        cycles = self.row_cycles(operator, step, placed)
        return self.moved_energy(placed) + cycles * self.overheads.per_cycle_j + self.fixed_energy(operator, step)

    def moved_energy(self, placed: Placed) -> float:
        """Joules of a mapping's traffic, wires included."""
        return sum(
            8 * (bytes_["read"] * self.energies[name][0] + bytes_["write"] * self.energies[name][1])
            for name, bytes_ in placed.traffic.items()
        )

    def row_cycles(self, operator: Operator, step: Step, placed: Placed) -> int:
        """Cycles of a step so mapped, or of the vector work on its results if that takes longer."""
        after = self.epilogue(operator, step) if isinstance(step, MatmulStep) else None
        return placed.cycles if after is None else max(placed.cycles, self.architecture.vector.timing(after).total)

    def fixed_energy(self, operator: Operator, step: Step) -> float:
        """Joules of a step that every mapping draws: products, sums between neighbours, vector work."""
        if not isinstance(step, MatmulStep):
            return self.vector_energy(step.work)
        unit, after = self.unit.on(step.window), self.epilogue(operator, step)
        drawn = sum(self.unit_cost.energy_by_part(unit.actions(step.gemm)).values())
        hops = unit.neighbour_bits(step.gemm) * self.overheads.pitch_m * self.overheads.wire_j_per_bit_m
        return drawn + hops + (0.0 if after is None else self.vector_energy(after))

    def _key(self, operator: Operator, step: MatmulStep) -> Any:
        fixed = step.name if step.name in self.fixed else None
        distinct = Fraction(1) if step.window is not None else _distinct(step)
        beside = self._beside(operator, step)
        return step.gemm, step.window, self.result_bytes(operator, step), distinct, fixed, beside

    def _beside(self, operator: Operator, step: MatmulStep) -> Beside:
        after = self.epilogue(operator, step)
        vector_cycles = 0 if after is None else self.architecture.vector.timing(after).total
        return Beside(self.overheads.per_cycle_j, self.fixed_energy(operator, step), vector_cycles)

    def mapping(self, operator: Operator, step: MatmulStep) -> Placed:
        """The best mapping of a product by the architecture's rules; the same product is mapped once."""
        key = self._key(operator, step)
        if key not in self._mappings:
            try:
                self._mappings[key] = self._best(operator, step)
            except Unmappable as error:
                if self.mappings is None:
                    raise
                raise self.mappings.error(step.name, error) from None
        return self._mappings[key]

    def _best(self, operator: Operator, step: MatmulStep) -> Placed:
        asked, objective = self._asked(operator, step), self.rules.objective
        found = map_gemm(**asked, objective=objective)
        if objective != "cycles" or not self.rules.slack:
            return found
        fewest = max(found.cycles, asked["beside"].least_cycles)
        within = math.floor(fewest * (1 + self.rules.slack))
        return map_gemm(**asked | {"beside": replace(asked["beside"], within_cycles=within)}, objective=objective)

    def front(self, operator: Operator, step: MatmulStep) -> list[Placed]:
        """The mappings of a product that no other beats in both cycles and energy of its traffic."""
        try:
            return map_front(**self._asked(operator, step))
        except Unmappable as error:
            if self.mappings is None:
                raise
            raise self.mappings.error(step.name, error) from None

    def _asked(self, operator: Operator, step: MatmulStep) -> dict[str, Any]:
        """What the mapper is asked, but for the objective."""
        result_bytes = self.result_bytes(operator, step)
        return {
            "gemm": step.gemm,
            "unit": self.unit.on(step.window),
            "memories": self.architecture.memories,
            "clock_hz": self.clock_hz,
            "element_bytes": (self.unit.a_format.bits / 8, self.weight_bytes, result_bytes),
            "partial_bytes": self.unit.result_format.bits / 8,
            "distinct_a": self._key(operator, step)[3],
            "window": step.window,
            "energies": self.energies,
            "tiles": self.rules.tiles,
            "fixed": self.fixed.get(step.name, {}),
            "hides_ends": self.rules.ends == "hidden",
            "ideal": self.rules.overlap == "ideal",
            "effort": self.rules.effort,
            "beside": self._beside(operator, step),
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

    @property
    def weight_bytes(self) -> float:
        """Bytes per element of b in memory, rounded up to whole bits where only some are stored."""
        return float(math.ceil(self.unit.b_bits_per_element)) / 8

    def placed_vector(self, operator: Operator, step: VectorStep) -> Placed:
        return map_vector(
            step.work,
            self.architecture.vector,
            {name: memory for name, memory in self.architecture.memories.items() if memory.per != "pe"},
            self.clock_hz,
            self.vector_bytes(operator),
            self.result_bytes(operator, step),
            cores=self.unit.core_count,
        )

    def vector_bytes(self, operator: Operator) -> float:
        """Bytes of an element that vector work reads."""
        reads_codes = operator.op in KEEPS_CODES and operator.name in self.plan.stored_as_codes
        return (self.unit.a_format if reads_codes else self.architecture.vector.format).bits / 8

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

    def result_bytes(self, operator: Operator, step: Step) -> float:
        """Bytes of a result in memory: an operand's, or those of the vector unit's format."""
        return (self.unit.a_format if self._as_codes(operator, step) else self.architecture.vector.format).bits / 8

    def _traffic_energy(self, traffic: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
        return {
            name: moved["read"] * self.memory_costs[name].read_j_per_byte
            + moved["write"] * self.memory_costs[name].write_j_per_byte
            for name, moved in traffic.items()
        }

    def vector_energy(self, work: VectorWork) -> float:
        return sum(self.vector_cost.energy_by_part(self.architecture.vector.actions(work)).values())

    # Where the numbers are from ---------------------------------------------------------------------

    def roofline(self) -> dict[str, Any]:
        """Peak MACs per second and each memory's bandwidth, outermost first."""
        copies = {"chip": 1, "core": self.unit.core_count, "pe": self.unit.element_count}
        return {
            "peak_macs_per_s": float(self.unit.peak_macs_per_cycle) * self.clock_hz,
            "bandwidth_bytes_per_s": {
                name: memory.bytes_per_cycle(self.clock_hz) * self.clock_hz * copies[memory.per]
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


def _distinct(step: MatmulStep) -> Fraction:
    """The share of operand a's elements that differ: below 1 where windows of a convolution overlap."""
    elements = step.gemm.count * step.gemm.m * step.gemm.k
    return Fraction(min(step.a_elements or elements, elements), elements)
