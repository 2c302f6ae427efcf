"""Error against energy: a product of two matrices by many datapaths, each with the price of its multiply-accumulates.

Every variant quantizes the same real operands x [M, K] and w [K, N] by its own rule and multiplies the codes bit for
bit. Two errors are told apart: that of the whole, against x·w, and that of the datapath alone, against the product of
the quantized operands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.datapath import Datapath
from hwsim.engine.metrics import relative_l2, sqnr_db
from hwsim.formats import FormatName, get
from hwsim.formats.base import Format
from hwsim.formats.block_format import BlockFormat

if TYPE_CHECKING:
    from hwsim.technology.base import Technology

Rule = Literal["none", "row", "block"]
"""How an operand meets its format. none: each value is rounded. row: every row of x and column of w has a float32 scale
max|x| / max(format). block: as the block format says."""


class Variant(Record):
    """One datapath with the quantization of what enters it."""

    label: str
    """Unique: 'FP8 E4M3 F=13'."""
    family: str
    """Variants of one family differ in the knob alone, unless one is `hardware`."""
    knob: str
    """What is varied: 'F' (alignment bits), 'bits' (of an integer accumulator), 'format' (of a float one)."""
    value: int
    """Of the knob; the bits of a format."""
    datapath: Datapath
    rule: Rule
    block: str | None = None
    """The block format of the rule 'block'."""
    hardware: str | None = None
    """The chip whose published arithmetic this is."""


@dataclass(frozen=True)
class TradeoffRow:
    """What `measure` found of one variant."""

    label: str
    family: str
    knob: str
    value: int
    hardware: str | None
    energy_per_mac_j: float
    """Of one multiply-accumulate in the datapath: no memory, no wires."""
    area_m2: float
    """Of one lane."""
    rel_l2: float | None
    """‖computed − x·w‖₂ / ‖x·w‖₂, rounding of the operands included; None where a sum is infinite or NaN."""
    sqnr_db: float | None
    """The same as 10·log10 of a ratio of powers."""
    own_rel_l2: float | None
    """Against the product of the quantized operands: what the datapath loses."""
    own_sqnr_db: float | None
    """The same in dB; None where nothing was lost."""
    saturations: int
    overflows: int


@dataclass(frozen=True)
class Quantized:
    """Rows [R, K] as codes; ``x ≈ outer · scale · element``."""

    codes: np.ndarray
    scales: np.ndarray | None
    """Codes [R, ⌈K/block⌉] in the datapath's scale format."""
    outer: np.ndarray
    """float64 [R, 1]: what the datapath never sees, and its result is multiplied by."""
    inner: np.ndarray
    """float64 [R, K]: scale · element, exact."""


def quantize(variant: Variant, rows: np.ndarray, element: Format) -> Quantized:
    """``rows`` [R, K] by the variant's rule, in ``element``."""
    ones = np.ones((rows.shape[0], 1))
    if variant.rule == "block":
        return _blocks(get_block(variant), rows, variant.datapath.operands.scale)
    if variant.rule == "row":
        greatest = np.abs(rows).max(axis=1, keepdims=True).astype(np.float32)
        scale = np.where(greatest > 0, greatest / np.float32(element.max), np.float32(1))
        ones = scale.astype(np.float64)
    codes = element.encode(rows / ones, overflow="saturate")
    return Quantized(codes, None, ones, element.decode(codes, np.float64))


def get_block(variant: Variant) -> BlockFormat:
    """The block format of a variant; raises `InputError` if there is none."""
    found: Any = get(variant.block or "")
    if not isinstance(found, BlockFormat):
        raise InputError(f"'{variant.block}' is no block format")
    return found


def _blocks(block: BlockFormat, rows: np.ndarray, scale: FormatName | None) -> Quantized:
    """The scale of the whole tensor, where there is one, stays outside the datapath."""
    made = block.quantize(rows, axis=-1)
    decoded = block.scale.decode(made.scales, np.float64)
    scales = None if scale is None else scale.encode(decoded)
    outer = np.full((rows.shape[0], 1), 1.0 if made.tensor_scale is None else float(made.tensor_scale))
    per_value = np.repeat(decoded, int(block.values_per_scale or rows.shape[1]), axis=1)[:, : rows.shape[1]]
    return Quantized(made.codes, scales, outer, block.element.decode(made.codes, np.float64) * per_value)


def measure(
    variants: Iterable[Variant],
    x: np.ndarray,
    w: np.ndarray,
    node: Technology | str = "7nm",
    progress: Callable[[str], None] | None = None,
) -> list[TradeoffRow]:
    """Each variant's product of x [M, K] and w [K, N], float32 or float64, with its errors and its price.

    Reference products are float64 sums, whose relative error, below K·2⁻⁵³, is no part of any error shown here.
    Raises `InputError` for shapes that do not match.
    """
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise InputError(f"expected [M, K] x [K, N], got {list(x.shape)} x {list(w.shape)}")
    real = x.astype(np.float64) @ w.astype(np.float64)
    rows = []
    for variant in variants:
        rows.append(_measured(variant, x, w, real, node))
        if progress is not None:
            progress(variant.label)
    return rows


def _measured(variant: Variant, x: np.ndarray, w: np.ndarray, real: np.ndarray, node: Technology | str) -> TradeoffRow:
    computed, quantized, counts = product(variant, x, w)
    cost = variant.datapath.cost(node)
    return TradeoffRow(
        variant.label, variant.family, variant.knob, variant.value, variant.hardware,
        cost.total_energy_per_mac_j, cost.total_area_m2,
        relative_l2(computed, real), sqnr_db(computed, real),
        relative_l2(computed, quantized), sqnr_db(computed, quantized),
        *counts,
    )  # fmt: skip


def product(variant: Variant, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, Sequence[int]]:
    """x [M, K] · w [K, N] as the variant computes it, the float64 product of its quantized operands, and how many
    sums saturated and overflowed."""
    datapath = variant.datapath
    a, b = quantize(variant, x, datapath.operands.a), quantize(variant, w.T, datapath.operands.b)
    scales = (a.scales, None if b.scales is None else b.scales.T)
    result = datapath.matmul_codes(a.codes, b.codes.T, None, *scales)
    values = result.codes
    if datapath.output is not None or datapath.result_format.kind == "float":
        values = datapath.result_format.decode(values, np.float64)
    outer = a.outer * b.outer.T
    with np.errstate(invalid="ignore"):  # infinite sums
        computed = np.asarray(values.astype(np.float64) * outer)
    return computed, np.asarray(a.inner @ b.inner.T) * outer, (result.saturations, result.overflows)


def drawn_operands(
    distribution: Any, k: int, seed: int, rows: int = 256, columns: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """x [rows, k] and w [k, columns] of one of `hwsim.workload.distributions`, float32, by ``seed``."""
    from hwsim.workload.distributions import Streams, draw_rows

    x, w = (
        draw_rows(distribution, Streams(seed, "tradeoff", name), range(count), k)
        for name, count in (("x", rows), ("w", columns))
    )
    return x, np.ascontiguousarray(w.T)
