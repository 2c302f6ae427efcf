"""What every multiplier declares: a rule for one product, in exact arithmetic, its gates and its cycles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from hwsim.base.record import Registered
from hwsim.base.registry import Registry
from hwsim.datapath.factor import Factor, fraction_bits, significand_bits
from hwsim.datapath.parts import Part
from hwsim.datapath.sums import NO_FORMAT, FloatParameters
from hwsim.formats.base import Format

multipliers: Registry[type[Multiplier]] = Registry("multiplier", "hwsim.datapath.multipliers")


class Multiplier(Registered, ABC):
    """A rule for the product of two finite operands; NaN, infinities and signs follow IEEE 754 for all of them.

    A new multiplier is one file in `hwsim.datapath.multipliers` with `product` and `parts`. Operands of 16 bits
    or less together go through a table of all products, made from `product`; wider ones need ``kernel``. One
    that is exact by another structure derives from `hwsim.datapath.structure.ExactStructure` instead and says
    how its partial products come about.

    Products of integers and fixed-point numbers are integers in units of the operands' last places (no
    fraction bits, exponents added), for integer accumulators count in these units.
    """

    kernel: ClassVar[int | None] = None
    """The number by which `hwsim.kernels.multiply` knows this rule for operands too wide for a table; 0 says that
    all products are exact, whatever the structure, so that no table is needed either."""

    @abstractmethod
    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        """The product of ``x`` (format ``a``) and ``y`` (format ``b``), with a significand that may reach beyond 2.

        A zero significand means a zero product; its sign is that of the operands' product all the same.
        """

    @abstractmethod
    def parts(self, a: Format, b: Format) -> list[Part]:
        """The gates of one multiplier: ``count`` of each, and ``per_mac`` uses for one product.

        Over all `cycles`: a gate that works in each of 8 cycles is used 8 times. Gates that several lanes share
        are counted as one lane's portion.
        """

    def cycles(self, a: Format, b: Format) -> int:
        """Cycles between one product and the next of a lane: 1, or the digits of a serial multiplier."""
        return 1

    def check(self, a: Format, b: Format) -> None:
        """Raises `ValueError` with one line if this multiplier does not take these operands."""

    def fraction_bits(self, a: Format, b: Format) -> int:
        """Product significands are multiples of ``2**-fraction_bits``."""
        return fraction_bits(a) + fraction_bits(b)

    def product_bits(self, a: Format, b: Format) -> int:
        """Bits that hold every product significand, in units of ``2**-fraction_bits``."""
        return significand_bits(a) + significand_bits(b)

    def kernel_parameters(self, a: Format, b: Format) -> tuple[int, int]:
        """Two numbers for the rule in `hwsim.kernels.multiply`."""
        return 0, 0

    def kernel_target(self, a: Format, b: Format) -> FloatParameters:
        """Eight more: the float format that the rule rounds into, or what else it needs."""
        return NO_FORMAT
