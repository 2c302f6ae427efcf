"""Error-free transformations: codes as the golden model has them, and sums that are exact as fractions."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim.formats
from hwsim.base.errors import InputError
from hwsim.formats.schemes import MultiFloat, fast_two_sum, two_product, two_sum
from hwsim.formats.schemes.multiword import add_pairs, grow, multiply_pairs
from hwsim.formats.schemes.round_once import add_to_odd
from hwsim.golden import formats as exact
from hwsim.golden import multiword as golden

NAMES = ["bf16", "fp16", "fp32", "tf32", "e4m3", "e4m3fn", "e5m2", "e4m3fnuz", "e3m2fn"]
SMALL = ["e2m1fn", "e3m2fn", "e3m2", "e2m3"]
each_format = pytest.mark.parametrize("fmt", [hwsim.formats.get(name) for name in NAMES], ids=str)
each_small_format = pytest.mark.parametrize("fmt", [hwsim.formats.get(name) for name in SMALL], ids=str)


def codes_of(fmt, count):
    """Lists of tuples of codes: any ones, or ones of like magnitude, where operations cancel and round."""
    any_one = st.integers(0, fmt.code_count - 1)
    near = st.tuples(any_one, *[st.integers(-40, 40)] * (count - 1)).map(
        lambda t: (t[0], *[((t[0] + d) ^ (fmt.sign_code * (d % 2))) % fmt.code_count for d in t[1:]])
    )
    return st.lists(st.one_of(st.tuples(*[any_one] * count), near), min_size=1, max_size=24)


def values_of(fmt, codes):
    return [fmt.decode(column, np.float64) for column in np.array(codes, fmt.code_dtype).T]


def assert_same(fmt, computed, expected):
    """Code by code, NaN by class."""
    for values, codes in zip(computed, zip(*expected, strict=True), strict=True):
        wanted = np.array([math.nan if exact.decode(fmt, c) != exact.decode(fmt, c) else c for c in codes])
        assert np.isnan(values).tolist() == np.isnan(wanted).tolist()
        kept = ~np.isnan(wanted)
        assert fmt.encode(values[kept]).tolist() == wanted[kept].astype(int).tolist()


@each_format
@given(data=st.data())
def test_transformations_are_the_golden_ones(fmt, data):
    codes = data.draw(codes_of(fmt, 2))
    a, b = values_of(fmt, codes)
    for computed, judge in ((two_sum, golden.two_sum), (fast_two_sum, golden.fast_two_sum),
                            (two_product, golden.two_product)):  # fmt: skip
        assert_same(fmt, computed(a, b, fmt), [judge(fmt, *pair) for pair in codes])


@each_format
@given(data=st.data())
def test_arithmetic_of_pairs_is_the_golden_one(fmt, data):
    codes = data.draw(codes_of(fmt, 4))
    a, b, c, d = values_of(fmt, codes)
    assert_same(fmt, grow((a, b), c, fmt), [golden.grow(fmt, w[:2], w[2]) for w in codes])
    for accurate in (True, False):
        expected = [golden.add_pairs(fmt, w[:2], w[2:], accurate) for w in codes]
        assert_same(fmt, add_pairs((a, b), (c, d), fmt, accurate), expected)
    expected = [golden.multiply_pairs(fmt, w[:2], w[2:]) for w in codes]
    assert_same(fmt, multiply_pairs((a, b), (c, d), fmt), expected)


def overflows(fmt, value):
    return abs(exact.round_unlimited(fmt, value < 0, abs(value), "rne")) > Fraction(fmt.max)


@each_format
@given(data=st.data())
def test_sums_lose_nothing(fmt, data):
    """Half of the largest number at most, so that nothing overflows, in between neither."""
    a, b = values_of(fmt, data.draw(codes_of(fmt, 2)))
    kept = (np.abs(a) <= fmt.max / 2) & (np.abs(b) <= fmt.max / 4)  # NaN is dropped too
    a, b = a[kept], b[kept]
    total, error = two_sum(a, b, fmt)
    exchanged = np.abs(a) < np.abs(b)
    larger, smaller = np.where(exchanged, b, a), np.where(exchanged, a, b)
    fast_total, fast_error = fast_two_sum(larger, smaller, fmt)
    for columns in ((total, error), (fast_total, fast_error)):
        sums = [Fraction(s) + Fraction(e) for s, e in zip(*(c.tolist() for c in columns), strict=True)]
        assert sums == [Fraction(x) + Fraction(y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]


@each_format
@given(data=st.data())
def test_products_lose_nothing_above_underflow(fmt, data):
    a, b = values_of(fmt, data.draw(codes_of(fmt, 2)))
    product, error = two_product(a, b, fmt)
    for x, y, p, e in zip(a.tolist(), b.tolist(), product.tolist(), error.tolist(), strict=True):
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        true = Fraction(x) * Fraction(y)
        if overflows(fmt, true):
            continue
        exponents = math.frexp(x)[1] + math.frexp(y)[1] - 2
        if min(abs(x), abs(y)) >= fmt.min_normal and exponents >= fmt.emin + fmt.precision - 1:
            assert Fraction(p) + Fraction(e) == true
        else:  # the error is rounded, at worst to a multiple of the smallest number
            assert abs(Fraction(p) + Fraction(e) - true) <= Fraction(fmt.min_subnormal) / 2


@each_small_format
def test_all_pairs_of_small_formats(fmt):
    codes = list(itertools.product(range(fmt.code_count), repeat=2))
    a, b = values_of(fmt, codes)
    assert_same(fmt, two_sum(a, b, fmt), [golden.two_sum(fmt, *pair) for pair in codes])
    assert_same(fmt, two_product(a, b, fmt), [golden.two_product(fmt, *pair) for pair in codes])
    total, error = two_sum(a, b, fmt)
    lost = []
    for x, y, s, e in zip(a.tolist(), b.tolist(), total.tolist(), error.tolist(), strict=True):
        if not (math.isfinite(x) and math.isfinite(y)) or overflows(fmt, Fraction(x) + Fraction(y)):
            continue
        if not math.isfinite(e) or Fraction(s) + Fraction(e) != Fraction(x) + Fraction(y):
            lost.append((x, y))
    # An operation in between overflows only where one operand is the largest number (and there is an infinity).
    assert all(abs(x) == fmt.max for x, _ in lost) and (not lost or fmt.has_inf)


def test_where_exactness_ends():
    fp16 = hwsim.formats.get("fp16")
    tiny, largest = np.array([2.0**-14 * (1 + 2.0**-10)]), np.array([65504.0])
    product, error = two_product(tiny, np.array([0.5 + 2.0**-11]), fp16)
    assert product[0] + error[0] != tiny[0] * (0.5 + 2.0**-11)  # the error lies below 2**−24
    total, error = two_sum(largest, largest, fp16)
    assert total[0] == math.inf and math.isnan(error[0])


@given(st.floats(-(2.0**900), 2.0**900), st.floats(-1, 1))
def test_sums_are_rounded_to_odd(a, b):
    """The truncated sum, its last bit set if something was lost."""
    true = Fraction(a) + Fraction(b)
    nearest = float(true)
    odd = add_to_odd(np.array(a), np.array(b)).item()
    if Fraction(nearest) == true:
        assert odd == nearest
    else:
        neighbours = (nearest, math.nextafter(nearest, math.inf if true > Fraction(nearest) else -math.inf))
        assert odd in neighbours
        assert np.float64(odd).view(np.int64) % 2 == 1


def test_a_sum_that_float64_alone_would_round_twice():
    """128.5 is halfway in bf16; a float64 sum forgets the 2**−100 that lifts it over the tie."""
    bf16 = hwsim.formats.get("bf16")
    assert bf16.round([128.5, 128.5 + 2.0**-100]).tolist() == [128, 128]
    assert bf16.round(add_to_odd(np.array([128.5]), np.array([2.0**-100]))).tolist() == [129]


PAIRS = [("bf16", "bf16"), ("bf16", "bf16", "bf16"), ("fp16", "fp16"), ("bf16", "e4m3fn"), ("e2m1fn", "e2m1fn")]


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
@given(x=st.lists(st.floats(allow_nan=False) | st.floats(-16, 16) | st.floats(width=32, allow_nan=False), min_size=1))
def test_encoding_splits_as_the_golden_model(names, x):
    words = MultiFloat(tuple(map(hwsim.formats.get, names)))
    codes = words.encode(x)
    expected = [golden.split(v if math.isinf(v) or v == 0 else Fraction(v), words.components) for v in x]
    assert [list(row) for row in zip(*(c.tolist() for c in codes), strict=True)] == expected
    decoded = words.decode(codes)
    for row, value in zip(expected, decoded.tolist(), strict=True):
        parts = [exact.decode(fmt, code) for fmt, code in zip(words.components, row, strict=True)]
        if all(isinstance(p, Fraction) or p == 0 for p in parts):
            assert Fraction(value) == sum(map(Fraction, parts))


def test_three_bf16_words_hold_a_float32():
    words = MultiFloat((hwsim.formats.get("bf16"),) * 3)
    x = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    assert words.decode(words.encode(x)).tolist() == x.tolist()
    assert (words.name, words.bits) == ("bf16+bf16+bf16", 48)


@given(data=st.data())
def test_verbs_of_pairs_take_codes(data):
    fmt = hwsim.formats.get("bf16")
    pair = MultiFloat((fmt, fmt))
    codes = [row for row in data.draw(codes_of(fmt, 4)) if all(math.isfinite(v) for v in fmt.decode(row))] or [(0,) * 4]
    columns = [np.array(c, fmt.code_dtype) for c in zip(*codes, strict=True)]
    results = {
        "add": (pair.add(columns[:2], columns[2:]), [golden.add_pairs(fmt, w[:2], w[2:], True) for w in codes]),
        "multiply": (
            pair.multiply(columns[:2], columns[2:]),
            [golden.multiply_pairs(fmt, w[:2], w[2:]) for w in codes],
        ),
        "grow": (pair.grow(columns[:2], columns[2]), [golden.grow(fmt, w[:2], w[2]) for w in codes]),
    }
    for computed, expected in results.values():
        assert_same(fmt, [fmt.decode(c, np.float64) for c in computed], expected)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: MultiFloat((hwsim.formats.get("bf16"),)), "at least 2"),
        (lambda: MultiFloat((hwsim.formats.get("fp64"),) * 2), "too wide"),
        (lambda: MultiFloat((hwsim.formats.get("int8"),) * 2), "float format"),
        (lambda: MultiFloat((hwsim.formats.get("bf16"), hwsim.formats.get("fp16"))).add((0, 0), (0, 0)), "one format"),
        (lambda: MultiFloat((hwsim.formats.get("bf16"),) * 2).decode((0,)), "2 components, got 1"),
        (lambda: MultiFloat((hwsim.formats.get("e2m1fn"),) * 2).encode([math.nan]), "NaN"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
