"""How many elements of each operand a tile of a loop nest has, convolutions' overlapping windows counted once.

A tile is so many temporal steps along the three *classes* of loops of a product: m (batch, output rows,
output columns), n (filters) and k (channels, filter rows, filter columns). In each class the last named is the
innermost and a tile is a run of consecutive steps: some columns of a row, whole rows, whole images. With
spatial unrolling one step covers a block of elements, ``U`` along each loop.

``geometry`` (int64[30]) describes the product; see the names of its entries below. A matrix product is a
convolution of a single row: OX = m, FX = FY = 1, C = k.
"""

from __future__ import annotations

from hwsim.kernels.bare import bare

# Temporal steps of each loop, spatial unrolling of each loop, its extent in elements.
OX_STEPS, OY_STEPS, B_STEPS, FX_STEPS, FY_STEPS, C_STEPS, K_STEPS = 0, 1, 2, 3, 4, 5, 6
OX_UNROLL, OY_UNROLL, B_UNROLL, FX_UNROLL, FY_UNROLL, C_UNROLL, K_UNROLL = 7, 8, 9, 10, 11, 12, 13
OX, OY, B, FX, FY, C, K = 14, 15, 16, 17, 18, 19, 20
STRIDE_X, STRIDE_Y, DILATION_X, DILATION_Y, WIDTH, HEIGHT = 21, 22, 23, 24, 25, 26
WHOLE_WINDOWS = (
    27  # 1: tiles of k are runs of filter columns, filter rows, channels; 0: any run of k, taken in proportion
)
SHARE, OF = 28, 29  # of a's elements that differ, where no window says it
ENTRIES = 30


@bare
def steps_of(geometry, side):
    """Temporal steps of a whole class: 0 m, 1 n, 2 k."""
    if side == 0:
        return geometry[OX_STEPS] * geometry[OY_STEPS] * geometry[B_STEPS]
    if side == 1:
        return geometry[K_STEPS]
    return geometry[FX_STEPS] * geometry[FY_STEPS] * geometry[C_STEPS]


@bare
def extent_of(geometry, side):
    """Elements of a whole class."""
    if side == 0:
        return geometry[OX] * geometry[OY] * geometry[B]
    if side == 1:
        return geometry[K]
    return geometry[FX] * geometry[FY] * geometry[C]


@bare
def block_of(geometry, side, steps):
    """Elements of ``steps`` full steps along a class: whole inner loops count their real extent."""
    if side == 1:
        return steps * geometry[K_UNROLL]
    first = 0 if side == 0 else 3
    inner_steps, middle_steps = geometry[first], geometry[first + 1]
    inner, middle = geometry[first + 14], geometry[first + 15]
    inner_unroll, middle_unroll, outer_unroll = geometry[first + 7], geometry[first + 8], geometry[first + 9]
    if steps >= inner_steps * middle_steps:
        return steps // (inner_steps * middle_steps) * inner * middle * outer_unroll
    if steps >= inner_steps:
        return steps // inner_steps * inner * middle_unroll * outer_unroll
    return steps * inner_unroll * middle_unroll * outer_unroll


@bare
def tile_extent(geometry, side, steps):
    """Elements of a tile of ``steps`` that is not the last of its class."""
    if geometry[WHOLE_WINDOWS] == 0:
        return steps
    return block_of(geometry, side, steps)


@bare
def is_run(geometry, side, steps):
    """Whether tiles of ``steps`` along a class are runs of whole inner loops, or parts that divide an inner loop.

    Where an unrolled loop has an edge, tiles do not divide the loops inside it. Units without loops take any steps.
    """
    if geometry[WHOLE_WINDOWS] == 0 or side == 1 or steps >= steps_of(geometry, side):
        return True
    first = 0 if side == 0 else 3
    inner, middle, outer = geometry[first], geometry[first + 1], geometry[first + 2]
    even_middle = geometry[first + 15] % geometry[first + 8] == 0
    even_outer = geometry[first + 16] % geometry[first + 9] == 0
    if steps % (inner * middle) == 0:
        return True
    if steps % inner == 0:
        return outer == 1 or (even_middle and even_outer and middle % (steps // inner) == 0)
    if middle == 1 and outer == 1:
        return True
    return geometry[first + 14] % geometry[first + 7] == 0 and even_middle and even_outer and inner % steps == 0


@bare
def whole_runs(geometry, side, steps, times):
    """The largest number up to ``times`` of tiles of ``steps`` side by side that are a tile too."""
    while times > 1 and not is_run(geometry, side, steps * times):
        times -= 1
    return times


@bare
def _span(outputs, taps, stride, dilation, whole):
    """Input positions under ``outputs`` windows of ``taps``: each once where windows overlap."""
    reach = (taps - 1) * dilation + 1
    if stride < reach:
        if dilation > 1 and taps > 1:  # dilated taps leave gaps: never more than every tap of every window
            return min((outputs - 1) * stride + reach, outputs * taps, whole)
        return min((outputs - 1) * stride + reach, whole)
    return min(outputs * taps, whole)


@bare
def input_elements(geometry, m_steps, k_steps, m, k):
    """Distinct elements of a under ``m_steps`` x ``k_steps`` steps that hold ``m`` x ``k`` elements of the product."""
    if geometry[SHARE] != geometry[OF]:
        return -(-m * k * geometry[SHARE] // geometry[OF])
    ox, oy, fx, fy = geometry[OX], geometry[OY], geometry[FX], geometry[FY]
    if fx * fy == 1 and oy == 1 and geometry[STRIDE_X] == 1:
        return m * k
    row_steps, image_steps = geometry[OX_STEPS], geometry[OX_STEPS] * geometry[OY_STEPS]
    if m_steps >= image_steps:
        images, rows, columns = -(-m // (ox * oy)), oy, ox
    elif geometry[WHOLE_WINDOWS] == 0:
        images, rows, columns = 1, -(-m // ox), min(m, ox)
    else:
        images = min(geometry[B_UNROLL], geometry[B])
        columns = ox if m_steps >= row_steps else min(m_steps * geometry[OX_UNROLL], -(-m // images), ox)
        rows = min(-(-m // (images * columns)), oy)
    sx, sy, dx, dy = geometry[STRIDE_X], geometry[STRIDE_Y], geometry[DILATION_X], geometry[DILATION_Y]
    if geometry[WHOLE_WINDOWS] == 0 or k_steps >= geometry[FX_STEPS] * geometry[FY_STEPS]:
        pixels = _span(rows, fy, sy, dy, geometry[HEIGHT]) * _span(columns, fx, sx, dx, geometry[WIDTH])
        return min(m * k, -(-images * pixels * k // (fx * fy)))
    channels = min(geometry[C_UNROLL], geometry[C])
    columns_of_taps = fx
    if k_steps < geometry[FX_STEPS]:
        columns_of_taps = min(k_steps * geometry[FX_UNROLL], -(-k // channels), fx)
    rows_of_taps = min(-(-k // (channels * columns_of_taps)), fy)
    pixels = _span(rows, rows_of_taps, sy, dy, geometry[HEIGHT])
    pixels *= _span(columns, columns_of_taps, sx, dx, geometry[WIDTH])
    return min(m * k, images * pixels * channels)


@bare
def input_elements_of_one(geometry, m_steps, k_steps):
    """Distinct elements of a that one of many unrolled elements needs for so many steps."""
    row_steps, image_steps = geometry[OX_STEPS], geometry[OX_STEPS] * geometry[OY_STEPS]
    columns = min(m_steps, row_steps)
    rows = min(-(-m_steps // row_steps), geometry[OY_STEPS])
    images = max(m_steps // image_steps, 1)
    columns_of_taps = min(k_steps, geometry[FX_STEPS])
    rows_of_taps = min(-(-k_steps // geometry[FX_STEPS]), geometry[FY_STEPS])
    channels = max(k_steps // (geometry[FX_STEPS] * geometry[FY_STEPS]), 1)
    pixels = _span(rows, rows_of_taps, geometry[STRIDE_Y], geometry[DILATION_Y], geometry[HEIGHT])
    pixels *= _span(columns, columns_of_taps, geometry[STRIDE_X], geometry[DILATION_X], geometry[WIDTH])
    return min(m_steps * k_steps, images * pixels * channels)
