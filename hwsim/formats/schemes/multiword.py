"""Multi-component floats: a number as an unevaluated sum of narrow floats, and the arithmetic of such sums.

Two bf16 words carry about 16 significand bits, three about 24. The building blocks give the rounding error of one
operation as a number of the same format (error-free transformations), each operation rounded to nearest, ties to even:

    two_sum       s = a ⊕ b,  e = a + b − s                       6 additions (Knuth)
    fast_two_sum  the same where |a| ≥ |b| or a = 0                3 additions (Dekker)
    two_product   p = a ⊗ b,  e = a·b − p                         2 operations, one a fused multiply-add

``s + e = a + b`` exactly unless s overflows or, next to the largest number, an operation in between does (its
infinity then makes e NaN). Subnormals do no harm, as sums of multiples of the smallest one are multiples of it; a
format without subnormals loses what they would hold.
``p + e = a·b`` exactly unless p overflows or e needs bits below the format's smallest number: for normal a and b it is
exact where ``exponent(a) + exponent(b) ≥ emin + precision − 1``; below, e is a·b − p rounded.

Sources: Yu et al., Collage: Light-Weight Low-Precision Strategy for LLM Training (arXiv:2405.03637): expansions of
bf16 and their operations Grow and Mul, whose steps here are those of double-word arithmetic: Joldes, Muller, Popescu,
Tight and Rigorous Error Bounds for Basic Building Blocks of Double-Word Arithmetic, ACM TOMS 44(2), 2017: algorithms
1 to 3 (the three above), 4 (a pair and a number), 5 and 6 (two pairs, sloppy and accurate), 10 (product of pairs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.float import FloatFormat
from hwsim.formats.schemes.round_once import Values, add, checked, fused_multiply_subtract, multiply, subtract

Pair = tuple[Values, Values]


def two_sum(a: ArrayLike, b: ArrayLike, fmt: FloatFormat) -> Pair:
    """``s = a ⊕ b`` and ``e`` with ``s + e = a + b``, in any order of magnitude; values of ``fmt``, not checked."""
    total = add(a, b, fmt)
    a_share = subtract(total, b, fmt)
    b_share = subtract(total, a_share, fmt)
    return total, add(subtract(a, a_share, fmt), subtract(b, b_share, fmt), fmt)


def fast_two_sum(a: ArrayLike, b: ArrayLike, fmt: FloatFormat) -> Pair:
    """``s`` and ``e`` of `two_sum` where |a| ≥ |b| or a = 0; elsewhere e may be inexact."""
    total = add(a, b, fmt)
    return total, subtract(b, subtract(total, a, fmt), fmt)


def two_product(a: ArrayLike, b: ArrayLike, fmt: FloatFormat) -> Pair:
    """``p = a ⊗ b`` and ``e = round(a·b − p)``, which is exact but for underflow of e and overflow of p."""
    product = multiply(a, b, fmt)
    return product, fused_multiply_subtract(a, b, product, fmt)


def grow(x: Pair, a: ArrayLike, fmt: FloatFormat) -> Pair:
    """A pair plus a number (Collage's Grow; Joldes et al., algorithm 4), for any magnitudes."""
    total, error = two_sum(x[0], a, fmt)
    return fast_two_sum(total, add(x[1], error, fmt), fmt)


def add_pairs(x: Pair, y: Pair, fmt: FloatFormat, accurate: bool = True) -> Pair:
    """The sum of two pairs: algorithm 6 of Joldes et al. (20 operations), or 5 (11), which cancellation can ruin."""
    total, error = two_sum(x[0], y[0], fmt)
    if not accurate:
        return fast_two_sum(total, add(error, add(x[1], y[1], fmt), fmt), fmt)
    low, low_error = two_sum(x[1], y[1], fmt)
    high, middle = fast_two_sum(total, add(error, low, fmt), fmt)
    return fast_two_sum(high, add(low_error, middle, fmt), fmt)


def multiply_pairs(x: Pair, y: Pair, fmt: FloatFormat) -> Pair:
    """The product of two pairs (Collage's Mul; Joldes et al., algorithm 10), without that of the two low words."""
    product, error = two_product(x[0], y[0], fmt)
    crossed = add(multiply(x[0], y[1], fmt), multiply(x[1], y[0], fmt), fmt)
    return fast_two_sum(product, add(error, crossed, fmt), fmt)


@dataclass(frozen=True)
class MultiFloat:
    """A format whose numbers are sums of one value each of several float formats, the leading one first.

    >>> from hwsim.formats import get
    >>> pair = MultiFloat((get("bf16"), get("bf16")))
    >>> pair.name, pair.bits, pair.decode(pair.encode([1 + 2.0**-12])).tolist()
    ('bf16+bf16', 32, [1.000244140625])
    """

    components: tuple[FloatFormat, ...]

    def __post_init__(self) -> None:
        if len(self.components) < 2:
            raise InputError(f"expected at least 2 components, got {len(self.components)}")
        for component in self.components:
            checked(component)

    @property
    def name(self) -> str:
        """Names of the components, joined by plus signs."""
        return "+".join(component.name for component in self.components)

    @property
    def bits(self) -> int:
        """Bits of all components."""
        return sum(component.bits for component in self.components)

    def encode(self, x: ArrayLike) -> tuple[Array, ...]:
        """Codes of each component: ``x`` rounded to nearest even, then what that left, and so on.

        The remainders are exact in float64, so each component is rounded once. After a component that is infinite or
        NaN the others are zero; where a format saturates instead, they take up what lies beyond its largest value.
        Raises `InputError` for NaN where the first component has none.
        """
        remainder = np.array(x, np.float64)
        codes = []
        for component in self.components:
            code = component.encode(remainder)
            rounded = component.decode(code, np.float64)
            finite = np.isfinite(rounded) & np.isfinite(remainder)
            remainder = np.subtract(remainder, rounded, out=np.zeros(remainder.shape), where=finite)
            codes.append(code)
        return tuple(codes)

    def decode(self, codes: Sequence[ArrayLike]) -> Values:
        """The sum of the components in float64, added from the last to the first.

        Exact for what `encode` gives, the components being multiples of the last place of the encoded float64. In
        general exact where the highest and the lowest bit of the sum span at most 53 places; else rounded once for two
        components, and once per addition for more. Raises `InputError` for another number of components.
        """
        values = self._values(codes)
        total = values[-1]
        with np.errstate(invalid="ignore"):  # inf − inf is NaN
            for value in values[-2::-1]:
                total = value + total
        return total

    def add(self, x: Sequence[ArrayLike], y: Sequence[ArrayLike], accurate: bool = True) -> tuple[Array, ...]:
        """`add_pairs` of codes; `InputError` unless this is a pair of one format."""
        fmt = self._pair()
        return self._codes(add_pairs(_two(self._values(x)), _two(self._values(y)), fmt, accurate))

    def grow(self, x: Sequence[ArrayLike], a: ArrayLike) -> tuple[Array, ...]:
        """`grow` of codes: ``a`` holds codes of the components' format."""
        fmt = self._pair()
        return self._codes(grow(_two(self._values(x)), fmt.decode(a, np.float64), fmt))

    def multiply(self, x: Sequence[ArrayLike], y: Sequence[ArrayLike]) -> tuple[Array, ...]:
        """`multiply_pairs` of codes; `InputError` unless this is a pair of one format."""
        return self._codes(multiply_pairs(_two(self._values(x)), _two(self._values(y)), self._pair()))

    def _values(self, codes: Sequence[ArrayLike]) -> list[Values]:
        if len(codes) != len(self.components):
            raise InputError(f"{self.name} has {len(self.components)} components, got {len(codes)}")
        return [component.decode(code, np.float64) for component, code in zip(self.components, codes, strict=True)]

    def _codes(self, pair: Pair) -> tuple[Array, ...]:
        return tuple(fmt.encode(values) for fmt, values in zip(self.components, pair, strict=True))

    def _pair(self) -> FloatFormat:
        first, *others = self.components
        if len(others) != 1 or others[0] != first:
            raise InputError(f"arithmetic is defined for pairs of one format, not for {self.name}")
        return first


def _two(values: list[Values]) -> Pair:
    first, second = values
    return first, second
