"""The codebooks of the field: levels that a paper lists, or the rule that it gives."""

from __future__ import annotations

import math
import re
from itertools import product

from hwsim.base.errors import InputError
from hwsim.formats.codebook import CodebookFormat, rules
from hwsim.formats.names import register

NF4 = "Dettmers et al., QLoRA, arXiv:2305.14314, appendix E: quantiles of the normal distribution"
TERNARY = "Li et al., Ternary Weight Networks, arXiv:1605.04711; codes in two's complement, 10 not used"
BINARY = "Courbariaux et al., BinaryConnect, arXiv:1511.00363; the bipolar integer of one bit"
BIPOLAR = "Ma et al., arXiv:2409.17870 (bipolar-INT): Σ(2·b_i − 1)·2**i over the bits b_i, all odd numbers"
POWERS = (
    "Li et al., Additive Powers-of-Two Quantization, arXiv:1909.13144, powers-of-two quantization, without the least "
    "magnitude, for which the bits leave no code"
)
ADDITIVE = "Li et al., Additive Powers-of-Two Quantization, arXiv:1909.13144, without its scale γ"
ABFLOAT = "Guo et al., OliVe, arXiv:2304.07493, section 3.3: sign · ((1 << m) + t) << (e + bias)"

_BIPOLAR = re.compile(r"bipolar([1-9]\d?)")
_POWERS = re.compile(r"pot([2-9])")
_ADDITIVE = re.compile(r"apot([1-9]\d?)_([1-4])")
_ABFLOAT = re.compile(r"abfloat_e([1-4])m([0-4])b(\d\d?)")


def bipolar(name: str) -> tuple[float, ...] | None:
    """``bipolar{n}``, n from 1 to 8: every bit counts +2**i or −2**i, so code c has the value 2c − (2**n − 1)."""
    match = _BIPOLAR.fullmatch(name)
    if match is None:
        return None
    bits = int(match[1])
    if bits > 8:
        raise InputError(f"codebook '{name}': expected 1 to 8 bits")
    return tuple(float(2 * code - ((1 << bits) - 1)) for code in range(1 << bits))


def powers_of_two(name: str) -> tuple[float, ...] | None:
    """``pot{n}``, n from 2 to 9: a sign and n − 1 bits c, 0 for c = 0, else 2**(c − 2**(n−1) + 1); at most 1."""
    match = _POWERS.fullmatch(name)
    if match is None:
        return None
    count = 1 << (int(match[1]) - 1)
    return _with_sign([0.0] + [math.ldexp(1.0, code - count + 1) for code in range(1, count)])


def additive_powers_of_two(name: str) -> tuple[float, ...] | None:
    """``apot{n}_{k}``: a sign and n − 1 = k·t bits; the sum of t terms, each 0 or one of 2**k − 1 powers of two.

    Term i is 0, 2**−i, 2**−(i+t), …, 2**−(i + (2**k − 2)·t); the first field holds term 0.
    """
    match = _ADDITIVE.fullmatch(name)
    if match is None:
        return None
    bits, base = int(match[1]) - 1, int(match[2])
    if bits < base or bits % base or bits > 8:
        raise InputError(f"codebook '{name}': expected 2 to 9 bits, a sign and whole fields of {base}")
    terms = bits // base
    fields = [[0.0] + [2.0 ** -(i + j * terms) for j in range((1 << base) - 1)] for i in range(terms)]
    return _with_sign([sum(chosen) for chosen in product(*fields)])


def abfloat(name: str) -> tuple[float | None, ...] | None:
    """``abfloat_e{x}m{y}b{bias}``: ±((2**y) + t)·2**(e + bias); the codes of 0 and of a lone sign are not numbers.

    Code 0 stands for zero here and the lone sign, OliVe's mark of a victim, for nothing.
    """
    match = _ABFLOAT.fullmatch(name)
    if match is None:
        return None
    exponent_bits, mantissa_bits, bias = (int(group) for group in match.groups())
    magnitudes = [
        float(((1 << mantissa_bits) + (code & ((1 << mantissa_bits) - 1))) << ((code >> mantissa_bits) + bias))
        for code in range(1 << (exponent_bits + mantissa_bits))
    ]
    return (0.0, *magnitudes[1:], None, *(-magnitude for magnitude in magnitudes[1:]))


def _with_sign(magnitudes: list[float]) -> tuple[float, ...]:
    return (*magnitudes, *(-magnitude for magnitude in magnitudes))


rules.extend([bipolar, powers_of_two, additive_powers_of_two, abfloat])

_NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip
register(CodebookFormat("nf4", _NF4), NF4)
register(CodebookFormat("ternary", (0.0, 1.0, None, -1.0)), TERNARY)
register(CodebookFormat("binary", (-1.0, 1.0)), BINARY, "bipolar1")


def _register(name: str, source: str, *aliases: str) -> None:
    found = CodebookFormat.parse(name)
    assert found is not None
    register(found, source, *aliases)


_register("bipolar2", BIPOLAR)
_register("bipolar4", BIPOLAR)
_register("pot4", POWERS)
_register("apot5_2", ADDITIVE)
_register("abfloat_e2m1b2", ABFLOAT, "abfloat4")
