"""Tensor cores: fused matrix units, several in a core, many cores, each working through one output tile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hwsim.base.record import Record
from hwsim.datapath import Datapath
from hwsim.units.base import Accesses, Gemm, Timing, UnitCost
from hwsim.units.registry import MatmulUnit, units

if TYPE_CHECKING:
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
    ⌈K/k⌉ instructions of ⌈m·n·k / macs_per_cycle⌉ cycles. A tile at an edge (tile quantization) and a wave
    that does not fill all units (wave quantization) cost as much as full ones. The sums of a unit's tile
    stay in the unit's own registers until K is done.

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
    datapath: Datapath
    """The arithmetic of one output."""

    @classmethod
    def examples(cls) -> list[Self]:
        fused = {"kind": "fused", "lanes": 4, "align_bits": 13}
        operands = {"a": "e4m3fn", "b": "e4m3fn"}
        datapath = Datapath.model_validate({"operands": operands, "reduction": fused, "accumulator": "e8m13"})
        tile = InstructionTile(m=2, n=3, k=4)
        plain = cls(tile=tile, macs_per_cycle=8, datapath=datapath)
        return [plain, plain.model_copy(update={"cores": 3, "units_per_core": 2, "macs_per_cycle": 5, "latency": 7})]

    @model_validator(mode="after")
    def _tile_keeps_blocks_whole(self) -> Self:
        lanes = self._k_step
        if self.tile.k % lanes and lanes <= self.tile.k:
            raise ValueError(f"tile.k = {self.tile.k} is not a multiple of the {lanes} products added at once")
        return self

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
        return self.units_per_core * self.tile.m * self.tile.n

    @property
    def peak_macs_per_cycle(self) -> int:
        return self.unit_count * self.macs_per_cycle

    @property
    def tile_step(self) -> tuple[int, int, int]:
        return self.tile.m, self.tile.n, math.lcm(self.tile.k, self._k_step)

    @property
    def instruction_cycles(self) -> int:
        """⌈m·n·k / macs_per_cycle⌉."""
        return -(-self.tile.m * self.tile.n * self.tile.k // self.macs_per_cycle)

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N]) on codes, chained over ascending K."""
        return self.datapath.matmul_codes(a, b, c)

    def tiles(self, gemm: Gemm) -> int:
        """Output tiles of all ``gemm.count`` products."""
        return gemm.count * -(-gemm.m // self.tile.m) * -(-gemm.n // self.tile.n)

    def timing(self, gemm: Gemm) -> Timing:
        """Waves of tiles; the latency of each wave is fill."""
        waves = -(-self.tiles(gemm) // self.unit_count)
        per_tile = -(-gemm.k // self.tile.k) * self.instruction_cycles
        return Timing(fill=waves * self.latency, compute=waves * per_tile, drain=0)

    def accesses(self, gemm: Gemm) -> Accesses:
        """Every output tile reads its panels of a and b from shared memory once and writes its sums once."""
        rows, columns = -(-gemm.m // self.tile.m), -(-gemm.n // self.tile.n)
        return Accesses(
            a_reads=gemm.count * gemm.m * gemm.k * columns,
            b_reads=gemm.count * gemm.k * gemm.n * rows,
            c_reads=0,
            c_writes=gemm.count * gemm.m * gemm.n,
        )

    def tile_params(self) -> tuple[int, np.ndarray]:
        from hwsim.kernels import tensor_core_tile as kernel
        from hwsim.kernels.unit_counts import TENSOR_CORE

        params = np.zeros(kernel.TENSOR_CORE_PARAMS, np.int64)
        params[kernel.UNITS] = self.unit_count
        params[kernel.TILE_M], params[kernel.TILE_N], params[kernel.TILE_K] = self.tile.m, self.tile.n, self.tile.k
        params[kernel.INSTRUCTION_CYCLES], params[kernel.LATENCY] = self.instruction_cycles, self.latency
        params[kernel.TILES_IN_FLIGHT] = 1
        return TENSOR_CORE, params

    def utilization(self, gemm: Gemm) -> float:
        """Multiply-accumulates over cycles times all multipliers: what tile and wave quantization leave."""
        return gemm.macs / (self.timing(gemm).total * self.peak_macs_per_cycle)

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Multiply-accumulates of real elements (padding is gated), and sums read and written once per instruction."""
        instructions = -(-gemm.k // self.tile.k)
        return {"mac": gemm.macs, "sum_access": gemm.count * gemm.m * gemm.n * instructions}

    def cost(self, technology: Technology) -> UnitCost:
        """Lanes of the datapath, and an SRAM per unit for the sums of its tile; operand fetch and control are left out.

        The SRAM is one row of sums wide, n sums. A ``sum_access`` is one sum read and written back.
        """
        lanes = self.unit_count * self.macs_per_cycle
        lane = self.datapath.cost(technology)
        bits = self.result_format.bits
        width = -(-self.tile.n * bits // 8)
        registers = technology.sram(self.tile.m * width, width)
        area = {name: lanes * value for name, value in lane.area_m2.items()}
        area["sums of a tile"] = self.unit_count * registers.area_m2
        energy = {
            "mac": lane.total_energy_per_mac_j,
            "sum_access": (registers.read_j + registers.write_j) / self.tile.n,
        }
        sources = dict(lane.sources) | {"sums of a tile": f"{registers.source} ({registers.status})"}
        drawn_by = {"mac": lane.energy_per_mac_j, "sum_access": {"sums of a tile": energy["sum_access"]}}
        return UnitCost(area, energy, sources, drawn_by)
