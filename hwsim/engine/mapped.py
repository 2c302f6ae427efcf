"""How the products of a workload are mapped on an architecture, without running them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwsim.base.errors import InputError, did_you_mean, naming
from hwsim.engine.cost import CostModel
from hwsim.engine.fusing import fuse_chains
from hwsim.engine.plan import plan
from hwsim.mapping import Mapping
from hwsim.workload import MatmulStep, Operator, Step

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.mapping.fixed import Mappings
    from hwsim.workload import Workload


@dataclass(frozen=True)
class MappedProduct:
    """One product of a workload and the mappings asked for: the best, or a front."""

    name: str
    shape: tuple[int, int, int, int]
    """count, m, n, k."""
    mappings: tuple[Mapping, ...]
    energies_j: tuple[float, ...]
    """Energy of each mapping's traffic."""
    seconds: tuple[float, ...]


def placed_costs(
    architecture: Architecture, workload: Workload, mappings: Mappings | None = None
) -> tuple[CostModel, list[tuple[Operator, Step]]]:
    """Costs of an architecture with every product of ``workload`` mapped, and the workload's steps.

    Raises `InputError` where ``mappings`` names no product of it.
    """
    steps = workload.placed_steps()
    if mappings is not None:
        mappings.check_names(step.name for _, step in steps if isinstance(step, MatmulStep))
    costs = CostModel(architecture, plan(workload.operators), mappings)
    fuse_chains(costs, workload, steps)
    costs.map_all(steps)
    return costs, steps


def map_products(
    architecture: Architecture,
    workload: Workload,
    *,
    layers: Sequence[str] = (),
    mappings: Mappings | None = None,
    front: bool = False,
) -> list[MappedProduct]:
    """The products of ``workload`` (of those only that ``layers`` names) with their best mappings.

    With ``front``, each with all mappings that no other beats in both cycles and energy, each product by itself.
    Products that the unit times itself, without a mapping, are left out. Raises `InputError` where none is left,
    or ``layers`` names none.
    """
    steps = workload.placed_steps()
    products = [(operator, step) for operator, step in steps if isinstance(step, MatmulStep)]
    for layer in layers:
        if not any(layer in (operator.name, step.name) for operator, step in products):
            known = [step.name for _, step in products]
            raise InputError(f"{workload.name} has no product '{layer}'{did_you_mean(layer, known)}")
    if layers:
        products = [(operator, step) for operator, step in products if {operator.name, step.name} & set(layers)]
    if front:
        if mappings is not None:
            mappings.check_names(step.name for _, step in steps if isinstance(step, MatmulStep))
        costs = CostModel(architecture, plan(workload.operators), mappings)
    else:
        costs, _ = placed_costs(architecture, workload, mappings)
    found = []
    for operator, step in products:
        if not costs.is_mapped(operator, step):
            continue
        with naming(f"{step.name} on {architecture.name}"):
            placed = costs.front(operator, step) if front else [costs.placed(operator, step)]
        gemm, energies = step.gemm, tuple(costs.mapped_energy(operator, step, one) for one in placed)
        seconds = tuple(one.cycles / costs.clock_hz for one in placed)
        found.append(MappedProduct(step.name, (gemm.count, gemm.m, gemm.n, gemm.k), tuple(placed), energies, seconds))
    if not found:
        raise InputError(f"{workload.name} on {architecture.name}: no product is mapped")
    return found
