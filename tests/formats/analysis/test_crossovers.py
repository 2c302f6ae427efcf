"""Crossovers of integer and floating-point blocks: those of arXiv:2510.25602 and its constants made exact."""

import math

import pytest

from hwsim.base.errors import InputError
from hwsim.formats.analysis import PAIRS, block, crossover, crossovers, theoretical_qsnr_db
from hwsim.formats.analysis.qsnr import E4M3_CODE_OVERHEAD


def test_with_the_printed_constants():
    found = crossovers("printed")
    assert {name: round(found[name], 3) for name in ("mx8", "mx6", "mx4")} == {"mx8": 7.546, "mx6": 1.959, "mx4": 2.042}


def test_with_exact_constants():
    found = crossovers("exact")
    assert {name: round(found[name], 3) for name in ("mx6", "mx4", "nv4")} == {"mx6": 1.958, "mx4": 2.040, "nv4": 2.463}
    # 7.54247, which is 7.5425 and only by a second rounding 7.543.
    assert round(found["mx8"], 4) == 7.5425


def test_mx8_with_exact_constants_is_where_the_integer_falls_to_the_ceiling():
    """3 · 4**8 / (ρκ)² = 24 · 4**3, subnormals apart."""
    assert crossovers("exact")["mx8"] == pytest.approx(math.sqrt(3 * 4**8 / (24 * 4**3)) / 1.5, abs=1e-6)
    assert crossovers("exact")["mx8"] == pytest.approx(2**3.5 / 1.5, abs=1e-6)


def test_nv4_with_the_overhead_of_the_paper_s_code_on_both_sides():
    assert round(crossovers("exact", E4M3_CODE_OVERHEAD)["nv4"], 3) == 2.390


@pytest.mark.parametrize("constants", ["exact", "printed"])
@pytest.mark.parametrize("pair", PAIRS)
def test_the_integer_is_better_below_only(pair, constants):
    integer, floating = (block(name) for name in PAIRS[pair])
    middle = crossover(integer, floating, constants)

    def advantage(crest_factor):
        return theoretical_qsnr_db(integer, crest_factor, constants) - theoretical_qsnr_db(floating, crest_factor)

    assert advantage(middle - 1e-9) > 0 > advantage(middle + 1e-9)
    reach = 3.9 if pair == "nv4" else 60.0
    for share in (0.1, 0.5, 0.9):
        assert advantage(1 + share * (middle - 1)) > 0 > advantage(middle + share * (reach - middle))


def test_no_block_of_32_reaches_the_crossover_of_8_bits():
    """Valid for κ < √g: below √32 MXINT8 is always better."""
    assert crossovers()["mx8"] > block("mxint8").greatest_crest_factor == math.sqrt(32)


def test_the_order_of_the_blocks_does_not_matter():
    assert crossover(block("mxfp4"), block("mxint4")) == crossover(block("mxint4"), block("mxfp4"))


def test_a_block_that_is_always_better():
    with pytest.raises(InputError, match="no crossover: int8 is better at crest factors from 1 to 64"):
        crossover(block("mxint8"), block("mxint4"))
    with pytest.raises(InputError, match="no crossover: e4m3fn is better at crest factors from 1 to 4"):
        crossover(block("nvint4"), block("mxfp8"))
