"""`timing: scalesim_v3` in a run, and hwsim against SCALE-Sim with nothing unexplained."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hwsim.arch import Architecture
from hwsim.base.errors import HwsimError, InputError
from hwsim.engine import simulate
from hwsim.engine.scalesim import reported_layers
from hwsim.engine.scalesim_differences import REASONS, differences
from hwsim.workload import Workload

DATA = Path(__file__).parents[1] / "data" / "scalesim"


def recorded(topology: str, array: str, dataflow: str) -> dict[str, dict[str, str]]:
    with (DATA / "layers.csv").open() as file:
        wanted = (topology, array, dataflow, "calc")
        return {
            row["layer"]: row
            for row in csv.DictReader(file)
            if (row["topology"], row["array"], row["dataflow"], row["mode"]) == wanted
        }


def configured(rows: int, cols: int, dataflow: str, kilobytes: int = 64) -> Architecture:
    """SCALE-Sim's machine of the recorded rows, by way of a ``.cfg`` file."""
    return Architecture.load(DATA / "tiny.cfg").override(
        {"compute.rows": rows, "compute.cols": cols, "compute.dataflow": dataflow}
        | {f"memories.{name}.capacity": kilobytes << 10 for name in ("ifmap", "filter", "ofmap")}
    )


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
@pytest.mark.parametrize(("rows", "cols"), [(16, 16), (16, 32), (32, 32)])
def test_a_run_has_the_recorded_cycles_and_words(rows: int, cols: int, dataflow: str) -> None:
    result = simulate(configured(rows, cols, dataflow), Workload.load("edge_gemm"), numerics=False)
    expected = recorded("edge_gemm", f"{rows}x{cols}", dataflow)
    assert len(result.operators) == len(expected) == 10
    for row in result.operators:
        line = expected[row["name"]]
        assert row["cycles"] == row["compute_cycles"] == int(line["total_cycles"])
        assert row["stall_cycles"] == 0
        assert round(100 * row["utilization"], 4) == float(line["overall_util_pct"])
        traffic = row["traffic_bytes"]
        assert traffic["ifmap"] == {"read": int(line["sram_ifmap_reads"]), "write": int(line["dram_ifmap_reads"])}
        assert traffic["filter"] == {"read": int(line["sram_filter_reads"]), "write": int(line["dram_filter_reads"])}
        assert traffic["dram"]["read"] == int(line["dram_ifmap_reads"]) + int(line["dram_filter_reads"])
        width = 4  # bytes of a result that nobody reads as INT8
        assert traffic["dram"]["write"] == width * int(line["dram_ofmap_writes"])
        assert traffic["ofmap"]["write"] == width * int(line["sram_ofmap_writes"])


def test_a_topology_file_runs_as_it_is_recorded() -> None:
    result = simulate(configured(128, 128, "os"), Workload.load(DATA / "resnet18.csv"), numerics=False)
    expected = recorded("resnet18", "128x128", "os")
    assert {row["name"]: row["cycles"] for row in result.operators} == {
        name: int(line["total_cycles"]) for name, line in expected.items()
    }


def test_bits_and_area_stay_the_arrays_own() -> None:
    stated, workload = Architecture.load("systolic_int8_ws_32x32"), Workload.load("edge_gemm")
    first = simulate(stated, workload)
    second = simulate(stated.override({"compute.timing": "scalesim_v3"}), workload)
    assert [row["sqnr_db"] for row in first.operators] == [row["sqnr_db"] for row in second.operators]
    assert first.area_m2 == second.area_m2
    macs = [[row["energy_j"]["compute.multiplier"] for row in result.operators] for result in (first, second)]
    assert macs[0] == macs[1]


def test_groups_images_and_repeats_are_layers_of_their_own(tmp_path: Path) -> None:
    weight = "weight: {shape: [8, 1, 3, 3]}, groups: 8, padding: 1, stride: 2"
    (tmp_path / "work.yaml").write_text(
        "name: work\ninputs: {shape: [3, 8, 10, 10]}\nnumerics: {compute: false}\noperators:\n"
        f"  - {{name: deep, op: conv2d, input: images, {weight}}}\n"
        "  - {name: wide, op: conv2d, input: images, weight: {shape: [4, 8, 3, 3]}, dilation: 2}\n"
        "  - {name: again, op: gemm, m: 4, n: 4, k: 4, repeat: 5}\n"
    )
    deep, wide, again = reported_layers(configured(4, 4, "ws"), Workload.load(tmp_path / "work.yaml"))
    assert deep.runs == 8 * 3
    assert (deep.report.counts.layer.m, deep.report.counts.layer.n, deep.report.counts.layer.k) == (6 * 6, 1, 9)
    assert (wide.runs, wide.report.counts.layer.m) == (1, 3 * 6 * 6)  # no dilation there: a plain product
    assert again.runs == 5


def test_an_operand_without_a_buffer() -> None:
    array = Architecture.load("systolic_int8_ws_32x32").override(
        {"compute.timing": "scalesim_v3", "memories.buffer.holds": ["input", "output"]}
    )
    with pytest.raises(HwsimError, match=r"one_by_one on .*: timing scalesim_v3: no memory on the chip holds weight"):
        simulate(array, Workload.load("edge_gemm"), numerics=False)


@pytest.mark.parametrize(
    ("arch", "workload"),
    [
        ("systolic_bf16_os_16x16", "resnet18"),
        ("systolic_int8_ws_32x32", "digits_cnn"),
        ("systolic_int8_ws_32x32", "edge_gemm"),
    ],
)
def test_reasons_leave_nothing_unexplained(arch: str, workload: str) -> None:
    found = differences(Architecture.load(arch), Workload.load(workload))
    assert {each.quantity for each in found} == {quantity for reason in REASONS for quantity in reason.amounts}
    for each in found:
        assert each.hwsim + sum(each.reasons.values()) == each.scalesim, each


def test_each_reason_applies_somewhere() -> None:
    arrays = [Architecture.load(name) for name in ("systolic_bf16_os_16x16", "systolic_int8_ws_32x32")]
    works = [Workload.load(name) for name in ("resnet18", "digits_cnn")]
    found = [each for array in arrays for work in works for each in differences(array, work)]
    assert {reason for each in found for reason in each.reasons} == {reason.name for reason in REASONS}


def test_other_units_have_no_such_counts() -> None:
    with pytest.raises(InputError, match="SCALE-Sim knows systolic arrays only, not a tensor_core"):
        differences(Architecture.load("tensorcore_fp16"), Workload.load("edge_gemm"))


def test_the_page_has_every_reason() -> None:
    page = (DATA.parents[2] / "docs" / "scalesim.md").read_text(encoding="utf-8")
    for reason in REASONS:
        assert f"| {reason.name} | {reason.text} | {', '.join(reason.amounts)} |" in page
