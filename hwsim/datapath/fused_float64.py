"""When fused sums may go through `hwsim.kernels.fused_float64`, and what it is given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hwsim.datapath.factor import exponent_range, fraction_places, is_whole
from hwsim.datapath.float64_sums import within
from hwsim.datapath.fused_block import ALIGNMENTS
from hwsim.datapath.products import Products
from hwsim.datapath.reductions.exact import product_range
from hwsim.datapath.sums import MINUS_ZERO, Sums
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

if TYPE_CHECKING:
    from hwsim.datapath.accumulators.float import FloatAccumulator
    from hwsim.datapath.reductions.fused import Fused

CARRIER_BITS = 53
"""Significand of float64, which holds products and aligned sums."""
WIDEST_SUM = 51
"""Of the accumulator, which is rounded to by float64 additions."""
EXPONENTS = range(-400, 401)
"""Of operands and sums; those of products then stay within float64."""
GROUP_BITS = 24
"""Of a scaled group's exact sum, which float32 holds."""
FEWEST_COLUMNS = 2


def serves(reduction: Fused, products: Products, accumulator: FloatAccumulator) -> bool:
    """Whether float64 carries the products and the aligned sums of this unit exactly."""
    if not (_rounding_fits(accumulator) and _plain(reduction)) or products.shape[1] < FEWEST_COLUMNS:
        return False
    if products.multiplier.kernel != 0 or products.bits > CARRIER_BITS or products.scales is not None:
        return False
    whole = products.bits - products.fraction_bits  # bits of a product above its exponent
    if reduction.align_bits + max(whole, 1) + (reduction.lanes + 1).bit_length() > CARRIER_BITS:
        return False
    formats = products.a_format, products.b_format
    return all(e in EXPONENTS for f in formats for e in exponent_range(f))


def scaled_serves(reduction: Fused, products: Products, accumulator: FloatAccumulator) -> bool:
    """Whether the groups of this unit are exact, scaled, and small enough for float32."""
    groups, scales = reduction.groups, products.scales
    if groups is None or scales is None or scales.where != "group" or not _rounding_fits(accumulator):
        return False
    plain = reduction.late is None and reduction.normalized_bits is None and reduction.product_limit is None
    if not plain or reduction.align != "truncate" or reduction.negative_zero != "never":
        return False
    if groups.align_bits is not None or (groups.members == "interleaved" and groups.count > 1):
        return False
    if products.multiplier.kernel != 0 or products.shape[1] < FEWEST_COLUMNS:
        return False
    low, high = product_range(products.a_format, products.b_format, products.multiplier)
    if high - low + reduction.group_size.bit_length() > GROUP_BITS:
        return False
    finite = not any(f.has_inf or f.has_nan for f in (products.a_format, products.b_format))
    above = high + reduction.group_size.bit_length() + 2 + groups.count.bit_length()
    return finite and reduction.align_bits + above <= CARRIER_BITS


def _rounding_fits(accumulator: FloatAccumulator) -> bool:
    target = accumulator.float_format
    if accumulator.flush or accumulator.saturates or accumulator.rounding not in ("rne", "rz"):
        return False
    if accumulator.rounding == "rz" and accumulator.overflow not in (None, "always_inf"):
        return False
    return 2 <= target.precision <= WIDEST_SUM and target.emin in EXPONENTS and target.emax in EXPONENTS


def _plain(reduction: Fused) -> bool:
    one_level = reduction.groups is None and reduction.late is None and reduction.normalized_bits is None
    return one_level and reduction.product_limit is None and reduction.negative_zero == "never"


def run(
    reduction: Fused, products: Products, accumulator: FloatAccumulator, sums: Sums
) -> tuple[np.ndarray, np.ndarray]:
    """float64 sums [G·M, N], and which outputs are of no use (bool)."""
    from hwsim.kernels.fused_float64 import COLUMNS_PER_STRIP, fused_float64

    a, a_power, b, b_power, bad = _operands(products)
    carriers, failed = _start(sums, bad)
    tasks = carriers.shape[0] * -(-carriers.shape[1] // COLUMNS_PER_STRIP)
    over_threads(
        fused_float64, tasks, products.count // VECTOR_SPAN,
        a, a_power, b, b_power, (products.first, products.last), products.rows_per_matrix,
        reduction.lanes, ALIGNMENTS[reduction.align], _numbers(reduction, accumulator, sums), carriers, failed,
    )  # fmt: skip
    return carriers, failed != 0


def run_scaled(
    reduction: Fused, products: Products, accumulator: FloatAccumulator, sums: Sums
) -> tuple[np.ndarray, np.ndarray]:
    """The same for scaled groups."""
    from hwsim.kernels.fused_float64 import COLUMNS_PER_STRIP, scaled_groups

    scales = products.scales
    assert scales is not None
    a, b = (x.astype(np.float32) for x in products.values)
    pairs = []
    for which in (0, 1):
        values = scales.format.decode(scales.b if which else scales.a, np.float64)
        powers = np.ldexp(1.0, scales.unpacked[3 * which + 1] + scales.fraction_bits)
        pairs.append((values, powers))
    (a_scale, a_power), (b_scale, b_power) = pairs
    b_scale, b_power = products.matrices_of_b(b_scale), products.matrices_of_b(b_power)
    bad_rows: np.ndarray = np.any(np.isnan(a_scale), axis=1)
    bad_columns = np.repeat(np.any(np.isnan(b_scale), axis=1), products.rows_per_matrix, axis=0)
    carriers, failed = _start(sums, np.logical_or(bad_rows[:, None], bad_columns))
    tasks = carriers.shape[0] * -(-carriers.shape[1] // COLUMNS_PER_STRIP)
    over_threads(
        scaled_groups, tasks, products.count // VECTOR_SPAN,
        a, b, (products.first, products.last), products.rows_per_matrix, reduction.lanes, reduction.group_size,
        scales.block, np.nan_to_num(a_scale), np.nan_to_num(b_scale), b_power, a_power,
        _numbers(reduction, accumulator, sums), carriers, failed,
    )  # fmt: skip
    return carriers, failed != 0


def _start(sums: Sums, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first addends, zeros positive, and where they or the operands are not finite."""
    carriers = sums.values()
    failed = np.logical_or((sums.tag != 0) & (sums.tag != MINUS_ZERO), bad)
    np.logical_or(failed, ~within(carriers), out=failed)
    carriers[failed] = 0
    return carriers + 0.0, failed.astype(np.int64)


def _operands(products: Products) -> tuple[np.ndarray, ...]:
    """Values and powers of a and b, and bool [G·M, N] where a row or a column has an infinity or a NaN."""
    if "float64_operands" not in products.prepared:
        a, b = (x.copy() for x in products.values)
        bad = [~np.isfinite(x).all(axis=1) for x in (a, b)]
        for x in (a, b):
            np.copyto(x, 0.0, where=~np.isfinite(x))
        powers = [_power(f, x) for f, x in ((products.a_format, a), (products.b_format, b))]
        outputs = np.logical_or(bad[0][:, None], np.repeat(bad[1], products.rows_per_matrix, axis=0))
        products.prepared["float64_operands"] = (a, powers[0], b, powers[1], outputs)
    made: tuple[np.ndarray, ...] = products.prepared["float64_operands"]
    return made


def _power(number_format: Format, x: np.ndarray) -> np.ndarray:
    """2**exponent of every value, 0 of zeros."""
    if is_whole(number_format):
        power = np.full(x.shape, math.ldexp(1.0, -fraction_places(number_format)))
    else:
        from hwsim.kernels.bits import EXPONENT_FIELD

        power = (x.view(np.int64) & EXPONENT_FIELD).view(np.float64)
        if isinstance(number_format, FloatFormat):
            np.maximum(power, math.ldexp(1.0, number_format.emin), out=power)
    power[x == 0] = 0.0
    return power


def _numbers(reduction: Fused, accumulator: FloatAccumulator, sums: Sums) -> tuple[float, ...]:
    target = accumulator.float_format
    zero = reduction.zero_exponent
    return (
        math.ldexp(1.0, reduction.align_bits),
        0.0 if zero is None else math.ldexp(1.0, zero),
        math.ldexp(1.0, sums.emin if sums.emin is not None else target.emin),
        math.ldexp(1.0, target.emin),
        math.ldexp(1.5, CARRIER_BITS - target.precision),
        math.ldexp(1.0, 1 - target.precision),
        target.max,
        float(accumulator.rounding == "rne"),
    )
