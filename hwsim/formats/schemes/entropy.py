"""Entropy of stored numbers, whole and by field: what lossless coding can save.

    H = −Σ p·log2 p  bits per value,  p the shares of the values that a code or a field takes

Trained weights crowd in a few binades, so the exponent field has much less entropy than bits, while signs and
mantissas are nearly uniform. An entropy coder of one field reaches its H to within its own overhead; a code of the
whole number can do better only by what the fields say of each other: ``H(code) ≤ H(sign) + H(exponent) + H(mantissa)``.

Source: Hao, Cao, Mou, NeuZip (arXiv:2410.20650): exponents of bf16 compressed by an entropy coder, signs and mantissas
stored as they are. Entropy: Shannon, A Mathematical Theory of Communication, 1948, section 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat

COUNTED_BITS = 20
"""Fields up to this width are counted in a table of all their values (8 MiB), wider ones by sorting."""


@dataclass(frozen=True)
class CodeEntropy:
    """Entropies of a tensor's codes, in bits per value; those of fields are None where the format has none."""

    bits: int
    """Width of a code."""
    exponent_bits: int
    """Width of the exponent field; 0 without fields."""
    code: float
    """Of the whole code."""
    sign: float | None = None
    """Of the sign bit; 0 in an unsigned float format."""
    exponent: float | None = None
    """Of the exponent field."""
    mantissa: float | None = None
    """Of the stored significand bits."""

    @property
    def exponent_coded_bits(self) -> float:
        """Bits per value with the exponent coded ideally and the rest stored as it is, NeuZip's lossless scheme.

        Raises `InputError` where there is no exponent field.
        """
        if self.exponent is None:
            raise InputError("only codes of float formats have an exponent field")
        return self.bits - self.exponent_bits + self.exponent

    @property
    def field_coded_bits(self) -> float:
        """Bits per value with each field coded ideally by itself; of the whole code where there are no fields."""
        if self.sign is None or self.exponent is None or self.mantissa is None:
            return self.code
        return self.sign + self.exponent + self.mantissa

    def ratio(self, coded_bits: float | None = None) -> float:
        """Bits stored over bits coded (None: the whole code ideally); infinite where nothing is left to store."""
        coded = self.code if coded_bits is None else coded_bits
        return self.bits / coded if coded else math.inf


def shannon_entropy(counts: ArrayLike) -> float:
    """``log2 n − (Σ c·log2 c) / n`` for counts c of sum n, in bits; 0 for no counts.

    The sum is correctly rounded (`math.fsum`), so the order of counts does not matter.
    """
    positive = [int(count) for count in np.asarray(counts).reshape(-1) if count]
    total = sum(positive)
    if total == 0:
        return 0.0
    return math.log2(total) - math.fsum(count * math.log2(count) for count in positive) / total


def code_entropy(codes: ArrayLike, fmt: Format) -> CodeEntropy:
    """Entropies of ``codes`` of ``fmt``: of the whole codes, and of the fields of a float format.

    Raises `InputError` for codes that are no integers or do not fit ``fmt.bits``.
    """
    values = np.asarray(codes)
    if values.dtype.kind not in "iu" or (values.size and (values.min() < 0 or int(values.max()) >> fmt.bits)):
        raise InputError(f"expected codes of {fmt}, which has {fmt.bits} bits")
    flat = values.reshape(-1).astype(np.uint64)
    whole = shannon_entropy(field_counts(flat, 0, fmt.bits))
    if not isinstance(fmt, FloatFormat):
        return CodeEntropy(fmt.bits, 0, whole)
    top = fmt.mantissa_bits + fmt.exponent_bits
    fields = [(top, int(fmt.signed)), (fmt.mantissa_bits, fmt.exponent_bits), (0, fmt.mantissa_bits)]
    sign, exponent, mantissa = (shannon_entropy(field_counts(flat, low, width)) for low, width in fields)
    return CodeEntropy(fmt.bits, fmt.exponent_bits, whole, sign, exponent, mantissa)


def tensor_entropy(x: ArrayLike, fmt: Format) -> CodeEntropy:
    """`code_entropy` of ``x`` encoded in ``fmt``, to nearest even and with its own overflow."""
    return code_entropy(fmt.encode(x), fmt)


def field_counts(codes: Array, low: int, width: int) -> NDArray[np.int64]:
    """How often each value of the ``width`` bits from bit ``low`` on occurs, in no particular order."""
    field = (codes.astype(np.uint64) >> np.uint64(low)) & np.uint64((1 << width) - 1)
    if width > COUNTED_BITS:
        sorted_counts: NDArray[np.int64] = np.unique(field, return_counts=True)[1]
        return sorted_counts
    return np.bincount(field.astype(np.int64), minlength=1)
