"""A matrix product, or the convolution behind it, placed on memories and a unit."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.mapping.candidates import Tiles
from hwsim.mapping.checks import check_unit
from hwsim.mapping.found import Objective
from hwsim.mapping.hierarchy import build_hierarchy
from hwsim.mapping.problem import Beside, Energies, Widths, bits_of, share
from hwsim.mapping.question import Question
from hwsim.mapping.record import Mapping
from hwsim.mapping.search import EFFORT
from hwsim.memory.base import Memory
from hwsim.units.base import Gemm, Window
from hwsim.units.registry import MatmulUnit


def map_gemm(
    gemm: Gemm,
    unit: MatmulUnit,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: tuple[float, float, float],
    partial_bytes: float | None = None,
    distinct_a: Fraction | int = 1,
    *,
    window: Window | None = None,
    energies: Energies | None = None,
    objective: Objective = "cycles",
    tiles: Tiles = "auto",
    fixed: Map[str, Any] | None = None,
    hides_ends: bool = False,
    ideal: bool = False,
    effort: int = EFFORT,
    sources: Map[str, str] | None = None,
    beside: Beside | None = None,
) -> Mapping:
    """The best tiles, loop orders and unrolling of ``gemm`` by ``objective``, ties decided by energy (or cycles).

    ``memories`` are named from the outside in. ``element_bytes`` are those of a, b and the finished result;
    0.5 is an int4, 3 a 24-bit sum. ``partial_bytes`` are those of an unfinished sum (default: of a result).
    Elements are packed densely. ``energies`` are joules per bit read and written of each memory; without them
    the energy is the traffic of the outermost memory.

    ``window`` is the convolution that the product unfolds: memories hold and move a tile's pixels once, halos
    counted in every tile that needs them, and the unit is fed all m·k elements (implicit im2col). Tiles of a
    ``spatial`` array are runs of its loops; those of other units are runs of m and k, whose pixels are counted
    as if the run began at the start of a row, and of a part of a window in proportion. Without a window,
    ``distinct_a`` is the share of a's m·k elements that differ.

    ``gemm.count`` products run one after the other, each mapped alike, or as many side by side as the unit takes at
    once (`MatmulUnit.products_abreast`: small groups of a convolution). Where cores have memories of their
    own, groups of cores may each work on their own product, with a part of the shared room and bandwidth:
    as many groups (a power of two) as the objective favours.

    ``beside`` is what counts for the objective besides the traffic: energy of every cycle, of what all mappings do
    alike, and cycles of work that runs beside all products, below which fewer gain nothing.

    With ``hides_ends`` the first load and the last store are done beside the operators before and after. With
    ``ideal`` any transfer may run beside any work: cycles are those of the first load, the work and the last
    store, or of the busiest memory, whichever are more.

    ``fixed`` is any part of `Mapping.data`: ``{"unroll": {"K": 32}, "stages": [{"m": 16, "order": "nmk"}]}``.
    The map space and what is optimal in it: `hwsim.mapping.search`; how cycles and traffic follow from a
    mapping: `hwsim.kernels.nest_steps`. ``sources`` names on-chip memories where an operand is whole already
    (or is left), instead of the outermost one. Raises `HwsimError` when no tile fits, naming the memory and operand.
    """
    hierarchy = replace(build_hierarchy(memories, clock_hz, sources), hides_ends=hides_ends, ideal=ideal)
    widths = _widths(element_bytes, partial_bytes, distinct_a if window is None else 1)
    return _asked(
        Question(gemm, unit, hierarchy, widths, energies, window, objective, tiles, fixed or {}, effort, beside)
    ).map()


def map_front(
    gemm: Gemm,
    unit: MatmulUnit,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: tuple[float, float, float],
    partial_bytes: float | None = None,
    distinct_a: Fraction | int = 1,
    *,
    window: Window | None = None,
    energies: Energies | None = None,
    tiles: Tiles = "auto",
    fixed: Map[str, Any] | None = None,
    hides_ends: bool = False,
    ideal: bool = False,
    effort: int = EFFORT,
    beside: Beside | None = None,
) -> list[Mapping]:
    """The mappings that no other beats in both cycles and energy, fewest cycles first; arguments as of `map_gemm`."""
    hierarchy = replace(build_hierarchy(memories, clock_hz), hides_ends=hides_ends, ideal=ideal)
    widths = _widths(element_bytes, partial_bytes, distinct_a if window is None else 1)
    return _asked(
        Question(gemm, unit, hierarchy, widths, energies, window, "cycles", tiles, fixed or {}, effort, beside)
    ).front()


def _widths(
    element_bytes: tuple[float, float, float], partial_bytes: float | None, distinct_a: Fraction | int
) -> Widths:
    a, b, c = (bits_of(width) for width in element_bytes)
    return Widths(a, b, c, c if partial_bytes is None else bits_of(partial_bytes), share(Fraction(distinct_a)))


def _asked(question: Question) -> Question:
    """``question``; raises `HwsimError` for memories that its unit has no use for, and for counts beyond 63 bits."""
    check_unit(question.unit, question.hierarchy)
    gemm, widths = question.gemm, question.widths
    if 2 * gemm.macs * max(widths.a, widths.b, widths.c, widths.partial) >= 1 << 63:
        raise HwsimError(f"{gemm.count} x {gemm.m} x {gemm.n} x {gemm.k}: its traffic may not fit 63 bits")
    outermost = question.hierarchy.ports[question.hierarchy.outermost]
    held = gemm.count * gemm.n * (gemm.k * widths.b + gemm.m * widths.c)
    if outermost.usable_bits is not None and held > outermost.usable_bits:
        raise HwsimError(
            f"{gemm.count} x {gemm.m} x {gemm.n} x {gemm.k} does not fit memories.{outermost.name}: weights and "
            f"results alone need {-(-held // 8)} B of {outermost.usable_bits // 8} B"
        )
    return question
