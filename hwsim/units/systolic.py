"""A systolic array of processing elements: rows × columns, one datapath each, three dataflows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hwsim.base.errors import InputError
from hwsim.base.registry import OneOf
from hwsim.datapath import Datapath
from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.parts import Part, cost_of
from hwsim.units import scalesim_mode
from hwsim.units.base import Accesses, Gemm, TileCounts, Timing, UnitCost, WholeLayer, Windows
from hwsim.units.registry import MatmulUnit, units
from hwsim.units.scalesim_counts import sram_accesses, total_cycles
from hwsim.units.systolic_counts import Dataflow, access_counts, fold_cycles, hop_counts, lay_out

if TYPE_CHECKING:
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.memory.base import Memory
    from hwsim.technology.base import Technology

_SHORT = {"os": "output_stationary", "ws": "weight_stationary", "is": "input_stationary"}


def _full_name(value: Any) -> Any:
    return _SHORT.get(value, value) if isinstance(value, str) else value


@units.register("systolic")
class SystolicArray(MatmulUnit):
    """``rows`` × ``cols`` processing elements that pass operands to their right and sums or operands down.

    Order of additions. Output stationary: a processing element adds all K products of its output in
    ascending k in ``pe``'s accumulator. Weight and input stationary: the sum of ``rows`` consecutive
    products runs down a column in ``pe``'s accumulator, from +0, and each such partial sum is added in
    ascending k to the output's word in the accumulator memory, in that memory's own format and width.

    Cycles, accesses and what they rest on: `hwsim.units.systolic_counts`.

    >>> array = SystolicArray(
    ...     rows=128, cols=128, dataflow="ws", pe={"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"}
    ... )
    >>> array.timing(Gemm(m=196, n=192, k=384)).total
    3468
    """

    model_config = ConfigDict(populate_by_name=True)

    kind: Literal["systolic"] = "systolic"
    rows: int = Field(ge=1, le=65536)
    """R: processing elements in a column."""
    cols: int = Field(ge=1, le=65536)
    """C: processing elements in a row."""
    dataflow: Annotated[Dataflow, BeforeValidator(_full_name)]
    """What stays: ``output_stationary`` (or ``os``), ``weight_stationary`` (``ws``), ``input_stationary`` (``is``)."""
    pe: Datapath
    """The arithmetic of one processing element: one product per cycle."""
    fold_accumulator: Annotated[Accumulator, OneOf(accumulators), BeforeValidator(spell_out)] | None = None
    """How the accumulator memory adds partial sums (weight and input stationary); normally that memory's own
    format, handed over by the architecture. When neither is given, as ``pe``'s accumulator."""
    counted_as: Literal["exact", "scalesim_v3"] = Field("exact", alias="timing")
    """``exact``: cycles and accesses of the array itself. ``scalesim_v3``: cycles, SRAM and DRAM words of every
    layer as SCALE-Sim v3 prints them, faults included; bits and energy per access stay the array's own."""

    @model_validator(mode="after")
    def _one_product_per_cycle(self) -> Self:
        reduction = self.pe.reduction
        if reduction.kind != "sequential" and (reduction.kind != "exact" or reduction.lanes_of(2) == 1):
            raise ValueError(
                f"a processing element adds one product per cycle: reduction 'sequential', not '{reduction.kind}'"
            )
        if self.pe.accumulator.kind == "chunked":
            raise ValueError("a processing element has one accumulator; the array itself adds in chunks of its rows")
        try:
            _ = self.datapath
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"the accumulator memory cannot add the column sums: {problem}") from None
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        whole = Datapath.model_validate({"operands": {"a": "int8", "b": "int4"}, "accumulator": "int20"})
        half = Datapath.model_validate({"operands": {"a": "e4m3fn", "b": "e5m2"}, "accumulator": "e5m12"})
        stationary = cls(rows=3, cols=2, dataflow="output_stationary", pe=half)
        return [
            stationary,
            cls(rows=2, cols=3, dataflow="weight_stationary", pe=whole),
            cls(rows=4, cols=1, dataflow="input_stationary", pe=half),
        ]

    def with_accumulator_memory(self, memory: Memory) -> Self:
        """This array with partial sums added in ``memory``'s ``format``, ``rounding`` and ``overflow``.

        A memory without a format leaves the array as it is. An overflow that the memory does not name is
        the processing element's where both are integers. Raises `InputError` for a format that cannot add.
        """
        if memory.format is None or self.fold_accumulator is not None:
            return self
        fold: Any = spell_out(memory.format.name)
        if fold["kind"] == "integer":
            overflow = memory.overflow or getattr(self.pe.accumulator, "overflow", None)
            fold |= {"overflow": overflow} if overflow in ("wrap", "saturate", "trap") else {}
        else:
            fold |= {"rounding": memory.rounding} | ({"overflow": memory.overflow} if memory.overflow else {})
        try:
            return type(self).model_validate({**dict(self), "fold_accumulator": fold})
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise InputError(f"an accumulator memory of format '{memory.format}': {problem}") from None

    @property
    def datapath(self) -> Datapath:
        """The whole array's order of additions as one datapath."""
        if self.fold_adder is None:
            return self.pe
        return self.pe.with_chunks(every=self.rows, into=self.fold_adder)

    @property
    def a_format(self) -> Format:
        return self.pe.operands.a

    @property
    def b_format(self) -> Format:
        return self.pe.operands.b

    @property
    def result_format(self) -> Format:
        return self.datapath.result_format

    @property
    def peak_macs_per_cycle(self) -> int:
        return self.rows * self.cols

    @property
    def tile_step(self) -> tuple[int, int, int]:
        """Whole folds; along K that also keeps the chunks of the column sums where they are."""
        return {
            "output_stationary": (self.rows, self.cols, 1),
            "weight_stationary": (1, self.cols, self.rows),
            "input_stationary": (self.cols, 1, self.rows),
        }[self.dataflow]

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N], from which the outputs start) on codes, in the array's order."""
        return self.datapath.matmul_codes(a, b, c)

    def timing(self, gemm: Gemm) -> Timing:
        """F·G folds of 2R + C + T − 2 cycles, split as the farthest processing element sees them."""
        if self.as_scalesim:
            return scalesim_mode.timing(self.dataflow, self.rows, self.cols, gemm)
        folds = lay_out(self.dataflow, self.rows, self.cols, gemm.m, gemm.n, gemm.k)
        cycles = fold_cycles(self.dataflow, self.rows, self.cols, folds.time)
        repeats = gemm.count * folds.count
        return Timing(repeats * cycles.fill, repeats * cycles.compute, repeats * cycles.drain)

    def accesses(self, gemm: Gemm) -> Accesses:
        if self.as_scalesim:
            return scalesim_mode.accesses(self.dataflow, self.rows, self.cols, gemm)
        return self._exact_accesses(gemm)

    def _exact_accesses(self, gemm: Gemm) -> Accesses:
        folds = lay_out(self.dataflow, self.rows, self.cols, gemm.m, gemm.n, gemm.k)
        counts = access_counts(self.dataflow, folds, gemm.m, gemm.n, gemm.k)
        return Accesses(*(gemm.count * count for count in counts))

    def count_tiles(self, m: np.ndarray, n: np.ndarray, k: np.ndarray) -> TileCounts:
        folds = lay_out(self.dataflow, self.rows, self.cols, m, n, k)
        if self.as_scalesim:
            a, b, c = sram_accesses(self.dataflow, self.rows, self.cols, folds, m, n, k)
            return TileCounts(total_cycles(self.dataflow, self.rows, self.cols, folds), a, b, 0 * c, c)
        cycles = fold_cycles(self.dataflow, self.rows, self.cols, folds.time)
        total = folds.count * (cycles.fill + cycles.compute + cycles.drain)
        return TileCounts(total, *access_counts(self.dataflow, folds, m, n, k))

    def tile_params(self) -> tuple[int, np.ndarray] | None:
        from hwsim.kernels import unit_counts as kernel

        params = np.zeros(kernel.SYSTOLIC_PARAMS, np.int64)
        params[kernel.DATAFLOW] = getattr(kernel, self.dataflow.upper())
        params[kernel.ROWS], params[kernel.COLS] = self.rows, self.cols
        return kernel.SYSTOLIC, params

    @property
    def as_scalesim(self) -> bool:
        """Whether cycles and traffic are SCALE-Sim's."""
        return self.counted_as == "scalesim_v3"

    def whole_layer(
        self, gemm: Gemm, windows: Windows | None, memories: Mapping[str, Memory], bits: tuple[int, int, int]
    ) -> WholeLayer | None:
        """SCALE-Sim's cycles and traffic where they are asked for; see `hwsim.units.scalesim_mode`."""
        if not self.as_scalesim:
            return None
        found, runs = scalesim_mode.report(self.dataflow, self.rows, self.cols, gemm, windows, memories)
        return scalesim_mode.whole_layer(found, runs, memories, bits)

    def utilization(self, gemm: Gemm) -> float:
        """Multiply-accumulates over cycles times processing elements."""
        return gemm.macs / (self.timing(gemm).total * self.peak_macs_per_cycle)

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Multiply-accumulates, register writes between the elements, additions in front of the accumulator memory."""
        hops = hop_counts(self.dataflow, self.rows, self.cols, gemm.m, gemm.n, gemm.k)
        counts = {"mac": gemm.macs} | {name: gemm.count * hop for name, hop in hops.items()}
        return counts if self.fold_adder is None else counts | {"fold_add": self._exact_accesses(gemm).c_reads}

    @property
    def fold_adder(self) -> Accumulator | None:
        """What adds a column's partial sums to the accumulator memory; None where there is none (output stationary)."""
        return None if self.dataflow == "output_stationary" else self.fold_accumulator or self.pe.accumulator

    def cost(self, technology: Technology) -> UnitCost:
        """Datapaths and operand registers of the elements, fold adders of the columns, multiplexers of the drain.

        A hop costs what `Register` states for an access of the operand's width. Wires, the controller and
        the registers that skew the inputs are left out.
        """
        from hwsim.technology.primitives import Register

        elements = self.rows * self.cols
        lane = self.pe.cost(technology)
        bits = {"a": self.a_format.bits, "b": self.b_format.bits, "sum": self._sum_bits}
        registers = {name: technology.cost(Register(width)) for name, width in bits.items()}
        area = {name: elements * value for name, value in lane.area_m2.items()}
        area["operand registers"] = elements * (registers["a"].area_m2 + registers["b"].area_m2)
        energy = {"mac": lane.total_energy_per_mac_j}
        energy |= {f"{name}_hop": cost.energy_j for name, cost in registers.items()}
        sources = dict(lane.sources) | {"operand registers": f"{registers['a'].source} ({registers['a'].status})"}
        name, count, parts = self._beside_elements()
        extra = cost_of(parts, technology)
        area[name] = count * extra.total_area_m2
        sources[name] = next(iter(extra.sources.values()))
        drawn_by: dict[str, Mapping[str, float]] = {"mac": lane.energy_per_mac_j}
        drawn_by |= {f"{side}_hop": {"operand registers": registers[side].energy_j} for side in "ab"}
        drawn_by["sum_hop"] = {"accumulator register": registers["sum"].energy_j}
        if self.fold_adder is not None:
            energy["fold_add"] = extra.total_energy_per_mac_j
            drawn_by["fold_add"] = {name: extra.total_energy_per_mac_j}
        per_element = lane.register_bits + self.a_format.bits + self.b_format.bits
        flip_flops = elements * per_element + count * extra.register_bits
        return UnitCost(area, energy, sources, drawn_by, flip_flops)

    @property
    def element_count(self) -> int:
        return self.rows * self.cols

    def neighbour_bits(self, gemm: Gemm) -> int:
        """Bits of a, b and the sums that hop; WS and IS also pass a sum down with every multiply-accumulate."""
        hops = hop_counts(self.dataflow, self.rows, self.cols, gemm.m, gemm.n, gemm.k)
        sums = gemm.count * hops["sum_hop"] + (0 if self.fold_adder is None else gemm.macs)
        operands = hops["a_hop"] * self.a_format.bits + hops["b_hop"] * self.b_format.bits
        return gemm.count * operands + sums * self._sum_bits

    def parts(self) -> list[Part]:
        from hwsim.technology.primitives import Register

        name, count, extra = self._beside_elements()
        operands = Part("operand registers", Register(self.a_format.bits + self.b_format.bits))
        elements = [part.scaled(self.element_count) for part in (*self.pe.parts(), operands)]
        return [*elements, *(replace(part.scaled(count), name=name) for part in extra)]

    def _beside_elements(self) -> tuple[str, int, list[Part]]:
        """Name, count and blocks of what the dataflow needs beside multipliers, accumulators and operand registers."""
        from hwsim.technology.primitives import Multiplexer

        if self.fold_adder is not None:
            return "fold adders", self.cols, self.fold_adder.parts(lanes=1, adds=True)
        return "drain multiplexers", self.element_count, [Part("drain multiplexer", Multiplexer(self._sum_bits, 2))]

    @property
    def _sum_bits(self) -> int:
        return self.pe.model_copy(update={"output": None}).result_format.bits
