"""Overlapping windows: memories hold and move a tile's distinct elements, the unit is fed all of them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_cases import CLOCK, INT8, dram, hierarchies, shapes, sram, units

from hwsim.base.errors import HwsimError
from hwsim.mapping import map_gemm
from hwsim.units.base import Gemm
from hwsim.units.systolic import SystolicArray

ARRAY = SystolicArray(rows=4, cols=4, dataflow="ws", pe=INT8)
SHARES = st.fractions(min_value=Fraction(1, 50), max_value=1).filter(lambda share: share > 0)


@given(memory=hierarchies(), unit=units(), shape=shapes, share=SHARES)
def test_traffic_is_never_below_the_distinct_elements(memory, unit, shape, share):
    m, n, k = shape
    try:
        mapping = map_gemm(Gemm(m, n, k), unit, memory, CLOCK, (1, 1, 1), distinct_a=share)
    except HwsimError:
        return
    assert mapping.traffic["dram"]["read"] >= share * m * k + n * k


def test_a_ninth_is_moved_and_all_is_fed():
    memory = {"dram": dram(8), "buffer": sram(4096, 64, double_buffered=True)}
    plain, windows = (
        map_gemm(Gemm(16, 4, 36), ARRAY, memory, CLOCK, (1, 1, 1), distinct_a=share) for share in (1, Fraction(1, 9))
    )
    weights, pixels = 4 * 36, 16 * 36 // 9
    assert plain.traffic["dram"]["read"] >= weights + 9 * pixels
    assert weights + pixels <= windows.traffic["dram"]["read"] < weights + 2 * pixels
    assert windows.traffic["buffer"]["read"] >= weights + 9 * pixels  # on the way to the unit


def test_a_buffer_holds_the_distinct_elements_only():
    """k of 36 in 36 B and a weight: 9 pixels of a window leave room where all 36 would not."""
    memory = {
        "dram": dram(8),
        "buffer": sram(4 * 36 + 4 + 12, 64, holds=("input", "weight")),
        "sums": sram(64, 64, holds=("output",)),
    }
    whole = Gemm(4, 4, 36)
    fits = map_gemm(whole, ARRAY, memory, CLOCK, (1, 1, 1), distinct_a=Fraction(1, 36))
    assert fits.tile == (4, 4, 36)
    assert map_gemm(whole, ARRAY, memory, CLOCK, (1, 1, 1)).tile != (4, 4, 36)


@pytest.mark.parametrize("share", [Fraction(0), Fraction(-1, 2), Fraction(10, 9)])
def test_a_share_is_above_zero_and_at_most_one(share):
    with pytest.raises(HwsimError, match="share of distinct elements"):
        map_gemm(Gemm(1, 1, 1), ARRAY, {"dram": dram(8)}, CLOCK, (1, 1, 1), distinct_a=share)


def test_a_share_that_needs_large_numbers_is_rounded_up():
    memory = {"dram": dram(8), "buffer": sram(1 << 20, 64)}
    share = Fraction(1_000_003, 9_000_011)  # larger than 2**20 as a denominator
    moved = map_gemm(Gemm(300, 4, 30), ARRAY, memory, CLOCK, (1, 1, 1), distinct_a=share).traffic["dram"]["read"]
    assert share * 9000 <= moved - 120 < share * 9000 + 2
