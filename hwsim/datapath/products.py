"""Operands made ready for kernels: unpacked, with a table of products where that serves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np

from hwsim.datapath.factor import Factor, fraction_bits, fraction_places, placed
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.scales import Scales
from hwsim.datapath.sums import negative_zeros
from hwsim.formats.base import Format

TABLE_BITS = 16
"""Operands of this many bits together go through a table of all products (65 536 entries)."""

# Bits of an operand's tag and rules of multiplication, as hwsim.kernels.multiply has them.
_INFINITE, _NAN, _ZERO, _NEGATIVE = 1, 2, 4, 8
_EXACT, _TABLE = 0, 1


T = TypeVar("T")


def _prepared_once(make: Callable[[Products], T]) -> property:
    """A property that is computed once for a `Products` and all of its parts."""

    def get(products: Products) -> T:
        if make.__name__ not in products.prepared:
            products.prepared[make.__name__] = make(products)
        return cast(T, products.prepared[make.__name__])

    get.__doc__ = make.__doc__
    return property(get)


@dataclass(frozen=True)
class Products:
    """The products a[i, k] · b[k, j] for k in [first, last): what a reduction adds up."""

    a: np.ndarray
    """Codes [G·M, K]: the rows of G matrices one after the other."""
    b: np.ndarray
    """Codes [G·N, K]: the columns of as many matrices; those of a's g-th matrix meet those of b's g-th."""
    a_format: Format
    b_format: Format
    multiplier: Multiplier
    matrices: int
    """G: one product of matrices, or as many independent ones; row by row dot products have G rows and M = N = 1."""
    first: int
    last: int
    scales: Scales | None = None
    """Of blocks of a and b, where operands have them."""
    prepared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What has been made ready of a and b, for this and for all parts of it."""

    @property
    def shape(self) -> tuple[int, int]:
        """(G·M, N) of the sums."""
        return int(self.a.shape[0]), int(self.b.shape[0]) // self.matrices

    @property
    def rows_per_matrix(self) -> int:
        """M: row i of a belongs to matrix i // M."""
        return max(int(self.a.shape[0]) // self.matrices, 1)

    @property
    def length(self) -> int:
        """Products per sum."""
        return self.last - self.first

    @property
    def sum_count(self) -> int:
        """G·M·N."""
        return math.prod(self.shape)

    @property
    def count(self) -> int:
        """Products of all sums."""
        return self.sum_count * self.length

    def part(self, first: int, last: int) -> Products:
        """The products with k in [first, last), counted from this part's own first."""
        return replace(self, first=self.first + first, last=min(self.first + last, self.last))

    @property
    def scale(self) -> int:
        """Exponent of the last place of integer and fixed-point products."""
        return -fraction_places(self.a_format) - fraction_places(self.b_format)

    @property
    def fraction_bits(self) -> int:
        """Bits after the binary point of a product's significand, that of its scales included."""
        own = self.multiplier.fraction_bits(self.a_format, self.b_format)
        return own + (2 * self.scales.fraction_bits if self.scales is not None and self.scales_products else 0)

    @property
    def bits(self) -> int:
        """Bits that hold every product's significand, that of its scales included."""
        own = self.multiplier.product_bits(self.a_format, self.b_format)
        return own + (2 * self.scales.bits if self.scales is not None and self.scales_products else 0)

    @property
    def scales_products(self) -> bool:
        """Whether every product is multiplied by its blocks' scales."""
        return self.scales is not None and self.scales.where == "product"

    @property
    def uses_table(self) -> bool:
        """Whether products are looked up."""
        if self.multiplier.kernel == _EXACT:
            return False
        return self.multiplier.kernel is None or self.a_format.bits + self.b_format.bits <= TABLE_BITS

    def rule(self, bits: int = 0) -> tuple[int, ...]:
        """The multiplier as kernels know it; ``bits`` widens the bound on the products' magnitudes."""
        number = _TABLE if self.uses_table else self.multiplier.kernel
        assert number is not None
        first, second = self.multiplier.kernel_parameters(self.a_format, self.b_format)
        signed_zero = int(self.a_format.kind == "float" and self.b_format.kind == "float")
        target = self.multiplier.kernel_target(self.a_format, self.b_format)
        return number, first, second, self.fraction_bits, max(self.bits, bits), signed_zero, *target

    @_prepared_once
    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """All products by ``code_a · 2**bits_b + code_b``: significands int64, exponents int32."""
        if not self.uses_table:
            return np.zeros(1, np.int64), np.zeros(1, np.int32)
        return product_table(self.multiplier, self.a_format, self.b_format)

    @_prepared_once
    def unpacked(self) -> tuple[np.ndarray, ...]:
        """Significands (or, with a table, codes), exponents and tags of a and of b, then the table."""
        a = _unpack(self.a, self.a_format, self.b_format.bits if self.uses_table else None)
        b = _unpack(self.b, self.b_format, 0 if self.uses_table else None)
        if self.scales_products:
            assert self.scales is not None
            a, b = (self.scales.scale_operand(i, parts, self.a.shape[1]) for i, parts in enumerate((a, b)))
        return (*a, *b, *self.table)

    @_prepared_once
    def values(self) -> tuple[np.ndarray, np.ndarray]:
        """float64 operands a [G·M, K] and b [G, K, N], exact."""
        a, b = (f.decode(codes, np.float64) for f, codes in ((self.a_format, self.a), (self.b_format, self.b)))
        if self.scales_products:
            assert self.scales is not None
            a, b = (x * self.scales.values(i, x.shape[1]) for i, x in enumerate((a, b)))
        return a, self.matrices_of_b(b)

    def matrices_of_b(self, b: np.ndarray) -> np.ndarray:
        """[G·N, K] -> [G, K, N]."""
        return np.ascontiguousarray(b.reshape(self.matrices, self.shape[1], b.shape[1]).swapaxes(1, 2))

    @_prepared_once
    def table_values(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Codes of a [G·M, K] and b [G, K, N] and all products as float64, zeros with their signs; or empty arrays."""
        if not self.uses_table:
            return np.zeros((1, 1), np.int64), np.zeros((1, 1, 1), np.int64), np.zeros(1)
        a, _, _, b, _, _, significands, exponents = self.unpacked
        values = np.ldexp(significands.astype(np.float64), exponents)
        negative = [np.signbit(f.decode(np.arange(f.code_count))) for f in (self.a_format, self.b_format)]
        signs = np.not_equal.outer(*negative).reshape(-1)
        values[(significands == 0) & signs] = -0.0
        return a, self.matrices_of_b(b), values

    @_prepared_once
    def integers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Integer operands a [G·M, K] and b [G, K, N] (or table codes), and the table; all int64."""
        a, _, _, b, _, _, table, _ = self.unpacked
        return a, self.matrices_of_b(b), table

    @_prepared_once
    def narrow_integers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`integers` as int32, of use where they and their sums fit."""
        a, b, table = self.integers
        return a.astype(np.int32), b.astype(np.int32), table.astype(np.int32)

    @_prepared_once
    def reach(self) -> int:
        """A bound on the magnitude of every integer product, from the operands as they are."""
        a, b, table = self.integers
        return _largest(table) if table.size > 1 else _largest(a) * _largest(b)


def _largest(x: np.ndarray) -> int:
    return max(int(x.max()), -int(x.min())) if x.size else 0


def _unpack(codes: np.ndarray, number_format: Format, table_shift: int | None) -> tuple[np.ndarray, ...]:
    parts = number_format.unpack(codes)
    unsigned = np.asarray(codes).astype(np.uint64) & np.uint64((1 << number_format.bits) - 1)
    negative = (parts.significand < 0) | (parts.special == 2)
    negative |= negative_zeros(unsigned, parts.significand, parts.special, number_format)
    tag = np.where((parts.special == 1) | (parts.special == 2), _INFINITE, 0)
    tag |= np.where(parts.special == 3, _NAN, 0) | np.where(negative, _NEGATIVE, 0)
    tag |= np.where((parts.significand == 0) & (parts.special == 0), _ZERO, 0)
    significand, exponent = placed(number_format, parts)
    if table_shift is not None:
        significand, exponent = unsigned.astype(np.int64) << table_shift, np.zeros_like(exponent)
    return np.ascontiguousarray(significand), np.ascontiguousarray(exponent), tag.astype(np.uint8)


@lru_cache(maxsize=16)
def product_table(multiplier: Multiplier, a: Format, b: Format) -> tuple[np.ndarray, np.ndarray]:
    """Every product of two finite codes by the multiplier's own rule; 0 where an operand is inf or NaN."""
    point = multiplier.fraction_bits(a, b)
    significands = np.zeros((1 << a.bits, 1 << b.bits), np.int64)
    exponents = np.zeros((1 << a.bits, 1 << b.bits), np.int32)
    rights = factors(b)
    for i, x in enumerate(factors(a)):
        for j, y in enumerate(rights):
            if x is None or y is None:
                continue
            product = multiplier.product(x, y, a, b)
            magnitude = product.significand * (1 << point)
            assert magnitude.denominator == 1, f"{multiplier.kind}: fraction_bits is too small"
            significands[i, j] = -magnitude.numerator if product.negative else magnitude.numerator
            exponents[i, j] = product.exponent - point
    return significands.reshape(-1), exponents.reshape(-1)


def factors(number_format: Format) -> list[Factor | None]:
    """Every code of a format as multipliers see it, None for infinities and NaN."""
    from fractions import Fraction

    codes = np.arange(1 << number_format.bits, dtype=np.uint64)
    parts = number_format.unpack(codes)
    minus = negative_zeros(codes, parts.significand, parts.special, number_format)
    point = fraction_bits(number_format)
    finite = placed(number_format, parts)
    return [
        None
        if special
        else Factor(bool(significand < 0 or zero), Fraction(abs(int(significand)), 1 << point), int(exponent) + point)
        for significand, exponent, special, zero in zip(*finite, parts.special, minus, strict=True)
    ]
