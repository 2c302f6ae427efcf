"""What every unit that multiplies matrices keeps to. A new one registers, gives `examples`, and passes."""

from itertools import product

import numpy as np
import pytest

from hwsim import technology
from hwsim.kernels.unit_counts import tile_counts
from hwsim.mapping import map_gemm
from hwsim.memory import memories
from hwsim.units.base import Gemm
from hwsim.units.registry import MatmulUnit, units

EXAMPLES = [example for unit in units.items().values() if issubclass(unit, MatmulUnit) for example in unit.examples()]
pytestmark = pytest.mark.parametrize("unit", EXAMPLES, ids=str)

GEMMS = [Gemm(*shape) for shape in product((1, 2, 5), (1, 4), (1, 3, 9))] + [Gemm(5, 4, 7, 3)]


def operands(unit, *shape, seed=0):
    """Codes of ordinary numbers: a [.., M, K], b [.., K, N]."""
    *batch, m, n, k = shape
    drawn = np.random.default_rng(seed)
    scale = 3.0 if unit.a_format.kind == "integer" else 1.0
    a, b = drawn.normal(0, scale, (*batch, m, k)), drawn.normal(0, scale, (*batch, k, n))
    return unit.a_format.encode(a, overflow="saturate"), unit.b_format.encode(b, overflow="saturate")


def values(unit, codes):
    """Codes of results as float64; the sums of an integer accumulator are values already."""
    return codes.astype(np.float64) if codes.dtype == np.int64 else unit.result_format.decode(codes)


def test_an_output_depends_on_its_own_row_and_column_only(unit):
    a, b = operands(unit, 5, 4, 11)
    whole = unit.matmul_codes(a, b).codes
    assert whole.shape == (5, 4)
    for i, j in product(range(5), range(4)):
        assert unit.matmul_codes(a[i : i + 1], b[:, j : j + 1]).codes.item() == whole[i, j]


def test_leading_dimensions_count_products(unit):
    a, b = operands(unit, 2, 3, 4, 3, 6)
    together = unit.matmul_codes(a, b).codes
    for index in np.ndindex(2, 3):
        assert np.array_equal(together[index], unit.matmul_codes(a[index], b[index]).codes)


def test_one_product_is_that_product(unit):
    """±1 and ±0.5 times ±1: exact in every format that holds them, whatever the order of additions."""
    a, b = (f.encode([[1.0]], overflow="saturate") for f in (unit.a_format, unit.b_format))
    assert values(unit, unit.matmul_codes(a, b).codes).tolist() == [[1.0]]


def test_tiles_of_its_steps_leave_the_bits_alone(unit):
    """`tile_step` is a promise to the mapper: a product cut there, along m and n, has the bits of the whole."""
    m, n, _ = (min(step, 6) for step in unit.tile_step)
    a, b = operands(unit, 2 * m, 2 * n, 13)
    whole = unit.matmul_codes(a, b).codes
    for rows, columns in product((slice(0, m), slice(m, None)), (slice(0, n), slice(n, None))):
        assert np.array_equal(unit.matmul_codes(a[rows], b[:, columns]).codes, whole[rows, columns])


@pytest.mark.parametrize("gemm", GEMMS, ids=str)
def test_cycles_and_accesses_are_no_less_than_must_be(unit, gemm):
    timing, accesses, actions = unit.timing(gemm), unit.accesses(gemm), unit.actions(gemm)
    assert min(timing.fill, timing.compute, timing.drain) >= 0
    assert timing.total * unit.peak_macs_per_cycle >= gemm.macs
    assert accesses.c_writes >= gemm.count * gemm.m * gemm.n
    assert accesses.a_reads >= gemm.count * gemm.m * gemm.k
    assert accesses.b_reads >= (0 if unit.weights_in_memory else gemm.count * gemm.k * gemm.n)
    assert actions["mac"] >= gemm.macs * unit.density
    assert all(isinstance(count, int) and count >= 0 for count in actions.values())


def test_many_shapes_at_once_are_each_of_them(unit):
    m, n, k = (np.array([getattr(gemm, name) for gemm in GEMMS[:-1]]) for name in "mnk")
    counted = unit.count_tiles(m, n, k)
    for i, gemm in enumerate(GEMMS[:-1]):
        accesses = unit.accesses(gemm)
        expected = (unit.timing(gemm).total, accesses.a_reads, accesses.b_reads, accesses.c_reads, accesses.c_writes)
        names = ("cycles", "a_reads", "b_reads", "c_reads", "c_writes")
        assert tuple(int(getattr(counted, name)[i]) for name in names) == expected


def test_the_scalar_form_is_each_of_them(unit):
    found = unit.tile_params()
    if found is None:
        pytest.skip("no scalar form")
    kind, params = found
    assert params.dtype == np.int64
    for gemm in GEMMS[:-1]:
        accesses = unit.accesses(gemm)
        expected = (unit.timing(gemm).total, accesses.a_reads, accesses.b_reads, accesses.c_reads, accesses.c_writes)
        assert tile_counts(kind, params, gemm.m, gemm.n, gemm.k) == expected


def test_every_action_has_a_price_and_every_part_a_source(unit):
    cost, actions = unit.cost(technology.get("7nm")), unit.actions(Gemm(5, 4, 7))
    assert actions.keys() <= cost.energy_j.keys()
    assert all(value > 0 for value in cost.energy_j.values())
    assert all(value > 0 for value in cost.area_m2.values())
    assert cost.area_m2.keys() <= cost.sources.keys()
    drawn = sum(cost.energy_by_part(actions).values())
    assert drawn == pytest.approx(sum(count * cost.energy_j[name] for name, count in actions.items()))


def test_the_mapper_places_it(unit):
    gemm = Gemm(5, 4, 7)
    placed = map_gemm(gemm, unit, {"dram": memories.get("dram")(standard="HBM2")}, 1e9, (1.0, 1.0, 4.0), 4.0)
    assert placed.cycles >= placed.compute_cycles
    if unit.kind == "row_stationary":  # lays out every tile anew, and several may be done sooner than the whole
        assert placed.compute_cycles <= unit.timing(gemm).total
    else:
        assert placed.compute_cycles == unit.timing(gemm).total


def test_it_survives_yaml(unit):
    assert type(unit).model_validate(unit.model_dump(mode="json")) == unit
