"""Systolic arrays with overlapped folds, early edges, sums, packs and sparse weights: the judge of their closed forms.

Each fold starts at the earliest cycle, found by trial, in which nothing is in its way (`Clockwork`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hwsim.units.systolic_clockwork import Clockwork, Hazard
from hwsim.units.systolic_schedule_folds import Fold, Key, Matrix, folds
from hwsim.units.systolic_simulator import Run, Step

if TYPE_CHECKING:
    from hwsim.units.systolic import SystolicArray


class ScheduleSimulator:
    """``array.arrays`` arrays with all their options; arithmetic as `SystolicSimulator` takes it."""

    def __init__(
        self,
        array: SystolicArray,
        step: Step = lambda total, a, b: total + a * b,
        zero: Any = 0,
        fold: Callable[[Any, Any], Any] = lambda held, partial: partial if held is None else held + partial,
    ) -> None:
        self.array, self.step, self.zero, self.fold = array, step, zero, fold
        self._gaps: dict[Any, int] = {}

    def run(self, products: Sequence[tuple[int, Matrix, Matrix]], abreast: int = 1) -> tuple[Run, dict[Key, Any]]:
        """Numbered products (number, a, b) on one array, ``abreast`` of them at a time, and the outputs."""
        total, results = Run(), dict[Key, Any]()
        for first in range(0, len(products), abreast):
            columns = folds(self.array, products[first : first + abreast])
            queue = [fold for column in columns for fold in column]
            total.cycles += self.array.step_cycles * self._queue(total, queue, self._accumulate(total, results))
        return total, results

    def _accumulate(self, run: Run, results: dict[Key, Any]) -> Callable[[int, Key, Any], None]:
        def leave(_: int, key: Key, partial: Any) -> None:
            run.accesses["c_reads"] += key in results
            run.accesses["c_writes"] += 1
            results[key] = self.fold(results.get(key), partial)

        return leave

    def _queue(self, run: Run, queue: Sequence[Fold], leave: Callable[[int, Key, Any], None]) -> int:
        """Cycles of a queue of folds."""
        if self.array.folds == "serial":
            return sum(self._alone(run, fold, index, leave) for index, fold in enumerate(queue))
        starts = [self._preload(queue[0])]
        for one, other in pairwise(queue):
            starts.append(starts[-1] + self.gap(one, other))
        return Clockwork(self.array, self.step, self.zero, leave).run(run, queue, starts)

    def _alone(self, run: Run, fold: Fold, index: int, leave: Callable[[int, Key, Any], None]) -> int:
        def leave_as(_: int, key: Key, value: Any) -> None:
            leave(index, key, value)

        clockwork = Clockwork(self.array, self.step, self.zero, leave_as)
        return clockwork.run(run, [fold], [self._preload(fold)])

    def _preload(self, fold: Fold) -> int:
        return 0 if self.array.dataflow == "output_stationary" else fold.rows

    def gap(self, one: Fold, other: Fold) -> int:
        """The fewest cycles between the first products of two folds that run without a hazard."""
        key = one.shape, other.shape
        while key not in self._gaps or not self._runs(one, other, self._gaps[key]):
            self._gaps[key] = self._gaps.get(key, 0) + 1
        return self._gaps[key]

    def _runs(self, one: Fold, other: Fold, gap: int) -> bool:
        start = self._preload(one)
        clockwork = Clockwork(self.array, lambda total, a, b: 0, 0, lambda fold, key, value: None)
        try:
            clockwork.run(Run(), [one, other], [start, start + gap])
        except Hazard:
            return False
        return True

    def run_round_robin(self, product: tuple[int, Matrix, Matrix]) -> tuple[Run, dict[Key, Any]]:
        """One product with its row folds dealt to the arrays in turn (``split: k``), and the outputs."""
        total, results, cycles = Run(), dict[Key, Any](), [0]
        partials: dict[tuple[int, Key], list[tuple[int, Any]]] = {}
        for number in range(self.array.arrays):
            mine = [turn for column in folds(self.array, [product]) for turn in self._turns(column, number)]
            places = [place for place, _ in mine]

            def leave(index: int, key: Key, partial: Any, places: list[int] = places) -> None:
                turn = places[index] // self.array.arrays
                partials.setdefault((turn, key), []).append((places[index], partial))

            if mine:
                cycles.append(self._queue(total, [fold for _, fold in mine], leave))
        for (turn, key), found in sorted(partials.items(), key=lambda item: item[0]):
            total.accesses["c_reads"] += turn > 0
            total.accesses["c_writes"] += 1
            for _, partial in sorted(found, key=lambda pair: pair[0]):
                results[key] = self.fold(results.get(key), partial)
        total.cycles = self.array.step_cycles * max(cycles)
        return total, results

    def _turns(self, column: Sequence[Fold], number: int) -> list[tuple[int, Fold]]:
        """(place, fold) of one array's row folds, each of as many rows as the first array's in the same turn."""
        arrays = self.array.arrays
        found = [(place, column[place]) for place in range(number, len(column), arrays)]
        heights = [(place, fold, column[place - number].rows) for place, fold in found]
        return [(place, replace(fold, rows=rows, shape=(*fold.shape, rows))) for place, fold, rows in heights]
