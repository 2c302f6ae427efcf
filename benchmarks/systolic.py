"""ResNet-18 × 3 dataflows × 3 array sizes in SCALE-Sim's counts, and sweeps of the closed form, on one thread.

python benchmarks/systolic.py

Where SCALE-Sim is installed (`import scalesim`; 3.0.0 needs numpy before 2.4), one layer of it runs beside hwsim.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from _timing import best_of

from hwsim.arch import Architecture
from hwsim.engine.scalesim import reported_layers
from hwsim.units.scalesim_counts import Layer, LayerCounts
from hwsim.units.scalesim_layer import Buffers, LayerReport
from hwsim.units.systolic_sweep import DATAFLOWS, count_many
from hwsim.workload import Workload

DATA = Path(__file__).parents[1] / "tests" / "data" / "scalesim"
SIZES = (16, 32, 128)
WORDS = Buffers(65536, 65536, 65536)


def main() -> None:
    """Milliseconds for all nine, without and with DRAM; evaluations per second of a sweep; the peer."""
    array = Architecture.load(DATA / "tiny.cfg")
    layers = [each.report.counts.layer for each in reported_layers(array, Workload.load(DATA / "resnet18.csv"))]
    nine = [(flow, size) for flow in DATAFLOWS for size in SIZES]
    print(f"ResNet-18 ({len(layers)} convolutions) × {len(DATAFLOWS)} dataflows × arrays of {SIZES}, one thread")
    for title, call in (("cycles, utilizations, SRAM", counts), ("the same and DRAM, every report column", rows)):
        seconds = best_of(lambda call=call: [call(layers, flow, size) for flow, size in nine])
        print(f"  {title:<40} {1e3 * seconds:10.1f} ms")
    sweep()
    peer(layers[-1])


def counts(layers: list[Layer], flow: str, size: int) -> list[object]:
    """What needs the extents only."""
    found = [LayerCounts(flow, size, size, layer) for layer in layers]  # type: ignore[arg-type]
    return [
        (c.total_cycles, c.sram, c.overall_utilization, c.mapping_efficiency, c.compute_utilization) for c in found
    ]  # fmt: skip


def rows(layers: list[Layer], flow: str, size: int) -> list[object]:
    """All three reports."""
    found = [LayerReport.of(flow, size, size, layer, WORDS) for layer in layers]  # type: ignore[arg-type]
    return [(report.compute_row(), report.bandwidth_row(), report.access_row()) for report in found]


def sweep(cases: int = 1_000_000) -> None:
    """Random products on random arrays."""
    rng = np.random.default_rng(0)
    extents = [rng.integers(1, high, cases) for high in (4096, 4096, 4096, 257, 257)]
    for scalesim in (False, True):
        seconds = best_of(lambda scalesim=scalesim: count_many(*extents, "weight_stationary", scalesim=scalesim))
        name = "scalesim_v3" if scalesim else "exact"
        print(f"  {'sweep, timing: ' + name:<40} {cases / seconds / 1e6:10.1f} M evaluations/s")


def peer(layer: Layer) -> None:
    """One convolution on 32 × 32, all reports, by SCALE-Sim itself."""
    if importlib.util.find_spec("scalesim") is None:
        print("SCALE-Sim is not installed: no comparison")
        return
    text = re.sub(r"(Array\w+):.*", r"\1: 32", (DATA / "tiny.cfg").read_text())
    text = re.sub(r"(SzkB):.*", r"\1: 64", text)
    w = layer.windows
    cells = w.height, w.width, w.filter_height, w.filter_width, w.channels, layer.filters, w.stride_height
    table = "Layer, a, b, c, d, e, f, g,\nlayer," + ",".join(map(str, cells)) + ",\n"
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("a.cfg", text), ("t.csv", table), ("l.csv", "Layer\nlayer," + "1," * 20 + "\n")):
            (Path(folder) / name).write_text(content)
        theirs = best_of(lambda: _run_scalesim(folder), repeats=1)
    mine = best_of(lambda: rows([layer], "weight_stationary", 32))
    print(f"  {'one convolution, SCALE-Sim':<40} {1e3 * theirs:10.1f} ms")
    print(f"  {'one convolution, hwsim':<40} {1e3 * mine:10.2f} ms, {theirs / mine:.0f} times as fast")


def _run_scalesim(folder: str) -> None:
    from scalesim.scale_sim import scalesim

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        peer = scalesim(
            save_disk_space=True, verbose=False, config=f"{folder}/a.cfg", topology=f"{folder}/t.csv",
            layout=f"{folder}/l.csv", input_type_gemm=False,
        )  # fmt: skip
        peer.run_scale(top_path=folder)


if __name__ == "__main__":
    sys.exit(main())
