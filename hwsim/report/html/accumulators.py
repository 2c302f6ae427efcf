"""The page of an accumulator analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hwsim.report.accumulator_tables import notes, tables
from hwsim.report.html.page import folded, page, section, table, verbatim
from hwsim.report.html.sections import pictures

if TYPE_CHECKING:
    from hwsim.engine.accumulators import AccumulatorAnalysis

CAPTIONS = {
    "accumulator_widths": "Bits that each layer's accumulator needs",
    "accumulator_errors": "Signal to quantization-noise ratio against accumulator width, by layer",
    "accumulator_errors_inner": "Signal to quantization-noise ratio against the inner accumulator's width, by layer",
    "accumulator_errors_outer": "Signal to quantization-noise ratio against the outer accumulator's width, by layer",
}
"""What each figure shows, for readers who do not see it."""


def accumulators_page(analysis: AccumulatorAnalysis, drawn: Mapping[str, str]) -> str:
    """Tables as in the terminal, figures (SVG by name) and the input files."""
    subtitle = f"{analysis.architecture} on {analysis.workload} · seed {analysis.seed}"
    *registers, costs = tables(analysis)
    made = [table(each.heads, each.rows, each.words) for each in registers]
    titles = [each.title or "Errors" for each in registers]
    return page(
        "Accumulator widths",
        f"{subtitle} · hwsim {analysis.versions.get('hwsim', '')}".rstrip(),
        [
            section(costs.title, table(costs.heads, costs.rows, costs.words)),
            section("In pictures", pictures(drawn, CAPTIONS)),
            *(section(title, content) for title, content in zip(titles, made, strict=True)),
            section("Notes", "".join(f'<p class="note">{_escaped(note)}</p>\n' for note in notes(analysis))),
            section("Inputs", *(folded(name, verbatim(text)) for name, text in analysis.inputs.items())),
        ],
    )


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)
