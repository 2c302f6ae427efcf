"""``hwsim formats compare`` and ``hwsim show FORMAT``: numbers, streams, exit codes, files."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from hwsim import formats
from hwsim.cli import cli
from hwsim.formats.analysis import block, crossover, theoretical_qsnr_db
from hwsim.formats.analysis.compare import compare_formats
from hwsim.formats.schemes.hadamard import HadamardRotation
from hwsim.report.format_facts import field_meanings

FAMILIES = (
    "e4m3fn", "fp64", "e8m0fnu", "e2m1fn", "int8", "uint4", "int64", "q4.4", "uq0.8", "posit8", "posit32",
    "takum_linear12", "nf4", "ternary", "binary", "pot4", "lns8_3", "p3109_k8p3se", "mxfp8_e4m3", "nvfp4", "mxint8",
    "bfp8_8x8", "dfp16",
)  # fmt: skip


def invoke(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def answer(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def compared(*arguments):
    found = json.loads(answer("formats", "compare", *arguments, "--json"))
    return found, {row["name"]: row for row in found["formats"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def layer(folder):
    """A tensor of two channels of different magnitude, in each kind of file."""
    tensor = (np.random.default_rng(0).normal(size=(2, 640)) * [[1.0], [64.0]]).astype(np.float32)
    np.save("layer.npy", tensor)
    np.savez("layer.npz", weight=tensor, bias=tensor[0])
    from safetensors.numpy import save_file

    save_file({"a:weight": tensor}, "layer.safetensors")
    return tensor


# compare ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", ["normal", "uniform", "laplace", "student_t"])
def test_the_table_fits_80_columns(distribution):
    shown = answer("formats", "compare", *FAMILIES, "--distribution", distribution)
    assert max(map(len, shown.splitlines())) <= 80
    for name in ("e4m3fn", "posit8", "nvfp4"):
        assert name in shown


def test_bits_per_value_count_the_scales():
    _, rows = compared("int8", "uint8", "mxfp4", "nvfp4", "--granularity", "channel")
    found = {name: row["bits_per_value"] for name, row in rows.items()}
    # One float32 for each row of 1024 values, and for unsigned integers a zero point of 8 bits; OCP MX; NVFP4.
    assert found == {"int8": 8 + 32 / 1024, "uint8": 8 + 40 / 1024, "mxfp4": 4 + 8 / 32, "nvfp4": 4 + 8 / 16}


def test_ranges_are_those_of_the_records():
    _, rows = compared("e4m3fn", "mxfp8_e4m3")
    assert (rows["e4m3fn"]["max"], rows["e4m3fn"]["smallest"]) == (448, 2.0**-9)  # OCP OFP8 1.0, table 2
    assert rows["e4m3fn"]["dynamic_range_db"] == pytest.approx(20 * math.log10(448 * 2**9))
    assert rows["mxfp8_e4m3"]["max"] == 448 * 2.0**127
    assert rows["mxfp8_e4m3"]["smallest"] == 2.0**-9 * 2.0**-127


def test_measured_qsnr_is_that_of_the_arithmetic_by_hand(layer):
    _, rows = compared("int8", "--tensor", "layer.npy")
    scale = np.float64(np.float32(np.abs(layer.astype(np.float64)).max() / 127))
    rounded = np.clip(np.rint(layer / scale), -128, 127) * scale
    by_hand = 10 * math.log10(np.square(layer, dtype=np.float64).sum() / np.square(layer - rounded).sum())
    assert rows["int8"]["qsnr_db"] == pytest.approx(by_hand, abs=1e-9)


def test_granularity_says_who_shares_the_scale(layer):
    by_name = {}
    for granularity in ("tensor", "channel", "none"):
        found, rows = compared("int8", "--tensor", "layer.npy", "--granularity", granularity)
        by_name[granularity] = rows["int8"]
        assert found["tensor"]["shape"] == [2, 640]
    assert [row["scale"] for row in by_name.values()] == ["max|x| per tensor", "max|x| per channel", "none"]
    assert [row["shared_by"] for row in by_name.values()] == [1280, 640, 1280]
    assert by_name["none"]["theoretical_qsnr_db"] is None
    plain = compare_formats([formats.get("int8")], layer, "none")[0]
    assert plain.qsnr_db == by_name["none"]["qsnr_db"] < by_name["tensor"]["qsnr_db"]


@pytest.mark.parametrize("file", ["layer.npy", "layer.npz:weight", "layer.safetensors", "layer.safetensors:a:weight"])
def test_every_kind_of_file_gives_the_same(layer, file):
    found, rows = compared("e4m3fn", "--tensor", file)
    assert found["tensor"]["file"] == file
    assert rows["e4m3fn"]["qsnr_db"] == compare_formats([formats.get("e4m3fn")], layer)[0].qsnr_db


@pytest.mark.parametrize(("name", "theory"), [("mxfp8_e4m3", "mxfp8"), ("mxint4", "mxint4"), ("nvfp4", "nvfp4")])
def test_theory_is_that_of_the_block_at_the_measured_crest_factor(name, theory):
    _, rows = compared(name)
    row = rows[name]
    assert row["theoretical_qsnr_db"] == theoretical_qsnr_db(block(theory), row["crest_factor"])
    assert 1 < row["crest_factor"] < math.sqrt(row["shared_by"])


def test_gaussian_data_per_tensor_come_out_as_theory_says():
    _, rows = compared("int8", "e4m3fn", "e5m2")
    for row in rows.values():  # 1 % of the noise is 0.04 dB; 8-bit steps are nearly uniform
        assert row["qsnr_db"] == pytest.approx(row["theoretical_qsnr_db"], abs=0.5)


def test_a_known_pair_shows_its_crossover():
    found, _ = compared("mxint4", "mxfp4", "nvint4", "nvfp4", "mxint8", "mxfp8_e4m3", "nf4")
    known = {("mxint4", "mxfp4"): True, ("nvint4", "nvfp4"): True, ("mxint8", "mxfp8_e4m3"): False}
    crossings = {(each["integer"], each["floating"]): each for each in found["crossovers"]}
    assert {pair: each["attainable"] for pair, each in crossings.items()} == known
    # arXiv:2510.25602 in exact constants; see tests/formats/analysis/test_crossovers.py.
    assert crossings["mxint4", "mxfp4"]["crest_factor"] == crossover(block("mxint4"), block("mxfp4"))
    shown = answer("formats", "compare", "mxint4", "mxfp4")
    assert "mxint4 and mxfp4 cross at a crest factor of 2.04" in shown


def test_rotation_is_that_of_the_library(layer):
    found, rows = compared("int4", "--tensor", "layer.npy", "--hadamard", "64", "--seed", "7")
    assert found["tensor"]["hadamard"] == 64
    rotated = HadamardRotation(64, 7).forward(layer)
    assert rows["int4"]["qsnr_db"] == compare_formats([formats.get("int4")], rotated)[0].qsnr_db


def test_the_same_seed_gives_the_same_and_another_one_another():
    once, again, other = (answer("formats", "compare", "int4", "--json", "--seed", seed) for seed in ("5", "5", "6"))
    assert once == again
    assert json.loads(once)["formats"] != json.loads(other)["formats"]


def test_what_is_not_known_is_null():
    _, rows = compared("posit8", "fp64", "nf4", "mxfp4", "--granularity", "none")
    assert rows["posit8"]["theoretical_qsnr_db"] is None
    assert rows["nf4"]["loss_penalty"] is None
    assert rows["mxfp4"]["loss_penalty"] > 0
    assert rows["fp64"]["qsnr_db"] is None  # infinite: nothing was lost
    assert "exact" in answer("formats", "compare", "fp64", "--granularity", "none")


def test_unsigned_integers_get_a_zero_point_and_posits_the_root_mean_square():
    _, rows = compared("uint8", "posit16")
    assert rows["uint8"]["scale"] == "range per tensor"
    assert rows["uint8"]["qsnr_db"] > 30
    assert rows["posit16"]["scale"] == "RMS per tensor"
    assert rows["posit16"]["qsnr_db"] > 70


def test_a_folder_is_written_once_and_replaced_only_by_force(folder):
    answer("formats", "compare", "mxint4", "mxfp4", "nf4", "-o", "out")
    assert sorted(path.name for path in (folder / "out").iterdir()) == [".hwsim.json", "formats.json", "qsnr.png"]
    assert (folder / "out" / "qsnr.png").read_bytes().startswith(b"\x89PNG")
    stored = (folder / "out" / "formats.json").read_text()
    assert [row["name"] for row in json.loads(stored)["formats"]] == ["mxint4", "mxfp4", "nf4"]
    again = invoke("formats", "compare", "int8", "-o", "out")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert (folder / "out" / "formats.json").read_text() == stored
    answer("formats", "compare", "int8", "-o", "out", "--force")
    assert (folder / "out" / "formats.json").read_text() != stored


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["int8", "e4m3fnn"], "unknown format 'e4m3fnn'; did you mean 'e4m3fn'?"),
        (["int8", "mxfpp4"], "did you mean 'mxfp4'?"),
        (["int8", "--tensor", "none.npy"], "none.npy: no such file"),
        (["int8", "--tensor", "none.npz"], "none.npz: no such file"),
        (["int8", "--tensor", "layer.csv"], "expected a tensor file"),
        (["int8", "--tensor", "layer.npz:wieght"], "did you mean 'weight'?"),
        (["int8", "--tensor", "layer.npz"], "holds 2 tensors; name one"),
        (["int8", "--tensor", "layer.npy:weight"], "holds one tensor"),
        (["int8", "--tensor", "text.npy"], "text.npy: no readable tensor file"),
        (["int8", "--tensor", "words.npy"], "words.npy: expected an array of numbers"),
        (["int8", "--tensor", "nan.npy"], "cannot measure NaN or infinity"),
        (["int8", "--tensor", "empty.npy"], "cannot measure no values"),
        (["int8", "--tensor", "zeros.npy"], "zeros have no crest factor"),
        (["int8", "--tensor", "layer.npy", "--distribution", "normal"], "not both"),
        (["int8", "--hadamard", "7"], "no Hadamard matrix of order 7"),
        (["int8", "--tensor", "layer.npy", "--hadamard", "256"], "needs a multiple of that, got an axis of 640"),
        (["bfp8_8x8", "--tensor", "vector.npy"], "tiles need a tensor of two axes"),
    ],
)  # fmt: skip
def test_failure_is_one_line_and_leaves_nothing(layer, folder, arguments, words):
    np.save("nan.npy", np.array([1.0, np.nan]))
    np.save("empty.npy", np.zeros(0))
    np.save("zeros.npy", np.zeros(8))
    np.save("vector.npy", np.ones(64))
    np.save("words.npy", np.array(["a", "b"]))
    (folder / "text.npy").write_text("no array")
    before = sorted(folder.iterdir())
    result = invoke("formats", "compare", *arguments, "-o", "out")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "arguments", [[], ["compare"], ["compare", "int8", "--distribution", "cauchy"], ["compare", "int8", "--seed", "-1"],
                  ["compare", "int8", "--granularity", "row"], ["compare", "int8", "--hadamard", "0"]], ids=" ".join,
)  # fmt: skip
def test_bad_usage_exits_with_2(arguments):
    result = invoke("formats", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr


# show ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_show_says_every_field_and_fits_80_columns(name):
    shown = answer("show", f"format/{name}")
    assert max(map(len, shown.splitlines())) <= 80
    for field in field_meanings(type(formats.get(name))):
        assert field in shown
    for word in ("source", "on a line", "precision"):
        assert word in shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("e4m3fn", ["Significand bits with the hidden one", "107.2 dB", "253", "inf, saturate", "2^-6 … 448    4.1"]),
        ("e5m2", ["inf, saturate, saturate_finite"]),
        ("int8", ["-128", "saturate, wrap", "64 … 127    7.0", "linear"]),
        ("nvfp4", ["divide", "4.5 bits a value", "values of its elements, e2m1fn", "-6 -4 -3 -2 -1.5 -1 -0.5 0 0.5"]),
        ("posit8", ["Posit Standard (2022)", "2^-4 … 16    4.1", "logarithmic"]),
        ("fp32", ["2^32", "24.0"]),
    ],
)
def test_show_says_what_follows(name, words):
    shown = answer("show", name)
    for word in words:
        assert word in shown, word


@pytest.mark.parametrize("name", ["e4m3fn", "int64", "posit16", "lns8_3", "mxfp4", "binary"])
def test_show_draws_the_figure(folder, name):
    answer("show", name, "-o", "figure.png")
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in folder.iterdir()] == ["figure.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["e4m3fnn"], "did you mean 'e4m3fn'?"),
        (["systolic"], "only formats have a figure"),
        (["e4m3fn", "-o", "figure.pdf"], "figure.pdf: a figure is a .png file"),
        (["e4m3fn", "-o", "missing/figure.png"], "there is no folder 'missing'"),
    ],
)
def test_show_that_fails_is_one_line_and_leaves_nothing(folder, arguments, words):
    result = invoke("show", *arguments, *([] if "-o" in arguments else ["-o", "figure.png"]))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_help_starts_light():
    code = (
        "import sys\nfrom hwsim.cli import cli\ntry: cli(['formats', 'compare', '--help'])\nexcept SystemExit: pass\n"
        "print(*{'numpy', 'numba', 'pandas', 'matplotlib'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
