"""Error against energy for the terminal, for machines, and as a folder with the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import NOTHING
from hwsim.report.files import plain, write_csv, write_json
from hwsim.report.folder import result_folder
from hwsim.report.table import plain_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from hwsim.engine.tradeoff import TradeoffRow

KIND = "trade-off"
"""What a folder of `write_tradeoff` holds; see `hwsim.report.folder`."""
WIDTH = 100
"""Columns of the table."""


@dataclass(frozen=True)
class Tradeoff:
    """The rows and what they were measured on."""

    rows: Sequence[TradeoffRow]
    shape: tuple[int, int, int]
    """(M, K, N)."""
    distribution: str
    seed: int
    technology: str

    @property
    def description(self) -> str:
        """On one line."""
        m, k, n = self.shape
        return f"[{m}, {k}] × [{k}, {n}], {self.distribution} values, seed {self.seed}, {self.technology}"


def tradeoff_json(found: Tradeoff) -> dict[str, Any]:
    """``{"shape": …, "rows": [{…}]}`` in JSON's own types and SI units."""
    made: dict[str, Any] = plain({**asdict(found), "rows": [asdict(row) for row in found.rows]})
    return made


def tradeoff_view(found: Tradeoff) -> list[RenderableType]:
    """The table, then what its columns mean."""
    from rich.text import Text

    title = Text.assemble((f"{len(found.rows)} datapaths", "bold"), f" on {found.description}")
    return [title, _table(found), *_NOTES]


_NOTES = (
    "error: relative L2 against the product of the real operands; SQNR: the same in dB",
    "own error: against the product of the quantized operands, what the datapath alone loses",
    "energy and area: one multiply-accumulate in the datapath, without memories and wires",
)


def _table(found: Tradeoff) -> Table:
    table = plain_table("")
    table.title = None
    for position, head in enumerate(
        ("datapath", "fJ/MAC", "area µm²", "error", "SQNR dB", "own error", "own SQNR", "saturated")
    ):
        table.add_column(head, justify="right" if position else "left", no_wrap=True)
    last = found.rows[0].family if found.rows else ""
    for row in found.rows:
        if row.family != last:
            table.add_section()
        last = row.family
        table.add_row(*_cells(row))
    return table


def _cells(row: TradeoffRow) -> list[str]:
    chip = f", {row.knob}={row.value}" if row.hardware else ""
    return [
        row.label + chip,
        f"{row.energy_per_mac_j * 1e15:.1f}",
        f"{row.area_m2 * 1e12:.1f}",
        _error(row.rel_l2),
        _decibels(row.sqnr_db),
        _error(row.own_rel_l2),
        _decibels(row.own_sqnr_db),
        f"{row.saturations + row.overflows:,}" if row.saturations + row.overflows else "",
    ]


def _error(value: float | None) -> str:
    return NOTHING if value is None else "exact" if value == 0 else f"{value:.2e}"


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def write_tradeoff(found: Tradeoff, directory: Path) -> Path:
    """Write ``tradeoff.csv``, ``tradeoff.json`` and ``error_vs_energy.png``; the folder appears only when complete.

    Raises `InputError` when ``directory`` holds something else.
    """
    from hwsim.report.figures.style import png
    from hwsim.report.figures.tradeoff import tradeoff_figure

    with result_folder(Path(directory), KIND) as folder:
        write_json(folder / "tradeoff.json", tradeoff_json(found))
        write_csv(folder / "tradeoff.csv", [asdict(row) for row in found.rows])
        (folder / "error_vs_energy.png").write_bytes(png(tradeoff_figure(found), 140))
    return Path(directory)
