"""Cycles as ZigZag 3.9.1 counts those of a layer that fits its on-chip memories and computes without stalls.

Inferred from its published run of ResNet-18 on its tpu_like accelerator, where it holds for all 13 of 21 layers whose
compute has no stall (tests/mapping/test_zigzag.py); for the others it states no rule. With T_I, T_W and T_O the cycles
in which all inputs, weights and outputs cross the outermost memory's one port,

    total = skew + max(T_I + steps + 1, max(T_I, T_W) + T_O).

Inputs and weights are counted as coming through the port at the same time, so that only the longer of the two is
waited for; outputs leave while the array computes, behind them. ``skew`` is K + C - 1 for K x C unrolled elements.
hwsim lets the operands of one port take turns (`Memory.port_per_operand` off) unless an architecture says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.mapping.problem import loop_extents
from hwsim.units.base import Gemm, Window
from hwsim.units.spatial import Unrolling


@dataclass(frozen=True)
class ZigzagCycles:
    """Steps of the unrolled loops, and the whole layer."""

    compute: int
    total: int


def zigzag_cycles(
    gemm: Gemm, window: Window | None, unrolling: Unrolling, port_bits: int, bits: tuple[int, int, int] = (8, 8, 8)
) -> ZigzagCycles:
    """One layer with ``bits`` per input, weight and output through a port of ``port_bits`` per cycle."""
    from hwsim.kernels.tile_elements import input_elements
    from hwsim.mapping.problem import geometry_of

    extents = loop_extents(gemm, window)
    geometry = geometry_of(gemm, window, Unrolling({}), (1, 1), spatial=True)
    inputs = int(input_elements(geometry, gemm.m, gemm.k, gemm.m, gemm.k))
    loads = [-(-count * width // port_bits) for count, width in ((inputs, bits[0]), (gemm.k * gemm.n, bits[1]))]
    stores = -(-gemm.m * gemm.n * bits[2] // port_bits)
    steps = unrolling.steps(extents)
    skew = sum(unrolling.factors.get(loop, 1) for loop in ("K", "C")) - 1
    return ZigzagCycles(steps, skew + max(loads[0] + steps + 1, max(loads) + stores))
