"""What every accumulator declares, and the short spellings that YAML accepts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from hwsim.base.errors import InputError
from hwsim.base.record import Registered
from hwsim.base.registry import Registry
from hwsim.datapath.parts import Part
from hwsim.datapath.sums import Counts
from hwsim.formats import get as format_named
from hwsim.formats.base import Format

if TYPE_CHECKING:
    from hwsim.datapath.products import Products
    from hwsim.datapath.reduction import Reduction
    from hwsim.datapath.sums import Sums

accumulators: Registry[type[Accumulator]] = Registry("accumulator", "hwsim.datapath.accumulators")


class Accumulator(Registered, ABC):
    """Where sums live: a register of some format, with its rounding and its answer to overflow."""

    @property
    def random(self) -> bool:
        """Whether sums are rounded by random bits, which go by an output's index in the product."""
        return False

    @abstractmethod
    def sum_format(self, scale: int) -> Format:
        """Format of the sums, where ``2**scale`` is the last place of integer products (0 for floats)."""

    @abstractmethod
    def zeros(self, shape: tuple[int, int], scale: int) -> Sums:
        """The cleared register: +0."""

    def accumulate(self, products: Products, reduction: Reduction, start: Sums | None) -> tuple[Sums, Counts]:
        """``start`` (default +0) plus all products, in the order and the groups of ``reduction``."""
        sums, counts = self.begin(products, reduction, start)
        counts += self.extend(products, reduction, sums)
        sums, left = self.finish(sums)
        return sums, counts + left

    def begin(self, products: Products, reduction: Reduction, start: Sums | None) -> tuple[Sums, Counts]:
        """What the register holds before the first product."""
        return (self.zeros(products.shape, products.scale), Counts()) if start is None else self.load(start)

    @abstractmethod
    def extend(self, products: Products, reduction: Reduction, sums: Sums) -> Counts:
        """Add all products to ``sums`` in place."""

    def finish(self, sums: Sums) -> tuple[Sums, Counts]:
        """The sums as they leave the register."""
        return sums, Counts()

    @abstractmethod
    def add(self, sums: Sums, terms: Sums, number: int = 0) -> tuple[Sums, Counts]:
        """``sums + terms`` elementwise, as this accumulator adds (the outer level of a chunked one).

        ``number`` counts such additions of one sum, for random roundings.
        """

    @abstractmethod
    def load(self, c: Sums) -> tuple[Sums, Counts]:
        """``c`` as this register holds it before the first product."""

    @abstractmethod
    def parts(self, lanes: int, adds: bool) -> list[Part]:
        """Gates per lane where ``lanes`` products share one accumulator; ``adds``: with its own adder."""

    def check(self, a: Format, b: Format) -> None:
        """Raises `ValueError` with one line if products of these operands cannot be accumulated here."""

    def check_reduction(self, reduction: Reduction) -> None:
        """Raises `ValueError` with one line if this accumulator cannot take what ``reduction`` gives it."""


def spell_out(value: Any) -> Any:
    """``{format: …}`` is a float accumulator, ``{bits: …}`` an integer one, ``{every: …}`` a chunked one.

    A bare name that is no kind is a format: ``fp32`` means ``{kind: float, format: fp32}`` and ``int24``
    means ``{kind: integer, bits: 24}``.
    """
    if isinstance(value, dict) and "kind" not in value:
        for key, kind in (("format", "float"), ("bits", "integer"), ("every", "chunked")):
            if key in value:
                return {"kind": kind, **value}
    if isinstance(value, str) and value not in accumulators.names():
        try:
            named = format_named(value)
        except InputError as error:
            raise ValueError(str(error)) from None
        if named.kind == "integer" and named.signed:
            return {"kind": "integer", "bits": named.bits}
        return {"kind": "float", "format": value}
    return value
