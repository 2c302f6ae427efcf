"""Closed forms of row-stationary convolution: how filter rows lie on the array, cycles, and accesses by level.

Names of Eyeriss (Chen, Emer, Sze, ISCA 2016; Chen et al., JSSC 2017; the dataflow and its parameters e, p, q, r, t
are *recalled* from there). An element keeps filter rows of S taps and makes rows of partial sums from rows of
pixels. A set of H_f × e elements makes e output rows of a convolution: filter rows lie along the array's rows, output
rows along its columns; pixel rows run along the diagonals, sums from element to element up a column. An element takes
p filters and q channels in turn; r sets stand on each other for different channels, and their sums go through all of
them; t sets work on different filters, and what is left over on other groups.

A pass has ≤ p·t filters and ≤ q·r channels; what is left for the last one is divided evenly. Its filters stay for
all images and strips of e output rows. With P filters and Q channels in the element that has most, C_g channels in
all, it takes (S·P·Q to load the filter words, one a cycle and element) and, as every sum goes through H_f rows of
every set and an element works Q·S cycles on it,

    S·P·Q + (images·⌈E/e⌉·F·P − 1)·Q·S + H_f·S·C_g   cycles.

*Assumed*: one word of each operand reaches every element in a cycle, and pixels come while the ones before them
are multiplied. The simulator `hwsim.units.row_stationary_simulator` agrees under these assumptions.

An operand word counts once at the global buffer however many elements it is sent to (multicast). Weights are
read once; pixels once for each pass of filters and, at the edges of strips, again; sums are written once for each
pass of channels, and read back in all but the first.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

from hwsim.base.errors import InputError
from hwsim.units.base import Gemm


@dataclass(frozen=True)
class Convolution:
    """``groups`` convolutions of [images, channels, ..] with [filters, channels, filter_height, filter_width].

    Padding counts as pixels.
    """

    filters: int
    channels: int
    output_height: int = 1
    output_width: int = 1
    filter_height: int = 1
    filter_width: int = 1
    stride: tuple[int, int] = (1, 1)
    images: int = 1
    groups: int = 1

    @classmethod
    def of_gemm(cls, gemm: Gemm) -> Convolution:
        """[m, k] x [k, n] as n filters of 1 × 1 over one row of m pixels of k channels."""
        return cls(filters=gemm.n, channels=gemm.k, output_width=gemm.m, groups=gemm.count)

    @property
    def outputs(self) -> int:
        return self.groups * self.images * self.filters * self.output_height * self.output_width

    @property
    def macs(self) -> int:
        return self.outputs * self.channels * self.filter_height * self.filter_width

    def pixel_rows(self, rows: int) -> int:
        """Rows of pixels under ``rows`` output rows."""
        return (rows - 1) * min(self.stride[0], self.filter_height) + self.filter_height

    @property
    def pixel_columns(self) -> int:
        """Pixels under a row of outputs."""
        return (self.output_width - 1) * min(self.stride[1], self.filter_width) + self.filter_width


@dataclass(frozen=True)
class Elements:
    """The array, and the words that an element keeps of filters, pixels and sums."""

    rows: int
    cols: int
    filter_words: int
    input_words: int
    sum_words: int


@dataclass(frozen=True)
class Layout:
    """How a convolution lies on the array."""

    e: int
    """Output rows of a set."""
    p: int
    """Filters of an element."""
    q: int
    """Channels of an element."""
    r: int
    """Sets for different channels."""
    t: int
    """Sets for different filters."""
    g: int = 1
    """Groups (or products of a batch) side by side."""


@dataclass(frozen=True)
class RowStationaryCounts:
    """Cycles of a convolution and words by level: the elements' own, the network's, the global buffer's."""

    cycles: int
    compute_cycles: int
    """Cycles in which the first element multiplies."""
    macs: int
    a_reads: int
    b_reads: int
    c_reads: int
    c_writes: int
    filter_deliveries: int
    """Weights written into elements."""
    input_deliveries: int
    """Pixels written into elements."""
    sum_hops: int
    """Sums handed from element to element."""

    def __add__(self, other: RowStationaryCounts) -> RowStationaryCounts:
        """Of both, one after the other."""
        return RowStationaryCounts(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


def part_sizes(extent: int, each: int, sets: int) -> list[tuple[int, int, int]]:
    """(how many, elements of the fullest set, elements of all sets) of the passes over ``extent``."""
    full, rest = divmod(extent, each * sets)
    found = [(full, each, each * sets)] if full else []
    return found + ([(1, -(-rest // sets), rest)] if rest else [])


def count(convolution: Convolution, layout: Layout) -> RowStationaryCounts:
    """Cycles and words of ``convolution`` laid out so."""
    c, strips = convolution, -(-convolution.output_height // layout.e)
    passes = c.images * strips
    filter_parts = part_sizes(c.filters, layout.p, layout.t)
    channel_parts = part_sizes(c.channels, layout.q, layout.r)
    cycles = compute = input_deliveries = 0
    for (m_times, p, filters), (c_times, q, channels) in product(filter_parts, channel_parts):
        busy = passes * c.output_width * p * q * c.filter_width
        load, last = c.filter_width * p * q, c.filter_height * c.filter_width * channels - q * c.filter_width
        cycles += m_times * c_times * (load + busy + last)
        compute += m_times * c_times * busy
        sets = -(-filters // p)
        input_deliveries += m_times * c_times * channels * sets
    filter_passes, channel_passes = (sum(part[0] for part in parts) for parts in (filter_parts, channel_parts))
    pixels = sum(c.pixel_rows(rows) for rows in strip_rows(c.output_height, layout.e)) * c.pixel_columns
    outputs, weights = c.outputs // c.groups, c.filters * c.channels * c.filter_height * c.filter_width
    # A sum goes through the filter rows of all sets that have channels in a pass.
    stops = sum(times * c.filter_height * -(-channels // q) for times, q, channels in channel_parts)
    counts = {
        "cycles": cycles, "compute_cycles": compute, "macs": c.macs // c.groups,
        "a_reads": c.images * c.channels * pixels * filter_passes, "b_reads": weights,
        "c_reads": outputs * (channel_passes - 1), "c_writes": outputs * channel_passes,
        "filter_deliveries": weights * min(layout.e, c.output_height),
        "input_deliveries": c.images * input_deliveries * c.filter_height * c.output_height * c.pixel_columns,
        "sum_hops": outputs * (stops - channel_passes),
    }  # fmt: skip
    times = dict.fromkeys(counts, c.groups) | dict.fromkeys(("cycles", "compute_cycles"), -(-c.groups // layout.g))
    return RowStationaryCounts(**{name: times[name] * value for name, value in counts.items()})


def strip_rows(height: int, e: int) -> list[int]:
    """Output rows of each strip."""
    return [min(e, height - top) for top in range(0, height, e)]


@lru_cache(maxsize=4096)
def best(
    convolution: Convolution, elements: Elements, in_order: bool, first: Literal["cycles", "accesses"] = "cycles"
) -> tuple[Layout, RowStationaryCounts]:
    """The layout of the fewest cycles, then words of the global buffer, or the other way round.

    Ties go to the largest e, then r, t, q and p. ``in_order``: sums depend on the order of additions, so that an
    element of a set of several rows has one channel. Raises `InputError` for a filter that is higher than the array,
    or whose row an element cannot keep.
    """
    c, taps = convolution, convolution.filter_width
    if c.filter_height > elements.rows:
        raise InputError(
            f"filters of {c.filter_height} rows: a row_stationary array of {elements.rows} rows holds none"
        )
    if taps > min(elements.input_words, elements.filter_words):
        short = "input_words" if taps > elements.input_words else "filter_words"
        raise InputError(f"filters of {taps} taps a row: an element keeps {short} = {getattr(elements, short)}")
    stacked = elements.rows // c.filter_height
    found: tuple[tuple[int, int], Layout, RowStationaryCounts] | None = None
    most_q = 1 if in_order and c.filter_height > 1 else min(c.channels, elements.input_words // taps)
    for e in _sizes(min(c.output_height, elements.cols)):
        for r in _sizes(min(stacked, c.channels)):
            sets = stacked // r * (elements.cols // e)
            wide = min(sets, c.filters)
            # Groups take what sets the filters leave; without groups more sets are never worse.
            for t, q in product(_sizes(wide) if c.groups > 1 else [wide], _sizes(min(most_q, -(-c.channels // r)))):
                room = min(elements.sum_words, elements.filter_words // (q * taps), -(-c.filters // t))
                for p in _sizes(room):
                    layout = Layout(e, p, q, r, t, min(c.groups, sets // t))
                    counts = count(c, layout)
                    words = counts.a_reads + counts.b_reads + counts.c_reads + counts.c_writes
                    rank = (counts.cycles, words) if first == "cycles" else (words, counts.cycles)
                    if found is None or rank < found[0]:
                        found = rank, layout, counts
    assert found is not None  # every dimension has a size of 1
    return found[1], found[2]


def _sizes(most: int) -> list[int]:
    """1 … ``most`` thinned to those that matter: for each number of parts the smallest size that makes as many."""
    return sorted({-(-most // parts) for parts in range(1, most + 1)}, reverse=True)
