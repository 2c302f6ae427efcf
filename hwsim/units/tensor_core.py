"""Tensor cores: fused matrix units, several in a core, many cores, each working through one output tile."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.datapath import Datapath
from hwsim.datapath.parts import Part, cost_of
from hwsim.units.base import Accesses, Gemm, Timing, UnitCost
from hwsim.units.cycle_table import MeasuredInstruction
from hwsim.units.occupancy import Occupancy
from hwsim.units.registry import MatmulUnit, units
from hwsim.units.sparsity import WeightSparsity

if TYPE_CHECKING:
    from hwsim.datapath.parts import Part
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.technology.base import Technology


class InstructionTile(Record):
    """[m, k] x [k, n] of one instruction."""

    m: int = Field(ge=1)
    n: int = Field(ge=1)
    k: int = Field(ge=1)


@units.register("tensor_core")
class TensorCore(MatmulUnit):
    """``cores`` × ``units_per_core`` matrix units, each computing one m × n output tile at a time.

    Order of additions: that of ``datapath``, a reduction chained over K (ascending blocks, each rounded
    sum the next block's addend); tiles of m and n do not show in it.

    Cycles: ⌈M/m⌉·⌈N/n⌉ output tiles per product go to the units in waves; a tile takes ``latency`` and
    ⌈K/k⌉ instructions of ⌈m·n·k / macs_per_cycle⌉ cycles, times those of a serial multiplier. A tile at an edge
    (tile quantization) and a wave that does not fill all units (wave quantization) cost as much as full ones. The
    sums of a unit's tile stay in the unit's own registers until K is done. With several tiles in flight one tile's
    latency passes while others issue: X tiles of a unit, W in flight, work w and latency L of each take

        max(L + X·w, ⌈X/W⌉·L + (⌈X/W⌉ + (X − 1) mod W)·w)

    cycles: the issue never waits again, or every round of W tiles waits once more.

    >>> core = TensorCore(
    ...     cores=132, units_per_core=4, tile={"m": 64, "n": 256, "k": 32}, macs_per_cycle=1024,
    ...     datapath={"operands": {"a": "e4m3fn", "b": "e4m3fn"}, "accumulator": "fp32"},
    ... )
    >>> core.timing(Gemm(m=64 * 132, n=1024, k=4096)).total == 128 * 512
    True
    """

    has_cores: ClassVar[bool] = True

    kind: Literal["tensor_core"] = "tensor_core"
    cores: int = Field(default=1, ge=1)
    """Cores (streaming multiprocessors, compute units)."""
    units_per_core: int = Field(default=1, ge=1)
    tile: InstructionTile
    macs_per_cycle: int = Field(ge=1)
    """Multiply-accumulates per cycle of one unit, without sparsity."""
    latency: int = Field(default=0, ge=0)
    """Cycles of a tile before its first instruction counts at full rate: pipeline depth, from a table of measured
    instructions if known (H100 wgmma m64nNk16: 17 + N/4 cycles for N ≤ 64, N/2 + 1 above, in all). Default: none."""
    instruction: MeasuredInstruction | None = None
    """An instruction of the table of measured cycles, of the shape of ``tile``: its measured rate is taken in place of
    ``macs_per_cycle``, which stays the peak, and its latency beyond an issue in place of ``latency``."""
    tiles_in_flight: Annotated[int, Field(ge=1, le=4096)] | Occupancy = 1
    """W: output tiles that a unit works on or waits with at once, or what a core has for them."""
    sparsity: WeightSparsity | None = None
    """N:M sparsity of the weights: an instruction of k stored weights spans k·of/keep of K."""
    datapath: Datapath
    """The arithmetic of one output."""

    @classmethod
    def examples(cls) -> list[Self]:
        fused = {"kind": "fused", "lanes": 4, "align_bits": 13}
        operands = {"a": "e4m3fn", "b": "e4m3fn"}
        datapath = Datapath.model_validate({"operands": operands, "reduction": fused, "accumulator": "e8m13"})
        tile = InstructionTile(m=2, n=3, k=4)
        plain = cls(tile=tile, macs_per_cycle=8, datapath=datapath)
        several = plain.model_copy(update={"cores": 3, "units_per_core": 2, "macs_per_cycle": 5, "latency": 7})
        sparse = WeightSparsity(keep=2, of=4, prune="magnitude")
        return [
            plain,
            several,
            several.model_copy(update={"tiles_in_flight": 3}),
            plain.model_copy(update={"sparsity": sparse}),
        ]

    @model_validator(mode="after")
    def _tile_keeps_blocks_whole(self) -> Self:
        lanes = self._k_step
        if self.tile.k % lanes and lanes <= self.tile.k:
            raise ValueError(f"tile.k = {self.tile.k} is not a multiple of the {lanes} products added at once")
        return self

    @model_validator(mode="after")
    def _options_fit_the_tile(self) -> Self:
        products = self.tile.m * self.tile.n * self.tile.k
        if self.macs_per_cycle > products:
            raise ValueError(f"macs_per_cycle = {self.macs_per_cycle} is more than an instruction has, {products}")
        if self.sparsity is not None and self.tile.k % self.sparsity.keep:
            raise ValueError(f"tile.k = {self.tile.k} is not a multiple of the {self.sparsity.keep} weights of a group")
        if self.instruction is not None:
            self._check_instruction(self.instruction)
        try:
            _ = self.in_flight
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def _check_instruction(self, instruction: MeasuredInstruction) -> None:
        shape, spans = instruction.shape, (self.tile.m, self.tile.n, self.span)
        if shape is not None and shape != spans:
            raise ValueError(f"'{instruction.name}': expected a tile of {shape}, got {spans} along m, n and K")
        if self.latency:
            raise ValueError("latency: the instruction's own is taken; write instruction.wait for what comes before it")
        if self.cycles_per_instruction < Fraction(self.tile.m * self.tile.n * self.tile.k, self.macs_per_cycle):
            raise ValueError(
                f"macs_per_cycle {self.macs_per_cycle}: '{instruction.name}' was measured at "
                f"{float(self.tile.m * self.tile.n * self.tile.k / self.cycles_per_instruction):.1f} a unit"
            )

    @property
    def span(self) -> int:
        """Elements of K that an instruction covers, those that are not stored included."""
        return self.tile.k if self.sparsity is None else self.tile.k // self.sparsity.keep * self.sparsity.of

    @property
    def in_flight(self) -> int:
        """W: tiles that a unit works on or waits with at once."""
        if isinstance(self.tiles_in_flight, int):
            return self.tiles_in_flight
        a = self.tile.m * self.span * self.a_format.bits
        b = self.span * self.tile.n * self.b_bits_per_element
        sums = self.tile.m * self.tile.n * self.datapath.sum_format.bits
        return self.tiles_in_flight.tiles(self.units_per_core, sums, int(a + b))

    @property
    def _k_step(self) -> int:
        """Products after which the chain over K may be cut and go on with the same bits."""
        every = getattr(self.datapath.accumulator, "every", 1)
        fixed = getattr(self.datapath.reduction, "lanes", None) or 1
        return math.lcm(every, fixed)

    @property
    def a_format(self) -> Format:
        return self.datapath.operands.a

    @property
    def b_format(self) -> Format:
        return self.datapath.operands.b

    @property
    def result_format(self) -> Format:
        return self.datapath.result_format

    @property
    def unit_count(self) -> int:
        """Matrix units on the chip."""
        return self.cores * self.units_per_core

    @property
    def core_count(self) -> int:
        return self.cores

    def with_cores(self, count: int) -> TensorCore:
        return self.model_copy(update={"cores": count})

    @property
    def resident_outputs(self) -> int:
        """Sums in the registers of one core's units."""
        return self.units_per_core * self.in_flight * self.tile.m * self.tile.n

    @property
    def b_bits_per_element(self) -> Fraction:
        return super().b_bits_per_element if self.sparsity is None else self.sparsity.bits_per_element(self.b_format)

    @property
    def density(self) -> Fraction:
        return Fraction(1) if self.sparsity is None else self.sparsity.density

    @property
    def peak_macs_per_cycle(self) -> int | Fraction:
        """Multiply-accumulates of dense operands: those with weights that are not stored count as done."""
        peak = Fraction(self.unit_count * self.macs_per_cycle, self._product_cycles) / self.density
        return int(peak) if peak.denominator == 1 else peak

    @property
    def _product_cycles(self) -> int:
        return self.datapath.multiplier.cycles(*self.datapath.operands.multiplied)

    @property
    def tile_step(self) -> tuple[int, int, int]:
        deep = math.lcm(self.tile.k, self._k_step)
        return self.tile.m, self.tile.n, deep // self.tile.k * self.span

    @property
    def cycles_per_instruction(self) -> Fraction:
        """From one issue of a unit to the next: ⌈m·n·k / macs_per_cycle⌉ and a multiplier's cycles, or as measured."""
        macs = self.tile.m * self.tile.n * self.tile.k
        if self.instruction is None:
            return Fraction(self._product_cycles * -(-macs // self.macs_per_cycle))
        what, value = self.instruction.rate
        if what == "interval":
            return value
        done = macs / self.density if self.instruction.macs_are_dense else macs
        return done * self.units_per_core / value

    @property
    def waiting(self) -> int:
        """L: cycles of a tile before its instructions follow each other."""
        if self.instruction is None:
            return self.latency
        latency = self.instruction.latency
        beyond = 0 if latency is None else max(0, math.ceil(latency - self.cycles_per_instruction))
        return self.instruction.wait + beyond

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N]) on codes, chained over ascending K."""
        if self.sparsity is not None:
            return self.sparsity.matmul_codes(self.datapath, a, b, c)
        return self.datapath.matmul_codes(a, b, c)

    def tiles(self, gemm: Gemm) -> int:
        """Output tiles of all ``gemm.count`` products."""
        return gemm.count * -(-gemm.m // self.tile.m) * -(-gemm.n // self.tile.n)

    def timing(self, gemm: Gemm) -> Timing:
        """Waves of tiles; what the issue waits for latencies is fill."""
        from hwsim.kernels.tensor_core_tile import unit_cycles

        tiles = -(-self.tiles(gemm) // self.unit_count)
        work = math.ceil(-(-gemm.k // self.span) * self.cycles_per_instruction)
        total, waited = unit_cycles(tiles, work, self.waiting, self.in_flight)
        return Timing(fill=int(waited), compute=int(total - waited), drain=0)

    def accesses(self, gemm: Gemm) -> Accesses:
        """Every output tile reads its panels of a and b from shared memory once and writes its sums once."""
        rows, columns = -(-gemm.m // self.tile.m), -(-gemm.n // self.tile.n)
        return Accesses(
            a_reads=gemm.count * gemm.m * gemm.k * columns,
            b_reads=gemm.count * gemm.k * gemm.n * rows,
            c_reads=0,
            c_writes=gemm.count * gemm.m * gemm.n,
        )

    def tile_params(self, abreast: int = 1) -> tuple[int, np.ndarray]:
        from hwsim.kernels import tensor_core_tile as kernel
        from hwsim.kernels.unit_counts import ABREAST, TENSOR_CORE

        params = np.zeros(kernel.TENSOR_CORE_PARAMS, np.int64)
        params[ABREAST] = abreast
        params[kernel.UNITS] = self.unit_count
        params[kernel.TILE_M], params[kernel.TILE_N], params[kernel.SPAN] = self.tile.m, self.tile.n, self.span
        cycles = self.cycles_per_instruction
        params[kernel.CYCLES], params[kernel.PER_INSTRUCTIONS] = cycles.numerator, cycles.denominator
        params[kernel.LATENCY], params[kernel.TILES_IN_FLIGHT] = self.waiting, self.in_flight
        return TENSOR_CORE, params

    def utilization(self, gemm: Gemm) -> float:
        """Multiply-accumulates over cycles times all multipliers: what tile and wave quantization leave."""
        return float(gemm.macs / (self.timing(gemm).total * self.peak_macs_per_cycle))

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Multiply-accumulates of stored elements (padding is gated); sums read and written once per instruction."""
        instructions = -(-gemm.k // self.span)
        stored = gemm.k if self.sparsity is None else self.sparsity.kept(gemm.k)
        return {"mac": gemm.count * gemm.m * gemm.n * stored, "sum_access": gemm.count * gemm.m * gemm.n * instructions}

    def parts(self) -> list[Part]:
        """Lanes of the datapath alone: the sums of a tile are a memory."""
        return [part.scaled(self.unit_count * self.macs_per_cycle) for part in self.datapath.parts()]

    def cost(self, technology: Technology) -> UnitCost:
        """Lanes of the datapath, and an SRAM per unit for the sums of its tiles; operand fetch and control are not.

        The SRAM is one row of sums wide, n sums. A ``sum_access`` is one sum read and written back. Sparse weights
        have a multiplexer per lane that chooses among a group's candidates.
        """
        from hwsim.technology.primitives import Multiplexer

        lanes = self.unit_count * self.macs_per_cycle
        lane = self.datapath.cost(technology)
        bits = self.result_format.bits
        width = -(-self.tile.n * bits // 8)
        registers = technology.sram(self.in_flight * self.tile.m * width, width)
        area = {name: lanes * value for name, value in lane.area_m2.items()}
        area["sums of a tile"] = self.unit_count * registers.area_m2
        energy = {
            "mac": lane.total_energy_per_mac_j,
            "sum_access": (registers.read_j + registers.write_j) / self.tile.n,
        }
        sources = dict(lane.sources) | {"sums of a tile": f"{registers.source} ({registers.status})"}
        if self.sparsity is not None:
            choice = Part("candidate multiplexer", Multiplexer(self.a_format.bits, self.sparsity.of))
            extra = cost_of([choice], technology)
            area["candidate multiplexers"] = lanes * extra.total_area_m2
            sources["candidate multiplexers"] = next(iter(extra.sources.values()))
        drawn_by = {"mac": lane.energy_per_mac_j, "sum_access": {"sums of a tile": energy["sum_access"]}}
        return UnitCost(area, energy, sources, drawn_by, lanes * lane.register_bits)
