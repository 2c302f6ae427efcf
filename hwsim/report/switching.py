"""What really switched in an array's registers, beside the average that the prices stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import NOTHING, engineering, percent

if TYPE_CHECKING:
    from rich.table import Table

HEADS = ("Product", "a", "b", "multiplier", "sum", "Energy, average", "measured")
NOTE = (
    "Share of the bits that change at a write of a register, or at a multiplier's inputs, on sampled codes in the "
    "order in which the array sees them. Energy is that of operand registers, multipliers, accumulators and wires "
    "between elements: as priced, and in proportion to the activity, 50 % being what the prices stand for (assumed)."
)


def rows_of(switching: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Cells of one line per product."""
    return [_cells(row) for row in switching]


def _cells(row: Mapping[str, Any]) -> list[str]:
    activity = [row["activity"][name] for name in ("a", "b", "multiplier", "sum")]
    sums = [sum(each[kind] for each in row["energy_j"].values()) for kind in ("average", "measured")]
    energies = [engineering(total, "J") if row["energy_j"] else NOTHING for total in sums]
    return [row["name"], *(percent(value) for value in activity), *energies]


def switching_table(switching: Sequence[Mapping[str, Any]]) -> Table:
    """The same for a terminal."""
    from hwsim.report.table import plain_table, shortened

    made = plain_table("Bits that switch")
    for head in HEADS:
        made.add_column(head.replace(", ", ",\n"), justify="left" if head == HEADS[0] else "right")
    for name, *cells in rows_of(switching):
        made.add_row(shortened(name, 22), *cells)
    return made
