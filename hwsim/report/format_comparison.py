"""Formats compared on a tensor: the terminal's table, the record for machines, and the folder with the figure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.formats.analysis.compare import PARAMETERS, TOKENS, Comparison, Crossover, crossovers_of
from hwsim.report.engineering import NOTHING
from hwsim.report.files import plain, write_json
from hwsim.report.folder import result_folder

if TYPE_CHECKING:
    from rich.console import RenderableType

KIND = "format comparison"
"""What a folder of `write_format_comparison` holds; see `hwsim.report.folder`."""

_HEADINGS = ("format", "bits per\nvalue", "max", "smallest", "range\ndB", "crest\nfactor", "theory\ndB", "QSNR\ndB")
_LOSS = "loss\n+"
_SHORT = 10
"""Characters of names up to which columns are two blanks apart rather than one."""


@dataclass(frozen=True)
class ComparedTensor:
    """The data that formats were compared on, in words and in JSON's terms."""

    description: str
    record: Mapping[str, Any]


def format_comparison_json(tensor: ComparedTensor, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """``{"tensor": …, "formats": [{…}], "crossovers": [{…}]}``; null where nothing is known, or nothing was lost."""
    rows = [{**asdict(each), "curve": [one._asdict() for one in each.curve]} for each in comparisons]
    for row in rows:
        del row["block"]
    crossings = [crossing._asdict() for crossing in crossovers_of(comparisons)]
    found: dict[str, Any] = plain({"tensor": tensor.record, "formats": rows, "crossovers": crossings})
    return found


def format_comparison_view(tensor: ComparedTensor, comparisons: Sequence[Comparison]) -> list[RenderableType]:
    """The table, at most 80 columns wide, then what its columns mean and where integers and floats meet."""
    from rich.text import Text

    with_loss = any(each.loss_penalty is not None for each in comparisons)
    notes = [*_scales(comparisons), *_meanings(comparisons), *_crossings(comparisons)]
    title = Text.assemble((f"{len(comparisons)} formats", "bold"), f" on {tensor.description}")
    return [title, _table(comparisons, with_loss), *notes]


def write_format_comparison(tensor: ComparedTensor, comparisons: Sequence[Comparison], directory: Path) -> Path:
    """Write ``formats.json`` and ``qsnr.png`` into ``directory``, which appears only when complete."""
    from hwsim.report.figures.qsnr import qsnr_figure
    from hwsim.report.figures.style import png

    with result_folder(Path(directory), KIND) as folder:
        write_json(folder / "formats.json", format_comparison_json(tensor, comparisons))
        (folder / "qsnr.png").write_bytes(png(qsnr_figure(tensor.description, comparisons)))
    return Path(directory)


def _table(comparisons: Sequence[Comparison], with_loss: bool) -> RenderableType:
    from rich import box
    from rich.table import Table

    gap = 1 if max(len(each.name) for each in comparisons) <= _SHORT else 0
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for position, heading in enumerate((*_HEADINGS, _LOSS) if with_loss else _HEADINGS):
        name = position == 0
        table.add_column(
            heading, justify="left" if name else "right", overflow="fold", no_wrap=not name, vertical="bottom"
        )
    for each in comparisons:
        table.add_row(*(_cells(each) if with_loss else _cells(each)[:-1]))
    return table


def _cells(each: Comparison) -> list[str]:
    return [
        each.name,
        f"{each.bits_per_value:.4g}",
        f"{each.max:.3g}",
        f"{each.smallest:.3g}",
        f"{each.dynamic_range_db:.0f}",
        f"{each.crest_factor:.2f}",
        NOTHING if each.theoretical_qsnr_db is None else f"{each.theoretical_qsnr_db:.1f}",
        "exact" if math.isinf(each.qsnr_db) and each.qsnr_db > 0 else f"{each.qsnr_db:.1f}",
        NOTHING if each.loss_penalty is None else f"{each.loss_penalty:.2g}",
    ]


def _scales(comparisons: Sequence[Comparison]) -> list[str]:
    """One line per way of scaling, with the formats that are scaled so."""
    ways: dict[str, list[str]] = {}
    for each in comparisons:
        ways.setdefault(each.scale, []).append(each.name)
    lines = [f"{_way(way)}: {', '.join(names)}" for way, names in ways.items()]
    return ["", "scales", *(_wrapped(line) for line in lines)]


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 80, initial_indent="  ", subsequent_indent="    ")


def _way(way: str) -> str:
    if way == "none":
        return "none, values as they are"
    return f"{way}, float32" if " per " in way else f"{way}, scales of its own"


def _meanings(comparisons: Sequence[Comparison]) -> list[str]:
    lines = ["crest factor: median of max|x| / RMS of the values that share a scale"]
    if any(each.theoretical_qsnr_db is not None for each in comparisons):
        lines.append("theory: Gaussian values, ρ = 1.5 of power-of-two scales (arXiv:2510.25602)")
    if any(each.loss_penalty is not None for each in comparisons):
        model = f"{PARAMETERS:.0e} parameters, {TOKENS:.0e} tokens".replace("e+", "e").replace("e0", "e")
        lines.append(f"loss +: nats lost by training, {model} (arXiv:2501.02423)")
    return lines


def _crossings(comparisons: Sequence[Comparison]) -> list[str]:
    crest = {each.name: each.crest_factor for each in comparisons}
    lines = (_crossing(crossing, crest[crossing.integer]) for crossing in crossovers_of(comparisons))
    return [textwrap.fill(line, 80, subsequent_indent="  ") for line in lines]


def _crossing(crossing: Crossover, here: float) -> str:
    pair = f"{crossing.integer} and {crossing.floating} cross at a crest factor of {crossing.crest_factor:.2f}"
    if not crossing.attainable:
        return f"{pair}, which no such block has"
    better = crossing.integer if here < crossing.crest_factor else crossing.floating
    return f"{pair}; at {here:.2f} {better} leads"
