"""QSNR against the crest factor: the formulas of arXiv:2510.25602 as its text has them, limits and refusals."""

import math

import pytest

from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.formats.analysis import BLOCKS, Block, block, ceiling_db, float_qsnr_db, integer_qsnr_db, theoretical_qsnr_db
from hwsim.formats.analysis.qsnr import E4M3_CODE_OVERHEAD

FLOATS = {"mxfp8": (3, 7, 448), "mxfp6": (3, 1, 7.5), "mxfp4": (1, 1, 6), "nvfp4": (1, 1, 6)}
"""M, B and Qmax: OCP OFP8 1.0 and OCP Microscaling Formats 1.0."""
CREST_FACTORS = [1.0, 1.5, 2.0, 2.5, 3.0, 3.9]


def cumulative(t):
    return (1 + math.erf(t / math.sqrt(2))) / 2


def printed_float_formula(mantissa_bits, bias, greatest, overhead, crest_factor, size=None):
    """−10 log10(α w_norm + β (ρκ)² p_sub), symbol by symbol; with ``size`` an E4M3 scale."""
    alpha = 1 / (24 * 2 ** (2 * mantissa_bits))
    beta = 2 ** (2 * (1 - bias - mantissa_bits)) / (12 * greatest**2)
    t1 = overhead * crest_factor / greatest * 2 ** (1 - bias)
    w_norm = 2 * (t1 * math.exp(-(t1**2) / 2) / math.sqrt(2 * math.pi) + 1 - cumulative(t1))
    if size:
        w_norm -= crest_factor**2 / size
    p_sub = cumulative(t1) - cumulative(-t1)
    return -10 * math.log10(alpha * w_norm + beta * (overhead * crest_factor) ** 2 * p_sub)


@pytest.mark.parametrize("crest_factor", CREST_FACTORS)
@pytest.mark.parametrize("name", FLOATS)
def test_floats(name, crest_factor):
    overhead, size = (1.0, 16) if name.startswith("nv") else (1.5, None)
    expected = printed_float_formula(*FLOATS[name], overhead, crest_factor, size)
    assert theoretical_qsnr_db(block(name), crest_factor) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("crest_factor", CREST_FACTORS)
@pytest.mark.parametrize(("name", "bits"), [("mxint8", 8), ("mxint6", 6), ("mxint4", 4)])
def test_integers_with_power_of_two_scales(name, bits, crest_factor):
    fall = 20 * math.log10(1.5) + 20 * math.log10(crest_factor)
    printed = theoretical_qsnr_db(block(name), crest_factor, "printed")
    assert printed == pytest.approx(4.78 + 6.02 * bits - fall, abs=1e-12)
    exact = 10 * math.log10(3) + 20 * math.log10(2) * bits - fall
    assert theoretical_qsnr_db(block(name), crest_factor) == pytest.approx(exact, abs=1e-12)


def test_the_exact_integer_formula_is_the_noise_of_a_step():
    """σ² / (step² / 12) with a step of 2 ρκσ / 2**b."""
    step = 2 * 1.5 * 2.5 / 2**6
    assert integer_qsnr_db(block("mxint6"), 2.5) == pytest.approx(10 * math.log10(12 / step**2), abs=1e-12)


def test_e4m3_scales():
    expected = 4.78 + 4 * 6.02 - 20 * math.log10(2.0) + 10 * math.log10(16 / 15)
    assert theoretical_qsnr_db(block("nvint4"), 2.0, "printed") == pytest.approx(expected, abs=1e-12)
    both = expected - 20 * math.log10(1.05)
    assert theoretical_qsnr_db(block("nvint4", E4M3_CODE_OVERHEAD), 2.0, "printed") == pytest.approx(both, abs=1e-12)
    as_in_the_code = printed_float_formula(1, 1, 6, 1.05, 2.0, 16)
    assert theoretical_qsnr_db(block("nvfp4", E4M3_CODE_OVERHEAD), 2.0) == pytest.approx(as_in_the_code, rel=1e-12)


@pytest.mark.parametrize("mantissa_bits", range(1, 11))
def test_ceiling(mantissa_bits):
    assert ceiling_db(mantissa_bits, "printed") == pytest.approx(13.80 + 6.02 * mantissa_bits, abs=1e-12)
    assert ceiling_db(mantissa_bits) == pytest.approx(10 * math.log10(24 * 4**mantissa_bits), abs=1e-12)


def test_a_float_without_subnormals_in_reach_is_at_its_ceiling():
    wide = Block(get("e8m3"), 32, "ue8m0", 1.0)  # smallest normal number 2**-253 of the greatest
    for crest_factor in (1.0, 2.0, 5.0):
        assert float_qsnr_db(wide, crest_factor) == pytest.approx(ceiling_db(3), abs=1e-9)
    assert float_qsnr_db(block("mxfp8"), 2.0) == pytest.approx(ceiling_db(3), abs=1e-3)


def test_blocks():
    assert {name: (block(name).element.bits, block(name).size) for name in BLOCKS} == {
        "mxint8": (8, 32), "mxint6": (6, 32), "mxint4": (4, 32), "mxfp8": (8, 32), "mxfp6": (6, 32),
        "mxfp4": (4, 32), "nvint4": (4, 16), "nvfp4": (4, 16),
    }  # fmt: skip
    assert {block(name).overhead for name in BLOCKS if name.startswith("mx")} == {1.5}
    assert block("nvfp4").greatest_crest_factor == 4.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: block("mxfp5"), "unknown block 'mxfp5'; did you mean 'mxfp"),
        (lambda: Block(get("int8"), 32, "e8m0", 1.5), "unknown block scale 'e8m0'; did you mean 'ue8m0'"),
        (lambda: Block(get("int8"), 1, "ue8m0", 1.5), "2 or more elements"),
        (lambda: Block(get("int8"), 32, "ue8m0", 0.5), "an overhead from 1"),
        (lambda: Block(get("uint8"), 32, "ue8m0", 1.5), "signed integers and floats, got uint8"),
        (lambda: Block(get("q4.4"), 32, "ue8m0", 1.5), "signed integers and floats, got q4.4"),
        (lambda: theoretical_qsnr_db(block("mxint8"), 0.9), "at least 1 and less than inf, got 0.9"),
        (lambda: theoretical_qsnr_db(block("nvfp4"), 4.0), "at least 1 and less than 4, got 4"),
        (lambda: theoretical_qsnr_db(block("mxint8"), 2.0, "exactly"), "unknown constants 'exactly'"),
        (lambda: integer_qsnr_db(block("mxfp8"), 2.0), "expected a block of integers, got one of e4m3fn"),
        (lambda: float_qsnr_db(block("mxint8"), 2.0), "expected a block of floats, got one of int8"),
        (lambda: ceiling_db(3, "wrong"), "unknown constants 'wrong'"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message):
        make()
