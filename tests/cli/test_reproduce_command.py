"""``hwsim reproduce``: tables, JSON, folder, files as operands, interruption, exit codes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from hwsim.cli import cli

SMALL = ("-m", "6", "-n", "16", "-k", "256")
FP8 = ("--operands", "e4m3fn", "--unit", "ada.mma", "--unit", "hopper.wgmma")


def invoke(*arguments):
    return CliRunner().invoke(cli, ["reproduce", *arguments])


def answer(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_the_tables_fit_100_columns():
    orders = [word for name in ("single_chain", "cublaslt_rtx4060_slow,split_k=4,combine=pairwise", "fill_sms_h100",
                                "stream_k_a100") for word in ("--order", name)]  # fmt: skip
    shown = answer(*SMALL, *FP8, *orders, "--unit", "cdna3.mfma:e4m3fnuz", "--batch", "1,6,100000")
    assert max(map(len, shown.splitlines())) <= 100
    assert "…" not in shown[shown.index("Against the references") :]
    for word in (
        "6 × 16 × 256",
        "hopper.wgmma e4m3fn",
        "cdna3.mfma e4m3fnuz",
        "≠ LC",
        "The same bits in batches",
    ):
        assert word in shown


def test_the_defaults_run():
    shown = answer("-n", "8", "-k", "128")
    assert "ampere.mma bf16" in shown and "fill_sms_h100" in shown and "64 × 8 × 128" in shown


def test_json_and_the_folder_say_the_same(tmp_path):
    arguments = (*SMALL, *FP8, "--batch", "1,512", "--order", "fill_sms_rtx4060", "--rows", "4", "--columns", "5")
    found = json.loads(answer(*arguments, "--json", "-o", str(tmp_path / "out")))
    assert json.loads((tmp_path / "out" / "reproduce.json").read_text()) == found
    assert found["gemm"]["rows"][0] == 0 and len(found["gemm"]["rows"]) == 4 and len(found["gemm"]["columns"]) == 5
    assert [case["evidence"]["order"]["grade"] for case in found["cases"]] == ["assumed", "assumed"]
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert {"cases.csv", "batches.csv", "figures/differing_bits.png", "figures/batch_invariance.png"} <= names
    rows = list(csv.DictReader((tmp_path / "out" / "cases.csv").read_text().splitlines()))
    assert [float(row["differing_exact"]) for row in rows] == [
        case["against"]["exact"]["differing"] for case in found["cases"]
    ]
    assert invoke(*arguments, "-o", str(tmp_path / "out")).exit_code == 2  # without --force


def test_the_same_seed_gives_the_same_answer():
    arguments = (*SMALL, *FP8, "--json", "--seed", "7", "--distribution", "student_t", "--order", "cublaslt_h100_slow")
    assert answer(*arguments) == answer(*arguments)


def test_operands_from_files(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.normal(size=(3, 64)).astype(np.float32))
    np.savez(tmp_path / "w.npz", head=rng.normal(size=(64, 7)), other=np.ones(2))
    files = ("--a", str(tmp_path / "a.npy"), "--b", f"{tmp_path / 'w.npz'}:head")
    assert "3 × 7 × 64" in answer(*files)
    assert "come together" in invoke(*files[:2]).stderr
    assert "not both" in invoke(*files, "-m", "4").stderr
    assert "other" in invoke(*files[:3], f"{tmp_path / 'w.npz'}:tail").stderr
    assert "[3, 64] and [3, 64]" in invoke("--a", files[1], "--b", files[1]).stderr


def test_orders_are_listed_and_shown():
    listed = CliRunner().invoke(cli, ["list", "orders"])
    assert "cublaslt_rtx4060_slow" in listed.stdout
    shown = CliRunner().invoke(cli, ["show", "stream_k_a100"])
    assert shown.exit_code == 0 and "arXiv:2301.03598" in shown.stdout
    assert "fill_sms_h100" in CliRunner().invoke(cli, ["show", "orders/fill_sms_h10"]).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--unit", "ampere.nma"), "ampere.mma"),
        (("--order", "single_chian"), "single_chain"),
        (("--batch", "1,x"), "sizes such as 1,8,64"),
        (("--batch", "0"), "at least 1"),
        (("--batch", "2,2"), "different"),
        (("--output-format", "int8"), "floating-point"),
        (("--output-format", "bf61"), "bf16"),
        (("--rows", "0"), "--rows"),
    ],
)
def test_bad_input_is_exit_code_2(arguments, words):
    result = invoke(*SMALL, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    """A GEMM of minutes ends within seconds: exit code 130, one line, no folder."""
    arguments = ("-m", "2048", "-n", "2048", "-k", "8192", *FP8, "--order", "single_chain", "-o", str(tmp_path / "out"))
    started = subprocess.Popen(
        [sys.executable, "-m", "hwsim", "reproduce", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    time.sleep(9)
    assert started.poll() is None, started.stderr.read()
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert (started.returncode, errors) == (130, "interrupted\n")
    assert list(tmp_path.iterdir()) == []
