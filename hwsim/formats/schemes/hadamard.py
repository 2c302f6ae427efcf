"""Random Hadamard rotation: signs, then an orthogonal Hadamard matrix, which spreads outliers over their neighbours.

    y = H · diag(s) · x / √n,  s random signs,  H of ±1 with H · Hᵀ = n · I,  x = diag(s) · Hᵀ · y / √n

For n = 2**k, H is Sylvester's matrix and the product takes n·log2 n additions (fast Walsh–Hadamard transform). For
n = 2**k · m with m = 12 or 20, H is the Kronecker product of that of order 2**k and Paley's matrix of order m
(Paley, On orthogonal matrices, J. Math. Phys. 12, 1933: construction I, from the squares modulo q = m − 1 = 11, 19).

Sources: Tseng et al., QuIP# (arXiv:2402.04396), randomized Hadamard transform; Ashkboos et al., QuaRot
(arXiv:2404.00456), the same with H · diag(s) and Kronecker products where n is no power of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.schemes.randomness import philox_words

PALEY_ORDERS = (12, 20)
SIGN_STREAM = 1 << 32
"""The stream of random words that signs come from (any one that nothing else draws from)."""


def hadamard_factors(order: int) -> tuple[int, int]:
    """``order`` as ``2**k · m`` with m of 1, 12 or 20; `InputError` for any other order.

    >>> hadamard_factors(128), hadamard_factors(96), hadamard_factors(20)
    ((128, 1), (8, 12), (1, 20))
    """
    for paley in (1, *PALEY_ORDERS):
        power = order // paley
        if order > 0 and order % paley == 0 and power & (power - 1) == 0:
            return power, paley
    raise InputError(f"no Hadamard matrix of order {order} here: expected 2**k, 12·2**k or 20·2**k")


def walsh_hadamard(x: ArrayLike) -> NDArray[np.float64]:
    """Sylvester's matrix times the last axis, unscaled, in float64: exact for integers while sums stay below 2**53.

    Entry i, j of the matrix is −1 to the number of ones in ``i & j``. Raises `InputError` unless the length is a
    power of two.
    """
    values = np.array(x, np.float64)
    length = values.shape[-1]
    if hadamard_factors(length)[1] != 1:
        raise InputError(f"expected a length that is a power of two, got {length}")
    half = 1
    while half < length:
        pairs = values.reshape(*values.shape[:-1], length // (2 * half), 2, half)
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        values = np.stack([first + second, first - second], axis=-2).reshape(values.shape)
        half *= 2
    return values


def hadamard_transform(x: ArrayLike, transposed: bool = False) -> NDArray[np.float64]:
    """H, or its transpose, times the last axis, unscaled, in float64; the additions are always in the same order.

    Raises `InputError` for a length with no matrix (`hadamard_factors`).
    """
    values = np.asarray(x, np.float64)
    power, paley = hadamard_factors(values.shape[-1])
    if paley == 1:
        return walsh_hadamard(values)
    parts = values.reshape(*values.shape[:-1], power, paley)
    matrix = paley_matrix(paley).T if transposed else paley_matrix(paley)
    mixed = np.zeros(parts.shape, np.float64)
    for column in range(paley):  # not a matrix product, whose order of additions is the library's
        mixed += parts[..., column, None] * matrix[:, column]
    swapped = walsh_hadamard(np.swapaxes(mixed, -1, -2))
    return np.swapaxes(swapped, -1, -2).reshape(values.shape)


@cache
def paley_matrix(order: int) -> NDArray[np.float64]:
    """Paley's Hadamard matrix of a prime plus one, the prime being 3 modulo 4: I + S with S skew-symmetric.

    S has a first row of ones and the quadratic characters of ``i − j`` modulo the prime elsewhere.
    """
    prime = order - 1
    squares = {i * i % prime for i in range(1, prime)}
    skew = np.zeros((order, order))
    skew[0, 1:], skew[1:, 0] = 1, -1
    for i in range(prime):
        for j in range(prime):
            skew[i + 1, j + 1] = 0 if i == j else (1 if (i - j) % prime in squares else -1)
    matrix = skew + np.eye(order)
    matrix.flags.writeable = False
    return matrix


@dataclass(frozen=True)
class HadamardRotation:
    """An orthogonal rotation of an axis, or of each of its blocks.

    Results are those of float64: the sums, then one division by ``√block``, which is exact where the block is a
    power of four (16, 64, 256). The inverse is the exact transpose.
    """

    block: int | None = None
    """Values that are mixed with each other, such as 16, 32 or 128; None: the whole axis."""
    seed: int | None = None
    """Of the signs; None: no sign is flipped. The sign of position i depends on the seed and i only."""

    def __post_init__(self) -> None:
        if self.block is not None:
            hadamard_factors(self.block)

    def signs(self, length: int) -> NDArray[np.float64]:
        """The signs of an axis of ``length`` values, ±1."""
        if self.seed is None:
            return np.ones(length)
        words = philox_words(self.seed, SIGN_STREAM, 0, length)
        return 1.0 - 2.0 * (words & np.uint64(1)).astype(np.float64)

    def forward(self, x: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
        """``H · diag(s) · x / √n`` along ``axis``; `InputError` if its length is no multiple of the block."""
        moved = _moved(x, axis)
        rotated = self._blocks(moved * self.signs(moved.shape[-1]), transposed=False)
        return np.moveaxis(rotated, -1, axis)

    def inverse(self, y: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
        """``diag(s) · Hᵀ · y / √n`` along ``axis``: what `forward` took, up to rounding."""
        moved = _moved(y, axis)
        rotated = self._blocks(moved, transposed=True) * self.signs(moved.shape[-1])
        return np.moveaxis(rotated, -1, axis)

    def _blocks(self, values: Array, transposed: bool) -> NDArray[np.float64]:
        length = values.shape[-1]
        block = length if self.block is None else self.block
        if not length:
            return values.astype(np.float64)
        if length % block:
            raise InputError(f"a rotation of blocks of {block} needs a multiple of that, got an axis of {length}")
        parts = values.reshape(*values.shape[:-1], length // block, block)
        rotated: NDArray[np.float64] = hadamard_transform(parts, transposed) / math.sqrt(block)
        return rotated.reshape(values.shape)


def rotate_operands(
    a: ArrayLike, b: ArrayLike, rotation: HadamardRotation
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``a`` [..., M, K] and ``b`` [..., K, N] rotated along K, so that their product stays: ``(a·Rᵀ)·(R·b) = a·b``.

    Raises `InputError` where the two lengths K differ or the rotation does not fit them.
    """
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if left.ndim < 1 or right.ndim < 2 or left.shape[-1] != right.shape[-2]:
        raise InputError(f"no product of shapes {list(left.shape)} and {list(right.shape)}")
    return rotation.forward(left, -1), rotation.forward(right, -2)


def _moved(x: ArrayLike, axis: int) -> NDArray[np.float64]:
    values = np.asarray(x, np.float64)
    if not -values.ndim <= axis < values.ndim:
        raise InputError(f"axis {axis} does not exist in a tensor of shape {list(values.shape)}")
    return np.moveaxis(values, axis, -1)
