"""``hwsim tradeoff``: the table, the record, the folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hwsim.cli import cli

SMALL = ("tradeoff", "--k", "64", "--rows", "4")


def invoke(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, [*SMALL, *map(str, arguments)])


def test_table_fits_and_folder_has_the_picture(tmp_path: Path) -> None:
    result = invoke("-o", tmp_path / "out", "--distribution", "student_t")
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "[4, 64] × [64, 4], student_t values, seed 0, 7nm" in result.stdout
    assert (tmp_path / "out" / "error_vs_energy.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "out" / "tradeoff.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"label", "energy_per_mac_j", "rel_l2", "own_sqnr_db"} <= set(rows[0])
    assert any(row["hardware"] == "Hopper" for row in rows)


def test_json_repeats_by_seed_and_unknown_nodes_are_one_line() -> None:
    first, again, other = (json.loads(invoke("--json", "--seed", seed).stdout) for seed in (1, 1, 2))
    assert first == again != other
    assert first["shape"] == [4, 64, 4]
    failed = invoke("--node", "nonsense")
    assert failed.exit_code == 2
    assert len(failed.stderr.splitlines()) == 1
