"""A whole GEMM in a given order, block by block of its output: bounded memory, progress, clean interruption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.formats.base import Format
from hwsim.units.gemm_epilogue import as_float32, encode, fused_multiply_add
from hwsim.units.gemm_order import GemmOrder, Progress, register_format
from hwsim.units.gemm_split import Region, Runs, chains, regions

if TYPE_CHECKING:
    from hwsim.units.matrix_unit import MatrixUnit

BLOCK = (512, 1024)
"""Rows and columns computed at once: some 10^8 multiply-accumulates a chain of 256, tenths of a second, between two
chances to stop. The bits do not depend on it."""


@dataclass(frozen=True)
class Scaling:
    """What multiplies and is added to sums; None stands for the order's own, or for 1 where blocks are scaled."""

    a: Any = None
    b: Any = None
    bias: Any = None
    block_a: Any = None
    block_b: Any = None


def whole_gemm(
    order: GemmOrder,
    unit: MatrixUnit,
    a: Any,
    b: Any,
    scaling: Scaling,
    rows: Sequence[int] | np.ndarray | None,
    columns: Sequence[int] | np.ndarray | None,
    progress: Progress | None,
) -> np.ndarray:
    """See `GemmOrder.matmul`."""
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise InputError(f"expected [M, K] x [K, N], got {list(a.shape)} x {list(b.shape)}")
    shape = (a.shape[0], b.shape[1], a.shape[1])
    order = order.at(*shape)
    _check(order, unit)
    work = _Work(order, unit, a, b, _Scales.of(order, scaling, shape))
    chosen = _chosen(rows, shape[0], "row"), _chosen(columns, shape[1], "column")
    blocks = [block for region in regions(order, shape, *chosen) for block in _blocks(region)]
    done, total = 0, sum(_steps(order, block) for block in blocks)
    d = np.zeros((len(chosen[0]), len(chosen[1])), order.result_format(unit).code_dtype)
    places = [{int(index): place for place, index in enumerate(each)} for each in chosen]
    for block in blocks:

        def step() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        where = [[places[0][int(i)] for i in block.rows], [places[1][int(j)] for j in block.columns]]
        d[np.ix_(*where)] = work.block(block, step)
    if rows is None and columns is None:
        return d
    asked: np.ndarray = d[np.ix_(_repeated(chosen[0], rows), _repeated(chosen[1], columns))]
    return asked


def _chosen(indices: Sequence[int] | np.ndarray | None, length: int, what: str) -> np.ndarray:
    """Distinct indices, ascending."""
    if indices is None:
        return np.arange(length)
    found = np.unique(np.asarray(indices, np.int64))
    if found.size and not 0 <= found[0] <= found[-1] < length:
        raise InputError(f"expected {what}s from 0 to {length - 1}")
    return found


def _repeated(chosen: np.ndarray, given: Sequence[int] | np.ndarray | None) -> np.ndarray:
    """Places of what was asked for, in the order in which it was."""
    return np.arange(len(chosen)) if given is None else np.searchsorted(chosen, np.asarray(given, np.int64))


def _blocks(region: Region) -> Iterator[Region]:
    for first in range(0, len(region.rows), BLOCK[0]):
        for left in range(0, len(region.columns), BLOCK[1]):
            yield Region(
                region.rows[first : first + BLOCK[0]], region.columns[left : left + BLOCK[1]], region.splits
            )  # fmt: skip


def _steps(order: GemmOrder, block: Region) -> int:
    return sum(len(chains(runs, order.promote_every)) for runs in block.splits)


def _check(order: GemmOrder, unit: MatrixUnit) -> None:
    held = unit.datapath.result_format
    if held.kind != "float":
        raise InputError(f"{unit.instruction}: sums of integers are exact, their order does not show")
    if unit.sparsity is not None or unit.datapath.operands.scale is not None:
        raise InputError(f"{unit.instruction}: orders are for dense instructions without scales of their own")
    for what, length in (("tile.k", order.tile.k), ("promote_every", order.promote_every)):
        if length is not None and length % unit.k:
            raise InputError(f"{what} {length} is not a multiple of the instruction's k, {unit.k}")
    if held.name == "fp64" and order.epilogue is not None:
        raise InputError("the epilogue works in fp32; an fp64 instruction's sums have none")
    if order.workspace is not None and (order.workspace.name == "fp64") != (held.name == "fp64"):
        raise InputError(f"workspace {order.workspace.name} does not go with sums in {held.name}")


# Scales ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scales:
    a: np.ndarray
    b: np.ndarray
    bias: np.ndarray
    blocks: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(cls, order: GemmOrder, given: Scaling, shape: tuple[int, int, int]) -> _Scales:
        end = order.epilogue
        if end is None and any(x is not None for x in (given.a, given.b, given.bias)):
            raise InputError("the order has no epilogue that scales or a bias could enter")
        parts = []
        for name, value, default, length in (
            ("scale_a", given.a, end.scale_a if end else 1.0, shape[0]),
            ("scale_b", given.b, end.scale_b if end else 1.0, shape[1]),
            ("bias", given.bias, end.bias if end else 0.0, shape[1]),
        ):
            vector = as_float32(value, default)
            if vector.ndim != 1 or len(vector) not in (1, length):
                raise InputError(f"expected {name} as one number or {length}, got {list(np.shape(value))}")
            parts.append(np.broadcast_to(vector, (length,)))
        return cls(parts[0], parts[1], parts[2], _block_scales(order, given, shape))


def _block_scales(
    order: GemmOrder, given: Scaling, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray] | None:
    if given.block_a is None and given.block_b is None:
        return None
    every = order.promote_every
    if every is None:
        raise InputError("scales of blocks of K need promote_every: they multiply what is promoted")
    if order.tile.k % every and every % order.tile.k:
        raise InputError(f"scales of {every} elements do not go with k-tiles of {order.tile.k}")
    count = -(-shape[2] // every)
    pair = []
    for name, value, wanted in (
        ("block_scale_a", given.block_a, (shape[0], count)),
        ("block_scale_b", given.block_b, (count, shape[1])),
    ):
        array = np.ones(wanted, np.float32) if value is None else np.asarray(value, np.float64).astype(np.float32)
        if array.shape != wanted:
            raise InputError(f"expected {name} of shape {list(wanted)}, got {list(array.shape)}")
        pair.append(array)
    return pair[0], pair[1]


# Sums -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    order: GemmOrder
    unit: MatrixUnit
    a: np.ndarray
    b: np.ndarray
    scales: _Scales

    def block(self, block: Region, step: Any) -> np.ndarray:
        """Codes of one block of outputs; ``step`` is called after each chain."""
        order, canonical = self.order, self.unit.datapath.reduction.canonical_nan
        if not order.adds_partial_sums and order.epilogue is None:
            codes = self._chain(block, block.splits[0])
            step()
            return codes
        sums = self._combined([self._partial(block, runs, step) for runs in block.splits])
        if order.epilogue is None:
            return encode(order.accumulated_format(self.unit), sums, canonical_nan=canonical)
        scales = self.scales
        ends = scales.a[block.rows], scales.b[block.columns], scales.bias[block.columns]
        return order.epilogue.apply(sums.astype(np.float32), *ends, canonical)

    def _chain(self, block: Region, runs: Runs) -> np.ndarray:
        """Codes of one chain of instructions over some of K, which zeros fill up to a whole instruction."""
        k = np.concatenate([np.arange(*run) for run in runs]) if runs else np.zeros(0, np.int64)
        a, b = self.a[np.ix_(block.rows, k)], self.b[np.ix_(k, block.columns)]
        fill = -len(k) % self.unit.k
        if fill:
            a, b = np.pad(a, ((0, 0), (0, fill))), np.pad(b, ((0, fill), (0, 0)))
        return self.unit.matmul_bits(a, b)

    def _partial(self, block: Region, runs: Runs, step: Any) -> np.ndarray:
        """One split's sum, as values: its one chain, or its chains added up in the register."""
        held = self.unit.datapath.result_format
        wide = np.float64 if held.name == "fp64" else np.float32
        total = np.zeros((len(block.rows), len(block.columns)), wide)
        for chain in chains(runs, self.order.promote_every):
            values = held.decode(self._chain(block, chain)).astype(wide)
            total = values if self.order.promote_every is None else self._promoted(block, chain, values, total)
            step()
        return total

    def _promoted(self, block: Region, chain: Runs, values: np.ndarray, register: np.ndarray) -> np.ndarray:
        blocks, every = self.scales.blocks, self.order.promote_every
        with np.errstate(all="ignore"):
            if blocks is None or every is None:
                total: np.ndarray = register + values
                return total
            first = {low // every for low, _ in chain} | {(high - 1) // every for _, high in chain}
            if len(first) > 1:
                raise InputError("a chain between two promotions lies in several blocks of scales")
            p = first.pop()
            scale = blocks[0][block.rows, p][:, None] * blocks[1][p, block.columns][None, :]
        return fused_multiply_add(values, scale, register)

    def _combined(self, partials: list[np.ndarray]) -> np.ndarray:
        """The splits' partial sums in the order's way of adding them."""
        if len(partials) == 1:
            return partials[0]
        held = self.order.workspace or register_format(self.unit.datapath.result_format)
        p = [_rounded(held, values) for values in partials]
        if self.order.combine == "pairwise":
            half, last = -(-len(p) // 2), len(p) - 1
            slots = [_added(held, p[i], p[i + half]) if i + half < last else p[i] for i in range(half)]
            p = [p[last], *slots]
        total = p[0]
        for part in p[1:]:
            total = _added(held, total, part)
        return total


def _added(held: Format, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        if held.name in ("fp32", "fp64"):
            total: np.ndarray = x + y
            return total
        return _rounded(held, x.astype(np.float64) + y.astype(np.float64))


def _rounded(held: Format, values: np.ndarray) -> np.ndarray:
    if held.name == {"float32": "fp32", "float64": "fp64"}[values.dtype.name]:
        return values
    return held.round(values).astype(np.float32)
