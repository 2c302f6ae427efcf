"""Cycles and accesses of products on systolic arrays, one shape at a time; `hwsim.units.systolic_counts` derives them.

All loops over folds are summed in closed form: folds differ only in whether they are the last along the rows or
along the columns. R rows, C columns, P sums per element, F row folds, G column folds, and in a fold r rows,
c columns and p sums in use (with ``edge_tiles: full`` always R, C and P), T steps of streaming.
"""

from __future__ import annotations

from numba import njit

OUTPUT_STATIONARY, WEIGHT_STATIONARY, INPUT_STATIONARY = 0, 1, 2

SPLIT_BATCH, SPLIT_M, SPLIT_N, SPLIT_K, SPLIT_AUTO = 0, 1, 2, 3, 4

# Places in the parameters; the first is `hwsim.kernels.unit_counts.ABREAST`.
DATAFLOW, ROWS, COLS = 1, 2, 3
OVERLAPPED, EARLY = 4, 5
SUMS_PER_PE = 6
ARRAYS, SPLIT = 7, 8
KEEP, OF = 9, 10
STEP_CYCLES = 11
PACK_GROUPS = 12
SYSTOLIC_PARAMS = 13


@njit(cache=True)
def _folds(extent, size):
    return (extent + size - 1) // size


@njit(cache=True)
def kept(k, keep, of):
    """Products of an output with K elements of which ``keep`` of every ``of`` are stored."""
    return k // of * keep + min(keep, k % of)


@njit(cache=True)
def _extents(params, m, n, products):
    """S_r, S_c and T."""
    if params[DATAFLOW] == OUTPUT_STATIONARY:
        return m, n, products
    if params[DATAFLOW] == WEIGHT_STATIONARY:
        return products, n, m
    return products, m, n


@njit(cache=True)
def blocks_abreast(params, m, n, products):
    """Independent products of this shape that stand block-diagonally on the array at once."""
    if params[PACK_GROUPS] == 0 or params[SUMS_PER_PE] > 1:
        return 1
    along_rows, along_columns, _ = _extents(params, m, n, products)
    return max(1, min(params[ROWS] // along_rows, params[COLS] // along_columns))


@njit(cache=True)
def _gap(stationary_output, time, rows, sums, next_rows, next_sums):
    """Steps from one fold's first product to the next one's where folds overlap."""
    if stationary_output:
        shorter = time * (sums - next_sums)
        return max(time * sums, shorter + max(rows * sums + rows - next_rows, rows * next_sums))
    return max(time + max(0, rows - next_rows), next_rows)


@njit(cache=True)
def _tail(stationary_output, time, rows, cols, sums):
    """Steps from a fold's first product to its last result."""
    drain = rows * sums if stationary_output else 0
    return time * sums + rows + cols - 2 + drain


@njit(cache=True)
def fold_steps(stationary_output, rows, cols, sums, overlapped, early, along_rows, along_columns, time):
    """Steps of all folds of one product on one array."""
    row_folds, column_folds = _folds(along_rows, rows), _folds(along_columns, cols * sums)
    last_rows, last_cols, last_sums = rows, cols, sums
    if early:
        last_rows = along_rows - (row_folds - 1) * rows
        left = along_columns - (column_folds - 1) * cols * sums
        last_sums = _folds(left, cols)
        last_cols = _folds(left, last_sums)
    if not overlapped:
        all_rows = (row_folds - 1) * rows + last_rows
        all_cols = (column_folds - 1) * cols + last_cols
        all_sums = (column_folds - 1) * sums + last_sums
        streams = row_folds * time * all_sums
        skews = column_folds * all_rows + row_folds * all_cols - 2 * row_folds * column_folds
        # The preload of every fold, or the drain of every sum.
        return streams + skews + all_rows * (all_sums if stationary_output else column_folds)
    first_rows = last_rows if row_folds == 1 else rows
    within, last_within = 0, 0
    if row_folds > 1:
        within = (row_folds - 2) * _gap(stationary_output, time, rows, sums, rows, sums)
        within += _gap(stationary_output, time, rows, sums, last_rows, sums)
        last_within = (row_folds - 2) * _gap(stationary_output, time, rows, last_sums, rows, last_sums)
        last_within += _gap(stationary_output, time, rows, last_sums, last_rows, last_sums)
    preload = 0 if stationary_output else first_rows
    last_tail = _tail(stationary_output, time, last_rows, last_cols, last_sums)
    if column_folds == 1:
        return preload + last_within + last_tail
    between = _gap(stationary_output, time, last_rows, sums, first_rows, sums)
    start = preload + (column_folds - 1) * within + (column_folds - 2) * between
    onward = _gap(stationary_output, time, last_rows, sums, first_rows, last_sums) + last_within
    # A narrow last fold may be done before the wide one ahead of it.
    return start + max(_tail(stationary_output, time, last_rows, cols, sums), onward + last_tail)


@njit(cache=True)
def _steps(params, m, n, products, count):
    """Steps of ``count`` products on one array, one pack after the other."""
    along_rows, along_columns, time = _extents(params, m, n, products)
    blocks = blocks_abreast(params, m, n, products)
    total = 0
    for times, abreast in ((count // blocks, blocks), (1, count % blocks)):
        if times * abreast > 0:
            total += times * fold_steps(
                params[DATAFLOW] == OUTPUT_STATIONARY, params[ROWS], params[COLS], params[SUMS_PER_PE],
                params[OVERLAPPED], params[EARLY], abreast * along_rows, abreast * along_columns, time,
            )  # fmt: skip
    return total


@njit(cache=True)
def _accesses(params, m, n, k, products, times):
    """(a reads, b reads, c reads, c writes) of ``times`` products, each on one array."""
    along_rows, along_columns, _ = _extents(params, m, n, products)
    row_folds = _folds(along_rows, params[ROWS])
    column_folds = _folds(along_columns, params[COLS] * params[SUMS_PER_PE])
    a, b, c = times * m * k, times * k * n, times * m * n
    if params[DATAFLOW] == OUTPUT_STATIONARY:
        return a * column_folds, b * row_folds, 0 * c, c
    if params[DATAFLOW] == WEIGHT_STATIONARY:
        return a * column_folds, b, c * (row_folds - 1), c * row_folds
    return a, b * column_folds, c * (row_folds - 1), c * row_folds


@njit(cache=True)
def share(extent, arrays, grain):
    """The largest share of ``extent`` over ``arrays`` in whole multiples of ``grain``."""
    return min(extent, _folds(_folds(extent, grain), arrays) * grain)


@njit(cache=True)
def split_grain(params, split, m, n, products):
    """What shares of m, n or the products' count are multiples of: whole folds or packs; 1 for what streams."""
    if split == SPLIT_BATCH:
        return blocks_abreast(params, m, n, products)
    if params[DATAFLOW] == OUTPUT_STATIONARY:
        return params[ROWS] if split == SPLIT_M else params[COLS] * params[SUMS_PER_PE]
    laid = SPLIT_N if params[DATAFLOW] == WEIGHT_STATIONARY else SPLIT_M
    return params[COLS] if split == laid else 1


@njit(cache=True)
def products_of_first(params, products):
    """(rounds, products of the first array) where array j has the row folds j, j + arrays, …"""
    row_folds = _folds(products, params[ROWS])
    rounds = _folds(row_folds, params[ARRAYS])
    first = rounds * params[ROWS]
    if (row_folds - 1) % params[ARRAYS] == 0:
        first += products - row_folds * params[ROWS]
    return rounds, first


@njit(cache=True)
def split_counts(params, m, n, k, count, split):
    """(cycles, a reads, b reads, c reads, c writes) of ``count`` products divided over the arrays in one way."""
    products = kept(k, params[KEEP], params[OF])
    if split == SPLIT_K:
        rounds, first = products_of_first(params, products)
        a, b, _, _ = _accesses(params, m, n, k, products, count)
        sums = count * m * n
        return params[STEP_CYCLES] * _steps(params, m, n, first, count), a, b, sums * (rounds - 1), sums * rounds
    grain = split_grain(params, split, m, n, products)
    if split == SPLIT_BATCH:
        a, b, c, d = _accesses(params, m, n, k, products, count)
        return params[STEP_CYCLES] * _steps(params, m, n, products, share(count, params[ARRAYS], grain)), a, b, c, d
    whole = m if split == SPLIT_M else n
    part = share(whole, params[ARRAYS], grain)
    cycles, a, b, c, d = 0, 0, 0, 0, 0
    for times, size in ((whole // part, part), (1, whole % part)):
        if size > 0:
            m_part, n_part = (size, n) if split == SPLIT_M else (m, size)
            cycles = max(cycles, _steps(params, m_part, n_part, products, count))
            one = _accesses(params, m_part, n_part, k, products, count * times)
            a, b, c, d = a + one[0], b + one[1], c + one[2], d + one[3]
    return params[STEP_CYCLES] * cycles, a, b, c, d


@njit(cache=True)
def chosen_split(params, m, n, k, count):
    """The split that is written, or for ``auto`` the one of the fewest cycles, then accesses: batch, m, n, k."""
    if params[ARRAYS] == 1:
        return SPLIT_BATCH
    if params[SPLIT] != SPLIT_AUTO:
        return params[SPLIT]
    best, best_cycles, best_accesses = SPLIT_BATCH, -1, -1
    for split in range(SPLIT_AUTO):
        if split == SPLIT_K and params[DATAFLOW] == OUTPUT_STATIONARY:
            continue
        cycles, a, b, c, d = split_counts(params, m, n, k, count, split)
        accesses = a + b + c + d
        if best_cycles < 0 or cycles < best_cycles or (cycles == best_cycles and accesses < best_accesses):
            best, best_cycles, best_accesses = split, cycles, accesses
    return best


@njit(cache=True)
def systolic_products(params, m, n, k, count):
    """(cycles, a reads, b reads, c reads, c writes) of ``count`` independent products [m, k] x [k, n]."""
    return split_counts(params, m, n, k, count, chosen_split(params, m, n, k, count))
