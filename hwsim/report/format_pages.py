"""The pages of ``docs/formats``: one per family of formats, written from the records so that none can drift.

``python -m hwsim.report.format_pages docs/formats`` (``make docs``) writes the pages and their figures.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hwsim.formats import block_scale, codebook, get
from hwsim.formats.base import families
from hwsim.formats.block_format import BlockFormat
from hwsim.formats.names import blocks, entries
from hwsim.report.format_facts import documented_names, field_meanings, one_line, source_of, text_of

DPI = 140
"""Of the figures: 150 kB at most."""

BLOCK = "block"
"""The family of block formats, which are no `Format`."""

_TITLES = {
    "float": "Floating point", "integer": "Integers", "fixed": "Fixed point", "posit": "Posits", "takum": "Takums",
    "codebook": "Codebooks", "logarithmic": "Logarithmic numbers", BLOCK: "Blocks that share a scale",
}  # fmt: skip
_TYPICAL = {
    "float": ("e2m1fn", "e4m3fn", "e5m2"),
    "integer": ("int4", "int8", "int16"),
    "fixed": ("q2.6", "q4.4", "uq0.8"),
    "posit": ("posit6", "posit8", "posit16"),
    "takum": ("takum_linear6", "takum_linear8", "takum_linear12"),
    "codebook": ("nf4", "pot4", "bipolar4"),
    "logarithmic": ("lns4_1", "lns6_2", "lns8_3"),
    BLOCK: ("mxfp8_e4m3", "mxfp4", "mxint8"),
}
"""Members that are drawn: narrow ones, whose values can be told apart."""


class Page(NamedTuple):
    """One family."""

    name: str
    """Of the file, without suffix."""
    kind: type
    members: tuple[Any, ...]
    """Those of the catalogue."""

    @property
    def title(self) -> str:
        return _TITLES.get(self.name, self.name.capitalize())

    @property
    def typical(self) -> list[Any]:
        """Three members to draw."""
        names = _TYPICAL.get(self.name)
        if names is not None:
            return [get(name) for name in names]
        examples = [] if self.name == BLOCK else self.kind.examples()  # type: ignore[attr-defined]  # a Format
        return [*self.members, *examples][:3]


def pages() -> list[Page]:
    """Every family in the order of its name, then the blocks."""
    catalogue = [entry.format for entry in entries().values()]
    scalar = [
        Page(name, kind, tuple(fmt for fmt in catalogue if fmt.kind == name)) for name, kind in families.items().items()
    ]
    return [*scalar, Page(BLOCK, BlockFormat, tuple(blocks().values()))]


def texts() -> dict[str, str]:
    """File name to the text of each page, ``README.md`` the index."""
    found = pages()
    return {"README.md": _index(found), **{f"{page.name}.md": _page(page) for page in found}}


def figures() -> dict[str, bytes]:
    """File name to the PNG of each page; of blocks their elements."""
    from hwsim.report.figures.format import format_figure
    from hwsim.report.figures.style import png

    return {
        f"{page.name}.png": png(format_figure([getattr(fmt, "element", fmt) for fmt in page.typical]), DPI)
        for page in pages()
    }


def write_pages(directory: Path) -> list[Path]:
    """Write all pages and figures into ``directory``; return the files."""
    (directory / "images").mkdir(parents=True, exist_ok=True)
    written = {directory / name: text.encode() for name, text in texts().items()}
    written |= {directory / "images" / name: image for name, image in figures().items()}
    for path, content in written.items():
        path.write_bytes(content)
    return list(written)


# Markdown -----------------------------------------------------------------------------------------


def _index(found: Sequence[Page]) -> str:
    rows = [
        (
            f"[{page.title}]({page.name}.md)",
            _first_sentence(page.kind),
            ", ".join(f"`{member.name}`" for member in page.members) or "by the pattern of their names",
        )
        for page in found
    ]
    return _joined(
        "# Number formats",
        "`hwsim.formats.get(name)` knows the names below, their aliases, and every name of a family's pattern.\n"
        "`hwsim show NAME` prints the record of a format, its values on a line and its precision;\n"
        "`hwsim formats compare` puts formats side by side on a tensor.",
        _table(("family", "what it is", "in the catalogue"), rows),
        "`make docs` writes these pages from the records of the formats (`hwsim/report/format_pages.py`); a test\n"
        "compares them.",
    )


def _page(page: Page) -> str:
    return _joined(
        f"# {page.title}",
        _markdown(page.kind.__doc__ or ""),
        *_figure(page),
        "## Fields",
        _table(("field", "default", "what it counts"), _field_rows(page.kind)),
        *_scale_rules(page),
        "## Names",
        _pattern(page),
        "## In the catalogue",
        _members(page),
        "[All families](README.md)",
    )


def _figure(page: Page) -> tuple[str, str]:
    names = ", ".join(fmt.name for fmt in page.typical)
    elements = ", ".join(fmt.element.name for fmt in page.typical) if page.name == BLOCK else ""
    return (
        f"![Values on a line, and precision by magnitude, of {names}](images/{page.name}.png)",
        f"*{names}{f', whose elements are {elements}' if elements else ''}. Each value is a stroke, darker where there "
        "are many;\nbelow, −log2 of the largest relative error of rounding to nearest.*",
    )


def _scale_rules(page: Page) -> tuple[str, ...]:
    return ("## Scale rules", _markdown(documented_names(block_scale)["Rule"])) if page.name == BLOCK else ()


def _field_rows(kind: type) -> list[tuple[str, str, str]]:
    return [(f"`{name}`", _default(kind, name), _markdown(text)) for name, text in field_meanings(kind).items()]


def _default(kind: type, name: str) -> str:
    if issubclass(kind, BlockFormat):
        field = kind.model_fields[name]
        return "" if field.is_required() else text_of(field.get_default(call_default_factory=True))
    default = inspect.signature(kind).parameters[name].default
    return "" if default is inspect.Parameter.empty else text_of(default)


def _pattern(page: Page) -> str:
    record = (
        f"A format of any other fields is written in YAML, where a name could stand: `kind: {page.name}` and fields."
    )
    if page.name == BLOCK:
        return _joined("Those of the catalogue.", record)
    rules = codebook.rules if page.kind is codebook.CodebookFormat else []
    parse = page.kind.parse  # type: ignore[attr-defined]  # a Format
    return _joined(*(_markdown(inspect.getdoc(each) or "") for each in (parse, *rules)), record)


def _members(page: Page) -> str:
    shown = page.members or tuple(page.typical)
    opening = "" if page.members else "None has an entry of its own; every name of the pattern is one. For example:"
    sources = list(dict.fromkeys(source_of(fmt)[0] for fmt in page.members))
    block = page.name == BLOCK
    headings: tuple[str, ...] = ("name", "element", "block", "scale", "rule", "bits per value") if block else (
        "name", "bits", "max", "smallest", "binades", "specials")  # fmt: skip
    rows = [
        (*(_block_cells(fmt) if block else _scalar_cells(fmt)), ", ".join(f"`{alias}`" for alias in source_of(fmt)[1]),
         f"[{sources.index(source_of(fmt)[0]) + 1}]" if page.members else "")
        for fmt in shown
    ]  # fmt: skip
    notes = "\n".join(f"{number}. {_markdown(source)}" for number, source in enumerate(sources, start=1))
    return _joined(opening, _table((*headings, "also called", "source"), rows), notes).strip()


def _scalar_cells(fmt: Any) -> tuple[str, ...]:
    return (
        f"`{fmt.name}`", str(fmt.bits), _number(fmt.max), _number(fmt.smallest), f"{fmt.binades:.1f}", _specials(fmt),
    )  # fmt: skip


def _block_cells(fmt: Any) -> tuple[str, ...]:
    size = " × ".join(map(str, fmt.size)) if isinstance(fmt.size, tuple) else str(fmt.size)
    second = "" if fmt.tensor_scale is None else f", {fmt.tensor_scale.format} per tensor"
    return (
        f"`{fmt.name}`", f"`{fmt.element}`", size, f"`{fmt.scale}`{second}", fmt.rule, f"{fmt.bits_per_value:g}",
    )  # fmt: skip


def _specials(fmt: Any) -> str:
    return " and ".join(name for name, there in (("inf", fmt.has_inf), ("NaN", fmt.has_nan)) if there) or "none"


def _number(value: float) -> str:
    return f"{value:.6g}"


def _first_sentence(kind: type) -> str:
    paragraph = one_line(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0])
    return _markdown(re.split(r"(?<=[.;:]) ", paragraph)[0].rstrip(".;:"))


def _markdown(text: str) -> str:
    """A docstring as Markdown: its marks for code and references become Markdown's, its powers stay, doctests go."""
    cleaned = inspect.cleandoc(text).split(">>>")[0].strip()
    cleaned = re.sub(r":\w+:`([^`]*)`", r"`\1`", cleaned).replace("``", "`")
    parts = cleaned.split("`")
    return "`".join(part if place % 2 else part.replace("*", "\\*") for place, part in enumerate(parts))


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _joined(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


if __name__ == "__main__":
    for file in write_pages(Path(sys.argv[1])):
        print(file)
