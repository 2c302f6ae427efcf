"""How long a streaming controller takes for a stream of rounds, without going through its commands.

Times of commands are sums of the channel's distances, and each is the largest of a few of them. With A_i the cycle of
the i-th activate and C_j that of the j-th column command,

    A_i = max(A_{i-1} + tRRD_S, A_i' + tRRD_L, A_{i-4} + tFAW, A_i" + tRC, P_i" + tRP), or the next without a column
    C_j = max(C_{j-1} + tCCD_S, C_j' + tCCD_L, A_j + tRCD)
    P_i = max(A_i + tRAS, last C of the row + tRTP or WL + burst + tWR)

where ' is the one before in the same bank group and " the one before in the same bank. Lines within a round and rounds
repeat: as soon as all times that later ones refer to have moved by the same number of cycles, everything after moves
by it too, so that only the first few lines and rounds are worked out. `hwsim.memory.dram_refresh` cuts a stream where
refreshes come; `hwsim.memory.dram_in_order` issues the commands themselves, and the tests find both equal for any
timings.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from hwsim.base.errors import HwsimError
from hwsim.memory.dram_in_order import Rounds
from hwsim.memory.dram_timing import DramOrganization, DramTiming

_LONG_AGO = -(1 << 40)


@dataclass
class _Block:
    """Column commands: ``line`` and the same again every ``apart`` cycles, ``count`` times in all."""

    line: list[int]
    apart: int
    count: int

    def has(self, cycle: int) -> bool:
        for first in self.line:
            past = cycle - first
            if past == 0 or (self.apart and past > 0 and past % self.apart == 0 and past // self.apart < self.count):
                return True
        return False


@dataclass
class _State:
    """What later commands refer to. Lists over banks and groups are by position, not by number of the bank."""

    ready: list[int]
    """First cycle in which a bank may be activated, by bank."""
    group_activate: list[int]
    group_column: list[int]
    activates: deque[int] = field(default_factory=lambda: deque([_LONG_AGO] * 4, maxlen=4))
    column: int = _LONG_AGO
    closed: int = 0
    """First cycle in which everything is closed and a refresh may come."""
    columns: deque[list[_Block]] = field(default_factory=deque)
    """Column commands of the last rounds, for activates to keep out of their way."""
    first: int = 0
    """Position of the bank with which the next round begins."""

    def relative(self) -> tuple[object, ...]:
        """All times against the last column's, banks and groups from the next round's first on."""
        zero, groups = self.column, len(self.group_column)
        around = self.ready[self.first :] + self.ready[: self.first]
        turned = self.first % groups
        lists = (self.group_activate, self.group_column)
        in_turn = [times[turned:] + times[:turned] for times in lists]
        blocks = [
            (block.line[0] - zero, tuple(time - block.line[0] for time in block.line), block.apart, block.count)
            for blocks in self.columns
            for block in blocks
        ]
        times = [*around, *in_turn[0], *in_turn[1], *self.activates, self.closed]
        return (tuple(time - zero for time in times), tuple(blocks))


class RoundTimes:
    """The table of a stream that starts with all banks closed and is not refreshed; cycle 0 is its first activate.

    ``own_bus`` gives activates a command bus to themselves: no stream of as many rounds is then faster than the one
    that goes through all banks in turn, because of any G + 1 neighbours two share a bank group (bank) anyway.
    """

    def __init__(
        self, rounds: Rounds, timing: DramTiming, organization: DramOrganization, own_bus: bool = False
    ) -> None:
        require_quiet_refresh(timing)
        self.own_bus = own_bus
        self.rounds, self.timing, self.organization = rounds, timing, organization
        self.short, self.long = timing.column_short, timing.column_long
        self.to_column = timing.tRCDWR if rounds.write else timing.tRCDRD
        self.to_precharge = timing.write_to_precharge if rounds.write else timing.tRTP
        self.begins: list[int] = []
        """Cycle of the first activate of each round."""
        self.states: list[_State] = []
        """State before each round."""
        self.period = 0
        """Rounds after which everything repeats; 0 while none is found."""
        self.period_cycles = 0
        self._seen: dict[tuple[object, ...], int] = {}
        groups = organization.bank_groups
        far = [_LONG_AGO] * groups
        self._append(_State([0] * organization.banks, list(far), list(far)))

    # The table --------------------------------------------------------------------------------------

    def begin(self, number: int) -> int:
        """Cycle of the first activate of round ``number``, from 0."""
        known, cycles = self._known(number)
        return self.begins[known] + cycles

    def after(self, rounds: int, bursts: int) -> tuple[int, int]:
        """(Cycle of the last column command, first cycle with all closed) of ``rounds`` rounds and ``bursts`` more."""
        known, cycles = self._known(rounds)
        state = self.states[known]
        if bursts:
            state = deepcopy(state)
            self._round(state, bursts)
        return state.column + cycles, state.closed + cycles

    def first_beginning_from(self, cycle: int, most: int) -> int:
        """The first round, at most ``most``, that begins in ``cycle`` or later."""
        begins = self.begins
        while not self.period and len(begins) <= most and begins[-1] < cycle:
            self._extend()
        periods = 0
        if self.period and begins[-1] < cycle:
            periods = -(-(cycle - begins[-1]) // self.period_cycles)
        number = bisect_left(begins, cycle - periods * self.period_cycles) + periods * self.period
        return min(number, most)

    def _known(self, number: int) -> tuple[int, int]:
        """A round of the table and the cycles by which ``number`` comes later."""
        while number >= len(self.begins) and not self.period:
            self._extend()
        if number < len(self.begins):
            return number, 0
        times = -(-(number - len(self.begins) + 1) // self.period)
        return number - times * self.period, times * self.period_cycles

    def _extend(self) -> None:
        state = deepcopy(self.states[-1])
        self._round(state, self.rounds.bursts)
        self._append(state)

    def _append(self, state: _State) -> None:
        number = len(self.states)
        self.states.append(state)
        self.begins.append(self._activate(state, 0))
        if not number:
            return
        earlier = self._seen.setdefault(state.relative(), number)
        if earlier != number:
            self.period = number - earlier
            self.period_cycles = state.column - self.states[earlier].column

    # One round --------------------------------------------------------------------------------------

    def _activate(self, state: _State, visit: int) -> int:
        """Earliest activate of the round's ``visit``, by the rules alone and then past column commands."""
        timing, place = self.timing, state.first + visit
        group = place % self.organization.bank_groups
        cycle = max(
            state.ready[place % self.organization.banks],
            state.activates[-1] + timing.tRRD_S,
            state.group_activate[group] + timing.tRRD_L,
            state.activates[0] + timing.tFAW,
        )
        while not self.own_bus and any(block.has(cycle) for blocks in state.columns for block in blocks):
            cycle += 1
        return cycle

    def _round(self, state: _State, bursts: int) -> None:
        """Advance ``state`` by a round of ``bursts``."""
        groups, banks = self.organization.bank_groups, self.organization.banks
        visits = min(self.rounds.visits, bursts)
        lines, rest = divmod(bursts, visits)
        block = _Block([], 0, 1)
        blocks = [block]
        state.columns.append(blocks)
        activates = []
        for visit in range(visits):
            cycle = self._activate(state, visit)
            group = (state.first + visit) % groups
            state.activates.append(cycle)
            state.group_activate[group] = cycle
            activates.append(cycle)
            block.line.append(self._column(state, group, cycle + self.to_column))
        last = list(block.line)
        for line in self._lines(state, blocks, visits, lines - 1):
            last = line
        if rest:
            tail = [self._column(state, (state.first + visit) % groups) for visit in range(rest)]
            blocks.append(_Block(tail, 0, 1))
            last[:rest] = tail
        for visit, (activate, column) in enumerate(zip(activates, last, strict=True)):
            precharge = max(activate + self.timing.tRAS, column + self.to_precharge)
            closed = precharge + self.timing.tRP
            state.ready[(state.first + visit) % banks] = max(closed, activate + self.timing.tRC)
            state.closed = max(state.closed, closed)
        state.first = (state.first + self.rounds.step) % banks
        kept = -(-banks // self.rounds.visits) + 1
        while len(state.columns) > kept:
            state.columns.popleft()

    def _column(self, state: _State, group: int, opened: int = _LONG_AGO) -> int:
        cycle = max(state.column + self.short, state.group_column[group] + self.long, opened)
        state.column = state.group_column[group] = cycle
        return cycle

    def _lines(self, state: _State, blocks: list[_Block], visits: int, lines: int) -> Iterator[list[int]]:
        """The lines after the first; once a line is the one before moved by a distance, so are all that follow."""
        groups = self.organization.bank_groups
        before: list[int] | None = None
        while lines:
            line = [self._column(state, (state.first + visit) % groups) for visit in range(visits)]
            lines -= 1
            apart = {now - then for now, then in zip(line, before, strict=True)} if before else set()
            if len(apart) == 1 and lines:
                distance = apart.pop()
                blocks.append(_Block(line, distance, lines + 1))
                state.column += lines * distance
                for group in {(state.first + visit) % groups for visit in range(visits)}:
                    state.group_column[group] += lines * distance
                yield [cycle + lines * distance for cycle in line]
                return
            blocks.append(_Block(line, 0, 1))
            before = line
            yield list(line)


def require_quiet_refresh(timing: DramTiming) -> None:
    """Raises `HwsimError` where a refresh is too short to outlast what came before it, or too long to end."""
    least = max(timing.tFAW, timing.tRRD_L, timing.column_long)
    if not least <= timing.tRFC < timing.tREFI:
        raise HwsimError(
            f"a refresh (tRFC {timing.tRFC}) must last at least as long as tFAW, tRRD_L and tCCD_L ({least}) and be "
            f"shorter than its interval (tREFI {timing.tREFI})"
        )
