"""A spatial array: processing elements over which chosen loops of a product are unrolled, the rest runs in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hwsim.base.record import Record
from hwsim.datapath import Datapath
from hwsim.units.base import Accesses, Gemm, Timing, UnitCost
from hwsim.units.registry import MatmulUnit, units

if TYPE_CHECKING:
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.technology.base import Technology

Loop = Literal["G", "B", "K", "C", "OY", "OX", "FY", "FX"]
LOOPS: tuple[Loop, ...] = ("G", "B", "K", "C", "OY", "OX", "FY", "FX")
"""Groups of a convolution (or products of a batch), images, filters and channels of a group, output rows and
columns, filter rows and columns. A matrix product [m, k] x [k, n] has OX = m, K = n, C = k."""
_OF = {
    "input": ("G", "B", "C", "OY", "OX", "FY", "FX"),
    "weight": ("G", "K", "C", "FY", "FX"),
    "output": ("G", "B", "K", "OY", "OX"),
}


class Axis(Record):
    """One dimension of the array: ``{size: 32, unroll: [K]}``."""

    size: int = Field(ge=1, le=65536)
    """Processing elements along it."""
    unroll: tuple[Loop, ...] = Field(min_length=1)
    """Loops that may be spread over it, several at a time if their factors fit."""


@dataclass(frozen=True)
class Unrolling:
    """How far each loop is spread over the array: loop to factor, factors of 1 left out."""

    factors: Mapping[str, int]

    @property
    def elements(self) -> int:
        """Processing elements in use."""
        return prod(self.factors.values())

    def copies(self) -> tuple[int, int, int]:
        """Processing elements that share one element of a, one of b, and one output."""
        return tuple(  # type: ignore[return-value]
            prod(factor for loop, factor in self.factors.items() if loop not in of) for of in _OF.values()
        )

    @property
    def groups(self) -> int:
        """Groups, or products of a batch, that are computed side by side."""
        return self.factors.get("G", 1)

    def steps(self, extents: Mapping[str, int]) -> int:
        """Temporal steps of a product: Π ⌈extent / factor⌉."""
        return prod(-(-extent // self.factors.get(loop, 1)) for loop, extent in extents.items())


@units.register("spatial")
class SpatialArray(MatmulUnit):
    """Processing elements in an array of any number of dimensions, each with the loops that may be spread over it.

    A cycle is one step of all loops that run in time: every element in use multiplies once. Elements that need
    the same operand receive it by multicast; those that add to the same output are followed by an adder tree
    (registers of their own, ``per: pe`` memories that hold outputs, add in time before it). Which loops are
    spread how far, and in which order the others run, is the mapper's choice (`hwsim.mapping`). Depthwise and grouped
    convolutions fill an array that may spread G; without it their groups follow each other.

    ``cores`` of them may each have memories of their own (``per: core``, as the elements of Simba); the mapper divides
    output pixels and filters among them.

    Order of additions: that of ``pe``, products in ascending k (channels, filter rows, filter columns). A
    mapping that runs these loops in another order, or spreads them, gives the same bits where sums are exact.

    Edges: ⌈extent / factor⌉ steps; elements beyond an edge are idle.
    """

    has_cores: ClassVar[bool] = True

    kind: Literal["spatial"] = "spatial"
    array: tuple[Axis, ...] = Field(min_length=1)
    """Its dimensions, such as ``[{size: 32, unroll: [K]}, {size: 32, unroll: [C]}]``."""
    pe: Datapath
    """The arithmetic of one processing element: one product per cycle."""
    cores: int = Field(default=1, ge=1, le=4096)
    """Arrays, each with memories of its own (``per: core``)."""
    first_reads: bool = False
    """Whether the first product of a sum reads the register it adds to, as ZigZag counts; else it overwrites it."""

    @model_validator(mode="after")
    def _loops_once(self) -> Self:
        for index, axis in enumerate(self.array):
            if len(set(axis.unroll)) < len(axis.unroll):
                raise ValueError(f"array dimension {index}: a loop is named twice in {list(axis.unroll)}")
        return self

    @classmethod
    def examples(cls) -> list[Self]:
        pe = Datapath.model_validate({"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"})
        tpu = (Axis(size=4, unroll=("K",)), Axis(size=2, unroll=("C",)))
        rows = (Axis(size=3, unroll=("FY", "C")), Axis(size=4, unroll=("OY", "K")))
        depthwise = (Axis(size=2, unroll=("G", "K")), Axis(size=2, unroll=("C",)))
        return [
            cls(array=tpu, pe=pe),
            cls(array=rows, pe=pe, first_reads=True),
            cls(array=depthwise, pe=pe),
        ]

    @property
    def elements(self) -> int:
        """Processing elements of one core."""
        return prod(axis.size for axis in self.array)

    @property
    def core_count(self) -> int:
        return self.cores

    def with_cores(self, count: int) -> SpatialArray:
        return self if count == self.cores else self.model_copy(update={"cores": count})

    @property
    def datapath(self) -> Datapath:
        """How an output's products are added."""
        return self.pe

    @property
    def element_count(self) -> int:
        return self.cores * self.elements

    @property
    def a_format(self) -> Format:
        return self.pe.operands.a

    @property
    def b_format(self) -> Format:
        return self.pe.operands.b

    @property
    def result_format(self) -> Format:
        return self.pe.result_format

    @property
    def peak_macs_per_cycle(self) -> int:
        return self.cores * self.elements

    def unrollings(self, extents: Mapping[str, int], every: bool = False) -> list[Unrolling]:
        """The ways to spread the loops of a product, fewest steps first.

        Along one dimension of the array each of its loops takes a factor from those with different ⌈extent / factor⌉;
        the last loop named takes what room the others leave, or, for ``every`` way, any factor too.
        """
        found: dict[tuple[tuple[str, int], ...], Unrolling] = {}
        for choice in product(*(list(_along(axis, extents, every)) for axis in self.array)):
            factors: dict[str, int] = {}
            for part in choice:
                for loop, factor in part.items():
                    factors[loop] = factors.get(loop, 1) * factor
            factors = {loop: min(factor, extents.get(loop, 1)) for loop, factor in factors.items()}
            kept = {loop: factor for loop, factor in factors.items() if factor > 1}
            found.setdefault(tuple(sorted(kept.items())), Unrolling(kept))
        return sorted(found.values(), key=lambda one: (one.steps(extents), one.elements, sorted(one.factors.items())))

    def has_room_for(self, factors: Mapping[str, int]) -> bool:
        """Whether loops may be spread by these factors: parts of each along the dimensions that allow it."""

        def rest(wanted: tuple[tuple[str, int], ...], axes: tuple[Axis, ...]) -> bool:
            if all(factor == 1 for _, factor in wanted):
                return True
            if not axes:
                return False
            return any(rest(left, axes[1:]) for left in _left_over(wanted, axes[0].unroll, axes[0].size))

        return rest(tuple(sorted(factors.items())), self.array)

    def products_abreast(self, gemm: Gemm) -> int:
        return self._best(gemm)[0].groups

    def _best(self, gemm: Gemm) -> tuple[Unrolling, dict[str, int]]:
        """The unrolling of a core's share with the fewest steps, and that share: cores divide m, n or both."""
        found = []
        for rows in range(1, self.cores + 1):
            share = {
                "G": gemm.count, "K": -(-gemm.n // (self.cores // rows)), "C": gemm.k, "OX": -(-gemm.m // rows)
            }  # fmt: skip
            unrolling = self.unrollings(share)[0]
            found.append((unrolling.steps(share), unrolling, share))
        _, unrolling, share = min(found, key=lambda one: one[0])
        return unrolling, share

    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[M, K] x [K, N] (+ [M, N]) on codes, in ascending K."""
        return self.pe.matmul_codes(a, b, c)

    def timing(self, gemm: Gemm) -> Timing:
        """Steps of the unrolling with the fewest of them."""
        unrolling, share = self._best(gemm)
        return Timing(fill=0, compute=unrolling.steps(share), drain=0)

    def accesses(self, gemm: Gemm) -> Accesses:
        """Operands of every step from memories that all elements of a core share, once for those that share it."""
        used, share = self._best(gemm)
        m, n, c = (
            _parts(extent, share[loop], used.factors.get(loop, 1))
            for loop, extent in (("OX", gemm.m), ("K", gemm.n), ("C", gemm.k))
        )
        outputs = gemm.count * gemm.m * gemm.n
        return Accesses(
            a_reads=gemm.count * gemm.m * gemm.k * n,
            b_reads=gemm.count * gemm.k * gemm.n * m,
            c_reads=outputs * (c - (not self.first_reads)),
            c_writes=outputs * c,
        )

    def actions(self, gemm: Gemm) -> dict[str, int]:
        """Multiply-accumulates."""
        return {"mac": gemm.macs}

    def cost(self, technology: Technology) -> UnitCost:
        """A datapath in every element; networks and controllers are left out, registers are memories ``per: pe``."""
        lane = self.pe.cost(technology)
        area = {name: self.element_count * value for name, value in lane.area_m2.items()}
        energy = {"mac": lane.total_energy_per_mac_j}
        return UnitCost(area, energy, dict(lane.sources), {"mac": lane.energy_per_mac_j})


def _parts(extent: int, share: int, factor: int) -> int:
    """Steps of ``factor`` elements of all cores' shares of an extent."""
    whole, rest = divmod(extent, share)
    return whole * -(-share // factor) + -(-rest // factor)


def _left_over(
    wanted: tuple[tuple[str, int], ...], loops: tuple[Loop, ...], room: int
) -> Iterator[tuple[tuple[str, int], ...]]:
    """What is left of factors to be found along other dimensions, for every use of one of ``room`` elements."""
    if not wanted:
        yield ()
        return
    (loop, factor), others = wanted[0], wanted[1:]
    for part in _factors(factor, room) if loop in loops else [1]:
        for rest in _left_over(others, loops, room // part):
            yield ((loop, -(-factor // part)), *rest)


def _along(axis: Axis, extents: Mapping[str, int], every: bool) -> Iterator[dict[str, int]]:
    """Factors of the loops along one dimension of the array: products of at most its size."""

    def spread(loops: tuple[str, ...], room: int) -> Iterator[dict[str, int]]:
        loop, *others = loops
        extent = extents.get(loop, 1)
        for factor in _factors(extent, room) if others or every else [_most(extent, room)]:
            for rest in spread(tuple(others), room // factor) if others else [{}]:
                yield {loop: factor, **rest}

    yield from spread(axis.unroll, axis.size)


def _most(extent: int, room: int) -> int:
    """The largest factor that fits, no larger than its steps need."""
    return -(-extent // -(-extent // min(extent, room)))


def _factors(extent: int, room: int) -> list[int]:
    """Factors of at most ``room`` with different numbers of steps: the smallest of each, descending."""
    steps: dict[int, int] = {}
    for factor in range(1, min(extent, room) + 1):
        steps.setdefault(-(-extent // factor), factor)
    return sorted(steps.values(), reverse=True)
