"""The page of the documentation that says what DRAM standards reach of their peak, by access pattern.

``python -m hwsim.report.memory_page docs/memory_dram.md`` (``make docs``) writes it; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from hwsim.memory.dram_access import Access, steady_efficiency
from hwsim.memory.dram_standards import STANDARDS

EXAMPLES = {
    "sequential reads": Access(),
    "sequential writes": Access(writes=1.0),
    "runs of 64 KiB": Access(run=65536, order="random"),
    "runs of 4 KiB": Access(run=4096, order="random"),
    "runs of 256 B": Access(run=256, order="random"),
    "runs of 64 B": Access(run=64, order="random"),
    "64 B, one bank": Access(run=64, order="strided", stride=1 << 30),
}
"""What the table shows: reads unless it says otherwise."""

MAPPINGS = ("row:bank:column:group", "row:column:bank", "row:bank:column")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def page() -> str:
    """The page, as it should stand in the documentation."""
    patterns = _table(
        ("", *EXAMPLES),
        ((name, *(_percent(access, name) for access in EXAMPLES.values())) for name in STANDARDS),
    )
    mapped = _table(
        ("", *(f"`{mapping}`" for mapping in MAPPINGS)),
        (
            (name, *(_percent(Access.model_validate({"mapping": mapping}), name) for mapping in MAPPINGS))
            for name in STANDARDS
        ),
    )
    sources = _table(
        ("", "status", "timings from"), ((name, each.status, each.source) for name, each in STANDARDS.items())
    )
    return "\n".join(
        [
            "# DRAM by standard and access pattern",
            "",
            "`make docs` writes this page from the code (`hwsim/report/memory_page.py`); a test compares. The rules",
            "are in [memories](memory.md).",
            "",
            "## Part of the peak that a long stream reaches",
            "",
            "Refreshes included, mapping `row:bank:column:group`. *Runs* lie anywhere, banks in turn, each of a new",
            "row; *one bank* is the worst that a stride can do: every run in the same bank of the same channel.",
            "",
            *patterns,
            "",
            "## Sequential reads by address mapping",
            "",
            *mapped,
            "",
            "## Where the timings come from",
            "",
            *sources,
            "",
        ]
    )


def _percent(access: Access, standard: str) -> str:
    return f"{100 * steady_efficiency(access, standard):.1f} %"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
