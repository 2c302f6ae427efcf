"""A systolic array of processing elements: rows × columns, one datapath each, three dataflows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hwsim.base.errors import InputError
from hwsim.base.registry import OneOf
from hwsim.datapath import Datapath
from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.parts import Part
from hwsim.units import scalesim_mode
from hwsim.units import systolic_counts as counts
from hwsim.units.base import Accesses, Gemm, TileCounts, Timing, UnitCost, WholeLayer, Windows
from hwsim.units.registry import MatmulUnit, units
from hwsim.units.sparsity import WeightSparsity
from hwsim.units.systolic_counts import Dataflow

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

    Cycles, accesses and what they rest on: `hwsim.units.systolic_counts`. The array takes a step when its
    multipliers have a product: one cycle, or as many as a serial multiplier's digits, and then everything that moves
    does so once per step (links no wider than a digit need to be: *assumed*).

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
    """The arithmetic of one processing element: one product per cycle, or per `Multiplier.cycles` of a serial one."""
    fold_accumulator: Annotated[Accumulator, OneOf(accumulators), BeforeValidator(spell_out)] | None = None
    """How the accumulator memory adds partial sums (weight and input stationary); normally that memory's own
    format, handed over by the architecture. When neither is given, as ``pe``'s accumulator."""
    counted_as: Literal["exact", "scalesim_v3"] = Field("exact", alias="timing")
    """``exact``: cycles and accesses of the array itself. ``scalesim_v3``: cycles, SRAM and DRAM words of every
    layer as SCALE-Sim v3 prints them, faults included; bits and energy per access stay the array's own."""
    folds: Literal["serial", "overlapped"] = "serial"
    """``serial``: a fold's preload (WS, IS) or drain (OS) stands before or after its streaming. ``overlapped``: it goes
    on beside the neighbouring fold's streaming, through a second register for each operand or sum that stays."""
    edge_tiles: Literal["full", "early"] = "full"
    """``full``: the controller runs one schedule, so that a fold at an edge costs a full one. ``early``: it ends with
    the rows and columns in use, and sums leave a column behind its last row in use."""
    sums_per_pe: int = Field(default=1, ge=1, le=65536)
    """P: sums that an element of an output stationary array keeps, so that an operand of a serves P columns of b."""
    arrays: int = Field(default=1, ge=1, le=65536)
    """Arrays that work side by side, each fed by the same memories."""
    split: Literal["auto", "batch", "m", "n", "k"] = "auto"
    """How work is divided among the arrays: whole products (of a batch, of heads, of groups), or m, n or k of each.
    ``k`` is for weight and input stationary arrays: the row folds go round the arrays, whose partial sums are added in
    ascending k on their way to the accumulator memory. ``auto``: the fewest cycles, then accesses, for each shape."""
    sparsity: WeightSparsity | None = None
    """N:M sparsity of the weights (weight and output stationary): only stored weights take a row or a step."""
    pack_groups: bool = True
    """Whether small independent products (groups of a convolution, depthwise too) stand block-diagonally side by side
    on the array: min(⌊R/S_r⌋, ⌊C/S_c⌋) of them. Not with several sums per element."""

    @model_validator(mode="after")
    def _options_fit_the_dataflow(self) -> Self:
        if self.sums_per_pe > 1 and self.dataflow != "output_stationary":
            raise ValueError(f"sums_per_pe {self.sums_per_pe}: only an output_stationary element keeps sums")
        if self.split == "k" and self.dataflow == "output_stationary":
            raise ValueError("split 'k': an output_stationary element keeps all of K; write auto, batch, m or n")
        if self.sparsity is not None:
            if self.dataflow == "input_stationary":
                raise ValueError("sparsity: an input_stationary element keeps one activation, and has none to choose")
            if self.dataflow == "weight_stationary" and self.rows % self.sparsity.keep:
                raise ValueError(
                    f"sparsity: {self.rows} rows are not a multiple of the {self.sparsity.keep} weights of a group"
                )
        return self

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
        output = cls(rows=3, cols=2, dataflow="output_stationary", pe=half)
        weight = cls(rows=2, cols=3, dataflow="weight_stationary", pe=whole)
        serial = Datapath.model_validate({**dict(whole), "multiplier": {"kind": "serial"}})
        return [
            output,
            weight,
            cls(rows=4, cols=1, dataflow="input_stationary", pe=half),
            output.model_copy(update={"sums_per_pe": 3, "folds": "overlapped", "edge_tiles": "early"}),
            weight.model_copy(update={"folds": "overlapped", "arrays": 3, "edge_tiles": "early"}),
            weight.model_copy(update={"arrays": 2, "split": "k", "pe": serial}),
            weight.model_copy(update={"sparsity": WeightSparsity(keep=1, of=3, prune="magnitude")}),
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
    def b_bits_per_element(self) -> Fraction:
        return super().b_bits_per_element if self.sparsity is None else self.sparsity.bits_per_element(self.b_format)

    @property
    def density(self) -> Fraction:
        return Fraction(1) if self.sparsity is None else self.sparsity.density

    @property
    def step_cycles(self) -> int:
        """Cycles from one product of an element to its next."""
        return self.pe.multiplier.cycles(*self.pe.operands.multiplied)

    @property
    def peak_macs_per_cycle(self) -> int | Fraction:
        """Multiply-accumulates of dense operands: those with weights that are not stored count as done."""
        peak = Fraction(self.arrays * self.rows * self.cols, self.step_cycles) / self.density
        return int(peak) if peak.denominator == 1 else peak

    @property
    def tile_step(self) -> tuple[int, int, int]:
        """Whole folds; along K that also keeps the chunks of the column sums where they are."""
        group = 1 if self.sparsity is None else self.sparsity.of
        deep = self.rows if self.sparsity is None else self.rows // self.sparsity.keep * group
        return {
            "output_stationary": (self.rows, self.cols * self.sums_per_pe, group),
            "weight_stationary": (1, self.cols, deep),
            "input_stationary": (self.cols, 1, deep),
        }[self.dataflow]

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N], from which the outputs start) on codes, in the array's order."""
        if self.sparsity is not None:
            return self.sparsity.matmul_codes(self.datapath, a, b, c)
        return self.datapath.matmul_codes(a, b, c)

    def timing(self, gemm: Gemm) -> Timing:
        """As the farthest element of the array with the largest share sees it; waits between folds count as fill."""
        if self.as_scalesim:
            return scalesim_mode.timing(self.dataflow, self.rows, self.cols, gemm)
        return counts.timing(self, gemm)

    def accesses(self, gemm: Gemm) -> Accesses:
        if self.as_scalesim:
            return scalesim_mode.accesses(self.dataflow, self.rows, self.cols, gemm)
        return Accesses(*counts.product_counts(self, gemm)[1:])

    def count_tiles(self, m: np.ndarray, n: np.ndarray, k: np.ndarray, count: int = 1) -> TileCounts:
        if self.as_scalesim:
            shapes = np.stack([np.ravel(m), np.ravel(n), np.ravel(k)], axis=1).astype(np.int64)
            return TileCounts(*(column.reshape(np.shape(m)) for column in self._count_each(shapes, count)))
        return super().count_tiles(m, n, k, count)

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

    def tile_params(self, abreast: int = 1) -> tuple[int, np.ndarray]:
        from hwsim.kernels import systolic_tile as kernel
        from hwsim.kernels.unit_counts import ABREAST, SYSTOLIC

        params = np.zeros(kernel.SYSTOLIC_PARAMS, np.int64)
        params[ABREAST] = abreast
        params[kernel.DATAFLOW] = getattr(kernel, self.dataflow.upper())
        params[kernel.ROWS], params[kernel.COLS] = self.rows, self.cols
        params[kernel.OVERLAPPED], params[kernel.EARLY] = self.folds == "overlapped", self.edge_tiles == "early"
        params[kernel.SUMS_PER_PE] = self.sums_per_pe
        params[kernel.ARRAYS], params[kernel.SPLIT] = self.arrays, getattr(kernel, f"SPLIT_{self.split.upper()}")
        params[kernel.KEEP], params[kernel.OF] = (1, 1) if self.sparsity is None else _pattern(self.sparsity)
        params[kernel.STEP_CYCLES], params[kernel.PACK_GROUPS] = self.step_cycles, self.pack_groups
        return SYSTOLIC, params

    def products_abreast(self, gemm: Gemm) -> int:
        return counts.products_abreast(self, gemm)

    def utilization(self, gemm: Gemm) -> float:
        """Multiply-accumulates over cycles times what all elements could do."""
        return float(gemm.macs / (self.timing(gemm).total * self.peak_macs_per_cycle))

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Multiply-accumulates, register writes between the elements, additions in front of the accumulator memory."""
        return counts.actions(self, gemm)

    @property
    def fold_adder(self) -> Accumulator | None:
        """What adds a column's partial sums to the accumulator memory; None where there is none (output stationary)."""
        return None if self.dataflow == "output_stationary" else self.fold_accumulator or self.pe.accumulator

    def cost(self, technology: Technology) -> UnitCost:
        """Area by part and energy by action: `hwsim.units.systolic_cost`."""
        from hwsim.units.systolic_cost import cost

        return cost(self, technology)

    @property
    def element_count(self) -> int:
        return self.arrays * self.rows * self.cols

    def neighbour_bits(self, gemm: Gemm) -> int:
        """Bits of a, b and the sums that hop; WS and IS also pass a sum down with every multiply-accumulate."""
        from hwsim.units.systolic_cost import sum_bits

        done = self.actions(gemm)
        sums = done["sum_hop"] + (0 if self.fold_adder is None else done["mac"])
        operands = done["a_hop"] * self.a_format.bits + done["b_hop"] * self.b_format.bits
        return operands + sums * sum_bits(self)

    def parts(self) -> list[Part]:
        from hwsim.technology.primitives import Register
        from hwsim.units.systolic_cost import beside_elements, of_options

        name, count, extra = beside_elements(self)
        operands = Part("operand registers", Register(self.a_format.bits + self.b_format.bits))
        elements = [part.scaled(self.element_count) for part in (*self.pe.parts(), operands)]
        options = [part.scaled(times) for part, times in of_options(self)]
        return [*elements, *(replace(part.scaled(count), name=name) for part in extra), *options]


def _pattern(sparsity: WeightSparsity) -> tuple[int, int]:
    return sparsity.keep, sparsity.of
