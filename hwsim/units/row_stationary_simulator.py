"""Row-stationary elements one by one, on real values: who multiplies what when, and which words move.

The judge of `hwsim.units.row_stationary_counts`; for small cases. A sum is handed on when its element has multiplied
all of its taps and channels; an element takes the next sum when it is free and the sum has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hwsim.units.row_stationary_counts import Convolution, Layout

Tensor = Sequence[Any]


@dataclass
class RowRun:
    """What happened."""

    cycles: int = 0
    macs: int = 0
    filter_deliveries: int = 0
    input_deliveries: int = 0
    sum_hops: int = 0
    a_reads: int = 0
    b_reads: int = 0
    c_reads: int = 0
    c_writes: int = 0
    most_words: dict[str, int] = field(default_factory=lambda: {"filter": 0, "input": 0, "sum": 0})
    """The most words that any element had to keep."""
    result: dict[tuple[int, int, int, int], Any] = field(default_factory=dict)
    """(image, filter, row, column) to the sum."""


def run(convolution: Convolution, layout: Layout, pixels: Tensor, weights: Tensor) -> RowRun:
    """One group: ``pixels`` [images, channels, height, width] and ``weights`` [filters, channels, rows, taps]."""
    done = RowRun()
    for filters in _passes(convolution.filters, layout.p, layout.t):
        for channels in _passes(convolution.channels, layout.q, layout.r):
            _pass(done, convolution, layout, pixels, weights, filters, channels)
    return done


def _passes(extent: int, each: int, sets: int) -> list[list[range]]:
    """What each set has in each pass, divided evenly in the last."""
    found = []
    for first in range(0, extent, each * sets):
        size = min(each * sets, extent - first)
        share = -(-size // sets)
        found.append([range(at, min(at + share, first + size)) for at in range(first, first + size, share)])
    return found


def _pass(
    done: RowRun, c: Convolution, layout: Layout, pixels: Tensor, weights: Tensor,
    filter_sets: list[range], channel_sets: list[range],
) -> None:  # fmt: skip
    start, finish = done.cycles, done.cycles
    columns = min(layout.e, c.output_height)
    loaded = start
    for filters in filter_sets:
        for channels in channel_sets:
            words = len(filters) * len(channels) * c.filter_width
            done.b_reads += words * c.filter_height
            done.filter_deliveries += words * c.filter_height * columns
            done.most_words["filter"] = max(done.most_words["filter"], words)
            loaded = max(loaded, start + words)
    free: dict[tuple[int, int, int, int], int] = {}
    for image in range(c.images):
        for top in range(0, c.output_height, layout.e):
            rows = range(top, min(top + layout.e, c.output_height))
            _read_pixels(done, c, rows, filter_sets, channel_sets)
            for x in range(c.output_width):
                for number, filters in enumerate(filter_sets):
                    for f in filters:
                        for y in rows:
                            output, column = (image, f, y, x), (number, y - top)
                            moment = _chain(done, c, pixels, weights, output, channel_sets, free, column, loaded)
                            finish = max(finish, moment)
                done.most_words["sum"] = max(done.most_words["sum"], *map(len, filter_sets))
    done.cycles = finish


def _read_pixels(
    done: RowRun, c: Convolution, rows: range, filter_sets: list[range], channel_sets: list[range]
) -> None:
    """A strip's pixels: each once from the buffer, and to every element that has its row."""
    needed = {(y * c.stride[0] + i) for y in rows for i in range(c.filter_height)}
    across = {(x * c.stride[1] + s) for x in range(c.output_width) for s in range(c.filter_width)}
    for channels in channel_sets:
        done.a_reads += len(channels) * len(needed) * len(across)
        done.input_deliveries += len(filter_sets) * len(channels) * len(rows) * c.filter_height * len(across)
        done.most_words["input"] = max(done.most_words["input"], len(channels) * c.filter_width)


def _chain(
    done: RowRun, c: Convolution, pixels: Tensor, weights: Tensor, output: tuple[int, int, int, int],
    channel_sets: list[range], free: dict[tuple[int, int, int, int], int], column: tuple[int, int], loaded: int,
) -> int:  # fmt: skip
    """One sum through the elements of a column, set by set; the cycle in which the last one is done with it."""
    image, f, y, x = output
    total, moment, stops = done.result.get(output, 0), loaded, 0
    done.c_reads += output in done.result
    for place, channels in enumerate(channel_sets):
        for i in range(c.filter_height):
            element = (*column, place, i)
            moment = max(moment, free.get(element, loaded))
            for channel in channels:
                for s in range(c.filter_width):
                    total += (
                        pixels[image][channel][y * c.stride[0] + i][x * c.stride[1] + s] * weights[f][channel][i][s]
                    )
                    done.macs += 1
                    moment += 1
            free[element] = moment
            stops += 1
    done.sum_hops += stops - 1
    done.c_writes += 1
    done.result[output] = total
    return moment
