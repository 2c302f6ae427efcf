"""A multiplier that rounds: products leave it in a format of their own."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import field_validator

from hwsim.datapath.factor import Factor, fraction_bits, significand_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.multipliers.exact import ExactMultiplier
from hwsim.datapath.parts import Part
from hwsim.datapath.sums import NO_FORMAT, FloatParameters, float_accumulator_problem, float_parameters
from hwsim.formats import FormatName, get
from hwsim.formats.base import Format
from hwsim.formats.exact import TWO, floor_log2, round_to_integer
from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import UniformFormat
from hwsim.formats.rounding import MODES, Rounding

_FLOAT, _FIXED = 6, 7  # as hwsim.kernels.multiply has them
_WIDEST = 62
"""Bits of an exact product that the kernel rounds."""


@multipliers.register("rounded")
class RoundedMultiplier(Multiplier):
    """The exact product rounded once into ``format``, saturating: finite operands have finite products here.

    A float's product is a normalised float of ``format``, which takes part in an alignment by its own exponent.
    Integers and fixed point are rounded to a fixed-point or integer ``format`` of no more fraction bits than the
    product has, which drops bits behind every product. Where products may become infinite, and where overflows are to
    be counted, leave the multiplier exact and have the reduction round: ``{kind: sequential, fused: false, product:
    fp16}``.
    """

    kind: Literal["rounded"] = "rounded"
    format: FormatName
    """The format of products."""
    rounding: Rounding = "rne"

    @classmethod
    def examples(cls) -> list[Self]:
        return [
            cls(format=get("fp16")),
            cls(format=get("e4m3fn"), rounding="rd"),
            cls(format=get("bf16"), rounding="rz"),
            cls(format=get("int6"), rounding="rna"),
            cls(format=get("q9.2")),
        ]

    @field_validator("format")
    @classmethod
    def _can_be_rounded_to(cls, value: Format) -> Format:
        if isinstance(value, UniformFormat):
            return value
        problem = float_accumulator_problem(value)
        if problem is None and isinstance(value, FloatFormat) and value.precision < 2:
            problem = f"expected two significand bits or more, '{value.name}' has one"
        if problem:
            raise ValueError(problem)
        return value

    @property
    def kernel(self) -> int:  # type: ignore[override]
        """By the kind of the target."""
        return _FLOAT if isinstance(self.format, FloatFormat) else _FIXED

    def check(self, a: Format, b: Format) -> None:
        whole = isinstance(a, UniformFormat) and isinstance(b, UniformFormat)
        if whole != isinstance(self.format, UniformFormat):
            wanted = "an integer or fixed-point format" if whole else "a floating-point format"
            raise ValueError(f"products of {a.name} x {b.name} are rounded to {wanted}, not to '{self.format.name}'")
        if significand_bits(a) + significand_bits(b) > _WIDEST:
            raise ValueError(f"expected exact products of at most {_WIDEST} bits, got {a.name} x {b.name}")
        if whole and self._dropped(a, b) < 0:
            raise ValueError(f"'{self.format.name}' has more fraction bits than products of {a.name} x {b.name}")
        if self.format.smallest > a.max * b.max:
            raise ValueError(f"'{self.format.name}' has no value among the products of {a.name} x {b.name}")

    def _dropped(self, a: Format, b: Format) -> int:
        """Fraction bits that integer and fixed-point products lose."""
        places = [int(getattr(f, "fraction_bits", 0)) for f in (a, b, self.format)]
        return places[0] + places[1] - places[2]

    def fraction_bits(self, a: Format, b: Format) -> int:
        return fraction_bits(self.format)

    def product_bits(self, a: Format, b: Format) -> int:
        exact = sum(significand_bits(f) - fraction_bits(f) for f in (a, b))  # before the binary point
        if isinstance(self.format, FloatFormat):
            return self.format.mantissa_bits + exact + 1  # a carry out of the rounding
        return max(exact, self._dropped(a, b)) + 1

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        negative, magnitude = x.negative != y.negative, abs(x.value * y.value)
        target = self.format
        if isinstance(target, FloatFormat):
            return self._float(negative, magnitude, target)
        assert isinstance(target, UniformFormat)
        unit = Fraction(1, 1 << target.fraction_bits)
        whole = round_to_integer(negative, magnitude / unit, self.rounding)
        whole = min(max(-whole if negative else whole, target.min_code), target.max_code)
        exponent = x.exponent + y.exponent
        return Factor(whole < 0 if whole else negative, abs(whole) * unit / TWO**exponent, exponent)

    def _float(self, negative: bool, magnitude: Fraction, target: FloatFormat) -> Factor:
        exponent = max(floor_log2(magnitude), target.emin) if magnitude else target.emin
        unit = TWO ** (exponent - target.mantissa_bits)
        rounded = min(round_to_integer(negative, magnitude / unit, self.rounding) * unit, Fraction(target.max))
        exponent = max(floor_log2(rounded), target.emin) if rounded else target.emin
        return Factor(negative, rounded / TWO**exponent, exponent)

    def kernel_parameters(self, a: Format, b: Format) -> tuple[int, int]:
        return (0, 0) if isinstance(self.format, FloatFormat) else (self._dropped(a, b), MODES[self.rounding])

    def kernel_target(self, a: Format, b: Format) -> FloatParameters:
        if isinstance(self.format, FloatFormat):
            return float_parameters(self.format, self.rounding, "saturate")
        assert isinstance(self.format, UniformFormat)
        end, drop = 1 << _WIDEST, self._dropped(a, b)
        least, greatest = (max(-end, min(end, code << drop)) for code in (self.format.min_code, self.format.max_code))
        return least, greatest, *NO_FORMAT[2:]

    def parts(self, a: Format, b: Format) -> list[Part]:
        """The exact multiplier, a normaliser for floats (one place, or any of a subnormal), and a rounder."""
        from hwsim.technology.primitives import LeadingZeroCounter, Rounder, Shifter

        parts = ExactMultiplier().parts(a, b)
        width = significand_bits(a) + significand_bits(b)
        if isinstance(self.format, FloatFormat):
            parts += [Part("normaliser", LeadingZeroCounter(width)), Part("normaliser", Shifter(width, width - 1))]
        return [*parts, Part("product rounder", Rounder(significand_bits(self.format)))]
