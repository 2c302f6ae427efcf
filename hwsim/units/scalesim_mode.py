"""A systolic array that answers as SCALE-Sim v3 does (``timing: scalesim_v3``): the whole layer with its buffers.

SCALE-Sim has three buffers, one for each operand, and DRAM that is always fast enough. Here an operand's buffer is
the on-chip memory nearest to the array that holds it; a memory that is the buffer of several operands is split
equally among them (assumed). Its word is a byte: a buffer has as many words as bytes, and what moves is priced by
the width of the operand's own elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hwsim.base.errors import HwsimError
from hwsim.units.base import Accesses, Gemm, Timing, WholeLayer, Windows
from hwsim.units.scalesim_counts import Layer, fold_length, sram_accesses
from hwsim.units.scalesim_layer import Buffers, LayerReport
from hwsim.units.systolic_counts import Dataflow, lay_out

if TYPE_CHECKING:
    from hwsim.memory.base import Memory

OPERANDS = ("input", "weight", "output")
Bits = tuple[int, int, int]
"""Of an element of a, of b and of the result."""


def timing(dataflow: Dataflow, rows: int, cols: int, gemm: Gemm) -> Timing:
    """F·G folds less the one cycle that an index of the last cycle leaves out."""
    folds = lay_out(dataflow, rows, cols, gemm.m, gemm.n, gemm.k)
    fill = fold_length(dataflow, rows, cols, 0)
    return Timing(gemm.count * folds.count * fill, gemm.count * (folds.count * folds.time - 1), 0)


def accesses(dataflow: Dataflow, rows: int, cols: int, gemm: Gemm) -> Accesses:
    """SRAM reads and writes; partial sums are never read back."""
    folds = lay_out(dataflow, rows, cols, gemm.m, gemm.n, gemm.k)
    a, b, c = sram_accesses(dataflow, rows, cols, folds, gemm.m, gemm.n, gemm.k)
    return Accesses(gemm.count * a, gemm.count * b, 0, gemm.count * c)


def layer_and_runs(gemm: Gemm, windows: Windows | None) -> tuple[Layer, int]:
    """The layer that SCALE-Sim would read, and how often: it knows neither batches nor groups."""
    if windows is None:
        return Layer(Windows.rows_of(gemm.m, gemm.k), gemm.n), gemm.count
    rows = (windows.height - windows.filter_height) // windows.stride_height + 1
    cols = (windows.width - windows.filter_width) // windows.stride_width + 1
    return Layer(windows, gemm.n), gemm.count * (gemm.m // (rows * cols))


def homes(memories: Mapping[str, Memory]) -> dict[str, str]:
    """Operand to the name of its buffer; raises `HwsimError` for an operand that none on the chip holds."""
    found = {}
    for operand in OPERANDS:
        holding = [name for name, memory in memories.items() if memory.on_chip and operand in memory.holds]
        if not holding or memories[holding[-1]].capacity is None:
            raise HwsimError(f"timing scalesim_v3: no memory on the chip holds {operand}; SCALE-Sim has three buffers")
        found[operand] = holding[-1]
    return found


def buffers(memories: Mapping[str, Memory]) -> Buffers:
    """Words of the three buffers."""
    home = homes(memories)
    shares = list(home.values())
    return Buffers(*(int(memories[name].capacity or 0) // shares.count(name) for name in shares))


def report(
    dataflow: Dataflow,
    rows: int,
    cols: int,
    gemm: Gemm,
    windows: Windows | None,
    memories: Mapping[str, Memory],
) -> tuple[LayerReport, int]:
    """SCALE-Sim's report of one layer, and how often the layer runs."""
    layer, runs = layer_and_runs(gemm, windows)
    return LayerReport.of(dataflow, rows, cols, layer, buffers(memories)), runs


def whole_layer(found: LayerReport, runs: int, memories: Mapping[str, Memory], bits: Bits) -> WholeLayer:
    """Total cycles without stalls, and the words of `LayerReport` in bytes by memory."""
    ifmap_reads, filter_reads, ofmap_writes = found.counts.sram
    moved = (
        ("input", ifmap_reads, found.ifmap.dram.words),
        ("weight", filter_reads, found.filter.dram.words),
        ("output", ofmap_writes, found.ofmap.words),
    )
    home, outside = homes(memories), next(iter(memories))
    in_bits = {name: {"read": 0, "write": 0} for name in (outside, *home.values())}
    for (operand, near, far), width in zip(moved, bits, strict=True):
        inwards = operand != "output"
        in_bits[home[operand]]["read" if inwards else "write"] += runs * near * width
        in_bits[home[operand]]["write" if inwards else "read"] += runs * far * width
        in_bits[outside]["read" if inwards else "write"] += runs * far * width
    cycles = runs * found.counts.total_cycles
    return WholeLayer(
        cycles=cycles,
        compute_cycles=cycles,
        stall_cycles=0,
        bound="compute",
        utilization=float(found.counts.overall_utilization),
        traffic={name: {way: -(-count // 8) for way, count in ways.items()} for name, ways in in_bits.items()},
    )
