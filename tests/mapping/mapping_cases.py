"""Small hierarchies and units that the mapping tests share."""

from __future__ import annotations

from typing import Any

from hwsim.mapping.schedule import Problem, Widths
from hypothesis import strategies as st

from hwsim.mapping.hierarchy import Hierarchy, build_hierarchy
from hwsim.mapping.search import Search
from hwsim.memory.base import Memory, memories
from hwsim.units.registry import MatmulUnit
from hwsim.units.systolic import SystolicArray
from hwsim.units.tensor_core import TensorCore

CLOCK = 1e9
INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 24}}


def dram(bytes_per_cycle: float) -> Memory:
    return memories.get("dram")(standard="HBM2", bandwidth=bytes_per_cycle * CLOCK)


def sram(capacity: int, bytes_per_cycle: float, **options: Any) -> Memory:
    return memories.get("sram")(capacity=capacity, bandwidth=bytes_per_cycle * CLOCK, **options)


@st.composite
def hierarchies(draw: st.DrawFn) -> dict[str, Memory]:
    """One to four memories, of every shape that the mapper knows; bandwidths that do not divide evenly."""
    outer = dram(draw(st.sampled_from([1.5, 4.0, 11.0])))
    double, half = draw(st.booleans()), draw(st.booleans())
    shapes: dict[str, dict[str, Memory]] = {
        "none": {},
        "buffer": {"buffer": sram(600, 6.5, double_buffered=double)},
        "accumulator": {
            "buffer": sram(400, 6.5, double_buffered=double),
            "accumulator": sram(200, 20, holds=("output",), double_buffered=half),
        },
        "separate": {
            "inputs": sram(200, 6.5, holds=("input",), double_buffered=double),
            "weights": sram(200, 9, holds=("weight",)),
            "outputs": sram(200, 20, holds=("output",), double_buffered=half),
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
    }
    return {"dram": outer, **shapes[draw(st.sampled_from(sorted(shapes)))]}


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


shapes = st.tuples(*[st.integers(1, 30)] * 3)
widths = st.builds(
    Widths,
    a=st.just(8),
    b=st.sampled_from([4, 8]),
    c=st.just(8),
    partial=st.sampled_from([8, 24]),
    distinct_a=st.sampled_from([(1, 1), (1, 9), (7, 20)]),
)


def search_of(memory: dict[str, Memory], unit: MatmulUnit, bits: Widths) -> tuple[Search, Hierarchy]:
    hierarchy = build_hierarchy(memory, CLOCK)
    core = unit.with_cores(1) if hierarchy.stages[-1].per_core else unit
    return Search(Problem(hierarchy, core, bits), unit), hierarchy
