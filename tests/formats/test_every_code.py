"""Every code of formats of up to 16 bits, and every place where a rounding turns, in every mode and overflow policy.

Two judges. The golden model in fractions sees a seeded sample (and all points of formats of up to 8 bits under the
`long` profile). A *ladder* sees all points: the magnitudes of a format in order, its rungs, and between each two the
tie. Six points stand for all that lies on or between two rungs, and where a point was put says how it rounds.
"""

import os
import random
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pytest
from _reference import CATALOGUE, MODES, RANDOM_MODES, golden_codes, turning_points

from hwsim.base.errors import InputError
from hwsim.formats import FixedFormat, FloatFormat, Format, get
from hwsim.formats.integer import UniformFormat
from hwsim.formats.tapered import TaperedFormat
from hwsim.golden import formats as golden

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"

JUDGED = FloatFormat | UniformFormat | TaperedFormat
"""Kinds whose ties the ladder knows: half-way between values, or for tapered ones the string of one bit more."""

VALUE, ABOVE, BELOW_TIE, TIE, ABOVE_TIE, BELOW_NEXT = range(6)
"""On a rung; just above it; just below, on and just above the tie; just below the next rung."""


def _float_name(rng: random.Random) -> str:
    unsigned, exponent_bits = rng.choice(["", "", "u"]), rng.randint(1, 8)
    stored = rng.randint(0, min(15, 16 - exponent_bits - (not unsigned)))
    bias = rng.choice(["", "", f"b{rng.randint(-20, 40)}"])
    suffixes = rng.choice(["", "fn", "fnuz", "finite"]) + rng.choice(["", "_flush"])
    return f"{unsigned}e{exponent_bits}m{stored}{bias}{suffixes}"


def _uniform_name(rng: random.Random) -> str:
    bits = rng.randint(2, 16)
    before = rng.randint(1, bits)
    fixed = f"q{before}.{bits - before}", f"uq0.{bits}"
    return rng.choice([f"int{bits}", f"uint{bits}", f"int{bits}_symmetric", *fixed])


KINDS = [
    *[_float_name] * 5, *[_uniform_name] * 2,
    *[lambda rng: f"p3109_k{rng.randint(3, 8)}p{rng.randint(1, 8)}{rng.choice('su')}{rng.choice('ef')}"] * 2,
    lambda rng: f"posit{rng.randint(3, 16)}_{rng.randint(0, 4)}", lambda rng: f"takum_linear{rng.randint(3, 16)}",
]  # fmt: skip


def _drawn(count: int, seed: int) -> list[Format]:
    """As many different formats beside the catalogue; names that mean none (no finite value, say) are drawn again."""
    rng = random.Random(seed)
    found: dict[str, Format] = {}
    kinds = iter(KINDS * count * 3)
    while len(found) < count:
        name = next(kinds)(rng)
        with suppress(InputError):
            if get(name) not in CATALOGUE:  # as another name for one of it is
                found[name] = get(name)
    return list(found.values())


# Formats whose largest values float32 lacks, and whose smallest are subnormal in it.
BEYOND_FLOAT32 = ["e8m7fn", "e8m1b16", "e7m4b-12finite", "e8m3fnuz", "e8m3fnuz_flush", "p3109_k8p1ue"]
FORMATS = [*map(get, BEYOND_FLOAT32), FixedFormat("q3.4_symmetric", 3, 4, symmetric=True)]
FORMATS += [FloatFormat("nozero", 5, 1, 10, signed=False, specials="fn", zero=False)]
FORMATS += [fmt for fmt in CATALOGUE if isinstance(fmt, Format) and fmt.bits <= 16]
FORMATS += _drawn(400 if LONG else 40, seed=20240501)


@pytest.fixture(scope="module", params=FORMATS, ids=str)
def case(request):
    """A format, the values of all its codes by the golden model (each of them is a float64), and its ladder."""
    fmt = request.param
    values = np.array([float(golden.decode(fmt, code)) for code in range(fmt.code_count)])
    return fmt, values, _ladder(fmt, values) if isinstance(fmt, JUDGED) else None


# The ladder ---------------------------------------------------------------------------------------


class Ladder(NamedTuple):
    rungs: np.ndarray  # magnitudes from zero up, and one or more beyond the largest
    ties: np.ndarray  # between each rung and the next
    positive: np.ndarray  # codes of the rungs as far as there are any
    negative: np.ndarray
    infinite: tuple[int, int]  # what stands for +inf and −inf: their codes, else of NaN, else of the largest magnitude
    nan: np.ndarray  # whether a code is

    @property
    def odd(self) -> np.ndarray:
        """Whether the code of a rung is, counted onward beyond the last; zero is even."""
        codes = np.arange(self.rungs.size) + self.positive[-1] - (self.positive.size - 1)
        codes[: self.positive.size] = self.positive
        codes[0] = 0
        return codes % 2 == 1


def _ladder(fmt: Format, values: np.ndarray) -> Ladder:
    patterns, codes = np.unique(values.view(np.uint64), return_index=True)  # the first code of each value
    first = dict(zip(patterns.view(np.float64).tolist(), codes.tolist(), strict=True))
    first[0.0] = int(codes[patterns == 0][0]) if (patterns == 0).any() else int(np.nanargmin(values))
    minus_zero = codes[patterns == np.uint64(1 << 63)]
    magnitudes = np.array(sorted(v for v in first if 0 <= v < np.inf))
    positive = [first[v] for v in magnitudes]
    negative = [int(minus_zero[0]) if minus_zero.size else first[0.0]]
    negative += [first[-v] for v in magnitudes[1:] if -v in first]
    if isinstance(fmt, UniformFormat):
        if fmt.signed and not fmt.symmetric:
            negative.append(first[values.min()])
        rungs = np.arange(magnitudes.size + 4.0 + fmt.code_count // 16) * magnitudes[1]  # for `wrap`
    elif isinstance(fmt, FloatFormat):  # a last place more
        exponent = max(np.frexp(magnitudes[-1])[1] - 1, fmt.emin)
        rungs = np.append(magnitudes, magnitudes[-1] + 2.0 ** (exponent - fmt.mantissa_bits))
    else:
        rungs = np.append(magnitudes, magnitudes[-1] * 2.0**40)  # any place: none is a number
    ties = (rungs[:-1] + rungs[1:]) / 2
    if isinstance(fmt, TaperedFormat):  # the string of one bit more
        ties = np.array([float(fmt.positive_value(2 * body + 1, fmt.bits)) for body in range(magnitudes.size)])
    nan = np.isnan(values)
    other = int(np.argmax(nan)) if nan.any() else None
    infinite = (first.get(np.inf, positive[-1] if other is None else other),
                first.get(-np.inf, negative[-1] if other is None else other))  # fmt: skip
    return Ladder(rungs, ties, np.array(positive), np.array(negative), infinite, nan)


class Points(NamedTuple):
    x: np.ndarray
    rung: np.ndarray
    place: np.ndarray
    negative: np.ndarray


def _points(ladder: Ladder, dtype=np.float64) -> Points:
    """Six points from each rung on, of both signs; of float32 those that it has, unless subnormal."""
    lower, upper = ladder.rungs[:-1], ladder.rungs[1:]
    anchors = np.concatenate([lower, lower, ladder.ties, ladder.ties, ladder.ties, upper])
    toward = np.repeat([np.nan, np.inf, 0, np.nan, np.inf, 0], lower.size)
    with np.errstate(over="ignore", under="ignore"):
        narrow = anchors.astype(dtype)
        x = np.where(np.isnan(toward), narrow, np.nextafter(narrow, toward.astype(dtype)))
    normal = (anchors >= np.finfo(dtype).tiny) | ((anchors == 0) & (ladder.rungs[1] >= 2.0**-100))
    held = (narrow == anchors) & (normal | np.isnan(toward)) & (np.abs(x) < np.inf)
    rung, place = np.tile(np.arange(lower.size), 6)[held], np.repeat(np.arange(6), lower.size)[held]
    signs = np.repeat([False, True], rung.size)
    return Points(np.concatenate([x[held], -x[held]]), np.tile(rung, 2), np.tile(place, 2), signs)


def _goes_up(fmt: Format, ladder: Ladder, points: Points, mode: str, bits: int, words) -> np.ndarray:
    """Whether a point goes to the upper one of its two rungs, by the definition of each mode."""
    place, negative, odd = points.place, points.negative, ladder.odd[points.rung]
    if mode in RANDOM_MODES:
        up = _goes_up_randomly(mode, place, bits, words)
    else:
        even = (place > TIE) | ((place == TIE) & odd)
        up = {"rne": even, "rna": place >= TIE, "rz": place < 0, "ru": ~negative, "rd": negative, "odd": ~odd}[mode]
    if isinstance(fmt, TaperedFormat) and mode not in MODES[2:]:  # to nearest and by chance only zero becomes zero
        up = up | (points.rung == 0)
    return up & (place != VALUE)


def _goes_up_randomly(mode: str, place: np.ndarray, n: int, r: np.ndarray) -> np.ndarray:
    """By the fraction d of each place: 0, just above 0, just below 1/2, 1/2, just above it, just below 1."""
    steps = 1 << n
    floor = np.array([0, 0, steps // 2 - 1, steps // 2, steps // 2, steps - 1])[place]  # floor(d · 2**n)
    finer = np.array([0, 0, steps - 1, steps, steps, 2 * steps - 1])[place]  # floor(d · 2**(n + 1))
    nearest = np.array([0, 0, steps // 2, steps // 2, steps // 2, steps])[place]  # rint(d · 2**n)
    return {
        "stochastic_a": floor + r >= steps,
        "stochastic_b": finer + 2 * r + 1 >= 2 * steps,
        "stochastic_c": nearest + r >= steps,
        "equal_probability": r % 2 == 1,
    }[mode]


def _expected(fmt: Format, ladder: Ladder, points: Points, up: np.ndarray, mode: str, overflow: str) -> np.ndarray:
    rung, negative = points.rung + up, points.negative
    tops = ladder.positive.size - 1, ladder.negative.size - 1
    codes = np.where(negative, ladder.negative[np.minimum(rung, tops[1])], ladder.positive[np.minimum(rung, tops[0])])
    beyond = rung > np.where(negative, tops[1], tops[0])
    if overflow == "wrap":
        return np.where(negative, -rung, rung) % fmt.code_count
    if overflow != "inf" or isinstance(fmt, TaperedFormat) or mode in ("rz", "odd"):
        return codes
    outward = negative != (mode == "ru") if mode in ("ru", "rd") else np.ones(rung.shape, bool)
    return np.where(beyond & outward, np.where(negative, ladder.infinite[1], ladder.infinite[0]), codes)


# What every code and every point keeps to ---------------------------------------------------------


def test_all_codes_decode_and_come_back(case):
    fmt, values, _ = case
    codes = np.arange(fmt.code_count, dtype=fmt.code_dtype)
    decoded = fmt.decode(codes).astype(np.float64)
    numbers = ~np.isnan(values)
    np.testing.assert_array_equal(np.isnan(decoded), ~numbers)
    np.testing.assert_array_equal(decoded[numbers].view(np.uint64), values[numbers].view(np.uint64))
    again = fmt.encode(fmt.decode(codes), nan="zero")
    assert not fmt.has_nan or np.isnan(values[again[~numbers]]).all()
    symmetric = isinstance(fmt, UniformFormat) and fmt.symmetric
    made = numbers & ~(symmetric & (values == np.nanmin(values)))
    # Each comes back as the first code of its value. That differs from it for zeros, where subnormals would be.
    _, first, which = np.unique(values.view(np.uint64), return_index=True, return_inverse=True)
    expected = first[which]
    np.testing.assert_array_equal(again[made], expected[made])
    if isinstance(fmt, JUDGED):
        assert (values[made & (expected != codes)] == 0).all()
    if symmetric:  # the code that encoding never makes saturates
        assert values[again[~made]].tolist() == [-np.nanmax(values)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_turning_point(case, dtype):
    fmt, _, ladder = case
    if ladder is None:
        pytest.skip("has ties of its own: the golden model judges")
    points = _points(ladder, dtype)
    assert points.x.size > 2 * (fmt.code_count >> fmt.signed) or dtype == np.float32
    for mode in MODES:
        _compare(fmt, ladder, points, _goes_up(fmt, ladder, points, mode, 0, None), mode)
    # float32 has no points that are closer to a rung than 2**-7 of the way, the least that int16 leaves.
    draws = (1, 4, 24, fmt.max_random_bits) if dtype == np.float64 else (1, 5, 24)
    for mode, bits in [(mode, bits) for mode in RANDOM_MODES for bits in draws]:
        kept = (dtype == np.float64) | (bits <= 5) | (points.place == VALUE) | (points.place == TIE)
        some = Points(*(field[kept] for field in points))
        r = np.random.default_rng(bits).integers(0, 1 << bits, some.x.size)
        r[::7], r[1::7], r[2::7] = 0, (1 << bits) - 1, 1 << (bits - 1)
        _compare(fmt, ladder, some, _goes_up(fmt, ladder, some, mode, bits, r), mode, random=r, random_bits=bits)


def _compare(fmt, ladder, points, up, mode, **random_words):
    for overflow in fmt.overflows:
        expected = _expected(fmt, ladder, points, up, mode, overflow)
        codes = fmt.encode(points.x, mode, overflow, nan="zero", **random_words)
        wrong = (codes != expected) & ~(ladder.nan[codes] & ladder.nan[expected])
        assert not wrong.any(), (mode, overflow, points.x[wrong][:5], codes[wrong][:5], expected[wrong][:5])


def _all_points(fmt: Format, ladder: Ladder | None, dtype) -> np.ndarray:
    """The ladder's and quarters between, or where a kind has its own ties values and middles; and what is far off."""
    x = [turning_points(fmt, dtype)] if ladder is None else [_points(ladder, dtype).x]
    if ladder:
        x += [(ladder.rungs[:-1] + ladder.ties) / 2, -(ladder.ties + ladder.rungs[1:]) / 2]
    far = [np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny, 1.5, 1e9, 2.0**100, np.finfo(dtype).max, np.inf, 0]
    with np.errstate(over="ignore", under="ignore"):
        return np.concatenate([*x, far, np.negative(far), [np.nan]]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_sample_by_the_golden_model(case, dtype):
    fmt, values, ladder = case
    x = _all_points(fmt, ladder, dtype)
    if not (LONG and fmt.bits <= 8):
        x = np.concatenate([np.random.default_rng(11).choice(x, 60), x[-17:]])
    for mode in (*MODES, *RANDOM_MODES):
        for bits in (1, 24, fmt.max_random_bits) if mode in RANDOM_MODES else (0,):
            words = np.random.default_rng(bits).integers(0, 1 << bits, x.size) if bits else None
            given = {"random": words, "random_bits": bits} if bits else {}
            for overflow in fmt.overflows:
                expected = golden_codes(fmt, x, mode, overflow, "zero", bits, words)
                codes = fmt.encode(x, mode, overflow, nan="zero", **given)
                wrong = (codes != expected) & ~(np.isnan(values[codes]) & np.isnan(values[expected]))
                assert not wrong.any(), (mode, bits, overflow, x[wrong][:5], codes[wrong][:5], expected[wrong][:5])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_round_is_decode_of_encode(case, dtype):
    """Bit for bit, so that signs of zeros count; NaN is NaN."""
    fmt, _, ladder = case
    x = _all_points(fmt, ladder, dtype)
    for mode in (*MODES, "stochastic_a", "equal_probability"):
        for overflow in fmt.overflows:
            rounded = fmt.round(x, mode, overflow, "max")
            decoded = fmt.decode(fmt.encode(x, mode, overflow, "max")).astype(rounded.dtype)
            number = ~np.isnan(decoded)
            np.testing.assert_array_equal(np.isnan(rounded), ~number)
            kind = f"u{rounded.dtype.itemsize}"
            np.testing.assert_array_equal(rounded.view(kind)[number], decoded.view(kind)[number])


def test_integers_round_as_floats(case):
    fmt, values, _ = case
    near = np.rint(values[np.abs(values) < 2.0**40]).astype(np.int64)
    powers = np.array([(1 << k) + d for k in range(53) for d in (-1, 0, 1)])
    integers = np.unique(np.concatenate([near, near - 1, near + 1, 2 * near + 1, powers, -powers]))
    words = np.random.default_rng(1).integers(0, 1 << 12, integers.size)
    for mode in (*MODES, *RANDOM_MODES):
        given = {"random": words, "random_bits": 12} if mode in RANDOM_MODES else {}
        for overflow in fmt.overflows:
            codes = fmt.encode(integers, mode, overflow, **given)
            np.testing.assert_array_equal(codes, fmt.encode(integers.astype(np.float64), mode, overflow, **given))
    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.uint64, np.bool_):
        limits = (0, 1) if dtype == np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        some = integers[(integers >= limits[0]) & (integers <= limits[1])]
        np.testing.assert_array_equal(fmt.encode(some.astype(dtype)), fmt.encode(some.astype(np.float64)))
