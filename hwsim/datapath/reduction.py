"""What every reduction declares: in which order and in which groups products become a sum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.base.record import Registered
from hwsim.base.registry import Registry
from hwsim.datapath.parts import Part
from hwsim.formats.base import Format

if TYPE_CHECKING:
    from hwsim.datapath.accumulators.float import FloatAccumulator
    from hwsim.datapath.multiplier import Multiplier
    from hwsim.datapath.products import Products
    from hwsim.datapath.sums import Sums
    from hwsim.golden.number import Arithmetic, Number

reductions: Registry[type[Reduction]] = Registry("reduction", "hwsim.datapath.reductions")


class Reduction(Registered, ABC):
    """How products are added up before and while they enter the accumulator.

    K is padded with zero products to a multiple of the lanes. In an integer accumulator every reduction sums
    a block's products exactly, in adders that grow by the bits that they need, and adds the block at once.
    """

    @abstractmethod
    def lanes_of(self, k: int) -> int:
        """Products of a length-``k`` sum that enter the accumulator together."""

    @abstractmethod
    def float_sums(self, products: Products, accumulator: FloatAccumulator, sums: Sums) -> int:
        """Add all products to ``sums`` in place; the number of accumulations that left the range."""

    def golden_sum(self, products: Sequence[Number], start: Number, exact: Arithmetic) -> Number:
        """`float_sums` of one output in exact arithmetic, the judge of the kernel: ``start`` plus ``products``.

        ``start`` is what the register holds (the first addend itself where `loads_exactly`). The rules of the
        reductions that came with hwsim stand in `hwsim.golden.datapath`; others bring theirs along here.
        """
        raise NotImplementedError(f"reduction '{self.kind}' has no golden rule")

    @abstractmethod
    def parts(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> list[Part]:
        """Gates per lane that add products together, the accumulator's own adder included."""

    def check(self, a: Format, b: Format, multiplier: Multiplier, accumulator: Any) -> None:
        """Raises `ValueError` with one line if this reduction cannot serve these operands and accumulator."""

    @property
    def shared_by(self) -> int:
        """Lanes that share one accumulator."""
        return self.lanes_of(1)

    @property
    def scales_groups(self) -> bool:
        """Whether the operands' scales multiply sums of groups of products (else every product)."""
        return False

    @property
    def is_chain(self) -> bool:
        """Whether blocks of `lanes_of` products enter the accumulator one after the other in ascending k.

        Then a sum may be made block by block, and each addition draws the random bits of its block's first k.
        """
        return False

    @property
    def loads_exactly(self) -> bool:
        """Whether the first addend c takes part with all its bits (else the accumulator rounds it first)."""
        return False

    @property
    def overflow(self) -> str | None:
        """The float accumulator's overflow where its record names none (None: the format's own)."""
        return None

    @property
    def canonical_nan(self) -> bool:
        """Whether NaN results are all ones below a zero sign bit, as NVIDIA's matrix units give."""
        return False
