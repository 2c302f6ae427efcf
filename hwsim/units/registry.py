"""Where hardware units register themselves, and what each of them must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from hwsim.base.errors import InputError
from hwsim.base.record import Record, Registered
from hwsim.base.registry import Registry
from hwsim.units.base import Accesses, Gemm, TileCounts, Timing, UnitCost, WholeLayer, Window, Windows

if TYPE_CHECKING:
    from hwsim.datapath.parts import Part
    from hwsim.datapath.result import MatmulResult
    from hwsim.formats.base import Format
    from hwsim.memory.base import Memory
    from hwsim.technology.base import Technology

units: Registry[type[Record]] = Registry("unit", "hwsim.units")


class MatmulUnit(Registered, ABC):
    """Hardware that multiplies matrices: its bits, its cycles and its cost."""

    weights_in_memory: ClassVar[bool] = False
    """Whether the weights are where they are computed with, and cross no bus."""

    @property
    @abstractmethod
    def a_format(self) -> Format:
        """Format of the first operand (activations)."""

    @property
    @abstractmethod
    def b_format(self) -> Format:
        """Format of the second operand (weights)."""

    @property
    @abstractmethod
    def result_format(self) -> Format:
        """Format of the sums that leave the unit."""

    @property
    @abstractmethod
    def peak_macs_per_cycle(self) -> int | Fraction:
        """Multiply-accumulates per cycle when every multiplier works, a fraction where they take several cycles.

        With structured sparsity, those of the dense product that is done in their stead.
        """

    @property
    def b_bits_per_element(self) -> Fraction:
        """Bits that memories hold and move per element of b: its format's, or fewer where only some are stored.

        Accesses and tiles count elements of the dense matrix.
        """
        return Fraction(self.b_format.bits)

    @property
    def density(self) -> Fraction:
        """The share of b's elements that are stored and multiplied."""
        return Fraction(1)

    @property
    def tile_step(self) -> tuple[int, int, int]:
        """Granularity (m, n, k) of the tiles that leave this unit's order of additions unchanged."""
        return 1, 1, 1

    has_cores: ClassVar[bool] = False
    """Whether there are cores that memories may belong to (``per: core``)."""

    def with_accumulator_memory(self, memory: Memory) -> Self:
        """This unit with partial sums added in the format that ``memory`` states; `InputError` if it adds none."""
        raise InputError(f"a {self.kind} adds no sums in a memory; remove it")

    @property
    def core_count(self) -> int:
        """Cores that work side by side, each on its own part of a product."""
        return 1

    def with_cores(self, count: int) -> MatmulUnit:
        """This unit with ``count`` of its cores: one is what a memory of a core's own feeds."""
        return self

    def on(self, window: Window | None) -> MatmulUnit:
        """This unit at work on the products of that convolution, where it lays them out by rows and channels."""
        return self

    @property
    def resident_outputs(self) -> int:
        """Sums that one core keeps in itself while K passes by in several tiles; 0: they live in a memory."""
        return 0

    @abstractmethod
    def matmul_codes(self, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> MatmulResult:
        """[.., M, K] x [.., K, N] (+ [.., M, N]) on codes, added in the order in which this hardware adds.

        Leading dimensions, the same of all, count independent products.
        """

    @abstractmethod
    def timing(self, gemm: Gemm) -> Timing:
        """Cycles of ``gemm`` with every operand at hand; all ``gemm.count`` products."""

    @abstractmethod
    def accesses(self, gemm: Gemm) -> Accesses:
        """Elements that cross between this unit and its nearest memories."""

    def products_abreast(self, gemm: Gemm) -> int:
        """How many of ``gemm``'s independent products the unit takes at once; the rest follow in rounds."""
        return 1

    def count_tiles(self, m: np.ndarray, n: np.ndarray, k: np.ndarray, count: int = 1) -> TileCounts:
        """`timing` and `accesses` of many shapes at once, for mappers; integer arrays of one shape.

        Each of them of ``count`` independent products.
        """
        shapes = np.stack([np.ravel(m), np.ravel(n), np.ravel(k)], axis=1).astype(np.int64)
        columns = self._count_shapes(shapes, count)
        return TileCounts(*(column.reshape(np.shape(m)) for column in columns))

    def _count_shapes(self, shapes: np.ndarray, count: int) -> np.ndarray:
        """`count_tiles` of ``shapes`` [cases, 3] as [5, cases]."""
        found = self.tile_params()
        if found is None:
            return self._count_each(shapes, count)
        from hwsim.kernels.unit_counts import fill_counts

        columns = np.empty((5, len(shapes)), np.int64)
        fill_counts(*found, shapes, count, columns)
        return columns

    def _count_each(self, shapes: np.ndarray, count: int) -> np.ndarray:
        distinct, inverse = np.unique(shapes, axis=0, return_inverse=True)
        rows = [self._count_tile(Gemm(m, n, k, count)) for m, n, k in distinct.tolist()]
        return np.array(rows, dtype=np.int64).reshape(-1, 5)[np.ravel(inverse)].T

    def _count_tile(self, gemm: Gemm) -> tuple[int, int, int, int, int]:
        accesses = self.accesses(gemm)
        cycles = self.timing(gemm).total
        return cycles, accesses.a_reads, accesses.b_reads, accesses.c_reads, accesses.c_writes

    def tile_params(self, abreast: int = 1) -> tuple[int, np.ndarray] | None:
        """Kind and int64 parameters with which `hwsim.kernels.unit_counts.tile_counts` answers as `count_tiles`.

        With ``abreast`` independent products it gives the cycles of all and the accesses of one. None where a unit
        has no such form.
        """
        return None

    def whole_layer(
        self, gemm: Gemm, windows: Windows | None, memories: Mapping[str, Memory], bits: tuple[int, int, int]
    ) -> WholeLayer | None:
        """Cycles and traffic of ``gemm`` with its memories, where the unit states them itself; None: it is mapped.

        ``windows`` is where operand a comes from in a convolution; ``bits`` are those of an element of a, of b and
        of the result.
        """
        return None

    @abstractmethod
    def actions(self, gemm: Gemm) -> dict[str, int]:
        """How often each action of `cost` is done during ``gemm``."""

    @property
    def element_count(self) -> int:
        """Processing elements that pass data to their neighbours; one where none are."""
        return 1

    def instances(self, per: str) -> int:
        """How many there are of a memory that belongs to the ``chip``, to every ``core`` or to every ``pe``."""
        return {"chip": 1, "core": self.core_count, "pe": self.element_count}[per]

    def neighbour_bits(self, gemm: Gemm) -> int:
        """Bits that go from one processing element to the next during ``gemm``, one element's pitch each."""
        return 0

    def parts(self) -> list[Part]:
        """The blocks of gates of the whole unit; `InputError` where it is not told in blocks."""
        raise InputError(f"a {self.kind} is not told in blocks of gates")

    @abstractmethod
    def cost(self, technology: Technology) -> UnitCost:
        """Area by part and energy by action."""
