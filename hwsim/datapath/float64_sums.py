"""Sequential sums by way of float64, where that gives the same bits (`hwsim.kernels.matmul_float64`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.products import Products
from hwsim.datapath.sums import MINUS_ZERO, Sums
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import MODES
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

CARRIED = ("rne", "rna", "rz", "ru", "rd")
"""Roundings that float64 carries."""
WIDEST_PRODUCT = 53
WIDEST_SUM = 51
"""Rounding to odd in float64 needs two bits more than the sum has."""
EXPONENTS = range(-400, 401)
"""Of sums: well inside float64's, with room for products (of operands like these) and for the rounding's shift."""

General = Callable[[Products, FloatAccumulator, Sums, np.ndarray], int]


def float64_serves(products: Products, accumulator: FloatAccumulator, sums: Sums) -> bool:
    """Whether `float64_sums` may be used: products that float64 holds, all finite."""
    target = accumulator.float_format
    formats = products.a_format, products.b_format
    if not (products.multiplier.kernel == 0 or products.uses_table) or products.shape[1] == 1:
        return False
    if accumulator.rounding not in CARRIED or accumulator.flush or any(f.kind != "float" for f in formats):
        return False
    if products.bits > WIDEST_PRODUCT or (products.uses_table and products.scales_products):
        return False
    if not 2 <= target.precision <= WIDEST_SUM:
        return False  # with one bit a tie goes to the even exponent
    if any(e not in EXPONENTS for f in (target, *formats) for e in (f.emin, f.emax)):  # type: ignore[attr-defined]
        return False
    return _all_finite(products, sums)


def _all_finite(products: Products, sums: Sums) -> bool:
    finite = all(bool(np.isfinite(x).all()) for x in products.values)
    return finite and bool(((sums.tag == 0) | (sums.tag == MINUS_ZERO)).all())


def tree_serves(products: Products, steps: Sequence[FloatFormat], roundings: Sequence[str], sums: Sums) -> bool:
    """Whether `tree_float64_sums` may be used for ``roundings`` into these formats: products, adders, accumulator."""
    operands = products.a_format, products.b_format
    if not (products.multiplier.kernel == 0 or products.uses_table) or products.shape[1] == 1:
        return False
    if any(f.kind != "float" for f in operands) or products.bits > WIDEST_PRODUCT:
        return False
    if (products.uses_table and products.scales_products) or any(r not in CARRIED for r in roundings):
        return False
    if any(not 2 <= target.precision <= WIDEST_SUM or not target.has_negative_zero for target in steps):
        return False
    formats = [*operands, *steps]
    if any(e not in EXPONENTS for f in formats for e in (f.emin, f.emax)):  # type: ignore[attr-defined]
        return False
    return _all_finite(products, sums)


def tree_float64_sums(
    products: Products, accumulator: FloatAccumulator, sums: Sums, lanes: int,
    steps: tuple[tuple[float, ...], np.ndarray, tuple[float, ...]], general: General,
) -> int:  # fmt: skip
    """Add all products to ``sums`` in place by trees; strips that overflow are left to ``general``.

    ``steps`` has the `carrier_numbers` of the products' rounding, of each level's adders and of the accumulator.
    """
    from hwsim.kernels.tree_float64 import COLUMNS_PER_STRIP, tree_float64

    carried = sums.values()
    rows, columns = carried.shape
    failed = np.zeros((rows, -(-columns // COLUMNS_PER_STRIP)), np.bool_)
    over_threads(
        tree_float64, failed.size, products.count // VECTOR_SPAN,
        *products.values, *products.table_values, (products.first, products.last), products.rows_per_matrix,
        lanes, *steps, carried, failed,
    )  # fmt: skip
    again = np.repeat(failed, COLUMNS_PER_STRIP, axis=1)[:, :columns]
    count = general(products, accumulator, sums, np.flatnonzero(again)) if again.any() else 0
    store(carried, ~again, accumulator.float_format, sums)
    return count


def exact_serves(products: Products, accumulator: FloatAccumulator, sums: Sums) -> bool:
    """Whether `exact_float64_sums` may be used: as for one rounding a product, of exact products and first addends."""
    if products.multiplier.kernel != 0 or not float64_serves(products, accumulator, sums):
        return False
    return sums.bits <= WIDEST_PRODUCT and bool(within(sums.values()).all())


def within(values: np.ndarray) -> np.ndarray:
    """Which first addends are zero or far enough from the ends of float64 for the roundings here."""
    size = np.abs(values)
    found: np.ndarray = (size == 0) | ((size > 2.0**-600) & (size < 2.0**600))
    return found


def exact_float64_sums(
    products: Products, accumulator: FloatAccumulator, sums: Sums, lanes: int, general: General
) -> int:
    """Add all products to ``sums`` in place in blocks of ``lanes``; strips that overflow are left to ``general``."""
    from hwsim.kernels.exact_float64 import COLUMNS_PER_STRIP, exact_float64

    target = accumulator.float_format
    carried = sums.values()
    rows, columns = carried.shape
    failed = np.zeros((rows, -(-columns // COLUMNS_PER_STRIP)), np.bool_)
    smallest, magic, last_place, largest, mode, _ = carrier_numbers(target, accumulator.rounding, False)
    over_threads(
        exact_float64, failed.size, products.count // VECTOR_SPAN,
        *products.values, (products.first, products.last), products.rows_per_matrix, lanes,
        smallest, magic, last_place, int(mode), largest, target.has_negative_zero, carried, failed,
    )  # fmt: skip
    again = np.repeat(failed, COLUMNS_PER_STRIP, axis=1)[:, :columns]
    count = general(products, accumulator, sums, np.flatnonzero(again)) if again.any() else 0
    store(carried, ~again, target, sums)
    return count


def carrier_numbers(target: FloatFormat | None, rounding: str, flush: bool) -> tuple[float, ...]:
    """A format and its rounding as `hwsim.kernels.tree_float64` has them; all 0 for none."""
    if target is None:
        return (0.0,) * 6
    p = target.precision
    return (
        math.ldexp(1.0, target.emin), math.ldexp(1.5, 53 - p), math.ldexp(1.0, 1 - p), target.max,
        float(MODES[rounding]), float(flush),
    )  # fmt: skip


def float64_sums(products: Products, accumulator: FloatAccumulator, sums: Sums, general: General) -> int:
    """Add all products to ``sums`` in place; strips that overflow are left to ``general``. Returns the overflows."""
    from hwsim.kernels.matmul_float64 import COLUMNS_PER_STRIP, PLAIN, ROWS_PER_TASK, sequential_float64

    target, saturates = accumulator.float_format, accumulator.saturates
    carried = sums.values()
    rows, columns = carried.shape
    failed = np.zeros((rows, -(-columns // COLUMNS_PER_STRIP)), np.bool_)
    bands = products.matrices * -(-products.rows_per_matrix // ROWS_PER_TASK)
    count = over_threads(
        sequential_float64, bands * failed.shape[1], products.count // VECTOR_SPAN,
        *products.values, *products.table_values, (products.first, products.last), products.rows_per_matrix,
        math.ldexp(1.0, target.emin), math.ldexp(1.5, 53 - target.precision), math.ldexp(1.0, 1 - target.precision),
        PLAIN if plain_addition(products, accumulator) else MODES[accumulator.rounding],
        target.max, saturates, carried, failed,
    )  # fmt: skip
    again = np.repeat(failed, COLUMNS_PER_STRIP, axis=1)[:, :columns]
    if again.any():
        count = general(products, accumulator, sums, np.flatnonzero(again))
    store(carried, ~again, target, sums)
    return count


def plain_addition(products: Products, accumulator: FloatAccumulator) -> bool:
    """Whether float64's own sum of a register s (p bits) and a product x (q bits) may be rounded again, to nearest.

    Let u be the last place of s. A product of at least u/4 and no more than 2|s| gives a sum of at most p + q + 2
    bits, exact in float64. A smaller one leaves the nearest number s, also after float64's rounding: at most that
    makes u/4 of it, where s is a power of two and a tie goes to s, the even one. A larger one leaves the sum near x,
    which is no tie if x has p bits or fewer; else the sum is exact if float64 holds all from the format's least last
    place to its largest number.
    """
    target = accumulator.float_format
    if accumulator.rounding != "rne" or target.precision + products.bits + 3 > WIDEST_PRODUCT:
        return False
    return products.bits <= target.precision or target.emax + 2 - target.last_place_min <= WIDEST_PRODUCT


def store(values: np.ndarray, where: np.ndarray, target: FloatFormat, sums: Sums) -> None:
    """Finite ``values`` as sums, where ``where`` holds."""
    fraction, exponent = np.frexp(values[where].astype(np.float64, copy=False))
    sums.significand[where] = np.ldexp(fraction, target.precision).astype(np.int64)
    sums.exponent[where] = exponent - target.precision
    minus = np.signbit(values[where]) & (values[where] == 0) & target.has_negative_zero
    sums.tag[where] = np.where(minus, MINUS_ZERO, 0)
