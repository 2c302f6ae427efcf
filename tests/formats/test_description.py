"""Formats written in YAML, inline and in files, and what is said of wrong ones."""

import json

import pytest
from click.testing import CliRunner

from hwsim.base.errors import InputError
from hwsim.cli import cli
from hwsim.datapath import Datapath
from hwsim.formats import BlockFormat, CodebookFormat, FloatFormat, get, load

FILE = """formats:
  narrow:   {kind: float, exponent_bits: 4, precision: 3, bias: 9, specials: fnuz}
  levels:   {kind: codebook, levels: [0, 1.5, 4, null, -4, -1.5]}
  posits:   {kind: posit, bits: 10, exponent_bits: 1}
  grouped:
    kind: block
    element: {kind: codebook, name: inner, levels: [-1, -0.3, 0.3, 1]}
    size: 64
    scale: fp16
    rule: divide
    nonfinite: error
"""


def _write(folder, text, name="formats.yaml"):
    file = folder / name
    file.write_text(text)
    return file


def test_a_file_of_formats(tmp_path):
    found = load(_write(tmp_path, FILE))
    assert found["narrow"] == FloatFormat("narrow", 4, 3, 9, specials="fnuz")
    assert found["levels"] == CodebookFormat("levels", (0.0, 1.5, 4.0, None, -4.0, -1.5))
    assert found["posits"].encode([1.0]) == get("posit10_1").encode([1.0])
    grouped = found["grouped"]
    assert isinstance(grouped, BlockFormat) and grouped.element.name == "inner" and grouped.bits_per_value == 2.25
    assert grouped.quantize([0.5, -2.0, 1.0]).dequantize().tolist() == [0.6, -2.0, 0.6]


def test_one_format_is_called_after_its_file(tmp_path):
    file = _write(tmp_path, "kind: integer\nbits: 6\nsymmetric: true\n", "mine.yaml")
    assert load(file)["mine"].min == -31


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: flaot\nbits: 3\n", r"1:7: kind: unknown kind of format 'flaot'; did you mean 'float'\?"),
        ("bits: 3\n", r"expected a kind: block, codebook"),
        ("kind: posit\nbitz: 3\n", r"2:7: bitz: unknown key 'bitz'; did you mean 'bits'\?"),
        ("kind: posit\nbits: wide\n", r"2:7: bits: .*valid integer"),
        ("kind: posit\nbits: 40\n", r"1:1: posit format 'x': expected 2 to 32 bits"),
        ("kind: codebook\nlevels: [1, a]\n", r"2:13: levels\[1\]: .*valid number"),
        ("formats:\n  a: {kind: block, element: e4m3fm}\n", r"2:29: formats\.a\.element: .*did you mean 'e4m3fn'"),
        ("formats:\n  a: 3\n", r"2:6: formats\.a: expected a kind and its fields"),
        ("formats: 3\n", r"expected names and descriptions"),
    ],
)  # fmt: skip
def test_a_wrong_file_gets_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as raised:
        load(_write(tmp_path, text, "x.yaml"))
    assert "\n" not in str(raised.value)


def test_a_field_takes_a_description_in_place_of_a_name():
    datapath = Datapath(
        operands={"a": {"kind": "float", "name": "f", "exponent_bits": 3, "precision": 3, "bias": 3}, "b": "int4"},
        accumulator={"format": "fp32"},
    )
    assert datapath.operands.a.max == 14
    described = {"kind": "posit", "name": "p", "bits": 7}
    assert Datapath(operands={"a": described, "b": "int8"}, accumulator="fp32").matmul([[1.5]], [[3]]) == [[4.5]]


def test_the_command_line_takes_files_of_formats(tmp_path):
    file = _write(tmp_path, "formats:\n  mine: {kind: posit, bits: 7}\n  pack: {kind: block, element: mine, size: 8}\n")
    assert load(file)["pack"].element is not None and load(file)["pack"].element.name == "mine"
    compared = CliRunner().invoke(cli, ["formats", "compare", str(file), "mxfp4", "--json"])
    assert compared.exit_code == 0
    assert [row["name"] for row in json.loads(compared.stdout)["formats"]] == ["mine", "pack", "mxfp4"]
    shown = CliRunner().invoke(cli, ["show", str(file)])
    assert shown.exit_code == 0 and "mine  a posit format, 7 bits" in shown.stdout and "pack  " in shown.stdout
