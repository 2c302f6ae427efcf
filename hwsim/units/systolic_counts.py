"""Closed forms of a systolic array: folds, cycles, accesses and register hops.

Every function takes whole numbers or integer arrays for m, n, k. With M×N results, K products each,
an array of R rows and C columns, S_r = the extent laid along the rows, S_c along the columns and
T = the extent that streams through in time:

| dataflow          | S_r | S_c | T |
|-------------------|-----|-----|---|
| output_stationary | M   | N   | K |
| weight_stationary | K   | N   | M |
| input_stationary  | K   | M   | N |

F = ⌈S_r/R⌉ row folds times G = ⌈S_c/C⌉ column folds, one after the other; a fold at an edge costs a
full fold, as the controller runs one schedule. `hwsim.units.systolic_simulator` proves every line here.

Cycles of a fold. WS, IS: R to preload the stationary operand row by row, T to stream, R + C − 2 of
skew; the sum that leaves the bottom row is written in the cycle that computes it: 2R + C + T − 2.
OS: T + R + C − 2 until the last multiply-accumulate, R to shift the results down and out: the same
2R + C + T − 2 (Samajdar et al., "A systematic methodology for characterizing scalability of DNN
accelerators using SCALE-Sim", ISPASS 2020). SCALE-Sim v3 leaves the drain of OS out (R + C + T − 2)
and reports the index of the last cycle, one less than their number, for all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Dataflow = Literal["output_stationary", "weight_stationary", "input_stationary"]
Count = Any  # int, or an integer numpy array when many shapes are asked at once


@dataclass(frozen=True)
class Folds:
    """How one product is laid over the array."""

    row_extent: Count
    column_extent: Count
    time: Count
    row_folds: Count
    column_folds: Count

    @property
    def count(self) -> Count:
        return self.row_folds * self.column_folds


def lay_out(dataflow: Dataflow, rows: int, cols: int, m: Count, n: Count, k: Count) -> Folds:
    """S_r, S_c, T, F and G of [m, k] x [k, n] on a ``rows`` × ``cols`` array."""
    extents = {
        "output_stationary": (m, n, k),
        "weight_stationary": (k, n, m),
        "input_stationary": (k, m, n),
    }
    along_rows, along_columns, time = extents[dataflow]
    return Folds(along_rows, along_columns, time, -(-along_rows // rows), -(-along_columns // cols))


@dataclass(frozen=True)
class FoldCycles:
    """One fold as the farthest processing element sees it: before its first product, its products, after its last."""

    fill: Count
    compute: Count
    drain: Count


def fold_cycles(dataflow: Dataflow, rows: int, cols: int, time: Count) -> FoldCycles:
    """Fill is the preload (WS, IS) and the skew R + C − 2, drain the results' way out (OS)."""
    skew = rows + cols - 2
    if dataflow == "output_stationary":
        return FoldCycles(fill=skew, compute=time, drain=rows)
    return FoldCycles(fill=rows + skew, compute=time, drain=0)


def access_counts(dataflow: Dataflow, folds: Folds, m: Count, n: Count, k: Count) -> tuple[Count, ...]:
    """(a reads, b reads, c reads, c writes) between the array and its memories, in elements.

    The streamed operands are read again in every fold they pass through. WS and IS write each sum once
    per row fold and read it back in all but the first; SCALE-Sim v3 counts those writes and never the
    reads, and over-counts the writes of OS by F·G·(R + C).
    """
    row_folds, column_folds = folds.row_folds, folds.column_folds
    if dataflow == "output_stationary":
        return m * k * column_folds, k * n * row_folds, 0 * m, m * n
    if dataflow == "weight_stationary":
        return m * k * column_folds, k * n + 0 * m, m * n * (row_folds - 1), m * n * row_folds
    return m * k + 0 * n, k * n * column_folds, m * n * (row_folds - 1), m * n * row_folds


def hop_counts(dataflow: Dataflow, rows: int, cols: int, m: int, n: int, k: int) -> dict[str, int]:
    """Writes into the registers between processing elements, by what moves.

    A streamed element passes every column (or row) of its fold. A stationary element for row r is
    written r + 1 times on its way down. A sum's write by a multiply-accumulate is part of the PE's
    datapath and not counted here; what is: the rows of an edge fold that pass it on (WS, IS), and the
    drain (OS), where the result of row r makes R − 1 − r hops before it leaves.
    """
    folds = lay_out(dataflow, rows, cols, m, n, k)
    full, edge = divmod(folds.row_extent, rows)
    if dataflow == "output_stationary":
        drained = full * rows * (rows - 1) // 2 + sum(rows - 1 - r for r in range(edge))
        return {
            "a_hop": m * k * folds.column_folds * cols,
            "b_hop": k * n * folds.row_folds * rows,
            "sum_hop": drained * n,
        }
    preload = (full * rows * (rows + 1) // 2 + edge * (edge + 1) // 2) * folds.column_extent
    stream = folds.row_extent * folds.time * folds.column_folds * cols
    passed = (rows - edge) * folds.time * folds.column_extent if edge else 0
    a_hops, b_hops = (preload, stream) if dataflow == "input_stationary" else (stream, preload)
    return {"a_hop": a_hops, "b_hop": b_hops, "sum_hop": passed}
