"""The files of SCALE-Sim v3, byte for byte, and a folder that appears only when complete."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hwsim.arch import Architecture
from hwsim.arch.scalesim_config import OFFSETS
from hwsim.cli import cli
from hwsim.engine.scalesim import reported_layers
from hwsim.report.scalesim import write_scalesim
from hwsim.workload import Workload

DATA = Path(__file__).parents[1] / "data" / "scalesim"
RECORDED = json.loads((DATA / "tiny_sha256.json").read_text())


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in sorted(folder.rglob("*.csv"))
    }


@pytest.mark.parametrize("case", RECORDED)
def test_every_report_and_trace_to_the_byte(case: str, tmp_path: Path) -> None:
    kind, dataflow = case.split("-")
    array = Architecture.load(DATA / "tiny.cfg").override({"compute.dataflow": dataflow})
    layers = reported_layers(array, Workload.load(DATA / f"tiny_{kind}.csv"))
    assert digests(write_scalesim(layers, tmp_path, "run", OFFSETS)) == RECORDED[case]


def test_the_command_writes_them(tmp_path: Path) -> None:
    arguments = ["run", str(DATA / "tiny.cfg"), str(DATA / "tiny_conv.csv"), "--scalesim-reports", str(tmp_path)]
    first = CliRunner().invoke(cli, arguments)
    assert first.exit_code == 0, first.stderr
    assert digests(tmp_path / "tiny") == {
        file: digest for file, digest in RECORDED["conv-ws"].items() if not file.startswith("layer")
    }
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 2 and "holds an earlier result" in again.stderr
    traced = CliRunner().invoke(cli, [*arguments, "--force", "--scalesim-traces"])
    assert traced.exit_code == 0, traced.stderr
    assert digests(tmp_path / "tiny") == RECORDED["conv-ws"]


def test_traces_start_where_the_configuration_says(tmp_path: Path) -> None:
    shifted = (DATA / "tiny.cfg").read_text().replace("IfmapOffset:    0", "IfmapOffset:    5000")
    (tmp_path / "shifted.cfg").write_text(shifted)
    arguments = [str(tmp_path / "shifted.cfg"), str(DATA / "tiny_gemm.csv"), "--scalesim-reports", str(tmp_path)]
    result = CliRunner().invoke(cli, ["run", *arguments, "--scalesim-traces"])
    assert result.exit_code == 0, result.stderr
    lines = (tmp_path / "tiny" / "layer0" / "IFMAP_SRAM_TRACE.csv").read_text().splitlines()
    assert lines[3] == "4,5000,-1,-1"  # R cycles of preload, then word 0; reads are answered a cycle later


def test_what_cannot_be_written(tmp_path: Path) -> None:
    traces = CliRunner().invoke(cli, ["run", "systolic_int8_ws_32x32", "edge_gemm", "--scalesim-traces"])
    assert traces.exit_code == 2 and "name a folder with --scalesim-reports" in traces.stderr
    gpu = CliRunner().invoke(cli, ["run", "tensorcore_fp16", "edge_gemm", "--scalesim-reports", str(tmp_path)])
    assert gpu.exit_code == 2 and "SCALE-Sim knows systolic arrays only, not a tensor_core" in gpu.stderr
    assert not list(tmp_path.iterdir())
