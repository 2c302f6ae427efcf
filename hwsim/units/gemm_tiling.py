"""Which CTA tile and how many splits a library takes for a shape: why a batch's size changes the bits."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from hwsim.base.record import Record


class Tile(Record):
    """One CTA's share of a GEMM: rows and columns of the output, and elements of K per step."""

    m: int = Field(default=128, ge=1)
    n: int = Field(default=128, ge=1)
    k: int = Field(default=64, ge=1)


class TilingRow(Record):
    """A library's choice for products of at most ``m_up_to`` rows."""

    m_up_to: int | None = Field(default=None, ge=1)
    """Rows of the output, the batch; not given: any number."""
    tile: Tile | None = None
    """The order's own when not given."""
    split_k: int = Field(default=1, ge=1)


def _not_empty(sizes: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    if not sizes or min(min(size) for size in sizes) < 1:
        raise ValueError("expected pairs [m, n] of at least 1")
    return sizes


class BatchTiling(Record):
    """Tile and split-K by (M, N, K) and the number of SMs: the table's first row that fits, else a rule.

    The rule is *assumed* (libraries' own are not public): fill the SMs. It takes the first of ``sizes`` that makes at
    least one CTA per SM, else the last; then S = min(max_split, ⌊SMs/CTAs⌋, ⌊T/least_k_tiles⌋), at least 1. Tiles
    more than twice as high or wide as the output are passed over while others are left.
    """

    sms: int = Field(ge=1)
    """Streaming multiprocessors (or compute units) of the chip."""
    sizes: Annotated[tuple[tuple[int, int], ...], AfterValidator(_not_empty)] = (
        (128, 256), (128, 128), (64, 256), (64, 128), (64, 64),
    )  # fmt: skip
    """Sizes [m, n] of CTA tiles, in order of preference (*assumed*: usual ones of CUTLASS's kernels)."""
    max_split: int = Field(default=7, ge=1)
    """Most splits of K; 7 is the limit in FasterTransformer's and TensorRT-LLM's CUTLASS runners (SPLIT_K_LIMIT)."""
    least_k_tiles: int = Field(default=4, ge=1)
    """k-tiles that a split must have (*assumed*: enough to fill a pipeline of four stages)."""
    table: tuple[TilingRow, ...] = ()
    """What a library is known to take, in ascending ``m_up_to``."""

    def choose(self, tile: Tile, m: int, n: int, k: int) -> tuple[Tile, int]:
        """Tile and splits for this shape; ``tile`` gives the elements of K per step."""
        for row in self.table:
            if row.m_up_to is None or m <= row.m_up_to:
                return row.tile or tile, row.split_k
        fitting = [size for size in self.sizes if size[0] <= 2 * m and size[1] <= 2 * n] or [self.sizes[-1]]
        full = [size for size in fitting if self._ctas(size, m, n) >= self.sms]
        size = full[0] if full else fitting[-1]
        most = min(self.max_split, self.sms // self._ctas(size, m, n), -(-k // tile.k) // self.least_k_tiles)
        return Tile(m=size[0], n=size[1], k=tile.k), max(most, 1)

    @staticmethod
    def _ctas(size: tuple[int, int], m: int, n: int) -> int:
        return -(-max(m, 1) // size[0]) * -(-max(n, 1) // size[1])
