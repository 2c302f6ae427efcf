"""Lower bounds on the cycles of tilings, cheap enough to rank thousands of them."""

from __future__ import annotations

from itertools import product

import numpy as np

from hwsim.mapping.hierarchy import Stage
from hwsim.mapping.moves import Flow, Moves, slowest
from hwsim.mapping.schedule import Problem
from hwsim.mapping.walk import K, M, N, Tiling
from hwsim.units.registry import MatmulUnit


def tile_classes(extents: np.ndarray, tile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes [8, cases, 3] and counts [8, cases] of a product's tiles: full or cut off at the edge, per dimension."""
    trips = -(-extents // tile)
    edge = extents - (trips - 1) * tile
    cuts = list(product((False, True), repeat=3))
    sizes = [np.where(cut, edge, tile) for cut in cuts]
    counts = [np.prod(np.where(cut, 1, trips - 1), axis=1) for cut in cuts]
    return np.stack(sizes), np.stack(counts)


def chip_cycles(unit: MatmulUnit, extents: np.ndarray, tile: np.ndarray) -> np.ndarray:
    """[cases]: cycles of the whole unit on all tiles, with nothing to wait for."""
    size, count = tile_classes(extents, tile)
    total: np.ndarray = np.sum(unit.count_tiles(size[..., M], size[..., N], size[..., K]).cycles * count, axis=0)
    return total


def work_bound(problem: Problem, extents: np.ndarray, tiling: Tiling) -> np.ndarray:
    """[cases]: cycles of the unit over all tiles of the innermost stage, its operand streams included."""
    size, count = tile_classes(extents, tiling.tile)
    cores = np.minimum(size, tiling.core_tile)
    # Later tiles of K read their partial sums back; leaving that out keeps this a lower bound.
    cold = np.zeros(count.shape, bool)
    whole = size[..., M], size[..., N], size[..., K]
    share = whole if np.array_equal(size, cores) else (cores[..., M], cores[..., N], size[..., K])
    work = problem.unit_work(whole, share, cold, np.broadcast_to(tiling.resident, cold.shape))
    total: np.ndarray = np.sum(work.cycles * count, axis=0)
    return total


def visits(extents: np.ndarray, tiling: Tiling) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each element of (a, b, c) comes to the stage: [cases] each.

    An operand is fetched again in every round of the one loop it does not depend on, unless no loop
    that it depends on runs inside that one.
    """
    trips = -(-extents // tiling.tile)
    depth = np.argsort(tiling.order, axis=1)
    fetched = []
    for free, (one, other) in ((N, (M, K)), (M, (N, K)), (K, (M, N))):
        inside = np.zeros(len(trips), bool)
        for d in (one, other):
            inside |= (trips[:, d] > 1) & (depth[:, d] > depth[:, free])
        fetched.append(np.where(inside, trips[:, free], 1))
    return fetched[0], fetched[1], fetched[2]


def transfer_bounds(problem: Problem, stage: Stage, extents: np.ndarray, tiling: Tiling) -> tuple[np.ndarray, ...]:
    """[cases] each: cycles of transfers beside the work and between the steps; bits through the outermost memory."""
    widths, ports = problem.widths, problem.hierarchy.ports
    m, n, k = (extents[:, d] for d in range(3))
    again = visits(extents, tiling)
    beside, between = Moves(), Moves()
    elements = {
        "input": _one_pass_of_a(problem, extents, tiling) * again[0],
        "weight": k * n * again[1] * widths.b,
        "output": m * n * widths.c,
    }
    for operand, bits in elements.items():
        route = stage.routes.get(operand)
        if route is not None:
            moves = beside if ports[route[-1]].overlaps else between
            inwards = route if operand != "output" else route[::-1]
            moves.along(inwards, bits, 0)
            if operand == "output":
                moves.along(route, m * n * (again[2] - 1) * widths.partial, 0)
                moves.along(route[::-1], m * n * (again[2] - 1) * widths.partial, 0)
    outer_bits = 0 * m
    for moves in (beside, between):
        flow = moves.flows.get(problem.hierarchy.outermost, Flow())
        outer_bits = outer_bits + flow.read + flow.write
    return slowest(beside.cycles(ports)) + 0 * m, slowest(between.cycles(ports)) + 0 * m, outer_bits


def _one_pass_of_a(problem: Problem, extents: np.ndarray, tiling: Tiling) -> np.ndarray:
    """[cases]: bits of all tiles of a, full ones and those at the two edges, each once."""
    moved = problem.widths.moved_a
    (full_m, edge_m), (full_k, edge_k) = (np.divmod(extents[:, d], tiling.tile[:, d]) for d in (M, K))
    m, k = tiling.tile[:, M], tiling.tile[:, K]
    edges = full_m * moved(m * edge_k) + full_k * moved(edge_m * k) + moved(edge_m * edge_k)
    bits: np.ndarray = full_m * full_k * moved(m * k) + edges
    return bits


def first_loads(problem: Problem, stage: Stage, extents: np.ndarray, tiling: Tiling) -> tuple[np.ndarray, np.ndarray]:
    """[cases] each: cycles before the first tile starts, of operands loaded beside the work and between the steps."""
    beside, between = Moves(), Moves()
    ports, widths = problem.hierarchy.ports, problem.widths
    tile, core = tiling.tile, np.minimum(tiling.core_tile, extents)
    loads = {
        "input": [widths.moved_a(part[:, M] * part[:, K]) for part in (tile, core)],
        "weight": [part[:, K] * part[:, N] * widths.b for part in (tile, core)],
    }
    for operand, (bits, core_bits) in loads.items():
        route = stage.routes.get(operand)
        if route is not None:
            moves = beside if ports[route[-1]].overlaps else between
            moves.along(route, bits, core_bits)
    zero = 0 * extents[:, 0]
    return slowest(beside.cycles(ports)) + zero, slowest(between.cycles(ports)) + zero
