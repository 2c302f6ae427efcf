"""Broken descriptions: each gives one line with its place and a remedy, exit code 2, and leaves nothing on disk."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from hwsim.base.shipped import shipped
from hwsim.cli import cli

GOOD = shipped("archs")["systolic_int8_ws_32x32"].read_text()
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def edited(old, new, count=1):
    assert old in GOOD
    return GOOD.replace(old, new, count)


BROKEN = {
    "missing key": (edited("  rows: 32\n", ""), "compute: missing key 'rows'"),
    "missing part": (edited("technology: {node: 7nm, clock: 1 GHz}\n", ""), "missing key 'technology'"),
    "unknown key": (edited("  cols: 32", "  cols: 32\n  colour: red"), ":15:3: compute: unknown key 'colour'"),
    "misspelt key": (edited("  cols: 32", "  colls: 32"), "unknown key 'colls'; did you mean 'cols'?"),
    "unknown key at the top": (edited("vector:", "vektor:"), "unknown key 'vektor'; did you mean 'vector'?"),
    "duplicate key": (edited("  cols: 32", "  cols: 32\n  rows: 16"), ":15:3: compute: duplicate key 'rows', first on"),
    "wrong type": (edited("bits: 24", "bits: wide"), "expected an integer between 2 and 64, got 'wide'"),
    "out of range": (edited("bits: 24", "bits: 65"), "expected an integer between 2 and 64, got 65"),
    "a fraction of a row": (edited("rows: 32", "rows: 1.5"), "compute.rows: expected an integer between 1 and"),
    "a boolean for a number": (edited("rows: 32", "rows: true"), "compute.rows: expected a number, got true"),
    "negative size": (edited("1 MiB", "-1 MiB"), "memories.buffer.capacity: expected an integer above 0, got '-1 MiB'"),
    "zero clock": (edited("1 GHz", "0 GHz"), "technology.clock: expected a number above 0, got '0 GHz'"),
    "a clock past light": (edited("1 GHz", "1e300 Hz"), "technology.clock: expected at most 1e+15 Hz, got '1e300 Hz'"),
    "more bytes than 64 bits count": (edited("1 MiB", "1e30 B"), "capacity: expected at most 1.15292e+18 B"),
    "unknown unit": (edited("1 MiB", "1 MiBit"), "unknown unit 'MiBit', expected B with a prefix, such as '1 MiB'"),
    "half a byte": (edited("width: 64 B", "width: 0.5 B"), "expected a whole number of B, got '0.5 B'"),
    "misspelt format": (edited("a: int8", "a: itn8"), "operands.a: unknown format 'itn8'; did you mean 'int8'?"),
    "misspelt kind": (edited("kind: systolic", "kind: sistolic"), "unknown kind 'sistolic'; did you mean 'systolic'?"),
    "misspelt choice": (edited("weight_stationary", "weight_stationry"), "did you mean 'weight_stationary'?"),
    "misspelt multiplier": (edited("exact", "exat"), "unknown kind 'exat'; did you mean 'exact'?"),
    "unknown node": (edited("7nm", "8nm"), "unknown technology '8nm'; did you mean '7nm'?"),
    "unknown DRAM": (edited("HBM2", "HBM9"), "memories.dram.standard: "),
    "a number for a mapping": (edited("{node: 7nm, clock: 1 GHz}", "7"), "expected keys and values, got 7"),
    "a list for a mapping": (edited("{node: 7nm, clock: 1 GHz}", "[7]"), "expected keys and values, got a list of 1"),
    "nothing for a mapping": (edited("{node: 7nm, clock: 1 GHz}", ""), "expected keys and values, got nothing"),
    "formats that do not match": (edited("{format: int8, granularity: channel", "{format: e4m3, granularity: channel"),
                                  "quantization.weights.format: the compute unit takes int8 weights, got e4m3"),
    "group without size": (edited("channel", "group"), "'group_size' goes with granularity 'group'"),
    "SRAM without capacity": (edited("capacity: 1 MiB, ", ""), "memories.buffer: missing key 'capacity'"),
    "empty file": ("", "the file is empty"),
    "only comments": ("# nothing\n", "the file is empty"),
    "a list at the top": ("- a\n- b\n", "expected keys and values at the top, got a list"),
    "tab": (edited("  rows: 32", "\trows: 32"), ":13:1: tab before text; indent with spaces"),
    "alias bomb": (BOMB, ":1:4: anchors (&name) are not supported"),
    "a tag that runs code": ("name: !!python/object/apply:os.system ['touch ran']\n", "tags"),
    "unclosed bracket": (edited("holds: [output]", "holds: [output"), "not YAML"),
    "wrong indentation": (edited("  cols: 32", "   cols: 32"), "not YAML"),
    "two documents": (GOOD + "---\nname: again\n", "a second document starts here"),
    "nesting": ("a: " + "[" * 10_000, "nested more than 64 levels deep"),
    "a NUL": (GOOD + "\0", "character U+0000 is not allowed"),
    "octal or decimal": (edited("rows: 32", "rows: 032"), "'032' could mean octal or decimal"),
    "infinity": (edited("rows: 32", "rows: .inf"), "'.inf' is not a finite number"),
    "neither kind of file": ("colour: red\n", "neither an architecture (memories, compute), a workload"),
}  # fmt: skip
ONLY_CHECK = {"neither kind of file"}  # `run` knows what it expects and says what is missing


def one_line_refusal(result, folder, before):
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == before
    return result.stderr


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("case", BROKEN)
def test_broken(case, command, folder):
    text, words = BROKEN[case]
    (folder / "arch.yaml").write_bytes(text.encode())
    arguments = ["check", "arch.yaml"] if command == "check" else ["run", "arch.yaml", "digits_cnn", "-o", "out"]
    line = one_line_refusal(CliRunner().invoke(cli, arguments), folder, ["arch.yaml"])
    assert line.startswith("arch.yaml:")
    if command == "check" or case not in ONLY_CHECK:
        assert words in line


@pytest.mark.parametrize("command", [["check"], ["run", "-o", "out"]], ids=["check", "run"])
def test_files_that_are_none(command, folder):
    (folder / "folder.yaml").mkdir()
    (folder / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with (folder / "big.yaml").open("wb") as big:
        big.truncate(100_000_000)
    before = sorted(path.name for path in folder.iterdir())
    for name, words in {
        "missing.yaml": "no such file",
        "folder.yaml": "is a folder",
        "latin.yaml": "byte 0xe9 is not UTF-8",
        "big.yaml": "95.4 MiB is more than the 8.0 MiB",
        "sistolic_int8_ws_32x32": "did you mean 'systolic_int8_ws_32x32'?",
    }.items():
        extra = ["digits_cnn"] if command[0] == "run" else []
        line = one_line_refusal(CliRunner().invoke(cli, [command[0], name, *extra, *command[1:]]), folder, before)
        assert words in line
        assert line.startswith(name)


WORKLOADS = {
    "misspelt operator": ("name: w\noperators:\n- {name: a, op: gem, m: 1, n: 1, k: 1}\n", "did you mean 'gemm'?"),
    "missing tensors": ("name: w\ntensors: no.npz\noperators:\n- {name: a, op: gemm, m: 1, n: 1, k: 1}\n", "no.npz"),
    "negative extent": ("name: w\noperators:\n- {name: a, op: gemm, m: -1, n: 1, k: 1}\n", ":3:26: operators[0].m: "),
    "more than can be counted": ("name: w\noperators:\n- {name: a, op: gemm, m: 1180591620717411303424, n: 1, k: 1}\n",
                                 "operators[0]: a: more than 2^60 operations"),
    "repeated beyond counting": ("name: w\noperators:\n"
                                 "- {name: a, op: gemm, m: 1, n: 1, k: 1, repeat: 9876543210987654321}\n",
                                 "operators[0]: a: more than 2^60 operations"),
    "no operators": ("name: w\noperators: []\n", "operators: "),
    "two of one name": ("name: w\noperators:\n- {name: a, op: gemm, m: 1, n: 1, k: 1}\n"
                        "- {name: a, op: gemm, m: 1, n: 1, k: 1}\n", "'a'"),
}  # fmt: skip


@pytest.mark.parametrize("case", WORKLOADS)
def test_broken_workload(case, folder):
    text, words = WORKLOADS[case]
    (folder / "work.yaml").write_text(text)
    for arguments in (["check", "work.yaml"], ["run", "systolic_int8_ws_32x32", "work.yaml", "-o", "out"]):
        line = one_line_refusal(CliRunner().invoke(cli, arguments), folder, ["work.yaml"])
        assert line.startswith("work.yaml:")
        assert words in line


STUDY = shipped("studies")["accumulator_width"].read_text()
STUDIES = {
    "path that leads nowhere": (STUDY.replace("accumulator.bits:", "accumulator.bitz:"), "did you mean 'bits'?"),
    "level out of range": (
        STUDY.replace("from: 10, to: 24", "from: 10, to: 99"),
        "expected an integer between 2 and 64",
    ),
    "missing architecture": (STUDY.replace("systolic_int8_ws_32x32", "nonesuch"), ":4:15: architecture: "),
    "unknown objective": (
        STUDY.replace("accuracy: max", "acuracy: max"),
        ":10:14: objectives: unknown key 'acuracy'; did you mean 'accuracy'?",
    ),
    "accuracy of what has no labels": (
        STUDY.replace("digits_cnn", "gemv_4096"),
        ":10:24: objectives.accuracy: workload 'gemv_4096' has no metric",
    ),
}


@pytest.mark.parametrize("case", STUDIES)
def test_broken_study(case, folder):
    text, words = STUDIES[case]
    assert text != STUDY
    (folder / "study.yaml").write_text(text)
    for arguments in (["check", "study.yaml"], ["explore", "study.yaml", "-o", "out"]):
        line = one_line_refusal(CliRunner().invoke(cli, arguments), folder, ["study.yaml"])
        assert line.startswith("study.yaml:")
        assert words in line


def test_check_reports_every_file_and_goes_on(folder):
    (folder / "bad.yaml").write_text(BROKEN["tab"][0])
    (folder / "good.yaml").write_text(GOOD)
    result = CliRunner().invoke(cli, ["check", "bad.yaml", "good.yaml", "missing.yaml"])
    assert result.exit_code == 2
    assert result.stdout == "good.yaml: architecture 'systolic-int8-ws-32x32' is fine\n"
    assert len(result.stderr.splitlines()) == 2


def test_the_real_command_prints_one_line_and_exits_with_2(folder):
    (folder / "bad.yaml").write_text(BROKEN["wrong type"][0])
    command = [sys.executable, "-m", "hwsim", "run", "bad.yaml", "digits_cnn", "-o", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "bad.yaml:19:40: compute.pe.accumulator.bits: expected an integer between 2 and 64, got 'wide'\n"
    )
    assert not (folder / "out").exists()
