"""Small hierarchies, units and products that the mapping tests share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hwsim.base.errors import HwsimError
from hwsim.mapping.hierarchy import build_hierarchy
from hwsim.mapping.problem import Problem, Widths, build_problem, loop_extents, with_table
from hwsim.mapping.search import _all_tiles, _fitting, _sizes
from hwsim.memory.base import Memory, memories
from hwsim.units.base import Gemm, Window
from hwsim.units.registry import MatmulUnit
from hwsim.units.spatial import SpatialArray
from hwsim.units.systolic import SystolicArray
from hwsim.units.tensor_core import TensorCore

CLOCK = 1e9
INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 24}}


def dram(bytes_per_cycle: float, **options: Any) -> Memory:
    return memories.get("dram")(standard="HBM2", bandwidth=bytes_per_cycle * CLOCK, **options)


def sram(capacity: int, bytes_per_cycle: float, **options: Any) -> Memory:
    return memories.get("sram")(capacity=capacity, bandwidth=bytes_per_cycle * CLOCK, **options)


SHARED = ("none", "buffer", "in place", "accumulator", "separate", "two stages", "three stages")
CORES = ("cores, results bypass", "cores", "cores below a cache", "cores, results bypass the cache")
ELEMENTS = ("registers", "operand registers")


@st.composite
def hierarchies(draw: st.DrawFn, kinds: tuple[str, ...] = SHARED + CORES) -> dict[str, Memory]:
    """One to four memories, of every shape that the mapper knows; bandwidths that do not divide evenly."""
    ports, latency = draw(st.booleans()), draw(st.sampled_from([0, 5]))
    outer = dram(draw(st.sampled_from([1.5, 4.0, 11.0])), port_per_operand=ports, latency=latency)
    double, half = draw(st.booleans()), draw(st.booleans())
    shapes: dict[str, dict[str, Memory]] = {
        "none": {},
        "buffer": {"buffer": sram(600, 6.5, double_buffered=double)},
        "in place": {"buffer": sram(300, 6.5, in_place=True, shared_port=double)},
        "accumulator": {
            "buffer": sram(400, 6.5, double_buffered=double),
            "accumulator": sram(200, 20, holds=("output",), double_buffered=half),
        },
        "separate": {
            "inputs": sram(200, 6.5, holds=("input",), double_buffered=double),
            "weights": sram(200, 9, holds=("weight",)),
            "outputs": sram(200, 20, holds=("output",), double_buffered=half),
        },
        "two stages": {
            "second": sram(2000, 7.3, double_buffered=double),
            "first": sram(400, 5, double_buffered=half),
        },
        "three stages": {
            "third": sram(3000, 7.3, double_buffered=double),
            "second": sram(900, 7.3, double_buffered=half),
            "first": sram(200, 5, double_buffered=half),
        },
        "cores, results bypass": {"shared": sram(300, 5, per="core", holds=("input", "weight"))},
        "cores": {"shared": sram(400, 5, per="core", double_buffered=double)},
        "cores below a cache": {
            "cache": sram(2000, 7.3, double_buffered=double),
            "shared": sram(400, 5, per="core", double_buffered=half),
        },
        "cores, results bypass the cache": {
            "cache": sram(2000, 7.3, holds=("input", "weight"), double_buffered=double),
            "shared": sram(400, 5, per="core", double_buffered=half),
        },
        "registers": {
            "buffer": sram(900, 8, holds=("input", "output"), double_buffered=double),
            "weights": sram(32, 2, holds=("weight",), per="pe", double_buffered=half),
            "sums": sram(12, 6, holds=("output",), per="pe"),
        },
        "operand registers": {"operands": sram(32, 2, holds=("input", "weight"), per="pe", double_buffered=half)},
    }
    return {"dram": outer, **shapes[draw(st.sampled_from(kinds))]}


@st.composite
def units(draw: st.DrawFn) -> MatmulUnit:
    """Small arrays of every dataflow and tensor cores of one to four cores."""
    if draw(st.booleans()):
        return SystolicArray(
            rows=draw(st.sampled_from([2, 4])),
            cols=draw(st.sampled_from([2, 3, 4])),
            dataflow=draw(st.sampled_from(["os", "ws", "is"])),
            pe=INT8,
        )
    return TensorCore(
        cores=draw(st.sampled_from([1, 3, 4])),
        units_per_core=draw(st.sampled_from([1, 2])),
        tile={"m": draw(st.sampled_from([2, 4])), "n": draw(st.sampled_from([2, 3])), "k": 4},
        macs_per_cycle=5,
        latency=draw(st.sampled_from([0, 3])),
        datapath=INT8,
    )


@st.composite
def spatial_arrays(draw: st.DrawFn) -> SpatialArray:
    """Arrays that spread one loop or several along a side, over one side or two."""
    array = draw(
        st.sampled_from(
            [
                [{"size": 4, "unroll": ["K"]}, {"size": 3, "unroll": ["C"]}],
                [{"size": 3, "unroll": ["FY", "C"]}, {"size": 4, "unroll": ["OY", "K"]}],
                [{"size": 4, "unroll": ["OX", "B"]}],
                [{"size": 4, "unroll": ["G", "K"]}, {"size": 3, "unroll": ["FX", "C"]}],
            ]
        )
    )
    cores = draw(st.sampled_from([1, 3, 4]))
    return SpatialArray(array=array, pe=INT8, first_reads=draw(st.booleans()), cores=cores)


shapes = st.tuples(*[st.integers(1, 30)] * 3)
small_shapes = st.tuples(*[st.integers(1, 12)] * 3)
widths = st.builds(
    Widths,
    a=st.just(8),
    b=st.sampled_from([4, 8]),
    c=st.just(8),
    partial=st.sampled_from([8, 24]),
    distinct_a=st.sampled_from([(1, 1), (1, 9), (7, 20)]),
)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Gemm, Window]:
    """Small convolutions with and without stride, padding that no memory holds, several images."""
    taps = draw(st.sampled_from([(1, 1), (3, 3), (2, 3), (1, 3)]))
    stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    outputs, images, channels = (
        (draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        draw(st.integers(1, 2)),
        draw(st.integers(1, 4)),
    )
    padding = draw(st.integers(0, 1))
    size = tuple(
        max((outputs[side] - 1) * stride[side] + taps[side] - 2 * padding * (taps[side] > 1), 1) for side in range(2)
    )
    window = Window(images, outputs, channels, taps, (size[0], size[1]), stride)
    gemm = Gemm(images * outputs[0] * outputs[1], draw(st.integers(1, 8)), channels * taps[0] * taps[1])
    return gemm, window


@dataclass(frozen=True)
class Case:
    """A problem, the whole unit, and every tile of every stage that fits."""

    problem: Problem
    unit: MatmulUnit
    candidates: list[np.ndarray]


@st.composite
def cases(draw: st.DrawFn, unrolled: bool, kinds: tuple[str, ...] | None = None) -> Case | None:
    """Problems on units that take whole elements, or on spatial arrays; None where nothing fits."""
    unit: Any = draw(spatial_arrays() if unrolled else units())
    memory = draw(hierarchies(kinds or (SHARED + CORES + ELEMENTS if unrolled else SHARED + CORES)))
    bits = draw(widths)
    if draw(st.booleans()):
        gemm, window = draw(convolutions())
        bits = replace(bits, distinct_a=(1, 1))
    else:
        gemm, window = Gemm(*draw(small_shapes)), None
    gemm = replace(gemm, count=draw(st.sampled_from([1, 1, 2, 5])))
    hierarchy = replace(
        build_hierarchy(memory, CLOCK),
        hides_ends=draw(st.sampled_from([False, False, True])),
        ideal=draw(st.sampled_from([False, False, False, True])),
    )
    if unrolled and hierarchy.stages[-1].per != "core":
        unit = unit.with_cores(1)
    core = unit.with_cores(1) if hierarchy.stages[-1].per == "core" else unit
    extents = {"G": gemm.count} | loop_extents(gemm, window)
    unrolling = draw(st.sampled_from(unit.unrollings(extents))) if unrolled else None
    abreast = unrolling.groups if unrolling else core.products_abreast(gemm)
    energies = {name: (1.0 + place, 1.5 + place) for place, name in enumerate(reversed(hierarchy.ports))}
    problem = build_problem(gemm, core, hierarchy, bits, energies, window, unrolling, unit.core_count, abreast)
    sizes, _ = _sizes(problem, "all")
    problem = with_table(problem, _all_tiles(problem, unit, sizes))
    try:
        candidates = [_fitting(problem, unit, stage, sizes, {}) for stage in range(len(sizes))]
    except HwsimError:
        return None
    return Case(problem, unit, candidates)


def chosen(case: Case, picks: list[int]) -> np.ndarray | None:
    """A tile of every stage [S, 8], inner ones no larger than outer ones."""
    rows: list[np.ndarray] = []
    for stage, pick in zip(case.candidates, picks, strict=False):
        fitting = stage[np.all(stage[:, :3] <= rows[-1][:3], axis=1)] if rows else stage
        if len(fitting) == 0:
            return None
        rows.append(fitting[pick % len(fitting)])
    return np.array(rows)
