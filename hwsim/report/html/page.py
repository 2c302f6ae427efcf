"""The frame of every report page: its style, and the few elements that pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from hwsim.report.html.style import STYLE


def page(title: str, subtitle: str, sections: Iterable[str]) -> str:
    """A whole HTML document. ``sections`` are elements already made by the functions below."""
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n<p>{escape(subtitle)}</p>\n</header>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *content: str, note: str = "") -> str:
    """A titled part of the page; empty without content."""
    inside = "\n".join(part for part in content if part)
    if not inside:
        return ""
    remark = f'<p class="note">{escape(note)}</p>\n' if note else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{remark}{inside}\n</section>"


def tiles(facts: Sequence[tuple[str, str, str]]) -> str:
    """Key numbers: (label, value, small print)."""
    cells = "".join(
        f'<div class="tile"><dt>{escape(label)}</dt><dd>{escape(value)}'
        + (f"<small>{escape(small)}</small>" if small else "")
        + "</dd></div>\n"
        for label, value, small in facts
    )
    return f'<dl class="tiles">\n{cells}</dl>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1, marked: Iterable[int] = ()) -> str:
    """A table that scrolls by itself when narrow; the first ``words`` columns are text, the others numbers."""
    chosen = set(marked)
    top = "".join(f"<th{_kind(column, words)}>{escape(head)}</th>" for column, head in enumerate(heads))
    body = "".join(
        ('<tr class="marked">' if number in chosen else "<tr>")
        + "".join(f"<td{_kind(column, words)}>{escape(cell)}</td>" for column, cell in enumerate(row))
        + "</tr>\n"
        for number, row in enumerate(rows)
    )
    return f'<div class="scroll"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>'


def _kind(column: int, words: int) -> str:
    return "" if column < words else ' class="number"'


def figure(svg: str, caption: str) -> str:
    """An inline picture with its description for those who do not see it."""
    labelled = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(caption, quote=True)}" ', 1)
    return f'<figure><div class="scroll picture">\n{labelled}\n</div></figure>'


def folded(title: str, content: str, open_: bool = False) -> str:
    """Content behind a line that unfolds it."""
    return f"<details{' open' if open_ else ''}><summary>{escape(title)}</summary>\n{content}\n</details>"


def verbatim(text: str) -> str:
    """A file as it is."""
    return f"<pre>{escape(text.rstrip())}</pre>"
