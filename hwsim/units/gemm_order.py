"""`GemmOrder`: the order in which a whole GEMM adds, from the instruction's chain to the output's rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from hwsim.base.evidence import Evidence
from hwsim.base.record import Record
from hwsim.formats import FormatName
from hwsim.formats import get as get_format
from hwsim.formats.base import Format
from hwsim.formats.float import FloatFormat
from hwsim.units.gemm_epilogue import Epilogue
from hwsim.units.gemm_tiling import BatchTiling, Tile

if TYPE_CHECKING:
    import numpy as np

    from hwsim.units.matrix_unit import MatrixUnit

Progress = Callable[[int, int], None]
WORKSPACE_PRECISION = 24
"""Widest significand in which partial sums are added through float64: 53 ≥ 2·24 + 2, so that it rounds once
(Figueroa, When is double rounding innocuous?, SIGNUM 1995)."""


class StreamK(Record):
    """Work-centric split: the k-tiles of all output tiles, end to end, are dealt out evenly over ``workers``.

    Worker w takes iterations [w·⌈I/W⌉, (w+1)·⌈I/W⌉) of I = output tiles · k-tiles. Who has a tile's first k-tile
    owns it and adds the partial sums of the workers after it, in ascending order (Osama et al.,
    arXiv:2301.03598, algorithm 5).
    """

    workers: int = Field(ge=1)
    """CTAs that are resident at once; one for each SM."""
    schedule: Literal["basic", "one_tile", "two_tile"] = "basic"
    """``basic``: all tiles are dealt out. ``one_tile``: whole waves of tiles stay whole and only those left over
    are dealt out; ``two_tile``: those and one whole wave, before all others (the paper's hybrids)."""
    raster: Literal["row", "column"] = "row"
    """Whether output tiles are numbered along rows or down columns of tiles (*assumed*: along rows)."""


class GemmOrder(Record):
    """How D [M, N] = epilogue(A [M, K] · B [K, N]) is cut and added up, above the instruction of a matrix unit.

    K is cut into tiles of ``tile.k``. Each split owns some of them and sums their products, ascending, in one chain
    of instructions from +0; with ``promote_every`` p, a fresh chain begins every p elements of its own K, and the
    chains' sums are added, in order, to an fp32 register (RNE) that begins at +0. The splits' partial sums are
    rounded to ``workspace`` and added there (RNE), then comes the epilogue.
    """

    name: str = ""
    description: str = ""
    tile: Tile = Tile()
    """CTA tile. m and n show in the bits through stream-K and batch-dependent tiling only."""
    split_k: int = Field(default=1, ge=1)
    """Partial sums of each output, S."""
    split: Literal["contiguous", "interleaved"] = "contiguous"
    """Of T k-tiles, split s owns a run of ⌈T/S⌉, or those with t mod S = s. One that owns none gives +0."""
    combine: Literal["serial", "pairwise"] = "serial"
    """``serial``: (p_0 + p_1) + …. ``pairwise``: with h = ⌈S/2⌉, slot_i = p_i + p_(i+h) if i + h < S − 1, else p_i;
    the result is ((p_(S−1) + slot_0) + slot_1) + … (recorded from cuBLASLt by mmaemu 0.1.0)."""
    workspace: FormatName | None = None
    """Format of partial sums where K is split; fp32 (fp64 of fp64 instructions) when not given."""
    promote_every: int | None = Field(default=None, ge=1)
    """Elements of a split's own K after which its chain is added to an fp32 register and begins anew from +0."""
    stream_k: StreamK | None = None
    tiling: BatchTiling | None = None
    """Chooses ``tile`` and ``split_k`` by the GEMM's shape; see `at`."""
    epilogue: Epilogue | None = None
    """What becomes of the sums; when not given, they are the result."""
    evidence: Evidence = Evidence()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.stream_k is not None and (self.split_k > 1 or self.tiling is not None):
            raise ValueError("stream_k cuts K itself: leave out split_k and tiling")
        if self.stream_k is not None and (self.combine != "serial" or self.workspace is not None):
            raise ValueError("stream_k adds serially, in its owner's registers: leave out combine and workspace")
        if self.tiling is not None and self.epilogue is None:
            raise ValueError("tiling needs an epilogue, so that every shape has one output format")
        if self.workspace is not None and not _adds_once(self.workspace):
            raise ValueError(f"workspace: expected fp64 or a float of at most 24 bits, got '{self.workspace.name}'")
        return self

    def at(self, m: int, n: int, k: int) -> Self:
        """The order that this shape is computed in: ``tiling`` replaced by what it chooses."""
        if self.tiling is None:
            return self
        tile, split_k = self.tiling.choose(self.tile, m, n, k)
        return self.model_copy(update={"tile": tile, "split_k": split_k, "tiling": None})

    @property
    def adds_partial_sums(self) -> bool:
        """Whether anything is added outside the instructions' chains."""
        return self.split_k > 1 or self.promote_every is not None or self.stream_k is not None

    def accumulated_format(self, unit: MatrixUnit) -> Format:
        """Format of the sums that enter the epilogue: the unit's own, or the register's that adds its chains."""
        held = unit.datapath.result_format
        return register_format(held) if self.adds_partial_sums else held

    def result_format(self, unit: MatrixUnit) -> Format:
        """Format of the result's codes."""
        return self.epilogue.output if self.epilogue is not None else self.accumulated_format(unit)

    def matmul(
        self,
        unit: MatrixUnit,
        a: Any,
        b: Any,
        *,
        scale_a: Any = None,
        scale_b: Any = None,
        bias: Any = None,
        block_scale_a: Any = None,
        block_scale_b: Any = None,
        rows: Sequence[int] | np.ndarray | None = None,
        columns: Sequence[int] | np.ndarray | None = None,
        progress: Progress | None = None,
    ) -> np.ndarray:
        """Bit patterns A [M, K] · B [K, N] -> codes of `result_format`, [M, N], or [len(rows), len(columns)].

        ``scale_a`` (one number or [M]), ``scale_b`` (one or [N]) and ``bias`` (one or [N]) stand in for the
        epilogue's. ``block_scale_a`` [M, P] and ``block_scale_b`` [P, N], P = ⌈K/promote_every⌉, multiply each
        chain's sum as it is promoted: register = RN32(sum·RN32(scale_a·scale_b) + register), as DeepSeek-V3 does
        (arXiv:2412.19437, section 3.3.2). ``rows`` and ``columns`` choose elements to compute; their bits are those
        of the whole. ``progress`` is called with the steps done and their number. Raises `InputError`.
        """
        from hwsim.units.gemm import Scaling, whole_gemm

        scaling = Scaling(scale_a, scale_b, bias, block_scale_a, block_scale_b)
        return whole_gemm(self, unit, a, b, scaling, rows, columns, progress)


def _adds_once(held: Format) -> bool:
    narrow = isinstance(held, FloatFormat) and held.signed and held.precision <= WORKSPACE_PRECISION
    return narrow or held.name == "fp64"


def register_format(held: Format) -> Format:
    """Format in which chains' sums are added: fp64 of fp64 instructions, else fp32."""
    return held if held.name == "fp64" else get_format("fp32")
