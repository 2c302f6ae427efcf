"""How wide an accumulator must be: bounds from the data types and the weights alone, before any input is seen.

K products of an N-bit input x and an M-bit weight w go into a P-bit two's complement register. Its range is
taken as symmetric, ±(2^(P−1) − 1), as in the sources: A2Q (Colbert et al., arXiv:2308.13504) and A2Q+
(Colbert et al., arXiv:2401.10432). All arithmetic here is in Python integers; no logarithm is rounded.
Every bound holds for all partial sums too, in any order: leaving products out never moves a worst case outwards.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hwsim.base.errors import InputError


def data_type_bound(k: int, n_bits: int, m_bits: int, signed: bool, signed_weights: bool = True) -> int:
    """Narrowest P for any K inputs and any K weights of their types; ``signed`` is that of the inputs.

    P ≥ α + log2(1 + 2^−α) + 1 with α = log2 K + N + M − 1 − s (arXiv:2308.13504, the data-type bound), that is
    K·2^(N−s)·2^(M−1) ≤ 2^(P−1) − 1. Unsigned weights reach 2^M instead.

    >>> data_type_bound(4096, 8, 8, signed=False), data_type_bound(4096, 8, 8, signed=True)
    (29, 28)
    """
    return l1_bound(k << (m_bits - int(signed_weights)), n_bits, signed)


def l1_bound(weights: int | np.ndarray, n_bits: int, signed: bool) -> int:
    """Narrowest P for any inputs and these weights: ‖w‖₁·2^(N−s) ≤ 2^(P−1) − 1 (arXiv:2308.13504).

    ``weights`` are integers [K, N], of which the column of the largest norm counts, or that norm itself.

    >>> l1_bound(np.array([[3, 100], [-4, 27]]), 8, signed=True)  # 127·2^7 = 16256 ≤ 2^14 − 1
    15
    """
    return symmetric_width((_norm(weights) << n_bits) >> int(signed))


def a2q_plus_bound(weights: int | np.ndarray, n_bits: int) -> int:
    """Narrowest P for any inputs, signed or not, and weights of these norms *that sum to zero* in each column.

    ‖w‖₁ ≤ (2^P − 2)/(2^N − 1) (arXiv:2401.10432): the positive and the negative half of the norm
    meet inputs that lie 2^N − 1 apart. It promises nothing for weights that are not zero-centred.
    """
    bits = 2
    while _norm(weights) > a2q_plus_budget(bits, n_bits):
        bits += 1
    return bits


def a2q_budget(bits: int, n_bits: int, signed: bool) -> Fraction:
    """Largest ‖w‖₁ that a register of ``bits`` takes: (2^(P−1) − 1)·2^(s−N) (arXiv:2308.13504)."""
    return Fraction((1 << (bits - 1)) - 1) * Fraction(2) ** (int(signed) - n_bits)


def a2q_plus_budget(bits: int, n_bits: int) -> Fraction:
    """The same for columns that sum to zero: (2^P − 2)/(2^N − 1) (arXiv:2401.10432)."""
    return Fraction((1 << bits) - 2, (1 << n_bits) - 1)


def worst_sums(weights: np.ndarray, low: int, high: int) -> tuple[int, int]:
    """Least and greatest Σ w·x over inputs low ≤ x ≤ high (low ≤ 0 ≤ high) and the columns of integers [K, N].

    Greatest: Σ⁺·high + Σ⁻·low with the positive and the negative weights of a column apart. This is exact, so
    no bound for these weights is below the `needed_bits` of it.
    """
    if not weights.size:
        return 0, 0
    positive = np.maximum(weights, 0).sum(axis=0, dtype=np.int64).tolist()
    negative = np.minimum(weights, 0).sum(axis=0, dtype=np.int64).tolist()
    columns = list(zip(positive, negative, strict=True))
    least = min(plus * low + minus * high for plus, minus in columns)
    return min(0, least), max(0, *(plus * high + minus * low for plus, minus in columns))


def needed_bits(low: int, high: int) -> int:
    """Narrowest two's complement width that holds every integer from ``low`` to ``high``; 2 at least.

    >>> needed_bits(-128, 127), needed_bits(-129, 0), needed_bits(0, 128)
    (8, 9, 9)
    """
    if low > high:
        raise InputError(f"expected a range, got {low} to {high}")
    return max(2, *(((~value if value < 0 else value).bit_length() + 1) for value in (low, high)))


def symmetric_width(largest: int) -> int:
    """Narrowest width of at least 2 whose 2^(P−1) − 1 reaches ``largest``."""
    return max(2, int(largest).bit_length() + 1)


def _norm(weights: int | np.ndarray) -> int:
    if isinstance(weights, int):
        return weights
    return int(column_norms(weights).max(initial=0))


def column_norms(weights: np.ndarray) -> np.ndarray:
    """‖w‖₁ of each column of integers [K, N], int64."""
    norms: np.ndarray = np.abs(weights.astype(np.int64)).sum(axis=0)
    return norms
