"""DRAM commands of one channel, each issued in program order at its earliest legal cycle.

Modes are those of HBM-PIM (PIMSimulator, Rank.cpp): in ``SB`` (single bank) a command reaches one bank, as in
any DRAM; in ``HAB`` (all banks) and ``HAB_PIM`` (the same, and column commands trigger the PIM blocks) it
reaches every bank of the same parity at once. A DDR, LPDDR or HBM host stream stays in ``SB``.

The simulator keeps, per bank, the first cycle at which each kind of command may come. The checker in
`hwsim.memory.dram_checker` decides legality in another way and shares none of this.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hwsim.base.errors import HwsimError
from hwsim.memory.dram_timing import DramOrganization, DramTiming

Operation = Literal["ACT", "PRE", "PREA", "RD", "WR", "RDA", "WRA", "REF"]
"""RDA, WRA: the bank precharges by itself as soon as tRTP, tWR and tRAS allow."""
Mode = Literal["SB", "HAB", "HAB_PIM"]
BROADCAST_STRIDE = 2  # one PIM block serves two banks, so a broadcast reaches every second one


@dataclass(frozen=True)
class Command:
    """One command on the bus. ``mode`` is the mode that holds from the next command on, None for no change."""

    operation: Operation
    bank: int = 0
    row: int = 0
    column: int = 0
    mode: Mode | None = None
    work: str = ""
    """What the PIM blocks do with it: ``mac``, ``fill``, ``add``, ``mul``, ``mov``, ``register``, or nothing."""


@dataclass(frozen=True)
class Issued:
    """A command and the cycle in which it was on the bus."""

    cycle: int
    command: Command


class CommandSimulator:
    """State of one channel. Cycle 0 finds every bank precharged, in mode SB, with nothing pending."""

    def __init__(self, timing: DramTiming, organization: DramOrganization, keep_trace: bool = True) -> None:
        self.timing = timing
        self.organization = organization
        self.mode: Mode = "SB"
        self.cycle = -1
        """Cycle of the last command."""
        self.trace: list[Issued] = []
        self.counts: Counter[str] = Counter()
        """Commands issued, by operation, each counted once for every bank that it reached."""
        self._keep_trace = keep_trace
        banks = organization.banks
        self.open_row: list[int | None] = [None] * banks
        self._activate = [0] * banks
        self._precharge = [0] * banks
        self._read = [0] * banks
        self._write = [0] * banks
        self._refresh = 0
        self._activations: deque[int] = deque(maxlen=4)

    def reached(self, command: Command) -> list[int]:
        """Banks that ``command`` reaches in the present mode."""
        if command.operation in ("PREA", "REF"):
            return list(range(self.organization.banks))
        if self.mode == "SB":
            return [command.bank]
        return list(range(command.bank % BROADCAST_STRIDE, self.organization.banks, BROADCAST_STRIDE))

    def earliest(self, command: Command) -> int:
        """First cycle in which ``command`` may be issued; raises `HwsimError` if no cycle will make it legal."""
        banks = self.reached(command)
        self._require_state(command, banks)
        bus = self.cycle + 1
        if command.operation == "ACT":
            window = self._activations[0] + self.timing.tFAW if len(self._activations) == 4 else 0
            return max(bus, window, *(self._activate[bank] for bank in banks))
        if command.operation in ("PRE", "PREA"):
            return max(bus, *(self._precharge[bank] for bank in banks))
        if command.operation == "REF":
            return max(bus, self._refresh)
        ready = self._read if command.operation in ("RD", "RDA") else self._write
        return max(bus, *(ready[bank] for bank in banks))

    def issue(self, command: Command) -> int:
        """Issue ``command`` as early as it is legal; returns the cycle."""
        cycle = self.earliest(command)
        banks = self.reached(command)
        self.counts[command.operation] += len(banks)
        getattr(self, f"_after_{command.operation}")(cycle, banks, command)
        self.cycle = cycle
        if command.mode is not None:
            self.mode = command.mode
        if self._keep_trace:
            self.trace.append(Issued(cycle, command))
        return cycle

    def run(self, commands: Iterable[Command]) -> int:
        """Issue all ``commands`` in order; returns the cycle of the last one."""
        for command in commands:
            self.issue(command)
        return self.cycle

    def _require_state(self, command: Command, banks: list[int]) -> None:
        rows = {self.open_row[bank] for bank in banks}
        if command.operation == "ACT" and rows != {None}:
            raise HwsimError(f"ACT of row {command.row} in bank {command.bank}, where row {rows} is open")
        if command.operation in ("RD", "WR", "RDA", "WRA") and rows != {command.row}:
            raise HwsimError(f"{command.operation} of row {command.row} in bank {command.bank}, where {rows} is open")
        if command.operation == "REF" and rows != {None}:
            raise HwsimError("REF while a row is open")

    def _after_ACT(self, cycle: int, banks: list[int], command: Command) -> None:
        timing = self.timing
        self._activations.append(cycle)
        for bank in range(self.organization.banks):
            apart = timing.tRRD_L if self._long(bank, banks) else timing.tRRD_S
            self._activate[bank] = max(self._activate[bank], cycle + apart)
        for bank in banks:
            self.open_row[bank] = command.row
            self._activate[bank] = max(self._activate[bank], cycle + timing.tRC)
            self._precharge[bank] = max(self._precharge[bank], cycle + timing.tRAS)
            self._read[bank] = max(self._read[bank], cycle + timing.tRCDRD)
            self._write[bank] = max(self._write[bank], cycle + timing.tRCDWR)

    def _after_PRE(self, cycle: int, banks: list[int], command: Command) -> None:
        for bank in banks:
            self.open_row[bank] = None
            self._activate[bank] = max(self._activate[bank], cycle + self.timing.tRP)
        self._refresh = max(self._refresh, cycle + self.timing.tRP)

    _after_PREA = _after_PRE

    def _after_REF(self, cycle: int, banks: list[int], command: Command) -> None:
        self._refresh = cycle + self.timing.tRFC
        for bank in banks:
            self._activate[bank] = max(self._activate[bank], cycle + self.timing.tRFC)

    def _after_RD(self, cycle: int, banks: list[int], command: Command) -> None:
        timing = self.timing
        for bank in range(self.organization.banks):
            apart = timing.column_long if self._long(bank, banks) else timing.column_short
            self._read[bank] = max(self._read[bank], cycle + apart)
            self._write[bank] = max(self._write[bank], cycle + timing.read_to_write)
        for bank in banks:
            self._precharge[bank] = max(self._precharge[bank], cycle + timing.tRTP)

    def _after_WR(self, cycle: int, banks: list[int], command: Command) -> None:
        timing = self.timing
        for bank in range(self.organization.banks):
            long = self._long(bank, banks)
            turn = timing.write_to_read_long if long else timing.write_to_read_short
            self._read[bank] = max(self._read[bank], cycle + turn)
            self._write[bank] = max(self._write[bank], cycle + (timing.column_long if long else timing.column_short))
        for bank in banks:
            self._precharge[bank] = max(self._precharge[bank], cycle + timing.write_to_precharge)

    def _after_RDA(self, cycle: int, banks: list[int], command: Command) -> None:
        self._after_RD(cycle, banks, command)
        self._close(banks, command)

    def _after_WRA(self, cycle: int, banks: list[int], command: Command) -> None:
        self._after_WR(cycle, banks, command)
        self._close(banks, command)

    def _close(self, banks: list[int], command: Command) -> None:
        for bank in banks:
            self._after_PRE(self._precharge[bank], [bank], command)

    def _long(self, bank: int, reached: list[int]) -> bool:
        """Whether ``bank`` shares a bank group with a reached one: a broadcast reaches every group."""
        if len(reached) > 1:
            return True
        return self.organization.group(bank) == self.organization.group(reached[0])
