"""OliVe's pairs against the golden model, the paper's own numbers, and every pair of codes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.formats.schemes import OLIVE4, OLIVE8, OliveScheme
from hwsim.formats.schemes.olive import pack, unpack
from hwsim.golden import olive as golden

# bits, exponent bits, bias as the golden model takes them: the paper's for 4 bits, the derived one for 8.
SCHEMES = {OLIVE4: (4, 2, 2), OLIVE8: (8, 4, 4), OliveScheme(6, 3, bias=3): (6, 3, 3), OliveScheme(4, 3): (4, 3, 2)}
scheme_and_rule = pytest.mark.parametrize(("scheme", "rule"), SCHEMES.items(), ids=str)


def test_the_paper_s_outliers():
    assert OLIVE4.magnitudes[1:].tolist() == [12, 16, 24, 32, 48, 64, 96]
    assert (OLIVE4.identifier, OLIVE4.normal_max, OLIVE8.identifier, OLIVE8.normal_max) == (0b1000, 7, 0b10000000, 127)


def test_the_paper_s_example():
    """Figure 4: (2.6, 4.2) is (0011, 0100); an outlier beside a normal value puts 1000 there."""
    codes = OLIVE4.encode([2.6, 4.2, 1.5, -98.0, 30.0, 0.0])
    assert codes.tolist() == [0b0011, 0b0100, 0b1000, 0b1111, 0b0100, 0b1000]
    assert OLIVE4.decode(codes).tolist() == [3, 4, 0, -96, 32, 0]


@scheme_and_rule
def test_every_pair_of_codes_decodes_as_defined(scheme, rule):
    """And what encoding can give, it gives back."""
    pairs = np.array(list(itertools.product(range(1 << rule[0]), repeat=2)))
    values = scheme.decode(pairs)
    assert values.tolist() == [list(golden.decode_pair(tuple(pair), *rule)) for pair in pairs.tolist()]
    again = scheme.encode(values)
    assert scheme.decode(again).tolist() == values.tolist()


@scheme_and_rule
def test_encoding_at_every_turning_point(scheme, rule):
    grid = sorted(
        {abs(v) for code in range(1 << rule[0]) for v in golden.decode_pair((code, scheme.identifier), *rule)}
    )
    grid = sorted({*grid, *range(scheme.normal_max + 1)})
    halves = [(a + b) / 2 for a, b in itertools.pairwise(grid)]
    turning = [f for h in [*grid, *halves] for f in (math.nextafter(h, -1), h, math.nextafter(h, 1e9))] + [math.inf]
    pairs = [(x, 1.0) for x in turning] + [(-2.5, -x) for x in turning] + [(x, -x) for x in turning]
    assert scheme.encode(pairs).tolist() == [list(golden.encode_pair(pair, *rule)) for pair in pairs]


@scheme_and_rule
@given(pairs=st.lists(st.tuples(*[st.floats(-300, 300)] * 2), min_size=1, max_size=8), scale=st.floats(0.01, 100))
def test_encoding_is_the_golden_one(scheme, rule, pairs, scale):
    expected = [list(golden.encode_pair(tuple(x / scale for x in pair), *rule)) for pair in pairs]
    assert scheme.encode(pairs, scale).tolist() == expected


def test_axis_and_scales_per_channel():
    x = np.array([[1.0, 200.0], [20.0, -3.0]])
    scale = np.array([1.0, 2.0])
    columns = [golden.encode_pair((1.0, 20.0), 4, 2, 2), golden.encode_pair((100.0, -1.5), 4, 2, 2)]
    codes = OLIVE4.encode(x, scale, axis=0)
    assert codes.T.tolist() == [list(column) for column in columns]
    assert OLIVE4.decode(codes, scale, axis=0).tolist() == [[0, 192], [24 if columns[0][1] == 3 else 16, 0]]


def test_statistics_count_pairs():
    x = [1, 2, 50, 1, 1, -50, 50, 90, 9.5, 9.5]  # 9.5 is halfway from 7 to 12: still normal
    codes = OLIVE4.encode(x)
    assert OLIVE4.statistics(codes, x) == (5, 3, 1)
    assert OLIVE4.decode(codes[6:8]).tolist() == [0, 96]  # the smaller of two outliers is pruned


@given(st.lists(st.integers(0, 15), max_size=20).map(lambda codes: codes[: len(codes) // 2 * 2]))
def test_packing(codes):
    packed = pack(codes)
    assert packed.tolist() == [low + 16 * high for low, high in zip(codes[::2], codes[1::2], strict=True)]
    assert unpack(packed).tolist() == codes


def test_a_threshold_of_one_s_own():
    assert OliveScheme(threshold=7.0).encode([8.0, 1.0]).tolist() == [0b0001, 0b1000]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: OLIVE4.encode([1.0, 2.0, 3.0]), "even length"),
        (lambda: OLIVE4.encode([math.nan, 2.0]), "no NaN"),
        (lambda: OLIVE4.encode([1.0, 2.0], 0.0), "positive"),
        (lambda: OLIVE4.encode([1.0, 2.0], axis=1), "does not exist"),
        (lambda: OLIVE4.decode([16, 0]), "4 bits"),
        (lambda: pack([16, 0]), "4 bits"),
        (lambda: OliveScheme(bits=9), "2 to 8 bits"),
        (lambda: OliveScheme(exponent_bits=4), "exponent bits"),
        (lambda: OliveScheme(bias=-1), "at least 0"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
