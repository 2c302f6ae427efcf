"""A streaming controller: columns in the order of the stream, rows opened ahead, the last column closes its row.

It knows what comes, as the address generator of an accelerator does: every activate is issued in the order of the
stream as soon as its bank is closed and the timings allow, columns follow in order, and the last one of a row is an
RDA or WRA. At the same cycle a column goes before an activate. A refresh that has fallen due waits for the next
round to begin, for which everything read or written so far is finished first. `hwsim.memory.dram_rounds` and
`dram_refresh` say in closed form how long that takes; this is what they are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hwsim.memory.dram_commands import Command, CommandSimulator, Operation
from hwsim.memory.dram_stream import Request
from hwsim.memory.dram_timing import DramOrganization


@dataclass(frozen=True)
class Rounds:
    """A stream of one channel: rounds of ``bursts`` column commands over ``visits`` rows, each in its own bank.

    A round opens ``visits`` rows in neighbouring banks and goes through them line by line, one burst of each, as
    neighbouring addresses do where the bank is the lowest part of the address. ``visits = 1`` is a run within one
    row. The next round begins ``step`` banks further. Neighbouring banks lie in neighbouring bank groups.
    """

    visits: int
    bursts: int
    step: int
    write: bool = False

    def requests(self, total: int, organization: DramOrganization) -> Iterator[list[Request]]:
        """The rounds of ``total`` bursts, the last one perhaps shorter; every round finds new rows."""
        for number, first in enumerate(range(0, total, self.bursts)):
            bursts = min(self.bursts, total - first)
            yield [
                Request(
                    self.write,
                    bank(number * self.step + burst % self.visits, organization),
                    number,
                    burst // self.visits,
                )
                for burst in range(bursts)
            ]


def bank(position: int, organization: DramOrganization) -> int:
    """The bank at ``position`` of the address, groups before banks: 0, 4, 8, 12, 1, 5, … for four groups of four."""
    within, group = divmod(position % organization.banks, organization.bank_groups)
    return group * organization.banks_per_group + within


@dataclass
class _Progress:
    """Commands still to come: activates of (round, bank, row), and columns."""

    activates: list[tuple[int, Command]]
    columns: list[Command]
    opened: list[int]
    """Columns that precede each round."""
    activated: int = 0
    moved: int = 0


def stream(simulator: CommandSimulator, rounds: Sequence[list[Request]], refresh: bool = True) -> int:
    """Issue the commands of ``rounds``; returns the cycle after the last data has crossed the bus."""
    todo, timing, last_data = _commands(rounds), simulator.timing, 0
    refreshes = simulator.counts["REF"] // simulator.organization.banks
    while todo.moved < len(todo.columns):
        activate, column = _activate(simulator, todo), _column(simulator, todo)
        if activate is not None and (column is None or simulator.earliest(activate) < simulator.earliest(column)):
            number, _ = todo.activates[todo.activated]
            starts = todo.activated == 0 or todo.activates[todo.activated - 1][0] != number
            if not (refresh and starts and simulator.earliest(activate) >= (refreshes + 1) * timing.tREFI):
                simulator.issue(activate)
                todo.activated += 1
                continue
            if todo.moved == todo.opened[number]:
                simulator.issue(Command("REF"))
                refreshes += 1
                continue
            column = todo.columns[todo.moved]
        assert column is not None  # a row that is open has columns to come
        latency = timing.WL if column.operation.startswith("WR") else timing.RL
        last_data = simulator.issue(column) + latency + timing.burst
        todo.moved += 1
    return last_data


_OPERATIONS: dict[tuple[bool, bool], Operation] = {
    (False, False): "RD",
    (False, True): "RDA",
    (True, False): "WR",
    (True, True): "WRA",
}


def _commands(rounds: Sequence[list[Request]]) -> _Progress:
    progress = _Progress([], [], [])
    for number, requests in enumerate(rounds):
        progress.opened.append(len(progress.columns))
        rows = {(request.bank, request.row): index for index, request in enumerate(requests)}
        progress.activates += [(number, Command("ACT", bank, row)) for bank, row in rows]
        for index, request in enumerate(requests):
            last = rows[request.bank, request.row] == index
            operation = _OPERATIONS[request.write, last]
            progress.columns.append(Command(operation, request.bank, request.row, request.column))
    return progress


def _activate(simulator: CommandSimulator, todo: _Progress) -> Command | None:
    if todo.activated == len(todo.activates):
        return None
    command = todo.activates[todo.activated][1]
    return command if simulator.open_row[command.bank] is None else None


def _column(simulator: CommandSimulator, todo: _Progress) -> Command | None:
    command = todo.columns[todo.moved]
    return command if simulator.open_row[command.bank] == command.row else None
