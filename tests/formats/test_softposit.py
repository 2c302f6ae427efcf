"""Posits against SoftPosit (A*STAR, BSD-3-Clause), the reference implementation: codes of doubles and of integers.

Its Python types hold a pattern in the field ``v``; posits of n bits with two exponent bits (``PX2``) have theirs at
the top of 32 bits. It agrees with `hwsim.formats` on every point tried, but for three things that are named at the end.
"""

import math

import numpy as np
import pytest

from hwsim.formats import get

softposit = pytest.importorskip("softposit", reason="pip install softposit")

NAMES = {8: "posit8_0", 16: "posit16_1", 32: "posit32_2"}
"""The shapes that SoftPosit has types for: those before the standard of 2022, whose es is 2 throughout."""


def _peer_codes(bits: int, x) -> np.ndarray:
    convert = getattr(softposit, f"convertDoubleToP{bits}")
    return np.array([convert(value).v for value in map(float, x)], np.uint64)


def _peer_values(bits: int, codes) -> np.ndarray:
    holder = getattr(softposit, f"posit{bits}_t")()
    convert = getattr(softposit, f"convertP{bits}ToDouble")
    values = []
    for code in map(int, codes):
        holder.v = code
        values.append(convert(holder))
    return np.array(values)


def _peer_codes_of_two_exponent_bits(bits: int, x) -> np.ndarray:
    codes = [softposit.convertDoubleToPX2(value, bits).v >> (32 - bits) for value in map(float, x)]
    return np.array(codes, np.uint64)


def _strings(fmt, strings, length: int) -> np.ndarray:
    """Values of bit strings by the definition of posits: those of a body's length are values, of one bit more ties."""
    return np.array([float(fmt.positive_value(int(string), length)) for string in strings])


def _around(x) -> np.ndarray:
    """Each, the doubles beside it, and all of that below zero."""
    x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, 0)])
    return np.concatenate([x, -x])


EXTREME = np.array([0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-300, 1e300, -1e300, np.inf, -np.inf, np.nan])


def _same(fmt, x, peer: np.ndarray) -> None:
    codes = fmt.encode(x).astype(np.uint64)
    wrong = codes != peer  # NaR has one code
    assert not wrong.any(), (np.asarray(x)[wrong][:5], codes[wrong][:5], peer[wrong][:5])


def _decodes_alike(fmt, codes, peer: np.ndarray) -> None:
    """All but NaR, which SoftPosit converts to infinity: see below."""
    reals = codes != 1 << (fmt.bits - 1)
    np.testing.assert_array_equal(fmt.decode(codes[reals], np.float64), peer[reals])
    assert np.isnan(fmt.decode(codes[~reals])).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_all_codes_and_ties(bits):
    fmt = get(NAMES[bits])
    codes = np.arange(fmt.code_count)
    _decodes_alike(fmt, codes, _peer_values(bits, codes))
    # A string of one bit more: every second one is a value, those between are the ties.
    x = np.concatenate([_around(_strings(fmt, range(1, fmt.code_count), bits)), EXTREME])
    _same(fmt, x, _peer_codes(bits, x))


def test_posit32_at_regime_boundaries_and_a_sample():
    fmt = get("posit32_2")
    largest, random = 2**31 - 1, np.random.default_rng(6)
    # Where regimes begin and end, bodies are near powers of two and near their complements.
    edges = {edge + d for k in range(32) for edge in (1 << k, 2**31 - (1 << k)) for d in range(-8, 9)}
    bodies = [body for body in sorted(edges) if 0 < body < largest]
    bodies = np.concatenate([bodies, random.integers(1, largest, 6000)])
    signed = np.concatenate([bodies, 2**32 - bodies, [0, largest, 2**31, 2**31 + 1]])
    _decodes_alike(fmt, signed, _peer_values(32, signed))
    ties = _strings(fmt, 2 * bodies + 1, 32)
    powers = np.ldexp(1.0, np.arange(-140, 141))
    x = np.concatenate([_around(np.concatenate([_strings(fmt, bodies, 31), ties, powers])), EXTREME])
    _same(fmt, x, _peer_codes(32, x))
    anything = random.integers(0, 2**64 - 1, 20000, dtype=np.uint64).view(np.float64)
    within = np.ldexp(random.uniform(-2, 2, 20000), random.integers(-130, 130, 20000))
    x = np.concatenate([anything[np.isfinite(anything)], within])
    _same(fmt, x, _peer_codes(32, x))


@pytest.mark.parametrize("bits", range(3, 33))
def test_any_width_with_two_exponent_bits(bits):
    """The widths of the standard of 2022: all ties up to 12 bits, a sample of them above."""
    fmt = get(f"posit{bits}_2")
    strings = np.arange(1, 1 << bits)[: 1 << 12] if bits <= 12 else _sampled_strings(bits)
    x = np.concatenate([_around(_strings(fmt, strings, bits)), EXTREME])
    _same(fmt, x, _peer_codes_of_two_exponent_bits(bits, x))


def _sampled_strings(bits: int) -> np.ndarray:
    sample = np.random.default_rng(bits).integers(1, 1 << bits, 1000)
    ends = np.arange(1, 20)
    powers = np.concatenate([(1 << np.arange(1, bits)) + d for d in (-1, 0, 1)])
    return np.unique(np.concatenate([sample, ends, (1 << bits) - ends, powers, (1 << bits) - powers]))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_integers(bits):
    """Rounded once, also those that no double holds."""
    fmt, random = get(NAMES[bits]), np.random.default_rng(bits)
    near = [(1 << k) + d for k in range(63) for d in (-1, 0, 1)]
    wide = random.integers(1, 2**63 - 1, 2000)
    integers = np.concatenate([near, wide, wide >> random.integers(0, 62, 2000)])
    integers = np.concatenate([integers, -integers])
    for width in (32, 64):
        some = integers[np.abs(integers) < 1 << (width - 1)]
        convert = getattr(softposit, f"i{width}_to_p{bits}")
        _same(fmt, some, np.array([convert(int(i)).v for i in some], np.uint64))
    unsigned = integers[integers > 0].astype(np.uint64) * np.uint64(2) + np.uint64(1)
    convert = getattr(softposit, f"ui64_to_p{bits}")
    _same(fmt, unsigned, np.array([convert(int(i)).v for i in unsigned], np.uint64))


# Where SoftPosit differs --------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_nar_becomes_infinity_there(bits):
    """NaR was ±∞ in the first posits (Gustafson and Yonemoto, 2017); the standard of 2022 calls it *not a real*.

    SoftPosit still converts it to +∞ from 8 and 16 bits and PX2, but to NaN from 32 bits. Here it is NaN throughout.
    Infinities and NaN become NaR there and here.
    """
    not_a_real = 1 << (bits - 1)
    assert repr(_peer_values(bits, [not_a_real]).tolist()) == ("[nan]" if bits == 32 else "[inf]")
    holder = softposit.posit_2_t()
    holder.v = 1 << 31
    assert softposit.convertPX2ToDouble(holder) == math.inf
    assert np.isnan(get(NAMES[bits]).decode(not_a_real))
    assert _peer_codes(bits, [math.inf, -math.inf, math.nan]).tolist() == [not_a_real] * 3


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_the_integer_of_a_lone_top_bit_is_nar_there(bits):
    """−2**31, −2**63 and, unsigned, 2**31 and 2**63: SoftPosit takes the pattern, not the number, for NaR.

    `encode` knows numbers only: for it −2**63 lies between −2**63 + 1 and −2**63 − 1 like any other. Its neighbours,
    on which SoftPosit agrees, have the code of the largest posit8 and posit16, and of −2**63 in posit32_2.
    """
    not_a_real, fmt = 1 << (bits - 1), get(NAMES[bits])
    beside = {width: getattr(softposit, f"i{width}_to_p{bits}")(1 - (1 << (width - 1))).v for width in (32, 64)}
    for width in (32, 64):
        lone = -(1 << (width - 1))
        assert getattr(softposit, f"i{width}_to_p{bits}")(lone).v == not_a_real
        assert fmt.encode(np.array([lone])) == fmt.encode(float(lone)) == beside[width]
        assert _peer_codes(bits, [float(lone)]) == beside[width]  # from double it agrees
        unsigned = getattr(softposit, f"ui{width}_to_p{bits}")(1 << (width - 1)).v
        assert unsigned == not_a_real
        assert fmt.encode(np.array([1 << (width - 1)], np.uint64)) == (1 << bits) - beside[width]


def test_between_the_smallest_posits_the_tie_is_that_of_the_strings():
    """5.22e−36 in posit32_2 was reported as SoftPosit's fault (SoftPosit-Python, issue 9), and is none.

    2**−120 and 2**−116 are codes 1 and 2. Both exponent bits are cut off there, so the tie is the string of one bit
    more, 2**−118 (which goes to the even code), and not the arithmetic mean, 1.06·2**−117. The value, 1.73·2**−118,
    lies between: it is nearer to 2**−120, but rounds to 2**−116.
    """
    fmt = get("posit32_2")
    assert fmt.positive_value(0b11, 32) == 2.0**-118
    x = [5.22068150475e-36, 2.0**-118, np.nextafter(2.0**-118, 1), np.nextafter(2.0**-118, 0)]
    assert fmt.encode(x).tolist() == _peer_codes(32, x).tolist() == [2, 2, 2, 1]
