"""The closed form of a tiled product against the simulator that walks every tile; the search against brute force."""

import numpy as np
from hwsim.mapping.walk import Tiling, Walk
from hypothesis import given
from hypothesis import strategies as st
from mapping_cases import hierarchies, search_of, shapes, units, widths

from hwsim.base.errors import HwsimError
from hwsim.mapping.gemm import _level
from hwsim.mapping.simulator import TileSimulator


@given(memory=hierarchies(), unit=units(), shape=shapes, bits=widths, pick=st.lists(st.integers(0), min_size=9))
def test_closed_form_is_the_walk(memory, unit, shape, bits, pick):
    """Any tiling, not only the best: cycles, compute cycles and every memory's traffic."""
    search, hierarchy = search_of(memory, unit, bits)
    tilings, extents = [], shape
    for stage in range(len(hierarchy.stages)):
        try:
            candidates = search.candidates(extents, stage, search.problem.unit.tile_step)
        except HwsimError:
            return
        row = pick[stage] % len(candidates.tile)
        tilings.append(candidates[row : row + 1])
        extents = tuple(tilings[-1].tile[0].tolist())
    closed = search.problem.evaluate(0, np.array([shape]), tilings[0], tuple(tilings[1:]))
    levels = tuple(_level(hierarchy, index, tiling) for index, tiling in enumerate(tilings))
    walk = TileSimulator(hierarchy, search.problem.unit, bits, levels, bool(tilings[-1].resident[0]))
    assert walk.run(*shape) == closed.cycles[0]
    assert walk.tally.compute == closed.compute[0]
    for name in hierarchy.ports:
        assert walk.tally.read[name] == closed.read.get(name, [0])[0], name
        assert walk.tally.write[name] == closed.write.get(name, [0])[0], name


@given(memory=hierarchies(), unit=units(), shape=shapes, bits=widths)
def test_bounds_are_admissible_and_the_search_is_exhaustive(memory, unit, shape, bits):
    """With one stage of memories: no candidate is below its bound, and none is better than the answer."""
    search, hierarchy = search_of(memory, unit, bits)
    if len(hierarchy.stages) > 1:
        return
    try:
        candidates = search.candidates(shape, 0, search.problem.unit.tile_step)
    except HwsimError:
        return
    whole = np.broadcast_to(np.array(shape), candidates.tile.shape)
    everything = search.problem.evaluate(0, whole, candidates)
    bound, outer_bits = search.bounds(whole, candidates, 0)
    assert np.all(bound <= everything.cycles)
    moved = everything.read["dram"] + everything.write["dram"]
    found = search.best(shape)
    assert (found.cycles, found.outer_bits) == min(zip(everything.cycles.tolist(), moved.tolist(), strict=True))
    if not hierarchy.stages[0].per_core and len(hierarchy.stages[0].routes) == 3:
        assert np.array_equal(outer_bits, moved)  # closed form of the traffic, without any steps


@given(shape=shapes, tile=shapes, order=st.permutations([0, 1, 2]))
def test_representatives_stand_for_every_tile(shape, tile, order):
    rows = [np.array([values]) for values in (tile, tile, order)]
    walk = Walk(np.array([shape]), Tiling(*rows, np.zeros(1, bool)))
    trips = np.prod(-(-np.array(shape) // np.minimum(tile, shape)))
    assert walk.weight.sum() == trips
    m, n, k = walk.sizes(walk.here)
    assert np.sum(m * n * k * walk.weight) == np.prod(shape)
    assert np.sum(walk.weight * walk.is_first) == np.sum(walk.weight * walk.is_last) == 1
