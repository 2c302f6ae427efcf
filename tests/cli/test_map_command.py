"""``hwsim map``: what it prints, writes and refuses."""

import json

import pytest
from click.testing import CliRunner

from hwsim.arch import Architecture
from hwsim.cli import cli

ARCH, WORK = "systolic_int8_ws_32x32", "edge"
TRACE = """\
name: edge
operators:
  - {name: first, op: gemm, m: 96, n: 64, k: 80}
  - {name: second, op: gemm, m: 40, n: 40, k: 40, repeat: 3}
"""


@pytest.fixture
def work(tmp_path):
    file = tmp_path / "edge.yaml"
    file.write_text(TRACE)
    return str(file)


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def answer(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_text(work):
    text = answer("map", ARCH, work)
    assert text.startswith("first: 96 x 64 x 80 (m x n x k)\n")
    assert "second: 3 x 40 x 40 x 40" in text
    for words in (
        "above peak compute",
        "more than every operand once",
        "optimal among all numbers",
        "dram: whole",
    ):
        assert text.count(words) == 2
    assert "second" not in answer("map", ARCH, work, "--layer", "first")


def test_saved_fixed_and_run_again(work, tmp_path):
    file = tmp_path / "mappings.yaml"
    free = json.loads(answer("map", ARCH, work, "-o", file, "--json"))
    assert answer("check", file).startswith(f"{file}: mappings for ")
    assert json.loads(answer("map", ARCH, work, "--fix", file, "--json"))["products"][0]["mappings"][0][
        "cycles"
    ] == free["products"][0]["mappings"][0]["cycles"]  # fmt: skip
    plain, fixed = (json.loads(answer("run", ARCH, work, *more, "--json")) for more in ((), ("--mappings", file)))
    assert [row["traffic_bytes"] for row in fixed["operators"]] == [row["traffic_bytes"] for row in plain["operators"]]
    assert fixed["totals"] == plain["totals"]
    refused = invoke("map", ARCH, work, "-o", file)
    assert refused.exit_code == 2
    assert "exists; name another file, or add --force" in refused.stderr
    answer("map", ARCH, work, "-o", file, "--force")


def test_an_impossible_fix_is_one_line(work, tmp_path):
    file = tmp_path / "mappings.yaml"
    file.write_text("mappings:\n  first:\n    stages:\n      - {m: 96, n: 64}\n  second: {}\n")
    arch = tmp_path / "small.yaml"
    small = "accumulator: {kind: sram, capacity: 16 KiB"
    arch.write_text(Architecture.load(ARCH).text().replace("accumulator: {kind: sram, capacity: 128 KiB", small))
    result = invoke("run", arch, work, "--mappings", file)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(
        f"{file}:4:9: mappings.first.stages[0]: 96x64x80 (m x n x k) does not fit memories.accumulator: its smallest "
        "tile with what is fixed, 96x64x32, needs 24576 B of 16384 B, 8192 B too much; the largest part is the output's"
    )


def test_pareto(work, tmp_path):
    text = answer("map", ARCH, work, "--layer", "first", "--pareto")
    assert "on the whole front" in text
    points = json.loads(answer("map", ARCH, work, "--layer", "first", "--pareto", "--json"))["products"][0]["mappings"]
    assert [one["cycles"] for one in points] == sorted(one["cycles"] for one in points)
    assert [one["energy_j"] for one in points] == sorted((one["energy_j"] for one in points), reverse=True)
    assert invoke("map", ARCH, work, "--pareto", "-o", tmp_path / "x.yaml").exit_code == 2


def test_draw(work, tmp_path):
    file = tmp_path / "nest.png"
    answer("map", ARCH, work, "--draw", file)
    assert file.read_bytes().startswith(b"\x89PNG")
    many = tmp_path / "many.yaml"
    many.write_text(
        "name: many\noperators:\n" + "".join(f"- {{name: g{i}, op: gemm, m: 4, n: 4, k: 4}}\n" for i in range(13))
    )
    refused = invoke("map", ARCH, many, "--draw", tmp_path / "many.png")
    assert refused.exit_code == 2
    assert "a picture has room for 12 products, not 13; name some with --layer" in refused.stderr
    assert not (tmp_path / "many.png").exists()


def test_the_objective(work):
    one, other = (
        json.loads(answer("map", ARCH, work, "--objective", objective, "--json"))["products"]
        for objective in ("cycles", "energy")
    )
    for fast, thrifty in zip(one, other, strict=True):
        assert fast["mappings"][0]["cycles"] <= thrifty["mappings"][0]["cycles"]
        assert fast["mappings"][0]["energy_j"] >= thrifty["mappings"][0]["energy_j"]
