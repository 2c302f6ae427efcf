"""Steps of a workload on the memories of an architecture: every product mapped once, by the architecture's rules."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable
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
from hwsim.units.base import VectorWork, WholeLayer
from hwsim.workload import MatmulStep, Operator, Step, VectorStep
from hwsim.workload.vector_ops import combine

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.engine.plan import Plan


class Placing:
    """Prices of an architecture, looked up once, and the mappings that they decide between."""

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

    def area_m2(self) -> dict[str, float]:
        """Area by component: parts of the compute unit, on-chip memories, the vector unit."""
        area = {f"compute.{part}": value for part, value in self.unit_cost.area_m2.items()}
        area |= {
            name: self.memory_costs[name].area_m2 * self.unit.instances(memory.per)
            for name, memory in self.architecture.memories.items()
            if memory.on_chip
        }
        return area | {"vector": self.vector_cost.total_area_m2}

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

    def _key(self, operator: Operator, step: MatmulStep) -> Any:
        fixed, beside = step.name if step.name in self.fixed else None, self._beside(operator, step)
        return step.gemm, step.window, self.result_bytes(operator, step), _distinct(step), fixed, beside

    def _beside(self, operator: Operator, step: MatmulStep) -> Beside:
        energy, cycles = self.fixed_energy(operator, step), self.vector_cycles(operator, step)
        return Beside(self.overheads.per_cycle_j, energy, cycles)

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
        """The mappings of a product that no other beats in both cycles and energy."""
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
            "distinct_a": _distinct(step),
            "window": step.window,
            "energies": self.energies,
            "tiles": self.rules.tiles,
            "fixed": self.fixed.get(step.name, {}),
            "hides_ends": self.rules.ends == "hidden",
            "ideal": self.rules.overlap == "ideal",
            "effort": self.rules.effort,
            "beside": self._beside(operator, step),
        }

    @property
    def weight_bytes(self) -> float:
        """Bytes per element of b in memory, rounded up to whole bits where only some are stored."""
        return float(math.ceil(self.unit.b_bits_per_element)) / 8

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

    def vector_cycles(self, operator: Operator, step: Step) -> int:
        """Cycles of the vector work that runs beside a product, on its results."""
        after = self.epilogue(operator, step) if isinstance(step, MatmulStep) else None
        return 0 if after is None else self.architecture.vector.timing(after).total

    def row_cycles(self, operator: Operator, step: Step, placed: Placed) -> int:
        """Cycles of a step so mapped, or of the vector work on its results if that takes longer."""
        return max(placed.cycles, self.vector_cycles(operator, step))

    def fixed_energy(self, operator: Operator, step: Step) -> float:
        """Joules of a step that every mapping draws: products, sums between neighbours, vector work."""
        if not isinstance(step, MatmulStep):
            return self.vector_energy(step.work)
        unit, after = self.unit.on(step.window), self.epilogue(operator, step)
        drawn = sum(self.unit_cost.energy_by_part(unit.actions(step.gemm)).values())
        hops = self.overheads.hops_j(unit.neighbour_bits(step.gemm))
        return drawn + hops + (0.0 if after is None else self.vector_energy(after))

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

    def vector_energy(self, work: VectorWork) -> float:
        return sum(self.vector_cost.energy_by_part(self.architecture.vector.actions(work)).values())


def _distinct(step: MatmulStep) -> Fraction:
    """The share of operand a's elements that differ: below 1 where the same are used again, but for windows,
    which say it themselves."""
    if step.window is not None:
        return Fraction(1)
    elements = step.gemm.count * step.gemm.m * step.gemm.k
    return Fraction(min(step.a_elements or elements, elements), elements)
