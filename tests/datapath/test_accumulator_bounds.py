"""Bounds on accumulator widths: the numbers of the papers, and brute force over every input of small sums."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.datapath.accumulator_bounds import (
    a2q_budget,
    a2q_plus_bound,
    a2q_plus_budget,
    data_type_bound,
    l1_bound,
    needed_bits,
    worst_sums,
)


@pytest.mark.parametrize(
    ("k", "n_bits", "m_bits", "signed", "bits"),
    [(4096, 8, 8, False, 29), (4096, 8, 8, True, 28), (576, 8, 8, False, 26), (4096, 4, 4, False, 21)],
)
def test_data_type_bound_of_a2q(k, n_bits, m_bits, signed, bits):
    assert data_type_bound(k, n_bits, m_bits, signed) == bits


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [4, 9, 16, 31])
@pytest.mark.parametrize("n_bits", [1, 4, 8])
def test_the_l1_bound_is_the_a2q_budget_turned_round(bits, n_bits, signed):
    budget = a2q_budget(bits, n_bits, signed)
    assert budget == (2 ** (bits - 1) - 1) * Fraction(2) ** (int(signed) - n_bits)
    assert l1_bound(int(budget), n_bits, signed) <= bits
    assert l1_bound(int(budget) + 1, n_bits, signed) > bits


@pytest.mark.parametrize("bits", [4, 9, 16, 31])
@pytest.mark.parametrize("n_bits", [1, 4, 8])
def test_the_a2q_plus_bound_is_its_budget_turned_round(bits, n_bits):
    budget = a2q_plus_budget(bits, n_bits)
    assert budget == Fraction(2**bits - 2, 2**n_bits - 1)
    assert a2q_plus_bound(int(budget), n_bits) <= bits
    assert a2q_plus_bound(int(budget) + 1, n_bits) > bits


def test_the_budget_of_a2q_plus_is_about_twice_that_of_a2q():
    # arXiv:2401.10432: for zero-centred weights and unsigned inputs
    assert a2q_plus_budget(16, 8) / a2q_budget(16, 8, signed=False) == Fraction(2 * 256, 255)


def every_partial_sum(weights, inputs):
    """Of one column, over all inputs and all orders: a sum over any subset of the products."""
    for chosen in itertools.product(inputs, repeat=len(weights)):
        products = [w * x for w, x in zip(weights, chosen, strict=True)]
        for size in range(len(products) + 1):
            yield from map(sum, itertools.combinations(products, size))


@pytest.mark.parametrize("weights", [[3, -2, -1], [7, 7, -8], [1, 0, -1], [-8, -8, -8], [5, -3, 2], [0, 0, 0]])
@pytest.mark.parametrize("signed", [False, True])
def test_no_input_and_no_order_leaves_a_bound(weights, signed):
    low, high = (-4, 3) if signed else (0, 7)
    sums = list(every_partial_sum(weights, range(low, high + 1)))
    column = np.array(weights)[:, None]
    assert worst_sums(column, low, high) == (min(sums), max(sums))
    exact = needed_bits(min(sums), max(sums))
    assert exact <= l1_bound(column, 3, signed) <= data_type_bound(3, 3, 4, signed)
    if sum(weights) == 0:
        assert exact <= a2q_plus_bound(column, 3) <= l1_bound(column, 3, signed) + signed


def test_a_bound_is_that_of_the_worst_column():
    weights = np.array([[1, 100], [2, -100], [-3, 0]])
    assert l1_bound(weights, 4, False) == l1_bound(200, 4, False)
    assert worst_sums(weights, 0, 15) == (-1500, 1500)


@pytest.mark.parametrize("bits", range(2, 12))
def test_needed_bits_on_both_sides_of_the_range(bits):
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    assert needed_bits(low, high) == bits
    assert needed_bits(low - 1, 0) == needed_bits(0, high + 1) == bits + 1


def test_a_range_has_its_ends_in_order():
    with pytest.raises(InputError, match="expected a range"):
        needed_bits(1, 0)
