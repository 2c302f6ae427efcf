"""When fused sums may go through `hwsim.kernels.fused_columns`, and what it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.datapath.factor import exponent_range, fraction_bits, placed
from hwsim.datapath.fused_block import ALIGNMENTS
from hwsim.datapath.products import Products
from hwsim.datapath.sums import MINUS_ZERO, Sums
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import MODES
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

if TYPE_CHECKING:
    from hwsim.datapath.accumulators.float import FloatAccumulator
    from hwsim.datapath.reductions.fused import Fused

CARRIER_BITS = 24
"""Significand of float32, which holds products and sums."""
WORD_BITS = 31
"""Magnitude of an int32, which holds eight aligned products."""
LOOKED_UP_BITS = 20
"""Operands up to this width are looked up, value and power, by their code."""
EXPONENTS = range(-100, 126)
"""Of products: within them float32 holds products, their powers and ``2**(F − E)``."""
SUM_EXPONENTS = range(-126, 128)
FLOAT32 = range(-126, 127)
"""Exponents of operands that float32 holds with all their bits."""
LEAST_BIT = -149
"""Exponent of float32's last place."""
NOWHERE = (-(1 << 20), 1 << 20)
"""Of products of operands beyond."""
EXACT_BITS = 52
"""Bits below the leading one that keep every float64 as it is."""
FEWEST_COLUMNS = 2
"""Below this the general kernel is as fast."""


def unit_fits(reduction: Fused, accumulator: FloatAccumulator) -> bool:
    """Whether the kernel knows this block's alignment and this accumulator's rounding."""
    target = accumulator.float_format
    if accumulator.flush or accumulator.saturates or not 2 <= target.precision <= CARRIER_BITS:
        return False
    if target.emin not in SUM_EXPONENTS or target.emax not in SUM_EXPONENTS:
        return False
    return _late_fits(reduction, accumulator) if reduction.late is not None else _early_fits(reduction, accumulator)


def _early_fits(reduction: Fused, accumulator: FloatAccumulator) -> bool:
    plain = reduction.groups is None and reduction.normalized_bits is None
    to_infinity = accumulator.rounding == "rne" or accumulator.overflow in (None, "always_inf")
    rounding = accumulator.rounding in ("rne", "rz") and to_infinity
    return plain and rounding and reduction.product_limit is None and reduction.negative_zero == "never"


def _late_fits(reduction: Fused, accumulator: FloatAccumulator) -> bool:
    late, groups = reduction.late, reduction.groups
    assert late is not None
    if late.align != "floor" or accumulator.rounding != "rne" or max(late.align_bits, late.sum_align_bits) > 45:
        return False
    if reduction.zero_exponent is not None and reduction.zero_exponent > EXPONENTS[0]:
        return False
    if reduction.product_limit is not None and reduction.product_limit <= EXPONENTS[-1] + 2:
        return False
    if groups is None:
        return reduction.align == "truncate"
    return (
        reduction.align == "floor"
        and groups.align_bits is not None
        and groups.align == "truncate"
        and not groups.scaled
    )


def operands_fit(reduction: Fused, products: Products) -> bool:
    """Whether float32 and int32 carry these operands' products, as they are."""
    formats = products.a_format, products.b_format
    if products.multiplier.kind != "exact" or products.bits > CARRIER_BITS or products.shape[1] < FEWEST_COLUMNS:
        return False
    if not all(isinstance(f, FloatFormat) and f.bits <= LOOKED_UP_BITS for f in formats):
        return False
    if any(low < LEAST_BIT or high > FLOAT32[-1] + 1 for low, high in map(exponent_range, formats)):
        return False
    if products.scales is not None and not products.scales_products:
        return False
    if widest_word(reduction) + (8).bit_length() - 1 > WORD_BITS:
        return False
    low, high = carried(products).exponents
    least = EXPONENTS[0] if reduction.zero_exponent is None else max(EXPONENTS[0], reduction.zero_exponent)
    # Above zero_exponent products hide it, unless all are zero; a sum that is not zero hides it as well.
    return low >= (EXPONENTS[0] if _zero_is_the_addends(reduction) else least) and high in EXPONENTS


def _zero_is_the_addends(reduction: Fused) -> bool:
    """Early addends take zero_exponent themselves when they are zero, which is all that ever shows."""
    return reduction.late is None


def widest_word(reduction: Fused) -> int:
    """Bits of one aligned product: below 4 at its own exponent."""
    inner = reduction.groups.align_bits if reduction.groups is not None else None
    return max(reduction.align_bits, inner or 0) + 2


# Operands -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Carried:
    """Operands as the kernel takes them; infinities and NaN are 0 and marked."""

    a: np.ndarray
    """float32 values [G·M, K]."""
    a_power: np.ndarray
    """float32 powers of two of their un-normalised exponents, 0 of zeros."""
    b: np.ndarray
    """float32 values [G, K, N]."""
    b_power: np.ndarray
    bad_rows: np.ndarray
    """bool [G·M]: rows of a with an infinity or a NaN."""
    bad_columns: np.ndarray
    """bool [G, N]: columns of b with one."""
    exponents: tuple[int, int]
    """Least and greatest exponent of a product that is not zero; (0, 0) where all are."""


def carried(products: Products) -> Carried:
    """`Carried` operands of a `Products`, made once for all of its parts."""
    if "carried" not in products.prepared:
        products.prepared["carried"] = _carry(products)
    made: Carried = products.prepared["carried"]
    return made


def _carry(products: Products) -> Carried:
    b_codes = products.matrices_of_b(products.b)
    a, a_power, a_bad = _look_up(products.a_format, products.a)
    b, b_power, b_bad = _look_up(products.b_format, b_codes)
    reach = [_reach(a_power), _reach(b_power)]
    if products.scales is not None and products.scales_products:
        for which, parts in enumerate(((a, a_power, a_bad), (b, b_power, b_bad))):
            reach[which] = _scale(products, which, *parts)
    exponents = reach[0][0] + reach[1][0], reach[0][1] + reach[1][1]
    if any(low < FLOAT32[0] or high > FLOAT32[-1] for low, high in reach):
        exponents = NOWHERE
    return Carried(a, a_power, b, b_power, np.any(a_bad, axis=1), np.any(b_bad, axis=1), exponents)


def _scale(products: Products, which: int, value: np.ndarray, power: np.ndarray, bad: np.ndarray) -> tuple[int, int]:
    """Multiply an operand by its scales in place, a zero scale leaving zeros; the reach of its exponents."""
    scales, k = products.scales, products.a.shape[1]
    assert scales is not None
    factor, exponents = scales.values(which, k), scales.powers(which, k)
    if which:
        factor, exponents = products.matrices_of_b(factor), products.matrices_of_b(exponents)
    np.logical_or(bad, np.isnan(factor), out=bad)
    factor[np.isnan(factor)] = 0.0
    exponents[factor == 0.0] = 0.0
    exponents *= power
    reach = _reach(exponents)
    with np.errstate(over="ignore", under="ignore"):  # beyond the reach nothing here is used
        np.multiply(value, factor, out=value, casting="unsafe")
        np.copyto(power, exponents, casting="unsafe")
    return reach


def _reach(power: np.ndarray) -> tuple[int, int]:
    """Exponents of the least and the greatest power that is not 0; (0, 0) for none."""
    some = power[power > 0]
    if some.size == 0:
        return 0, 0
    return math.frexp(float(some.min()))[1] - 1, math.frexp(float(some.max()))[1] - 1


@lru_cache(maxsize=16)
def _tables(number_format: Format) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By code: value, power of two of the un-normalised exponent, and whether it is infinite or NaN."""
    codes = np.arange(1 << number_format.bits, dtype=np.uint64)
    parts = number_format.unpack(codes)
    significand, exponent = placed(number_format, parts)
    values = np.ldexp(significand.astype(np.float64), exponent).astype(np.float32)
    nonzero = significand != 0  # infinities and NaN have none
    powers = np.ldexp(1.0, np.where(nonzero, exponent + fraction_bits(number_format), 0))
    return values, np.where(nonzero, powers, 0).astype(np.float32), parts.special != 0


def _look_up(number_format: Format, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, powers, special = _tables(number_format)
    bad = special[codes] if special.any() else np.zeros(codes.shape, bool)
    return values[codes], powers[codes], bad


# Running --------------------------------------------------------------------------------------------


def run(
    reduction: Fused, products: Products, accumulator: FloatAccumulator, sums: Sums
) -> tuple[np.ndarray, np.ndarray]:
    """float32 sums [G·M, N], and which outputs are of no use (bool)."""
    from hwsim.kernels.fused_columns import COLUMNS_PER_STRIP, ROWS_PER_TASK, fused_columns

    operands = carried(products)
    start = sums.values()
    with np.errstate(over="ignore"):
        carriers = start.astype(np.float32)
    failed = (sums.tag != 0) & (sums.tag != MINUS_ZERO) | (carriers != start)
    failed |= operands.bad_rows[:, None] | np.repeat(operands.bad_columns, products.rows_per_matrix, axis=0)
    carriers[failed] = 0
    failed = failed.astype(np.int32)
    carriers += np.float32(0)  # −0 becomes +0
    arrays, k_range, size = _blocks(reduction, products, operands)
    rows = -(-products.rows_per_matrix // ROWS_PER_TASK)
    tasks = products.matrices * rows * -(-carriers.shape[1] // COLUMNS_PER_STRIP)
    terms = reduction.group_size + 1
    narrow = widest_word(reduction) + terms.bit_length() <= WORD_BITS
    over_threads(
        fused_columns, tasks, products.count // VECTOR_SPAN,
        *arrays, k_range, products.rows_per_matrix, (*_integers(reduction, accumulator, size), int(narrow)),
        _numbers(reduction, accumulator, sums.emin), np.zeros(1, np.int32 if narrow else np.float64),
        carriers, failed,
    )  # fmt: skip
    return carriers, failed != 0


def _blocks(reduction: Fused, products: Products, operands: Carried) -> tuple[tuple[np.ndarray, ...], Any, int]:
    """The operands with blocks and groups of a length that is a multiple of 4, one group after the other.

    Returns the arrays, their range of k and the padded length of a group.
    """
    arrays = operands.a, operands.a_power, operands.b, operands.b_power
    groups = reduction.groups
    interleaved = groups is not None and groups.count > 1 and groups.members == "interleaved"
    size = reduction.group_size
    if size % 4 == 0 and products.length % reduction.lanes == 0 and not interleaved:
        return arrays, (products.first, products.last), size
    count = reduction.lanes // size
    padded = -(-size // 4) * 4
    k = np.arange(products.length)
    lane = k % reduction.lanes
    group, member = (lane % count, lane // count) if interleaved else (lane // size, lane % size)
    place = (k // reduction.lanes * count + group) * padded + member
    total = -(-products.length // reduction.lanes) * count * padded
    moved = []
    for x in arrays:
        shape = (x.shape[0], total, *x.shape[2:])
        new = np.zeros(shape, np.float32)
        new[:, place] = x[:, products.first : products.last]
        moved.append(new)
    return tuple(moved), (0, total), padded


def _integers(reduction: Fused, accumulator: FloatAccumulator, size: int) -> tuple[int, ...]:
    count = reduction.groups.count if reduction.groups is not None else 0
    late, align = int(reduction.late is not None), ALIGNMENTS[reduction.align]
    return size * max(count, 1), count, MODES[accumulator.rounding], late, align


def _numbers(reduction: Fused, accumulator: FloatAccumulator, first_emin: int | None) -> tuple[float, ...]:
    """As the places named in `hwsim.kernels.fused_leave`."""
    target, groups, late = accumulator.float_format, reduction.groups, reduction.late
    inner = groups.align_bits if groups is not None and groups.align_bits is not None else reduction.align_bits
    return (
        2.0**reduction.align_bits,
        2.0**inner,
        _power(reduction.zero_exponent),
        _power(first_emin if first_emin is not None else target.emin),
        2.0**target.emin,
        math.ldexp(1.5, 53 - target.precision),
        float(target.precision),
        target.max,
        2.0**late.align_bits if late is not None else 1.0,
        2.0**late.sum_align_bits if late is not None else 1.0,
        _power(late.zero_exponent if late is not None else None),
        2.0**-late.drop_below if late is not None and late.drop_below is not None else 0.0,
        float(reduction.normalized_bits if reduction.normalized_bits is not None else EXACT_BITS),
    )


def _power(exponent: int | None) -> float:
    """2**exponent, 0 for none."""
    return 0.0 if exponent is None else math.ldexp(1.0, exponent)
