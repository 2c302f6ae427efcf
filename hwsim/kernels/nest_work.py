"""What the unit does with one innermost tile: cycles, and bits through the memories nearest to it.

All ``nest_*`` kernels take a ``problem``, the tuple (memory, rates, routes, stages, nearest, widths, geometry, unit).
Memories are numbered from the outside in, operands are 0 input, 1 weight, 2 output, directions 0 read, 1 write:

- ``memory`` int64[L, 8] and ``rates`` float64[L, 8]: see the entries' names below;
- ``routes`` int64[S, 3, 8]: number of memories, then the memories that an operand passes to a stage, source first;
- ``stages`` int64[S]: `CHIP`, `CORE` or `PE`; ``nearest`` int64[3]; ``widths`` int64[4]: bits of a, b, c and of a
  partial sum, of all products that are computed together; ``geometry``: `hwsim.kernels.tile_elements`; ``unit``
  int64[..]: kind, instances, copies of each operand, first reads, products that are computed together, then the
  parameters of `hwsim.kernels.unit_counts`.

A mapping is ``tiles`` int64[S, 8]: steps (m, n, k) of a stage's tile, of one core's share of it, order, sums kept in
the unit.

These kernels allocate nothing and are compiled without reference counting (`hwsim.kernels.bare`): arrays are made
by the few that are not.

Bits are counted twice: ``total`` of all instances of a memory, ``timed`` of the one that is busy longest.
Both are int64[.., L, 3, 2].
"""

from __future__ import annotations

import numpy as np

from hwsim.kernels.bare import bare
from hwsim.kernels.tile_elements import input_elements, input_elements_of_one, tile_extent
from hwsim.kernels.unit_counts import tile_counts

PER, OVERLAPS, SHARED_BUS, USABLE, SIDE_BY_SIDE, LATENCY, HIDES_ENDS, IDEAL = 0, 1, 2, 3, 4, 5, 6, 7
READ_RATE, WRITE_RATE, READ_ENERGY, WRITE_ENERGY = 0, 1, 2, 3
PER_CYCLE, FIXED, LEAST_CYCLES, WITHIN = 4, 5, 6, 7
"""In the first row of ``rates``: joules of a cycle (leakage, clock), joules whatever the mapping, cycles at least
(of work beside the product), cycles below which none are better; for the objective alone."""
CHIP, CORE, PE = 0, 1, 2
A_BITS, B_BITS, C_BITS, PARTIAL_BITS = 0, 1, 2, 3
TILE_M, TILE_N, TILE_K, CORE_M, CORE_N, CORE_K, ORDER, RESIDENT = 0, 1, 2, 3, 4, 5, 6, 7
INPUT, WEIGHT, OUTPUT = 0, 1, 2
READ, WRITE = 0, 1

KIND, INSTANCES, A_COPIES, B_COPIES, C_COPIES, FIRST_READ, TOGETHER, PARAMETERS = 0, 1, 2, 3, 4, 5, 6, 7
SPATIAL, TABLE = 2, 3
"""Kinds of units beside those of `hwsim.kernels.unit_counts`."""

ORDERS = np.array([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
"""Loop orders, outermost first, over 0 = m, 1 = n, 2 = k."""


@bare
def busy_cycles(problem, timed, beside):
    """Cycles in which the slowest memory moves ``timed`` and ``beside`` bits [L, 3, 2]; memories work side by side."""
    memory, rates = problem[0], problem[1]
    longest = np.int64(0)
    for place in range(len(memory)):
        if memory[place, SIDE_BY_SIDE]:
            read = max(timed[place, 0, 0] + beside[place, 0, 0], timed[place, 1, 0] + beside[place, 1, 0])
            read += timed[place, 2, 0] + beside[place, 2, 0]
        else:
            read = timed[place, 0, 0] + timed[place, 1, 0] + timed[place, 2, 0]
            read += beside[place, 0, 0] + beside[place, 1, 0] + beside[place, 2, 0]
        write = timed[place, 0, 1] + timed[place, 1, 1] + timed[place, 2, 1]
        write += beside[place, 0, 1] + beside[place, 1, 1] + beside[place, 2, 1]
        if read + write == 0:
            continue
        read_rate, write_rate = rates[place, READ_RATE], rates[place, WRITE_RATE]
        if memory[place, SHARED_BUS]:
            if read_rate == write_rate:
                cycles = np.int64(np.ceil((read + write) / read_rate))
            else:
                cycles = np.int64(np.ceil(read / read_rate + write / write_rate))
        else:
            cycles = max(np.int64(np.ceil(read / read_rate)), np.int64(np.ceil(write / write_rate)))
        longest = max(longest, cycles)
    return longest


@bare
def _looked_up(table, m, n, k):
    """Counts of a unit without a closed form: sizes along m, n, k in ``table``, then the five counts of each."""
    sizes = table[0], table[1], table[2]
    wanted = m, n, k
    row, start = 0, 3
    for side in range(3):
        place = np.searchsorted(table[start : start + sizes[side]], np.int64(wanted[side]))
        row = row * sizes[side] + int(place)
        start += sizes[side]
    at = start + 5 * row
    return table[at], table[at + 1], table[at + 2], table[at + 3], table[at + 4]


@bare
def unit_counts(unit, m, n, k):
    """Cycles and accesses of a unit that takes whole elements."""
    if unit[KIND] == TABLE:
        return _looked_up(unit[PARAMETERS:], m, n, k)
    return tile_counts(unit[KIND], unit[PARAMETERS:], m, n, k)


@bare
def core_share(problem, tile, side, steps, extent):
    """Steps and elements along m (0) or n (1) of the largest share that one core takes of a tile."""
    share = tile[CORE_M + side]
    if share >= steps:
        return steps, extent
    return share, tile_extent(problem[6], side, share)


@bare
def _count(problem, operand, way, elements, of_core, of_element, bits, total, timed):
    """Adds ``elements`` of ``bits`` to what the memory nearest to the unit moves, and what its busiest instance does.

    ``bits`` are those of all products that are computed together; one element of an array serves one of them.
    """
    at = problem[4][operand]
    per = problem[0][at, PER]
    total[at, operand, way] += elements * bits
    if per == PE:
        timed[at, operand, way] += of_element * (bits // problem[7][TOGETHER])
    else:
        timed[at, operand, way] += (of_core if per == CORE else elements) * bits


@bare
def _spatial_work(problem, tile, sizes, extents, started, total, timed):
    """`unit_work` of an array of elements with unrolled loops: a step a cycle, in every core that takes a share."""
    memory, _, _, stages, nearest, widths, _, unit = problem
    m, n, k = extents
    sizes_m, sizes_n, share_m, share_n = sizes[0], sizes[1], m, n
    if stages[-1] == CORE:
        sizes_m, share_m = core_share(problem, tile, 0, sizes[0], m)
        sizes_n, share_n = core_share(problem, tile, 1, sizes[1], n)
    cycles, macs = sizes_m * sizes_n * sizes[2], m * n * k
    reads_a = macs if memory[nearest[INPUT], PER] == PE else m * k * sizes[1]
    reads_b = macs if memory[nearest[WEIGHT], PER] == PE else n * k * sizes[0]
    _count(problem, INPUT, READ, reads_a, share_m * k * sizes_n, cycles, widths[A_BITS], total, timed)
    _count(problem, WEIGHT, READ, reads_b, share_n * k * sizes_m, cycles, widths[B_BITS], total, timed)
    inside = memory[nearest[OUTPUT], PER] == PE
    writes = macs if inside else m * n * sizes[2]
    begins = 0 if started or unit[FIRST_READ] else (min(unit[C_COPIES], k) if inside else 1)
    reads, share = writes - m * n * begins, share_m * share_n
    _count(problem, OUTPUT, WRITE, writes, share * sizes[2], cycles, widths[PARTIAL_BITS], total, timed)
    _count(problem, OUTPUT, READ, reads, share * (sizes[2] - begins), cycles, widths[PARTIAL_BITS], total, timed)
    return cycles


@bare
def unit_work(problem, tile, sizes, extents, started, total, timed):
    """The unit's own cycles on an innermost tile of ``sizes`` steps that hold ``extents`` elements; adds its bits.

    A memory that all elements of an array (`SPATIAL`) share is read for every step; one that each element has of
    its own serves that element. ``started``: there are sums of earlier tiles to add to.
    """
    memory, _, _, stages, nearest, widths, _, unit = problem
    if unit[KIND] == SPATIAL:
        return _spatial_work(problem, tile, sizes, extents, started, total, timed)
    m, n, k = extents
    resident = tile[RESIDENT]
    partial = 0 if resident else widths[PARTIAL_BITS]
    share_m, share_n = m, n
    if stages[-1] == CORE:
        share_m, share_n = min(tile[CORE_M], m), min(tile[CORE_N], n)
    cycles, a, b, again, written = unit_counts(unit, share_m, share_n, k)
    again += share_m * share_n * started
    core_a, core_b, core_again, core_written = a, b, again, written
    if share_m != m or share_n != n:
        a, b, again, written = 0, 0, 0, 0
        for edge_m in range(2):
            rows = m // share_m if edge_m == 0 else np.int64(m % share_m > 0)
            for edge_n in range(2):
                columns = n // share_n if edge_n == 0 else np.int64(n % share_n > 0)
                times = rows * columns
                if times:
                    part_m = share_m if edge_m == 0 else m % share_m
                    part_n = share_n if edge_n == 0 else n % share_n
                    _, one_a, one_b, one_again, one_written = unit_counts(unit, part_m, part_n, k)
                    a += times * one_a
                    b += times * one_b
                    again += times * (one_again + part_m * part_n * started)
                    written += times * one_written
    for operand, way, elements, of_core, bits in (
        (INPUT, READ, a, core_a, widths[A_BITS]),
        (WEIGHT, READ, b, core_b, widths[B_BITS]),
        (OUTPUT, READ, again, core_again, partial),
        (OUTPUT, WRITE, written, core_written, partial),
    ):
        at = nearest[operand]
        total[at, operand, way] += elements * bits
        timed[at, operand, way] += (of_core if memory[at, PER] == CORE else elements) * bits
    return cycles


@bare
def move(problem, stage, tile, operand, inwards, width, sizes, extents, times, parts, total, timed):
    """An operand's tile of ``width`` bits an element comes to ``stage``, or goes back to where it came from.

    Adds its bits to ``total`` so many ``times``, and one of equal ``parts`` of them to ``timed``.

    Of a core's own memories each core in use moves its own copy, with the halos of its share; the elements of an
    array are fed by multicast, so that a shared memory reads once what several of them receive, and sums of several
    elements are added on their way out. Sums that the unit keeps to itself meet the memory nearest to it on their way.
    """
    memory, _, routes, stages, nearest, _, geometry, unit = problem
    resident = operand == OUTPUT and tile[RESIDENT] != 0
    if routes[stage, operand, 0] == 0 and not resident:
        return
    m, n, k = extents
    sizes_m, sizes_n, share_m, share_n = sizes[0], sizes[1], m, n
    per, of_one = stages[stage], width // unit[TOGETHER]
    if per == CORE:
        sizes_m, share_m = core_share(problem, tile, 0, sizes[0], m)
        sizes_n, share_n = core_share(problem, tile, 1, sizes[1], n)
    one = 0
    if operand == INPUT:
        share = input_elements(geometry, sizes_m, sizes[2], share_m, k) * width
        bits, rows = share, sizes[0] // sizes_m
        if rows > 1 or sizes_m < sizes[0]:  # each core's own, halos among them
            rest, rest_m = sizes[0] - rows * sizes_m, m - rows * share_m
            bits = rows * share
            if rest > 0:
                bits += input_elements(geometry, rest, sizes[2], rest_m, k) * width
        bits *= -(-sizes[1] // sizes_n)
        if per == PE:
            one = input_elements_of_one(geometry, sizes[0], sizes[2]) * of_one
    elif operand == WEIGHT:
        bits, share, one = k * n * width, k * share_n * width, sizes[2] * sizes[1] * of_one
        bits *= -(-sizes[0] // sizes_m)
    else:
        bits, share, one = m * n * width, share_m * share_n * width, sizes[0] * sizes[1] * of_one
    for hop in range(routes[stage, operand, 0] - 1):
        source, target = routes[stage, operand, 1 + hop], routes[stage, operand, 2 + hop]
        if not inwards:
            source, target = target, source
        for at, way in ((source, READ), (target, WRITE)):
            if memory[at, PER] == PE:
                total[at, operand, way] += bits * unit[A_COPIES + operand] * times
                timed[at, operand, way] += -(-one // parts)
            else:
                total[at, operand, way] += bits * times
                timed[at, operand, way] += -(-(share if memory[at, PER] == CORE else bits) // parts)
    if resident:
        at, way = nearest[OUTPUT], READ if inwards else WRITE
        total[at, OUTPUT, way] += bits * times
        timed[at, OUTPUT, way] += -(-(share if memory[at, PER] == CORE else bits) // parts)
