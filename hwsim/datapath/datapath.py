"""`Datapath`: how products become a sum, as one record that computes, counts its gates and has a golden twin."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.base.registry import OneOf
from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.accumulators.chunked import ChunkedAccumulator
from hwsim.datapath.factor import ENUMERATED_BITS, exponent_range, fraction_places, significand_bits
from hwsim.datapath.fma_sums import is_fma_chain
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.multipliers.exact import ExactMultiplier
from hwsim.datapath.parts import DatapathCost, Part, cost_of
from hwsim.datapath.products import TABLE_BITS, Products
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.reductions.exact import product_range
from hwsim.datapath.reductions.sequential import Sequential
from hwsim.datapath.result import MatmulResult
from hwsim.datapath.scale_gates import scale_parts
from hwsim.datapath.scales import Scales, Where
from hwsim.datapath.sums import Counts, Sums
from hwsim.formats import FormatName
from hwsim.formats.base import Format
from hwsim.formats.checks import checked_codes
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import NanPolicy, Rounding

if TYPE_CHECKING:
    from hwsim.datapath.diagnosis import Diagnosis
    from hwsim.technology.base import Technology

PRODUCT_BITS = 58
"""Widest product significand that the floating-point kernels hold beside a sticky bit (fp32 x fp32 has 48)."""
INTEGER_PRODUCT_BITS = 62
WORD_BITS = 60
"""Widest exact sum of a group of products."""


class Operands(Record):
    """Formats of what is multiplied and of the first addend."""

    a: FormatName
    """First operand (activations)."""
    b: FormatName
    """Second operand (weights)."""
    c: FormatName | None = None
    """First addend; the format of the result when not given."""
    convert: FormatName | None = None
    """Format that a and b are converted to, exactly, before they are multiplied (FP8 through FP16 hardware)."""
    flush: bool = False
    """Whether subnormal operands a, b and c count as +0."""
    scale: FormatName | None = None
    """Format of the scales that blocks of a and b share, if they do: each scale is an exact factor."""
    scale_block: int = Field(default=32, ge=1)
    """Elements along K that share a scale."""

    @model_validator(mode="after")
    def _converts_exactly(self) -> Self:
        if self.convert is not None:
            for operand in (self.a, self.b):
                if not holds(self.convert, operand):
                    raise ValueError(f"{self.convert.name} does not hold every value of {operand.name}")
        if self.scale is not None and (self.scale.kind != "float" or self.scale.signed):
            raise ValueError(f"scales are unsigned floats, such as e8m0fnu or ue4m3, not '{self.scale.name}'")
        return self

    @property
    def multiplied(self) -> tuple[Format, Format]:
        """Formats of what the multiplier sees."""
        return (self.convert, self.convert) if self.convert is not None else (self.a, self.b)


class Output(Record):
    """The rounding on the way out of the accumulator."""

    format: FormatName
    rounding: Rounding = "rne"
    overflow: str | None = None
    """As in `Format.encode`; the format's default when not given."""
    nan: NanPolicy | None = None
    """What NaN becomes where the format has none, as in `Format.encode`; an error when not given."""

    @model_validator(mode="after")
    def _format_has_overflow(self) -> Self:
        if self.overflow is not None and self.overflow not in self.format.overflows:
            known = " or ".join(self.format.overflows)
            raise ValueError(f"{self.format.name} overflows by {known}, not '{self.overflow}'")
        return self

    def counts(self, values: np.ndarray) -> Counts:
        """Finite sums outside the range of the format, by what becomes of them."""
        beyond = (values > self.format.max) | (values < self.format.min)
        outside = int((beyond & np.isfinite(values)).sum())
        saturates = (self.overflow or self.format.overflows[0]) == "saturate"
        return Counts(0, outside) if saturates else Counts(outside, 0)


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
        a, b = self.operands.multiplied
        if self.order is not None and sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"order is not a permutation of 0 … {len(self.order) - 1}")
        self.multiplier.check(a, b)
        self.accumulator.check(a, b)
        self.accumulator.check_reduction(self.reduction)
        self.reduction.check(a, b, self.multiplier, self._entered)
        limit = INTEGER_PRODUCT_BITS if self._entered.kind == "integer" else PRODUCT_BITS
        bits = self.multiplier.product_bits(a, b)
        if bits > limit and not is_fma_chain(a, b, self.multiplier, self.reduction, self._entered):
            raise ValueError(f"{a.name} x {b.name} has products of {bits} significand bits, more than {limit}")
        if self.multiplier.kernel is None and a.bits + b.bits > TABLE_BITS:
            raise ValueError(f"multiplier '{self.multiplier.kind}' takes operands of {TABLE_BITS} bits together")
        self._check_addend()
        self._check_scales(bits)
        return self

    def _check_scales(self, product_bits: int) -> None:
        scale = self.operands.scale
        if scale is None:
            if self.reduction.scales_groups:
                raise ValueError("scaled groups need the operands' 'scale'")
            return
        bits, block = 2 * significand_bits(scale), self.operands.scale_block
        if self.order is not None and block % len(self.order):
            raise ValueError(f"scales of {block} elements do not go with an order of {len(self.order)}")
        if self.scaled_at == "chunk":
            every = getattr(self.accumulator, "every", block)
            if block % every:
                raise ValueError(f"chunks of {every} products do not divide a scale's block of {block}")
            bits += self._entered.bits
        elif self.scaled_at == "group":
            size = getattr(self.reduction, "group_size", 1)
            if block % size:
                raise ValueError(f"groups of {size} products do not divide a scale's block of {block}")
        elif self._entered.kind == "integer":
            raise ValueError("scaled products do not fit an integer accumulator; add chunks of them to a float one")
        elif (needed := self._exact_group_bits(scale)) > WORD_BITS:
            raise ValueError(
                f"exact groups of products scaled by '{scale.name}' need {needed} bits, more than {WORD_BITS}; "
                "write 'scaled: true' to scale the groups, or give 'groups.align_bits'"
            )
        elif significand_bits(scale) > 1 and self.multiplier.kernel != 0:
            raise ValueError(f"products by '{self.multiplier.kind}' take power-of-two scales, not '{scale.name}'")
        else:
            bits += product_bits
        if bits > PRODUCT_BITS:
            raise ValueError(f"scaled sums have {bits} significand bits, more than {PRODUCT_BITS}")

    def _exact_group_bits(self, scale: Format) -> int:
        """Bits of an exact sum of a group's products, each times its scales; 0 where no group is exact."""
        groups = getattr(self.reduction, "groups", None)
        if groups is None or groups.align_bits is not None:
            return 0
        low, high = product_range(*self.operands.multiplied, self.multiplier)
        least, most = exponent_range(scale)
        size: int = self.reduction.lanes_of(1) // groups.count
        return high - low + 2 * (most + 1 - least) + size.bit_length()

    @property
    def scaled_at(self) -> Where:
        """Where a pair of scales multiplies: a fused block's groups if so declared, integer chunks that are added to
        a float, else every product."""
        if self.reduction.scales_groups:
            return "group"
        outer = getattr(self.accumulator, "into", None)
        chunks = outer is not None and outer.kind != "integer" and self._entered.kind == "integer"
        return "chunk" if chunks else "product"

    def _check_addend(self) -> None:
        try:
            c, target = self.c_format, self._sum_format
        except InputError as error:  # the sum's own width and fraction bits make no format
            raise ValueError(str(error)) from None
        if (c.kind == "float") != (target.kind == "float"):
            raise ValueError(f"a sum in '{target.name}' cannot start from c in '{c.name}'")
        if c.kind != "float" and fraction_places(c) != fraction_places(target):
            raise ValueError(f"c in '{c.name}' does not have the {fraction_places(target)} fraction bits of the sum")

    # Formats ----------------------------------------------------------------------------------------

    @property
    def _entered(self) -> Any:
        """The accumulator that products enter: a chunk's, where there are chunks."""
        return self.accumulator.chunk if isinstance(self.accumulator, ChunkedAccumulator) else self.accumulator

    @property
    def _sum_format(self) -> Format:
        scale = -sum(fraction_places(f) for f in self.operands.multiplied)
        return self.accumulator.sum_format(scale)

    @property
    def result_format(self) -> Format:
        """Format of the result: the output's, or the accumulator's."""
        return self.output.format if self.output is not None else self._sum_format

    @property
    def c_format(self) -> Format:
        """Format of the first addend: the operands' c; else the result's if sums can start from it."""
        if self.operands.c is not None:
            return self.operands.c
        target, result = self._sum_format, self.result_format
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
        whole = self.output is None and self._sum_format.kind != "float"
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
        held = self._sum_format
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
        parts += self.reduction.parts(a, b, self.multiplier, self._entered)
        if isinstance(self.accumulator, ChunkedAccumulator):
            parts += self.accumulator.outer_parts(self.reduction.shared_by)
        return parts

    def cost(self, technology: Technology | str = "7nm") -> DatapathCost:
        """Area and energy of one lane, by part, in a technology."""
        from hwsim import technology as technologies

        return cost_of(self.parts(), technologies.get(technology) if isinstance(technology, str) else technology)


def holds(number_format: Format, other: Format) -> bool:
    """Whether a format holds every value of another one of at most 16 bits, NaN and infinities included."""
    if other.bits > ENUMERATED_BITS:
        return False
    values = other.decode(np.arange(other.code_count), np.float64)
    if np.isnan(values).any() and not number_format.has_nan:
        return False
    return bool(np.array_equal(number_format.round(values), values, equal_nan=True))


def flushed(codes: np.ndarray, number_format: Format) -> np.ndarray:
    """Codes with +0 in place of every subnormal number."""
    if not isinstance(number_format, FloatFormat):
        return codes
    stored = np.asarray(codes).astype(np.uint64)
    field = (stored >> np.uint64(number_format.mantissa_bits)) & np.uint64((1 << number_format.exponent_bits) - 1)
    fraction = stored & np.uint64((1 << number_format.mantissa_bits) - 1)
    return np.where((field == 0) & (fraction != 0), 0, codes).astype(np.asarray(codes).dtype)


def _encode(number_format: Format, x: Any) -> np.ndarray:
    return number_format.encode(np.asarray(x), overflow="saturate")


def _make_nans_canonical(codes: np.ndarray, sums: Sums, number_format: Format) -> None:
    """All ones below a zero sign bit (0x7FFFFFFF, 0x7FFF), where that is a NaN."""
    if number_format.has_nan and getattr(number_format, "specials", "") in ("ieee", "fn"):
        codes[sums.tag == 3] = (1 << (number_format.bits - int(number_format.signed))) - 1
