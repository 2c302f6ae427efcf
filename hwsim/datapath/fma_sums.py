"""Chains of float64 fused multiply-adds, whose products are too wide for the integer kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.datapath.products import Products
from hwsim.datapath.sums import Sums
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.kernels.threads import VECTOR_SPAN, over_threads


def is_fma_chain(a: Format, b: Format, multiplier: Any, reduction: Any, accumulator: Any) -> bool:
    """Whether these parts are a chain of IEEE 754 fused multiply-adds of float64 operands in float64."""
    double = get("fp64")
    return bool(
        a == b == double
        and multiplier.kind == "exact"
        and reduction.kind == "sequential"
        and reduction.fused
        and accumulator.kind == "float"
        and (accumulator.format, accumulator.rounding, accumulator.flush) == (double, "rne", False)
        and accumulator.overflow in (None, "inf", "always_inf")
    )


def fma_sums(products: Products, sums: Sums) -> int:
    """Add all products to ``sums`` in place; the number of additions that overflowed."""
    from hwsim.kernels.matmul_fma import COLUMNS_PER_STRIP, multiply_add_chain

    values = sums.values()
    rows, columns = values.shape
    tasks = rows * -(-columns // COLUMNS_PER_STRIP)
    count = over_threads(
        multiply_add_chain, tasks, products.count // VECTOR_SPAN,
        *products.values, (products.first, products.last), products.rows_per_matrix, values,
    )  # fmt: skip
    double = get("fp64")
    done = Sums.unpack(double.encode(values), double)
    np.copyto(sums.significand, done.significand)
    np.copyto(sums.exponent, done.exponent)
    np.copyto(sums.tag, done.tag)
    return count
