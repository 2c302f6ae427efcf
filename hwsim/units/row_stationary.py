"""A row-stationary array: elements that keep filter rows and make rows of partial sums, as Eyeriss does."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hwsim.datapath import Datapath
from hwsim.datapath.parts import Part, cost_of
from hwsim.units.base import Accesses, Gemm, Timing, UnitCost, Window
from hwsim.units.registry import MatmulUnit, units
from hwsim.units.row_stationary_counts import Convolution, Elements, Layout, RowStationaryCounts, best

if TYPE_CHECKING:
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.technology.base import Technology


@units.register("row_stationary")
class RowStationary(MatmulUnit):
    """``rows`` × ``cols`` elements with words of their own for filter rows, pixel rows and sums.

    Order of additions: ascending k (channel, filter row, tap), one sum through all elements, in ``pe``'s accumulator;
    the global buffer keeps it in the same format. Where the order matters (all but wrapping integers), an element of a
    filter of several rows therefore keeps one channel at a time.

    Cycles and words by level: `hwsim.units.row_stationary_counts`. A plain product is a 1 × 1 convolution. The
    defaults are those of Eyeriss: 12 × 14 elements, 224 weights, 12 pixels and 24 sums in each (JSSC 2017, *recalled*).

    >>> eyeriss = RowStationary(pe={"operands": {"a": "int16", "b": "int16"}, "accumulator": {"bits": 40}})
    >>> conv3 = Convolution(384, 256, output_height=13, output_width=13, filter_height=3, filter_width=3)
    >>> f"{conv3.macs / (168 * eyeriss.layer_cycles(conv3)):.3f} of the elements' time"
    "0.972 of the elements' time"
    """

    kind: Literal["row_stationary"] = "row_stationary"
    rows: int = Field(default=12, ge=1, le=4096)
    cols: int = Field(default=14, ge=1, le=4096)
    pe: Datapath
    """The arithmetic of one element: one product per cycle, or per `Multiplier.cycles` of a serial multiplier."""
    filter_words: int = Field(default=224, ge=1, le=65536)
    """Weights that an element keeps: p filters · q channels · a row's taps."""
    input_words: int = Field(default=12, ge=1, le=4096)
    """Pixels that an element keeps: q channels · a row's taps."""
    sum_words: int = Field(default=24, ge=1, le=4096)
    """Sums that an element keeps: one for each of p filters."""
    layout_by: Literal["cycles", "accesses"] = "cycles"
    """What the layout of a layer has the fewest of: cycles, then words of the global buffer, or the other way round."""

    @model_validator(mode="after")
    def _one_product_per_cycle(self) -> Self:
        if self.pe.reduction.kind != "sequential" or self.pe.accumulator.kind == "chunked":
            raise ValueError("an element adds one product at a time to one sum: reduction 'sequential', no chunks")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        whole = Datapath.model_validate({"operands": {"a": "int8", "b": "int4"}, "accumulator": "int20"})
        half = Datapath.model_validate({"operands": {"a": "e4m3fn", "b": "e5m2"}, "accumulator": "e5m12"})
        return [cls(pe=whole), cls(rows=3, cols=2, pe=half, filter_words=4, input_words=3, sum_words=2)]

    @property
    def datapath(self) -> Datapath:
        """How an output's products are added."""
        return self.pe

    @property
    def a_format(self) -> Format:
        return self.pe.operands.a

    @property
    def b_format(self) -> Format:
        return self.pe.operands.b

    @property
    def result_format(self) -> Format:
        return self.pe.result_format

    @property
    def step_cycles(self) -> int:
        """Cycles from one product of an element to its next."""
        return self.pe.multiplier.cycles(*self.pe.operands.multiplied)

    @property
    def peak_macs_per_cycle(self) -> int | Fraction:
        peak = Fraction(self.rows * self.cols, self.step_cycles)
        return int(peak) if peak.denominator == 1 else peak

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N]) on codes, in ascending k."""
        return self.pe.matmul_codes(a, b, c)

    @property
    def fixed_order(self) -> bool:
        """Whether the order of additions matters."""
        wraps = self.pe.accumulator.kind == "integer" and getattr(self.pe.accumulator, "overflow", "") == "wrap"
        return not wraps

    def on(self, window: Window | None) -> RowStationary:
        """The array at work on that convolution: tiles are whole output rows and channels.

        Filters that are higher than the array or wider than an element's words, or have gaps, are unfolded: each
        channel's taps count as so many channels of a 1 × 1 convolution.
        """
        if window is None or window.dilation != (1, 1) or not self._has_room_for(window):
            return self
        return _OnConvolution.model_construct(**dict(self), window=window)

    def _has_room_for(self, window: Window) -> bool:
        high, wide = window.taps
        return high <= self.rows and wide <= min(self.input_words, self.filter_words)

    def layout(self, convolution: Convolution) -> Layout:
        """How ``convolution`` lies on the array. Raises `InputError` for a filter that does not fit."""
        return self._best(convolution)[0]

    def layer(self, convolution: Convolution) -> RowStationaryCounts:
        """Products (of several cycles where multipliers are serial), words and hops of ``convolution``."""
        return self._best(convolution)[1]

    def layer_cycles(self, convolution: Convolution) -> int:
        """Cycles of ``convolution``."""
        return self.step_cycles * self.layer(convolution).cycles

    def _best(self, convolution: Convolution) -> tuple[Layout, RowStationaryCounts]:
        elements = Elements(self.rows, self.cols, self.filter_words, self.input_words, self.sum_words)
        return best(convolution, elements, self.fixed_order, self.layout_by)

    def convolutions(self, gemm: Gemm) -> list[Convolution]:
        """What ``gemm`` is done as, one after the other."""
        return [Convolution.of_gemm(gemm)]

    def counts(self, gemm: Gemm) -> RowStationaryCounts:
        """Cycles and words of ``gemm``."""
        first, *others = map(self.layer, self.convolutions(gemm))
        return sum(others, start=first)

    def products_abreast(self, gemm: Gemm) -> int:
        return min(self.layout(one).g for one in self.convolutions(gemm))

    def timing(self, gemm: Gemm) -> Timing:
        """The first element's products are compute; loads and the sums' way through the other elements are fill."""
        counts = self.counts(gemm)
        waiting = counts.cycles - counts.compute_cycles
        return Timing(self.step_cycles * waiting, self.step_cycles * counts.compute_cycles, 0)

    def accesses(self, gemm: Gemm) -> Accesses:
        """Words of the global buffer."""
        counts = self.counts(gemm)
        return Accesses(counts.a_reads, counts.b_reads, counts.c_reads, counts.c_writes)

    def _count_shapes(self, shapes: np.ndarray, count: int) -> np.ndarray:
        from hwsim.kernels.row_stationary_tile import fill_row_stationary

        columns = np.empty((5, len(shapes)), np.int64)
        fill_row_stationary(self._params(), shapes, count, columns)
        return columns

    def _params(self) -> np.ndarray:
        """Parameters of `hwsim.kernels.row_stationary_tile`."""
        array = (self.rows, self.cols, self.filter_words, self.input_words, self.sum_words, self.fixed_order)
        plain = (0, 0, 1, 1, 1, 1)
        return np.array([*array, self.layout_by == "accesses", self.step_cycles, *plain], np.int64)

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Products, and words read or written in the elements, of the layer laid out whole."""
        counts = self.counts(gemm)
        return {
            "mac": counts.macs,
            "filter_access": counts.macs + counts.filter_deliveries,
            "input_access": counts.macs + counts.input_deliveries,
            "sum_access": 2 * counts.macs + counts.sum_hops,
        }

    @property
    def element_count(self) -> int:
        return self.rows * self.cols

    def neighbour_bits(self, gemm: Gemm) -> int:
        """Sums that go from element to element."""
        return self.counts(gemm).sum_hops * self._sum_bits

    @property
    def _sum_bits(self) -> int:
        return self.pe.model_copy(update={"output": None}).result_format.bits

    def cost(self, technology: Technology) -> UnitCost:
        """Datapaths, and the elements' words as flip-flops (*assumed*; a register file is smaller); no wires."""
        from hwsim.technology.primitives import Register

        elements, lane = self.rows * self.cols, self.pe.cost(technology)
        area = {name: elements * value for name, value in lane.area_m2.items()}
        energy, sources = {"mac": lane.total_energy_per_mac_j}, dict(lane.sources)
        drawn_by = {"mac": dict(lane.energy_per_mac_j)}
        for name, words, bits in (
            ("filter", self.filter_words, self.b_format.bits),
            ("input", self.input_words, self.a_format.bits),
            ("sum", self.sum_words, self._sum_bits),
        ):
            part, action = f"{name} words", f"{name}_access"
            price = cost_of([Part(part, Register(words * bits))], technology)
            area[part], sources[part] = elements * price.total_area_m2, next(iter(price.sources.values()))
            energy[action] = technology.cost(Register(bits)).energy_j
            drawn_by[action] = {part: energy[action]}
        return UnitCost(area, energy, sources, drawn_by)


class _OnConvolution(RowStationary):
    """The array at work on a convolution: a tile [m, k] x [k, n] is output rows, filters and channels of it."""

    window: Window

    @property
    def tile_step(self) -> tuple[int, int, int]:
        """Whole output rows and whole channels."""
        return self.window.outputs[1], 1, self.window.taps[0] * self.window.taps[1]

    def convolutions(self, gemm: Gemm) -> list[Convolution]:
        """Whole images, then the rows of another."""
        (height, width), (high, wide) = self.window.outputs, self.window.taps
        width = min(gemm.m, width)
        images, rows = divmod(-(-gemm.m // width), height)
        one = Convolution(
            gemm.n, -(-gemm.k // (high * wide)), rows, width, high, wide, self.window.stride, 1, gemm.count
        )
        whole = [replace(one, output_height=height, images=images)] if images else []
        return whole + ([one] if rows else [])

    def _params(self) -> np.ndarray:
        window = self.window
        params = super()._params()
        params[-6:] = *window.outputs, *window.taps, *window.stride
        return params
