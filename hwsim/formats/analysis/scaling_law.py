"""Loss of a language model trained with floating-point operands, as a function of the format's layout.

Source: Sun et al., Scaling Laws for Floating-Point Quantization Training, ICML 2025, arXiv:2501.02423: the
unified law and its fitted constants. A proxy: it orders formats, it does not predict a model of yours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hwsim.base.errors import InputError

# The fitted constants of arXiv:2501.02423.
PARAMETER_SCALE, PARAMETER_EXPONENT = 69.2343, 0.2368
"""n and α of n / N**α."""
TOKEN_SCALE, TOKEN_EXPONENT = 68973.0621, 0.5162
"""d and β of d / D**β."""
IRREDUCIBLE = 1.9061
"""ε."""
PRECISION_SCALE, EXPONENT_EXPONENT, MANTISSA_EXPONENT = 11334.5197, 3.1926, 2.9543
"""γ, δ and ν of log2 B / (γ (E + ½)**δ (M + ½)**ν)."""


class Layout(NamedTuple):
    """A sign bit, E exponent bits and M stored mantissa bits."""

    exponent_bits: int
    mantissa_bits: int

    @property
    def bits(self) -> int:
        """P = 1 + E + M."""
        return 1 + self.exponent_bits + self.mantissa_bits


def loss(parameters: float, tokens: float, layout: tuple[int, int], block_size: int) -> float:
    """Loss of a model trained with operands of ``layout`` = (E, M).

    L = n/N**α + d/D**β + ε + (D**β / N**α) · log2 B / (γ (E + ½)**δ (M + ½)**ν), with N ``parameters``,
    D ``tokens`` and B = ``block_size`` elements that share a scale.

    Raises `InputError` for counts that are not positive and layouts with negative widths.
    """
    _check(parameters, tokens)
    capacity, data = math.pow(parameters, PARAMETER_EXPONENT), math.pow(tokens, TOKEN_EXPONENT)
    full_precision = PARAMETER_SCALE / capacity + TOKEN_SCALE / data + IRREDUCIBLE
    return full_precision + data / capacity * _penalty(layout, block_size)


def best_layout(bits: int) -> Layout:
    """The layout of ``bits`` = P bits with the least loss, whatever N, D and B.

    Only (E + ½)**δ (M + ½)**ν depends on the layout, so the best has the greatest product among E + M = P − 1.
    (Were E real, it would be δ P / (δ + ν) − ½.) Raises `InputError` for fewer than 2 bits.
    """
    if bits < 2:
        raise InputError(f"a layout has a sign bit and at least one more, got {bits} bits")
    layouts = [Layout(exponent_bits, bits - 1 - exponent_bits) for exponent_bits in range(bits)]
    return max(layouts, key=_resolution)


def critical_tokens(parameters: float, layout: tuple[int, int], block_size: int) -> float:
    """D_crit, the tokens beyond which more training data make the loss worse.

    With A = log2 B / (γ (E + ½)**δ (M + ½)**ν) the terms of L with D are d D**−β + (A / N**α) D**β. The
    derivative, β D**(β−1) · (A / N**α − d D**(−2β)), is negative below and positive above
    D_crit = (d N**α / A)**(1 / (2β)), where both terms are equal. Infinite for B = 1, where A = 0.

    Raises `InputError` as `loss` does.
    """
    _check(parameters, 1.0)
    penalty = _penalty(layout, block_size)
    if penalty == 0:
        return math.inf
    balance = TOKEN_SCALE * math.pow(parameters, PARAMETER_EXPONENT) / penalty
    return math.pow(balance, 1 / (2 * TOKEN_EXPONENT))


def _penalty(layout: tuple[int, int], block_size: int) -> float:
    if block_size < 1 or min(layout) < 0:
        raise InputError(f"expected a block of 1 or more and widths from 0, got {block_size} and {tuple(layout)}")
    return math.log2(block_size) / (PRECISION_SCALE * _resolution(layout))


def _resolution(layout: tuple[int, int]) -> float:
    exponent_bits, mantissa_bits = layout
    return math.pow(exponent_bits + 0.5, EXPONENT_EXPONENT) * math.pow(mantissa_bits + 0.5, MANTISSA_EXPONENT)


def _check(parameters: float, tokens: float) -> None:
    if not (parameters > 0 and tokens > 0):
        raise InputError(f"expected positive numbers of parameters and tokens, got {parameters:g} and {tokens:g}")
