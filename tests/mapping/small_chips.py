"""Small units and memories, and the exact bits of random products, for tests that look at every mapping."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hwsim.mapping.candidates import Tiles
from hwsim.mapping.hierarchy import build_hierarchy
from hwsim.mapping.problem import Widths, build_problem, loop_extents
from hwsim.mapping.search import candidates
from hwsim.memory.base import Memory, memories
from hwsim.units.base import Gemm
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import SpatialArray
from hwsim.units.systolic import SystolicArray
from hwsim.units.tensor_core import TensorCore

CLOCK = 1e9
INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 24}}
WIDTHS = (1.0, 1.0, 1.0)
PARTIAL = 3.0


def dram(bytes_per_cycle: float) -> Memory:
    return memories.get("dram")(standard="HBM2", bandwidth=bytes_per_cycle * CLOCK)


def sram(capacity: int, bytes_per_cycle: float, **options: Any) -> Memory:
    return memories.get("sram")(capacity=capacity, bandwidth=bytes_per_cycle * CLOCK, **options)


SYSTOLIC = SystolicArray(rows=2, cols=3, dataflow="ws", pe=INT8)
CORES = TensorCore(cores=3, tile={"m": 2, "n": 2, "k": 4}, macs_per_cycle=4, datapath=INT8)
SPATIAL = SpatialArray(array=[{"size": 3, "unroll": ["K"]}, {"size": 2, "unroll": ["C", "OX"]}], pe=INT8)

CHIPS: dict[str, tuple[MatmulUnit, dict[str, Memory]]] = {
    "one buffer": (SYSTOLIC, {"dram": dram(1.5), "buffer": sram(300, 6.5, double_buffered=True)}),
    "two stages": (SYSTOLIC, {"dram": dram(4), "l2": sram(900, 7.3), "l1": sram(150, 9, double_buffered=True)}),
    "accumulator": (
        SYSTOLIC,
        {"dram": dram(4), "buffer": sram(160, 6.5, double_buffered=True), "sums": sram(100, 20, holds=("output",))},
    ),
    "cores": (CORES, {"dram": dram(4), "l2": sram(900, 7), "shared": sram(120, 5, per="core", double_buffered=True)}),
    "array": (
        SPATIAL,
        {"dram": dram(4), "buffer": sram(300, 8, double_buffered=True),
         "weights": sram(4, 2, holds=("weight",), per="pe")},
    ),
    "arrays": (
        SpatialArray(array=[{"size": 2, "unroll": ["K", "G"]}, {"size": 2, "unroll": ["C"]}], pe=INT8, cores=3),
        {"dram": dram(4), "l2": sram(900, 7), "shared": sram(120, 5, per="core", double_buffered=True)},
    ),
}  # fmt: skip
chips = st.sampled_from(sorted(CHIPS))
shapes = st.tuples(*[st.integers(1, 6)] * 3)


def every_mapping(
    gemm: Gemm, unit: MatmulUnit, memory: dict[str, Memory], energies: dict[str, tuple[int, int]], tiles: Tiles = "auto"
) -> set[tuple[int, float]]:
    """(cycles, joules) of every mapping in the map space of one product, each computed exactly."""
    from hwsim.kernels.nest_evaluate import evaluate, workspace
    from hwsim.kernels.nest_totals import energy_of

    hierarchy = build_hierarchy(memory, CLOCK)
    one = unit.with_cores(1) if hierarchy.stages[-1].per == "core" else unit
    unrollings = unit.unrollings(loop_extents(gemm, None)) if isinstance(unit, SpatialArray) else [None]
    found = set()
    for unrolling in unrollings:
        problem = build_problem(gemm, one, hierarchy, Widths(8, 8, 8, 24), energies, None, unrolling, unit.core_count)
        problem, rows, _ = candidates(problem, unit, tiles, {})
        places = len(memory)
        total, timed = np.zeros((places, 3, 2), np.int64), np.zeros((places, 3, 2), np.int64)
        room = workspace(len(rows), places)
        for chosen in product(*rows):
            nested = all((b[:3] <= a[:3]).all() for a, b in pairwise(chosen))
            if nested:
                cycles = evaluate(problem.arrays, np.array(chosen), room, total, timed)
                found.add((int(cycles), float(energy_of(problem.arrays, total))))
    return found
