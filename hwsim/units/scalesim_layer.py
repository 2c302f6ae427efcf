"""Everything that SCALE-Sim v3 reports of one layer, in its columns' order, in its calculated-bandwidth mode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwsim.units.scalesim_counts import Layer, LayerCounts
from hwsim.units.scalesim_memory import Stream, Transfers, input_stream, result_writes, weight_stream
from hwsim.units.systolic_counts import Dataflow


@dataclass(frozen=True)
class Buffers:
    """Words of SCALE-Sim's three buffers (its words are bytes)."""

    ifmap: int
    filter: int
    ofmap: int


@dataclass(frozen=True)
class LayerReport:
    """One layer on one array; `counts` needs the extents only, the rest is computed when it is first asked for."""

    counts: LayerCounts
    buffers: Buffers

    @classmethod
    def of(cls, dataflow: Dataflow, rows: int, cols: int, layer: Layer, buffers: Buffers) -> LayerReport:
        return cls(LayerCounts(dataflow, rows, cols, layer), buffers)

    @cached_property
    def ifmap(self) -> Stream:
        return input_stream(self.counts, self.buffers.ifmap)

    @cached_property
    def filter(self) -> Stream:
        return weight_stream(self.counts, self.buffers.filter)

    @cached_property
    def _results(self) -> tuple[Transfers, int, int]:
        return result_writes(self.counts, self.buffers.ofmap)

    @property
    def ofmap(self) -> Transfers:
        return self._results[0]

    @property
    def cycles_with_prefetch(self) -> int:
        """From the first prefetch to the last word written to DRAM."""
        return self.ofmap.stop - min(self.ifmap.dram.start, self.filter.dram.start)

    def compute_row(self) -> list[int | float]:
        """The columns of COMPUTE_REPORT.csv."""
        counts = self.counts
        shares = float(100 * counts.overall_utilization), *self._averages()
        return [self.cycles_with_prefetch, counts.total_cycles, 0, *shares]

    def _averages(self) -> tuple[float, float]:
        """Mapping efficiency and compute utilization in percent, to the last digit that SCALE-Sim prints.

        It adds one float for each fold, in order, as `sum` does up to Python 3.11; the exact averages are those of
        `LayerCounts`, which differ in the last digits only.
        """
        counts = self.counts
        used = (
            np.array([size] * (folds - 1) + [extent - (folds - 1) * size])
            for size, folds, extent in (
                (counts.cols, counts.folds.column_folds, counts.folds.column_extent),
                (counts.rows, counts.folds.row_folds, counts.folds.row_extent),
            )
        )
        busy = np.outer(*used).ravel()  # column folds outside
        elements = counts.rows * counts.cols
        mapped = busy / elements
        computing = busy * int(counts.folds.time) / (elements * counts.compute_fold_cycles)
        efficiency, utilization = (float(np.cumsum(x)[-1]) / len(busy) * 100 for x in (mapped, computing))
        return efficiency, utilization

    def bandwidth_row(self) -> list[float]:
        """The columns of BANDWIDTH_REPORT.csv, in words per cycle."""
        sram = [words / max(self.counts.total_cycles, 1) for words in self.counts.sram]
        return sram + [each.words_per_cycle for each in (self.ifmap.dram, self.filter.dram, self.ofmap)]

    def access_row(self) -> list[int | float]:
        """The columns of DETAILED_ACCESS_REPORT.csv: start cycle, stop cycle and words of each of six streams."""
        ifmap_reads, filter_reads, ofmap_writes = self.counts.sram
        dram, first, last = self._results
        sram = [
            (self.ifmap.sram_start, self.ifmap.sram_stop, ifmap_reads),
            (self.filter.sram_start, self.filter.sram_stop, filter_reads),
            (first, last, ofmap_writes),
        ]
        moved = [(each.start, each.stop, each.words) for each in (self.ifmap.dram, self.filter.dram, dram)]
        return [value for start, stop, words in [*sram, *moved] for value in (float(start), float(stop), words)]
