"""What bits in all mean: energy, traffic of the outermost memory, the time of the busiest memory at best."""

from __future__ import annotations

import numpy as np

from hwsim.kernels.bare import bare
from hwsim.kernels.nest_work import (
    A_BITS,
    B_BITS,
    C_BITS,
    HIDES_ENDS,
    INPUT,
    INSTANCES,
    OUTPUT,
    PER,
    SHARED_BUS,
    SIDE_BY_SIDE,
    WEIGHT,
    busy_cycles,
    move,
)  # fmt: skip
from hwsim.kernels.tile_elements import extent_of, steps_of, tile_extent


@bare
def timed_bound(problem, total):
    """Cycles in which the slowest memory moves ``total`` [L, 3, 2] at best: evenly over its instances."""
    memory, rates, unit = problem[0], problem[1], problem[7]
    longest = 0.0
    for place in range(len(memory)):
        if memory[place, SIDE_BY_SIDE]:
            read = max(total[place, 0, 0], total[place, 1, 0]) + total[place, 2, 0]
        else:
            read = total[place, 0, 0] + total[place, 1, 0] + total[place, 2, 0]
        write = total[place, 0, 1] + total[place, 1, 1] + total[place, 2, 1]
        reading, writing = read / rates[place, 0], write / rates[place, 1]
        cycles = reading + writing if memory[place, SHARED_BUS] else max(reading, writing)
        if memory[place, PER] != 0:
            cycles /= unit[INSTANCES]
        longest = max(longest, cycles)
    return np.int64(np.ceil(longest * (1 - 1e-12)))


@bare
def energy_of(problem, total):
    """Joules of ``total`` bits [L, 3, 2]."""
    rates, energy = problem[1], 0.0
    for place in range(len(rates)):
        energy += rates[place, 2] * (total[place, 0, 0] + total[place, 1, 0] + total[place, 2, 0])
        energy += rates[place, 3] * (total[place, 0, 1] + total[place, 1, 1] + total[place, 2, 1])
    return energy


@bare
def outer_bits(total):
    """Bits through the outermost memory."""
    return (
        total[0, 0, 0] + total[0, 1, 0] + total[0, 2, 0] + total[0, 0, 1] + total[0, 1, 1] + total[0, 2, 1]
    )  # fmt: skip


@bare
def ends_cycles(problem, tile, alone, nothing, unused):
    """Cycles of the outermost stage's first load and last store, each by itself; [L, 3, 2] arrays to work in."""
    geometry, widths = problem[6], problem[5]
    whole_m, whole_n, whole_k = steps_of(geometry, 0), steps_of(geometry, 1), steps_of(geometry, 2)
    m, n, k = min(tile[0], whole_m), min(tile[1], whole_n), min(tile[2], whole_k)
    in_m, in_n = (
        min(tile_extent(geometry, 0, m), extent_of(geometry, 0)),
        min(tile_extent(geometry, 1, n), extent_of(geometry, 1)),
    )
    in_k = min(tile_extent(geometry, 2, k), extent_of(geometry, 2))
    alone[:], nothing[:] = 0, 0
    move(problem, 0, tile, INPUT, True, widths[A_BITS], (m, n, k), (in_m, in_n, in_k), 0, 1, unused, alone)
    move(problem, 0, tile, WEIGHT, True, widths[B_BITS], (m, n, k), (in_m, in_n, in_k), 0, 1, unused, alone)
    first = busy_cycles(problem, alone, nothing)
    alone[:] = 0
    others_m, others_n = -(-whole_m // m) - 1, -(-whole_n // n) - 1
    last = (whole_m - others_m * m, whole_n - others_n * n, k)
    held = (extent_of(geometry, 0) - others_m * in_m, extent_of(geometry, 1) - others_n * in_n, in_k)
    move(problem, 0, tile, OUTPUT, False, widths[C_BITS], last, held, 0, 1, unused, alone)
    return first + busy_cycles(problem, alone, nothing)


@bare
def ideal_cycles(problem, tiles, compute, total, space):
    """Cycles if any transfer may run beside any work: first load, work and last store, or the busiest memory's time.

    The rule of models that take the largest of all resources' times; bits are spread evenly over the instances
    of a memory. The first load and the last store are those of the outermost stage's tiles.
    """
    _, _, alone, nothing, unused = space
    ends = 0 if problem[0][0, HIDES_ENDS] != 0 else ends_cycles(problem, tiles[0], alone, nothing, unused)
    return max(compute + ends, timed_bound(problem, total))
