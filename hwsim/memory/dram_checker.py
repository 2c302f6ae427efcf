"""Judge of a DRAM command trace: every pair of commands against a table of rules, nothing shared with the scheduler.

For each command the checker looks back at the last time each earlier kind of command reached the same bank,
the same bank group or the channel, and compares the distance with the rule's. It also follows rows, the
command bus, the four-activate window and the refresh debt (JEDEC lets eight refreshes be postponed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hwsim.memory.dram_commands import Issued
from hwsim.memory.dram_timing import DramOrganization, DramTiming

POSTPONED_REFRESHES = 8  # JESD235 (HBM) and JESD79-4 (DDR4), *recalled*: up to eight may be postponed


@dataclass(frozen=True)
class Violation:
    """One broken rule: ``rule`` in JEDEC's symbols, where, and by how much."""

    rule: str
    cycle: int
    bank: int
    expected: int
    """Least (for refresh: largest) distance in cycles."""
    actual: int

    def __str__(self) -> str:
        return f"cycle {self.cycle}, bank {self.bank}: {self.rule} asks for {self.expected}, got {self.actual}"


@dataclass(frozen=True)
class Rule:
    """``later`` at least ``distance`` cycles after ``earlier`` in the same bank, group or channel."""

    name: str
    earlier: str
    later: str
    where: Literal["bank", "group", "channel"]
    distance: Callable[[DramTiming], int]


RULES: tuple[Rule, ...] = (
    Rule("tRCDRD", "ACT", "RD", "bank", lambda t: t.tRCDRD),
    Rule("tRCDWR", "ACT", "WR", "bank", lambda t: t.tRCDWR),
    Rule("tRAS", "ACT", "PRE", "bank", lambda t: t.tRAS),
    Rule("tRC", "ACT", "ACT", "bank", lambda t: t.tRC),
    Rule("tRP", "PRE", "ACT", "bank", lambda t: t.tRP),
    Rule("tRP", "PRE", "REF", "bank", lambda t: t.tRP),
    Rule("tRFC", "REF", "ACT", "bank", lambda t: t.tRFC),
    Rule("tRFC", "REF", "REF", "bank", lambda t: t.tRFC),
    Rule("tRTP", "RD", "PRE", "bank", lambda t: t.tRTP),
    Rule("tWR", "WR", "PRE", "bank", lambda t: t.WL + t.burst + t.tWR),
    Rule("tRRD_L", "ACT", "ACT", "group", lambda t: t.tRRD_L),
    Rule("tRRD_S", "ACT", "ACT", "channel", lambda t: t.tRRD_S),
    Rule("tCCD_L", "RD", "RD", "group", lambda t: t.tCCD_L),
    Rule("tCCD_L", "WR", "WR", "group", lambda t: t.tCCD_L),
    Rule("tCCD_S", "RD", "RD", "channel", lambda t: t.tCCD_S),
    Rule("tCCD_S", "WR", "WR", "channel", lambda t: t.tCCD_S),
    Rule("burst", "RD", "RD", "channel", lambda t: t.burst),
    Rule("burst", "WR", "WR", "channel", lambda t: t.burst),
    Rule("read to write", "RD", "WR", "channel", lambda t: t.RL + t.burst + t.tRTRS - t.WL),
    Rule("tWTR_L", "WR", "RD", "group", lambda t: t.WL + t.burst + t.tWTR_L),
    Rule("tWTR_S", "WR", "RD", "channel", lambda t: t.WL + t.burst + t.tWTR_S),
)


@dataclass
class _History:
    """When each kind of command last came, by (operation, place)."""

    last: dict[tuple[str, str, int], int] = field(default_factory=dict)
    open_rows: dict[int, int] = field(default_factory=dict)
    activates: list[int] = field(default_factory=list)
    mode: str = "SB"


def check(
    trace: Sequence[Issued], timing: DramTiming, organization: DramOrganization, refresh: bool = True
) -> list[Violation]:
    """Every violation in ``trace``, in order. ``refresh=False`` does not ask for refreshes."""
    history = _History()
    found: list[Violation] = []
    previous = -1
    for issued in trace:
        if issued.cycle <= previous:
            found.append(Violation("command bus", issued.cycle, issued.command.bank, 1, issued.cycle - previous))
        previous = issued.cycle
        banks = _banks(issued, history.mode, organization)
        found.extend(_state_violations(issued, banks, history))
        found.extend(_distance_violations(issued, banks, history, timing, organization))
        found.extend(_window_violations(issued, history, timing))
        _record(issued, banks, history, timing, organization)
    return found + (list(_refresh_violations(trace, timing)) if refresh else [])


def _kind(issued: Issued) -> str:
    return {"PREA": "PRE", "RDA": "RD", "WRA": "WR"}.get(issued.command.operation, issued.command.operation)


def _banks(issued: Issued, mode: str, organization: DramOrganization) -> set[int]:
    every = set(range(organization.bank_groups * organization.banks_per_group))
    if issued.command.operation in ("PREA", "REF"):
        return every
    if mode == "SB":
        return {issued.command.bank}
    return {bank for bank in every if (bank - issued.command.bank) % 2 == 0}


def _state_violations(issued: Issued, banks: set[int], history: _History) -> Iterator[Violation]:
    command = issued.command
    for bank in sorted(banks):
        row = history.open_rows.get(bank)
        if _kind(issued) in ("ACT", "REF") and row is not None:
            yield Violation("row open", issued.cycle, bank, -1, row)
        if _kind(issued) in ("RD", "WR") and row != command.row:
            yield Violation("row not open", issued.cycle, bank, command.row, -1 if row is None else row)


def _distance_violations(
    issued: Issued, banks: set[int], history: _History, timing: DramTiming, organization: DramOrganization
) -> Iterator[Violation]:
    groups = {bank // organization.banks_per_group for bank in banks}
    places = {"bank": banks, "group": groups, "channel": {0}}
    for rule in RULES:
        if rule.later != _kind(issued):
            continue
        for place in sorted(places[rule.where]):
            before = history.last.get((rule.earlier, rule.where, place))
            if before is not None and issued.cycle - before < rule.distance(timing):
                yield Violation(rule.name, issued.cycle, place, rule.distance(timing), issued.cycle - before)


def _window_violations(issued: Issued, history: _History, timing: DramTiming) -> Iterator[Violation]:
    if _kind(issued) == "ACT" and len(history.activates) >= 4:
        apart = issued.cycle - history.activates[-4]
        if apart < timing.tFAW:
            yield Violation("tFAW", issued.cycle, issued.command.bank, timing.tFAW, apart)


def _record(
    issued: Issued, banks: set[int], history: _History, timing: DramTiming, organization: DramOrganization
) -> None:
    kind = _kind(issued)
    history.last[kind, "channel", 0] = issued.cycle
    for bank in banks:
        history.last[kind, "bank", bank] = issued.cycle
        history.last[kind, "group", bank // organization.banks_per_group] = issued.cycle
        if kind == "ACT":
            history.open_rows[bank] = issued.command.row
        elif kind == "PRE":
            history.open_rows.pop(bank, None)
    if issued.command.operation in ("RDA", "WRA"):
        after = timing.tRTP if kind == "RD" else timing.WL + timing.burst + timing.tWR
        for bank in banks:
            history.open_rows.pop(bank, None)
            opened = history.last["ACT", "bank", bank]
            history.last["PRE", "bank", bank] = max(issued.cycle + after, opened + timing.tRAS)
    if kind == "ACT":
        history.activates.append(issued.cycle)
    if issued.command.mode is not None:
        history.mode = issued.command.mode


def _refresh_violations(trace: Sequence[Issued], timing: DramTiming) -> Iterator[Violation]:
    """By cycle c at least ⌊c / tREFI⌋ − 8 refreshes must have come."""
    done = 0
    for issued in trace:
        owed = issued.cycle // timing.tREFI - POSTPONED_REFRESHES
        if done < owed:
            yield Violation("tREFI", issued.cycle, 0, owed, done)
        done += issued.command.operation == "REF"
