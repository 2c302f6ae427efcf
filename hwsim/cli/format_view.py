"""What ``hwsim show`` prints of a number format: its record, what follows, its values on a line, its precision."""

from __future__ import annotations

import inspect
import os
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError
from hwsim.cli.console import WIDTH, first_sentence, heading, paragraphs, plain, table
from hwsim.cli.views import article
from hwsim.report.format_facts import Fact, derived_facts, finite_values, policy_facts, record_facts, source_of

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_VALUES = 64
"""Formats of more different values do not list them."""


def format_view(fmt: Any) -> list[RenderableType]:
    """The record of a number format, what follows from it, where values lie and how precisely it rounds."""
    element = getattr(fmt, "element", None)
    return [
        heading(fmt.name, f"{article(fmt.kind)} {fmt.kind} format, {_width(fmt)}"),
        paragraphs(_described(fmt)),
        "",
        _facts("field", record_facts(fmt)),
        "",
        _facts("property", [*_short(derived_facts(fmt)), *([] if element is not None else policy_facts(fmt))]),
        "",
        *_origin(fmt),
        *_drawn(fmt if element is None else element, "" if element is None else f" of its elements, {element.name}"),
    ]


def write_format_figure(fmt: Any, path: Path) -> None:
    """The figure of a format as the PNG ``path``, which is complete or not there; blocks show their elements.

    Raises `InputError` for another suffix and for a folder that does not exist.
    """
    if path.suffix != ".png":
        raise InputError(f"{path}: a figure is a .png file")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder '{path.parent}'")
    from hwsim.report.figures.format import format_figure
    from hwsim.report.figures.style import png

    drawn = png(format_figure([getattr(fmt, "element", fmt)]))
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(drawn)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _width(fmt: Any) -> str:
    if hasattr(fmt, "bits_per_value"):
        return f"{fmt.bits_per_value:g} bits a value"
    return f"{fmt.bits} bit" if fmt.bits == 1 else f"{fmt.bits} bits"


def _described(fmt: Any) -> str:
    """The first paragraph of what its kind is."""
    return inspect.cleandoc(type(fmt).__doc__ or "").split("\n\n")[0]


def _facts(first: str, facts: Sequence[Fact]) -> RenderableType:
    return table((first, "value", "what it is"), [(fact.name, fact.value, plain(fact.meaning)) for fact in facts])


def _short(facts: Sequence[Fact]) -> list[Fact]:
    return [Fact(fact.name, fact.value, first_sentence(fact.meaning)) for fact in facts]


def _origin(fmt: Any) -> list[RenderableType]:
    source, aliases = source_of(fmt)
    lines = [f"source: {source}", *([f"also called: {', '.join(aliases)}"] if aliases else [])]
    return [textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines]


def _drawn(fmt: Any, whose: str) -> list[RenderableType]:
    from hwsim.report.number_line import number_line_text, precision_text

    return [
        *_values(fmt, whose),
        "",
        f"values{whose} on a line",
        *number_line_text(fmt, WIDTH),
        "",
        f"precision{whose}, by magnitude",
        *precision_text(fmt, WIDTH),
        "(bits: −log2 of the largest relative error of rounding to nearest)",
    ]


def _values(fmt: Any, whose: str) -> list[RenderableType]:
    if 1 << fmt.bits > 2 * MOST_VALUES:
        return []
    values = finite_values(fmt)
    if len(values) > MOST_VALUES:
        return []
    return ["", f"values{whose}", textwrap.fill(" ".join(f"{value:g}" for value in values), WIDTH)]
