"""What a number format is: a frozen record whose every other property is derived, and four verbs over arrays.

A kind of format (float, integer, fixed point, ...) is one file: a frozen dataclass that derives from `Format`
and registers itself with `families`. It supplies what is particular to it (`_encode_floats`,
`_encode_integers`, `unpack`, the range) and inherits `encode`, `decode`, `round` and `values`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from hwsim.base.errors import InputError
from hwsim.base.registry import Registry
from hwsim.formats.arrays import Array, look_up, magnitudes, numeric
from hwsim.formats.checks import check_nans, checked_codes, checked_nan, checked_overflow
from hwsim.formats.exact import Draw
from hwsim.formats.rounding import Mode, mode_of
from hwsim.formats.spacing import Spacing

FINITE, POSITIVE_INFINITY, NEGATIVE_INFINITY, NOT_A_NUMBER = range(4)
"""Values of `Unpacked.special`."""

TABLE_BITS = 16
"""Formats up to this width decode by a table of all their values (at most 512 KiB)."""


class Unpacked(NamedTuple):
    """Codes taken apart: the value is exactly ``significand · 2**exponent`` where ``special`` is 0.

    The exponent is that of the last place and is not normalised: all numbers of one binade share it,
    subnormals and zeros have the least one. The sign of a zero is lost here; the code has it.
    """

    significand: NDArray[np.int64]
    """Signed; 0 where special."""
    exponent: NDArray[np.int32]
    special: NDArray[np.uint8]
    """0 finite, 1 +inf, 2 −inf, 3 NaN."""


class Format(Spacing, ABC):
    """A set of values and the bit patterns that stand for them. Kinds derive from it as frozen dataclasses."""

    kind: ClassVar[str]
    """Name of the family: "float", "integer", "fixed"."""

    if TYPE_CHECKING:  # fields of a kind's record, or properties derived from its fields; see `families`

        @property
        def name(self) -> str:
            """What people call it; two formats of the same values may have different names."""

        @property
        def bits(self) -> int:
            """Width of a code, 1 to 64."""

        @property
        def signed(self) -> bool:
            """Whether there are negative values."""

    # What a kind of format declares ---------------------------------------------------------------

    @property
    def has_inf(self) -> bool:
        return False

    @property
    def has_nan(self) -> bool:
        return False

    @property
    @abstractmethod
    def max(self) -> float:
        """Greatest finite value."""

    @property
    @abstractmethod
    def min(self) -> float:
        """Least finite value: the most negative one, or for an unsigned format the one nearest to zero."""

    @property
    @abstractmethod
    def smallest(self) -> float:
        """Smallest value above zero."""

    @property
    @abstractmethod
    def overflows(self) -> tuple[str, ...]:
        """Overflow policies that this format has, the default first."""

    @property
    def max_random_bits(self) -> int:
        """Random bits that a random rounding may take per value."""
        return 32

    @abstractmethod
    def _unpack(self, codes: NDArray[np.uint64]) -> Unpacked:
        """`unpack` without tables."""

    @abstractmethod
    def _negative_zeros(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which codes are a negative zero."""

    @abstractmethod
    def _encode_floats(self, x: Array, out: Array, mode: Mode, overflow: str, nan: str) -> int:
        """Fill ``out`` with the codes of contiguous float32 or float64 ``x``; return how many were NaN."""

    @abstractmethod
    def _encode_integers(self, negative: Array, magnitude: Array, out: Array, mode: Mode, overflow: str) -> None:
        """Fill ``out`` with the codes of ``±magnitude`` (uint64)."""

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The format of this kind that ``name`` describes (``e4m3``, ``q4.4``), or None."""
        return None

    @classmethod
    def examples(cls) -> list[Self]:
        """A few unusual members, for the contract test that every kind of format passes."""
        return []

    def _round_float32(self, x: Array, mode: Mode, overflow: str, nan: str) -> tuple[Array, int] | None:
        """``decode(encode(x))`` in one pass, and how many were NaN; None where the kind has no such kernel."""
        return None

    # What judges it -------------------------------------------------------------------------------

    def golden_value(self, code: int) -> Fraction | float:
        """The value of ``code`` in exact arithmetic: a fraction, or a float for ±inf, NaN and −0.

        This and `golden_code` are what the contract test compares with. The rules of the kinds that came with
        hwsim stand in `hwsim.golden.formats`; others bring theirs along here.
        """
        raise NotImplementedError(f"{self.kind} formats have none here; see hwsim.golden.formats")

    def golden_code(
        self, value: Fraction | float, rounding: str, overflow: str, nan: str, draw: Draw | None = None
    ) -> int:
        """The code of ``value``, rounded once; `ValueError` for NaN under the policy ``error`` where there is none.

        ``draw`` has the bits of a random rounding; `hwsim.formats.exact` has what such rules are written with.
        """
        raise NotImplementedError(f"{self.kind} formats have none here; see hwsim.golden.formats")

    # What follows ---------------------------------------------------------------------------------

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The unsigned integer type that holds a code in its low ``bits`` bits."""
        return np.dtype(next(t for t in ("u1", "u2", "u4", "u8") if self.bits <= 8 * np.dtype(t).itemsize))

    @cached_property
    def value_dtype(self) -> np.dtype[Any]:
        """The type `decode` returns: float32 for formats of up to 16 bits whose values it holds, else float64."""
        single = np.dtype(np.float32)
        return single if self.bits <= TABLE_BITS and self.fits(single) else np.dtype(np.float64)

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Whether each value is one of the numpy type ``dtype``."""
        if self.bits > TABLE_BITS:
            return dtype == np.float64
        if dtype not in self._fitting:
            with np.errstate(all="ignore"):  # what does not fit is what is asked for
                same = dtype.kind in "fiu" and np.array_equal(
                    self._value_table.astype(dtype), self._value_table, equal_nan=True
                )
            self._fitting[dtype] = bool(same)
        return self._fitting[dtype]

    def __str__(self) -> str:
        return self.name

    def encode(
        self,
        x: ArrayLike,
        rounding: str = "rne",
        overflow: str | None = None,
        nan: str | None = None,
        *,
        seed: int = 0,
        first: int = 0,
        random_bits: int | None = None,
        random: ArrayLike | None = None,
    ) -> Array:
        """Codes of ``x``, each value rounded once, of the shape of ``x`` and of `code_dtype`.

        ``x`` holds float32, float64 (float16 and smaller floats are widened, which is exact) or integers.

        ``rounding``: ``rne`` to nearest, ties to the even code; ``rna`` ties away from zero; ``rz`` toward
        zero; ``ru`` toward +inf; ``rd`` toward −inf; ``odd`` to the odd one of the two codes beside x, unless x is
        a value. With the fraction d of the way from the code toward zero to the next, and r of ``random_bits`` = n
        random bits, away from zero where: ``stochastic_a`` (or ``stochastic``) ``floor(d·2**n) + r >= 2**n``;
        ``stochastic_b`` ``floor(d·2**(n+1)) + 2r + 1 >= 2**(n+1)``; ``stochastic_c`` ``rint(d·2**n) + r >= 2**n``
        (the three forms of IEEE P3109); ``equal_probability`` d > 0 and r is odd.

        ``random_bits``: 24 if not given. ``random`` gives r for each value; else r is the top n bits of word
        ``first + i`` of Philox4x32-10 keyed by ``seed`` (both 0), i the value's place in ``x``: the same for any
        number of threads, and for a tensor in parts.

        ``overflow``: what becomes of a value whose rounding, had the format no largest value, lies beyond it.
        ``inf``: infinity, or NaN where the format has no infinity; modes that round inward (``odd`` among them) stop
        at the largest value; infinities likewise become infinity or NaN. ``saturate``: the largest value of that
        sign, infinities included. ``saturate_finite``: the largest value, but infinities stay (P3109's
        SatPropagate). ``wrap`` (integer and fixed point): the low bits of the rounded value.
        None: the first of `overflows`. A negative value of an unsigned format counts as overflow.

        ``nan``: what becomes of NaN where the format has none. ``error`` (the default) raises; ``zero``;
        ``negative_zero`` (ml_dtypes' float4; zero where there is none); ``max``, the largest positive value
        (PTX ``cvt`` to e2m1x2). Where the format has NaN it stays NaN, whatever the policy.

        Raises `InputError` for an unknown or unsupported name and for NaN under ``error``.
        """
        values = numeric(x)
        mode = mode_of(rounding, values.size, seed, first, random_bits, random, self.max_random_bits)
        return self._encoded(values, mode, checked_overflow(self, overflow), checked_nan(nan))

    def decode(self, codes: ArrayLike, dtype: DTypeLike | None = None) -> Array:
        """Values of ``codes``, exactly, of `value_dtype` or of ``dtype``.

        Two's complement codes may also be given as negative signed integers. Raises `InputError` for codes
        that are no integers or need more than `bits` bits, and for a ``dtype`` that does not hold every value.
        """
        checked = checked_codes(self, codes)
        wanted = self.value_dtype if dtype is None else np.dtype(dtype)
        if wanted != self.value_dtype and not self.fits(wanted):
            raise InputError(f"{wanted} does not hold every value of {self.name}")
        if self.bits > TABLE_BITS:
            return self._values_of(checked.reshape(-1)).reshape(checked.shape).astype(wanted, copy=False)
        table = self._table(wanted)
        if not wanted.isnative or (wanted.kind == "f" and wanted.itemsize not in (4, 8)):  # kernels lack these
            return np.asarray(table[checked])
        out = np.empty(checked.shape, wanted)
        look_up(checked.reshape(-1), table, out.reshape(-1))
        return out

    def round(
        self,
        x: ArrayLike,
        rounding: str = "rne",
        overflow: str | None = None,
        nan: str | None = None,
        *,
        seed: int = 0,
        first: int = 0,
        random_bits: int | None = None,
        random: ArrayLike | None = None,
    ) -> Array:
        """``decode(encode(x))``, in float32 or float64: that of ``x`` if it holds every value, else `value_dtype`.

        Narrower floats count as float32.
        """
        values = numeric(x)
        mode = mode_of(rounding, values.size, seed, first, random_bits, random, self.max_random_bits)
        overflow, nan = checked_overflow(self, overflow), checked_nan(nan)
        wanted = values.dtype if self.fits(values.dtype) else None
        if wanted is not None and wanted == np.float32:
            done = self._round_float32(values.reshape(-1), mode, overflow, nan)
            if done is not None:
                check_nans(self, done[1], values.size, nan)
                return done[0].reshape(values.shape)
        return self.decode(self._encoded(values, mode, overflow, nan), wanted)

    def unpack(self, codes: ArrayLike) -> Unpacked:
        """Significands, exponents of the last place and specials of ``codes``; see `Unpacked`."""
        checked = checked_codes(self, codes)
        flat = checked.reshape(-1)
        if self.bits > TABLE_BITS:
            parts = self._unpack(flat.astype(np.uint64))
        else:
            significand, exponent, special = self._unpacked_table
            parts = Unpacked(significand[flat], exponent[flat], special[flat])
        return Unpacked(*(part.reshape(checked.shape) for part in parts))  # type: ignore[arg-type]  # mypy loses the types

    def values(self) -> Array:
        """The value of every code in order of the codes, for formats of up to 16 bits."""
        if self.bits > TABLE_BITS:
            raise InputError(f"{self.name} has 2**{self.bits} codes; values() lists up to 2**{TABLE_BITS}")
        return self._value_table.copy()

    # Details --------------------------------------------------------------------------------------

    def _encoded(self, values: Array, mode: Mode, overflow: str, nan: str) -> Array:
        out = np.empty(values.shape, self.code_dtype)
        if values.dtype.kind == "f":
            nans = self._encode_floats(values.reshape(-1), out.reshape(-1), mode, overflow, nan)
            check_nans(self, nans, values.size, nan)
        else:
            negative, magnitude = magnitudes(values.reshape(-1))
            self._encode_integers(negative, magnitude, out.reshape(-1), mode, overflow)
        return out

    @cached_property
    def _unpacked_table(self) -> Unpacked:
        return self._unpack(np.arange(self.code_count, dtype=np.uint64))

    @cached_property
    def _value_table(self) -> Array:
        return self._values_of(np.arange(self.code_count, dtype=self.code_dtype))

    @cached_property
    def _fitting(self) -> dict[np.dtype[Any], bool]:
        return {}

    @cached_property
    def _tables(self) -> dict[np.dtype[Any], Array]:
        return {}

    def _table(self, dtype: np.dtype[Any]) -> Array:
        if dtype not in self._tables:
            self._tables[dtype] = self._value_table.astype(dtype)
        return self._tables[dtype]

    def _values_of(self, codes: Array) -> Array:
        wide = codes.astype(np.uint64)
        parts = self._unpack(wide)
        values = np.ldexp(parts.significand.astype(np.float64), parts.exponent)
        values[self._negative_zeros(wide)] = -0.0
        values[parts.special == POSITIVE_INFINITY] = np.inf
        values[parts.special == NEGATIVE_INFINITY] = -np.inf
        values[parts.special == NOT_A_NUMBER] = np.nan
        return values


families: Registry[type[Format]] = Registry("kind of format", "hwsim.formats")
"""Every kind of format, by its name."""
