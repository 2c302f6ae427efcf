"""The command line: what it prints, on which stream, with which exit code, and what it writes."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hwsim import formats
from hwsim.base.errors import HwsimError
from hwsim.base.shipped import shipped
from hwsim.cli import cli

KINDS = ("formats", "multipliers", "reductions", "accumulators", "units", "memories", "technologies", "archs",
         "workloads", "studies")  # fmt: skip
TINY = """\
name: tiny
operators:
- {name: product, op: gemm, m: 3, n: 5, k: 7}
"""


def invoke(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def answer(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_list_fits_80_columns(kind):
    lines = answer("list", kind).splitlines()
    assert max(map(len, lines)) <= 80
    names = {line.split()[0] for line in lines[2:] if line and not line.startswith(" ")}
    known = {"formats": set(formats.names())}.get(kind) or (shipped(kind).keys() if kind in KINDS[7:] else set())
    assert known <= names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("e4m3fn", ["448", "0.015625", "0.001953125", "float8_e4m3fn"]),  # OCP OFP8 1.0, table 2
        ("float8_e4m3fn", ["448"]),
        ("e2m1fn", ["-6 -4 -3 -2 -1.5 -1 -0.5 0 0.5 1 1.5 2 3 4 6"]),  # OCP MX 1.0, table 7
        ("int8", ["-128", "127"]),
        ("systolic", ["rows", "dataflow", "weight_stationary", "required"]),
        ("multipliers/lmul", ["2410.00907"]),
        ("sram", ["capacity", "double_buffered"]),
        ("fused", ["align_bits"]),
        ("7nm", ["Jouppi", "Stillmaker", "fitted", "recalled"]),
        ("technology/45nm", ["Horowitz"]),
        ("hbm3", ["a DRAM standard", "tRFC", "sequential reads", "assumed", "hwcomponents-cacti"]),
        ("drams/DDR4", ["12480", "DRAMsim3", "64"]),
        ("systolic_int8_ws_32x32", ["1,024 MACs per cycle", "2.05 Top/s", "int8 × int8, sums in int32", "1 MiB"]),
        ("archs/tensorcore_fp8", ["1.98 Pop/s", "3.35 TB/s"]),
        ("digits_cnn", ["conv1.weight"]),
    ],
)
def test_show(name, words):
    shown = answer("show", name)
    for word in words:
        assert word in shown, word


@pytest.mark.parametrize("name", ["exact", "float", "7nm", "systolic", "tensorcore_fp16", "edge_int4", "bf16", "HBM2"])
def test_show_fits_80_columns(name):
    assert max(map(len, answer("show", name).splitlines())) <= 80


def test_list_of_dram_standards():
    lines = answer("list", "drams").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[2:]] == [
        "DDR4", "DDR5", "LPDDR4", "LPDDR5", "GDDR6", "HBM2", "HBM2E", "HBM3", "HBM3E",
    ]  # fmt: skip


def test_a_name_with_two_meanings_shows_both_unless_the_kind_is_given():
    both = answer("show", "exact")
    assert "a multiplier" in both
    assert "a reduction" in both
    assert "a multiplier" not in answer("show", "reductions/exact")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("e4m3fnn", "did you mean 'e4m3fn'?"), ("units/sistolic", "unknown unit 'sistolic'; did you mean 'systolic'?"),
        ("drams/HBM4", "unknown dram 'HBM4'; did you mean 'HBM3'?"),
        ("technology/8nm", "'8nm'"), ("formats/zzz", "unknown format 'zzz'"), ("", "nothing is called ''"),
    ],
)  # fmt: skip
def test_show_unknown(name, words):
    result = invoke("show", name)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_schema_prints_one_or_all_or_writes_them(tmp_path):
    one = json.loads(answer("schema", "arch"))
    everything = json.loads(answer("schema"))
    assert everything["arch"] == one
    assert set(everything) == {"arch", "workload", "study", "matrix_unit", "gemm_order", "mappings"}
    answer("schema", "-o", str(tmp_path / "new" / "folder"))
    assert json.loads((tmp_path / "new" / "folder" / "arch.schema.json").read_text()) == one


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "colours"], ["run"], ["run", "a"], ["compare", "a"], ["nonsense"], ["schema", "chip"],
     ["run", "a", "b", "--seed", "-1"], ["explore", "s", "--workers", "0"], ["check"]],
    ids=" ".join,
)  # fmt: skip
def test_bad_usage_exits_with_2(arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (HwsimError("no\nroom"), 1, "no room"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory"),
        (PermissionError(13, "Permission denied", "/out"), 1, "/out: Permission denied"),
    ],
)
def test_every_failure_is_one_line(monkeypatch, raised, code, line):
    @click.command()
    def fails():
        raise raised

    monkeypatch.setitem(cli.commands, "fails", fails)
    result = invoke("fails")
    assert result.exit_code == code
    assert result.stderr == f"{line}\n"
    assert result.stdout == ""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    return tmp_path


def test_run_answers_in_json_alone(tiny):
    found = json.loads(answer("run", "systolic_int8_ws_32x32", "tiny.yaml", "--json", "--seed", "3"))
    assert found["seed"] == 3
    assert found["operators"][0]["macs"] == found["totals"]["macs"] == 3 * 5 * 7
    assert found["architecture"] == "systolic-int8-ws-32x32"
    assert sorted(path.name for path in tiny.iterdir()) == ["tiny.yaml"]


def test_run_counts_toggles_when_asked(tiny):
    found = json.loads(answer("run", "systolic_int8_ws_32x32", "tiny.yaml", "--toggles", "--json", "-o", "out"))
    (row,) = found["switching"]
    assert set(row["activity"]) == {"a", "b", "multiplier", "sum"}
    assert row["energy_j"]["compute.multiplier"].keys() == {"average", "measured"}
    assert "Switching" in (tiny / "out" / "report.html").read_text(encoding="utf-8")
    refused = invoke("run", "tensorcore_fp8", "tiny.yaml", "--toggles")
    assert refused.exit_code == 2 and "systolic array, not of a tensor_core" in refused.stderr


def test_run_writes_a_folder_once_and_replaces_it_only_by_force(tiny):
    answer("run", "systolic_int8_ws_32x32", "tiny.yaml", "-o", "out")
    assert (tiny / "out" / "report.html").is_file()
    stored = json.loads((tiny / "out" / "summary.json").read_text())
    again = invoke("run", "systolic_int8_ws_32x32", "tiny.yaml", "-o", "out")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    answer("run", "systolic_int8_ws_32x32", "tiny.yaml", "-o", "out", "--force")
    assert json.loads((tiny / "out" / "summary.json").read_text()) == stored
    # The stored inputs are files that run again.
    inputs = sorted((tiny / "out" / "inputs").iterdir())
    assert {invoke("check", str(path)).exit_code for path in inputs} == {0}


def test_run_does_not_replace_what_it_did_not_write(tiny):
    (tiny / "mine").mkdir()
    (tiny / "mine" / "precious.txt").write_text("keep")
    result = invoke("run", "systolic_int8_ws_32x32", "tiny.yaml", "-o", "mine", "--force")
    assert result.exit_code == 2
    assert (tiny / "mine" / "precious.txt").read_text() == "keep"


def test_compare_answers_side_by_side(tiny):
    shown = answer("compare", "systolic_int8_ws_32x32", "systolic_fp8_ws_32x32", "-w", "tiny.yaml")
    assert "int8-ws-32x32" in shown
    found = json.loads(answer("compare", "systolic_int8_ws_32x32", "reference_fp32", "-w", "tiny.yaml", "--json"))
    assert [run["architecture"] for run in found["runs"]] == ["systolic-int8-ws-32x32", "reference-fp32"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["int8_multiply", "--node", "7nm"], ["70.0 fJ", "Jouppi", "fitted"]),
        (["sram:64KiB:8B"], ["read", "area", "CACTI"]),
        (["dram:HBM3"], ["4.05 pJ/bit", "measured"]),
        (["adder:int32", "--node", "16nm_from_7nm"], ["scaled", "7 to 16 nm"]),
        (["register:16"], ["Aladdin"]),
        (["buffer", "--arch", "systolic_int8_ws_32x32"], ["buffer.read.access_of_64_B", "J/B", "mm²"]),
        (["compute.multiplier", "--arch", "systolic_int8_ws_32x32"], ["compute.multiplier.area"]),
        (["vector", "--arch", "systolic_int8_ws_32x32"], ["vector.add", "vector.exp"]),
        (["wires", "--arch", "systolic_int8_ws_32x32"], ["40.5 fJ/bit/mm", "recalled"]),
        (["compute", "--arch", "systolic_int8_ws_32x32", "--target", "fpga"], ["512 DSP", "UG574"]),
        (["buffer", "--arch", "systolic_int8_ws_32x32", "--target", "fpga"], ["228 BRAM36", "UG573"]),
        (["fp16_multiply", "--target", "fpga"], ["without_dsp", "LUT"]),
        (["sram:64KiB:8B", "--target", "fpga"], ["16 BRAM36"]),
    ],
)
def test_show_component(words, expected):
    shown = answer("show", "component", *words)
    assert all(word in shown for word in expected), shown
    assert max(map(len, shown.splitlines())) <= 80


def test_show_component_as_json():
    shown = json.loads(answer("show", "component", "--arch", "tensorcore_fp8", "--json"))
    assert {"component", "technology", "prices_from", "numbers"} == shown.keys()
    assert all(set(number) == {"name", "value", "unit", "source", "status"} for number in shown["numbers"])
    assert {"hbm.read", "compute.mac", "vector.add", "leakage.logic"} <= {number["name"] for number in shown["numbers"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["component", "int8_multiplx"], "did you mean 'int8_multiply'"),
        (["component", "bufer", "--arch", "edge_int4"], "unknown component 'bufer'; did you mean"),
        (["component", "buffer", "--arch", "edge_int4", "--node", "7nm"], "give one of them"),
        (
            ["component", "compute", "--arch", "hbm_pim_fp16", "--target", "fpga"],
            "is not told in blocks of gates",
        ),
        (["component"], "which component?"),
        (["7nm", "--json"], "--json is for components"),
    ],
)
def test_show_component_refuses(words, message):
    result = invoke("show", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
