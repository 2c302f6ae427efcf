"""Exact sums of products, rounded once: by float64 matrix products where these are exact, else a long word."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.units.gemm_epilogue import Epilogue, encode, round_to_odd

SIGNIFICAND = 53
"""Bits of float64: integers up to 2^53 and their sums below it are exact in any order of addition."""
BAND = 512
"""Rows of a at once, and…"""
PIECE = 1 << 20
"""…elements whose places are looked for at once: they bound the memory."""


@dataclass(frozen=True)
class Measured:
    """Of a matrix: all elements are multiples of 2^place and below 2^top; no elements that are inf or NaN."""

    place: int
    top: int

    @classmethod
    def of(cls, x: np.ndarray) -> Measured | None:
        """None where an element is inf or NaN, or none is there but zeros."""
        greatest = max(float(x.max(initial=0)), -float(x.min(initial=0)))
        if not (math.isfinite(greatest) and greatest):  # numpy's max and min of a NaN are NaN
            return None
        return cls(lowest_place(x), math.frexp(greatest)[1])


def exact_product(
    a: Format, b: Format, output: Format, a_codes: np.ndarray, b_codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Σ a·b [M, N], rounded once into ``output`` (codes; 8-bit floats saturate) and once into float64 (values)."""
    saturation = Epilogue(output=output).saturation
    right = b.decode(b_codes, np.float64)
    measured = Measured.of(right)
    bands = []
    for first in range(0, a_codes.shape[0], BAND):
        codes = a_codes[first : first + BAND]
        parts = two_exact_parts(a.decode(codes, np.float64), right, measured)
        if parts is None:
            wide = get("fp64")
            values = wide.decode(_long_word(a, b, wide, None, codes, b_codes))
            bands.append((_long_word(a, b, output, saturation, codes, b_codes), values))
        else:
            bands.append((encode(output, round_to_odd(*parts), overflow=saturation), parts[0] + parts[1]))
    if not bands:
        empty = (0, b_codes.shape[1])
        return np.zeros(empty, output.code_dtype), np.zeros(empty)
    return np.concatenate([band[0] for band in bands]), np.concatenate([band[1] for band in bands])


def _long_word(
    a: Format, b: Format, output: Format, overflow: str | None, a_codes: np.ndarray, b_codes: np.ndarray
) -> np.ndarray:
    datapath = Datapath.model_validate(
        {
            "operands": {"a": a, "b": b},
            "reduction": {"kind": "exact"},
            "accumulator": {"kind": "float", "format": output, "overflow": overflow},
        }
    )
    return datapath.matmul_codes(a_codes, b_codes).codes


def two_exact_parts(a: np.ndarray, b: np.ndarray, of_b: Measured | None) -> tuple[np.ndarray, np.ndarray] | None:
    """(H, L), both exact in float64, with a·b = H + L; None where two parts are not enough.

    With a a multiple of 2^p, b of 2^q and Σ_k |a·b| ≤ 2^t, all sums are integers below 2^53 in units of 2^(p+q) if
    t − p − q ≤ 53. Else a is cut at 2^s into a multiple of 2^s and a remainder below 2^s, so that each of the two
    products fulfils this (the error-free splitting of Ozaki et al., Numerical Algorithms 59, 2012).
    """
    of_a = Measured.of(a)
    if of_a is None or of_b is None:
        return None
    p, q = of_a.place, of_b.place
    tops = of_b.top + (a.shape[1] - 1).bit_length()
    if of_a.top + tops - p - q <= SIGNIFICAND:
        return a @ b, np.zeros((a.shape[0], b.shape[1]))
    s = p + q + SIGNIFICAND - tops  # the remainder's product just fits
    if of_a.top + tops - s - q > SIGNIFICAND:
        return None
    high = np.trunc(np.ldexp(a, -s))
    return np.ldexp(high, s) @ b, (a - np.ldexp(high, s)) @ b


def lowest_place(x: np.ndarray) -> int:
    """The largest p for which all elements, not all of them zeros, are multiples of 2^p."""
    flat = x.reshape(-1)
    pieces = (flat[first : first + PIECE] for first in range(0, flat.size, PIECE))
    return min(_lowest_place(piece[piece != 0]) for piece in pieces if piece.any())


def _lowest_place(x: np.ndarray) -> int:
    fraction, exponent = np.frexp(x)
    whole = np.ldexp(np.abs(fraction), SIGNIFICAND).astype(np.int64)
    zeros = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return int((exponent - SIGNIFICAND + zeros).min())
