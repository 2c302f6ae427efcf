"""Sequential sums by way of float64, where that gives the same bits (`hwsim.kernels.matmul_float64`)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.products import Products
from hwsim.datapath.sums import MINUS_ZERO, Sums
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import MODES
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

WIDEST_PRODUCT = 53
WIDEST_SUM = 51
"""Rounding to odd in float64 needs two bits more than the sum has."""
EXPONENTS = range(-400, 401)
"""Of sums: well inside float64's, with room for products (of operands like these) and for the rounding's shift."""

General = Callable[[Products, FloatAccumulator, Sums, np.ndarray], int]


def float64_serves(products: Products, accumulator: FloatAccumulator, sums: Sums) -> bool:
    """Whether `float64_sums` may be used: products that float64 holds, no RD (its zeros are −0), all finite."""
    target = accumulator.float_format
    formats = products.a_format, products.b_format
    if not (products.multiplier.kernel == 0 or products.uses_table) or products.shape[1] == 1:
        return False
    if (
        accumulator.rounding not in ("rne", "rna", "rz", "ru")
        or accumulator.flush
        or any(f.kind != "float" for f in formats)
    ):
        return False
    if products.bits > WIDEST_PRODUCT or (products.uses_table and products.scales_products):
        return False
    if not 2 <= target.precision <= WIDEST_SUM:
        return False  # with one bit a tie goes to the even exponent
    if any(e not in EXPONENTS for f in (target, *formats) for e in (f.emin, f.emax)):  # type: ignore[attr-defined]
        return False
    finite = all(bool(np.isfinite(x).all()) for x in products.values)
    return finite and bool(((sums.tag == 0) | (sums.tag == MINUS_ZERO)).all())


def float64_sums(products: Products, accumulator: FloatAccumulator, sums: Sums, general: General) -> int:
    """Add all products to ``sums`` in place; strips that overflow are left to ``general``. Returns the overflows."""
    from hwsim.kernels.matmul_float64 import COLUMNS_PER_STRIP, sequential_float64

    target, saturates = accumulator.float_format, accumulator.saturates
    carried = sums.values()
    rows, columns = carried.shape
    failed = np.zeros((rows, -(-columns // COLUMNS_PER_STRIP)), np.bool_)
    count = over_threads(
        sequential_float64, failed.size, products.count // VECTOR_SPAN,
        *products.values, *products.table_values, (products.first, products.last), products.rows_per_matrix,
        math.ldexp(1.0, target.emin), math.ldexp(1.5, 53 - target.precision), math.ldexp(1.0, 1 - target.precision),
        MODES[accumulator.rounding], target.max, saturates, carried, failed,
    )  # fmt: skip
    again = np.repeat(failed, COLUMNS_PER_STRIP, axis=1)[:, :columns]
    if again.any():
        count = general(products, accumulator, sums, np.flatnonzero(again))
    store(carried, ~again, target, sums)
    return count


def store(values: np.ndarray, where: np.ndarray, target: FloatFormat, sums: Sums) -> None:
    """Finite ``values`` as sums, where ``where`` holds."""
    fraction, exponent = np.frexp(values[where].astype(np.float64, copy=False))
    sums.significand[where] = np.ldexp(fraction, target.precision).astype(np.int64)
    sums.exponent[where] = exponent - target.precision
    minus = np.signbit(values[where]) & (values[where] == 0) & target.has_negative_zero
    sums.tag[where] = np.where(minus, MINUS_ZERO, 0)
