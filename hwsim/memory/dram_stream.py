"""A host's reads and writes of one channel, reordered as a memory controller does, down to DRAM commands.

Open-page, first-ready first-come-first-served within a window: of the oldest ``window`` requests, the command
that can be issued first goes first; at the same cycle column commands before row commands, then the older
request. A bank is precharged when no request in the window hits its open row. A refresh that has fallen due
precharges everything first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hwsim.memory.dram_commands import Command, CommandSimulator
from hwsim.memory.dram_timing import DramOrganization

WINDOW = 64  # PIMSimulator's system_hbm_64ch.ini: CMD_QUEUE_DEPTH


@dataclass(frozen=True)
class Request:
    """One burst that the host reads or writes."""

    write: bool
    bank: int
    row: int
    column: int


def sequential(first: int, bursts: int, organization: DramOrganization, write: bool = False) -> Iterator[Request]:
    """``bursts`` consecutive bursts of one channel from burst ``first`` on: bank by bank, then the next column.

    PIMSimulator's Scheme8 (row, column, bank group, bank, channel from high to low): neighbouring addresses lie
    in neighbouring channels, so a stream over the whole memory gives each channel every channels-th burst.
    """
    for burst in range(first, first + bursts):
        line, bank = divmod(burst, organization.banks)
        row, column = divmod(line, organization.bursts_per_row)
        yield Request(write, bank, row, column)


def serve(simulator: CommandSimulator, requests: Sequence[Request], window: int = WINDOW, refresh: bool = True) -> int:
    """Issue the commands of ``requests``; returns the cycle after the last data has crossed the bus."""
    waiting = deque(requests)
    pending: list[Request] = []
    timing, last_data, refreshes = simulator.timing, 0, simulator.counts["REF"] // simulator.organization.banks
    while waiting or pending:
        while waiting and len(pending) < window:
            pending.append(waiting.popleft())
        cycle, chosen, command = _first_ready(simulator, pending)
        if refresh and cycle >= (refreshes + 1) * timing.tREFI:
            if any(row is not None for row in simulator.open_row):
                simulator.issue(Command("PREA"))
            simulator.issue(Command("REF"))
            refreshes += 1
            continue
        simulator.issue(command)
        if command.operation in ("RD", "WR"):
            latency = timing.WL if command.operation == "WR" else timing.RL
            last_data = max(last_data, cycle + latency + timing.burst)
            del pending[chosen]
    return last_data


def _first_ready(simulator: CommandSimulator, pending: list[Request]) -> tuple[int, int, Command]:
    """(cycle, index of the request, its next command) of the command that comes first."""
    best: tuple[int, int, int, Command] | None = None
    considered: set[tuple[int, bool, bool]] = set()
    wanted = {(request.bank, request.row) for request in pending}
    for index, request in enumerate(pending):
        row = simulator.open_row[request.bank]
        # Of the hits in a bank the oldest of each direction stands for all, of the misses the oldest.
        key = (request.bank, row == request.row, request.write)
        if key in considered:
            continue
        considered.add(key)
        command = _next_command(request, row, wanted)
        if command is None:
            continue
        cycle = simulator.earliest(command)
        rank = 0 if command.operation in ("RD", "WR") else 1
        if best is None or (cycle, rank, index) < best[:3]:
            best = cycle, rank, index, command
        if best[:2] == (simulator.cycle + 1, 0):
            break
    assert best is not None  # the oldest request always has a next command
    return best[0], best[2], best[3]


def _next_command(request: Request, row: int | None, wanted: set[tuple[int, int]]) -> Command | None:
    if row == request.row:
        return Command("WR" if request.write else "RD", request.bank, request.row, request.column)
    if row is None:
        return Command("ACT", request.bank, request.row)
    return None if (request.bank, row) in wanted else Command("PRE", request.bank)
