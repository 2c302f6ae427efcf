"""SCALE-Sim v3's files: three reports, and the traces of every cycle, under its names and headings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hwsim.golden import scalesim as golden
from hwsim.report.folder import result_folder

if TYPE_CHECKING:
    from hwsim.engine.scalesim import ReportedLayer
    from hwsim.units.scalesim_layer import LayerReport

KIND = "SCALE-Sim report"
_STREAMS = [f"{memory} {stream}" for memory in ("SRAM", "DRAM") for stream in ("IFMAP", "Filter", "OFMAP")]
_WAYS = {"IFMAP": "Reads", "Filter": "Reads", "OFMAP": "Writes"}
_HEADINGS = {
    "COMPUTE_REPORT.csv": [
        "Total Cycles (incl. prefetch)", "Total Cycles", "Stall Cycles", "Overall Util %", "Mapping Efficiency %",
        "Compute Util %",
    ],
    "BANDWIDTH_REPORT.csv": [
        f"Avg {stream} {memory} BW" for memory in ("SRAM", "DRAM") for stream in ("IFMAP", "FILTER", "OFMAP")
    ],
    "DETAILED_ACCESS_REPORT.csv": [
        f"{stream} {what}"
        for stream in _STREAMS
        for what in ("Start Cycle", "Stop Cycle", _WAYS[stream.split()[1]])
    ],
}  # fmt: skip
_SHORT = {"output_stationary": "os", "weight_stationary": "ws", "input_stationary": "is"}


def write_scalesim(
    layers: Sequence[ReportedLayer], directory: Path, name: str, offsets: tuple[int, int, int] | None = None
) -> Path:
    """Write the three reports into ``directory/name``, which appears only when complete.

    With ``offsets`` (where the addresses of ifmap, filter and ofmap begin) also ``layerN/`` with six traces each.
    A layer that runs several times has as many lines; its traces are written once for each.
    """
    runs = [layer.report for layer in layers for _ in range(layer.runs)]
    with result_folder(directory / name, KIND) as folder:
        rows = {
            "COMPUTE_REPORT.csv": [report.compute_row() for report in runs],
            "BANDWIDTH_REPORT.csv": [report.bandwidth_row() for report in runs],
            "DETAILED_ACCESS_REPORT.csv": [report.access_row() for report in runs],
        }
        for file, headings in _HEADINGS.items():
            lines = [["LayerID", *headings]]
            lines += [[str(value) for value in (number, *row)] for number, row in enumerate(rows[file])]
            text = "".join(", ".join(line) + ",\n" for line in lines)
            (folder / file).write_text(text, encoding="utf-8")
        if offsets is not None:
            for number, report in enumerate(runs):
                _write_traces(report, folder / f"layer{number}", offsets)
    return directory / name


def _write_traces(report: LayerReport, folder: Path, offsets: tuple[int, int, int]) -> None:
    """Requests of the array cycle by cycle (answers of reads, a cycle later), and lines to and from DRAM."""
    folder.mkdir()
    with ExitStack() as files:
        sram = [
            files.enter_context((folder / f"{stream}_SRAM_TRACE.csv").open("w", encoding="utf-8"))
            for stream in ("IFMAP", "FILTER", "OFMAP")
        ]

        def watch(cycle: int, *lines: list[int]) -> None:
            for file, line, delay in zip(sram, lines, (1, 1, 0), strict=True):
                file.write(",".join(map(str, (cycle + delay, *line))) + "\n")

        words = report.buffers
        run = golden.run(_array(report, offsets), words.ifmap, words.filter, words.ofmap, watch)
    for stream, buffer in (("IFMAP", run.ifmap), ("FILTER", run.filter), ("OFMAP", run.ofmap)):
        (folder / f"{stream}_DRAM_TRACE.csv").write_text("".join(_dram_lines(buffer.transfers)), encoding="utf-8")


def _dram_lines(transfers: Iterable[golden.Transfer]) -> Iterable[str]:
    """One line a cycle; lines narrower than the widest are filled with ones, as SCALE-Sim fills them."""
    transfers = list(transfers)
    width = max(len(line) for each in transfers for line in each.lines)
    for each in transfers:
        for cycle, line in enumerate(each.lines, each.start):
            yield ",".join(str(float(value)) for value in (cycle, *line, *[1] * (width - len(line)))) + "\n"


def _array(report: LayerReport, offsets: tuple[int, int, int]) -> golden.Array:
    counts, layer = report.counts, report.counts.layer
    w, (first_a, first_b, first_c) = layer.windows, offsets
    strides = w.stride_height, w.stride_width
    a = golden.window_address(w.width, w.height, w.channels, w.filter_width, strides, layer.output_extent[1], first_a)
    return golden.Array(
        _SHORT[counts.dataflow], counts.rows, counts.cols, layer.m, layer.n, layer.k, a,
        lambda n, k: first_b + n * layer.k + k, lambda m, n: first_c + m * layer.n + n,
    )  # fmt: skip
