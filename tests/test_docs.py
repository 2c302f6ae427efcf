"""Every YAML block of the documentation is a file that hwsim accepts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hwsim.arch import Architecture
from hwsim.arch.gemm_orders import gemm_order
from hwsim.cli import cli
from hwsim.explore import load_study
from hwsim.workload import Workload

DOCS = Path(__file__).parent.parent / "docs"
BLOCKS = [
    pytest.param(kind, block, id=f"{page.stem}-{number}-{kind}")
    for page in sorted(DOCS.glob("*.md"))
    for number, (kind, block) in enumerate(
        re.findall(r"^```yaml (\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )
]
LOADERS = {"architecture": Architecture.load, "workload": Workload.load, "study": load_study, "order": gemm_order}


def test_there_are_blocks() -> None:
    assert {param.values[0] for param in BLOCKS} == set(LOADERS)


@pytest.mark.parametrize(("kind", "block"), BLOCKS)
def test_yaml_block_is_accepted(kind: str, block: str, tmp_path: Path) -> None:
    folder = tmp_path / "studies"  # where '../arch_configs' is what ships
    folder.mkdir()
    for shipped in ("arch_configs", "workloads"):
        (tmp_path / shipped).symlink_to(DOCS.parent / shipped)
    file = folder / "file.yaml"
    file.write_text(block, encoding="utf-8")
    LOADERS[kind](str(file))


def test_the_first_architecture_runs_the_first_workload(tmp_path: Path) -> None:
    from hwsim.engine import simulate

    files = {}
    for param in reversed(BLOCKS):
        kind, block = param.values
        files[kind] = tmp_path / f"{kind}.yaml"
        files[kind].write_text(str(block), encoding="utf-8")
    result = simulate(Architecture.load(files["architecture"]), Workload.load(files["workload"]))
    assert [row["name"] for row in result.operators if row["macs"]] == [
        "conv", "deep", "qkv", "mixed.scores", "mixed.context",
    ]  # fmt: skip
    assert all(row["sqnr_db"] > 0 for row in result.operators)


@pytest.mark.parametrize(
    ("command", "output"),
    re.findall(
        r"^```\nhwsim (reproduce [^\n]*)\n```\n\nprints\n\n```\n(.*?)^```",
        (DOCS / "reproduce.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE,
    ),
    ids=["fp8", "bf16"],
)  # fmt: skip
def test_the_worked_examples_are_what_the_commands_print(command: str, output: str) -> None:
    result = CliRunner().invoke(cli, shlex.split(command))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == output


def test_the_python_of_reproduce_runs() -> None:
    (block,) = re.findall(
        r"^```python\n(.*?)^```", (DOCS / "reproduce.md").read_text(encoding="utf-8"), re.DOTALL | re.M
    )
    rng = np.random.default_rng(0)
    scope = {"a_bits": rng.integers(0, 126, (8, 256)), "b_bits": rng.integers(0, 126, (256, 64)), "print": lambda *_: 0}
    exec(block, scope)
    assert scope["d"].shape == (2, 64)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
