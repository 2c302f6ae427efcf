"""Measured QSNR and crest factors by hand and by exact arithmetic; the published figures are all there."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.formats.analysis import crest_factor, published, qsnr_db, quantizer_qsnr_db

X = np.random.default_rng(3).standard_normal((4, 6, 10))


def test_qsnr_by_hand():
    assert qsnr_db([3.0, 4.0], [3.0, 3.0]) == pytest.approx(10 * math.log10(25), abs=1e-12)
    assert qsnr_db([1, 2], [1, 2]) == qsnr_db([0.0], [0.0]) == math.inf
    assert qsnr_db([0.0, 0.0], [0.0, 1.0]) == -math.inf


@given(st.lists(st.tuples(st.floats(-100, 100, width=16), st.floats(-100, 100, width=16)), min_size=1, max_size=8))
def test_qsnr_in_exact_arithmetic(pairs):
    signal = sum(Fraction(x) ** 2 for x, _ in pairs)
    noise = sum((Fraction(x) - Fraction(y)) ** 2 for x, y in pairs)
    x, y = (np.array(side, np.float16) for side in zip(*pairs, strict=True))
    if noise == 0 or signal == 0:
        assert qsnr_db(x, y) == (math.inf if noise == 0 else -math.inf)
    else:
        assert qsnr_db(x, y) == pytest.approx(10 * math.log10(signal / noise), abs=1e-9)


def test_sums_are_float64_whatever_comes():
    """300**2 is beyond float16, and 2**12 + 2**-12 beyond float32."""
    assert qsnr_db(np.array([300.0], np.float16), np.array([299.0], np.float16)) == pytest.approx(20 * math.log10(300))
    assert qsnr_db(np.array([2.0**12], np.float32), [2.0**12 + 2.0**-20]) == pytest.approx(20 * math.log10(2.0**32))


def test_a_quantizer_is_measured():
    fmt = get("e2m1fn")
    assert quantizer_qsnr_db(fmt.round, [1.0, 5.0, 2.4]) == pytest.approx(10 * math.log10(31.76 / 1.16), abs=1e-12)
    assert quantizer_qsnr_db(lambda x: x, X) == math.inf


def test_crest_factors_by_hand():
    assert crest_factor([1.0, -1.0, 1.0, 1.0]).values.tolist() == [1.0]
    assert crest_factor([0.0, 0.0, -5e200, 0.0]).values.tolist() == [2.0]  # √4, and no square overflows
    blocks = crest_factor([3.0, 4.0, 0.0, 0.0, 1.0], block=2)
    assert blocks.values == pytest.approx([4 / math.sqrt(12.5), 1.0])  # zeros have none; the last block is shorter
    columns = crest_factor([[1.0, 0.0], [1.0, 2.0]], axis=0)
    assert sorted(columns.values) == pytest.approx([1.0, math.sqrt(2)])


def test_quartiles():
    """Blocks of 16 with n values other than zero, all alike: κ = √(16 / n)."""
    rows = np.array([[1.0] * n + [0.0] * (16 - n) for n in (16, 4, 1)])
    factors = crest_factor(rows, block=16)
    assert (factors.median, factors.lower_quartile, factors.upper_quartile) == (2.0, 1.5, 3.0)
    assert factors.quantile(1.0) == 4.0


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("block", [None, 1, 3, 4, 16])
def test_crest_factors_of_blocks(block, axis):
    factors = []
    for row in np.moveaxis(X, axis, -1).reshape(-1, X.shape[axis]):
        length = block or len(row)
        for run in (row[i : i + length] for i in range(0, len(row), length)):
            factors.append(max(abs(run)) / math.sqrt(math.fsum(run**2) / len(run)))
    found = crest_factor(X, block, axis).values
    np.testing.assert_allclose(sorted(found), sorted(factors), rtol=1e-14)
    assert found.min() >= 1 - 1e-15


def test_refusals():
    with pytest.raises(InputError, match=r"shape \[2\] has no reconstruction of shape \[1\]"):
        qsnr_db([1.0, 2.0], [1.0])
    for bad, message in (([], "no values"), ([np.nan], "NaN or infinity")):
        with pytest.raises(InputError, match=message):
            qsnr_db(bad, bad)
        with pytest.raises(InputError, match=message):
            crest_factor(bad)
    with pytest.raises(InputError, match="zeros have no crest factor"):
        crest_factor([0.0, 0.0])
    with pytest.raises(InputError, match="axis 3 does not exist"):
        crest_factor(X, 4, 3)
    with pytest.raises(InputError, match="a block of 1 or more values, got 0"):
        crest_factor(X, 0)


PUBLISHED = """
crest per channel 6.20, 11.97; block of 32 2.48, 2.96; block of 16 2.16, 2.39
crest hadamard per channel 4.15, 5.79; block of 32 2.35, 2.36; block of 16 2.10, 2.11
"""


def test_published_crest_factors():
    rows = [row for row in published() if row.quantity.startswith("crest factor")]
    listed = {}
    for line in PUBLISHED.strip().splitlines():
        hadamard = "hadamard" in line
        for entry in line.removeprefix("crest ").removeprefix("hadamard ").split(";"):
            subject, _, pair = entry.strip().rpartition(", ")[0].rpartition(" ")
            listed["crest factor median", subject, hadamard] = float(pair)
            listed["crest factor Q3", subject, hadamard] = float(entry.rpartition(", ")[2])
    assert {row[:3]: row.value for row in rows} == listed
    assert len(rows) == len(listed) == 12


def test_published_qsnr_and_hardware():
    qsnr = {(row.subject, row.hadamard): row.value for row in published() if row.quantity == "mean QSNR in dB"}
    assert qsnr == {
        ("mxfp8", False): 31.50, ("mxint8", False): 40.35, ("mxfp6", False): 30.39, ("mxint6", False): 28.57,
        ("mxfp4", False): 17.98, ("mxint4", False): 15.89, ("nvfp4", False): 20.60, ("nvint4", False): 20.55,
        ("nvfp4", True): 20.35, ("nvint4", True): 21.65,
    }  # fmt: skip
    ratios = {(row.subject, row.quantity): row.value for row in published() if row.quantity.startswith("relative")}
    assert ratios == {
        (name, f"relative {what}"): value
        for name, *pair in (
            ("mxfp8", 1, 1), ("mxint8", 0.63, 0.79), ("nvfp4", 0.55, 0.54), ("nvint4", 0.34, 0.38),
            ("mxfp8+nvfp4", 1, 1), ("mxint8+nvint4", 0.75, 0.66),
        )
        for what, value in zip(("energy", "area"), pair, strict=True)
    }  # fmt: skip
    assert all("arXiv:2510.25602" in row.source for row in published())
