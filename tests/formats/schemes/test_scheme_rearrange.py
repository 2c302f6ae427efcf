"""Rearranged channels: products exactly the same, errors as computed by hand."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats.schemes import channel_order, inverse_order, rearrange, rearrange_operands, reconstruct_rearranged
from hwsim.formats.schemes.rearrange import share_of


def blocks_of_two(x):
    """Integers in blocks of 2 with 3 significand bits of the larger magnitude, truncated: a small block format."""
    out = np.array(x, np.float64)
    for index in itertools.product(*map(range, x.shape[:-1])):
        for start in range(0, x.shape[-1], 2):
            block = [int(v) for v in x[index][start : start + 2]]
            quantum = 1 << max(max(abs(v) for v in block).bit_length() - 3, 0)
            out[index][start : start + 2] = [(abs(v) // quantum) * quantum * (1 if v > 0 else -1) for v in block]
    return out


@given(st.permutations(range(6)), st.data())
def test_products_keep_their_terms(order, data):
    integers = st.lists(st.integers(-(2**20), 2**20), min_size=6, max_size=6)
    a = np.array([data.draw(integers) for _ in range(2)])
    b = np.array([data.draw(integers) for _ in range(3)]).T
    new_a, new_b = rearrange_operands(a, b, order)
    assert new_a[:, 0].tolist() == a[:, order[0]].tolist()
    assert (new_a @ new_b).tolist() == (a @ b).tolist()
    assert rearrange(new_a, inverse_order(order)).tolist() == a.tolist()


def test_channels_are_sorted_by_magnitude_or_energy():
    x = np.array([[1, -9, 8, 0, 8], [1, 0, 8, 2, -8]])
    assert channel_order(x).tolist() == [1, 2, 4, 3, 0]
    assert channel_order(x, by="energy").tolist() == [2, 4, 1, 3, 0]
    assert channel_order(x.T, axis=0).tolist() == [1, 2, 4, 3, 0]


@pytest.mark.parametrize("axis", [-1, 0])
def test_errors_before_and_after_by_hand(axis):
    """Large channels 0 and 3 spoil both blocks: 100 = 6·16 + 4 and 65 = 4·16 + 1, where 5 and 7 become 0."""
    x = np.array([[100, 5, 7, 65]])
    moved = np.moveaxis(x, -1, axis)
    result = reconstruct_rearranged(moved, blocks_of_two, axis)
    assert result.order.tolist() == [0, 3, 2, 1]
    assert Fraction(result.mse_before) == Fraction(4**2 + 5**2 + 7**2 + 1**2, 4)
    assert Fraction(result.mse_after) == Fraction(4**2 + 1**2, 4)
    assert np.moveaxis(result.reconstruction, axis, -1).tolist() == [[96, 5, 7, 64]]


@pytest.mark.parametrize(("fraction", "count"), [(0, 0), (0.07, 7), (0.0701, 8), (1 / 3, 34), (1 / 8, 13), (1, 100)])
def test_shares_are_those_that_were_meant(fraction, count):
    assert share_of(100, fraction) == count  # 0.07 · 100 is 7.000000000000001


def test_an_order_of_one_s_own():
    result = reconstruct_rearranged(np.array([1, 2, 3, 4]), lambda x: x * 2, order=[3, 2, 0, 1])
    assert result.reconstruction.tolist() == [2, 4, 6, 8]
    assert (result.mse_before, result.mse_after) == (7.5, 7.5)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: channel_order([1.0, np.nan]), "NaN"),
        (lambda: channel_order([1.0], by="maximum"), "unknown importance 'maximum'"),
        (lambda: channel_order([1.0], axis=1), "does not exist"),
        (lambda: rearrange([1, 2], [0, 0]), "permutation"),
        (lambda: rearrange([1, 2], [0]), "permutation"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
