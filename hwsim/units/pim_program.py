"""The DRAM commands of a PIM kernel: what one pseudo-channel sees, all channels in step.

After PIMSimulator's PIMKernel.cpp (executeGemv, executeEltwise): enter the all-bank mode, program the
instruction store, then per output tile and vector: switch to HAB_PIM, for every input tile write GRF_A and let
column reads trigger the MACs (tiles of the even banks first, then those of the odd banks), write GRF_B to the
odd banks, switch back. The host then reads the results in mode SB.

What differs from PIMSimulator, because this controller issues strictly in order and refreshes only between
tiles: banks are precharged by one PREA instead of being parked row by row; the control register is written
through the odd banks, whose register row is open anyway; no dummy write ends a tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from hwsim.base.errors import InputError
from hwsim.memory.dram_commands import Command, CommandSimulator, Mode
from hwsim.memory.dram_timing import DramOrganization, DramTiming

EVEN, ODD = 0, 1


@dataclass(frozen=True)
class PimShape:
    """What a PIM channel is made of; everything the commands depend on beside the DRAM itself."""

    organization: DramOrganization
    lanes: int
    registers: int
    """Registers of GRF_A, and of GRF_B; also the bursts of one input tile and the outputs of one block."""

    def __post_init__(self) -> None:
        organization = self.organization
        if organization.bank_groups % 2 or organization.banks_per_group % 2:
            raise InputError("a PIM channel needs an even number of bank groups and of banks in each of them")
        if self.registers**2 % organization.bursts_per_row:
            raise InputError(
                f"an input tile of {self.registers} x {self.registers} bursts must fill whole rows, "
                f"and a row has {organization.bursts_per_row} bursts"
            )
        if organization.bursts_per_row % self.registers:
            raise InputError(f"bursts_per_row must be a multiple of the {self.registers} registers")

    @property
    def blocks(self) -> int:
        """PIM blocks of a channel: one for two banks."""
        return self.organization.banks // 2

    @property
    def inputs_per_tile(self) -> int:
        """Inputs that GRF_A holds: registers × lanes (128)."""
        return self.registers * self.lanes

    @property
    def outputs_per_tile(self) -> int:
        """Outputs that all GRF_B hold: channels × blocks × registers (4096)."""
        return self.organization.channels * self.blocks * self.registers

    @property
    def rows_per_tile(self) -> int:
        """Rows of a bank that one input tile of one output tile fills."""
        return self.registers**2 // self.organization.bursts_per_row

    @property
    def elements_per_step(self) -> int:
        """Elements that one elementwise step handles: every bank's share of one register file."""
        return self.organization.channels * self.organization.banks * self.registers * self.lanes

    @property
    def passes_per_result_row(self) -> int:
        """Passes whose GRF_B fit in one row."""
        return self.organization.bursts_per_row // self.registers


@dataclass(frozen=True)
class GemvWork:
    """``products`` matrices of ``outputs`` × ``inputs``, each times ``vectors`` vectors."""

    outputs: int
    inputs: int
    vectors: int = 1
    products: int = 1

    def output_tiles(self, shape: PimShape) -> int:
        return ceil(self.outputs / shape.outputs_per_tile)

    def input_tiles(self, shape: PimShape) -> int:
        return ceil(self.inputs / shape.inputs_per_tile)

    def passes(self, shape: PimShape) -> int:
        """How often an output tile is computed."""
        return self.products * self.vectors * self.output_tiles(shape)


class PimProgram:
    """Issues PIM kernels on a command simulator. ``refresh_every`` is tREFI, unless there is no refresh."""

    def __init__(self, shape: PimShape, timing: DramTiming, refresh: bool = True, keep_trace: bool = True) -> None:
        self.shape = shape
        self.simulator = CommandSimulator(timing, shape.organization, keep_trace)
        rows = shape.organization.rows
        # PIMSimulator's addresses are 0x3fff, 0x17ff and 0x1fff; no time depends on which rows they are.
        self.register_row, self.all_bank_row, self.single_bank_row = rows - 1, rows - 2, rows - 3
        self.refreshes = 0
        self._refresh = refresh

    def gemv(self, work: GemvWork, read_results: bool = True) -> int:
        """All of ``work``; returns the cycles until the last command, or the last result, is through."""
        tiles = work.input_tiles(self.shape)
        even, odd = (tiles + 1) // 2, tiles // 2
        self._enter()
        for index in range(work.passes(self.shape)):
            # The vectors of one output tile read the same weights.
            first_row = index // work.vectors * even * self.shape.rows_per_tile
            self._control("HAB_PIM")
            for tile in range(even):
                self._input_tile(EVEN, first_row + tile * self.shape.rows_per_tile)
            for tile in range(odd):
                self._input_tile(ODD, first_row + tile * self.shape.rows_per_tile)
            self._store(index)
        self._leave()
        return self._read_results(work.passes(self.shape)) if read_results else self.simulator.cycle + 1

    def elementwise(self, operation: str, elements: int) -> int:
        """``operation`` (add, mul: two operands; relu: one) on ``elements``; returns the cycles."""
        steps = ceil(elements / self.shape.elements_per_step)
        rows = ceil(steps / self.shape.passes_per_result_row)
        self._enter()
        self._control("HAB_PIM")
        for step in range(steps):
            row, slot = divmod(step, self.shape.passes_per_result_row)
            for bank in (EVEN, ODD):
                self._elementwise_half(operation, bank, [row, rows + row, 2 * rows + row], slot * self.shape.registers)
        self._issue("PREA")
        self._issue("ACT", ODD, self.register_row)
        self._control("HAB")
        self._leave()
        return self.simulator.cycle + 1

    def _issue(
        self, operation: str, bank: int = 0, row: int = 0, column: int = 0, mode: Mode | None = None, work: str = ""
    ) -> None:
        self.simulator.issue(Command(operation, bank, row, column, mode, work))  # type: ignore[arg-type]

    def _open(self, bank: int, row: int) -> None:
        opened = self.simulator.open_row[bank]
        if opened == row:
            return
        if opened is not None:
            self._issue("PRE", bank)
        self._issue("ACT", bank, row)

    def _close(self, bank: int) -> None:
        if self.simulator.open_row[bank] is not None:
            self._issue("PRE", bank)

    def _refresh_point(self) -> None:
        """Issue the refreshes that have fallen due by the last command."""
        timing = self.simulator.timing
        owed = self.simulator.cycle // timing.tREFI - self.refreshes if self._refresh else 0
        if owed > 0 and any(row is not None for row in self.simulator.open_row):
            self._issue("PREA")
        for _ in range(owed):
            self._issue("REF")
        self.refreshes += max(owed, 0)

    def _enter(self) -> None:
        """SB to HAB by activating a reserved row in four banks, then one burst of eight PIM instructions."""
        half = self.shape.organization.banks // 2
        for bank in (0, 1, half):
            self._issue("ACT", bank, self.all_bank_row)
        self._issue("ACT", half + 1, self.all_bank_row, mode="HAB")
        self._issue("PREA")
        self._issue("ACT", ODD, self.register_row)
        self._issue("WR", ODD, self.register_row, 4, work="register")

    def _control(self, mode: Mode) -> None:
        """HAB to HAB_PIM (which clears GRF_B) or back: a write to the control register."""
        self._issue("WR", ODD, self.register_row, 0, mode, work="register")

    def _input_tile(self, bank: int, first_row: int) -> None:
        """GRF_A from the host, then registers² column reads: burst i is GRF_A[i // 8] into GRF_B[i % 8]."""
        self._refresh_point()
        self._close(EVEN)
        self._open(ODD, self.register_row)
        for register in range(self.shape.registers):
            self._issue("WR", ODD, self.register_row, 8 + register, work="register")
        for row in range(first_row, first_row + self.shape.rows_per_tile):
            self._open(bank, row)
            for column in range(self.shape.organization.bursts_per_row):
                self._issue("RD", bank, row, column, work="mac")

    def _store(self, index: int) -> None:
        """GRF_B to the odd banks, then back to HAB."""
        self._issue("PREA")
        row, slot = self._result_place(index)
        self._issue("ACT", ODD, row)
        for register in range(self.shape.registers):
            self._issue("WR", ODD, row, slot + register, work="mov")
        self._issue("PRE", ODD)
        self._issue("ACT", ODD, self.register_row)
        self._control("HAB")

    def _result_place(self, index: int) -> tuple[int, int]:
        row, slot = divmod(index, self.shape.passes_per_result_row)
        return self.single_bank_row - 1 - row, slot * self.shape.registers

    def _elementwise_half(self, operation: str, bank: int, rows: list[int], column: int) -> None:
        """One step of the even or the odd banks: fill the registers, combine with the second operand, write."""
        self._refresh_point()
        sources = rows[:1] if operation == "relu" else rows[:2]
        for index, row in enumerate(sources):
            self._open(bank, row)
            for register in range(self.shape.registers):
                self._issue("RD", bank, row, column + register, work=operation if index else "fill")
        self._close(bank)
        self._close(1 - bank)
        self._open(bank, rows[2])
        for register in range(self.shape.registers):
            self._issue("WR", bank, rows[2], column + register, work="mov")

    def _leave(self) -> None:
        """HAB to SB: activate a reserved row in both halves and precharge it."""
        self._issue("PREA")
        self._issue("ACT", EVEN, self.single_bank_row)
        self._issue("ACT", ODD, self.single_bank_row)
        self._issue("PREA", mode="SB")

    def _read_results(self, passes: int) -> int:
        """The host reads every odd bank's result rows, bank groups in turn; returns the cycle after the last data."""
        organization = self.shape.organization
        banks = sorted(range(ODD, organization.banks, 2), key=lambda bank: (bank % organization.banks_per_group, bank))
        per_row = self.shape.passes_per_result_row
        for first in range(0, passes, per_row):
            self._refresh_point()
            if any(row is not None for row in self.simulator.open_row):
                self._issue("PREA")
            row, _ = self._result_place(first)
            for bank in banks:
                self._issue("ACT", bank, row)
            for column in range(min(per_row, passes - first) * self.shape.registers):
                for bank in banks:
                    self._issue("RD", bank, row, column)
        return self.simulator.cycle + self.simulator.timing.RL + self.simulator.timing.burst
