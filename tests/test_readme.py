"""What the README shows works as it stands."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hwsim.arch import Architecture

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_python_blocks_run_and_give_the_values_in_their_comments() -> None:
    checked = 0
    for block in blocks("python"):
        scope: dict[str, Any] = {}
        for node in ast.parse(block).body:
            source = ast.get_source_segment(block, node) or ""
            comment = re.search(r"# (\[[^\]]*\]\]?)", block.splitlines()[(node.end_lineno or 1) - 1])
            if isinstance(node, ast.Expr) and comment:
                assert eval(source, scope) == ast.literal_eval(comment[1])
                checked += 1
            else:
                exec(source, scope)
    assert checked == 3


def test_the_table_is_what_the_demo_prints() -> None:
    from hwsim.engine import compare
    from hwsim.report import comparison_table
    from hwsim.workload import Workload

    names = re.search(r"^DEMO_ARCHS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert names is not None
    printed = comparison_table(
        compare([Architecture.load(name) for name in names[1].split()], Workload.load("digits_cnn"))
    )
    (shown,) = (block for block in blocks("") if "vs first" in block)
    assert [line.rstrip() for line in shown.splitlines()] == [
        line.rstrip() for line in printed.splitlines() if line.startswith(" ")
    ][: len(shown.splitlines())]


def test_energies_beside_the_picture_are_those_of_its_datapaths() -> None:
    from hwsim.engine.tradeoff_variants import default_variants

    variants = default_variants()
    energy = {each.label: each.datapath.cost("7nm").total_energy_per_mac_j * 1e15 for each in variants}
    assert f"by {len(variants)} datapaths" in TEXT
    for label in ("FP8 E4M3 Hopper", "INT8 20 bits", "NVFP4 Blackwell", "MXFP4 F=25"):
        assert re.search(rf"\b{energy[label]:.0f}\s+fJ", TEXT), label
    more = 100 * (energy["FP8 E4M3 Blackwell"] / energy["FP8 E4M3 Hopper"] - 1)
    assert f"{more:.0f} % more energy" in TEXT


def test_the_architecture_is_the_shipped_one() -> None:
    (block,) = blocks("yaml")
    shown = Architecture.model_validate(yaml.safe_load(block))
    assert shown.compute == Architecture.load(shown.name.replace("-", "_")).compute


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", TEXT))))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_named_files_exist() -> None:
    for name in re.findall(r"studies/\w+\.yaml", TEXT):
        assert (ROOT / name).is_file()
