"""DRAM traffic of a layer as SCALE-Sim v3 counts it with computed bandwidth (``InterfaceBandwidth: CALC``).

Reads: each input has a buffer whose words are collected in 50 groups of ⌊words/100⌋; when they are full all are
forgotten. While everything fits, a layer reads each distinct word once, and no address is walked.
Prefetches: the first 50 groups come at 10 words a cycle and end before the first request; each later epoch comes
in the cycles in which the one before was asked for. Writes: half of the results' buffer drains when more than
half is taken, C words a cycle; the rest after the last cycle. Facts of
SCALE-Sim 3.0.0, read in its source and checked against its reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.units.scalesim_counts import LayerCounts

GROUPS = 50
"""Groups of ⌊words/100⌋ in the half of a read buffer that is in use."""
FIRST_FETCH = 10
"""Words a cycle of the fetch before the first request."""
_LATENCY = 1
"""Cycles from a request to its answer, of the read buffers and of DRAM reads."""


@dataclass(frozen=True)
class Transfers:
    """Words of one operand between DRAM and its buffer, and the first and last cycle of a transfer."""

    words: int
    start: int
    stop: int

    @property
    def words_per_cycle(self) -> float:
        return self.words / (self.stop - self.start + 1)


@dataclass(frozen=True)
class Stream:
    """One input of the array: its transfers, and the cycles in which its buffer answers first and last."""

    dram: Transfers
    sram_start: int
    sram_stop: int


@dataclass(frozen=True)
class _Addresses:
    """Words [i, k] of an operand as tables; see `hwsim.kernels.scalesim_dram`."""

    base: np.ndarray
    off: np.ndarray
    row_i: np.ndarray
    row_k: np.ndarray
    col_i: np.ndarray
    col_k: np.ndarray
    height: int
    width: int
    size: int
    distinct: int
    overhangs: bool


def input_stream(counts: LayerCounts, buffer_words: int) -> Stream:
    """Operand a (ifmap)."""
    pattern = {"output_stationary": 0, "weight_stationary": 2, "input_stationary": 3}[counts.dataflow]
    return _stream(counts, pattern, buffer_words, counts.layer.m, _image(counts))


def weight_stream(counts: LayerCounts, buffer_words: int) -> Stream:
    """Operand b (filter)."""
    pattern = {"output_stationary": 1, "weight_stationary": 3, "input_stationary": 2}[counts.dataflow]
    return _stream(counts, pattern, buffer_words, counts.layer.n, _filters(counts))


def _stream(counts: LayerCounts, pattern: int, words: int, i_extent: int, addresses: _Addresses) -> Stream:
    if words < 100:
        raise HwsimError(f"SCALE-Sim's buffers hold 100 words or more, not {words}")
    room = GROUPS * (words // 100)
    delay = counts.rows if pattern == 2 else 0
    if addresses.distinct < room and not addresses.overhangs:
        cycles = math.ceil(-(-addresses.distinct // (words // 100)) * (words // 100) / FIRST_FETCH)
        first, last = _requests(counts, pattern, i_extent)
        return Stream(Transfers(addresses.distinct, -cycles, -1), first + _LATENCY, last + _LATENCY)
    return _walked(counts, pattern, words, delay, addresses)


def _walked(counts: LayerCounts, pattern: int, words: int, delay: int, at: _Addresses) -> Stream:
    from hwsim.kernels.scalesim_dram import walk_reads

    group = words // 100
    room, folds = GROUPS * group, counts.folds
    ends = np.zeros(_requested(counts, pattern) // room + 1, np.int64)
    left, fetched, first, last = walk_reads(
        pattern, counts.rows, counts.cols, counts.fold_cycles, delay, folds.row_folds, folds.column_folds,
        at.base, at.off, at.row_i, at.row_k, at.col_i, at.col_k, at.height, at.width, room,
        np.zeros(at.size, np.int32), ends,
    )  # fmt: skip
    epochs = (fetched - left) // room
    if epochs:
        start, stop = first - math.ceil(room / FIRST_FETCH), int(ends[epochs - 1]) + _LATENCY
    else:
        start, stop = -math.ceil(-(-left // group) * group / FIRST_FETCH), -1
    return Stream(Transfers(fetched, start, stop), first + _LATENCY, last + _LATENCY)


def _requested(counts: LayerCounts, pattern: int) -> int:
    """Words that the array asks for, and so the most that are fetched."""
    ifmap, weights, _ = counts.sram
    of_a = {"output_stationary": 0, "weight_stationary": 2, "input_stationary": 3}[counts.dataflow]
    return ifmap if pattern == of_a else weights


def _requests(counts: LayerCounts, pattern: int, i_extent: int) -> tuple[int, int]:
    """First and last cycle of a request where no word lies outside the image."""
    rows, cols, folds, k = counts.rows, counts.cols, counts.folds, counts.layer.k
    last_fold = (folds.count - 1) * counts.fold_cycles
    if pattern == 3:
        return rows - min(rows, k), last_fold + rows - 1
    if pattern == 2:
        lanes = k - (folds.row_folds - 1) * rows
        return rows, last_fold + rows + i_extent + lanes - 2
    block, blocks = (cols, folds.column_folds) if pattern == 1 else (rows, folds.row_folds)
    return 0, last_fold + k + (i_extent - (blocks - 1) * block) - 2


def _image(counts: LayerCounts) -> _Addresses:
    """Pixels row by row, channels innermost; windows row by row, their words in the same order."""
    w = counts.layer.windows
    out_rows, out_cols = counts.layer.output_extent
    i, k = np.arange(counts.layer.m), np.arange(counts.layer.k)
    row_i, col_i = i // out_cols * w.stride_height, i % out_cols * w.stride_width
    row_k, rest = k // (w.filter_width * w.channels), k % (w.filter_width * w.channels)
    col_k = rest // w.channels
    base = (row_i * w.width + col_i) * w.channels
    off = (row_k * w.width + col_k) * w.channels + rest % w.channels
    touched = [
        _covered(extent, outputs, reach, stride)
        for extent, outputs, reach, stride in (
            (w.height, out_rows, w.filter_height, w.stride_height),
            (w.width, out_cols, w.filter_width, w.stride_width),
        )
    ]
    distinct, size = touched[0] * touched[1] * w.channels, w.height * w.width * w.channels
    return _Addresses(
        base, off, row_i, row_k, col_i, col_k, w.height, w.width, size, distinct, counts.layer.overhangs
    )  # fmt: skip


def _covered(extent: int, outputs: int, reach: int, stride: int) -> int:
    """Pixels along one side that some window reaches."""
    if stride <= reach:
        return min(extent, (outputs - 1) * stride + reach)
    return (outputs - 1) * reach + min(reach, extent - (outputs - 1) * stride)


def _filters(counts: LayerCounts) -> _Addresses:
    """One filter after the other, its words as a window's."""
    n, k = counts.layer.n, counts.layer.k
    zeros_n, zeros_k = np.zeros(n, np.int64), np.zeros(k, np.int64)
    return _Addresses(np.arange(n) * k, np.arange(k), zeros_n, zeros_k, zeros_n, zeros_k, 1, 1, n * k, n * k, False)


def result_writes(counts: LayerCounts, buffer_words: int) -> tuple[Transfers, int, int]:
    """DRAM writes of the results, and the first and last cycle in which the array delivers one."""
    from hwsim.kernels.scalesim_dram import drain_all, walk_writes

    rows, cols, folds, time = counts.rows, counts.cols, counts.folds, int(counts.folds.time)
    last_columns = folds.column_extent - (folds.column_folds - 1) * cols
    used_cols = np.array([cols] * (folds.column_folds - 1) + [last_columns])
    used_rows = np.array([rows] * (folds.row_folds - 1) + [folds.row_extent - (folds.row_folds - 1) * rows])
    if counts.dataflow == "output_stationary":
        steps, start, last = 0, time - 1 + rows - used_rows, time + rows + last_columns - 3
        words = counts.layer.m * counts.layer.n
    else:
        steps, start, last = time, np.full(folds.row_folds, 2 * rows - 1), 2 * rows + last_columns + time - 3
        words = counts.layer.m * counts.layer.n * folds.row_folds
    window = int(start[0]), (folds.count - 1) * counts.fold_cycles + last
    state = np.array([buffer_words, 0, 0, 0, 0, 0, -1, -1])
    if words <= buffer_words // 2:  # nothing drains before the end
        lines = -(-words // cols)
        return Transfers(words, counts.total_cycles, counts.total_cycles + lines - 1), *window
    pads = np.zeros(words, np.int32)  # a line holds one word or more
    walk_writes(cols, buffer_words, counts.fold_cycles, start, steps, used_rows, used_cols, pads, state)
    drain_all(cols, buffer_words, counts.total_cycles, pads, state)
    return Transfers(int(state[5]), int(state[6]), int(state[7])), *window
