"""Chains of IEEE 754 fused multiply-adds that the machine has itself: into float64, or into float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.datapath.factor import exponent_range
from hwsim.datapath.products import Products
from hwsim.datapath.sums import Sums
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

SINGLE_PRECISION = 24
SINGLE_EXPONENTS = range(-149, 128)
"""From float32's least last place to its largest number's exponent."""


def is_fma_chain(a: Format, b: Format, multiplier: Any, reduction: Any, accumulator: Any) -> bool:
    """Whether these parts are a chain of IEEE 754 fused multiply-adds of float64 operands in float64, whose products
    are too wide for the integer kernels."""
    double = get("fp64")
    return a == b == double and _is_chain(multiplier, reduction, accumulator) and bool(accumulator.format == double)


def is_single_chain(products: Products, reduction: Any, accumulator: Any) -> bool:
    """The same in float32, of any float operands that float32 holds; exact products are what the instruction adds."""
    if not _is_chain(products.multiplier, reduction, accumulator) or accumulator.format != get("fp32"):
        return False
    return products.scales is None and all(_in_single(f) for f in (products.a_format, products.b_format))


def _is_chain(multiplier: Any, reduction: Any, accumulator: Any) -> bool:
    return bool(
        multiplier.kernel == 0
        and reduction.kind == "sequential"
        and reduction.fused
        and accumulator.kind == "float"
        and (accumulator.rounding, accumulator.flush) == ("rne", False)
        and accumulator.overflow in (None, "inf", "always_inf")
    )


def _in_single(number_format: Format) -> bool:
    if not isinstance(number_format, FloatFormat) or number_format.precision > SINGLE_PRECISION:
        return False
    return all(exponent in SINGLE_EXPONENTS for exponent in exponent_range(number_format))


def fma_sums(products: Products, sums: Sums, format_name: str) -> int:
    """Add all products to ``sums`` in place, in fp64 or fp32; the number of additions that overflowed."""
    from hwsim.kernels.matmul_fma import COLUMNS_PER_STRIP, ROWS_PER_TASK, multiply_add_chain

    target = get(format_name)
    carrier = np.dtype(np.float32 if format_name == "fp32" else np.float64)
    with np.errstate(invalid="ignore"):  # NaN
        values = sums.values().astype(carrier)
        a, b = (x.astype(carrier, copy=False) for x in products.values)
    bands = products.matrices * -(-products.rows_per_matrix // ROWS_PER_TASK)
    count = over_threads(
        multiply_add_chain, bands * -(-values.shape[1] // COLUMNS_PER_STRIP), products.count // VECTOR_SPAN,
        a, b, (products.first, products.last), products.rows_per_matrix, values,
    )  # fmt: skip
    done = Sums.unpack(target.encode(values), target)
    np.copyto(sums.significand, done.significand)
    np.copyto(sums.exponent, done.exponent)
    np.copyto(sums.tag, done.tag)
    return count
