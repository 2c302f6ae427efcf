"""OliVe's outlier–victim pairs: an outlier takes a wider-ranging code, its neighbour becomes the sign of that.

Values along an axis are taken two by two. A pair of normal values is a pair of integers in ±(2**(b−1) − 1);
the remaining code 1000… is the *identifier*. In a pair with an outlier, the outlier keeps its slot as an *abfloat*
(adaptive biased float), the other value, the *victim*, is pruned and its slot holds the identifier. An abfloat
with fields sign, e and m of mb bits is ``(−1)**sign · ((1 << mb) + m) << (e + bias)``.

Source: Guo et al., OliVe, ISCA 2023 (arXiv:2304.07493): identifier, pairs (figure 4), abfloat, E2M1 with bias 2
for 4 bits, E4M3 for 8 bits. What counts as an outlier is the rule of its artifact (clevercool/ANT-Quantization,
``olive_quantization/antquant/quant_modules.py``): the nearest value of both sets together.
*Assumed*: the bias of 8 bits (see `OliveScheme.bias`), ties, what unusable codes decode to, and the order of nibbles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class OliveScheme:
    """Widths of a pair's two encodings; the rest is derived.

    The abfloat code 0…0, whose negative would be the identifier, is unusable, so that E2M1 with bias 2 has the
    magnitudes 12, 16, 24, 32, 48, 64 and 96.
    """

    bits: int = 4
    """Width of a code, 2 to 8."""
    exponent_bits: int = 2
    """Bits of the field e; sign, e and m fill the code."""
    bias: int | None = None
    """Added to e. None: the least that puts every outlier beyond the integers; for 4 bits this is the paper's 2."""
    threshold: float | None = None
    """Quotients of greater magnitude are outliers. None: halfway between the largest integer and the least outlier."""

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise InputError(f"expected OliVe codes of 2 to 8 bits, got {self.bits}")
        if not 1 <= self.exponent_bits < self.bits:
            raise InputError(f"expected 1 to {self.bits - 1} exponent bits, got {self.exponent_bits}")
        if self.bias is not None and self.bias < 0:
            raise InputError(f"expected an exponent bias of at least 0, got {self.bias}")

    @property
    def mantissa_bits(self) -> int:
        """Bits of the field m: what sign and exponent leave."""
        return self.bits - 1 - self.exponent_bits

    @property
    def identifier(self) -> int:
        """The code that marks a victim, 1000…: the most negative integer, which normal values leave out."""
        return 1 << (self.bits - 1)

    @property
    def normal_max(self) -> int:
        """Greatest normal value; the least is its negative."""
        return self.identifier - 1

    @cached_property
    def outlier_bias(self) -> int:
        """The bias in use."""
        if self.bias is not None:
            return self.bias
        return next(bias for bias in range(self.bits) if self._magnitude(1, bias) > self.normal_max)

    def _magnitude(self, code: int, bias: int) -> int:
        exponent, mantissa = code >> self.mantissa_bits, code & ((1 << self.mantissa_bits) - 1)
        return ((1 << self.mantissa_bits) + mantissa) << (exponent + bias)

    @cached_property
    def magnitudes(self) -> NDArray[np.float64]:
        """Magnitude of each abfloat code without sign; the unusable code 0 stands for 0."""
        usable = [self._magnitude(code, self.outlier_bias) for code in range(1, self.identifier)]
        return np.array([0, *usable], np.float64)

    @cached_property
    def outlier_threshold(self) -> float:
        """The threshold in use: a quotient of exactly this magnitude is a normal value."""
        return float(self.normal_max + self.magnitudes[1]) / 2 if self.threshold is None else self.threshold

    # The verbs ------------------------------------------------------------------------------------

    def encode(self, x: ArrayLike, scale: ArrayLike = 1.0, axis: int = -1) -> Codes:
        """Codes of ``x / scale``, of the shape of ``x``, paired along ``axis``.

        The quotient is that of float64. A normal value is rounded to nearest, ties to even, and clamped; an outlier to
        the nearest abfloat, ties to the even code, saturating (infinities too). Of two outliers in a pair the one of
        the greater quotient stays, of two equal magnitudes the first. ``scale`` broadcasts with ``x``.

        Raises `InputError` for NaN, for a scale that is not positive and for an axis of odd length.
        """
        quotients = np.asarray(x, np.float64) / _positive(scale)
        if np.isnan(quotients).any():
            raise InputError("OliVe codes have no NaN")
        moved = _paired(quotients, axis)
        codes = self._normal_codes(moved)
        magnitudes = np.abs(moved)
        stays = (magnitudes > self.outlier_threshold) & _greater_of_pair(magnitudes)
        signs = np.where(moved < 0, self.identifier, 0)
        codes = np.where(stays, self._outlier_codes(magnitudes) | signs, codes)
        codes = np.where(stays[..., ::-1], self.identifier, codes)
        return _restored(codes.astype(np.uint8), quotients.shape, axis)

    def decode(self, codes: ArrayLike, scale: ArrayLike = 1.0, axis: int = -1) -> NDArray[np.float64]:
        """``scale`` times the integers and abfloats of ``codes``; victims are 0.

        *Assumed*, as encoding never gives them: a pair of two identifiers and the unusable code 0 beside an
        identifier are 0. Raises `InputError` for codes wider than ``bits`` and for an axis of odd length.
        """
        checked = _checked(codes, self.bits)
        pairs = _paired(checked, axis)
        victim = pairs == self.identifier
        negative = (pairs & self.identifier) != 0
        abfloats = self.magnitudes[pairs & self.normal_max] * np.where(negative, -1, 1)
        values = np.where(victim[..., ::-1], abfloats, pairs - (negative.astype(np.int64) << self.bits))
        values = np.where(victim, 0.0, values)
        product: NDArray[np.float64] = _restored(values, checked.shape, axis) * np.asarray(scale, np.float64)
        return product

    def statistics(self, codes: ArrayLike, x: ArrayLike, scale: ArrayLike = 1.0, axis: int = -1) -> PairStatistics:
        """Counts of pairs in ``codes`` and, from the ``x`` and ``scale`` they were encoded from, of pruned outliers."""
        quotients = np.abs(_paired(np.asarray(x, np.float64) / _positive(scale), axis))
        outliers = (quotients > self.outlier_threshold).sum(axis=-1)
        marked = (_paired(_checked(codes, self.bits), axis) == self.identifier).any(axis=-1)
        return PairStatistics(int(marked.size), int(marked.sum()), int((outliers == 2).sum()))

    # Details --------------------------------------------------------------------------------------

    def _normal_codes(self, quotients: Array) -> NDArray[np.int64]:
        clamped = np.clip(np.rint(quotients), -self.normal_max, self.normal_max)
        codes: NDArray[np.int64] = clamped.astype(np.int64) & ((1 << self.bits) - 1)
        return codes

    def _outlier_codes(self, magnitudes: Array) -> NDArray[np.int64]:
        usable = self.magnitudes[1:]
        halfway = (usable[1:] + usable[:-1]) / 2  # of integers, exact
        codes = np.searchsorted(halfway, magnitudes).astype(np.int64) + 1
        above = np.minimum(codes, len(usable) - 1)  # the index of the next magnitude, or of the last
        tie = (codes < len(usable)) & (magnitudes == (usable[above - 1] + usable[above]) / 2)
        even: NDArray[np.int64] = codes + (tie & (codes % 2 == 1))
        return even


OLIVE4 = OliveScheme()
"""int4 in ±7, abfloat E2M1 with bias 2."""
OLIVE8 = OliveScheme(bits=8, exponent_bits=4)
"""int8 in ±127, abfloat E4M3; bias 4, so outliers from 144 to 7 864 320, is *assumed*."""


class PairStatistics(NamedTuple):
    """How often neighbours were sacrificed."""

    pairs: int
    outlier_pairs: int
    """Pairs with an outlier, and so with a victim."""
    two_outliers: int
    """Pairs of two outliers, the smaller of which was pruned."""


def pack(codes: ArrayLike) -> Codes:
    """4-bit codes two to a byte along the last axis: the first in the low nibble (*assumed*)."""
    pairs = _paired(_checked(codes, 4), -1)
    packed: Codes = (pairs[..., 0] | (pairs[..., 1] << 4)).astype(np.uint8)
    return packed


def unpack(packed: ArrayLike) -> Codes:
    """What `pack` packed: an array with a last axis of twice the length."""
    octets = np.asarray(packed, np.uint8)
    pairs = np.stack([octets & 15, octets >> 4], axis=-1)
    return pairs.reshape(*octets.shape[:-1], 2 * octets.shape[-1])


def _checked(codes: ArrayLike, bits: int) -> NDArray[np.int64]:
    checked = np.asarray(codes)
    if checked.size and (checked.dtype.kind not in "iu" or checked.min() < 0 or int(checked.max()) >> bits):
        raise InputError(f"expected OliVe codes of {bits} bits")
    return checked.astype(np.int64)


def _greater_of_pair(magnitudes: Array) -> NDArray[np.bool_]:
    """Which slot of each pair (last axis) holds the greater magnitude; the first of two equal ones."""
    first, second = magnitudes[..., 0], magnitudes[..., 1]
    return np.stack([first >= second, second > first], axis=-1)


def _positive(scale: ArrayLike) -> NDArray[np.float64]:
    scales = np.asarray(scale, np.float64)
    if not ((scales > 0) & np.isfinite(scales)).all():
        raise InputError("expected positive and finite scales")
    return scales


def _paired(values: Array, axis: int) -> Array:
    if not -values.ndim <= axis < values.ndim:
        raise InputError(f"axis {axis} does not exist in a tensor of shape {list(values.shape)}")
    moved = np.moveaxis(values, axis, -1)
    if moved.shape[-1] % 2:
        raise InputError(f"OliVe pairs neighbours: expected an even length along axis {axis}, got {moved.shape[-1]}")
    return moved.reshape(*moved.shape[:-1], moved.shape[-1] // 2, 2)


def _restored(pairs: Array, shape: tuple[int, ...], axis: int) -> Array:
    moved = pairs.reshape(*pairs.shape[:-2], shape[axis])
    return np.moveaxis(moved, -1, axis)
