"""Closed form of what `PimProgram` does command by command.

Every stretch of commands between two refresh points has a length that is a sum and maximum of DRAM timings;
stretches repeat, and a refresh falls into the first one whose predecessor ends at or after a multiple of tREFI.
So the total is a few lengths times their counts, plus the refreshes found by division. Lengths count from the
last command of one stretch to the last command of the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from hwsim.base.errors import InputError
from hwsim.memory.dram_timing import DramTiming
from hwsim.units.pim_program import GemvWork, PimShape


class PimLengths:
    """Lengths of the stretches, in cycles, for one DRAM and one PIM shape."""

    def __init__(self, timing: DramTiming, shape: PimShape) -> None:
        self.timing, self.shape = timing, shape
        self.column = timing.column_long
        self.writes = (shape.registers - 1) * self.column
        """First to last of the writes that fill one register file."""
        row = (shape.organization.bursts_per_row - 1) * self.column
        turn = timing.tRTP + timing.tRP + timing.tRCDRD
        self.macs = row + (shape.rows_per_tile - 1) * (turn + row)
        """First to last MAC of an input tile."""
        require_regular(timing, shape)

    def enter(self) -> int:
        """From cycle 0 to the write of the instruction store."""
        t = self.timing
        return 2 * t.tRRD_L + t.tRRD_S + t.tRAS + t.tRP + t.tRCDWR

    def leave(self) -> int:
        """From the last control write to mode SB."""
        t = self.timing
        return t.write_to_precharge + t.tRP + t.tRRD_L + t.tRAS

    def store(self) -> int:
        """From the last MAC: GRF_B written, and the control write after it."""
        t = self.timing
        first = max(t.tRTP + t.tRP + t.tRCDWR, t.read_to_write)
        return first + self.writes + self.reopen()

    def reopen(self) -> int:
        """From a last write: precharge, register row, control write."""
        t = self.timing
        return t.write_to_precharge + t.tRP + t.tRCDWR

    def even_first(self) -> int:
        """Even tile after the control write: even banks closed, register row open."""
        return self._even(last_write=self.column + self.writes)

    def even_next(self) -> int:
        """Even tile after an even tile: the old row is precharged under the register writes."""
        t = self.timing
        last_write = max(t.tRTP + 1, t.read_to_write) + self.writes
        return self._even(last_write, row_ready=t.tRTP + t.tRP)

    def even_refreshed(self, to_precharge: int) -> int:
        """Even tile after a refresh that began ``to_precharge`` after the last command."""
        return self._even(self._register_row_open(self._refreshed(to_precharge)) + self.writes)

    def odd_first(self) -> int:
        """Odd tile after an even tile: the register row is still open in the odd banks."""
        t = self.timing
        return self._odd(max(t.tRTP + 1, t.read_to_write) + self.writes)

    def odd_next(self) -> int:
        """Odd tile after an odd tile: weights, registers and weights again take turns in the same banks."""
        t = self.timing
        return self._odd(self._register_row_open(t.tRTP + t.tRP) + self.writes)

    def odd_refreshed(self, to_precharge: int) -> int:
        return self._odd(self._register_row_open(self._refreshed(to_precharge)) + self.writes)

    def elementwise_half(self, operands: int, refreshed: bool) -> int:
        """Reads of each operand's row and the writes of the result, from the last write before."""
        t = self.timing
        activate = self._refreshed(t.write_to_precharge) if refreshed else 1
        read = max(activate + t.tRCDRD, t.write_to_read_long)
        for _ in range(operands - 1):
            activate = self._next_activate(activate, read)
            read = activate + t.tRCDRD
        last_read = read + self.writes
        activate = self._next_activate(activate, read)
        return max(activate + t.tRCDWR, last_read + t.read_to_write) + self.writes

    def result_row(self, columns: int, activate: int) -> int:
        """Last read of a result row of ``columns`` bursts in each odd bank, first activated at ``activate``."""
        t, banks = self.timing, self.shape.blocks
        step = t.column_short
        starts = [self._activation(index) for index in range(banks)]
        first = max(starts[-1] + 1, t.tRCDRD)
        # Read i of the first column waits for its own bank as well as for the read before it.
        last_bank = max(
            first + (banks - 1) * step, *(s + t.tRCDRD + (banks - 1 - i) * step for i, s in enumerate(starts))
        )
        return activate + last_bank + (columns - 1) * banks * step

    def result_row_precharge(self, columns: int) -> int:
        """From the last read of a result row to the first legal precharge of all banks."""
        t = self.timing
        return max(t.tRTP, self._activation(self.shape.blocks - 1) + t.tRAS - self.result_row(columns, 0))

    def _activation(self, index: int) -> int:
        """Start of activate ``index`` in a series over changing bank groups: tRRD_S, and tFAW for every four."""
        t = self.timing
        return index * t.tRRD_S + index // 4 * max(0, t.tFAW - 4 * t.tRRD_S)

    def _refreshed(self, to_precharge: int) -> int:
        return to_precharge + self.timing.tRP + self.timing.tRFC

    def _register_row_open(self, activate: int) -> int:
        return max(activate + self.timing.tRCDWR, self.timing.read_to_write)

    def _even(self, last_write: int, row_ready: int = 0) -> int:
        t = self.timing
        activate = max(last_write + 1, row_ready)
        return max(activate + t.tRCDRD, last_write + t.write_to_read_long) + self.macs

    def _odd(self, last_write: int) -> int:
        t = self.timing
        activate = last_write + t.write_to_precharge + t.tRP
        return max(activate + t.tRCDRD, last_write + t.write_to_read_long) + self.macs

    def _next_activate(self, activate: int, read: int) -> int:
        t = self.timing
        return max(read + self.writes + t.tRTP, activate + t.tRAS) + t.tRP


@dataclass(frozen=True)
class _Stretch:
    """Commands between two refresh points: cycles and all-bank activates, plain and after a refresh."""

    plain: int
    refreshed: int
    activates: int
    refreshed_activates: int


class PimCycles:
    """Cycles of the kernels of `PimProgram`, and how many refreshes and activates of a bank they take."""

    def __init__(self, shape: PimShape, timing: DramTiming, refresh: bool = True) -> None:
        self.lengths, self.timing, self.refresh = PimLengths(timing, shape), timing, refresh
        self.cycle = 0
        """Cycle of the last command."""
        self.refreshes = 0
        self.activates = 0
        """Activates of one channel, an all-bank activate counted once for every bank."""
        self.entered = self.computed = 0
        """Cycle when the all-bank mode was entered, and when the last sum was stored."""

    def gemv(self, work: GemvWork, read_results: bool = True) -> int:
        """As `PimProgram.gemv`."""
        shape = self.lengths.shape
        self._enter()
        stretches = self._tiles(work.input_tiles(shape))
        plain = _Pass(self.lengths, stretches)
        passes = work.passes(shape)
        while passes > 0:
            # Passes that end before the next refresh is due are all alike.
            alike = min(passes, max(self._until_due() // plain.cycles, 0)) if self.refresh else passes
            self.cycle += alike * plain.cycles
            self.activates += alike * plain.activates * shape.blocks
            passes -= alike
            if passes > 0:
                self._pass(stretches)
                passes -= 1
        self._leave()
        return self._read_results(work.passes(shape)) if read_results else self.cycle + 1

    def elementwise(self, operation: str, elements: int) -> int:
        """As `PimProgram.elementwise`."""
        lengths, operands = self.lengths, 1 if operation == "relu" else 2
        halves = 2 * ceil(elements / lengths.shape.elements_per_step)
        self._enter()
        self.cycle += lengths.column
        plain, refreshed = (lengths.elementwise_half(operands, after) for after in (False, True))
        self._advance(halves, _Stretch(plain, refreshed, operands + 1, operands + 1))
        self.cycle += lengths.reopen()
        self.activates += lengths.shape.blocks
        self._leave()
        return self.cycle + 1

    def _tiles(self, tiles: int) -> list[tuple[int, _Stretch]]:
        """(count, stretch) of a pass over ``tiles`` input tiles."""
        lengths, timing, rows = self.lengths, self.timing, self.lengths.shape.rows_per_tile
        after_write, after_read = timing.write_to_precharge, timing.tRTP
        even, odd = lengths.even_refreshed(after_read), lengths.odd_refreshed(after_read)
        return [
            (1, _Stretch(lengths.even_first(), lengths.even_refreshed(after_write), rows, rows + 1)),
            ((tiles + 1) // 2 - 1, _Stretch(lengths.even_next(), even, rows, rows + 1)),
            (min(tiles // 2, 1), _Stretch(lengths.odd_first(), odd, rows, rows + 1)),
            (tiles // 2 - 1, _Stretch(lengths.odd_next(), odd, rows + 1, rows + 1)),
        ]

    def _pass(self, stretches: list[tuple[int, _Stretch]]) -> None:
        self.cycle += self.lengths.column
        for count, stretch in stretches:
            self._advance(count, stretch)
        self.cycle += self.lengths.store()
        self.activates += 2 * self.lengths.shape.blocks

    def _until_due(self) -> int:
        """Cycles until the next refresh falls due."""
        return (self.refreshes + 1) * self.timing.tREFI - self.cycle

    def _advance(self, count: int, stretch: _Stretch) -> None:
        """``count`` times ``stretch``; one that follows a refresh takes its time after a refresh."""
        blocks = self.lengths.shape.blocks
        while count > 0:
            if self.refresh and self._until_due() <= 0:
                owed = self.cycle // self.timing.tREFI - self.refreshes
                self.refreshes += owed
                self.cycle += stretch.refreshed + (owed - 1) * self.timing.tRFC
                self.activates += stretch.refreshed_activates * blocks
                count -= 1
                continue
            alike = min(count, ceil(self._until_due() / stretch.plain)) if self.refresh else count
            self.cycle += alike * stretch.plain
            self.activates += alike * stretch.activates * blocks
            count -= alike

    def _enter(self) -> None:
        self.cycle += self.lengths.enter()
        self.activates += 4 + self.lengths.shape.blocks
        self.entered = self.cycle

    def _leave(self) -> None:
        self.computed = self.cycle
        self.cycle += self.lengths.leave()
        self.activates += 2 * self.lengths.shape.blocks

    def _read_results(self, passes: int) -> int:
        lengths, timing = self.lengths, self.timing
        per_row = lengths.shape.passes_per_result_row
        full, rest = divmod(passes, per_row)
        to_precharge = 0
        for rows, filled in ((min(full, 1), per_row), (full - 1, per_row), (min(rest, 1), rest)):
            if rows > 0:
                columns, ready = filled * lengths.shape.registers, to_precharge + timing.tRP
                plain = lengths.result_row(columns, ready)
                self._advance(rows, _Stretch(plain, plain + timing.tRFC, 1, 1))
                to_precharge = lengths.result_row_precharge(columns)
        return self.cycle + timing.RL + timing.burst


class _Pass:
    """A pass in which no refresh falls due."""

    def __init__(self, lengths: PimLengths, stretches: list[tuple[int, _Stretch]]) -> None:
        tiles = [(max(count, 0), stretch) for count, stretch in stretches]
        self.cycles = lengths.column + lengths.store() + sum(count * tile.plain for count, tile in tiles)
        self.activates = 2 + sum(count * tile.activates for count, tile in tiles)


def require_regular(timing: DramTiming, shape: PimShape) -> None:
    """Raise `InputError` where the closed form would not hold: a constraint that real DRAMs never bind on."""
    row = (shape.organization.bursts_per_row - 1) * timing.column_long
    groups = shape.organization.bank_groups
    conditions = {
        "tRC <= tRAS + tRP": timing.tRC <= timing.tRAS + timing.tRP,
        "tRAS <= tRCDWR + write recovery": timing.tRAS <= timing.tRCDWR + timing.write_to_precharge,
        "tRAS <= tRCDRD + reading a row + tRTP": timing.tRAS <= timing.tRCDRD + row + timing.tRTP,
        "tWR <= tWTR_L + reading a row + tRTP": timing.tWR <= timing.tWTR_L + row + timing.tRTP,
        "tRRD_L <= tRCDWR + tCCD_L": timing.tRRD_L <= timing.tRCDWR + timing.column_long,
        "tFAW <= tRAS + tRP": timing.tFAW <= timing.tRAS + timing.tRP,
        "tRRD_L <= tRAS + tRP": timing.tRRD_L <= timing.tRAS + timing.tRP,
        "tRRD_L <= bank groups x tRRD_S": timing.tRRD_L <= groups * timing.tRRD_S,
        "tCCD_L <= bank groups x tCCD_S": timing.column_long <= groups * timing.column_short,
        "2 <= tRP": timing.tRP >= 2,
        "write recovery <= reading twice": timing.write_to_precharge
        <= timing.tRCDRD + timing.tRTP + timing.tRP + 2 * (shape.registers - 1) * timing.column_long,
    }
    for condition, holds in conditions.items():
        if not holds:
            raise InputError(f"PIM timing asks for {condition}")
