"""The closed form of a mapped product against the simulator that walks every tile; the search against brute force."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_cases import Case, cases, chosen

from hwsim.kernels.nest_bounds import bound, bound_space
from hwsim.kernels.nest_evaluate import evaluate, workspace
from hwsim.kernels.nest_objective import score
from hwsim.kernels.nest_search import search
from hwsim.kernels.nest_totals import energy_of, ideal_cycles, outer_bits
from hwsim.mapping.simulator import TileSimulator

PICKS = st.lists(st.integers(0, 10**6), min_size=3, max_size=3)
WAYS, OPERANDS = ("read", "write"), ("input", "weight", "output")


def evaluated(case: Case, tiles: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Cycles, bits in all, bits of the busiest instance."""
    places = len(case.problem.hierarchy.ports)
    total, timed = np.zeros((places, 3, 2), np.int64), np.zeros((places, 3, 2), np.int64)
    cycles = evaluate(case.problem.arrays, tiles, workspace(len(tiles), places), total, timed)
    return int(cycles), total, timed


def bounded(case: Case, tiles: np.ndarray) -> tuple[int, int, bool, np.ndarray]:
    places = len(case.problem.hierarchy.ports)
    total = np.zeros((places, 3, 2), np.int64)
    lower, compute, exact = bound(case.problem.arrays, tiles, 0, len(tiles) - 1, bound_space(places), total)
    return int(lower), int(compute), bool(exact), total


def exact_cycles(case: Case, tiles: np.ndarray) -> tuple[int, np.ndarray]:
    """Cycles by the problem's own rule, and bits."""
    cycles, total, _ = evaluated(case, tiles)
    if case.problem.hierarchy.ideal:
        _, compute, _, _ = bounded(case, tiles)
        cycles = int(ideal_cycles(case.problem.arrays, tiles, compute, total, bound_space(len(total))))
    return cycles, total


def check(case: Case | None, picks: list[int]) -> None:
    if case is None or (tiles := chosen(case, picks)) is None:
        return
    cycles, total, _ = evaluated(case, tiles)
    walked = TileSimulator(case.problem, tiles).run()
    assert walked.cycles == cycles
    for place, name in enumerate(case.problem.hierarchy.ports):
        for operand, word in enumerate(OPERANDS):
            for way, direction in enumerate(WAYS):
                assert walked.total[name, word, direction] == total[place, operand, way], (name, word, direction)
    lower, compute, exact, least = bounded(case, tiles)
    assert compute == walked.compute
    assert np.all(least <= total)
    if exact:
        assert np.array_equal(least, total)
    assert lower <= exact_cycles(case, tiles)[0]


@given(case=cases(unrolled=False), picks=PICKS)
def test_closed_form_is_the_walk(case, picks):
    """Any tiling, not only the best: cycles and every operand's traffic in every memory; bounds below."""
    check(case, picks)


@given(case=cases(unrolled=True), picks=PICKS)
def test_closed_form_is_the_walk_on_spatial_arrays(case, picks):
    check(case, picks)


SMALL = ("none", "buffer", "accumulator", "two stages", "cores", "cores below a cache")


@pytest.mark.parametrize("objective", range(4))
@given(data=st.data())
def test_the_search_finds_what_looking_at_everything_finds(objective, data):
    """Every mapping of the space is evaluated; none is better than the answer, and the answer is one of them."""
    unrolled = data.draw(st.booleans())
    kinds = ("buffer", "registers") if unrolled else SMALL
    case = data.draw(cases(unrolled=unrolled, kinds=kinds))
    if case is None or np.prod([len(stage) for stage in case.candidates]) > 3000:
        return
    best = (np.inf, np.inf)
    for rows in product(*case.candidates):
        tiles = np.array(rows)
        if len(rows) == 1 or np.all(tiles[1, :3] <= tiles[0, :3]):
            cycles, total = exact_cycles(case, tiles)
            found = score(objective, cycles, energy_of(case.problem.arrays, total), outer_bits(total))
            best = min(best, (float(found[0]), float(found[1])))
    starts = np.cumsum([0, *(len(stage) for stage in case.candidates)])
    infinite = (np.inf, np.inf)
    answer = search(case.problem.arrays, np.concatenate(case.candidates), starts, objective, 10**9, infinite)
    tiles, cycles, joules, bits, _, _, exhausted, _ = answer
    if best[0] == np.inf:
        assert not tiles.any()
        return
    assert exhausted
    assert score(objective, cycles, joules, bits) == pytest.approx(best, rel=1e-12)
    again, total = exact_cycles(case, tiles)
    assert (again, energy_of(case.problem.arrays, total), outer_bits(total)) == (cycles, joules, bits)


def test_a_search_without_effort_says_how_good_the_rest_could_be():
    from mapping_cases import CLOCK, INT8, dram, sram

    from hwsim.mapping import map_gemm
    from hwsim.units.base import Gemm
    from hwsim.units.systolic import SystolicArray

    array = SystolicArray(rows=4, cols=4, dataflow="ws", pe=INT8)
    memory = {"dram": dram(4), "second": sram(4000, 8), "first": sram(500, 8, double_buffered=True)}
    stopped = map_gemm(Gemm(60, 60, 60), array, memory, CLOCK, (1, 1, 1), effort=2000)
    finished = map_gemm(Gemm(60, 60, 60), array, memory, CLOCK, (1, 1, 1))
    assert finished.guarantee.optimal
    assert not stopped.guarantee.optimal
    assert stopped.cycles >= finished.cycles >= stopped.cycles * (1 - stopped.guarantee.gap) - 1
