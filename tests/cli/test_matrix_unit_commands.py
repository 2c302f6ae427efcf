"""Matrix units and the probe on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hwsim.arch.matrix_units import names
from hwsim.base.shipped import shipped
from hwsim.cli import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_list_names_every_unit() -> None:
    shown = run("list", "matrix-units")
    assert shown.exit_code == 0
    assert all(name in shown.output for name in names())


@pytest.mark.parametrize("name", names())
def test_show_and_check_every_unit(name: str) -> None:
    shown = run("show", name)
    assert shown.exit_code == 0 and ("MMA-Sim" in shown.output or name == "simt.fma")
    assert run("show", f"matrix-units/{name}").output == shown.output
    assert run("show", str(shipped("matrix_units")[name])).output == shown.output
    for spelled in (name, str(shipped("matrix_units")[name])):
        checked = run("check", spelled)
        assert (checked.exit_code, checked.output) == (0, f"{spelled}: matrix unit '{name}' is fine\n")


def test_show_has_parameters_evidence_and_cycles() -> None:
    text = " ".join(run("show", "hopper.wgmma").output.split())
    for word in ("L=32, F=13", "e8m13", "hardware-checked: H100", "wgmma m64n64k16", "arXiv:2402.13499"):
        assert word in text


@pytest.mark.parametrize("command", [("show",), ("check",), ("probe",)])
def test_the_nearest_name(command: tuple[str, ...]) -> None:
    failed = run(*command, "hopper.wgma")
    assert failed.exit_code == 2
    assert "did you mean 'hopper.wgmma'" in failed.output


def test_a_wrong_line_in_a_unit_has_its_place(tmp_path: Path) -> None:
    text = shipped("matrix_units")["volta.mma"].read_text().replace("align_bits: 23", "align_bitz: 23", 1)
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    failed = run("check", str(file))
    assert failed.exit_code == 2 and "align_bits" in failed.output and "mine.yaml:" in failed.output


def test_probe_of_one_instruction_and_its_dot_products() -> None:
    shown = run("probe", "hopper.wgmma", "--a", "e4m3fn", "--d", "fp32", "--verbose")
    assert shown.exit_code == 0
    text = " ".join(shown.output.split())
    assert "fused, L = 32, F = 13, rz, 14 bits" in text
    assert "F = 13, not 12" in text and "0x7fffffff" in text


def test_probe_of_a_whole_unit_and_as_json() -> None:
    shown = run("probe", "cdna2.mfma")
    for words in ("tree, L = 4", "tree, L = 2", "FMA chain", "integer"):
        assert words in shown.output
    found = json.loads(run("probe", "cdna1.mfma", "--a", "bf16", "--json").output)
    assert (found["kind"], found["differing"]) == ("exact", 0)
    assert found["datapath"]["reduction"] == {"kind": "exact", "lanes": 2}


def test_probe_of_a_datapath_file_and_of_an_architecture(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("operands: {a: bf16, b: bf16}\nreduction: {kind: tree, lanes: 4}\naccumulator: fp32\n")
    assert "tree, L = 4, rne" in run("probe", str(file)).output
    assert "integer, L = 32" in run("probe", "systolic_int8_ws_32x32").output
    assert run("probe", "systolic_int8_ws_32x32", "--a", "int8").exit_code == 2
