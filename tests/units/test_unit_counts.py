"""The scalar functions for mappers say of every small shape what units say of it one by one."""

from itertools import product

import numpy as np
import pytest

from hwsim.kernels.unit_counts import SYSTOLIC, product_counts, systolic_tile, tensor_core_tile, tile_counts
from hwsim.units.base import Gemm
from hwsim.units.registry import MatmulUnit
from hwsim.units.sparsity import WeightSparsity
from hwsim.units.systolic import SystolicArray
from hwsim.units.tensor_core import TensorCore

INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 32}}
SERIAL = INT8 | {"multiplier": {"kind": "serial"}}
DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")
SHAPES = np.array(list(product(range(1, 8), repeat=3)), np.int64)
NAMES = ("cycles", "a_reads", "b_reads", "c_reads", "c_writes")


def assert_same(unit, count=1):
    """`timing` and `accesses`, the arrays of `count_tiles`, and the scalar functions."""
    kind, params = unit.tile_params()
    counted = unit.count_tiles(*SHAPES.T, count)
    together = np.stack([getattr(counted, name) for name in NAMES], axis=1)
    each = [unit._count_tile(Gemm(*map(int, shape), count)) for shape in SHAPES]
    assert np.array_equal(together, each)
    assert np.array_equal(together, [product_counts(kind, params, *shape, count) for shape in SHAPES])
    _, abreast = unit.tile_params(count)
    one = np.array([tile_counts(kind, abreast, *shape) for shape in SHAPES])
    assert np.array_equal(together, one * [1, count, count, count, count])
    by_kind = systolic_tile if kind == SYSTOLIC else tensor_core_tile
    assert by_kind(abreast, *SHAPES[-1]) == tuple(one[-1])


OPTIONS = [
    {},
    {"folds": "overlapped"},
    {"edge_tiles": "early"},
    {"folds": "overlapped", "edge_tiles": "early", "arrays": 2},
    {"arrays": 3, "split": "m"},
    {"arrays": 2, "split": "n", "edge_tiles": "early"},
    {"arrays": 2, "split": "batch", "pack_groups": False},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_systolic(dataflow, options):
    for count in (1, 5):
        assert_same(SystolicArray(rows=4, cols=3, dataflow=dataflow, pe=INT8, **options), count)


@pytest.mark.parametrize(
    ("dataflow", "options"),
    [
        ("os", {"sums_per_pe": 2, "folds": "overlapped", "edge_tiles": "early"}),
        ("os", {"sparsity": {"keep": 1, "of": 2}}),
        ("ws", {"sparsity": {"keep": 2, "of": 3}, "edge_tiles": "early"}),
        ("ws", {"arrays": 2, "split": "k", "folds": "overlapped"}),
        ("is", {"arrays": 3, "split": "k", "edge_tiles": "early"}),
        ("is", {"pe": SERIAL}),
    ],
)
def test_options_of_a_dataflow(dataflow, options):
    assert_same(SystolicArray(**{"rows": 2, "cols": 3, "dataflow": dataflow, "pe": INT8} | options), 2)


def test_tensor_core():
    for cores, tile, rate, latency in [(1, (1, 1, 1), 1, 0), (3, (2, 3, 4), 5, 7), (2, (4, 3, 2), 24, 1)]:
        shape = dict(zip("mnk", tile, strict=True))
        core = TensorCore(tile=shape, macs_per_cycle=rate, latency=latency, datapath=INT8)
        several = core.model_copy(update={"cores": cores, "units_per_core": 2})
        for options in ({}, {"tiles_in_flight": 3}, {"sparsity": WeightSparsity(keep=1, of=2)}):
            assert_same(several.model_copy(update=options), 3)
    measured = {"chip": "CDNA3", "name": "v_mfma_f32_16x16x8_xf32"}
    tile = {"m": 16, "n": 16, "k": 8}
    assert_same(TensorCore(tile=tile, macs_per_cycle=512, units_per_core=4, instruction=measured, datapath=INT8))


def test_a_unit_without_a_scalar_form_is_asked_one_by_one():
    unit = SystolicArray(rows=2, cols=3, dataflow="ws", pe=INT8)
    assert np.array_equal(MatmulUnit._count_each(unit, SHAPES, 2), vars_of(unit.count_tiles(*SHAPES.T, 2)))


def vars_of(counts):
    return np.stack([getattr(counts, name) for name in NAMES])
