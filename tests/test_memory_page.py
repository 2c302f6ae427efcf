"""The page of DRAM efficiencies is what the code says today, and the rules' page names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from hwsim import technology
from hwsim.memory import memories
from hwsim.memory.dram import Dram
from hwsim.memory.dram_standards import STANDARDS
from hwsim.report.memory_page import EXAMPLES, page

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_is_generated() -> None:
    assert (DOCS / "memory_dram.md").read_text(encoding="utf-8") == page(), "run 'make docs'"


def test_sequential_is_the_best_and_one_bank_the_worst() -> None:
    lines = [line for line in page().splitlines() if line.split(" | ")[0].removeprefix("| ") in STANDARDS]
    rows = [line.strip("| ").split(" | ")[1:] for line in lines[: len(STANDARDS)]]
    table = [[float(cell.rstrip(" %")) for cell in row] for row in rows]
    assert all(len(row) == len(EXAMPLES) for row in table)
    assert all(max(row) == row[0] < 100 and min(row) == row[-1] > 0 for row in table)


def test_the_memories_of_the_page_are_accepted() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "memory.md").read_text(encoding="utf-8"), re.DOTALL | re.M)
    found = {name: memories.get(keys["kind"]).model_validate(keys) for name, keys in yaml.safe_load(block).items()}
    cost = found["sram"].cost(technology.get("45nm"))
    assert cost.read_j_per_byte == pytest.approx(416.16e-12 / 256)
    assert found["dram"].read_bits_per_cycle(1e9) == 64
    assert found["hbm"].bytes_per_cycle(1e9) < 4 * 819


def test_the_python_of_the_page_runs() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", (DOCS / "memory.md").read_text(encoding="utf-8"), re.DOTALL | re.M)
    scope: dict[str, object] = {}
    exec(block, scope)
    assert scope["dram"] == Dram(standard="HBM2", stacks=2)
