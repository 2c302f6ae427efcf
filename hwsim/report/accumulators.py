"""An accumulator analysis for the terminal, and as a folder with tables, figures and a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.report.accumulator_tables import Table, notes, tables
from hwsim.report.files import plain, write_csv, write_figures, write_inputs, write_json
from hwsim.report.folder import result_folder
from hwsim.report.table import WIDTH, Fitted, plain_table, shortened

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table as RichTable

    from hwsim.engine.accumulators import AccumulatorAnalysis

KIND = "accumulator analysis"
"""What a folder of `write_accumulators` holds; see `hwsim.report.folder`."""


def accumulators_json(analysis: AccumulatorAnalysis) -> dict[str, Any]:
    """`AccumulatorAnalysis` in JSON's own types."""
    found: dict[str, Any] = plain(analysis.to_json())
    return found


def accumulators_view(analysis: AccumulatorAnalysis) -> list[RenderableType]:
    """Widths and errors of each register, costs, and what the columns mean; at most `WIDTH` columns."""
    from rich.text import Text

    title = Text.assemble((analysis.architecture, "bold"), " on ", (analysis.workload, "bold"))
    views: list[RenderableType] = [Text.assemble(title, f"  seed {analysis.seed}")]
    views += [Fitted(partial(_rich, table), [(length,) for length in range(26, 7, -1)]) for table in tables(analysis)]
    return [*views, *(textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes(analysis))]


def _rich(table: Table, length: int) -> RichTable:
    made = plain_table(table.title)
    made.padding = (0, 1, 0, 0)
    for column, head in enumerate(table.heads):
        made.add_column(head.replace(" −", "\n−"), justify="left" if column < table.words else "right", no_wrap=True)
    for name, *cells in table.rows:
        made.add_row(shortened(name, length) if table.words == 1 else name, *cells)
    return made


def write_accumulators(analysis: AccumulatorAnalysis, directory: Path) -> Path:
    """Write ``accumulators.json``, ``widths.csv``, ``errors.csv``, ``inputs/``, ``figures/`` and ``report.html``.

    The folder appears only when complete. Raises `InputError` when ``directory`` holds something else.
    """
    from hwsim.report.figures.accumulators import accumulator_figures
    from hwsim.report.html.accumulators import accumulators_page

    with result_folder(Path(directory), KIND) as folder:
        write_json(folder / "accumulators.json", accumulators_json(analysis))
        write_csv(folder / "widths.csv", list(width_rows(analysis)))
        write_csv(folder / "errors.csv", list(error_rows(analysis)))
        write_inputs(folder / "inputs", analysis.inputs)
        drawn = write_figures(folder / "figures", accumulator_figures(analysis))
        (folder / "report.html").write_text(accumulators_page(analysis, drawn), encoding="utf-8")
    return Path(directory)


def width_rows(analysis: AccumulatorAnalysis) -> Iterator[dict[str, Any]]:
    """One flat row per layer and register."""
    for layer in analysis.layers:
        for register in layer.registers:
            bounds = {} if register.bounds is None else asdict(register.bounds)
            words = {"exact_bits": layer.kulisch_formats, "exact_bits_on_data": layer.kulisch_data}
            yield {
                "layer": layer.name, "register": register.name, "products": register.k, **bounds,
                "guaranteed_bits": register.guaranteed_bits, "partial_bits": register.partial_bits,
                "final_bits": register.final_bits, "least_partial": register.partial[0],
                "greatest_partial": register.partial[1], "operand_sqnr_db": layer.operand_sqnr_db,
                **{name: word and word.bits for name, word in words.items()}, "float_enough": register.enough,
                **asdict(layer.followed),
            }  # fmt: skip


def error_rows(analysis: AccumulatorAnalysis) -> Iterator[dict[str, Any]]:
    """One flat row per layer, register and accumulator tried."""
    for layer in analysis.layers:
        sample = asdict(layer.tried)
        yield {"layer": layer.name, "register": "all", **asdict(layer.present), **sample}
        for register in layer.registers:
            for error in register.curve:
                yield {"layer": layer.name, "register": register.name, **asdict(error), **sample}
