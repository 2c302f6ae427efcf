"""What a search has found, as the mapping that users see: traffic, busy cycles, levels, bounds."""

from __future__ import annotations

from collections.abc import Mapping as Map

import numpy as np

from hwsim.mapping.found import Found
from hwsim.mapping.hierarchy import OPERANDS
from hwsim.mapping.problem import Problem
from hwsim.mapping.record import DIMENSIONS, Level, Mapping
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import SpatialArray


def as_mapping(found: Found, unit: MatmulUnit) -> Mapping:
    """What was found for one product, or those computed together, as the mapping of all."""
    from hwsim.kernels.nest_bounds import bound, bound_space
    from hwsim.kernels.nest_evaluate import evaluate, workspace
    from hwsim.kernels.nest_totals import ideal_cycles
    from hwsim.kernels.nest_work import ORDERS, busy_cycles

    problem, tiles = found.problem, found.tiles
    count, rounds = problem.gemm.count, problem.rounds
    hierarchy, arrays = problem.hierarchy, problem.arrays
    names, places = list(hierarchy.ports), len(hierarchy.ports)
    total, timed, spare = (np.zeros((places, 3, 2), np.int64) for _ in range(3))
    cycles = rounds * int(evaluate(arrays, tiles, workspace(len(tiles), places), total, timed))
    _, alone, _ = bound(arrays, tiles, 0, len(tiles) - 1, bound_space(places), spare)
    compute = rounds * int(alone)
    if hierarchy.ideal:
        cycles = rounds * int(ideal_cycles(arrays, tiles, alone, total, bound_space(places)))
    busy = {"compute": compute}
    nothing = np.zeros_like(timed)
    for place, name in enumerate(names):
        one = np.zeros_like(timed)
        one[place] = timed[place]
        busy[name] = rounds * int(busy_cycles(arrays, one, nothing))
    levels = []
    for stage, row in zip(hierarchy.stages, tiles.tolist(), strict=True):
        homes = tuple(dict.fromkeys(route[-1] for route in stage.routes.values()))
        whole = tuple(min(size, steps) for size, steps in zip(row[:3], problem.steps, strict=True))
        core = tuple(min(size, steps) for size, steps in zip(row[3:6], problem.steps, strict=True))
        order = tuple(int(side) for side in ORDERS[row[6]])
        grid = (-(-whole[0] // core[0]), -(-whole[1] // core[1])) if stage.per == "core" else None
        levels.append(Level(homes, whole, core, order, bool(row[7]), grid))  # type: ignore[arg-type]
    bits = {
        (name, operand, way): count * int(total[place, index, direction]) // problem.abreast
        for place, name in enumerate(names)
        for index, operand in enumerate(OPERANDS)
        for direction, way in enumerate(("read", "write"))
        if total[place, index, direction]
    }
    geometry = problem.geometry
    loops = dict(zip(("OX", "OY", "B", "FX", "FY", "C", "K"), geometry[:7].tolist(), strict=True))
    return Mapping(
        tile=levels[-1].tile,
        order=tuple(DIMENSIONS[d] for d in levels[-1].order),
        traffic={name: _traffic(bits, name) for name in names},
        cycles=cycles,
        compute_cycles=compute,
        stall_cycles=cycles - compute,
        bound=max(busy, key=lambda name: busy[name]),
        busy_cycles=busy,
        levels=tuple(levels),
        unrolling=dict(problem.unrolling.factors),
        loops=loops,
        bits=bits,
        guarantee=found.guarantee,
        compulsory=_compulsory(problem, count),
        spatial=isinstance(problem.unit, SpatialArray),
        groups=problem.groups,
        peak_cycles=-(-problem.gemm.macs // unit.peak_macs_per_cycle),
    )


def _compulsory(problem: Problem, count: int) -> dict[str, int]:
    """Bytes of every operand's distinct elements, once."""
    from hwsim.kernels.tile_elements import input_elements

    (m, n, k), widths = (problem.gemm.m, problem.gemm.n, problem.gemm.k), problem.widths
    inputs = int(input_elements(problem.geometry, problem.steps[0], problem.steps[2], m, k))
    return {
        "read": count * (inputs * widths.a + k * n * widths.b) // 8,
        "write": count * m * n * widths.c // 8,
    }


def _traffic(bits: Map[tuple[str, str, str], int], name: str) -> dict[str, int]:
    def whole_bytes(way: str) -> int:
        return -(-sum(bits.get((name, operand, way), 0) for operand in OPERANDS) // 8)

    return {"read": whole_bytes("read"), "write": whole_bytes("write")}
