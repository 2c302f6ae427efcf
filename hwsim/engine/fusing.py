"""Chains of a workload that are mapped as one: those that it names, and those that gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwsim.base.errors import HwsimError, naming
from hwsim.mapping import Mapping
from hwsim.mapping.chain import Chain, ProductLink, VectorLink
from hwsim.mapping.chain_blocks import Machine
from hwsim.mapping.found import objective_pair
from hwsim.mapping.fusion import Fused, fuse
from hwsim.mapping.problem import Beside
from hwsim.workload import MatmulStep, Operator, Step
from hwsim.workload.chains import found_chains

if TYPE_CHECKING:
    from hwsim.engine.cost import CostModel
    from hwsim.workload import Workload

Placed = tuple[Operator, Step]


def fuse_chains(costs: CostModel, workload: Workload, steps: Sequence[Placed]) -> list[Fused]:
    """Maps the chains that ``workload`` names as one each and, where the architecture says so, others that gain.

    The steps' mappings are put into ``costs.fused``. Raises `HwsimError` where a named chain cannot be fused.
    """
    found: list[Fused] = []
    for chain in workload.chains():
        with naming(f"fusing {', '.join(step.name for _, step in chain)} on {costs.architecture.name}"):
            found.append(_fused(costs, chain))
    named = {name for fused in found for name in fused.mappings}
    rest = [placed for placed in steps if placed[1].name not in named]
    for chain in found_chains(workload.operators, rest) if costs.rules.fuse == "auto" else []:
        try:
            fused = _fused(costs, chain)
        except HwsimError:  # it is not fused
            continue
        together = [fused.mappings[step.name] for _, step in chain]
        if _score(costs, chain, together) < _score(costs, chain, _apart(costs, chain)):
            found.append(fused)
    for fused in found:
        costs.fused |= fused.mappings
    return found


def _fused(costs: CostModel, chain: Sequence[Placed]) -> Fused:
    rules = costs.rules
    machine = Machine(
        costs.unit, costs.architecture.vector, costs.architecture.memories, costs.clock_hz, costs.energies,
        rules.objective, rules.tiles, rules.ends == "hidden", rules.overlap == "ideal", rules.effort,
        Beside(costs.overheads.per_cycle_j, sum(costs.fixed_energy(*placed) for placed in chain)),
    )  # fmt: skip
    gemm = next(step.gemm for _, step in chain if isinstance(step, MatmulStep))
    return fuse(Chain(tuple(_link(costs, *placed, gemm.count * gemm.m) for placed in chain)), machine)


def _link(costs: CostModel, operator: Operator, step: Step, rows: int) -> ProductLink | VectorLink:
    result_bytes = costs.result_bytes(operator, step)
    if not isinstance(step, MatmulStep):
        return VectorLink(step.name, step.work, rows, costs.vector_bytes(operator), result_bytes)
    if not costs.is_mapped(operator, step) or step.name in costs.fixed:
        raise HwsimError(f"{step.name} cannot be fused: its cycles or its mapping are given")
    unit = costs.unit
    widths = (unit.a_format.bits / 8, costs.weight_bytes, result_bytes)
    return ProductLink(step.name, step.gemm, widths, unit.result_format.bits / 8)


def _apart(costs: CostModel, chain: Sequence[Placed]) -> list[Mapping]:
    """The steps of a chain, each by itself."""
    return [
        costs.placed(operator, step) if isinstance(step, MatmulStep) else costs.placed_vector(operator, step)
        for operator, step in chain
    ]


def _score(costs: CostModel, chain: Sequence[Placed], found: Sequence[Mapping]) -> tuple[float, float]:
    """The objective of a chain's mappings one after the other, and what decides between equals."""
    cycles = float(sum(costs.row_cycles(*placed, one) for placed, one in zip(chain, found, strict=True)))
    spent = sum(costs.moved_energy(mapping) for mapping in found) + cycles * costs.overheads.per_cycle_j
    spent += sum(costs.fixed_energy(*placed) for placed in chain)
    outer = float(sum(sum(next(iter(mapping.traffic.values())).values()) for mapping in found))
    return objective_pair(costs.rules.objective, cycles, spent, outer)
