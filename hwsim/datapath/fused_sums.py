"""Fused sums: the general kernel, and the one that is vectorised over columns where it gives the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hwsim.datapath import fused_columns, fused_float64
from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.float64_sums import store
from hwsim.datapath.products import Products
from hwsim.datapath.sums import Sums
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

if TYPE_CHECKING:
    from hwsim.datapath.reductions.fused import Fused

Run = Callable[["Fused", Products, FloatAccumulator, Sums], tuple[np.ndarray, np.ndarray]]


def fused_sums(reduction: Fused, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
    """Add all products to ``sums`` in place; the number of blocks whose sum left the range."""
    if products.length == 0:
        return 0
    run = carriers(reduction, products, accumulator, sums)
    if run is None:
        return general(reduction, products, accumulator, sums, np.zeros(0, np.int64))
    values, failed = run(reduction, products, accumulator, sums)
    left = np.flatnonzero(failed)
    overflows = general(reduction, products, accumulator, sums, left) if left.size else 0
    store(values, ~failed, accumulator.float_format, sums)
    return overflows


def carriers(reduction: Fused, products: Products, accumulator: FloatAccumulator, sums: Sums) -> Run | None:
    """The fastest kernel that gives the bits of the general one: `run` of a module beside, None for that one."""
    zero, emin = reduction.zero_exponent, accumulator.float_format.emin
    if zero is not None and zero > min(emin, emin if sums.emin is None else sums.emin):
        return None  # zero products would count beside a sum that is not zero
    if fused_columns.unit_fits(reduction, accumulator) and fused_columns.operands_fit(reduction, products):
        return fused_columns.run
    if fused_float64.serves(reduction, products, accumulator):
        return fused_float64.run
    return fused_float64.run_scaled if fused_float64.scaled_serves(reduction, products, accumulator) else None


def general(
    reduction: Fused, products: Products, accumulator: FloatAccumulator, sums: Sums, outputs: np.ndarray
) -> int:
    """Any unit and any formats, on the sums that ``outputs`` lists, all where it is empty."""
    from hwsim.kernels.matmul_fused import fused

    emin = accumulator.float_format.emin
    first_emin = sums.emin if sums.emin is not None else emin
    scales, scale_rule = _scales(products)
    return over_threads(
        fused, outputs.size or products.sum_count, products.count // SCALAR_SPAN,
        *products.unpacked, products.rule(), (products.first, products.last), products.rows_per_matrix,
        scales, scale_rule, reduction.kernel_parameters(), accumulator.parameters(reduction.overflow),
        (first_emin, emin), outputs, sums.significand, sums.exponent, sums.tag,
    )  # fmt: skip


def _scales(products: Products) -> tuple[tuple[np.ndarray, ...], tuple[int, int]]:
    """The scales of groups, as kernels take them; of no use where the scales multiply something else."""
    scales = products.scales
    if scales is None or scales.where != "group":
        none = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int32), np.zeros((1, 1), np.uint8)
        return (*none, *none), (1, 0)
    return scales.unpacked, (scales.block, 2 * scales.fraction_bits)
