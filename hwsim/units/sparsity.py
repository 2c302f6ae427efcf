"""Structured sparsity: n of every m elements along K are stored, with their places."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hwsim.base.errors import InputError
from hwsim.base.record import Record

if TYPE_CHECKING:
    from hwsim.datapath import Datapath
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format

GATHER_ELEMENTS = 1 << 22
"""Elements of a that are gathered at once."""


class Sparsity(Record):
    """Structured sparsity: ``keep`` of every ``of`` elements along K are stored, with their places."""

    keep: int = Field(ge=1, le=16)
    of: int = Field(ge=2, le=32)


class WeightSparsity(Sparsity):
    """N:M sparsity of the weights, operand b: at most ``keep`` of every ``of`` along K differ from zero (2:4: 2 of 4).

    Of K elements ⌊K/of⌋·keep + min(keep, K mod of) are stored, each with ⌈log2 of⌉ bits that say its place.
    """

    prune: Literal["none", "magnitude"] = "none"
    """Weights that break the pattern: an error, or the ``keep`` of largest magnitude stay (the first of equals)."""

    @model_validator(mode="after")
    def _fewer_than_all(self) -> Self:
        if self.keep > self.of:
            raise ValueError(f"keep {self.keep} of {self.of}: expected at most {self.of}")
        return self

    @property
    def density(self) -> Fraction:
        """The stored share of a long K."""
        return Fraction(self.keep, self.of)

    @property
    def index_bits(self) -> int:
        """⌈log2 of⌉."""
        return (self.of - 1).bit_length()

    def kept(self, k: int) -> int:
        """Stored elements of K."""
        return k // self.of * self.keep + min(self.keep, k % self.of)

    def bits_per_element(self, weights: Format) -> Fraction:
        """Bits in memory per element of the dense matrix, places included."""
        return self.density * (weights.bits + self.index_bits)

    def places(self, b: np.ndarray, weights: Format) -> np.ndarray:
        """[.., K, N] codes -> [.., kept, N]: where along K the stored elements are, ascending.

        A group of fewer weights than ``keep`` stores zeros too, the first ones. Raises `InputError` for a group of
        more, unless it is pruned. A NaN counts as the largest magnitude.
        """
        magnitude = np.abs(weights.decode(b).astype(np.float64))
        magnitude[np.isnan(magnitude)] = np.inf
        k = b.shape[-2]
        chosen = []
        for first in range(0, k, self.of):
            group = magnitude[..., first : first + self.of, :]
            keep = min(self.keep, group.shape[-2])
            if self.prune == "none" and group.size and (most := int((group > 0).sum(axis=-2).max())) > keep:
                raise InputError(
                    f"weights {first} to {first + group.shape[-2] - 1} along K: expected at most {keep} of "
                    f"{group.shape[-2]} that differ from zero, got {most}; 'prune: magnitude' drops the smallest"
                )
            largest = np.argsort(-group, axis=-2, kind="stable")[..., :keep, :]
            chosen.append(first + np.sort(largest, axis=-2))
        return np.concatenate(chosen, axis=-2) if chosen else np.zeros(b.shape, np.int64)

    def matmul_codes(self, datapath: Datapath, a: np.ndarray, b: np.ndarray, c: np.ndarray | None) -> MatmulResult:
        """[.., M, K] x [.., K, N] (+ [.., M, N]) with the stored products only, in ``datapath``'s order.

        What is not stored is not multiplied: an infinity in a meets no zero there.
        """
        from hwsim.datapath.result import MatmulResult

        a, b = np.asarray(a), np.asarray(b)
        if a.ndim < 2 or b.ndim < 2 or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
            raise InputError(f"expected [.., M, K] x [.., K, N], got {list(a.shape)} x {list(b.shape)}")
        if datapath.accumulator.random:
            raise InputError("sums of sparse weights are not numbered, which random rounding needs")
        if datapath.operands.scale is not None:
            raise InputError("sparse weights have no scales")
        places = self.places(b, datapath.operands.b)
        stored = np.take_along_axis(b, places, axis=-2)
        step = max(1, GATHER_ELEMENTS // max(1, places.shape[-2] * a[..., 0].size))
        parts, overflows, saturations = [], 0, 0
        for first in range(0, b.shape[-1], step):
            columns = slice(first, first + step)
            # [.., n, M, kept] x [.., n, kept, 1]: every column of b selects columns of a of its own.
            chosen = np.moveaxis(places[..., columns], -1, -2)
            rows = np.take_along_axis(a[..., None, :, :], chosen[..., None, :], axis=-1)
            start = None if c is None else np.moveaxis(np.asarray(c)[..., columns], -1, -2)[..., None]
            found = datapath.matmul_codes(rows, np.moveaxis(stored[..., columns], -1, -2)[..., None], start)
            parts.append(np.moveaxis(found.codes[..., 0], -1, -2))
            overflows, saturations = overflows + found.overflows, saturations + found.saturations
        if not parts:
            return datapath.matmul_codes(a, b, c)
        return MatmulResult(np.concatenate(parts, axis=-1), overflows, saturations)
