"""Two's complement and unsigned integers of 1 to 64 bits, and what fixed point shares with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array, int64_patterns, lanes
from hwsim.formats.base import TABLE_BITS, Format, Unpacked, families
from hwsim.formats.rounding import Mode
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

_INTEGER = re.compile(r"(u?)int([1-9]\d?)(_symmetric)?")


class UniformFormat(Format):
    """Multiples of ``2**−fraction_bits``: codes are the multiples, in two's complement where signed."""

    if TYPE_CHECKING:

        @property
        def fraction_bits(self) -> int:
            """Bits below the binary point."""

        @property
        def symmetric(self) -> bool:
            """Whether the most negative code is unused, so that the range is −max to max."""

    @property
    def eps(self) -> float:
        """Distance between neighbouring values, ``2**−fraction_bits``."""
        return 2.0**-self.fraction_bits

    @property
    def smallest(self) -> float:
        return self.eps

    @property
    def max_code(self) -> int:
        """The greatest value as a multiple of ``2**−fraction_bits``."""
        return (1 << (self.bits - int(self.signed))) - 1

    @property
    def min_code(self) -> int:
        """The least value as a multiple of ``2**−fraction_bits``."""
        return (-self.max_code - int(not self.symmetric)) if self.signed else 0

    @property
    def max(self) -> float:
        return self.max_code * self.eps

    @property
    def min(self) -> float:
        return self.min_code * self.eps

    @property
    def overflows(self) -> tuple[str, ...]:
        return ("saturate", "wrap")

    def parameters(self, mode: int, overflow: str, nan: str) -> Array:
        """What `hwsim.kernels.encode_fixed` needs to know of this format under these policies."""
        return int64_patterns(
            [
                self.fraction_bits,
                mode,
                self.max_code,
                -self.min_code,
                int(overflow == "wrap"),
                self.code_count - 1,
                self.max_code if nan == "max" else 0,
            ]
        )

    def _encode_floats(self, x: Array, out: Array, mode: Mode, overflow: str, nan: str) -> int:
        from hwsim.kernels import encode_fixed as kernels

        parameters = self.parameters(mode.number, overflow, nan)
        if x.dtype == np.float32 and (self.bits > 32 or mode.random):
            x = x.astype(np.float64)
        worth = x.size // VECTOR_SPAN
        if not mode.random:
            kernel = kernels.encode_float32 if x.dtype == np.float32 else kernels.encode_float64
            return over_threads(kernel, x.size, worth, *lanes(x), out, parameters)
        drawn = (mode.words, mode.key, mode.bits)
        return over_threads(kernels.encode_float64_randomly, x.size, worth, *lanes(x), out, parameters, *drawn)

    def _encode_integers(self, negative: Array, magnitude: Array, out: Array, mode: Mode, overflow: str) -> None:
        limit = np.where(negative, np.uint64(-self.min_code), np.uint64(self.max_code))
        shift = np.uint64(self.fraction_bits)
        shifted = magnitude << shift
        if overflow == "saturate":
            shifted = np.where(magnitude > limit >> shift, limit, shifted)
        codes = np.where(negative, np.uint64(0) - shifted, shifted) & np.uint64(self.code_count - 1)
        out[...] = codes.astype(out.dtype)

    def _unpack(self, codes: NDArray[np.uint64]) -> Unpacked:
        if self.bits == 64 and not self.signed:
            raise InputError(f"significands of {self.name} need 64 bits without a sign; unpack gives int64")
        significand = self._multiples(codes)
        exponent = np.full(codes.shape, -self.fraction_bits, np.int32)
        return Unpacked(significand.astype(np.int64), exponent, np.zeros(codes.shape, np.uint8))

    def _multiples(self, codes: Array) -> Array:
        """Codes as integers: sign-extended int64, or uint64 where unsigned."""
        wide = codes.astype(np.uint64)
        unused = np.uint64(64 - self.bits)
        return (wide << unused).view(np.int64) >> np.int64(64 - self.bits) if self.signed else wide

    def _negative_zeros(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        return np.zeros(codes.shape, np.bool_)

    def fits(self, dtype: np.dtype[Any]) -> bool:
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            return self.fraction_bits == 0 and limits.min <= self.min_code and self.max_code <= limits.max
        return dtype.kind == "f" and self.bits - int(self.signed) <= np.finfo(dtype).nmant + 1


@families.register("integer")
@dataclass(frozen=True)
class IntegerFormat(UniformFormat):
    """Integers of ``bits`` bits: −2**(bits−1) to 2**(bits−1) − 1, or 0 to 2**bits − 1.

    ``symmetric`` leaves the most negative value out: only wrapping gives its code, which still decodes to
    −2**(bits−1). Above 53 bits `decode` returns int64 or uint64 instead of float64, which would round.
    """

    kind: ClassVar[str] = "integer"
    name: str
    bits: int
    signed: bool = True
    symmetric: bool = False

    def __post_init__(self) -> None:
        if not 1 + int(self.signed) <= self.bits <= 64:
            expected = "2 to 64 bits" if self.signed else "1 to 64 bits"
            raise InputError(f"integer format '{self.name}': expected {expected}, got {self.bits}")
        if self.symmetric and not self.signed:
            raise InputError(f"integer format '{self.name}': only signed integers have a symmetric range")

    @property
    def fraction_bits(self) -> int:
        return 0

    @property
    def max(self) -> int:
        return self.max_code

    @property
    def min(self) -> int:
        return self.min_code

    @cached_property
    def value_dtype(self) -> np.dtype[Any]:
        if self.bits <= 53:
            return np.dtype(np.float32 if self.bits <= TABLE_BITS else np.float64)
        return np.dtype(np.int64 if self.signed else np.uint64)

    def _values_of(self, codes: Array) -> Array:
        return self._multiples(codes).astype(np.float64 if self.bits <= 53 else self.value_dtype)

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``int{n}`` and ``uint{n}`` of n bits, ``int{n}_symmetric`` without the most negative value."""
        match = _INTEGER.fullmatch(name)
        return None if match is None else cls(name, int(match[2]), match[1] == "", match[3] is not None)

    @classmethod
    def examples(cls) -> list[Self]:
        signed = [cls("int2", 2), cls("int5_symmetric", 5, symmetric=True)]
        return [*signed, cls("uint1", 1, False), cls("uint13", 13, False)]
