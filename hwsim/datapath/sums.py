"""Sums between the parts of a datapath: significand, exponent and tag, as kernels hold them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwsim.base.errors import InputError
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.formats.rounding import mode_number
from hwsim.kernels.threads import SCALAR_SPAN, over_threads

MINUS_ZERO = 4
"""Tag of a sum that is −0; the others are those of `hwsim.formats.base.Unpacked.special`."""

FloatParameters = tuple[int, ...]

CHUNK, LOAD = 1, 2
"""Places of additions, as `hwsim.kernels.accumulate` has them."""


@dataclass(frozen=True)
class Sums:
    """``significand · 2**exponent`` where the tag is 0 or 4 (−0); infinities and NaN by tag (1, 2, 3)."""

    significand: np.ndarray
    """int64 [M, N], signed."""
    exponent: np.ndarray
    """int32 [M, N]."""
    tag: np.ndarray
    """uint8 [M, N]."""
    bits: int
    """Bits that hold every magnitude."""
    emin: int | None = None
    """Smallest normal exponent of the format that the numbers came from (None: the accumulator's)."""

    @classmethod
    def zeros(cls, rows: int, columns: int, exponent: int, bits: int) -> Sums:
        """+0 everywhere."""
        shape = (rows, columns)
        return cls(np.zeros(shape, np.int64), np.full(shape, exponent, np.int32), np.zeros(shape, np.uint8), bits)

    @classmethod
    def unpack(cls, codes: np.ndarray, number_format: Format) -> Sums:
        """The numbers that ``codes`` [M, N] stand for, exactly."""
        parts = number_format.unpack(codes)
        tag = parts.special.astype(np.uint8)
        tag[negative_zeros(codes, parts.significand, tag, number_format)] = MINUS_ZERO
        bits = getattr(number_format, "precision", number_format.bits)
        emin = getattr(number_format, "emin", None)
        return cls(parts.significand.astype(np.int64), parts.exponent.astype(np.int32), tag, bits, emin)

    def values(self) -> np.ndarray:
        """float64 values, exact for every accumulator of a catalogue format."""
        values: np.ndarray = np.ldexp(self.significand.astype(np.float64), self.exponent)
        for tag, value in ((1, np.inf), (2, -np.inf), (3, np.nan), (MINUS_ZERO, -0.0)):
            values[self.tag == tag] = value
        return values


@dataclass(frozen=True)
class Counts:
    """How often a result left the range, by what became of it."""

    overflows: int = 0
    saturations: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.overflows + other.overflows, self.saturations + other.saturations)


def negative_zeros(
    codes: np.ndarray, significand: np.ndarray, special: np.ndarray, number_format: Format
) -> np.ndarray:
    """Which finite zeros carry a minus sign (floats only)."""
    if number_format.kind != "float" or not number_format.signed:
        return np.zeros(np.shape(codes), bool)
    sign = (np.asarray(codes).astype(np.uint64) >> np.uint64(number_format.bits - 1)) & np.uint64(1)
    minus: np.ndarray = (significand == 0) & (special == 0) & (sign == 1)
    return minus


def float_parameters(
    number_format: FloatFormat, rounding: str, overflow: str | None, flush: bool = False
) -> FloatParameters:
    """A format with its rounding and overflow as `hwsim.kernels.accumulate.FLOAT_PARAMETERS` has it.

    ``overflow``: ``inf``, ``saturate`` (both as in `Format.encode`), ``always_inf`` (beyond the range whatever
    the rounding), or None for the format's default. ``flush``: subnormal results become zeros of their sign.
    """
    largest = int(math.ldexp(number_format.max, number_format.mantissa_bits - number_format.emax))
    beyond = 1 if number_format.has_inf else 3 if number_format.has_nan else 0
    policy = {"inf": 0, "saturate": 1, "always_inf": 2}[overflow or number_format.overflows[0]]
    return (
        number_format.precision,
        number_format.last_place_min,
        number_format.emax,
        largest,
        mode_number(rounding),
        policy,
        beyond,
        int(number_format.has_negative_zero),
        int(flush),
    )


NO_FORMAT: FloatParameters = (0, 0, 0, 0, 0, 0, 0, 0, 0)
"""For kernels: leave the number as it is."""


def float_accumulator_problem(number_format: Format) -> str | None:
    """Why sums cannot be rounded into this format, or None."""
    if not isinstance(number_format, FloatFormat):
        return f"expected a floating-point format, got '{number_format.name}'"
    if not (number_format.signed and number_format.zero and number_format.subnormals):
        return f"sums need a signed format with zero and subnormals, '{number_format.name}' is not one"
    return None


def round_sums(sums: Sums, parameters: FloatParameters, which: tuple[int, int] = (0, LOAD)) -> tuple[Sums, int]:
    """``sums`` rounded into a format, and how many left its range; ``which`` as in `add_sums`."""
    rows, columns = sums.significand.shape
    rounded = Sums.zeros(rows, columns, parameters[1], parameters[0])
    rounded.tag[sums.tag == MINUS_ZERO] = MINUS_ZERO  # zeros of one sign keep it under every rounding
    return rounded, add_sums(rounded, sums, parameters, which)


def add_sums(sums: Sums, terms: Sums, parameters: FloatParameters, which: tuple[int, int] = (0, CHUNK)) -> int:
    """``sums += terms`` rounded into a format, in place; how many left its range.

    ``which`` is the number and the place of the addition, whose random bits it takes.
    """
    from hwsim.kernels.matmul_sequential import add_arrays

    if max(sums.bits, terms.bits) > 60:
        raise InputError(f"sums of {max(sums.bits, terms.bits)} bits do not fit the float accumulator's 60")
    return over_threads(
        add_arrays, sums.significand.shape[0], sums.significand.size // SCALAR_SPAN,
        sums.significand, sums.exponent, sums.tag, sums.bits,
        terms.significand, terms.exponent, terms.tag, terms.bits, parameters, which,
    )  # fmt: skip
