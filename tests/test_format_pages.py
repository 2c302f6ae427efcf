"""The pages of docs/formats are what the records say; `make docs` rewrites them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwsim.formats.base import families
from hwsim.report.format_pages import BLOCK, pages, texts

FOLDER = Path(__file__).parent.parent / "docs" / "formats"
TEXTS = texts()
LARGEST = 150_000
"""Bytes of a figure."""


def test_every_family_has_a_page() -> None:
    assert [page.name for page in pages()] == [*families.names(), BLOCK]
    assert set(TEXTS) == {"README.md", *(f"{page.name}.md" for page in pages())}


@pytest.mark.parametrize("name", TEXTS)
def test_the_page_is_what_the_records_say(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == TEXTS[name], "run: make docs"


def test_nothing_else_is_there() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == set(TEXTS)
    assert {path.stem for path in (FOLDER / "images").iterdir()} == {page.name for page in pages()}


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_images_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", TEXTS[name])
    assert targets
    for target in targets:
        assert (FOLDER / target).is_file(), target


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_page_has_every_member_and_field(page) -> None:
    text = TEXTS[f"{page.name}.md"]
    for member in page.members or page.typical:
        assert f"`{member.name}`" in text
    rows = [line for line in text.split("## Fields")[1].split("##")[0].splitlines() if line.startswith("| `")]
    assert rows
    for row in rows:
        assert row.split(" | ")[-1].strip(" |"), f"a field without a meaning: {row}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_figure_is_a_small_png(page) -> None:
    image = (FOLDER / "images" / f"{page.name}.png").read_bytes()
    assert image.startswith(b"\x89PNG")
    assert len(image) <= LARGEST
