"""Processing in memory after Samsung's HBM-PIM: multiply-accumulate lanes beside the DRAM banks."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from hwsim.base.errors import HwsimError, InputError, did_you_mean
from hwsim.formats import FloatFormat, FormatName
from hwsim.memory.dram_timing import DramOrganization, DramTiming
from hwsim.units.base import Accesses, Gemm, Timing, UnitCost
from hwsim.units.pim_cost import PimEnergy, pim_cost
from hwsim.units.pim_numerics import Lanes, dot_products
from hwsim.units.pim_program import GemvWork, PimShape
from hwsim.units.pim_timing import PimCycles, require_regular
from hwsim.units.registry import MatmulUnit, units

if TYPE_CHECKING:
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.technology.base import Technology

OPERATIONS = ("add", "mul", "relu")
_WHOLE = 1 << 30  # more than any dimension: a product is never cut


@units.register("pim")
class Pim(MatmulUnit):
    """PIM blocks in every (pseudo-)channel, one for two banks; weights lie in the banks, activations are broadcast.

    Layout: output n of an output tile of channels × blocks × registers (64 × 8 × 8 = 4096) belongs to one
    GRF_B register of one block; a burst holds ``lanes`` consecutive inputs of one output. An input tile is
    registers × lanes (128) inputs; even input tiles lie in the even banks, odd ones in the odd banks. A product
    with several rows of activations runs each output tile once per row. Dimensions are padded to whole tiles.

    Order of additions: input k is added in lane k mod lanes; even input tiles first, then the odd ones; a
    product is rounded to ``format``, then the sum. The host adds the lanes one by one from +0
    (``lane_reduction: tree``: pairwise), every sum rounded, and last c. Evidence: *assumed*. It is what the
    sources of Samsung's PIMSimulator say (PIMKernel.cpp, PIMBlock.cpp, Burst.h; half.h 2.1 rounds every
    operation to nearest even); no silicon was compared, the rounding of the real lanes is not public, and
    where c comes in is this model's choice.

    Cycles are those of the DRAM's command clock, which the architecture's clock has to be; `PimProgram` issues
    the commands one by one, `PimCycles` is the closed form used here.

    >>> Pim().timing(Gemm(m=1, n=4096, k=1024)).total
    3369
    """

    kind: Literal["pim"] = "pim"
    organization: DramOrganization = DramOrganization()
    timings: DramTiming = DramTiming()
    """Cycles between DRAM commands."""
    lanes: int = Field(16, ge=1)
    """Multiply-accumulate lanes of a block; PIMSimulator: 16."""
    registers: int = Field(8, ge=1)
    """Registers in each of GRF_A and GRF_B; PIMSimulator: 8."""
    instructions: int = Field(32, ge=8)
    """Entries of 32 bits in a block's instruction store; PIMSimulator: 32."""
    format: FormatName = Field("fp16", validate_default=True)
    """Operands, products and sums."""
    lane_reduction: Literal["sequential", "tree"] = "sequential"
    """How the host adds the lanes' sums; PIMSimulator has both (fp16ReduceSum, fp16AdderTree)."""
    refresh: bool = True
    """Whether rows are refreshed during a kernel."""
    energy: PimEnergy = PimEnergy()

    weights_in_memory: ClassVar[bool] = True

    @field_validator("format")
    @classmethod
    def _roundable(cls, value: Format) -> Format:
        if not isinstance(value, FloatFormat) or value.precision > 25 or value.exponent_bits > 8 or not value.has_inf:
            raise ValueError(f"expected a float format with infinity, up to fp32, got {value.name}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.lanes & (self.lanes - 1):
            raise ValueError(f"lanes must be a power of two, got {self.lanes}")
        if self.lanes * self.format.bits != 8 * self.organization.burst_bytes:
            raise ValueError(
                f"{self.lanes} lanes of {self.format.name} take {self.lanes * self.format.bits} bits, "
                f"but a burst has {8 * self.organization.burst_bytes}"
            )
        try:
            require_regular(self.timings, self.shape)
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    # Formats ----------------------------------------------------------------------------------------

    @property
    def a_format(self) -> Format:
        return self.format

    @property
    def b_format(self) -> Format:
        return self.format

    @property
    def result_format(self) -> Format:
        return self.format

    # Bits -------------------------------------------------------------------------------------------

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[.., M, K] × [.., K, N] (+ [.., M, N]) on codes of ``format``; see the class for the order."""
        from hwsim.datapath.result import MatmulResult

        lanes = Lanes(self.format)
        left, right = self.format.decode(a, np.float64), self.format.decode(b, np.float64)
        values = np.empty((*left.shape[:-1], right.shape[-1]))
        for index in np.ndindex(left.shape[:-2]):
            values[index] = dot_products(
                lanes, left[index], right[index], self.lanes, self.registers, self.lane_reduction
            )
        if c is not None:
            with np.errstate(all="ignore"):
                values = lanes.add(values, self.format.decode(c, np.float64))
        return MatmulResult(self.format.encode(values), lanes.overflows, 0)

    def elementwise_codes(self, operation: str, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """``add``, ``mul`` (two operands) or ``relu`` (one) on codes of ``format``, rounded once.

        ``relu`` clears every code whose sign bit is set, NaN included (PIMRank.cpp).
        """
        self._check_operation(operation)
        if (y is None) != (operation == "relu"):
            raise InputError(f"'{operation}' takes {1 if operation == 'relu' else 2} operands")
        if y is None:
            codes = np.asarray(x, dtype=self.format.code_dtype)
            return np.where(codes >> (self.format.bits - 1), 0, codes).astype(self.format.code_dtype)
        with np.errstate(all="ignore"):
            left, right = self.format.decode(x, np.float64), self.format.decode(y, np.float64)
            return self.format.encode(left + right if operation == "add" else left * right)

    # Cycles -----------------------------------------------------------------------------------------

    @property
    def shape(self) -> PimShape:
        """The channel as command programs see it."""
        return PimShape(self.organization, self.lanes, self.registers)

    @property
    def peak_macs_per_cycle(self) -> int:
        """Lanes of all blocks over the cycles between two column commands, in whole numbers."""
        return self.organization.channels * self.shape.blocks * self.lanes // self.timings.column_long

    @property
    def tile_step(self) -> tuple[int, int, int]:
        """A product is one command program, never cut into tiles."""
        return _WHOLE, _WHOLE, _WHOLE

    def timing(self, gemm: Gemm) -> Timing:
        """Fill: entering the all-bank mode. Drain: leaving it, and the host's reads of the lanes' sums.

        Raises `HwsimError` if the banks have too few rows for the weights and the sums.
        """
        self._require_room(gemm)
        cycles = PimCycles(self.shape, self.timings, self.refresh)
        total = cycles.gemv(_work(gemm))
        return Timing(cycles.entered, cycles.computed - cycles.entered, total - cycles.computed)

    def elementwise_timing(self, operation: str, elements: int) -> Timing:
        """Cycles of ``add``, ``mul`` or ``relu`` on ``elements`` that lie in the banks; results stay there."""
        self._check_operation(operation)
        cycles = PimCycles(self.shape, self.timings, self.refresh)
        total = cycles.elementwise(operation, elements)
        return Timing(cycles.entered, cycles.computed - cycles.entered, total - cycles.computed)

    def accesses(self, gemm: Gemm) -> Accesses:
        """Elements over the channels' buses: inputs once per channel and output tile, every lane's sum; no weights."""
        passes = _work(gemm).passes(self.shape)
        inputs = _work(gemm).input_tiles(self.shape) * self.shape.inputs_per_tile
        return Accesses(
            a_reads=passes * inputs * self.organization.channels,
            b_reads=0,
            c_reads=0,
            c_writes=passes * self.shape.outputs_per_tile * self.lanes,
        )

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Actions of all channels, each counted per bank, block or lane that does it; padding works like data."""
        shape, work = self.shape, _work(gemm)
        passes, tiles = work.passes(shape), work.input_tiles(shape)
        mac_bursts = passes * tiles * shape.registers**2
        stored = passes * shape.registers
        cycles = PimCycles(shape, self.timings, self.refresh)
        cycles.gemv(work)
        channels = self.organization.channels
        blocks = channels * shape.blocks
        return {
            "activate": channels * cycles.activates,
            "bank_read": blocks * (mac_bursts + stored),
            "bank_write": blocks * stored,
            # GRF_A, the control register twice per pass, the instruction store once.
            "register_write": blocks * (passes * (tiles * shape.registers + 2) + 1),
            "mac": blocks * mac_bursts * self.lanes,
            "refresh": channels * self.organization.banks * cycles.refreshes,
        }

    def elementwise_actions(self, operation: str, elements: int) -> dict[str, int]:
        """As `actions`; ``add``, ``mul`` are lane operations."""
        self._check_operation(operation)
        operands = 1 if operation == "relu" else 2
        bursts = 2 * ceil(elements / self.shape.elements_per_step) * self.shape.registers
        cycles = PimCycles(self.shape, self.timings, self.refresh)
        cycles.elementwise(operation, elements)
        channels = self.organization.channels
        blocks = channels * self.shape.blocks
        return {
            "activate": channels * cycles.activates,
            "bank_read": blocks * bursts * operands,
            "bank_write": blocks * bursts,
            "register_write": blocks * 3,  # the instruction store, and the control register twice
            operation: blocks * bursts * self.lanes,
            "refresh": channels * self.organization.banks * cycles.refreshes,
        }

    # Cost -------------------------------------------------------------------------------------------

    def cost(self, technology: Technology) -> UnitCost:
        """Lanes and registers at the technology's node, commands from the DRAM's energy per bit.

        What crosses the channels' buses (`accesses`) is the DRAM's traffic and charged there. DRAM dies are
        made in another process than logic; that the logic's node prices the lanes is *assumed*.
        """
        return pim_cost(self.shape, self.format, self.instructions, self.energy, technology)

    def _check_operation(self, operation: str) -> None:
        if operation not in OPERATIONS:
            raise InputError(f"unknown PIM operation '{operation}'{did_you_mean(operation, OPERATIONS)}")

    def _require_room(self, gemm: Gemm) -> None:
        shape, work = self.shape, _work(gemm)
        pairs = ceil(work.input_tiles(shape) / 2)
        weights = gemm.count * work.output_tiles(shape) * pairs * shape.rows_per_tile
        needed = weights + ceil(work.passes(shape) / shape.passes_per_result_row) + 3
        if needed > self.organization.rows:
            raise HwsimError(
                f"{gemm.m}x{gemm.n}x{gemm.k} x {gemm.count} needs {needed} rows of each bank for weights and sums, "
                f"organization.rows has {self.organization.rows}"
            )


def _work(gemm: Gemm) -> GemvWork:
    return GemvWork(outputs=gemm.n, inputs=gemm.k, vectors=gemm.m, products=gemm.count)
