"""A whole GEMM in a given order, one output at a time, in exact arithmetic: the judge of `hwsim.units.gemm`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hwsim.formats import get
from hwsim.golden import datapath as golden
from hwsim.golden.formats import encode
from hwsim.golden.number import ZERO, Events, Number, Target, add, finite, round_to, unpack

if TYPE_CHECKING:
    from hwsim.units.gemm_order import GemmOrder
    from hwsim.units.matrix_unit import MatrixUnit

Codes = Sequence[Sequence[int]]
_FP32 = Target(get("fp32"), "rne", None)


def gemm(
    order: GemmOrder,
    unit: MatrixUnit,
    a: Codes,
    b: Codes,
    scale_a: Sequence[float] | None = None,
    scale_b: Sequence[float] | None = None,
    bias: Sequence[float] | None = None,
    block_scales: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]] | None = None,
) -> list[list[int]]:
    """Codes [M, K] x [K, N] -> codes [M, N], as `GemmOrder.matmul` of codes; vectors have M, N and N elements."""
    m, n, k = len(a), len(b[0]), len(b)
    order = order.at(m, n, k)
    columns = [list(column) for column in zip(*b, strict=True)]
    rows = []
    for i in range(m):
        row = []
        for j in range(n):
            scales = None
            if block_scales is not None:
                factors = zip(block_scales[0][i], [line[j] for line in block_scales[1]], strict=True)
                scales = [_product(x, y) for x, y in factors]
            total = output_sum(order, unit, a[i], columns[j], (i, j), (m, n), scales)
            ends = [None if v is None else v[index] for v, index in ((scale_a, i), (scale_b, j), (bias, j))]
            row.append(finish(order, unit, total, *ends))
        rows.append(row)
    return rows


def _product(x: float, y: float) -> Number:
    """RN32(x·y) of two fp32 numbers."""
    return round_to(finite(Fraction(x) * Fraction(y)), _FP32)


# Which k belong together ------------------------------------------------------------------------------


def partial_sums(order: GemmOrder, place: tuple[int, int], size: tuple[int, int], k: int) -> list[list[int]]:
    """The k of every partial sum of output ``place``, in the order of addition."""
    width = order.tile.k
    count = math.ceil(k / width)
    if order.stream_k is not None:
        workers = _workers_of_tiles(order, place, size, count)
        names = sorted(set(workers))
        owned = [[t for t in range(count) if workers[t] == name] for name in names] or [[]]
    elif order.split == "interleaved":
        owned = [[t for t in range(count) if t % order.split_k == s] for s in range(order.split_k)]
    else:
        run = max(math.ceil(count / order.split_k), 1)
        owned = [[t for t in range(count) if t // run == s] for s in range(order.split_k)]
    return [[x for t in tiles for x in range(t * width, min(t * width + width, k))] for tiles in owned]


def _workers_of_tiles(order: GemmOrder, place: tuple[int, int], size: tuple[int, int], count: int) -> list[int]:
    """The worker of each k-tile of one output tile: every iteration of the whole GEMM is dealt out, one by one."""
    stream: Any = order.stream_k
    down, across = math.ceil(size[0] / order.tile.m), math.ceil(size[1] / order.tile.n)
    i, j = place[0] // order.tile.m, place[1] // order.tile.n
    number = i * across + j if stream.raster == "row" else j * down + i
    tiles = down * across
    left = tiles % stream.workers
    dealt = list(range(tiles))
    if stream.schedule != "basic" and tiles >= stream.workers:
        if left == 0:
            dealt = []
        elif stream.schedule == "one_tile":
            dealt = dealt[tiles - left :]
        else:
            dealt = dealt[: left + stream.workers]
    if number not in dealt:
        return [0] * count
    iterations = [(t, step) for t in dealt for step in range(count)]
    share = math.ceil(len(iterations) / stream.workers)
    return [index // share for index, (t, _) in enumerate(iterations) if t == number]


# Sums -------------------------------------------------------------------------------------------------


def output_sum(
    order: GemmOrder,
    unit: MatrixUnit,
    a: Sequence[int],
    b: Sequence[int],
    place: tuple[int, int],
    size: tuple[int, int],
    scales: list[Number] | None,
) -> Number | int:
    """What enters the epilogue; the code of the chain where nothing is added to it."""
    owned = partial_sums(order, place, size, len(a))
    if not order.adds_partial_sums:
        return _chain(unit, [a[x] for x in owned[0]], [b[x] for x in owned[0]])
    held = unit.datapath.result_format
    register = Target(held, "rne", None) if held.name == "fp64" else _FP32  # type: ignore[arg-type]
    parts = [_split(order, unit, a, b, own, register, scales) for own in owned]
    if len(parts) == 1:
        return parts[0]
    workspace = register if order.workspace is None else Target(order.workspace, "rne", None)  # type: ignore[arg-type]
    p = [round_to(part, workspace) for part in parts]
    if order.combine == "serial":
        total = p[0]
        for part in p[1:]:
            total = add(total, part, workspace)
        return total
    s = len(p)
    h = math.ceil(s / 2)
    total = p[s - 1]
    for i in range(h):
        slot = add(p[i], p[i + h], workspace) if i + h < s - 1 else p[i]
        total = add(total, slot, workspace)
    return total


def _chain(unit: MatrixUnit, a: list[int], b: list[int]) -> int:
    while len(a) % unit.k:
        a, b = [*a, 0], [*b, 0]
    return golden.dot(unit.datapath, a, b, None, Events())


def _split(
    order: GemmOrder, unit: MatrixUnit, a: Any, b: Any, own: list[int], register: Target, scales: list[Number] | None
) -> Number:
    held = unit.datapath.result_format
    every = order.promote_every
    if every is None:
        return unpack(held, _chain(unit, [a[x] for x in own], [b[x] for x in own]))
    total = ZERO
    for first in range(0, len(own), every):
        piece = own[first : first + every]
        chain = unpack(held, _chain(unit, [a[x] for x in piece], [b[x] for x in piece]))
        scale = None if scales is None else scales[piece[0] // every]
        total = add(total, chain, register) if scale is None else multiply_add(chain, scale, total)
    return total


def multiply_add(x: Number, y: Number, z: Number) -> Number:
    """RN32(x·y + z), with IEEE 754's rules for special values and the signs of zeros."""
    negative = x.negative != y.negative
    if "nan" in (x.special, y.special):
        product = Number(False, special="nan")
    elif "inf" in (x.special, y.special):
        zero = any(not number.special and number.magnitude == 0 for number in (x, y))
        product = Number(False, special="nan") if zero else Number(negative, special="inf")
    else:
        product = Number(negative, x.magnitude * y.magnitude)
    return add(product, z, _FP32)


# Epilogue ---------------------------------------------------------------------------------------------


def finish(
    order: GemmOrder,
    unit: MatrixUnit,
    total: Number | int,
    scale_a: float | None = None,
    scale_b: float | None = None,
    bias: float | None = None,
) -> int:
    """The code of the output: y = RN32(acc·RN32(scale_a·scale_b) + bias), activation, rounding."""
    end = order.epilogue
    if end is None:
        return total if isinstance(total, int) else _code(order.accumulated_format(unit), total, unit)
    acc = unpack(unit.datapath.result_format, total) if isinstance(total, int) else total
    given = zip((scale_a, scale_b, bias), (end.scale_a, end.scale_b, end.bias), strict=True)
    left, right, addend = (_fp32(default if value is None else value) for value, default in given)
    alpha = round_to(_exact_product(left, right), _FP32)
    y = multiply_add(round_to(acc, _FP32), alpha, addend)
    if end.activation == "relu" and y.special != "nan" and (y.negative or not (y.magnitude or y.special)):
        y = ZERO
    return _code(end.output, y, unit, end.rounding, end.saturation)


def _fp32(value: float) -> Number:
    code = encode(get("fp32"), value if value == 0 or not math.isfinite(value) else Fraction(value))
    return unpack(get("fp32"), code)


def _exact_product(x: Number, y: Number) -> Number:
    if x.special or y.special:
        return Number(False, special="nan")  # no scale is infinite
    return Number(x.negative != y.negative, x.magnitude * y.magnitude)


def _code(target: Any, x: Number, unit: MatrixUnit, rounding: str = "rne", overflow: str | None = None) -> int:
    canonical = unit.datapath.reduction.canonical_nan and getattr(target, "specials", "") in ("ieee", "fn")
    if x.special == "nan" and canonical and target.has_nan:
        return int((1 << (target.bits - 1)) - 1)
    return encode(target, x.value, rounding, overflow, "error" if target.has_nan else "zero")
