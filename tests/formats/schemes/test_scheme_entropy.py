"""Entropies: exact where all shares are powers of two, counts exact always."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim.formats
from hwsim.base.errors import InputError
from hwsim.formats.schemes import code_entropy, shannon_entropy, tensor_entropy
from hwsim.formats.schemes.entropy import field_counts

BF16 = hwsim.formats.get("bf16")


@given(st.permutations([4, 2, 1, 1, 0, 0]))
def test_dyadic_shares_have_exact_entropies(counts):
    assert shannon_entropy(counts) == 1.75  # ½·1 + ¼·2 + 2·⅛·3
    assert shannon_entropy([3 * c for c in counts]) == pytest.approx(1.75, abs=2**-50)  # log2 3 is no float


@pytest.mark.parametrize("width", [0, 1, 8, 16])
def test_uniform_codes_have_all_their_bits(width):
    assert shannon_entropy(np.full(1 << width, 5)) == pytest.approx(width, abs=2**-48)
    assert shannon_entropy(np.full(1 << width, 4)) == width


@given(st.lists(st.integers(0, 2**16 - 1), max_size=50), st.integers(0, 12), st.integers(0, 4))
def test_counts_are_those_of_a_counter(codes, low, width):
    expected = Counter((code >> low) & ((1 << width) - 1) for code in codes)
    counted = field_counts(np.array(codes, np.uint16), low, width)
    assert sorted(counted[counted > 0].tolist()) == sorted(expected.values())
    wide = field_counts(np.array(codes, np.uint32), 0, 32)  # by sorting
    assert sorted(wide.tolist()) == sorted(Counter(codes).values())


def test_fields_by_hand():
    """Exponents of 1, 1, 1, 1, 2, 2, 4, −8: shares ½, ¼, ⅛, ⅛; one sign in eight; mantissas all zero but one."""
    found = tensor_entropy([1, 1, 1, 1, 2, 2, 4, -8], BF16)
    assert (found.code, found.exponent, found.mantissa) == (1.75, 1.75, 0)
    assert found.exponent_coded_bits == 1 + 7 + 1.75
    assert found.ratio(found.exponent_coded_bits) == 16 / 9.75
    assert tensor_entropy([1, -1, 1, -1], BF16).sign == 1
    assert tensor_entropy([1, 1.5, 1.25, 1.75], BF16).mantissa == 2


def test_every_code_of_a_format():
    """All codes once: each field is uniform, and together they have all the bits."""
    fmt = hwsim.formats.get("e4m3fn")
    found = code_entropy(np.arange(256), fmt)
    assert (found.code, found.sign, found.exponent, found.mantissa) == (8, 1, 4, 3)
    assert found.field_coded_bits == found.exponent_coded_bits == 8 and found.ratio() == 1
    unsigned = code_entropy(np.arange(128), hwsim.formats.get("ue4m3"))
    assert (unsigned.sign, unsigned.exponent, unsigned.mantissa) == (0, 4, 3)


@given(st.lists(st.integers(0, 2**16 - 1), min_size=1, max_size=200))
def test_fields_hold_at_least_the_whole(codes):
    found = code_entropy(codes, BF16)
    assert found.code <= found.field_coded_bits + 2**-40
    assert max(found.sign, found.exponent, found.mantissa) <= found.code + 2**-40


def test_formats_without_fields():
    found = code_entropy([1, 2, 3, 4], hwsim.formats.get("int8"))
    assert (found.code, found.field_coded_bits, found.exponent_bits, found.ratio()) == (2, 2, 0, 4)
    assert (found.sign, found.exponent, found.mantissa) == (None, None, None)
    with pytest.raises(InputError, match="exponent field"):
        _ = found.exponent_coded_bits


def test_nothing_and_one_value():
    assert code_entropy(np.array([], np.uint16), BF16).code == 0
    assert code_entropy([7, 7], BF16).ratio() == np.inf


@pytest.mark.parametrize("codes", [[1 << 16], [-1], [0.5]])
def test_bad_input_gets_one_line(codes):
    with pytest.raises(InputError, match="16 bits"):
        code_entropy(codes, BF16)
