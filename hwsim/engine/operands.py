"""The two operands of a product as codes, with the scales that bring their sums back to real values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hwsim.base.errors import HwsimError, InputError
from hwsim.formats.quantize import Scale, Scaling, calibrate, quantize
from hwsim.workload.backend import OperandRole

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.formats.base import Format


@dataclass(frozen=True)
class Operand:
    """Codes of a [.., M, K] or b [.., K, N]; ``scale`` is None where values were rounded as they are."""

    codes: np.ndarray
    fmt: Format
    scale: np.ndarray | None = None
    """What a sum is multiplied by: [.., M, 1] of a, [.., 1, N] of b, [1, 1] where it is one for the tensor."""
    zero_point: np.ndarray | None = None
    """The quantized value of real zero, of the shape of ``codes``."""

    @cached_property
    def values(self) -> np.ndarray:
        """What the codes stand for, without scale and zero point; float64."""
        return self.fmt.decode(self.codes).astype(np.float64)

    @property
    def outer_scale(self) -> np.ndarray:
        """`scale`, or one."""
        return np.ones((1, 1)) if self.scale is None else self.scale.astype(np.float64)

    def zero_point_terms(self, b: Operand) -> np.ndarray:
        """What zero points add to Σ qa·qb: Σ za·qb + Σ (qa − za)·zb over k, exactly; int64 [.., M, N] or [1, 1]."""
        qa, qb = self.values.astype(np.int64), b.values.astype(np.int64)
        terms: np.ndarray = np.zeros((1, 1), dtype=np.int64)
        if self.zero_point is not None:
            terms = terms + self.zero_point @ qb
            qa = qa - self.zero_point
        return terms if b.zero_point is None else terms + qa @ b.zero_point


def quantized_pair(
    architecture: Architecture,
    a: np.ndarray,
    b: np.ndarray,
    scale_a: Scale | None,
    scale_b: Scale | None,
    b_role: OperandRole,
) -> list[tuple[Operand, Operand]]:
    """Operands of a [.., M, K] × b [.., K, N], one pair for every group of k that has scales of its own.

    A scale that is None is chosen from the operand itself. A scale of a for every k ("channel") cannot leave
    the sum: it moves into b before b is quantized, b'[k, n] = s[k]·b[k, n], as SmoothQuant does
    (Xiao et al., arXiv:2211.10438, equation 3).
    """
    rules, unit = architecture.quantization, architecture.compute
    rule_b = rules.weights if b_role == "weight" else second_activation_rule(rules.activations, unit.b_format)
    rule_a, rule_b = along(rules.activations, -1, -1), along(rule_b, -1, 0)
    if rule_b is not None and b_role == "activation" and rule_b.granularity == "channel":
        scale_b = None  # columns are those of this very operand, not of the calibration split
    per_k = False
    if rule_a is not None and rule_a.granularity == "channel":
        per_k = True
        scale_a = calibrate_operand(a, rule_a) if scale_a is None else scale_a
        b = b * scale_a.scale.astype(np.float64)[:, None]
    left = _quantized(a, unit.a_format, rule_a, scale_a)
    # All products' columns side by side: a scale of a column (and group of k) is that of one product.
    right = _quantized(np.moveaxis(b, -2, 0).reshape(b.shape[-2], -1), unit.b_format, rule_b, scale_b)
    right = right.reshaped(lambda x: np.moveaxis(x.reshape(b.shape[-2], *b.shape[:-2], b.shape[-1]), 0, -2))
    return [
        (left.slice_of_k(k, -1, scaled=not per_k), right.slice_of_k(k, -2))
        for k in _groups(a.shape[-1], rule_a, rule_b)
    ]


def calibrate_operand(x: np.ndarray, rule: Scaling) -> Scale:
    """`calibrate` for an operand a, whose channels are those of k.

    A channel that was zero throughout could have any scale; it takes the largest of the others. With the 1 that
    `calibrate` gives it, its weights would decide the scale of every column that they move into.
    """
    chosen = calibrate(x, rule)
    if rule.granularity != "channel":
        return chosen
    largest = np.abs(x).reshape(-1, x.shape[-1]).max(axis=0)
    idle = (chosen.scale == 1) & (largest < rule.format.max / 2)  # a scale of 1 that is not chosen for a range
    others = chosen.scale[~idle]
    return replace(chosen, scale=np.where(idle, others.max(initial=0) or 1, chosen.scale).astype(np.float32))


def second_activation_rule(rule: Scaling | None, fmt: Format) -> Scaling | None:
    """The rule of activations for those that a product takes as its operand b, in that operand's own format."""
    return rule if rule is None or rule.format == fmt else rule.model_copy(update={"format": fmt})


def along(rule: Scaling | None, channel_axis: int, group_axis: int) -> Scaling | None:
    """``rule`` on an operand of a product, where channels and groups have one meaning only."""
    if rule is None:
        return None
    return rule.model_copy(update={"axis": group_axis if rule.granularity == "group" else channel_axis})


@dataclass(frozen=True)
class _Quantized:
    """A whole operand: codes, and scale and zero point broadcast to them (None without a rule)."""

    codes: np.ndarray
    fmt: Format
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    per_tensor: bool = False

    def reshaped(self, change: Callable[[np.ndarray], np.ndarray]) -> _Quantized:
        """``change`` applied to each array."""
        scale, zero_point = (None if x is None else change(x) for x in (self.scale, self.zero_point))
        return replace(self, codes=change(self.codes), scale=scale, zero_point=zero_point)

    def slice_of_k(self, k: slice, axis: int, scaled: bool = True) -> Operand:
        """The operand's part ``k`` along ``axis``; ``scaled`` is False for a scale that moved into b."""
        part = (..., k) if axis == -1 else (..., k, slice(None))
        scale = None
        if self.scale is not None:
            # The same all along this part of k: one value for each row of a, each column of b, or for all.
            first = (
                self.scale.reshape(-1)[:1].reshape(1, 1) if self.per_tensor else np.take(self.scale[part], [0], axis)
            )
            scale = first if scaled else np.ones((1, 1))
        zero = None if self.zero_point is None else self.zero_point[part]
        return Operand(self.codes[part], self.fmt, scale, zero)


def _quantized(x: np.ndarray, fmt: Format, rule: Scaling | None, scale: Scale | None) -> _Quantized:
    nans = 0 if fmt.has_nan else int(np.isnan(x).sum())
    if nans:
        raise HwsimError(f"{nans} of {x.size} values are NaN, which {fmt.name} operands do not have")
    if rule is None:
        return _Quantized(fmt.encode(x, overflow="inf" if fmt.has_inf else "saturate"), fmt)
    if scale is None or rule.granularity == "group":
        scale = calibrate(x, rule)
    codes = quantize(x, rule, scale)
    if rule.format != fmt:  # narrower integers in the operand's own width
        codes = fmt.encode(rule.format.decode(codes))
    outer, zero = (np.broadcast_to(part, x.shape) for part in scale.spread(rule, x.shape))
    per_tensor = rule.granularity == "tensor"
    outer = outer if per_tensor else outer.astype(np.float64)
    return _Quantized(codes, fmt, outer, zero if zero.any() else None, per_tensor)


def _groups(k: int, *rules: Scaling | None) -> list[slice]:
    """The runs of k that share all scales; groups of both operands must have one size."""
    sizes = {rule.group_size for rule in rules if rule is not None and rule.group_size is not None}
    if len(sizes) > 1:
        raise InputError(f"quantization: groups of weights and activations differ in size: {sorted(sizes)}")
    size = min(sizes, default=k)
    return [slice(first, min(first + size, k)) for first in range(0, k, size)]
