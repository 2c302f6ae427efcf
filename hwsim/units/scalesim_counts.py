"""Cycles, utilizations and SRAM accesses of a layer as SCALE-Sim v3 counts them, its faults included.

With S_r, S_c, T, F and G of `hwsim.units.systolic_counts` (facts of SCALE-Sim 3.0.0: measured on its reports):

| dataflow | cycles of a fold | SRAM a reads | SRAM b reads | SRAM writes           |
|----------|------------------|--------------|--------------|-----------------------|
| OS       | R + C + T − 2    | M·K·G        | K·N·F        | M·N + F·G·(R + C)     |
| WS       | 2R + C + T − 2   | M·K·G        | K·N          | M·N·F                 |
| IS       | 2R + C + T − 2   | M·K          | K·N·G        | M·N·F                 |

Total cycles are F·G folds less one: the index of the last cycle. M is SCALE-Sim's own: an output extent is
⌈(size − filter)/stride⌉ + 1, one too large where the division leaves a rest; such windows overhang the image,
and their words outside are counted as SRAM reads. What is wrong with each of these: `docs/scalesim.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from hwsim.units.base import Windows
from hwsim.units.systolic_counts import Dataflow, Folds, lay_out

Count = Any  # int, or an integer numpy array when many shapes are asked at once


def fold_length(dataflow: Dataflow, rows: Count, cols: Count, time: Count) -> Count:
    """Cycles of one fold: no drain for OS."""
    preload = 0 if dataflow == "output_stationary" else rows
    return preload + rows + cols + time - 2


def total_cycles(dataflow: Dataflow, rows: Count, cols: Count, folds: Folds) -> Count:
    """The index of the last cycle."""
    return folds.count * fold_length(dataflow, rows, cols, folds.time) - 1


def sram_accesses(
    dataflow: Dataflow, rows: Count, cols: Count, folds: Folds, m: Count, n: Count, k: Count
) -> tuple[Count, Count, Count]:
    """(a reads, b reads, writes), in words."""
    row_folds, column_folds = folds.row_folds, folds.column_folds
    if dataflow == "output_stationary":
        return m * k * column_folds, k * n * row_folds, m * n + folds.count * (rows + cols)
    if dataflow == "weight_stationary":
        return m * k * column_folds, k * n + 0 * m, m * n * row_folds
    return m * k + 0 * n, k * n * column_folds, m * n * row_folds


@dataclass(frozen=True)
class Layer:
    """A layer as SCALE-Sim reads it: windows over one image, and how many filters."""

    windows: Windows
    filters: int

    @property
    def output_extent(self) -> tuple[int, int]:
        """Output rows and columns, rounded up."""
        w = self.windows
        rows = -(-(w.height - w.filter_height) // w.stride_height) + 1
        return rows, -(-(w.width - w.filter_width) // w.stride_width) + 1

    @property
    def m(self) -> int:
        rows, cols = self.output_extent
        return rows * cols

    @property
    def n(self) -> int:
        return self.filters

    @property
    def k(self) -> int:
        return self.windows.elements

    @property
    def overhangs(self) -> bool:
        """Whether some windows reach beyond the image."""
        w, (rows, cols) = self.windows, self.output_extent
        below = (rows - 1) * w.stride_height + w.filter_height > w.height
        return below or (cols - 1) * w.stride_width + w.filter_width > w.width


@dataclass(frozen=True)
class LayerCounts:
    """What follows from the extents alone, without walking addresses."""

    dataflow: Dataflow
    rows: int
    cols: int
    layer: Layer

    @cached_property
    def folds(self) -> Folds:
        return lay_out(self.dataflow, self.rows, self.cols, self.layer.m, self.layer.n, self.layer.k)

    @property
    def fold_cycles(self) -> int:
        return int(fold_length(self.dataflow, self.rows, self.cols, self.folds.time))

    @property
    def total_cycles(self) -> int:
        """The column "Total Cycles"."""
        return int(total_cycles(self.dataflow, self.rows, self.cols, self.folds))

    @property
    def sram(self) -> tuple[int, int, int]:
        """SRAM ifmap reads, filter reads, ofmap writes."""
        extents = self.layer.m, self.layer.n, self.layer.k
        return sram_accesses(self.dataflow, self.rows, self.cols, self.folds, *extents)

    @property
    def macs(self) -> int:
        return self.layer.m * self.layer.n * self.layer.k

    @property
    def overall_utilization(self) -> Fraction:
        """M·N·K over total cycles and processing elements, as a share (the file prints percent)."""
        return Fraction(self.macs, max(self.total_cycles, 1) * self.rows * self.cols)

    @property
    def mapping_efficiency(self) -> Fraction:
        """Share of processing elements with work, averaged over folds: S_r·S_c/(F·G·R·C)."""
        used = self.folds.row_extent * self.folds.column_extent
        return Fraction(used, self.folds.count * self.rows * self.cols)

    @property
    def compute_utilization(self) -> Fraction:
        """M·N·K over `compute_fold_cycles` of all folds and processing elements."""
        return Fraction(self.macs, self.folds.count * self.compute_fold_cycles * self.rows * self.cols)

    @property
    def compute_fold_cycles(self) -> int:
        """Cycles of a fold in the compute utilization, and only there: C − 1 more for WS and IS."""
        return self.fold_cycles + (0 if self.dataflow == "output_stationary" else self.cols - 1)
