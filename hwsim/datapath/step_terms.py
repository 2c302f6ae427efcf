"""What enters an accumulator in one step of a reduction, as sums of their own that nothing rounds further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.datapath.products import Products
from hwsim.datapath.reductions.exact import CARRY_BITS, range_of
from hwsim.datapath.reductions.sequential import Sequential
from hwsim.datapath.reductions.tree import Tree
from hwsim.datapath.sums import NO_FORMAT, FloatParameters, Sums
from hwsim.formats.rounding import ODD
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

if TYPE_CHECKING:
    from hwsim.datapath.reduction import Reduction

WIDE_BITS = 58
WIDE: FloatParameters = (WIDE_BITS, -(1 << 20), 1 << 20, (1 << WIDE_BITS) - 1, ODD, 0, 1, 1, 0)
"""A format that holds every product and every sum of a tree; longer exact sums are rounded to odd, which keeps their
sign, their exponent, and whether they are zero."""


def step_terms(reduction: Reduction, products: Products, accumulator: Any) -> Sums:
    """The product of a sequential reduction, a tree's sum, or the exact sum of one block's products."""
    rows, columns = products.shape
    terms = Sums.zeros(rows, columns, 0, WIDE_BITS)
    if isinstance(reduction, Sequential):
        _product(reduction, products, accumulator, terms)
    elif isinstance(reduction, Tree):
        _tree(reduction, products, accumulator, terms)
    else:
        _exact(products, terms)
    return terms


def _product(reduction: Sequential, products: Products, accumulator: Any, terms: Sums) -> None:
    from hwsim.kernels.matmul_sequential import sequential

    rounding = NO_FORMAT if reduction.fused else reduction.product_parameters(accumulator)
    over_threads(
        sequential, products.sum_count, products.count // SCALAR_SPAN,
        *products.unpacked, products.rule(rounding[0]), (products.first, products.last), products.rows_per_matrix,
        rounding, WIDE, np.zeros(0, np.int64), terms.significand, terms.exponent, terms.tag,
    )  # fmt: skip


def _tree(reduction: Tree, products: Products, accumulator: Any, terms: Sums) -> None:
    from hwsim.kernels.matmul_tree import tree

    rounding = NO_FORMAT if reduction.product is None else reduction.product_parameters(accumulator)
    levels = reduction.adder_parameters(accumulator)
    adders = np.array(levels, np.int64)
    over_threads(
        tree, products.sum_count, products.count // SCALAR_SPAN,
        *products.unpacked, products.rule(max(rounding[0], int(adders[:, 0].max()))), (products.first, products.last),
        products.rows_per_matrix, reduction.lanes, rounding, levels[0], adders, WIDE, np.zeros(0, np.int64),
        terms.significand, terms.exponent, terms.tag,
    )  # fmt: skip


def _exact(products: Products, terms: Sums) -> None:
    from hwsim.kernels.matmul_exact import exact

    low, high = range_of(products)
    limbs = (high + CARRY_BITS - low) // 32 + 3
    over_threads(
        exact, products.sum_count, products.count // SCALAR_SPAN,
        *products.unpacked, products.rule(), (products.first, products.last), products.rows_per_matrix,
        products.length, (low, limbs), WIDE, np.zeros(0, np.int64), terms.significand, terms.exponent, terms.tag,
    )  # fmt: skip
