"""A systolic array clock edge by clock edge: real values in registers, cycles counted by counting.

The judge of `hwsim.units.systolic_counts` and of the systolic unit's order of additions. Plain Python,
for small arrays. The controller runs one schedule for every fold: at an edge the unused lanes carry
`IDLE` slots, and a processing element that lacks an operand leaves its sum alone, as a clock-gated one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError
from hwsim.golden import datapath as golden
from hwsim.golden import number
from hwsim.units.systolic_counts import Dataflow

if TYPE_CHECKING:
    from hwsim.units.systolic import SystolicArray

IDLE = object()
"""A time slot without an operand: it moves through the registers like one and counts as none."""

Step = Callable[[Any, Any, Any], Any]
Matrix = Sequence[Sequence[Any]]
Grid = list[list[Any]]

_ACCESSES = ("a_reads", "b_reads", "c_reads", "c_writes")
_HOPS = ("a_hop", "b_hop", "sum_hop")


@dataclass
class Run:
    """What happened while the array worked."""

    cycles: int = 0
    macs: int = 0
    accesses: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_ACCESSES, 0))
    hops: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_HOPS, 0))
    farthest: list[int] = field(default_factory=list)
    """Cycles, from 1, in which the processing element farthest from the inputs multiplied."""
    result: Grid = field(default_factory=list)
    """[M, N]: what the accumulator memory (WS, IS) or the drained accumulators (OS) leave behind."""

    def repeat(self, other: Run) -> None:
        """Count the same events once more."""
        self.cycles += other.cycles
        self.macs += other.macs
        for mine, theirs in ((self.accesses, other.accesses), (self.hops, other.hops)):
            for name, count in theirs.items():
                mine[name] += count


class SystolicSimulator:
    """A ``rows`` × ``cols`` array of the given dataflow.

    ``step(acc, a, b)`` is the arithmetic of one processing element, ``zero`` its cleared accumulator.
    ``fold(held, partial)`` is the accumulator memory's adder; ``held`` is None for an output's first
    partial sum. By default it keeps the first and adds the others with ``+``.
    """

    def __init__(
        self,
        rows: int,
        cols: int,
        dataflow: Dataflow,
        step: Step,
        zero: Any = 0,
        fold: Callable[[Any, Any], Any] = lambda held, partial: partial if held is None else held + partial,
    ) -> None:
        self.rows = rows
        self.cols = cols
        self.dataflow = dataflow
        self.step = step
        self.zero = zero
        self.fold = fold
        self._known: dict[tuple[int, ...], Run] = {}

    def run(self, a: Matrix, b: Matrix, c: Matrix | None = None) -> Run:
        """[M, K] x [K, N], every value moved through the array.

        ``c`` [M, N] are sums to go on from: in the accumulator memory (WS, IS) or in the elements (OS).
        """
        m, n, k = len(a), len(b[0]), len(b)
        run = Run(result=[[None] * n for _ in range(m)] if c is None else [list(line) for line in c])
        for columns, rows in self._folds(m, n, k):
            self._fold(run, a, b, rows, columns)
        return run

    def count(self, m: int, n: int, k: int) -> Run:
        """The counters of `run` alone: the same clock edges on blank values.

        Control never looks at a value, so a fold of an extent that was simulated before is not simulated again.
        """
        total = Run()
        time = {"output_stationary": k, "weight_stationary": m, "input_stationary": n}[self.dataflow]
        for columns, rows in self._folds(m, n, k):
            adds = self.dataflow != "output_stationary" and rows.start > 0
            key = len(rows), len(columns), time, int(adds)
            if key not in self._known:
                self._known[key] = self._blank_fold(*key)
            total.repeat(self._known[key])
        return total

    def _blank_fold(self, rows: int, columns: int, time: int, adds: int) -> Run:
        m, n, k = {
            "output_stationary": (rows, columns, time),
            "weight_stationary": (time, columns, rows),
            "input_stationary": (columns, time, rows),
        }[self.dataflow]
        blank = SystolicSimulator(self.rows, self.cols, self.dataflow, lambda acc, a, b: 0, 0, lambda held, partial: 0)
        run = Run(result=[[0 if adds else None] * n for _ in range(m)])
        blank._fold(run, [[0] * k] * m, [[0] * n] * k, range(rows), range(columns))
        return run

    def _folds(self, m: int, n: int, k: int) -> list[tuple[range, range]]:
        """(columns, rows) of every fold in the order in which they run: a column fold's row folds together."""
        along_rows = m if self.dataflow == "output_stationary" else k
        along_columns = m if self.dataflow == "input_stationary" else n
        return [
            (range(left, min(left + self.cols, along_columns)), range(top, min(top + self.rows, along_rows)))
            for left in range(0, along_columns, self.cols)
            for top in range(0, along_rows, self.rows)
        ]

    def _fold(self, run: Run, a: Matrix, b: Matrix, rows: range, columns: range) -> None:
        if self.dataflow == "output_stationary":
            self._both_stream(run, [a[r] for r in rows], [[line[c] for line in b] for c in columns], rows, columns)
        elif self.dataflow == "weight_stationary":
            self._one_stays(run, [[b[r][c] for c in columns] for r in rows], [[x[r] for x in a] for r in rows], columns)
        else:
            self._one_stays(run, [[a[c][r] for c in columns] for r in rows], [b[r] for r in rows], columns)

    def _empty(self) -> Grid:
        return [[None] * self.cols for _ in range(self.rows)]

    # Weight and input stationary: one operand stays, the other moves right, sums move down.

    def _one_stays(self, run: Run, staying: Matrix, streams: Matrix, columns: range) -> None:
        """``staying`` [rows used, columns used]; ``streams`` [rows used, T]: row r lags r cycles behind row 0."""
        kept, moved = ("b", "a") if self.dataflow == "weight_stationary" else ("a", "b")
        weights = self._preload(run, kept, staying)
        moving, sums = self._empty(), self._empty()
        time, clock, left_array = len(streams[0]), 0, 0
        while left_array < time * self.cols:
            fed = [self._feed(run, moved, streams, r, clock - r, time) for r in range(self.rows)]
            moving = [[fed[r], *moving[r][:-1]] for r in range(self.rows)]
            cleared = [self.zero if 0 <= clock - c < time else None for c in range(self.cols)]
            sums = self._multiply(run, [cleared, *sums[:-1]], moving, weights, len(columns))
            run.hops[f"{moved}_hop"] += _values(moving)
            run.cycles += 1
            for c, partial in enumerate(sums[-1]):
                left_array += partial is not None
                if partial is not None and c < len(columns):
                    self._accumulate(run, columns[c], clock - (self.rows - 1) - c, partial)
            clock += 1

    def _preload(self, run: Run, kept: str, staying: Matrix) -> Grid:
        """One clock edge per row of the array: rows enter at the top, the last first, and move down."""
        weights = self._empty()
        for row in reversed(range(self.rows)):
            entering = list(staying[row]) if row < len(staying) else []
            run.accesses[f"{kept}_reads"] += len(entering)
            weights = [entering + [None] * (self.cols - len(entering)), *weights[:-1]]
            run.hops[f"{kept}_hop"] += _values(weights)
            run.cycles += 1
        return weights

    def _multiply(self, run: Run, arriving: Grid, moving: Grid, weights: Grid, used: int) -> Grid:
        return [
            [self._element(run, arriving[r][c], moving[r][c], weights[r][c], r, c, used) for c in range(self.cols)]
            for r in range(self.rows)
        ]

    def _element(self, run: Run, acc: Any, moving: Any, weight: Any, row: int, column: int, used: int) -> Any:
        if acc is None:
            return None
        if weight is None or moving is IDLE:
            run.hops["sum_hop"] += column < used
            return acc
        self._multiplied(run, row, column)
        a, b = (moving, weight) if self.dataflow == "weight_stationary" else (weight, moving)
        return self.step(acc, a, b)

    def _accumulate(self, run: Run, column: int, time: int, partial: Any) -> None:
        m, n = (time, column) if self.dataflow == "weight_stationary" else (column, time)
        held = run.result[m][n]
        run.accesses["c_reads"] += held is not None
        run.accesses["c_writes"] += 1
        run.result[m][n] = self.fold(held, partial)

    # Output stationary: both operands move, each processing element keeps its sum until the drain.

    def _both_stream(self, run: Run, rows_of_a: Matrix, columns_of_b: Matrix, rows: range, columns: range) -> None:
        right, down, sums = self._empty(), self._empty(), self._empty()
        for r in range(len(rows)):
            held = [run.result[rows[r]][column] for column in columns]
            sums[r][: len(columns)] = [self.zero if value is None else value for value in held]
        time, clock, corner_slots = len(rows_of_a[0]), 0, 0
        while corner_slots < time:
            fed_a = [self._feed(run, "a", rows_of_a, r, clock - r, time) for r in range(self.rows)]
            fed_b = [self._feed(run, "b", columns_of_b, c, clock - c, time) for c in range(self.cols)]
            right = [[fed_a[r], *right[r][:-1]] for r in range(self.rows)]
            down = [fed_b, *down[:-1]]
            run.hops["a_hop"] += _values(right)
            run.hops["b_hop"] += _values(down)
            for r in range(len(rows)):
                for c in range(len(columns)):
                    if right[r][c] is not None:
                        self._multiplied(run, r, c)
                        sums[r][c] = self.step(sums[r][c], right[r][c], down[r][c])
            corner_slots += right[-1][-1] is not None
            run.cycles += 1
            clock += 1
        self._drain(run, sums, rows, columns)

    def _drain(self, run: Run, sums: Grid, rows: range, columns: range) -> None:
        """One clock edge per row of the array: the bottom row leaves, the others move down."""
        for row in reversed(range(self.rows)):
            for c, value in enumerate(sums[-1]):
                if value is not None:
                    run.result[rows[row]][columns[c]] = value
                    run.accesses["c_writes"] += 1
            sums = [[None] * self.cols, *sums[:-1]]
            run.hops["sum_hop"] += _values(sums)
            run.cycles += 1

    # Shared by all dataflows.

    def _feed(self, run: Run, operand: str, lanes: Matrix, lane: int, slot: int, time: int) -> Any:
        """What enters a lane in its own time slot: an operand, an idle slot on an unused lane, or nothing yet."""
        if not 0 <= slot < time:
            return None
        if lane >= len(lanes):
            return IDLE
        run.accesses[f"{operand}_reads"] += 1
        return lanes[lane][slot]

    def _multiplied(self, run: Run, row: int, column: int) -> None:
        run.macs += 1
        if (row, column) == (self.rows - 1, self.cols - 1):
            run.farthest.append(run.cycles + 1)


def _values(grid: Grid) -> int:
    return sum(value is not None and value is not IDLE for line in grid for value in line)


def run_codes(array: SystolicArray, a: Matrix, b: Matrix, c: Matrix | None = None) -> Run:
    """Codes through ``array`` with the arithmetic of the golden model; `Run.result` holds codes, as `matmul_codes`."""
    pe, datapath, adder = array.pe, array.datapath, array.fold_adder
    inner, outer = pe.accumulator, adder or pe.accumulator
    for accumulator in (inner, outer):
        if accumulator.kind not in ("float", "integer") or accumulator.random:
            raise InputError(
                f"the array is followed where sums are one number each and rounded in one way, not by "
                f"{'chance' if accumulator.random else repr(accumulator.kind)}"
            )
    events = number.Events()

    def step(acc: Any, x: int, y: int) -> Any:
        product = number.multiply(pe.multiplier, x, y, *pe.operands.multiplied)
        return golden.accumulate(pe, inner, golden.Terms([product], [None]), acc, events)

    def fold(held: Any, partial: Any) -> Any:
        return golden.add_into(pe, outer, number.ZERO if held is None else held, partial, events)

    def enter(code: int) -> Any:
        return golden.enter(pe, outer, number.unpack(datapath.c_format, code), events)

    start = None if c is None else [[enter(code) for code in line] for line in c]
    simulator = SystolicSimulator(array.rows, array.cols, array.dataflow, step, number.ZERO, fold)
    run = simulator.run(a, b, start)
    run.result = [[golden.leave(datapath, value, events) for value in line] for line in run.result]
    return run
