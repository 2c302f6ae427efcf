"""The page of residuals is what the code says today."""

from __future__ import annotations

from pathlib import Path

from hwsim.report.cost_page import NODES, page
from hwsim.technology.published import rows

PAGE = Path(__file__).parent.parent / "docs/costs_calibration.md"


def test_the_page_is_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run 'make docs'"


def test_every_published_row_has_its_residual() -> None:
    text = page()
    for node in NODES:
        section = text.split(f"\n{node}:\n\n")[1].split("\n\n")[0]
        assert [line.split(" | ")[0].strip("| ") for line in section.splitlines()[2:]] == [
            row.name for row in rows(int(node[:-2]))
        ]
