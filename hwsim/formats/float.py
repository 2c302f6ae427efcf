"""Binary floating point of any exponent width, precision, bias and policy for special values."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import FLOAT32, Array
from hwsim.formats.base import (
    NEGATIVE_INFINITY,
    NOT_A_NUMBER,
    POSITIVE_INFINITY,
    TABLE_BITS,
    Format,
    Unpacked,
    families,
)
from hwsim.formats.checks import checked_nan, checked_overflow
from hwsim.formats.float_kernel import (
    decode_floats,
    encode_floats,
    encode_integers,
    kernel_parameters,
    round_to_nearest,
    within_float32,
)
from hwsim.formats.float_names import exmy_fields, p3109_fields
from hwsim.formats.rounding import RNE, Mode, mode_number

Specials = Literal["ieee", "fn", "fnuz", "none", "p3109"]


@families.register("float")
@dataclass(frozen=True)
class FloatFormat(Format):
    """``(−1)**sign · significand · 2**exponent`` with a hidden bit, a biased exponent and stored bits below it.

    With ``m = precision − 1`` stored bits ``t`` and exponent field ``f`` a value is
    ``(1 + t·2**−m) · 2**(f − bias)`` for ``f > 0`` and ``t · 2**(1 − bias − m)`` for ``f = 0``.

    Every value is a float64, and every normal one a normal float64; a record that goes beyond (more than
    53 significand bits, a normal exponent outside [−1022, 1023]) raises `InputError`.
    """

    kind: ClassVar[str] = "float"

    name: str
    exponent_bits: int
    """Width of the exponent field, 1 to 11."""
    precision: int
    """Significand bits with the hidden one, 1 to 53."""
    bias: int
    """What the exponent field exceeds the exponent by."""
    signed: bool = True
    """Whether there is a sign bit."""
    subnormals: bool = True
    """Whether field 0 holds subnormals; otherwise its codes are all zero and no value lies in between."""
    specials: Specials = "ieee"
    """ieee: inf and NaN at the top field. fn: NaN at all ones, no inf. fnuz: NaN at −0, no inf. none: neither.
    p3109: infinities at the largest codes, one NaN, at −0 (unsigned: at all ones, inf just below)."""
    zero: bool = True
    """Whether field 0 holds zero; otherwise it is a field of normal numbers like the others (e8m0fnu)."""

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise InputError(f"float format '{self.name}': {problem}")

    def _problem(self) -> str | None:
        if not (1 <= self.exponent_bits <= 11 and 1 <= self.precision <= 53):
            return "expected 1 to 11 exponent bits and 1 to 53 significand bits"
        if self.specials not in get_args(Specials):
            return f"expected specials {', '.join(get_args(Specials))}, got '{self.specials}'"
        if (self.signed and not self.zero) or (not self.signed and self.specials == "fnuz"):
            return "fnuz needs a sign, its NaN being negative zero; a format without zero has none"
        if self.limit_code < (1 if self.subnormals or not self.zero else 1 << self.mantissa_bits):
            return "there is no finite value above zero"
        if not (self.emin >= -1022 and self.emax <= 1023):
            return f"normal exponents reach from {self.emin} to {self.emax}, beyond float64's −1022 to 1023"
        return None

    # Widths and ranges ----------------------------------------------------------------------------

    @property
    def mantissa_bits(self) -> int:
        """Stored significand bits, ``precision − 1``."""
        return self.precision - 1

    @property
    def bits(self) -> int:
        return int(self.signed) + self.exponent_bits + self.mantissa_bits

    @property
    def has_inf(self) -> bool:
        return self.specials in ("ieee", "p3109")

    @property
    def has_nan(self) -> bool:
        # With no stored bits the top field has one code, which is infinity.
        return self.specials in ("fn", "fnuz", "p3109") or (self.specials == "ieee" and self.mantissa_bits > 0)

    @property
    def has_negative_zero(self) -> bool:
        return self.signed and not self._lone_nan

    @property
    def _lone_nan(self) -> bool:
        """Whether the code that would be −0 is NaN."""
        return self.signed and self.specials in ("fnuz", "p3109")

    @property
    def emin(self) -> int:
        """Exponent of the smallest normal number."""
        return 1 - self.bias if self.zero else -self.bias

    @property
    def emax(self) -> int:
        """Exponent of the largest number."""
        return max(self.limit_code >> self.mantissa_bits, 1) - self.bias

    @property
    def last_place_min(self) -> int:
        """Exponent of the last place of subnormals, zeros and the lowest binade: ``emin − mantissa_bits``."""
        return self.emin - self.mantissa_bits

    @property
    def max(self) -> float:
        return self._magnitude_value(self.limit_code)

    @property
    def min(self) -> float:
        if self.signed:
            return -self.max
        return 0.0 if self.zero else self.min_normal

    @property
    def min_normal(self) -> float:
        """``2**emin``."""
        return math.ldexp(1.0, self.emin)

    @property
    def min_subnormal(self) -> float:
        """Smallest subnormal ``2**last_place_min``; the smallest normal where there are no subnormals."""
        has_subnormals = self.subnormals and self.zero
        return math.ldexp(1.0, self.last_place_min) if has_subnormals else self.min_normal

    @property
    def smallest(self) -> float:
        return self.min_subnormal

    @property
    def eps(self) -> float:
        """Distance from 1 to the next larger number of this precision, ``2**−mantissa_bits``."""
        return math.ldexp(1.0, -self.mantissa_bits)

    @property
    def overflows(self) -> tuple[str, ...]:
        if self.has_inf:
            return ("inf", "saturate", "saturate_finite")
        return ("inf", "saturate") if self.has_nan else ("saturate",)

    # Codes ----------------------------------------------------------------------------------------

    @property
    def limit_code(self) -> int:
        """Code of the largest value, without sign."""
        codes = 1 << (self.exponent_bits + self.mantissa_bits)
        if self.specials == "ieee":
            return codes - (1 << self.mantissa_bits) - 1
        if self.specials == "p3109":
            return codes - 2 if self.signed else codes - 3
        return codes - 2 if self.specials == "fn" else codes - 1

    @property
    def sign_code(self) -> int:
        """The sign bit alone; 0 where there is none."""
        return 1 << (self.bits - 1) if self.signed else 0

    @property
    def nan_code(self) -> int | None:
        """The code that encoding a NaN gives: quiet and positive; None where the format has no NaN."""
        if not self.has_nan:
            return None
        if self.specials == "ieee":
            return self.limit_code + 1 + (1 << (self.mantissa_bits - 1))
        if self._lone_nan:
            return self.sign_code
        return self.limit_code + 1 + int(self.has_inf)

    def _magnitude_value(self, code: int) -> float:
        field, stored = code >> self.mantissa_bits, code & ((1 << self.mantissa_bits) - 1)
        normal = field > 0 or not self.zero
        if not (normal or self.subnormals):
            return 0.0
        hidden = int(normal) << self.mantissa_bits
        return math.ldexp(stored + hidden, max(field - int(self.zero), 0) + self.last_place_min)

    def parameters(self, rounding: str = "rne", overflow: str | None = None, nan: str | None = None) -> Array:
        """What `hwsim.kernels.codec` needs to know of this format under these policies (int64 array)."""
        overflow, nan = checked_overflow(self, overflow), checked_nan(nan)
        return kernel_parameters(self, mode_number(rounding), overflow, nan)

    @cached_property
    def params(self) -> Array:
        """`parameters` under the default policies."""
        return self.parameters()

    def _encode_floats(self, x: Array, out: Array, mode: Mode, overflow: str, nan: str) -> int:
        return encode_floats(self, x, out, kernel_parameters(self, mode.number, overflow, nan), mode)

    def _encode_integers(self, negative: Array, magnitude: Array, out: Array, mode: Mode, overflow: str) -> None:
        parameters = kernel_parameters(self, mode.number, overflow, "zero")
        if magnitude.size and int(magnitude.max()) > 1 << 53:
            if mode.random:
                raise InputError("random rounding takes integers up to 2**53, of which float64 has each")
            encode_integers(negative, magnitude, out, parameters)
            return
        exact = magnitude.astype(np.float64)
        encode_floats(self, np.where(negative, -exact, exact), out, parameters, mode)

    def _round_float32(self, x: Array, mode: Mode, overflow: str, nan: str) -> tuple[Array, int] | None:
        if mode.number != RNE or self.mantissa_bits == FLOAT32[0] or not (self.zero and within_float32(self)):
            return None
        return round_to_nearest(self, x, overflow, nan)

    # Decoding -------------------------------------------------------------------------------------

    def _unpack(self, codes: NDArray[np.uint64]) -> Unpacked:
        negative = self._is_negative(codes)
        magnitude = (codes & np.uint64((1 << (self.bits - int(self.signed))) - 1)).astype(np.int64)
        field = magnitude >> self.mantissa_bits
        stored = magnitude & ((1 << self.mantissa_bits) - 1)
        normal = (field > 0) | (not self.zero)
        significand = stored * int(self.subnormals or not self.zero) * ~normal
        significand += (stored + (1 << self.mantissa_bits)) * normal
        exponent = np.maximum(field - int(self.zero), 0) + self.last_place_min
        special = self._special(magnitude, negative)
        significand = np.where(special == 0, np.where(negative, -significand, significand), 0)
        return Unpacked(significand, exponent.astype(np.int32), special)

    def _special(self, magnitude: NDArray[np.int64], negative: NDArray[np.bool_]) -> NDArray[np.uint8]:
        special = np.zeros(magnitude.shape, np.uint8)
        special[magnitude > self.limit_code] = NOT_A_NUMBER
        if self.has_inf:
            infinite = magnitude == self.limit_code + 1
            special[infinite & ~negative] = POSITIVE_INFINITY
            special[infinite & negative] = NEGATIVE_INFINITY
        if self._lone_nan:
            special[(magnitude == 0) & negative] = NOT_A_NUMBER
        return special

    def _is_negative(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        negative: NDArray[np.bool_] = (codes & np.uint64(self.sign_code)) != 0
        return negative

    def _negative_zeros(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        magnitude = codes & ~np.uint64(self.sign_code)
        zeros = 0 if self.subnormals else (1 << self.mantissa_bits) - 1
        if not self.has_negative_zero:
            return np.zeros(codes.shape, np.bool_)
        return self._is_negative(codes) & (magnitude <= zeros)

    def _values_of(self, codes: Array) -> Array:
        return decode_floats(self, codes) if self.bits > TABLE_BITS else super()._values_of(codes)

    def fits(self, dtype: np.dtype[Any]) -> bool:
        if dtype.kind != "f":
            return False
        limits = np.finfo(dtype)
        last_place_min = limits.minexp - limits.nmant
        return (
            self.precision <= limits.nmant + 1 and self.emax < limits.maxexp and self.last_place_min >= last_place_min
        )

    # Names ----------------------------------------------------------------------------------------

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """``e{x}m{y}``: x exponent bits, y stored bits, bias ``2**(x−1) − 1``, inf and NaN at the top field.

        A ``u`` in front: no sign, NaN at all ones. Behind: ``b{bias}`` the bias; ``fn`` NaN at all ones and no inf,
        ``fnuz`` NaN at −0, no inf and a bias one larger, ``finite`` neither; ``_flush`` no subnormals. And IEEE P3109's
        ``p3109_k{K}p{P}{s|u}{e|f}``: K bits, precision P, signed or unsigned, extended (with inf) or finite.
        """
        fields = exmy_fields(name) or p3109_fields(name)
        return None if fields is None else cls(name, **fields)

    @classmethod
    def examples(cls) -> list[Self]:
        unusual = cls("unusual", 4, 4, 5)
        return [
            replace(unusual, name="bias5"),
            replace(unusual, name="bias5_flush", subnormals=False),
            replace(unusual, name="bias5_unsigned", signed=False),
            replace(unusual, name="bias5_nozero", signed=False, zero=False, specials="none"),
            replace(unusual, name="bias5_fnuz_flush", specials="fnuz", subnormals=False),
            cls("powers", 5, 1, 15),
            cls("powers_nonan", 3, 1, 3, specials="none"),
            cls("one_field", 1, 4, 0),
            cls("p3109_k8p3se", 5, 3, 16, specials="p3109"),
            cls("p3109_k6p1ue", 6, 1, 32, signed=False, specials="p3109"),
            cls("p3109_k5p2sf", 3, 2, 4, specials="fnuz"),
        ]
