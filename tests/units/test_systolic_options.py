"""Overlapped folds, early edges, sums, arrays, packs, sparsity: closed forms against folds started by trial."""

import itertools
import random

import numpy as np
import pytest

from hwsim import technology
from hwsim.base.errors import InputError
from hwsim.units.base import Gemm
from hwsim.units.sparsity import WeightSparsity
from hwsim.units.systolic import SystolicArray
from hwsim.units.systolic_counts import shares, stored
from hwsim.units.systolic_schedule_folds import stored_weights
from hwsim.units.systolic_schedule_simulator import ScheduleSimulator

INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 32}}
SIZES = list(itertools.product((1, 2, 3), repeat=2))


def array(rows, cols, dataflow, **options):
    return SystolicArray(rows=rows, cols=cols, dataflow=dataflow, pe=INT8, **options)


def matrix(drawn, rows, cols):
    return [[drawn.randint(1, 9) for _ in range(cols)] for _ in range(rows)]


def sparse_matrix(drawn, k, n, keep, of):
    b = [[0] * n for _ in range(k)]
    for first, column in itertools.product(range(0, k, of), range(n)):
        size = min(of, k - first)
        for place in drawn.sample(range(size), min(drawn.randint(0, keep), size)):
            b[first + place][column] = drawn.choice((-3, 2, 5))
    return b


def product(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def assert_same(unit, gemm, run, results, products):
    assert run.cycles == unit.timing(gemm).total, (unit, gemm)
    # Accesses count elements of the dense matrix, of which the stored ones are read.
    dense = run.accesses | {"b_reads": run.accesses["b_reads"] * gemm.k // stored(unit, gemm.k)}
    assert dense == vars(unit.accesses(gemm)), (unit, gemm)
    actions = unit.actions(gemm)
    actions.pop("fold_add", None)
    assert {"mac": run.macs, **run.hops} == actions, (unit, gemm)
    for number, a, b in products:
        expected = product(a, b)
        assert all(results[number, i, j] == expected[i][j] for i in range(gemm.m) for j in range(gemm.n))


def prove(unit, shapes, drawn, count=1):
    """Every shape on one array, ``count`` products of it; the largest share of several arrays is simulated alone."""
    simulator = ScheduleSimulator(unit)
    for m, n, k in shapes:
        products = []
        for number in range(count):
            pattern = unit.sparsity
            b = matrix(drawn, k, n) if pattern is None else sparse_matrix(drawn, k, n, pattern.keep, pattern.of)
            products.append((number, matrix(drawn, m, k), b))
        gemm = Gemm(m, n, k, count)
        run, results = simulator.run(products, unit.products_abreast(gemm))
        assert_same(unit, gemm, run, results, products)


OPTIONS = [("os", 1), ("os", 2), ("os", 3), ("ws", 1), ("is", 1)]


@pytest.mark.parametrize("edge_tiles", ["full", "early"])
@pytest.mark.parametrize("folds", ["serial", "overlapped"])
@pytest.mark.parametrize(("dataflow", "sums"), OPTIONS)
def test_closed_form_is_the_simulator(dataflow, sums, folds, edge_tiles):
    drawn = random.Random(f"{dataflow}{sums}{folds}{edge_tiles}")
    for rows, cols in SIZES:
        unit = array(rows, cols, dataflow, folds=folds, edge_tiles=edge_tiles, sums_per_pe=sums)
        prove(unit, [tuple(drawn.randint(1, 8) for _ in "mnk") for _ in range(16)], drawn)


@pytest.mark.parametrize("dataflow", ["ws", "is", "os"])
def test_every_small_shape_of_one_array(dataflow):
    for options in ({}, {"folds": "overlapped", "edge_tiles": "early"}):
        unit = array(2, 3, dataflow, **options)
        prove(unit, itertools.product(range(1, 6), repeat=3), random.Random(0))


def test_overlapped_folds_by_hand():
    """First preload, one period of max(T, R) per fold but the last, and the last fold's stream and skew."""
    serial, overlapped = array(4, 4, "ws"), array(4, 4, "ws", folds="overlapped")
    long, short = Gemm(10, 8, 8), Gemm(3, 8, 8)
    assert serial.timing(long).total == 4 * (2 * 4 + 4 + 10 - 2)
    assert overlapped.timing(long).total == 4 + 3 * 10 + (10 + 4 + 4 - 2)
    assert overlapped.timing(short).total == 4 + 3 * 4 + (3 + 4 + 4 - 2)
    kept = array(4, 4, "os", folds="overlapped")
    assert kept.timing(Gemm(8, 8, 10)).total == 3 * 10 + (10 + 4 + 4 - 2) + 4
    assert kept.timing(Gemm(8, 8, 3)).total == 3 * 4 + (3 + 4 + 4 - 2) + 4
    buffered = array(4, 4, "os", folds="overlapped", sums_per_pe=3)
    assert buffered.timing(Gemm(8, 24, 10)).total == 3 * 30 + (30 + 4 + 4 - 2) + 12


def test_early_edges_by_hand():
    full, early = array(8, 8, "ws"), array(8, 8, "ws", edge_tiles="early")
    gemm = Gemm(20, 11, 13)  # rows in use 8, 5; columns in use 8, 3
    assert full.timing(gemm).total == 4 * (2 * 8 + 8 + 20 - 2)
    assert early.timing(gemm).total == sum(2 * r + c + 20 - 2 for r in (8, 5) for c in (8, 3))
    assert early.timing(Gemm(20, 16, 16)).total == full.timing(Gemm(20, 16, 16)).total


def test_sums_in_the_element_save_reads_of_a():
    one, four = array(4, 4, "os"), array(4, 4, "os", sums_per_pe=4)
    gemm = Gemm(8, 16, 50)
    assert one.accesses(gemm).a_reads == 4 * four.accesses(gemm).a_reads == 4 * 8 * 50
    assert one.accesses(gemm).b_reads == four.accesses(gemm).b_reads
    assert four.timing(gemm).total == 2 * (50 * 4 + 4 + 4 - 2 + 4 * 4)
    assert four.actions(gemm)["a_hop"] == one.actions(gemm)["a_hop"] // 4


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize("edge_tiles", ["full", "early"])
def test_packed_products(dataflow, edge_tiles):
    drawn = random.Random(dataflow + edge_tiles)
    for folds in ("serial", "overlapped"):
        unit = array(5, 4, dataflow, edge_tiles=edge_tiles, folds=folds)
        for count in (1, 2, 3, 5):
            prove(unit, [tuple(drawn.randint(1, 3) for _ in "mnk") for _ in range(8)], drawn, count)


def test_depthwise_uses_more_than_one_column():
    """MobileNet's first depthwise layer: 112×112 pixels, 32 groups of 3×3."""
    packed, alone = array(128, 128, "ws"), array(128, 128, "ws", pack_groups=False)
    layer = Gemm(112 * 112, 1, 9, count=32)
    assert packed.products_abreast(layer) == 128 // 9 == 14
    assert packed.timing(layer).total == 3 * (2 * 128 + 128 + 112 * 112 - 2)
    assert alone.timing(layer).total == 32 * (2 * 128 + 128 + 112 * 112 - 2)
    assert packed.accesses(layer) == alone.accesses(layer)
    assert packed.utilization(layer) > 10 * alone.utilization(layer)


@pytest.mark.parametrize("split", ["batch", "m", "n"])
@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_shares_of_several_arrays(dataflow, split):
    """The arrays get all of the work once; cycles are the slowest share's, accesses and actions those of all."""
    drawn = random.Random(dataflow + split)
    for arrays, edge_tiles in itertools.product((2, 3), ("full", "early")):
        unit = array(3, 2, dataflow, arrays=arrays, split=split, edge_tiles=edge_tiles, folds="overlapped")
        alone = unit.model_copy(update={"arrays": 1})
        for _ in range(12):
            gemm = Gemm(*(drawn.randint(1, 12) for _ in "mnk"), count=drawn.randint(1, 4))
            found = shares(unit, gemm)
            assert sum(s.arrays for s in found) <= arrays
            whole = {"batch": gemm.count, "m": gemm.m, "n": gemm.n}[split]
            part = {"batch": "count", "m": "m", "n": "n"}[split]
            assert sum(s.arrays * getattr(s, part) for s in found) == whole
            each = [(s.arrays, Gemm(s.m, s.n, s.k, s.count)) for s in found]
            assert unit.timing(gemm).total == max(alone.timing(g).total for _, g in each)
            for name, count in vars(unit.accesses(gemm)).items():
                assert count == sum(times * getattr(alone.accesses(g), name) for times, g in each)
            assert unit.actions(gemm) == {
                name: sum(times * alone.actions(g)[name] for times, g in each) for name in unit.actions(gemm)
            }


@pytest.mark.parametrize("dataflow", ["ws", "is"])
def test_row_folds_round_the_arrays(dataflow):
    drawn = random.Random(dataflow)
    for arrays, folds, edge_tiles in itertools.product((2, 3), ("serial", "overlapped"), ("full", "early")):
        unit = array(2, 3, dataflow, arrays=arrays, split="k", folds=folds, edge_tiles=edge_tiles)
        for _ in range(10):
            m, n, k = (drawn.randint(1, 11) for _ in "mnk")
            a, b = matrix(drawn, m, k), matrix(drawn, k, n)
            run, results = ScheduleSimulator(unit).run_round_robin((0, a, b))
            assert_same(unit, Gemm(m, n, k), run, results, [(0, a, b)])


def test_auto_takes_the_fastest_split():
    for dataflow in ("os", "ws", "is"):
        splits = ["batch", "m", "n"] + ["k"] * (dataflow != "os")
        units = [array(4, 3, dataflow, arrays=3, split=split) for split in splits]
        auto = array(4, 3, dataflow, arrays=3)
        for shape in itertools.product((1, 9, 30), repeat=3):
            for count in (1, 5):
                gemm = Gemm(*shape, count=count)
                assert auto.timing(gemm).total == min(unit.timing(gemm).total for unit in units)


def test_bits_of_divided_k_are_those_of_one_array():
    drawn = np.random.default_rng(0)
    half = {"operands": {"a": "e4m3fn", "b": "e5m2"}, "accumulator": "e5m12"}
    one = SystolicArray(rows=4, cols=4, dataflow="ws", pe=half)
    a, b = (f.encode(drawn.normal(0, 1, s)) for f, s in ((one.a_format, (5, 30)), (one.b_format, (30, 6))))
    three = one.model_copy(update={"arrays": 3, "split": "k"})
    assert np.array_equal(one.matmul_codes(a, b).codes, three.matmul_codes(a, b).codes)


@pytest.mark.parametrize(("keep", "of"), [(2, 4), (1, 4), (1, 3), (3, 4), (2, 2)])
@pytest.mark.parametrize("dataflow", ["os", "ws"])
def test_sparse_weights(dataflow, keep, of):
    drawn = random.Random(f"{dataflow}{keep}{of}")
    for folds, edge_tiles in (("serial", "full"), ("overlapped", "early")):
        for sums in (1, 2) if dataflow == "os" else (1,):
            options = {"folds": folds, "edge_tiles": edge_tiles, "sums_per_pe": sums, "pack_groups": False}
            unit = array(2 * keep, 3, dataflow, sparsity={"keep": keep, "of": of}, **options)
            prove(unit, [tuple(drawn.randint(1, 11) for _ in "mnk") for _ in range(10)], drawn)
    packed = array(3 * keep, 4, dataflow, sparsity={"keep": keep, "of": of})
    prove(packed, [(1, 2, of), (2, 1, 2), (1, 1, 1)], drawn, count=3)


def test_sparse_weights_halve_the_time_and_the_traffic():
    dense, sparse = array(8, 8, "ws"), array(8, 8, "ws", sparsity={"keep": 2, "of": 4})
    gemm = Gemm(100, 16, 64)
    assert dense.timing(gemm).total == 2 * sparse.timing(gemm).total
    assert sparse.peak_macs_per_cycle == 2 * dense.peak_macs_per_cycle
    assert sparse.utilization(gemm) == dense.utilization(gemm)
    assert sparse.actions(gemm)["mac"] * 2 == gemm.macs
    assert dense.b_bits_per_element == 8
    assert sparse.b_bits_per_element == (8 + 2) / 2
    assert array(6, 8, "ws", sparsity={"keep": 3, "of": 5}).b_bits_per_element * 5 == 3 * (8 + 3)


@pytest.mark.parametrize("dataflow", ["os", "ws"])
def test_bits_of_sparse_weights(dataflow):
    """What is not stored is not multiplied; sums are cut after as many stored products as there are rows."""
    drawn = random.Random(dataflow)
    pe = {"operands": {"a": "e5m2", "b": "e4m3fn"}, "accumulator": "e5m6"}
    unit = SystolicArray(rows=4, cols=3, dataflow=dataflow, pe=pe, sparsity={"keep": 2, "of": 4})
    plain = unit.model_copy(update={"sparsity": None})
    for k in (4, 7, 22):
        b = sparse_matrix(drawn, k, 5, 2, 4)
        a = np.random.default_rng(k).normal(0, 1, (6, k))
        places = stored_weights(unit, b)
        codes = unit.a_format.encode(a), unit.b_format.encode(np.array(b, float))
        found = unit.matmul_codes(*codes).codes
        for j in range(5):
            at = [place[j][1] + index // 2 * 4 for index, place in enumerate(places)]
            expected = plain.matmul_codes(codes[0][:, at], codes[1][at][:, [j]]).codes
            assert np.array_equal(found[:, [j]], expected)


def test_an_infinity_meets_no_weight_that_is_not_stored():
    pe = {"operands": {"a": "e5m2", "b": "e5m2"}, "accumulator": "fp16"}
    unit = SystolicArray(rows=2, cols=1, dataflow="ws", pe=pe, sparsity={"keep": 1, "of": 2})
    a, b = unit.a_format.encode([[np.inf, 3.0]]), unit.b_format.encode([[0.0], [2.0]])
    assert unit.result_format.decode(unit.matmul_codes(a, b).codes).item() == 6.0


def test_weights_that_break_the_pattern():
    strict = array(2, 2, "ws", sparsity={"keep": 1, "of": 2})
    a, b = np.ones((1, 4), np.int8), np.array([[1], [-3], [2], [2]], np.int8)
    with pytest.raises(
        InputError, match="weights 0 to 1 along K: expected at most 1 of 2 that differ from zero, got 2"
    ):
        strict.matmul_codes(strict.a_format.encode(a), strict.b_format.encode(b))
    pruned = array(2, 2, "ws", sparsity={"keep": 1, "of": 2, "prune": "magnitude"})
    assert pruned.matmul_codes(pruned.a_format.encode(a), pruned.b_format.encode(b)).codes.item() == -3 + 2


def test_a_serial_multiplier_slows_the_array():
    serial = INT8 | {"multiplier": {"kind": "serial"}}
    plain = array(4, 4, "ws")
    slow = SystolicArray(rows=4, cols=4, dataflow="ws", pe=serial)
    gemm = Gemm(10, 9, 8)
    assert slow.step_cycles == 8
    assert slow.timing(gemm).total == 8 * plain.timing(gemm).total
    assert slow.peak_macs_per_cycle == 2
    assert slow.utilization(gemm) == plain.utilization(gemm)
    assert SystolicArray(rows=3, cols=1, dataflow="ws", pe=serial).peak_macs_per_cycle * 8 == 3
    prove(slow, [(3, 4, 5), (1, 1, 1)], random.Random(0))


@pytest.mark.parametrize(
    ("dataflow", "options", "message"),
    [
        ("ws", {"sums_per_pe": 2}, "only an output_stationary element keeps sums"),
        ("os", {"split": "k"}, "keeps all of K; write auto, batch, m or n"),
        ("is", {"sparsity": {"keep": 2, "of": 4}}, "keeps one activation"),
        ("ws", {"rows": 3, "sparsity": {"keep": 2, "of": 4}}, "3 rows are not a multiple of the 2 weights"),
        ("os", {"sparsity": {"keep": 5, "of": 4}}, "keep 5 of 4: expected at most 4"),
    ],
)
def test_options_that_do_not_fit(dataflow, options, message):
    with pytest.raises(ValueError, match=message):
        SystolicArray(**{"rows": 4, "cols": 4, "dataflow": dataflow, "pe": INT8} | options)


def test_options_have_a_price():
    node = technology.get("7nm")
    base = {dataflow: array(4, 4, dataflow).cost(node) for dataflow in ("os", "ws")}
    for dataflow, options, part in (
        ("ws", {"folds": "overlapped"}, "preload registers"),
        ("os", {"folds": "overlapped"}, "drain registers"),
        ("ws", {"edge_tiles": "early"}, "exits of edge tiles"),
        ("os", {"sums_per_pe": 4}, "sum buffers"),
        ("ws", {"sparsity": {"keep": 2, "of": 4}}, "candidate multiplexers"),
    ):
        cost = array(4, 4, dataflow, **options).cost(node)
        assert cost.area_m2[part] > 0
        assert cost.total_area_m2 > base[dataflow].total_area_m2
        assert part in cost.sources
    two = array(4, 4, "ws", arrays=2).cost(node)
    assert two.total_area_m2 == pytest.approx(2 * base["ws"].total_area_m2)


def test_stored_elements():
    pattern = WeightSparsity(keep=2, of=4)
    assert [pattern.kept(k) for k in range(1, 10)] == [1, 2, 2, 2, 3, 4, 4, 4, 5]
    assert stored(array(4, 4, "ws"), 9) == 9
