"""Rounding modes, overflow policies and NaN policies by name, and the random bits of random roundings."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError, did_you_mean

Rounding = Literal["rne", "rna", "rz", "ru", "rd"]
"""The roundings that products, adders and outputs of datapaths have; a float accumulator has `AnyRounding`."""
AnyRounding = Literal[
    "rne", "rna", "rz", "ru", "rd", "odd", "stochastic", "stochastic_a", "stochastic_b", "stochastic_c",
    "equal_probability",
]  # fmt: skip
"""Every rounding of `hwsim.formats.base.Format.encode`."""
Overflow = Literal["inf", "saturate", "saturate_finite", "wrap"]
NanPolicy = Literal["error", "zero", "negative_zero", "max"]

RNE, RNA, RZ, RU, RD, ODD, STOCHASTIC_A, STOCHASTIC_B, STOCHASTIC_C, EQUAL = range(10)

MODES: Mapping[str, int] = MappingProxyType({"rne": RNE, "rna": RNA, "rz": RZ, "ru": RU, "rd": RD})
"""IEEE 754-2019 section 4.3: to nearest ties to even, to nearest ties away, toward zero, toward +inf, toward −inf."""

RANDOM_MODES: Mapping[str, int] = MappingProxyType(
    {
        "stochastic_a": STOCHASTIC_A,
        "stochastic_b": STOCHASTIC_B,
        "stochastic_c": STOCHASTIC_C,
        "equal_probability": EQUAL,
    }
)
"""IEEE P3109 interim report, section on stochastic rounding (forms A, B, C); up or down with probability 1/2."""

ALL_MODES: Mapping[str, int] = MappingProxyType({**MODES, "odd": ODD, **RANDOM_MODES})
"""Every rounding of `hwsim.formats.base.Format.encode`."""

ALIASES: Mapping[str, str] = MappingProxyType({"stochastic": "stochastic_a"})

OVERFLOWS = ("inf", "saturate", "saturate_finite", "wrap")
NAN_POLICIES = ("error", "zero", "negative_zero", "max")
"""What NaN becomes in a format that has none; see `hwsim.formats.base.Format.encode`."""

DEFAULT_RANDOM_BITS = 24
"""As many as float32 has significand bits: with fewer dropped bits the probability is exact."""

_NO_WORDS: NDArray[np.uint32] = np.empty(0, np.uint32)


@dataclass(frozen=True)
class Mode:
    """A rounding as kernels take it: its number, and for a random one where its bits come from."""

    number: int
    bits: int = 0
    """Random bits per value, 1 to 32; 0 of a deterministic mode."""
    seed: int = 0
    first: int = 0
    """Which word of the seed the first value gets."""
    words: NDArray[np.uint32] = field(default_factory=lambda: _NO_WORDS, compare=False)
    """Given random bits, one word per value; empty: those of the seed."""

    @property
    def random(self) -> bool:
        """Whether the mode takes random bits."""
        return self.number >= STOCHASTIC_A

    @property
    def key(self) -> NDArray[np.uint32]:
        """What `hwsim.kernels.philox.draw` takes: the seed as a Philox key, and `first`."""
        halves = (self.seed, self.seed >> 32, self.first, self.first >> 32)
        return np.array([half & 0xFFFFFFFF for half in halves], np.uint32)

    def drawn(self, count: int) -> NDArray[np.uint32]:
        """One word of `bits` random bits for each of ``count`` values."""
        from hwsim.kernels import philox

        words = np.empty(count, np.uint32)
        philox.draw(self.words, 0, words, self.key, self.bits, np.empty(philox.BLOCK, np.uint32))
        return words


def mode_number(rounding: str) -> int:
    """The number kernels know ``rounding`` by; raises `InputError` with the nearest name."""
    name = ALIASES.get(rounding, rounding)
    if name not in ALL_MODES:
        raise InputError(f"unknown rounding '{rounding}'{did_you_mean(rounding, [*ALL_MODES, *ALIASES])}")
    return ALL_MODES[name]


def mode_of(
    rounding: str,
    count: int,
    seed: int = 0,
    first: int = 0,
    random_bits: int | None = None,
    random: ArrayLike | None = None,
    most: int = 32,
) -> Mode:
    """``rounding`` of ``count`` values with up to ``most`` random bits; see `hwsim.formats.base.Format.encode`.

    Raises `InputError`.
    """
    number = mode_number(rounding)
    if number < STOCHASTIC_A:
        if random is not None or random_bits is not None:
            raise InputError(f"rounding '{rounding}' takes no random bits")
        return Mode(number)
    bits = _whole("random_bits", DEFAULT_RANDOM_BITS if random_bits is None else random_bits, 1, most)
    seed, first = _whole("seed", seed, 0, (1 << 64) - 1), _whole("first", first, 0, (1 << 62) - 1)
    return Mode(number, bits, seed, first, _NO_WORDS if random is None else _checked_words(random, count, bits))


def _whole(name: str, value: int, least: int, most: int) -> int:
    """``value`` as a Python integer within its limits."""
    try:
        whole = operator.index(value)
    except TypeError:
        raise InputError(f"{name}: expected an integer, got {value!r}") from None
    if not least <= whole <= most:
        raise InputError(f"{name}: expected {least} to {most}, got {whole}")
    return whole


def _checked_words(random: ArrayLike, count: int, bits: int) -> NDArray[np.uint32]:
    words = np.asarray(random)
    if words.dtype.kind not in "iu" or words.size != count:
        raise InputError(f"expected {count} integers of random bits, one for each value, got {words.size}")
    if words.size and (int(words.min()) < 0 or int(words.max()) >> bits):
        raise InputError(f"random bits lie in [0, 2**{bits}), got {words.min()} to {words.max()}")
    return np.ascontiguousarray(words.reshape(-1), np.uint32)
