"""Row-stationary convolution: closed forms against elements simulated one by one, and Eyeriss's own layers."""

import random
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from hwsim.arch import Architecture
from hwsim.base.errors import InputError
from hwsim.engine import simulate
from hwsim.engine.cost import CostModel
from hwsim.engine.plan import plan
from hwsim.units.base import Gemm, Window
from hwsim.units.row_stationary import RowStationary
from hwsim.units.row_stationary_counts import Convolution, Elements, Layout, best, count
from hwsim.units.row_stationary_simulator import run
from hwsim.workload import Workload

INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 32, "overflow": "wrap"}}
COUNTS = (
    "cycles", "macs", "a_reads", "b_reads", "c_reads", "c_writes", "filter_deliveries", "input_deliveries", "sum_hops",
)  # fmt: skip


def drawn_convolution(drawn):
    return Convolution(
        filters=drawn.randint(1, 7), channels=drawn.randint(1, 6), output_height=drawn.randint(1, 5),
        output_width=drawn.randint(1, 4), filter_height=drawn.randint(1, 3), filter_width=drawn.randint(1, 3),
        stride=(drawn.randint(1, 4), drawn.randint(1, 4)), images=drawn.randint(1, 2),
    )  # fmt: skip


def tensors(c, drawn):
    high = (c.output_height - 1) * c.stride[0] + c.filter_height
    wide = (c.output_width - 1) * c.stride[1] + c.filter_width
    pixels = np.array([drawn.randint(-9, 9) for _ in range(c.images * c.channels * high * wide)])
    weights = np.array([drawn.randint(-9, 9) for _ in range(c.filters * c.channels * c.filter_height * c.filter_width)])
    return pixels.reshape(c.images, c.channels, high, wide), weights.reshape(
        c.filters, c.channels, c.filter_height, c.filter_width
    )


def expected(c, pixels, weights):
    result = {}
    for image, f, y, x in product(range(c.images), range(c.filters), range(c.output_height), range(c.output_width)):
        top, left = y * c.stride[0], x * c.stride[1]
        window = pixels[image, :, top : top + c.filter_height, left : left + c.filter_width]
        result[image, f, y, x] = int((window * weights[f]).sum())
    return result


def assert_same(c, layout, drawn):
    pixels, weights = tensors(c, drawn)
    done = run(c, layout, pixels.tolist(), weights.tolist())
    counts = count(c, layout)
    assert {name: getattr(done, name) for name in COUNTS} == {name: getattr(counts, name) for name in COUNTS}, (
        c,
        layout,
    )
    assert done.result == expected(c, pixels, weights)
    return done


def test_any_layout_is_the_simulator():
    drawn = random.Random(0)
    for _ in range(250):
        layout = Layout(*(drawn.randint(1, 3) for _ in "epqrt"))
        assert_same(drawn_convolution(drawn), layout, drawn)


def test_the_best_layout_fits_the_array():
    drawn = random.Random(1)
    for _ in range(80):
        elements = Elements(drawn.randint(3, 8), drawn.randint(1, 6), drawn.randint(6, 30), drawn.randint(3, 9), 4)
        c = drawn_convolution(drawn)
        layout, counts = best(c, elements, in_order=False)
        assert layout.e <= elements.cols
        assert layout.r * c.filter_height <= elements.rows
        assert layout.r * layout.t <= elements.rows // c.filter_height * (elements.cols // layout.e)
        done = assert_same(c, layout, drawn)
        assert done.most_words["filter"] <= elements.filter_words
        assert done.most_words["input"] <= elements.input_words
        assert done.most_words["sum"] <= elements.sum_words
        assert counts.cycles * elements.rows * elements.cols >= c.macs


def test_the_best_layout_is_the_best_of_all():
    """The sizes that are left out never win."""
    drawn = random.Random(2)
    for _ in range(25):
        elements = Elements(4, 3, 12, 6, 3)
        c = drawn_convolution(drawn)
        stacked = elements.rows // c.filter_height
        fewest = min(
            count(c, Layout(e, p, q, r, t)).cycles
            for e, r, q, p in product(range(1, 4), range(1, stacked + 1), range(1, 7), range(1, 4))
            if q * c.filter_width <= 6 and p * q * c.filter_width <= 12
            for t in range(1, stacked // r * (elements.cols // e) + 1)
        )
        assert best(c, elements, in_order=False)[1].cycles == fewest


def test_the_best_layout_of_groups_is_the_best_of_all():
    """Fewer sets for the filters of one group leave more for other groups."""
    drawn = random.Random(7)
    for _ in range(25):
        elements, c = Elements(4, 3, 12, 6, 3), replace(drawn_convolution(drawn), groups=drawn.randint(2, 5))
        stacked, fewest = elements.rows // c.filter_height, 0
        for e, r, q, p in product(range(1, 4), range(1, stacked + 1), range(1, 7), range(1, 4)):
            if q * c.filter_width <= 6 and p * q * c.filter_width <= 12:
                sets = stacked // r * (elements.cols // e)
                for t in range(1, sets + 1):
                    cycles = count(c, Layout(e, p, q, r, t, min(c.groups, sets // t))).cycles
                    fewest = min(fewest or cycles, cycles)
        assert best(c, elements, in_order=False)[1].cycles == fewest


ALEXNET = [
    (Convolution(96, 3, 55, 55, 11, 11, (4, 4)), 154),
    (Convolution(128, 48, 27, 27, 5, 5, groups=2), 135),
    (Convolution(384, 256, 13, 13, 3, 3), 156),
    (Convolution(192, 192, 13, 13, 3, 3, groups=2), 156),
    (Convolution(128, 192, 13, 13, 3, 3, groups=2), 156),
]
"""AlexNet's convolutions, and the elements of Eyeriss that work on them (JSSC 2017, table 3, recalled)."""


def test_alexnet_keeps_at_least_as_many_elements_busy_as_eyeriss():
    unit = RowStationary(pe=INT8)
    for layer, active in ALEXNET:
        layout = unit.layout(layer)
        assert active <= layout.e * layer.filter_height * layout.r * layout.t * layout.g <= 168
        assert 0.7 < layer.macs / (unit.layer_cycles(layer) * 168) < 1


def test_fewest_accesses_or_fewest_cycles():
    fast, frugal = RowStationary(pe=INT8), RowStationary(pe=INT8, layout_by="accesses")
    for layer, _ in ALEXNET:
        ours, theirs = fast.layer(layer), frugal.layer(layer)
        assert theirs.a_reads + theirs.c_reads + theirs.c_writes < ours.a_reads + ours.c_reads + ours.c_writes
        assert theirs.cycles >= ours.cycles


def test_groups_side_by_side():
    """A depthwise layer has one filter of one channel; its groups fill the array."""
    layer = Convolution(1, 1, 112, 112, 3, 3, groups=32)
    unit = RowStationary(pe=INT8)
    layout = unit.layout(layer)
    assert layout.g * layout.e * 3 > 150
    alone = count(layer, Layout(layout.e, 1, 1, 1, 1))
    assert unit.layer_cycles(layer) * 32 == alone.cycles * -(-32 // layout.g)
    assert unit.layer(layer).a_reads == alone.a_reads
    assert unit.products_abreast(Gemm(8, 1, 1, count=5)) == 5


def test_a_product_is_a_convolution_of_one_pixel_windows():
    unit = RowStationary(rows=3, cols=2, pe=INT8, filter_words=8, input_words=4, sum_words=3)
    gemm = Gemm(5, 7, 11)
    one = Convolution(filters=7, channels=11, output_width=5)
    assert unit.timing(gemm).total == unit.layer_cycles(one)
    assert unit.timing(Gemm(5, 7, 11, 2)).total < 2 * unit.layer_cycles(one)  # side by side, on half the array each
    assert_same(one, unit.layout(one), random.Random(3))


def test_one_channel_at_a_time_where_the_order_matters():
    layer = Convolution(filters=8, channels=8, output_height=4, output_width=4, filter_height=3, filter_width=3)
    wraps = RowStationary(pe=INT8)
    saturates = RowStationary(pe=INT8 | {"accumulator": {"bits": 12, "overflow": "saturate"}})
    assert saturates.layout(layer).q == 1
    assert wraps.layer_cycles(layer) <= saturates.layer_cycles(layer)


def test_a_serial_multiplier_slows_the_array():
    serial = RowStationary(pe=INT8 | {"multiplier": {"kind": "serial"}})
    plain, gemm = RowStationary(pe=INT8), Gemm(10, 20, 30)
    assert serial.timing(gemm).total == 8 * plain.timing(gemm).total
    assert serial.peak_macs_per_cycle == 21


def test_filters_that_do_not_fit():
    unit = RowStationary(pe=INT8)
    with pytest.raises(InputError, match="filters of 13 rows: a row_stationary array of 12 rows holds none"):
        unit.layout(Convolution(1, 1, 1, 1, filter_height=13))
    with pytest.raises(InputError, match="filters of 13 taps a row: an element keeps input_words = 12"):
        unit.layout(Convolution(1, 1, 1, 1, filter_width=13))
    with pytest.raises(ValueError, match="one product at a time"):
        RowStationary(pe=INT8 | {"reduction": {"kind": "tree", "lanes": 4}})


def drawn_unit(drawn):
    accumulator = drawn.choice([{"bits": 32, "overflow": "wrap"}, {"bits": 32, "overflow": "saturate"}])
    return RowStationary(
        rows=drawn.randint(3, 8), cols=drawn.randint(1, 6), filter_words=drawn.randint(6, 30),
        input_words=drawn.randint(3, 9), sum_words=drawn.randint(1, 5), pe=INT8 | {"accumulator": accumulator},
        layout_by=drawn.choice(["cycles", "accesses"]),
    )  # fmt: skip


def drawn_window(drawn, dilation=(1, 1)):
    outputs, taps, stride = ((drawn.randint(1, 6), drawn.randint(1, most)) for most in (6, 3, 3))
    size = tuple((outputs[side] - 1) * stride[side] + taps[side] for side in range(2))
    return Window(drawn.randint(1, 3), outputs, drawn.randint(1, 9), taps, size, stride, dilation)


def test_the_kernel_lays_tiles_out_as_the_search_does():
    """Matrix products, and rows, filters and channels of convolutions, some of them of more than an image."""
    drawn = random.Random(4)
    for trial in range(300):
        unit, window = drawn_unit(drawn), drawn_window(drawn)
        at_work = unit.on(window) if trial % 3 else unit
        step_m, _, step_k = at_work.tile_step
        shapes = [(step_m * drawn.randint(1, 9), drawn.randint(1, 40), step_k * drawn.randint(1, 20)) for _ in range(4)]
        groups = drawn.choice([1, 1, 2, 7])
        m, n, k = (np.array(side) for side in zip(*shapes, strict=True))
        found = at_work.count_tiles(m, n, k, groups)
        for place, shape in enumerate(shapes):
            gemm = Gemm(*shape, groups)
            counts = at_work.accesses(gemm)
            assert found.cycles[place] == at_work.timing(gemm).total
            words = tuple(getattr(found, name)[place] for name in COUNTS[2:6])
            assert words == (counts.a_reads, counts.b_reads, counts.c_reads, counts.c_writes)


def test_a_tile_of_a_convolution_is_simulated():
    """What the mapper counts of a tile of whole rows is what the elements do, whole images first."""
    drawn = random.Random(5)
    for _ in range(60):
        unit, window = drawn_unit(drawn), drawn_window(drawn)
        height, width = window.outputs
        gemm = Gemm(width * drawn.randint(1, 2 * height), drawn.randint(1, 6), window.taps[0] * window.taps[1] * 2)
        at_work = unit.on(window)
        parts = [assert_same(one, at_work.layout(one), drawn) for one in at_work.convolutions(gemm)]
        assert sum(part.macs for part in parts) == gemm.macs
        assert at_work.timing(gemm).total == sum(part.cycles for part in parts)
        assert at_work.accesses(gemm).a_reads == sum(part.a_reads for part in parts)


def test_filters_with_gaps_or_too_large_are_unfolded():
    unit = RowStationary(rows=3, cols=2, pe=INT8, filter_words=8, input_words=4)
    drawn = random.Random(6)
    dilated = drawn_window(drawn, dilation=(2, 1))
    assert unit.on(dilated) is unit
    assert unit.on(None) is unit
    for taps, fits in (((3, 4), True), ((4, 3), False), ((3, 5), False)):
        window = Window(1, (4, 4), 2, taps, (3 + taps[0], 3 + taps[1]))
        assert (unit.on(window) is not unit) == fits


def test_a_run_lays_convolutions_out_in_rows():
    """Each layer whole in one tile of a large buffer: the run's cycles are the convolution's, not its unfolding's."""
    pe = {"operands": {"a": "int16", "b": "int16"}, "accumulator": {"bits": 32, "overflow": "wrap"}}
    memories = {
        "dram": {"kind": "dram", "standard": "HBM2"},
        "buffer": {"kind": "sram", "capacity": "64 MiB", "width": "64 B"},
    }
    arch = Architecture.load("eyeriss_like").override(
        {
            "compute": {"kind": "row_stationary", "pe": pe},
            "memories": memories,
            "mapping": {"overlap": "ideal", "ends": "hidden"},
        }
    )
    rows = {row["name"]: row for row in simulate(arch, Workload.load("mobilenet_v1")).operators}
    first = Convolution(32, 3, 112, 112, 3, 3, (2, 2))
    depthwise = Convolution(1, 1, 112, 112, 3, 3, groups=32)
    for name, layer in (("conv1", first), ("block1.depthwise", depthwise)):
        assert rows[name]["compute_cycles"] <= arch.compute.layer_cycles(layer)
        energy = rows[name]["energy_j"]
        hops = arch.compute.layer(layer).sum_hops * 32
        assert energy["wires.array"] == pytest.approx(hops * CostModel(arch, plan([])).overheads.pitch_m * 40.5e-12)
