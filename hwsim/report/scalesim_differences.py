"""The table of `hwsim compare ARCH -w WORKLOAD --with scalesim_v3`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hwsim.report.table import plain_table, shortened

if TYPE_CHECKING:
    from rich.console import Group

    from hwsim.engine.scalesim_differences import Difference


def differences_view(architecture: str, workload: str, found: Sequence[Difference]) -> Group:
    """A row per layer and quantity that differ, the reasons with their amounts, and what each reason is."""
    from rich.console import Group
    from rich.text import Text

    from hwsim.engine.scalesim_differences import REASONS

    table = plain_table()
    table.add_column("Layer", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("hwsim", "SCALE-Sim"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("because of")
    last = ""
    for each in found:
        if each.hwsim == each.scalesim and not each.reasons:
            continue
        name = "" if each.layer == last else shortened(each.layer, 16)
        because = ", ".join(f"{reason} {amount:+,}" for reason, amount in each.reasons.items())
        table.add_row(name, each.quantity, f"{each.hwsim:,}", f"{each.scalesim:,}", because)
        last = each.layer
    named = {reason for each in found for reason in each.reasons}
    title = Text.assemble((architecture, "bold"), " on ", (workload, "bold"), ": hwsim and SCALE-Sim v3")
    legend = [Text.assemble((reason.name, "bold"), f": {reason.text}") for reason in REASONS if reason.name in named]
    agreeing = sum(not each.reasons for each in found)
    return Group(title, table, Text(f"{agreeing} of {len(found)} numbers agree."), *legend)


def differences_json(architecture: str, workload: str, found: Sequence[Difference]) -> dict[str, Any]:
    """The same as plain data, with the numbers that agree."""
    from hwsim.engine.scalesim_differences import REASONS

    return {
        "architecture": architecture,
        "workload": workload,
        "with": "scalesim_v3",
        "reasons": {reason.name: reason.text for reason in REASONS},
        "numbers": [asdict(each) for each in found],
    }
