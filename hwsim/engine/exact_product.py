"""Exact sums of products, rounded once: by float64 matrix products where these are exact, else a long word."""

from __future__ import annotations

import math

import numpy as np

from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.units.gemm_epilogue import Epilogue, encode, round_to_odd

SIGNIFICAND = 53
"""Bits of float64: integers up to 2^53 and their sums below it are exact in any order of addition."""


def exact_product(
    a: Format, b: Format, output: Format, a_codes: np.ndarray, b_codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Σ a·b [M, N], rounded once into ``output`` (codes; 8-bit floats saturate) and once into float64 (values)."""
    saturation = Epilogue(output=output).saturation
    left, right = a.decode(a_codes, np.float64), b.decode(b_codes, np.float64)
    parts = two_exact_parts(left, right)
    if parts is None:
        wide = _long_word(a, b, get("fp64"), None, a_codes, b_codes)
        return _long_word(a, b, output, saturation, a_codes, b_codes), get("fp64").decode(wide)
    high, low = parts
    return encode(output, round_to_odd(high, low), overflow=saturation), high + low


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


def two_exact_parts(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(H, L), both exact in float64, with a·b = H + L; None where two parts are not enough.

    With a a multiple of 2^p, b of 2^q and Σ_k |a·b| ≤ 2^t, all sums are integers below 2^53 in units of 2^(p+q) if
    t − p − q ≤ 53. Else a is cut at 2^s into a multiple of 2^s and a remainder below 2^s, so that each of the two
    products fulfils this (the error-free splitting of Ozaki et al., Numerical Algorithms 59, 2012).
    """
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or not a.any() or not b.any():
        return None
    p, q = lowest_place(a), lowest_place(b)
    k = math.ceil(math.log2(a.shape[1] * 1.0)) if a.shape[1] > 1 else 0
    tops = k + _top(b)
    if _top(a) + tops - p - q <= SIGNIFICAND:
        return a @ b, np.zeros((a.shape[0], b.shape[1]))
    s = p + q + SIGNIFICAND - tops  # the remainder's product just fits
    if _top(a) + tops - s - q > SIGNIFICAND:
        return None
    high = np.trunc(np.ldexp(a, -s))
    return np.ldexp(high, s) @ b, (a - np.ldexp(high, s)) @ b


def lowest_place(x: np.ndarray) -> int:
    """The largest p for which all elements are multiples of 2^p."""
    fraction, exponent = np.frexp(x[x != 0])
    whole = np.ldexp(np.abs(fraction), SIGNIFICAND).astype(np.int64)
    zeros = np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    return int((exponent - SIGNIFICAND + zeros).min())


def _top(x: np.ndarray) -> int:
    """The least t with |x| < 2^t throughout."""
    return int(np.frexp(np.abs(x).max())[1])
