"""Tables on stdout that fit 80 columns, progress on stderr when somebody watches."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH = 80


def show(*views: RenderableType, width: int = WIDTH) -> None:
    """Print rich views, and text as it is, to stdout; plain text, ``width`` columns wide, where it is no terminal."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else width, highlight=False, color_system="auto" if terminal else None)
    for view in views:
        if isinstance(view, str):
            click.echo(view)
            continue
        with console.capture() as captured:
            console.print(view)
        click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> RenderableType:
    """Rows under headings; columns named in ``right`` are numbers. Long text folds in the last column."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for position, heading in enumerate(headings):
        name = position == 0 and len(headings) > 1
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold", no_wrap=name)
    for row in rows:
        made.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    return made


def heading(name: str, what: str) -> RenderableType:
    """The first line of what is shown."""
    from rich.text import Text

    return Text.assemble((name, "bold"), "  ", what)


def paragraphs(text: str) -> RenderableType:
    """A docstring's paragraphs, without markup, to be wrapped anew."""
    from rich.text import Text

    return Text("\n\n".join(" ".join(part.split()) for part in plain(text).strip().split("\n\n")))


def plain(text: str) -> str:
    """A docstring without reStructuredText's marks."""
    text = re.sub(r":\w+:`([^`]*)`", r"\1", text)
    return text.replace("``", "").replace("`", "")


def first_sentence(text: str | None) -> str:
    """The first paragraph's first sentence, on one line."""
    paragraph = " ".join(plain(text or "").strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.;])(?<!e\.g\.) ", paragraph)[0].rstrip(".;")
