"""Closed forms of a systolic array: folds, cycles, accesses and register hops.

With M×N results, K products each, an array of R rows and C columns, S_r = the extent laid along the rows,
S_c along the columns and T = the extent that streams through in time:

| dataflow          | S_r | S_c | T |
|-------------------|-----|-----|---|
| output_stationary | M   | N   | K |
| weight_stationary | K   | N   | M |
| input_stationary  | K   | M   | N |

F = ⌈S_r/R⌉ row folds times G = ⌈S_c/(C·P)⌉ column folds, a column fold's row folds one after the other; P sums
per element (output stationary; 1 otherwise). Weights of which n of m are stored count in K with those only.
`hwsim.units.systolic_simulator` and `hwsim.units.systolic_schedule_simulator` prove every line here; the sums
over folds are written once, in `hwsim.kernels.systolic_tile`.

Cycles of a fold (times the cycles of a product where multipliers are serial), with r rows, c columns and p sums in
use; R, C and P in every fold unless ``edge_tiles: early``, where a last fold of x columns has p = ⌈x/C⌉, c = ⌈x/p⌉.
WS, IS: r to preload the stationary operand row by row, T to stream, r + c − 2 of skew; the sum that leaves the
last row is written in the cycle that computes it: 2r + c + T − 2. OS: T·p + r + c − 2 until the last
multiply-accumulate, r·p to shift the results down and out. With R, C and P = 1 all are 2R + C + T − 2
(Samajdar et al., "A systematic methodology for characterizing scalability of DNN accelerators using SCALE-Sim",
ISPASS 2020). SCALE-Sim v3 leaves the drain of OS out (R + C + T − 2) and reports the index of the last cycle,
one less than their number, for all three.

Overlapped folds. What stays is switched by a wave that runs with the operands, one row down or one column right
per cycle, so the next fold may stream as soon as the lanes are free. From the first product of a fold (r, p) to
that of the next (r', p'):

- WS, IS: the lanes take T; the preload registers, free once the wave has passed, take r' to fill; and sums that
  leave after fewer rows must not meet the last ones at the exit: max(T + max(0, r − r'), r').
- OS: the lanes take T·p, and the drain registers r·p to empty through the one exit of a column:
  max(T·p, T·(p − p') + max(r·p + r − r', r·p')).

Only the first preload, the last skew and the last drain show: with full tiles
R + (F·G − 1)·max(T, R) + T + R + C − 2 for WS and IS, and the same with P·max(T, R), P·T and P·R for OS.

Independent products of few rows and columns stand block-diagonally, ⌊R/S_r⌋ or ⌊C/S_c⌋ of them, whichever is less,
and run as one fold; elements off the blocks hold no operand and pass on what reaches them. Several arrays divide
what the array lays out in whole folds and what streams evenly; the slowest share counts, accesses add up. With
``split: k`` the row folds go round the arrays in step: the partial sums of a round are added one after the other, in
ascending k, to one word that is read and written once per round (adders in a chain, within the cycle: *assumed*).
An edge fold then ends early only where it is the first array's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hwsim.units.base import Gemm, Timing

if TYPE_CHECKING:
    from hwsim.units.systolic import SystolicArray

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


def stored(array: SystolicArray, k: int) -> int:
    """Products of an output: K, or those with stored weights."""
    return k if array.sparsity is None else array.sparsity.kept(k)


def product_counts(array: SystolicArray, gemm: Gemm) -> tuple[int, ...]:
    """(cycles, a reads, b reads, c reads, c writes) of all products of ``gemm``."""
    from hwsim.kernels.systolic_tile import systolic_products

    _, params = array.tile_params()
    return tuple(int(count) for count in systolic_products(params, gemm.m, gemm.n, gemm.k, gemm.count))


@dataclass(frozen=True)
class Share:
    """One array's part of a gemm: ``count`` products [m, k] x [k, n]."""

    m: int
    n: int
    k: int
    products: int
    """Multiply-accumulates of an output."""
    first: int
    """Those that the first array does: fewer where K is divided."""
    count: int
    abreast: int
    """Products that stand on the array at once."""
    arrays: int
    """How many arrays have this share; 1 where K is divided, for all together."""


def shares(array: SystolicArray, gemm: Gemm) -> list[Share]:
    """What the arrays get of ``gemm``, the largest share first."""
    from hwsim.kernels import systolic_tile as kernel

    _, params = array.tile_params()
    m, n, k, count, products = gemm.m, gemm.n, gemm.k, gemm.count, stored(array, gemm.k)
    split = int(kernel.chosen_split(params, m, n, k, count))

    def share(arrays: int, m: int, n: int, count: int, first: int = products) -> Share:
        return Share(m, n, k, products, first, count, int(kernel.blocks_abreast(params, m, n, products)), arrays)

    if split == kernel.SPLIT_K:
        return [share(1, m, n, count, int(kernel.products_of_first(params, products)[1]))]
    whole = {kernel.SPLIT_BATCH: count, kernel.SPLIT_M: m, kernel.SPLIT_N: n}[split]
    part = int(kernel.share(whole, array.arrays, kernel.split_grain(params, split, m, n, products)))
    found = []
    for arrays, size in ((whole // part, part), (1, whole % part)):
        if size:
            sizes = {
                kernel.SPLIT_BATCH: (m, n, size),
                kernel.SPLIT_M: (size, n, count),
                kernel.SPLIT_N: (m, size, count),
            }
            found.append(share(arrays, *sizes[split]))
    return found


def products_abreast(array: SystolicArray, gemm: Gemm) -> int:
    """Independent products that the arrays take at once."""
    largest = shares(array, gemm)[0]
    beside = -(-gemm.count // largest.count)
    return min(gemm.count, beside * largest.abreast)


@dataclass(frozen=True)
class Pack:
    """Products that stand on one array together, and what their folds use of it."""

    blocks: int
    row_extent: int
    """S_r of one product."""
    column_extent: int
    """S_c of one product."""
    time: int
    row_folds: int
    all_rows: int
    """Σ r over a column fold's row folds."""
    last_rows: int
    all_cols: int
    """Σ c over column folds."""
    all_sums: int
    """Σ p over column folds."""
    last_sums: int


def packs(array: SystolicArray, share: Share, products: int) -> list[tuple[int, Pack]]:
    """How often which packs follow each other: full ones, and one of what is left."""
    found = []
    for times, blocks in ((share.count // share.abreast, share.abreast), (1, share.count % share.abreast)):
        if times * blocks:
            found.append((times, _pack(array, share, products, blocks)))
    return found


def _pack(array: SystolicArray, share: Share, products: int, blocks: int) -> Pack:
    rows, cols, sums = array.rows, array.cols, array.sums_per_pe
    folds = lay_out(array.dataflow, rows, cols * sums, share.m, share.n, products)
    row_folds, column_folds = -(-blocks * folds.row_extent // rows), -(-blocks * folds.column_extent // (cols * sums))
    last = rows, cols, sums
    if array.edge_tiles == "early":
        left = blocks * folds.column_extent - (column_folds - 1) * cols * sums
        last_sums = -(-left // cols)
        last_rows = blocks * folds.row_extent - (row_folds - 1) * rows
        # Where K is divided, a turn's arrays go through as many rows as the first one, to be in step.
        in_step = array.dataflow != "output_stationary" and share.first % rows == 0
        last = rows if in_step else last_rows, -(-left // last_sums), last_sums
    return Pack(
        blocks, folds.row_extent, folds.column_extent, folds.time, row_folds,
        all_rows=(row_folds - 1) * rows + last[0], last_rows=last[0],
        all_cols=(column_folds - 1) * cols + last[1],
        all_sums=(column_folds - 1) * sums + last[2], last_sums=last[2],
    )  # fmt: skip


def timing(array: SystolicArray, gemm: Gemm) -> Timing:
    """Cycles as the farthest element of the largest share sees them: its products, what follows them, and the rest."""
    total, largest = product_counts(array, gemm)[0], shares(array, gemm)[0]
    compute = drain = 0
    for times, pack in packs(array, largest, largest.first):
        compute += times * pack.row_folds * pack.time * pack.all_sums
        if array.dataflow == "output_stationary":
            serial = array.folds == "serial"
            drain += times * (pack.all_rows * pack.all_sums if serial else pack.last_rows * pack.last_sums)
    step = array.step_cycles
    return Timing(total - step * (compute + drain), step * compute, step * drain)


def actions(array: SystolicArray, gemm: Gemm) -> dict[str, int]:
    """Multiply-accumulates, register writes and additions in front of the accumulator memory."""
    products, outputs = stored(array, gemm.k), gemm.count * gemm.m * gemm.n
    counts = {"mac": outputs * products, "a_hop": 0, "b_hop": 0, "sum_hop": 0}
    for share in shares(array, gemm):
        for times, pack in packs(array, share, products):
            for name, hops in hop_counts(array, share, pack).items():
                counts[name] += share.arrays * times * hops
    if array.fold_adder is not None:
        counts["fold_add"] = outputs * (-(-products // array.rows) - 1)
    return counts


def hop_counts(array: SystolicArray, share: Share, pack: Pack) -> dict[str, int]:
    """Writes into the registers between processing elements during one pack, by what moves.

    A streamed element passes every column (or row) of its fold that is in use. A stationary element for row r is
    written r + 1 times on its way down, and once more out of a preload register. A sum's write by a
    multiply-accumulate is part of the PE's datapath and not counted here; what is: the rows in use that pass it
    on without a product (WS, IS), and the drain (OS), where the result of row r makes r_used − 1 − r hops before it
    leaves, after one into a drain register.
    """
    rows_used = pack.blocks * pack.row_extent
    full, edge = divmod(rows_used, array.rows)
    overlapped = array.folds == "overlapped"
    if array.dataflow == "output_stationary":
        height = edge if array.edge_tiles == "early" else array.rows
        drained = full * array.rows * (array.rows - 1) // 2 + edge * (height - 1) - edge * (edge - 1) // 2
        return {
            "a_hop": rows_used * share.k * pack.all_cols,
            "b_hop": pack.blocks * pack.column_extent * pack.time * pack.all_rows,
            "sum_hop": (drained + overlapped * rows_used) * pack.column_extent,
        }
    preload = full * array.rows * (array.rows + 1) // 2 + edge * (edge + 1) // 2 + overlapped * rows_used
    # All candidates of a stored weight stream by.
    streams = pack.blocks * (share.k if array.sparsity is not None else pack.row_extent)
    moved = streams * pack.time * pack.all_cols
    stayed = preload * pack.column_extent
    passed = (pack.all_rows - pack.row_extent) * pack.time * pack.blocks * pack.column_extent
    a_hops, b_hops = (stayed, moved) if array.dataflow == "input_stationary" else (moved, stayed)
    return {"a_hop": a_hops, "b_hop": b_hops, "sum_hop": passed}
