"""Scales that blocks of operands share, and where in a datapath they multiply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from hwsim.datapath.factor import fraction_bits, significand_bits
from hwsim.datapath.sums import Sums
from hwsim.formats.base import Format

Where = Literal["product", "group", "chunk"]
"""What a pair of scales multiplies: every product, the sum of a fused block's group, or a chunk's sum."""

_INFINITE, _NAN, _ZERO = 1, 2, 4  # bits of an operand's tag, as hwsim.kernels.multiply has them


@dataclass(frozen=True)
class Scales:
    """One scale for every ``block`` elements along K of each row of a and each column of b; all are exact factors."""

    a: np.ndarray
    """Codes [G·M, ⌈K/block⌉]."""
    b: np.ndarray
    """Codes [G·N, ⌈K/block⌉]."""
    format: Format
    block: int
    where: Where

    @property
    def fraction_bits(self) -> int:
        """Bits after the binary point of a scale's significand."""
        return fraction_bits(self.format)

    @property
    def bits(self) -> int:
        """Bits that hold every scale's significand."""
        return significand_bits(self.format)

    @cached_property
    def unpacked(self) -> tuple[np.ndarray, ...]:
        """Significands int64, exponents of the last place int32 and tags uint8, of a and then of b."""
        return (*self._unpack(self.a), *self._unpack(self.b))

    def _unpack(self, codes: np.ndarray) -> tuple[np.ndarray, ...]:
        parts = self.format.unpack(codes)
        tag = np.where(parts.special == 3, _NAN, 0).astype(np.uint8)
        return np.ascontiguousarray(parts.significand), np.ascontiguousarray(parts.exponent), tag

    def scale_operand(self, which: int, parts: tuple[np.ndarray, ...], k: int) -> tuple[np.ndarray, ...]:
        """Significands, exponents and tags of operand a (0) or b (1) [rows, K] times its scales."""
        significand, exponent, tag = (
            np.repeat(x, self.block, axis=1)[:, :k] for x in self.unpacked[3 * which : 3 * which + 3]
        )
        zero = significand == 0
        tag = np.where(zero & ((parts[2] & _INFINITE) != 0), _NAN, tag | np.where(zero, _ZERO, 0))
        scaled = parts[0] * significand, parts[1] + exponent, parts[2] | tag.astype(np.uint8)
        return tuple(np.ascontiguousarray(x) for x in scaled)

    def values(self, which: int, k: int) -> np.ndarray:
        """float64 scales of operand a (0) or b (1) at every k [rows, K]."""
        codes = self.b if which else self.a
        return np.asarray(np.repeat(self.format.decode(codes, np.float64), self.block, axis=1)[:, :k])

    def powers(self, which: int, k: int) -> np.ndarray:
        """float64 powers of two of the un-normalised exponents of `values`."""
        _, exponent, _ = self.unpacked[3 * which : 3 * which + 3]
        power = np.ldexp(1.0, exponent + self.fraction_bits)
        return np.asarray(np.repeat(power, self.block, axis=1)[:, :k])

    def of_chunk(self, sums: Sums, block: int, matrices: int) -> Sums:
        """A chunk's ``sums`` [G·M, N] times the scales of ``block``, exactly."""
        a, a_exponent, a_tag, b, b_exponent, b_tag = (x[:, block] for x in self.unpacked)
        rows, columns = sums.significand.shape
        places = np.arange(rows) // max(rows // matrices, 1)

        def pairs(x: np.ndarray) -> np.ndarray:
            return np.asarray(x.reshape(matrices, columns)[places])

        significand = sums.significand * (a[:, None] * pairs(b))
        exponent = sums.exponent + a_exponent[:, None] + pairs(b_exponent)
        nan = ((a_tag[:, None] | pairs(b_tag)) & _NAN) != 0
        tag = np.where(nan, 3, sums.tag).astype(np.uint8)
        return Sums(significand, exponent.astype(np.int32), tag, sums.bits + 2 * self.bits)
