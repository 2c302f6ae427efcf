"""SCALE-Sim v3's quantities: every recorded row with calculated bandwidth, and the kernels against plain lists."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from hwsim.base.errors import HwsimError
from hwsim.golden import scalesim as golden
from hwsim.units.base import Windows
from hwsim.units.scalesim_counts import Layer, LayerCounts
from hwsim.units.scalesim_layer import Buffers, LayerReport

DATA = Path(__file__).parents[1] / "data" / "scalesim"
DATAFLOWS = {"os": "output_stationary", "ws": "weight_stationary", "is": "input_stationary"}
COMPUTE = (
    "total_cycles_incl_prefetch", "total_cycles", "stall_cycles", "overall_util_pct", "mapping_eff_pct",
    "compute_util_pct",
)  # fmt: skip
BANDWIDTH = tuple(f"{memory}_{stream}_bw" for memory in ("sram", "dram") for stream in ("ifmap", "filter", "ofmap"))
WORDS = (
    "sram_ifmap_reads", "sram_filter_reads", "sram_ofmap_writes", "dram_ifmap_reads", "dram_filter_reads",
    "dram_ofmap_writes",
)  # fmt: skip


def recorded(mode: str) -> list[dict[str, str]]:
    with (DATA / "layers.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["mode"] == mode]


def topology() -> dict[str, Layer]:
    with (DATA / "resnet18.csv").open() as file:
        lines = [[cell for cell in line if cell.strip()] for line in csv.reader(file)][1:]
    layers = {}
    for name, *cells in lines:
        height, width, high, wide, channels, filters, stride = map(int, cells)
        layers[name] = Layer(Windows(height, width, channels, high, wide, stride, stride), filters)
    return layers


def test_every_recorded_row_to_the_digit() -> None:
    """All 21 quantities of all 147 rows, rounded to the four decimals of the record."""
    convolutions, rows = topology(), recorded("calc")
    assert len(rows) == 147
    for row in rows:
        m, n, k = (int(row[name]) for name in "MNK")
        layer = Layer(Windows.rows_of(m, k), n) if row["topology"] != "resnet18" else convolutions[row["layer"]]
        assert (layer.m, layer.n, layer.k) == (m, n, k)
        height, width = map(int, row["array"].split("x"))
        report = LayerReport.of(DATAFLOWS[row["dataflow"]], height, width, layer, Buffers(65536, 65536, 65536))
        folds = report.counts.folds
        found = {
            **dict(zip(COMPUTE, report.compute_row(), strict=True)),
            **dict(zip(BANDWIDTH, report.bandwidth_row(), strict=True)),
            **dict(zip(WORDS, report.access_row()[2::3], strict=True)),
            "row_folds": folds.row_folds, "col_folds": folds.column_folds, "cycles_per_fold": report.counts.fold_cycles,
        }  # fmt: skip
        assert {name: round(value, 4) for name, value in found.items()} == {name: float(row[name]) for name in found}


def walked(short: str, rows: int, cols: int, layer: Layer, buffers: Buffers, demands: list) -> golden.Run:
    w = layer.windows
    strides = w.stride_height, w.stride_width
    a = golden.window_address(w.width, w.height, w.channels, w.filter_width, strides, layer.output_extent[1])
    array = golden.Array(
        short, rows, cols, layer.m, layer.n, layer.k,
        a, lambda n, k: n * layer.k + k, lambda m, n: m * layer.n + n,
    )  # fmt: skip
    words = buffers.ifmap, buffers.filter, buffers.ofmap
    return golden.run(array, *words, watch=lambda cycle, *lines: demands.append(lines))


def first_and_last(lines: list[list[int]]) -> list[int]:
    asked = [cycle for cycle, line in enumerate(lines) if any(address != golden.IDLE for address in line)]
    return [asked[0], asked[-1]]


def check(short: str, rows: int, cols: int, layer: Layer, buffers: Buffers) -> None:
    """Cycles, words, and first and last cycle of all six streams."""
    demands: list[tuple[list[int], ...]] = []
    run = walked(short, rows, cols, layer, buffers, demands)
    report = LayerReport.of(DATAFLOWS[short], rows, cols, layer, buffers)
    assert report.counts.total_cycles == run.cycles - 1
    case = (short, rows, cols, layer, buffers)
    sram = [first_and_last([demand[side] for demand in demands]) for side in range(3)]
    assert [report.ifmap.sram_start, report.ifmap.sram_stop] == [cycle + 1 for cycle in sram[0]], case
    assert [report.filter.sram_start, report.filter.sram_stop] == [cycle + 1 for cycle in sram[1]], case
    assert report.access_row()[6:8] == sram[2], case
    for stream, side in ((report.ifmap.dram, run.ifmap), (report.filter.dram, run.filter), (report.ofmap, run.ofmap)):
        last = max(each.start + len(each.lines) - 1 for each in side.transfers)
        words = side.writes if isinstance(side, golden.WriteBuffer) else side.reads
        assert (stream.words, stream.start, stream.stop) == (words, side.transfers[0].start, last), case


@pytest.mark.parametrize("short", DATAFLOWS)
def test_the_kernels_are_the_plain_lists_on_products(short: str) -> None:
    draw = random.Random(f"products {short}")
    for _ in range(60):
        m, n, k = (draw.randint(1, 40) for _ in "mnk")
        words = [draw.choice((100, 199, 200, 350, 1024)) for _ in range(3)]
        check(short, draw.randint(1, 9), draw.randint(1, 9), Layer(Windows.rows_of(m, k), n), Buffers(*words))


@pytest.mark.parametrize("short", DATAFLOWS)
def test_the_kernels_are_the_plain_lists_on_windows(short: str) -> None:
    """Strides that leave a rest (words outside the image) and that skip pixels included."""
    draw, overhanging = random.Random(f"windows {short}"), 0
    for _ in range(60):
        high, wide = draw.randint(1, 3), draw.randint(1, 3)
        windows = Windows(
            high + draw.randint(0, 8), wide + draw.randint(0, 8), draw.randint(1, 4), high, wide,
            draw.randint(1, 3), draw.randint(1, 4),
        )  # fmt: skip
        layer = Layer(windows, draw.randint(1, 12))
        overhanging += layer.overhangs
        words = [draw.choice((100, 200, 350, 1024)) for _ in range(3)]
        check(short, draw.randint(1, 7), draw.randint(1, 7), layer, Buffers(*words))
    assert 10 < overhanging < 50


@pytest.mark.parametrize("distinct", [49, 50, 51, 99, 100, 101])
def test_the_room_of_a_read_buffer_from_both_sides(distinct: int) -> None:
    """100 words: 50 groups of one; the 50th distinct word makes it forget."""
    check("os", 1, 1, Layer(Windows.rows_of(1, distinct), 3), Buffers(100, 100, 100))


@pytest.mark.parametrize("outputs", [50, 51, 52, 101, 102, 103])
def test_the_half_of_the_write_buffer_from_both_sides(outputs: int) -> None:
    check("os", 2, 3, Layer(Windows.rows_of(outputs, 2), 1), Buffers(100, 100, 100))
    check("ws", 2, 3, Layer(Windows.rows_of(outputs, 2), 1), Buffers(100, 100, 100))


def test_dram_writes_are_the_results_and_at_most_a_line_of_padding() -> None:
    for row in recorded("calc"):
        cols, writes = int(row["array"].split("x")[1]), int(row["dram_ofmap_writes"])
        folds = 1 if row["dataflow"] == "os" else int(row["row_folds"])
        assert 0 <= writes - int(row["M"]) * int(row["N"]) * folds < cols


def test_buffers_too_small_to_speak_of() -> None:
    layer = Layer(Windows.rows_of(40, 40), 40)
    with pytest.raises(HwsimError, match="100 words or more, not 99"):
        _ = LayerReport.of("output_stationary", 4, 4, layer, Buffers(99, 100, 100)).ifmap
    check("ws", 8, 9, layer, Buffers(100, 100, 4))


def test_the_published_examples() -> None:
    """196 × 192 × 384 on 128²: 3467 cycles; one product on 16²: 30 for OS, 46 for WS and IS."""
    vision = Layer(Windows.rows_of(196, 384), 192)
    assert LayerCounts("weight_stationary", 128, 128, vision).total_cycles == 3467
    one = Layer(Windows.rows_of(1, 1), 1)
    assert [LayerCounts(flow, 16, 16, one).total_cycles for flow in DATAFLOWS.values()] == [30, 46, 46]


def test_one_element_and_one_product_take_no_time() -> None:
    """The last cycle's index is 0; the share of a cycle that never was is that of one."""
    counts = LayerCounts("output_stationary", 1, 1, Layer(Windows.rows_of(1, 1), 1))
    assert (counts.total_cycles, counts.overall_utilization) == (0, 1)


def test_rows_with_a_given_bandwidth_as_far_as_they_are_explained() -> None:
    """docs/scalesim.md: the array's part is that of the calculated rows, plus stalls; DRAM comes in half buffers."""
    half_buffer_in_lines_of_ten = 32770
    for row in recorded("user"):
        m, n, k = (int(row[name]) for name in "MNK")
        layer = Layer(Windows.rows_of(m, k), n)
        report = LayerReport.of(DATAFLOWS[row["dataflow"]], 32, 32, layer, Buffers(65536, 65536, 65536))
        assert report.counts.total_cycles == int(row["total_cycles"]) - int(row["stall_cycles"])
        assert report.counts.sram == tuple(int(row[name]) for name in WORDS[:3])
        assert [round(value, 4) for value in report.compute_row()[4:]] == [float(row[name]) for name in COMPUTE[4:]]
        for stream in ("ifmap", "filter"):
            reads = int(row[f"dram_{stream}_reads"])
            assert reads < half_buffer_in_lines_of_ten or reads % half_buffer_in_lines_of_ten == 0
