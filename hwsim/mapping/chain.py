"""Chains of operators that may be fused: products and row-wise vector work, each reading what the one before writes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hwsim.base.errors import HwsimError
from hwsim.units.base import Gemm, VectorWork


@dataclass(frozen=True)
class ProductLink:
    """A product of the chain, all its ``gemm.count`` repeats; operand a is the result of the link before."""

    name: str
    gemm: Gemm
    element_bytes: tuple[float, float, float]
    """Of a, b and the finished result."""
    partial_bytes: float

    @property
    def reads(self) -> int:
        """Elements in a row that it reads."""
        return self.gemm.k

    @property
    def writes(self) -> int:
        """Elements in a row that it writes."""
        return self.gemm.n

    @property
    def read_bytes(self) -> float:
        return self.element_bytes[0]

    @property
    def result_bytes(self) -> float:
        return self.element_bytes[2]


@dataclass(frozen=True)
class VectorLink:
    """Vector work of the chain that goes row by row; it may also read operands that no link makes."""

    name: str
    work: VectorWork
    """Of all rows."""
    rows: int
    """Of all repeats together."""
    read_bytes: float
    result_bytes: float

    @property
    def reads(self) -> int:
        """Elements in a row that it reads, those that no link makes included."""
        return -(-self.work.reads // self.rows)

    @property
    def writes(self) -> int:
        return -(-self.work.writes // self.rows)


Link = ProductLink | VectorLink


@dataclass(frozen=True)
class Chain:
    """Links over the same rows: ``count`` times ``m`` of them. Raises `HwsimError` where one does not fit the next."""

    links: tuple[Link, ...]

    def __post_init__(self) -> None:
        products = self.products
        if len(self.links) < 2 or not products:
            raise HwsimError("a chain takes two operators or more, a product among them")
        for one in products:
            if (one.gemm.m, one.gemm.count) != (self.m, self.count):
                rows = f"{one.gemm.count} x {one.gemm.m} rows"
                raise HwsimError(f"{one.name} has {rows}, {products[0].name} {self.count} x {self.m}")
        for before, link in pairwise(self.links):
            if isinstance(link, VectorLink):
                fits = link.rows == self.count * self.m and link.work.reads >= link.rows * before.writes
            else:
                fits = link.reads == before.writes
            if not fits:
                raise HwsimError(f"{link.name} does not read the {self.m} x {before.writes} rows of {before.name}")

    @property
    def products(self) -> list[ProductLink]:
        return [link for link in self.links if isinstance(link, ProductLink)]

    @property
    def m(self) -> int:
        """Rows of one repeat."""
        return self.products[0].gemm.m

    @property
    def count(self) -> int:
        return self.products[0].gemm.count

    def between(self, index: int, rows: int) -> int:
        """Bytes of ``rows`` rows of what links ``index`` and ``index`` + 1 share, by the wider of their formats."""
        before, after = self.links[index], self.links[index + 1]
        bits = round(8 * max(before.result_bytes, after.read_bytes))
        return -(-rows * before.writes * bits // 8)
