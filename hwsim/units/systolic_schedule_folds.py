"""What the folds of a systolic array hold and stream, value by value, for its simulator of schedules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwsim.units.systolic import SystolicArray

Matrix = Sequence[Sequence[Any]]
Key = tuple[int, int, int]
"""An output: product, row, column."""

IDLE = object()
"""A time slot without an operand."""


@dataclass(frozen=True)
class Slot:
    """What a lane carries in one step: an operand, or all candidates of a stored weight."""

    value: Any
    elements: int = 1
    """Elements of a memory read for it; 0 where it is held from the step before or shared with the lane above."""


NOTHING = Slot(IDLE, 0)


@dataclass(frozen=True)
class Fold:
    """One fold. Rows, columns and sums are those its schedule goes through, used or not."""

    rows: int
    cols: int
    sums: int
    time: int
    kept: Callable[[int, int], Any]
    """(row, column) -> the element that stays, a stored weight with its place, or None (WS, IS)."""
    lane: Callable[[int, int], Slot]
    """(row, step) -> what enters a row."""
    top: Callable[[int, int], Slot]
    """(column, step) -> what enters a column (OS)."""
    output: Callable[[int, int, int], Key | None]
    """(row, column, step or sum) -> where a result belongs (WS, IS: whatever the row), None for none."""
    shape: tuple[Any, ...] = ()
    """Equal for folds that control cannot tell apart."""


def folds(array: SystolicArray, products: Sequence[tuple[int, Matrix, Matrix]]) -> list[list[Fold]]:
    """Folds of numbered products (number, a, b) of one shape that stand on one array together, by column fold."""
    return _both_stream(array, products) if array.dataflow == "output_stationary" else _one_stays(array, products)


def _in_use(array: SystolicArray, extent: int, first: int, size: int) -> tuple[int, int]:
    """(lanes that hold something, lanes that the schedule goes through)."""
    used = min(size, extent - first)
    return used, used if array.edge_tiles == "early" else size


def _one_stays(array: SystolicArray, products: Sequence[tuple[int, Matrix, Matrix]]) -> list[list[Fold]]:
    ws = array.dataflow == "weight_stationary"
    sides = [_sides(array, a, b) for _, a, b in products]
    tall, wide, time = len(sides[0].stored), len(sides[0].stored[0]), sides[0].time
    if len(products) > 1:
        assert len(products) * tall <= array.rows and len(products) * wide <= array.cols
    found = []
    for left in range(0, len(products) * wide, array.cols):
        used_cols, cols = _in_use(array, len(products) * wide, left, array.cols)
        column = []
        for top in range(0, len(products) * tall, array.rows):
            used_rows, rows = _in_use(array, len(products) * tall, top, array.rows)

            def kept(r: int, c: int, top: int = top, left: int = left, ends: Any = (used_rows, used_cols)) -> Any:
                if r >= ends[0] or c >= ends[1] or (top + r) // tall != (left + c) // wide:
                    return None
                return sides[(top + r) // tall].stored[(top + r) % tall][(left + c) % wide]

            def lane(r: int, step: int, top: int = top, end: int = used_rows) -> Slot:
                return sides[(top + r) // tall].streams[(top + r) % tall][step] if r < end else NOTHING

            def output(_: int, c: int, step: int, left: int = left, end: int = used_cols) -> Key | None:
                if c >= end:
                    return None
                number, across = products[(left + c) // wide][0], (left + c) % wide
                return (number, step, across) if ws else (number, across, step)

            shape = (rows, cols, time, used_rows, used_cols, len(products), top % max(1, tall))
            column.append(Fold(rows, cols, 1, time, kept, lane, lane, output, shape))
        found.append(column)
    return found


@dataclass(frozen=True)
class _Sides:
    stored: list[list[Any]]
    """[S_r, S_c]: what stays; with sparsity (weight, candidates' place)."""
    streams: list[list[Slot]]
    """[S_r, T]."""
    time: int


def _sides(array: SystolicArray, a: Matrix, b: Matrix) -> _Sides:
    if array.dataflow == "input_stationary":
        stays = [[line[r] for line in a] for r in range(len(b))]
        return _Sides(stays, [[Slot(x) for x in line] for line in b], len(b[0]))
    if array.sparsity is None:
        return _Sides([list(line) for line in b], [[Slot(line[r]) for line in a] for r in range(len(b))], len(a))
    stored = stored_weights(array, b)
    streams = [[_candidates(array, line, r, r % array.sparsity.keep == 0) for line in a] for r in range(len(stored))]
    return _Sides(stored, streams, len(a))


def stored_weights(array: SystolicArray, b: Matrix) -> list[list[tuple[Any, int]]]:
    """[kept, N]: weights and their places within their groups, found plainly: those that are not zero, then zeros."""
    assert array.sparsity is not None
    keep, of = array.sparsity.keep, array.sparsity.of
    rows: list[list[tuple[Any, int]]] = []
    for first in range(0, len(b), of):
        size = min(of, len(b) - first)
        columns = []
        for c in range(len(b[0])):
            places = [x for x in range(size) if b[first + x][c] != 0]
            places += [x for x in range(size) if x not in places]
            columns.append(sorted(places[: min(keep, size)]))
        rows += [
            [(b[first + columns[c][x]][c], columns[c][x]) for c in range(len(b[0]))] for x in range(min(keep, size))
        ]
    return rows


def _candidates(array: SystolicArray, line: Sequence[Any], index: int, fresh: bool) -> Slot:
    """The elements of a that a stored weight's place chooses from."""
    assert array.sparsity is not None
    first = index // array.sparsity.keep * array.sparsity.of
    group = tuple(line[first : first + array.sparsity.of])
    return Slot(group, len(group) if fresh else 0)


def _both_stream(array: SystolicArray, products: Sequence[tuple[int, Matrix, Matrix]]) -> list[list[Fold]]:
    _, a, b = products[0]
    tall, wide, keep = len(a), len(b[0]), 1 if array.sparsity is None else array.sparsity.keep
    weights: list[Any] = [b if array.sparsity is None else stored_weights(array, b) for _, _, b in products]
    time, blocks = len(weights[0]), len(products)
    found = []
    for left in range(0, blocks * wide, array.cols * array.sums_per_pe):
        width = min(array.cols * array.sums_per_pe, blocks * wide - left)
        early = array.edge_tiles == "early"
        sums = -(-width // array.cols) if early else array.sums_per_pe
        cols = -(-width // sums) if early else array.cols
        column = []
        for top in range(0, blocks * tall, array.rows):
            used_rows, rows = _in_use(array, blocks * tall, top, array.rows)

            def lane(r: int, step: int, top: int = top, end: int = used_rows, sums: int = sums) -> Slot:
                if r >= end:
                    return NOTHING
                index, x = divmod(top + r, tall)
                if array.sparsity is not None:
                    return _candidates(array, products[index][1][x], step // sums, step % (keep * sums) == 0)
                return Slot(products[index][1][x][step // sums], int(step % sums == 0))

            def over(c: int, step: int, left: int = left, end: int = width, sums: int = sums) -> Slot:
                place = c * sums + step % sums
                if place >= end:
                    return NOTHING
                index, x = divmod(left + place, wide)
                return Slot(weights[index][step // sums][x])

            def output(r: int, c: int, j: int, top: int = top, left: int = left,
                       ends: Any = (used_rows, width), sums: int = sums) -> Key | None:  # fmt: skip
                place = c * sums + j
                if r >= ends[0] or place >= ends[1] or (top + r) // tall != (left + place) // wide:
                    return None
                return products[(top + r) // tall][0], (top + r) % tall, (left + place) % wide

            shape = (rows, cols, sums, time, used_rows, width, blocks)
            column.append(Fold(rows, cols, sums, time, lambda r, c: None, lane, over, output, shape))
        found.append(column)
    return found
