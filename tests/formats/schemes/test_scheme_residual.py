"""Residual expansion against the golden model in fractions: codes, scales, and nothing lost."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats.schemes import expand
from hwsim.golden import residual as golden

float32 = st.floats(-100, 100, width=32) | st.floats(-(2.0**100), 2.0**100, width=32)
channels = st.lists(st.lists(float32, min_size=3, max_size=3), min_size=1, max_size=4)


@pytest.mark.parametrize(("bits", "levels"), [(2, 4), (4, 3), (8, 3), (16, 2)])
@given(x=channels)
def test_levels_are_the_golden_ones_and_nothing_is_lost(bits, levels, x):
    expansion = expand(np.array(x, np.float32), bits, levels, axis=0)
    for index, channel in enumerate(x):
        integers, scales, left = golden.expand(channel, bits, levels)
        assert [[n % (1 << bits) for n in level] for level in integers] == [
            level.codes[index].tolist() for level in expansion.levels
        ]
        assert scales == [Fraction(float(level.scale[index])) for level in expansion.levels]
        assert left == [Fraction(r) for r in expansion.residual[index].tolist()]  # the residual is exact
        terms = [expansion.term(k)[index].tolist() for k in range(levels)]
        sums = [sum(map(Fraction, column)) for column in zip(*terms, strict=True)]
        assert [s + r for s, r in zip(sums, left, strict=True)] == [Fraction(v) for v in channel]


def test_the_first_level_by_hand():
    """The largest is 7 · 127, so s_0 = 127: 63 rounds to none of it, −64 to one."""
    x = np.array([[889, 63, -64, 9, -55]], np.float32)
    expansion = expand(x, 4, 2)
    assert expansion.levels[0].scale.tolist() == [127]
    assert expansion.levels[0].codes.tolist() == [[7, 0, 15, 0, 0]]
    assert expansion.reconstruct(1).tolist() == [[889, 0, -127, 0, 0]]
    assert expansion.levels[1].codes.tolist() == [[0, 7, 7, 1, 10]]  # s_1 = 63/7; −55/9 is −6
    assert expansion.reconstruct().tolist() == [[889, 63, -64, 9, -54]]
    assert expansion.residual.tolist() == [[0, 0, 0, 0, -1]]


@given(st.permutations(range(6)))
def test_only_the_channels_of_largest_residual_are_kept(order):
    """Channel i holds 7 and i + 0.25, so that its residual of 4-bit quantization is 0.25 or less."""
    left = np.array([0.0, 0.4, 0.1, 0.45, 0.3, 0.2], np.float32)[order]
    x = np.stack([np.full(6, 7.0, np.float32), left], axis=1)
    expansion = expand(x, 4, 2, axis=0, kept=0.4)  # 2.4 channels: 3
    wanted = sorted(range(6), key=lambda c: -left[c])[:3]
    assert np.flatnonzero(expansion.levels[1].kept).tolist() == sorted(wanted)
    dropped = np.setdiff1d(range(6), wanted)
    assert not expansion.term(1)[dropped].any()
    assert np.array_equal(expansion.residual[dropped, 1], left[dropped].astype(np.float64))


def test_bits_per_value():
    x = np.arange(40, dtype=np.float32).reshape(4, 10)
    assert expand(x, 8, 1).bits_per_value() == (8 * 40 + 4 * 32) / 40
    assert expand(x, 8, 2, kept=0.5).bits_per_value(scale_bits=16) == (8 * 60 + 6 * 16 + 4) / 40
    assert expand(x, 4, 3).bits_per_value(scale_bits=0) == 12


def test_channels_of_any_axis():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    moved = expand(np.moveaxis(x, 1, 0), 4, 2, axis=0)
    assert np.array_equal(expand(x, 4, 2, axis=-2).residual, np.moveaxis(moved.residual, 0, 1))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: expand([math.nan], 8, 1), "NaN"),
        (lambda: expand([1.0], 1, 1), "2 to 16 bits"),
        (lambda: expand([1.0], 8, 0), "at least 1 level"),
        (lambda: expand([1.0], 8, 1, kept=1.5), "from 0 to 1"),
        (lambda: expand([1.0], 8, 1, axis=1), "does not exist"),
        (lambda: expand([1.0], 8, 1).reconstruct(2), "from 0 to 1"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
