"""One instruction of a matrix unit: its arithmetic on raw bit patterns, its shape, its measured cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.base.evidence import Evidence
from hwsim.datapath import Datapath
from hwsim.formats.base import Format
from hwsim.units.sparsity import GATHER_ELEMENTS, Sparsity

__all__ = ["MatrixUnit", "Sparsity", "pack_fp4", "unpack_fp4"]


@dataclass(frozen=True)
class MatrixUnit:
    """An instruction ``D [m, n] = A [m, k] · B [k, n] + C`` of a matrix unit, for any K that is a multiple of k.

    Operands and results are raw bit patterns: the format's code in the low bits of an element; tf32 as the word of
    32 bits whose low 13 bits the unit ignores; integer sums as two's complement words of 32 bits.
    """

    name: str
    instruction: str
    """Shape and qualifiers, as its vendor spells them where they are public."""
    shape: tuple[int, int, int]
    """(m, n, k)."""
    datapath: Datapath
    kind: str | None = None
    sparsity: Sparsity | None = None
    evidence: Evidence = field(default_factory=Evidence)
    timing: tuple[Mapping[str, Any], ...] = ()
    """Rows of the table of measured latency and throughput, with their conditions and sources."""

    @property
    def cycles(self) -> float | None:
        """Measured latency of one instruction in cycles, else cycles from issue to issue; None without a row."""
        latencies = [row["latency_cycles"] for row in self.timing]
        latencies += [row["throughput"] for row in self.timing if row["throughput_unit"].startswith("cycles per")]
        return next((cycles for cycles in latencies if cycles is not None), None)

    @property
    def throughput(self) -> tuple[float, str] | None:
        """The largest measured rate and its unit; None where the table has none."""
        rates = [(row["throughput"], row["throughput_unit"]) for row in self.timing if row["throughput"] is not None]
        return max((rate for rate in rates if not rate[1].startswith("cycles per")), default=None)

    @property
    def k(self) -> int:
        """Elements along K of one instruction, those that a sparse a leaves out included."""
        return self.shape[2]

    def dot_bits(
        self,
        a: Any,
        b: Any,
        c: Any = None,
        scale_a: Any = None,
        scale_b: Any = None,
        indices: Any = None,
    ) -> np.ndarray:
        """Rows of dot products: a, b [rows, K], c [rows] -> d [rows]; scales [rows, K/scale_block].

        A sparse unit takes a [rows, K·keep/of] and ``indices`` of the same shape: the place of each element within
        its group of ``of``. Raises `InputError` for shapes that do not fit.
        """
        left, right = self._operands(a, b, "two arrays [rows, K]")
        self._check_k(right.shape[1])
        if self.sparsity is not None:
            places = self._places(indices, left.shape, right.shape[1])
            right = np.take_along_axis(right, places, axis=1)
        else:
            self._check_no_indices(indices)
        start = None if c is None else self._codes(c, self.datapath.c_format)
        scales = self._scales(scale_a), self._scales(scale_b)
        return self._bits(self.datapath.dot_codes(left, right, start, *scales).codes)

    def matmul_bits(
        self,
        a: Any,
        b: Any,
        c: Any = None,
        scale_a: Any = None,
        scale_b: Any = None,
        indices: Any = None,
    ) -> np.ndarray:
        """A [M, K] · B [K, N] + C [M, N] -> D [M, N]; scales [M, K/scale_block] and [K/scale_block, N].

        A sparse unit takes a [M, K·keep/of] and ``indices`` as in `dot_bits`.
        """
        left, right = self._operands(a, b, "[M, K] x [K, N]")
        self._check_k(right.shape[0])
        start = None if c is None else self._codes(c, self.datapath.c_format)
        scales = self._scales(scale_a), self._scales(scale_b)
        if self.sparsity is None:
            self._check_no_indices(indices)
            return self._bits(self.datapath.matmul_codes(left, right, start, *scales).codes)
        if scales != (None, None):
            raise InputError(f"{self.instruction}: sparse operands have no scales")
        return self._sparse(left, right, start, self._places(indices, left.shape, right.shape[0]))

    def _sparse(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None, places: np.ndarray) -> np.ndarray:
        """Row by row of a, since each selects rows of b of its own."""
        if self.datapath.accumulator.random:
            raise InputError(f"{self.instruction}: sums of a sparse a are not numbered, which random rounding needs")
        step = max(1, GATHER_ELEMENTS // max(1, places.shape[1] * b.shape[1]))
        d = []
        for first in range(0, a.shape[0], step):
            rows = slice(first, first + step)
            start = None if c is None else c[rows, None]
            d.append(self.datapath.matmul_codes(a[rows, None], b[places[rows]], start).codes[:, 0])
        return self._bits(np.concatenate(d) if d else np.zeros((0, b.shape[1]), np.int64))

    def _operands(self, a: Any, b: Any, expected: str) -> tuple[np.ndarray, np.ndarray]:
        """Codes of both operands, which are matrices."""
        left, right = self._codes(a, self.datapath.operands.a), self._codes(b, self.datapath.operands.b)
        if left.ndim != 2 or right.ndim != 2:
            raise InputError(f"expected {expected}, got {list(left.shape)} and {list(right.shape)}")
        return left, right

    def _check_no_indices(self, indices: Any) -> None:
        if indices is not None:
            raise InputError(f"{self.instruction} is dense and takes no indices")

    def _check_k(self, k: int) -> None:
        if k % self.k:
            raise InputError(f"{self.instruction}: expected K to be a multiple of {self.k}, got {k}")

    def _places(self, indices: Any, shape: tuple[int, ...], k: int) -> np.ndarray:
        """Position in K of every stored element of a."""
        assert self.sparsity is not None
        keep, of = self.sparsity.keep, self.sparsity.of
        if shape[1] * of != k * keep:
            raise InputError(f"{self.instruction} keeps {keep} of {of}: expected a with {k * keep // of} columns")
        if indices is None or np.shape(indices) != shape:
            raise InputError(f"{self.instruction} needs indices [{shape[0]}, {shape[1]}] of a's elements")
        if np.asarray(indices).dtype.kind not in "iu":
            raise InputError(f"expected whole indices, got {np.asarray(indices).dtype}")
        within = np.asarray(indices).astype(np.int64)
        if within.size and not (within.min() >= 0 and within.max() < of):
            raise InputError(f"expected indices from 0 to {of - 1}")
        groups = within.reshape(shape[0], -1, keep)
        if (np.diff(groups, axis=-1) <= 0).any():
            raise InputError(f"expected the {keep} indices of a group in ascending order, each once")
        return within + of * (np.arange(shape[1]) // keep)

    def _codes(self, bits: Any, number_format: Format) -> np.ndarray:
        """Codes of raw bit patterns."""
        raw = np.asarray(bits)
        if raw.dtype.kind not in "iu":
            raise InputError(f"expected bit patterns as integers, got {raw.dtype}; `Format.encode` makes them")
        mask = (1 << number_format.bits) - 1
        if number_format.name == "tf32":  # a word of fp32 whose low bits are not wired
            return (raw.astype(np.uint32) >> np.uint32(13)).astype(number_format.code_dtype)
        if number_format.bits == 64:
            return raw.astype(np.uint64)
        return (raw.astype(np.int64) & mask).astype(number_format.code_dtype)

    def _scales(self, bits: Any) -> np.ndarray | None:
        scale = self.datapath.operands.scale
        return bits if bits is None or scale is None else self._codes(bits, scale)

    def _bits(self, codes: np.ndarray) -> np.ndarray:
        """Raw bit patterns of results: uint32 words of integer sums, else the codes."""
        return codes.astype(np.int64).astype(np.uint32) if codes.dtype == np.int64 else codes


def unpack_fp4(packed: Any) -> np.ndarray:
    """Two FP4 codes a byte, the low four bits first: [.., K/2] bytes -> [.., K] codes."""
    raw = np.asarray(packed, np.uint8)
    pairs = np.stack([raw & 15, raw >> 4], axis=-1)
    return np.asarray(pairs.reshape(*raw.shape[:-1], 2 * raw.shape[-1]))


def pack_fp4(codes: Any) -> np.ndarray:
    """[.., K] codes, K even, -> [.., K/2] bytes with the first of each pair in the low four bits."""
    raw = np.asarray(codes, np.uint8)
    if raw.shape[-1] % 2:
        raise InputError(f"expected an even number of codes, got {raw.shape[-1]}")
    return np.asarray((raw[..., 0::2] & 15) | (raw[..., 1::2] << 4), np.uint8)
