"""Folds on a systolic array, clock edge by clock edge, started when they are told to.

Whatever two folds would need at once is a `Hazard`: a lane, a register, an exit, a weight that is not there yet.
Everything is counted where it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.units.systolic_schedule_folds import IDLE, Fold, Key
from hwsim.units.systolic_simulator import Run, Step

if TYPE_CHECKING:
    from hwsim.units.systolic import SystolicArray


class Hazard(Exception):
    """Two folds need one thing at once, or one needs what is not there."""


class Clockwork:
    """One array running given folds from given cycles; `leave` is told every sum that leaves it."""

    def __init__(self, array: SystolicArray, step: Step, zero: Any, leave: Callable[[int, Key, Any], None]) -> None:
        self.array, self.step, self.zero, self.leave = array, step, zero, leave
        self.kept, self.moved = ("a", "b") if array.dataflow == "input_stationary" else ("b", "a")
        self.overlapped = array.folds == "overlapped"

    def run(self, run: Run, queue: Sequence[Fold], starts: Sequence[int]) -> int:
        """Cycles until the last sum has left. ``starts``: the cycle of a fold's first product."""
        self.counted, self.queue, self.starts = run, queue, starts
        rows, cols = range(self.array.rows), range(self.array.cols)
        self.waiting: dict[Any, Any] = {}  # registers: (row, column[, sum]) -> contents
        self.working: dict[Any, Any] = {}
        self.right: dict[tuple[int, int], Any] = {}
        self.down: dict[tuple[int, int], Any] = {}
        self.finished: list[tuple[Any, Any]] = []
        self.left, self.cycle, self.exits = 0, 0, dict.fromkeys(cols, -1)
        stationary = self.array.dataflow != "output_stationary"
        total = sum(fold.cols * (fold.time if stationary else fold.rows * fold.sums) for fold in queue)
        while self.left < total:
            self.exited: set[int] = set()
            (self._one_stays if stationary else self._both_stream)(rows, cols)
            self.cycle += 1
            if self.cycle > 10_000:
                raise Hazard("sums are lost")
        return self.cycle

    def _exit(self, fold: int, column: int, key: Key | None, value: Any) -> None:
        if column in self.exited or self.exits[column] > fold:
            raise Hazard(f"fold {fold} meets another one at the exit of column {column}")
        self.exited.add(column)
        self.exits[column] = fold
        self.left += 1
        if key is not None:
            self.leave(fold, key, value)

    def _feed(self, lane: int, horizontal: bool) -> Any:
        """(fold, step, slot) that enters a row or a column, None between folds."""
        fed = None
        for index, (fold, start) in enumerate(zip(self.queue, self.starts, strict=True)):
            step = self.cycle - start - lane
            if 0 <= step < fold.time * fold.sums and lane < (fold.rows if horizontal else fold.cols):
                if fed is not None:
                    raise Hazard(f"folds {fed[0]} and {index} need lane {lane} at once")
                fed = index, step, (fold.lane if horizontal else fold.top)(lane, step)
        if fed is not None:
            operand = self.moved if horizontal else "b"
            self.counted.accesses[f"{operand}_reads"] += fed[2].elements
        return fed

    def _stream(self, held: dict[tuple[int, int], Any], rows: range, cols: range, horizontal: bool) -> Any:
        """Everything that streams one place on; what has passed its fold's last row or column is gone."""
        new: dict[tuple[int, int], Any] = {}
        for lane in rows if horizontal else cols:
            if (fed := self._feed(lane, horizontal)) is not None:
                new[(lane, 0) if horizontal else (0, lane)] = fed
        for (r, c), item in held.items():
            fold = self.queue[item[0]]
            if (c + 1 < fold.cols) if horizontal else (r + 1 < fold.rows):
                place = (r, c + 1) if horizontal else (r + 1, c)
                if place in new:
                    raise Hazard(f"two operands at {place}")
                new[place] = item
        name = f"{self.moved if horizontal else 'b'}_hop"
        self.counted.hops[name] += sum(item[2].elements for item in new.values())
        return new

    # Weight and input stationary --------------------------------------------------------------------

    def _one_stays(self, rows: range, cols: range) -> None:
        self._switch()
        self._preload(cols)
        self.right = self._stream(self.right, rows, cols, horizontal=True)
        arriving = {(r + 1, c): item for (r, c), item in self.down.items()}
        for (r, c), (fold, step, _) in self.right.items():
            if r == 0:
                arriving[0, c] = fold, step, self.zero
        if arriving.keys() != self.right.keys():
            raise Hazard("sums and operands have lost each other")
        self.down = {}
        for (r, c), (fold, step, total) in arriving.items():
            f, s, slot = self.right[r, c]
            owner, weight = self.working[r, c]
            if (f, s) != (fold, step) or owner != fold:
                raise Hazard(f"fold {fold} meets operands of fold {f} and weights of fold {owner}")
            value = self._element(total, weight, slot.value, fold, r, c)
            if r + 1 == self.queue[fold].rows:
                self._exit(fold, c, self.queue[fold].output(r, c, step), value)
            else:
                self.down[r, c] = fold, step, value

    def _switch(self) -> None:
        """The wave that takes what stays out of the preload registers, ahead of its fold's first operand."""
        for index, (fold, start) in enumerate(zip(self.queue, self.starts, strict=True)):
            for r in range(fold.rows):
                c = self.cycle - start - r
                if 0 <= c < fold.cols:
                    owner, row, value = self.waiting.get((r, c), (-1, -1, None))
                    if (owner, row) != (index, r):
                        raise Hazard(f"fold {index} starts before its weights are there")
                    self.working[r, c] = index, value
                    self.counted.hops[f"{self.kept}_hop"] += self.overlapped and value is not None

    def _preload(self, cols: range) -> None:
        """Column by column one behind the other, the last row first, done in the cycle before the fold starts."""
        for c in cols:
            owner = None
            for index, (fold, start) in enumerate(zip(self.queue, self.starts, strict=True)):
                row = start + c - 1 - self.cycle
                if not (0 <= row < fold.rows and c < fold.cols):
                    continue
                if owner is not None:
                    raise Hazard(f"folds {owner} and {index} preload column {c} at once")
                owner, value = index, fold.kept(row, c)
                for r in reversed(range(1, fold.rows)):
                    above = self.waiting.get((r - 1, c), (-1, -1, None))
                    if above[0] == index:  # a register is written only when an element of this fold comes
                        self.waiting[r, c] = above
                self.waiting[0, c] = index, row, value
                self.counted.accesses[f"{self.kept}_reads"] += value is not None
                mine = [self.waiting.get((r, c), (-1, -1, None)) for r in range(fold.rows)]
                self.counted.hops[f"{self.kept}_hop"] += sum(x[0] == index and x[2] is not None for x in mine)

    def _element(self, total: Any, weight: Any, moving: Any, fold: int, row: int, column: int) -> Any:
        if weight is None or moving is IDLE:
            self.counted.hops["sum_hop"] += self.queue[fold].output(row, column, 0) is not None
            return total
        self.counted.macs += 1
        if self.array.dataflow == "input_stationary":
            return self.step(total, weight, moving)
        return self._product(total, moving, weight)

    def _product(self, total: Any, a: Any, b: Any) -> Any:
        """A stored weight chooses among its candidates."""
        return self.step(total, a, b) if self.array.sparsity is None else self.step(total, a[b[1]], b[0])

    # Output stationary ------------------------------------------------------------------------------

    def _both_stream(self, rows: range, cols: range) -> None:
        for place, item in self.finished:
            if place in self.waiting:
                raise Hazard(f"the drain register {place} is still full")
            self.waiting[place] = item
            real = self.queue[item[0]].output(*place) is not None
            self.counted.hops["sum_hop"] += self.overlapped and real
        self.finished = []
        self._drain(cols)
        self.right = self._stream(self.right, rows, cols, horizontal=True)
        self.down = self._stream(self.down, rows, cols, horizontal=False)
        if self.right.keys() != self.down.keys():
            raise Hazard("operands have lost each other")
        for (r, c), (fold, step, slot) in self.right.items():
            f, s, other = self.down[r, c]
            if (f, s) != (fold, step):
                raise Hazard(f"operands of folds {fold} and {f} meet")
            k, j = divmod(step, self.queue[fold].sums)
            if k == 0:
                self.working[r, c, j] = fold, self.zero
            owner, total = self.working[r, c, j]
            if owner != fold:
                raise Hazard(f"fold {fold} adds to a sum of fold {owner}")
            if self.queue[fold].output(r, c, j) is not None:
                self.counted.macs += 1
                total = self._product(total, slot.value, other.value)
            self.working[r, c, j] = fold, total
            if k == self.queue[fold].time - 1:
                self.finished.append(((r, c, j), (fold, r, total)))

    def _drain(self, cols: range) -> None:
        """A column's sums leave from its last row, those above move down, one after the other of an element's."""
        for c in cols:
            for index, (fold, start) in enumerate(zip(self.queue, self.starts, strict=True)):
                since = self.cycle - (start + fold.time * fold.sums + fold.rows - 1 + c)
                if c >= fold.cols or not 0 <= since < fold.rows * fold.sums:
                    continue
                j, gone = divmod(since, fold.rows)
                owner, row, value = self.waiting.pop((fold.rows - 1, c, j), (-1, -1, None))
                if (owner, row) != (index, fold.rows - 1 - gone):
                    raise Hazard(f"fold {index} drains what it does not have")
                self._exit(index, c, fold.output(row, c, j), value)
                for r in reversed(range(gone + 1, fold.rows)):
                    moving = self.waiting.pop((r - 1, c, j), None)
                    if moving is not None:
                        self.waiting[r, c, j] = moving
                        self.counted.hops["sum_hop"] += fold.output(moving[1], c, j) is not None
