"""Many designs of one architecture on one network, at hundreds of thousands of (design, layer) pairs a second.

A design is the architecture with some values replaced (a grid of dotted paths). Components are priced once for each
combination of their own values; the products of the network are mapped in one kernel (`hwsim.kernels.nest_few`)
by a few tiles each instead of a search, and costed exactly as `hwsim.engine.simulate` costs that mapping:
cycles with stalls, energy of memories, unit, vector unit, leakage, clock and wires, area. Vector operators
(pooling, softmax, ...) are left out: they do not differ between designs whose vector unit is the same.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.engine.cost import CostModel
from hwsim.engine.plan import plan
from hwsim.engine.sweep_result import Sweep
from hwsim.mapping.found import OBJECTIVES
from hwsim.mapping.hierarchy import build_hierarchy
from hwsim.mapping.problem import Widths, bits_of, build_problem
from hwsim.technology import chip
from hwsim.workload import MatmulStep

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.workload import Workload

_ROOTS = ("compute", "memories", "technology")


def sweep(architecture: Architecture, workload: Workload, vary: Mapping[str, Sequence[Any]]) -> Sweep:
    """Every combination of ``vary``, dotted path to values, on the products of ``workload``.

    Paths lead into ``compute``, ``memories`` and ``technology``; they may change sizes, rates, prices and clocks, not
    formats or which memories there are. Raises `InputError` for a path that leads nowhere, for a value that does
    not fit, and where the on-chip memories are more than one stage or a core's own (`hwsim explore` takes those).
    """
    if not vary or not all(vary.values()):
        raise InputError("a sweep needs paths with at least one value each")
    for path in vary:
        if path.partition(".")[0] not in _ROOTS:
            raise InputError(f"'{path}': a sweep varies {', '.join(_ROOTS)}; use a study (hwsim explore) for others")
    return _Sweeper(architecture, workload, {path: list(values) for path, values in vary.items()}).run()


class _Sweeper:
    def __init__(self, architecture: Architecture, workload: Workload, vary: dict[str, list[Any]]) -> None:
        self.architecture, self.vary = architecture, vary
        self.flow = plan(workload.operators)
        self.levels = np.stack(
            [axis.ravel() for axis in np.meshgrid(*(range(len(v)) for v in vary.values()), indexing="ij")], axis=1
        )
        self.paths = list(vary)
        base = CostModel(architecture, self.flow)
        found: dict[Any, list[Any]] = {}
        for operator, step in workload.placed_steps():
            if isinstance(step, MatmulStep):
                after = repr(base.epilogue(operator, step))
                key = (step.gemm, step.window, base.result_bytes(operator, step), after)
                found.setdefault(key, []).append((operator, step))
        if not found:
            raise InputError(f"{workload.name} has no products to sweep")
        self.steps = [steps[0] for steps in found.values()]
        self.repeats = np.array([len(steps) for steps in found.values()])
        self.base = base
        self.counts = np.array([step.gemm.count for _, step in self.steps])

    def variants(self, *roots: str) -> tuple[list[CostModel], np.ndarray]:
        """Cost models of every combination of the paths under ``roots`` (and technology), and each design's [D]."""
        mine = [
            place
            for place, path in enumerate(self.paths)
            if any(path == root or path.startswith(f"{root}.") for root in (*roots, "technology"))
        ]
        if not mine:
            return [self.base], np.zeros(len(self.levels), np.int64)
        counts = [len(self.vary[self.paths[place]]) for place in mine]
        models = []
        for levels in itertools.product(*map(range, counts)):
            changes = {self.paths[p]: self.vary[self.paths[p]][level] for p, level in zip(mine, levels, strict=True)}
            models.append(CostModel(self.architecture.override(changes), self.flow))
        return models, np.ravel_multi_index(tuple(self.levels[:, mine].T), counts)

    def run(self) -> Sweep:
        from hwsim.kernels.nest_work import PER_CYCLE, READ_ENERGY, WRITE_ENERGY

        names = list(self.architecture.memories)
        units, of_unit = self.variants("compute")
        nodes, of_node = self.variants()
        memories = {name: self.variants(f"memories.{name}") for name in names}
        arrays = self._arrays(units, of_unit, memories)
        unit_area = np.array([sum(m.unit_cost.area_m2.values()) for m in units])[of_unit]
        vector_area = np.array([m.vector_cost.total_area_m2 for m in nodes])[of_node]
        on_chip = {
            name: np.array([m.memory_costs[name].area_m2 * m.architecture.memories[name].on_chip for m in models])[of]
            for name, (models, of) in memories.items()
        }
        area = unit_area + vector_area + sum(on_chip.values())
        clock = np.array([m.clock_hz for m in nodes])[of_node]
        price = {
            key: np.array([m.prices.chip[key].value for m in nodes])[of_node]
            for key in (chip.LOGIC, chip.SRAM, chip.CLOCK, chip.WIRE)
        }
        stored = sum(
            area_of for name, area_of in on_chip.items() if self.architecture.memories[name].kind != "registers"
        )
        watts = price[chip.LOGIC] * (area - stored) + price[chip.SRAM] * stored
        flip_flops = np.array([sum(c.register_bits for c in m.prices.units.values()) for m in units])[of_unit]
        per_cycle = watts / clock + price[chip.CLOCK] * flip_flops
        # A bit on a memory's bus crosses half the chip (`hwsim.engine.chip_overheads`).
        wire = price[chip.WIRE] * np.sqrt(area) / 2
        for place, name in enumerate(names):
            if self.architecture.memories[name].on_chip:
                arrays["rates"][:, place, [READ_ENERGY, WRITE_ENERGY]] += wire[:, None]
        arrays["rates"][:, 0, PER_CYCLE] = per_cycle
        arrays["fixed"], arrays["least_cycles"] = self._alike(units, of_unit, nodes, of_node, price[chip.WIRE])
        cycles, joules, moved = self._mapped(arrays)
        return self._costed(arrays, per_cycle, cycles, joules, moved, area, clock)

    def _arrays(
        self, units: list[CostModel], of_unit: np.ndarray, memories: Mapping[str, tuple[list[CostModel], np.ndarray]]
    ) -> dict[str, Any]:
        """The kernel's arrays: those of designs gathered from their components, those of layers once."""
        rules = self.architecture.mapping
        problems = [self._problem(model, 0) for model in units]
        first = problems[0]
        if len(first[2]) != 1 or first[3][0] != 0:
            raise InputError("a sweep takes one stage of on-chip memories that all share; use a study (hwsim explore)")
        formats = {
            (m.unit.a_format.name, m.unit.b_format.name, m.unit.result_format.name, m.weight_bytes) for m in units
        }
        if len(formats) > 1:
            raise InputError(f"a sweep keeps the formats of compute, got {len(formats)} combinations of them")
        width = max(len(p[7]) for p in problems)
        unit = np.stack([np.pad(p[7], (0, width - len(p[7]))) for p in problems])[of_unit]
        step = np.array([(*m.unit.tile_step, m.unit.resident_outputs) for m in units], np.int64)[of_unit]
        abreast = [[m.unit.products_abreast(step.gemm) for _, step in self.steps] for m in units]
        memory = np.repeat(first[0][None], len(self.levels), axis=0)
        rates = np.repeat(first[1][None], len(self.levels), axis=0)
        for place, (name, (models, of)) in enumerate(memories.items()):
            rows = [self._problem(model, 0) for model in models]
            if any(len(row[2]) != 1 or not np.array_equal(row[2], first[2]) for row in rows):
                raise InputError(f"a sweep keeps which operands memories.{name} holds")
            memory[:, place] = np.stack([row[0][place] for row in rows])[of]
            rates[:, place] = np.stack([row[1][place] for row in rows])[of]
        layers = [self._problem(self.base, index) for index in range(len(self.steps))]
        return {
            "memory": memory, "rates": rates, "unit": unit, "step": step, "of_unit": of_unit, "first": first,
            "geometry": np.stack([layer[6] for layer in layers]), "widths": np.stack([layer[5] for layer in layers]),
            "abreast": np.array(abreast, np.int64),
            "objective": OBJECTIVES.index(rules.objective),
        }  # fmt: skip

    def _problem(self, model: CostModel, index: int) -> tuple[np.ndarray, ...]:
        """`Problem.arrays` of layer ``index`` in a model's architecture."""
        operator, step = self.steps[index]
        rules = model.architecture.mapping
        hierarchy = replace(
            build_hierarchy(model.architecture.memories, model.clock_hz),
            hides_ends=rules.ends == "hidden",
            ideal=rules.overlap == "ideal",
        )
        unit = model.unit
        if not model.is_mapped(operator, step):
            raise InputError(
                f"{step.name}: the unit states its cycles itself (such as timing: scalesim_v3); sweep none"
            )
        bits = Widths(
            unit.a_format.bits, bits_of(model.weight_bytes), int(8 * self.base.result_bytes(operator, step)),
            unit.result_format.bits,
        )  # fmt: skip
        built = build_problem(step.gemm, unit, hierarchy, bits, model.access_j_per_bit, step.window)
        if built.arrays[7][0] > 1:
            raise InputError(f"a sweep takes systolic arrays and tensor cores, not a {unit.kind} unit")
        return built.arrays

    def _mapped(self, arrays: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from hwsim.kernels.nest_few import sweep as kernel

        designs, layers = len(self.levels), len(self.steps)
        cycles, compute = np.zeros((designs, layers), np.int64), np.zeros((designs, layers), np.int64)
        joules, moved = np.zeros((designs, layers)), np.zeros((designs, layers), np.int64)
        first = arrays["first"]

        of_designs = tuple(arrays[name] for name in ("memory", "rates", "unit", "step", "of_unit"))
        arrays["counts"] = self.counts
        of_layers = tuple(arrays[name] for name in ("geometry", "widths", "counts", "abreast", "fixed", "least_cycles"))

        def part(start: int) -> None:
            kernel(
                of_designs, (first[2], first[3], first[4]), of_layers, arrays["objective"], start,
                min(start + chunk, designs), cycles, compute, joules, moved,
            )  # fmt: skip

        threads = os.cpu_count() or 1
        chunk = max(1, math.ceil(designs / (4 * threads)))
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(0, designs, chunk)))
        return cycles, joules, moved

    def _alike(
        self, units: list[CostModel], of_unit: np.ndarray, nodes: list[CostModel], of_node: np.ndarray, wire: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of each layer: joules [D, J] that every mapping draws, and cycles [J] of its vector work."""
        own = np.array(
            [[sum(m.unit_cost.energy_by_part(m.unit.actions(s.gemm)).values()) for _, s in self.steps] for m in units]
        )
        passed = np.array([[m.unit.neighbour_bits(s.gemm) * m.overheads.pitch_m for _, s in self.steps] for m in units])
        after = [self.base.epilogue(operator, step) for operator, step in self.steps]
        vector = self.base.architecture.vector
        busy = np.array([0 if work is None else vector.timing(work).total for work in after])
        drawn = np.array([[0.0 if work is None else m.vector_energy(work) for work in after] for m in nodes])
        return own[of_unit] + passed[of_unit] * wire[:, None] + drawn[of_node], busy

    def _costed(
        self, arrays: dict[str, Any], per_cycle: np.ndarray, cycles: np.ndarray, joules: np.ndarray, moved: np.ndarray,
        area: np.ndarray, clock: np.ndarray,
    ) -> Sweep:  # fmt: skip
        """Adds what does not depend on the mapping."""
        fitting = cycles >= 0
        total = np.where(fitting, np.maximum(cycles, arrays["least_cycles"]), -1)
        energy = joules + arrays["fixed"] + total * per_cycle[:, None]
        values = tuple(
            tuple(self.vary[path][level] for level in self.levels[:, place]) for place, path in enumerate(self.paths)
        )
        return Sweep(
            tuple(self.paths), values, tuple(step.name for _, step in self.steps), self.repeats, total,
            np.where(fitting, energy, np.nan), moved / 8, area, clock,
        )  # fmt: skip
