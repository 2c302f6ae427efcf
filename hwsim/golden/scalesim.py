"""SCALE-Sim v3 word by word: what its arrays ask for in every cycle, and its buffers as plain lists and sets.

Slow and obviously right: the judge of `hwsim.kernels.scalesim_dram`, and the writer of traces. Its facts are those of
SCALE-Sim 3.0.0 with computed bandwidth: the array's measured on its traces, the buffers' read in its source too, all
checked against its files. An address of −1 is no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

IDLE = -1
Line = list[int]
Address = Callable[[int, int], int]
"""Row and column of an operand to its address, or `IDLE` outside the image."""


@dataclass(frozen=True)
class Array:
    """One product [m, k] x [k, n] on ``rows`` × ``cols`` elements; ``dataflow`` is ``os``, ``ws`` or ``is``.

    Addresses: ``a(m, k)``, ``b(n, k)`` and ``c(m, n)``.
    """

    dataflow: str
    rows: int
    cols: int
    m: int
    n: int
    k: int
    a: Address
    b: Address
    c: Address

    def demands(self) -> Iterator[tuple[Line, Line, Line]]:
        """What is asked for in each cycle, lane by lane: words of a, of b, and results that leave."""
        along_rows, along_columns = {
            "os": (self.m, self.n), "ws": (self.k, self.n), "is": (self.k, self.m),
        }[self.dataflow]  # fmt: skip
        for column in range(0, along_columns, self.cols):
            for row in range(0, along_rows, self.rows):
                down = range(row, min(row + self.rows, along_rows))
                across = range(column, min(column + self.cols, along_columns))
                yield from self._output_stationary(down, across) if self.dataflow == "os" else self._kept(down, across)

    def _output_stationary(self, down: range, across: range) -> Iterator[tuple[Line, Line, Line]]:
        """Both operands enter skewed by their lane; the bottom row's results leave first, skewed by column."""
        for cycle in range(self.rows + self.cols + self.k - 2):
            a = [self._word(self.a, down, lane, range(self.k), cycle - lane) for lane in range(self.rows)]
            b = [self._word(self.b, across, lane, range(self.k), cycle - lane) for lane in range(self.cols)]
            out = [self.rows - 1 - (cycle - (self.k - 1) - lane) for lane in range(self.cols)]
            yield a, b, [self._word(lambda n, m: self.c(m, n), across, lane, down, out[lane]) for lane in range(len(b))]

    def _kept(self, down: range, across: range) -> Iterator[tuple[Line, Line, Line]]:
        """A tile enters last row first; the other operand streams; results leave below, skewed by column."""
        weights = self.dataflow == "ws"
        time = range(self.m if weights else self.n)
        kept, moving = (self.b, self.a) if weights else (self.a, self.b)
        for cycle in range(2 * self.rows + self.cols + len(time) - 2):
            from_last = self.rows - 1 - cycle
            tile = [self._word(kept, across, lane, down, from_last) for lane in range(self.cols)]
            begun = cycle - self.rows
            stream = [self._word(lambda k, t: moving(t, k), down, r, time, begun - r) for r in range(self.rows)]
            result = self.c if not weights else lambda n, m: self.c(m, n)
            left = [self._word(result, across, c, time, begun - (self.rows - 1) - c) for c in range(self.cols)]
            yield (stream, tile, left) if weights else (tile, stream, left)

    @staticmethod
    def _word(address: Address, first: range, i: int, second: range, j: int) -> int:
        return address(first[i], second[j]) if i < len(first) and 0 <= j < len(second) else IDLE


def window_address(
    width: int, height: int, channels: int, filter_width: int, strides: tuple[int, int], across: int, offset: int = 0
) -> Address:
    """Addresses (window, word) of an image row by row, channels innermost; ``across`` windows in a row."""

    def address(window: int, word: int) -> int:
        pixel, channel = divmod(word, channels)
        y = window // across * strides[0] + pixel // filter_width
        x = window % across * strides[1] + pixel % filter_width
        return (y * width + x) * channels + channel + offset if y < height and x < width else IDLE

    return address


@dataclass(frozen=True)
class Transfer:
    """Lines of words between DRAM and a buffer, one a cycle from ``start`` on."""

    start: int
    lines: list[Line]


@dataclass
class ReadBuffer:
    """A buffer of ``words``: 50 groups of ⌊words/100⌋ remembered words; when they are full, all are forgotten."""

    words: int
    reads: int = 0
    transfers: list[Transfer] = field(default_factory=list)
    _groups: list[set[int]] = field(default_factory=lambda: [set()])
    _first: int | None = None
    _window: tuple[int, int] | None = None
    """The cycles in which the next fetch takes place: those in which the epoch before was asked for."""

    def read(self, cycle: int, line: Line) -> None:
        """One cycle's requests."""
        for address in line:
            if address == IDLE:
                continue
            self._first = cycle if self._first is None else self._first
            if any(address in group for group in self._groups):
                continue
            self._groups[-1].add(address)
            if len(self._groups[-1]) == self.words // 100:
                self._groups.append(set())
                if len(self._groups) > 50:
                    self._fetch(before=self._first)
                    assert self._window is not None
                    self._window = (self._window[1] + 1, cycle + 1)

    def finish(self) -> None:
        """Fetch what was asked for since the last forgetting."""
        self._fetch(before=0)

    def _fetch(self, before: int) -> None:
        """The remembered words: 10 a cycle until ``before``, later as many a cycle as their window needs."""
        groups = [group for group in self._groups if group]
        capacity = len(groups) * (self.words // 100)
        if self._window is None:
            cycles = -(-capacity // 10)
            self._window, width = (before - cycles, before - 1), 10
        else:
            cycles = self._window[1] - self._window[0] + 1
            width = -(-capacity // cycles)
        found = [address for group in groups for address in group]  # in the set's own order, as the traces have
        self.reads += len(found)
        found += [IDLE] * (cycles * width - len(found))
        lines = [found[i * width : (i + 1) * width] for i in range(cycles)]
        self.transfers.append(Transfer(self._window[0], lines))
        self._groups = [set()]


@dataclass
class WriteBuffer:
    """A buffer of ``words`` in lines of ``width``: half of it drains when more than half is taken, a line a cycle."""

    words: int
    width: int
    writes: int = 0
    transfers: list[Transfer] = field(default_factory=list)
    _lines: list[Line] = field(default_factory=list)
    _drained: int = 0
    _taken: int = 0
    _busy_until: int = 0

    def write(self, cycle: int, line: Line) -> None:
        """One cycle's results."""
        for address in line:
            if address == IDLE:
                continue
            if not self._lines or len(self._lines[-1]) == self.width:
                self._lines.append([])
            self._lines[-1].append(address)
            self._taken += 1
            if cycle >= self._busy_until and self._taken > self.words - (self.words + 1) // 2:
                self._drain(cycle)

    def finish(self, cycle: int) -> None:
        """Drain what is left, half a buffer after the other, from ``cycle`` on."""
        while self._drained < len(self._lines):
            self._drain(cycle)
            cycle = self._busy_until + 1

    def _drain(self, cycle: int) -> None:
        """Half the buffer; only the padding of the last line is not counted as written."""
        self._lines[-1] += [IDLE] * (self.width - len(self._lines[-1]))
        half = self.words - (self.words + 1) // 2
        lines = self._lines[self._drained :][: -(-half // self.width)]
        self._drained += len(lines)
        written = len(lines) * self.width - lines[-1].count(IDLE)
        self.writes += written
        self._taken -= written
        self._busy_until = cycle + len(lines) - 1
        self.transfers.append(Transfer(cycle, lines))


@dataclass
class Run:
    """What a layer leaves in its buffers, and how many cycles it took."""

    ifmap: ReadBuffer
    filter: ReadBuffer
    ofmap: WriteBuffer
    cycles: int = 0


Watch = Callable[[int, Line, Line, Line], object]
"""Called with each cycle's index and demands of ifmap, filter and ofmap."""


def run(array: Array, ifmap_words: int, filter_words: int, ofmap_words: int, watch: Watch | None = None) -> Run:
    """One layer through its three buffers, without stalls."""
    result = Run(ReadBuffer(ifmap_words), ReadBuffer(filter_words), WriteBuffer(ofmap_words, array.cols))
    for cycle, (a, b, c) in enumerate(array.demands()):
        result.ifmap.read(cycle, a)
        result.filter.read(cycle, b)
        result.ofmap.write(cycle, c)
        result.cycles += 1
        if watch is not None:
            watch(cycle, a, b, c)
    result.ifmap.finish()
    result.filter.finish()
    result.ofmap.finish(result.cycles - 1)
    return result
