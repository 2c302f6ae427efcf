"""``hwsim accumulators``: table, JSON, folder, exit codes."""

import csv
import json

import pytest
from click.testing import CliRunner

from hwsim.base.shipped import shipped
from hwsim.cli import cli


def invoke(*arguments):
    return CliRunner().invoke(cli, ["accumulators", *arguments])


def answer(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("arch", sorted(shipped("archs")))
def test_every_shipped_architecture_fits_100_columns(arch):
    shown = answer(arch, "digits_cnn", "--rows", "4")
    assert max(map(len, shown.splitlines())) <= 100
    for word in ("conv1", "fc", "present", "4 of 23,040 rows"):
        assert word in shown
    assert "…" not in shown.replace("(…)", "")


def test_a_deep_network_fits_too():
    shown = answer("edge_int4", "digits_vit", "--rows", "4")
    assert max(map(len, shown.splitlines())) <= 100
    assert "Inner accumulator: int16 saturate, sums of up to 16 products" in shown


def test_json_and_the_folder_say_the_same(tmp_path):
    arguments = ("systolic_int8_ws_32x32", "digits_cnn", "--rows", "16")
    found = json.loads(answer(*arguments, "--json", "-o", str(tmp_path / "out")))
    assert json.loads((tmp_path / "out" / "accumulators.json").read_text()) == found
    assert [layer["name"] for layer in found["layers"]] == ["conv1", "conv2", "fc"]
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert {
        "report.html", "widths.csv", "errors.csv", "figures/accumulator_widths.png",
        "figures/accumulator_errors_inner.png", "figures/accumulator_errors_outer.png",
    } <= names  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "out" / "widths.csv").read_text().splitlines()))
    assert [int(row["partial_bits"]) for row in rows] == [
        register["partial_bits"] for layer in found["layers"] for register in layer["registers"]
    ]
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg") == 3 and "int24 saturate" in page


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    result = invoke("edge_int4", "digits_cnn", "--rows", "4", "-o", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1 and "not a folder that hwsim wrote" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("edge_int", "digits_cnn"), "edge_int4"),
        (("edge_int4", "digits_cn"), "digits_cnn"),
        (("edge_int4", "digits_cnn", "--rows", "0"), "--rows"),
    ],
)
def test_bad_input_is_exit_code_2(arguments, words):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
