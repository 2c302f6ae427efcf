"""`Datapath`: how products become a sum, as one record that computes, counts its gates and has a golden twin."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, model_validator

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.base.registry import OneOf
from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.accumulators.chunked import ChunkedAccumulator
from hwsim.datapath.checks import check
from hwsim.datapath.factor import fraction_places
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.multipliers.exact import ExactMultiplier
from hwsim.datapath.operands import Operands, Output, flushed
from hwsim.datapath.parts import DatapathCost, Part, cost_of
from hwsim.datapath.products import Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.reductions.sequential import Sequential
from hwsim.datapath.result import MatmulResult
from hwsim.datapath.scale_gates import scale_parts
from hwsim.datapath.scales import Scales, Where
from hwsim.datapath.sums import Counts, Sums
from hwsim.formats.base import Format
from hwsim.formats.checks import checked_codes

if TYPE_CHECKING:
    from hwsim.datapath.diagnosis import Diagnosis
    from hwsim.technology.base import Technology
    from hwsim.technology.fpga import FpgaEstimate, Multipliers


class Datapath(Record):
    """``d = round(c + Σ a·b)`` with every choice named: operands x multiplier x reduction x accumulator x output.

    >>> dp = Datapath(operands={"a": "int8", "b": "int8"}, accumulator={"bits": 8, "overflow": "saturate"})
    >>> dp.matmul([[100, 100]], [[1], [1]]).tolist()
    [[127]]
    """

    name: str = ""
    operands: Operands
    order: tuple[int, ...] | None = None
    """The order in which each run of as many k enters: a permutation of 0 … n−1. Ascending when not given."""
    multiplier: Annotated[Multiplier, OneOf(multipliers, default="exact")] = ExactMultiplier()
    reduction: Annotated[Reduction, OneOf(reductions, default="sequential")] = Sequential()
    accumulator: Annotated[Accumulator, OneOf(accumulators), BeforeValidator(spell_out)]
    output: Output | None = None
    """Format of the result; the accumulator's own when not given."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The datapath that a YAML file describes; raises `InputError` with the place of the first problem."""
        from hwsim.base.document import read_document
        from hwsim.base.validate import validate

        return validate(cls, read_document(path))

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        check(self)
        return self

    @property
    def scaled_at(self) -> Where:
        """Where a pair of scales multiplies: a fused block's groups if so declared, integer chunks that are added to
        a float, else every product."""
        if self.reduction.scales_groups:
            return "group"
        outer = getattr(self.accumulator, "into", None)
        chunks = outer is not None and outer.kind != "integer" and self.entered.kind == "integer"
        return "chunk" if chunks else "product"

    # Formats ----------------------------------------------------------------------------------------

    @property
    def entered(self) -> Any:
        """The accumulator that products enter: a chunk's, where there are chunks."""
        return self.accumulator.chunk if isinstance(self.accumulator, ChunkedAccumulator) else self.accumulator

    @property
    def sum_format(self) -> Format:
        """Format of the accumulator's sums."""
        scale = -sum(fraction_places(f) for f in self.operands.multiplied)
        return self.accumulator.sum_format(scale)

    @property
    def result_format(self) -> Format:
        """Format of the result: the output's, or the accumulator's."""
        return self.output.format if self.output is not None else self.sum_format

    @property
    def c_format(self) -> Format:
        """Format of the first addend: the operands' c; else the result's if sums can start from it."""
        if self.operands.c is not None:
            return self.operands.c
        target, result = self.sum_format, self.result_format
        same_kind = (target.kind == "float") == (result.kind == "float")
        return result if same_kind and fraction_places(target) == fraction_places(result) else target

    # Computing --------------------------------------------------------------------------------------

    def matmul_codes(
        self,
        a: np.ndarray,
        b: np.ndarray,
        c: np.ndarray | None = None,
        scale_a: np.ndarray | None = None,
        scale_b: np.ndarray | None = None,
    ) -> MatmulResult:
        """Codes [.., M, K] x [.., K, N] + c [.., M, N] -> codes [.., M, N] of `result_format`.

        Leading dimensions, the same of all, count independent products. c holds codes of `c_format`, +0 when
        not given; ``scale_a`` [.., M, ⌈K/scale_block⌉] and ``scale_b`` [.., ⌈K/scale_block⌉, N] codes of the
        operands' scale format, 1 when not given. An integer accumulator without an output format gives its int64
        values. Raises `InputError` for shapes that do not match and codes that are none.
        """
        shape, *arranged = self._arranged(a, b, c, scale_a, scale_b)
        if 0 in shape:
            return MatmulResult(np.zeros(shape, self._code_dtype), 0, 0)
        result = self._run(*arranged)
        return MatmulResult(result.codes.reshape(shape), result.overflows, result.saturations)

    def diagnose(
        self,
        a: np.ndarray,
        b: np.ndarray,
        c: np.ndarray | None = None,
        scale_a: np.ndarray | None = None,
        scale_b: np.ndarray | None = None,
        cancelled_bits: int | None = None,
    ) -> Diagnosis:
        """`matmul_codes`, and what the additions into each register lost (`RegisterStatistics`).

        ``cancelled_bits``: how many leading bits an addition must lose to count as a cancellation; half of the
        register's significand, rounded up, when not given (*assumed*). Raises `InputError` for empty products, and
        for reductions that do not chain blocks over K.
        """
        from hwsim.datapath.diagnosis import diagnose

        shape, *arranged = self._arranged(a, b, c, scale_a, scale_b)
        if 0 in shape:
            raise InputError(f"there are no sums in a result of shape {list(shape)}")
        found = diagnose(self, *self._ready(*arranged), cancelled_bits)
        return replace(found, result=replace(found.result, codes=found.result.codes.reshape(shape)))

    def _arranged(self, a: Any, b: Any, c: Any, scale_a: Any, scale_b: Any) -> tuple[Any, ...]:
        """The shape of the result, and what `_run` takes: rows, columns, first addend, matrices and scales."""
        a, b = np.asarray(a), np.asarray(b)
        if a.ndim < 2 or b.ndim < 2 or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
            raise InputError(f"expected [.., M, K] x [.., K, N], got {list(a.shape)} x {list(b.shape)}")
        shape = (*a.shape[:-1], b.shape[-1])
        start = None if c is None else np.asarray(c)
        if start is not None and start.shape != shape:
            raise InputError(f"expected c of shape {list(shape)}, got {list(start.shape)}")
        if 0 in shape:
            return shape, None, None, None, 0, None
        matrices, (m, n), k = math.prod(shape[:-2]), shape[-2:], a.shape[-1]
        rows, columns = a.reshape(matrices * m, k), b.swapaxes(-1, -2).reshape(matrices * n, k)
        start = None if start is None else start.reshape(matrices * m, n)
        scales = self._scales(
            scale_a, None if scale_b is None else np.swapaxes(scale_b, -1, -2), (rows.shape[0], columns.shape[0]), k
        )
        return shape, rows, columns, start, matrices, scales

    def dot_codes(
        self,
        a: np.ndarray,
        b: np.ndarray,
        c: np.ndarray | None = None,
        scale_a: np.ndarray | None = None,
        scale_b: np.ndarray | None = None,
    ) -> MatmulResult:
        """Row by row: codes a [rows, K] · b [rows, K] + c [rows] -> codes [rows]; scales [rows, ⌈K/scale_block⌉]."""
        a, b = np.asarray(a), np.asarray(b)
        if a.ndim != 2 or a.shape != b.shape:
            raise InputError(f"expected two arrays [rows, K], got {list(a.shape)} and {list(b.shape)}")
        if c is not None and np.shape(c) != a.shape[:1]:
            raise InputError(f"expected c of shape {list(a.shape[:1])}, got {list(np.shape(c))}")
        if a.shape[0] == 0:
            return MatmulResult(np.zeros(0, self._code_dtype), 0, 0)
        column = None if c is None else np.asarray(c).reshape(-1, 1)
        scales = self._scales(scale_a, scale_b, (a.shape[0], a.shape[0]), a.shape[1])
        result = self._run(a, b, column, a.shape[0], scales)
        return MatmulResult(result.codes[:, 0], result.overflows, result.saturations)

    def matmul(self, a: Any, b: Any, c: Any = None) -> np.ndarray:
        """Values [M, K] x [K, N] + c [M, N] -> values, float64, or int64 from an integer accumulator.

        Operands are first rounded to nearest even, saturating, into their formats.
        """
        operands, target = self.operands, self.c_format
        start = None if c is None else target.encode(np.asarray(c), overflow="saturate")
        result = self.matmul_codes(_encode(operands.a, a), _encode(operands.b, b), start)
        if self.result_format.kind == "integer" and self.output is None:
            return result.codes
        return self.result_format.decode(result.codes).astype(np.float64, copy=False)

    @property
    def _code_dtype(self) -> np.dtype[Any]:
        whole = self.output is None and self.sum_format.kind != "float"
        return np.dtype(np.int64) if whole else self.result_format.code_dtype

    def _scales(self, a: Any, b: Any, rows: tuple[int, int], k: int) -> Scales | None:
        """The scales of rows of a and columns of b, 1 where not given."""
        scale, block = self.operands.scale, self.operands.scale_block
        if scale is None:
            if a is not None or b is not None:
                raise InputError("the operands have no 'scale'")
            return None
        one = scale.encode(1.0)
        pair = []
        for name, given, count in (("scale_a", a, rows[0]), ("scale_b", b, rows[1])):
            shape = (count, -(-k // block))
            codes = np.full(shape, one) if given is None else np.asarray(given)
            if codes.size != math.prod(shape) or codes.shape[-1] != shape[1]:
                raise InputError(f"expected {name} with {shape[1]} scales for each of {count} rows or columns")
            pair.append(codes.reshape(shape))
        return Scales(pair[0], pair[1], scale, block, self.scaled_at)

    def _run(
        self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None, matrices: int, scales: Scales | None
    ) -> MatmulResult:
        products, start = self._ready(a, b, c, matrices, scales)
        sums, counts = self.accumulator.accumulate(products, self.reduction, start)
        codes, counted = self.leave(sums)
        counts = counts + counted
        return MatmulResult(codes, counts.overflows, counts.saturations)

    def _ready(
        self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None, matrices: int, scales: Scales | None
    ) -> tuple[Products, Sums | None]:
        """Products and first addend of codes."""
        operands = self.operands
        a, b = (self._enter(codes, f) for codes, f in ((a, operands.a), (b, operands.b)))
        if c is not None and operands.flush:
            c = flushed(c, self.c_format)
        products = Products(a, b, *operands.multiplied, self.multiplier, matrices, 0, a.shape[1], scales)
        return products, None if c is None else Sums.unpack(c, self.c_format)

    def _enter(self, codes: np.ndarray, number_format: Format) -> np.ndarray:
        """Operand codes [rows, K] as the multiplier sees them: in order, flushed, converted."""
        codes = checked_codes(number_format, codes)
        if self.order is not None:
            run = len(self.order)
            if codes.shape[1] % run:
                raise InputError(f"expected K to be a multiple of {run}, got {codes.shape[1]}")
            codes = codes.reshape(codes.shape[0], -1, run)[:, :, list(self.order)].reshape(codes.shape)
        if self.operands.flush:
            codes = flushed(codes, number_format)
        convert = self.operands.convert
        return codes if convert is None else convert.encode(number_format.decode(codes, np.float64))

    def leave(self, sums: Sums) -> tuple[np.ndarray, Counts]:
        """Sums as codes of the result, and how many lie outside the output's range."""
        held = self.sum_format
        if held.kind != "float" and self.output is None:
            return sums.significand, Counts()
        values = sums.significand if held.kind == "integer" else sums.values()
        output = self.output or Output(format=held)
        codes = output.format.encode(values, output.rounding, output.overflow, output.nan)
        if self.reduction.canonical_nan:
            _make_nans_canonical(codes, sums, output.format)
        return codes, output.counts(values)

    def with_chunks(self, every: int, into: Any) -> Datapath:
        """The same with each ``every`` products summed here and their sums added in accumulator ``into``.

        Raises `InputError` if the accumulator is chunked already.
        """
        if isinstance(self.accumulator, ChunkedAccumulator):
            raise InputError("the accumulator is chunked already")
        outer = spell_out(into)
        chunked = {"kind": "chunked", "every": every, "inner": self.accumulator, "into": outer}
        return Datapath.model_validate({**dict(self), "accumulator": chunked})

    # Counting gates ---------------------------------------------------------------------------------

    def parts(self) -> list[Part]:
        """The gates of one lane: what makes one multiply-accumulate per cycle."""
        a, b = self.operands.multiplied
        parts = self.multiplier.parts(a, b) + scale_parts(self)
        parts += self.reduction.parts(a, b, self.multiplier, self.entered)
        if isinstance(self.accumulator, ChunkedAccumulator):
            parts += self.accumulator.outer_parts(self.reduction.shared_by)
        return parts

    def cost(self, technology: Technology | str = "7nm") -> DatapathCost:
        """Area and energy of one lane, by part, in a technology."""
        from hwsim import technology as technologies

        return cost_of(self.parts(), technologies.get(technology) if isinstance(technology, str) else technology)

    def fpga(self, multipliers: Multipliers = "dsp") -> FpgaEstimate:
        """LUT, flip-flops and DSP48E2 of one lane on an FPGA, by part (see `hwsim.technology.fpga`)."""
        from hwsim.technology.fpga import estimate

        return estimate(self, multipliers)


def _encode(number_format: Format, x: Any) -> np.ndarray:
    return number_format.encode(np.asarray(x), overflow="saturate")


def _make_nans_canonical(codes: np.ndarray, sums: Sums, number_format: Format) -> None:
    """All ones below a zero sign bit (0x7FFFFFFF, 0x7FFF), where that is a NaN."""
    if number_format.has_nan and getattr(number_format, "specials", "") in ("ieee", "fn"):
        codes[sums.tag == 3] = (1 << (number_format.bits - int(number_format.signed))) - 1
