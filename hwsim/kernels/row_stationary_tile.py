"""Cycles and accesses of tiles on row-stationary arrays, each laid out at its best.

What `hwsim.units.row_stationary_counts` derives and searches, for the tables of mappers: the same layouts in the same
order, so that ties are broken alike. With parts of the filters (``times`` passes, the elements' filters P) and of the
channels (Q in the fullest element, C in a pass), passes = images · strips and S taps a row,

    cycles = sum over parts of S·P·Q + passes·W·S·P·Q + H·S·C − S·Q

separates into sums over filter parts and over channel parts. Nothing is looked up and nothing allocated.
"""

from __future__ import annotations

from numba import njit

from hwsim.kernels.bare import bare

ROWS, COLS, FILTER_WORDS, INPUT_WORDS, SUM_WORDS, IN_ORDER, BY_ACCESSES, STEP_CYCLES = 0, 1, 2, 3, 4, 5, 6, 7
"""The array."""
HEIGHT, WIDTH, TAPS_Y, TAPS_X, STRIDE_Y, STRIDE_X = 8, 9, 10, 11, 12, 13
"""The convolution: output rows (0: a matrix product) and columns, filter rows and columns, strides."""
PARAMS = 14


@bare
def _parts(extent, each, sets):
    """Passes over ``extent``, and the elements of the fullest set summed over them."""
    full, rest = extent // (each * sets), extent % (each * sets)
    if rest == 0:
        return full, full * each
    return full + 1, full * each + -(-rest // sets)


@bare
def _next_size(most, parts):
    """The number of parts after ``parts`` that makes their size smaller; 0 where the size is 1 already."""
    size = -(-most // parts)
    if size == 1:
        return 0
    return -(-most // (size - 1))


@bare
def _laid_out(params, filters, channels, height, width, images, groups):
    """Cycles and words (a, b, sums back, sums) of ``groups`` convolutions at their best layout."""
    taps, high = params[TAPS_X], params[TAPS_Y]
    stacked, cols = params[ROWS] // high, params[COLS]
    columns = (width - 1) * min(params[STRIDE_X], taps) + taps
    step_rows = min(params[STRIDE_Y], high)
    outputs = images * filters * height * width
    most_q = min(channels, params[INPUT_WORDS] // taps)
    if params[IN_ORDER] and high > 1:
        most_q = 1
    best_first, best_second = -1, -1
    best = (0, 0, 0, 0)
    most_e = min(height, cols)
    parts_e = 1
    while parts_e > 0:
        e = -(-most_e // parts_e)
        parts_e = _next_size(most_e, parts_e)
        strips = -(-height // e)
        pixels = (height // e) * ((e - 1) * step_rows + high)
        if height % e:
            pixels += (height % e - 1) * step_rows + high
        beside = cols // e
        passes = images * strips
        most_r = min(stacked, channels)
        parts_r = 1
        while parts_r > 0:
            r = -(-most_r // parts_r)
            parts_r = _next_size(most_r, parts_r)
            sets = stacked // r * beside
            within_t = min(sets, filters)
            parts_t = 1
            while parts_t > 0:
                t = -(-within_t // parts_t)
                parts_t = _next_size(within_t, parts_t) if groups > 1 else 0
                rounds = -(-groups // min(groups, sets // t))
                within_q = min(most_q, -(-channels // r))
                parts_q = 1
                while parts_q > 0:
                    q = -(-within_q // parts_q)
                    parts_q = _next_size(within_q, parts_q)
                    channel_passes, channel_sum = _parts(channels, q, r)
                    room = min(params[SUM_WORDS], params[FILTER_WORDS] // (q * taps), -(-filters // t))
                    busy = taps * (1 + passes * width) * channel_sum
                    last = taps * (high * channels - channel_sum)
                    again = outputs * (channel_passes - 1)
                    parts_p = 1 if room > 0 else 0
                    while parts_p > 0:
                        p = -(-room // parts_p)
                        parts_p = _next_size(room, parts_p)
                        filter_passes, filter_sum = _parts(filters, p, t)
                        cycles = rounds * (busy * filter_sum + last * filter_passes)
                        reads = images * channels * pixels * columns * filter_passes
                        words = groups * (reads + 2 * again + outputs)
                        first, second = (words, cycles) if params[BY_ACCESSES] else (cycles, words)
                        if best_first < 0 or first < best_first or (first == best_first and second < best_second):
                            best_first, best_second = first, second
                            best = (cycles, groups * reads, groups * again, groups * (again + outputs))
    weights = groups * filters * channels * high * taps
    return best[0], best[1], weights, best[2], best[3]


@bare
def row_stationary_products(params, m, n, k, count):
    """Cycles and accesses of ``count`` products [m, k] x [k, n]: filters of the convolution, or of 1 x 1 over a row.

    m counts output pixels in whole rows, row after row and image after image; k whole channels.
    """
    if params[HEIGHT] == 0:
        cycles, a, b, again, written = _laid_out(params, n, k, 1, m, 1, count)
        return params[STEP_CYCLES] * cycles, a, b, again, written
    channels = -(-k // (params[TAPS_Y] * params[TAPS_X]))
    width = min(m, params[WIDTH])
    rows = -(-m // width)
    images, rest = rows // params[HEIGHT], rows % params[HEIGHT]
    cycles, a, b, again, written = 0, 0, 0, 0, 0
    if images > 0:
        cycles, a, b, again, written = _laid_out(params, n, channels, params[HEIGHT], width, images, count)
    if rest > 0:
        more = _laid_out(params, n, channels, rest, width, 1, count)
        cycles, a, b, again, written = cycles + more[0], a + more[1], b + more[2], again + more[3], written + more[4]
    return params[STEP_CYCLES] * cycles, a, b, again, written


@njit(cache=True, nogil=True)
def fill_row_stationary(params, shapes, count, counts):
    """`row_stationary_products` of every row (m, n, k) of ``shapes`` [cases, 3] into ``counts`` [5, cases]."""
    for i in range(shapes.shape[0]):
        found = row_stationary_products(params, shapes[i, 0], shapes[i, 1], shapes[i, 2], count)
        counts[0, i], counts[1, i], counts[2, i], counts[3, i], counts[4, i] = found
