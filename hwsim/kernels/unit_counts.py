"""Cycles and accesses of one tile on a unit, one shape at a time: for mappers and sweeps that loop in Numba.

Each function takes the unit's parameters as an int64 array (`MatmulUnit.tile_params` makes it) and an
[m, k] x [k, n] tile, and returns (cycles, a reads, b reads, c reads, c writes), what `MatmulUnit.count_tiles`
says of that shape. Nothing is looked up and nothing allocated.
"""

from __future__ import annotations

from numba import njit

from hwsim.kernels.systolic_tile import systolic_products
from hwsim.kernels.tensor_core_tile import tensor_core_products

SYSTOLIC, TENSOR_CORE = 0, 1
"""Kinds of units that `tile_counts` tells apart."""

ABREAST = 0
"""Place in the parameters of any unit: independent products that are computed together, 1 if not said otherwise."""


@njit(cache=True)
def systolic_tile(params, m, n, k):
    """`tile_counts` of systolic arrays (`hwsim.kernels.systolic_tile`)."""
    return tile_counts(SYSTOLIC, params, m, n, k)


@njit(cache=True)
def tensor_core_tile(params, m, n, k):
    """`tile_counts` of tensor cores (`hwsim.kernels.tensor_core_tile`)."""
    return tile_counts(TENSOR_CORE, params, m, n, k)


@njit(cache=True)
def product_counts(kind, params, m, n, k, count):
    """``count`` independent products at once, which may stand side by side in the unit; accesses of all of them."""
    if kind == SYSTOLIC:
        return systolic_products(params, m, n, k, count)
    return tensor_core_products(params, m, n, k, count)


@njit(cache=True)
def tile_counts(kind, params, m, n, k):
    """Cycles of a tile of all products that are computed together, and the accesses of one of them.

    A mapper that lets an element stand for one of each product, so many times as wide, counts tiles as of one product.
    """
    abreast = params[ABREAST]
    cycles, a, b, c, d = product_counts(kind, params, m, n, k, abreast)
    return cycles, a // abreast, b // abreast, c // abreast, d // abreast


@njit(cache=True)
def fill_counts(kind, params, shapes, count, counts):
    """`product_counts` of every row (m, n, k) of ``shapes`` [cases, 3] into ``counts`` [5, cases]."""
    for i in range(shapes.shape[0]):
        cycles, a, b, c, d = product_counts(kind, params, shapes[i, 0], shapes[i, 1], shapes[i, 2], count)
        counts[0, i], counts[1, i], counts[2, i], counts[3, i], counts[4, i] = cycles, a, b, c, d
