"""The end of a GEMM: scales, bias and activation in fp32, and the rounding into the output's format."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from hwsim.base.record import Record
from hwsim.formats import FormatName
from hwsim.formats import get as get_format
from hwsim.formats.base import Format
from hwsim.formats.rounding import Rounding


class Epilogue(Record):
    """``output(activation(RN32(acc·α + bias)))`` with α = RN32(scale_a·scale_b), as cuBLASLt does with FP8.

    The product and the bias are added exactly and rounded once (a fused multiply-add; the rule was recorded with
    bias 0 by mmaemu 0.1.0, its place in the FMA is *assumed* from CUTLASS's per-column-bias fusion).
    Scales and bias are first rounded to fp32.
    """

    scale_a: float = 1.0
    scale_b: float = 1.0
    bias: float = 0.0
    activation: Literal["none", "relu"] = "none"
    """``relu``: max(y, +0); NaN stays."""
    output: FormatName = get_format("fp32")
    """Format of the result, rounded into from fp32."""
    rounding: Rounding = "rne"
    overflow: str | None = None
    """As in `Format.encode`; when not given, 8-bit floats saturate and others take their default."""

    def apply(
        self, sums: np.ndarray, scale_a: np.ndarray, scale_b: np.ndarray, bias: np.ndarray, canonical_nan: bool
    ) -> np.ndarray:
        """float32 sums [m, n], scales [m or 1] and [n or 1], bias [n or 1] -> codes [m, n] of ``output``."""
        with np.errstate(all="ignore"):
            alpha = scale_a[:, None] * scale_b[None, :]
        y = fused_multiply_add(sums, alpha, bias[None, :])
        if self.activation == "relu":
            y = np.where(y > 0, y, np.where(np.isnan(y), y, np.float32(0)))
        return encode(self.output, y, self.rounding, self.saturation, canonical_nan)

    @property
    def saturation(self) -> str | None:
        """``overflow``, or what stands for it."""
        narrow = self.output.kind == "float" and self.output.bits <= 8
        return "saturate" if self.overflow is None and narrow else self.overflow


def fused_multiply_add(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """RN32(x·y + z) of float32 arrays, rounded once (IEEE 754-2019, section 5.4.1).

    The product is exact in float64. The sum is rounded to odd there, which float32's 24 bits cannot tell from the
    exact sum (Boldo and Melquiond, Emulation of FMA and correctly rounded sums, IEEE TC 2008).
    """
    with np.errstate(all="ignore"):
        product = x.astype(np.float64) * y.astype(np.float64)
        return round_to_odd(product, np.broadcast_to(z.astype(np.float64), product.shape)).astype(np.float32)


def round_to_odd(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x + y of float64 arrays: where it is not exact, of the two neighbours the one whose last bit is 1."""
    with np.errstate(all="ignore"):
        total = x + y
        part = total - x
        error = (x - (total - part)) + (y - part)  # Knuth's two-sum
        inexact = np.isfinite(error) & (error != 0)
        bits = total.view(np.int64)
        even = inexact & ((bits & 1) == 0)
        outward = (error > 0) == (total > 0)
        odd: np.ndarray = (bits + np.where(even, np.where(outward, 1, -1), 0)).view(np.float64)
    return odd


def encode(
    target: Format, values: np.ndarray, rounding: str = "rne", overflow: str | None = None, canonical_nan: bool = False
) -> np.ndarray:
    """Codes of ``values``; NaN is all ones below a zero sign bit where the unit gives it so."""
    codes: np.ndarray = target.encode(values, rounding, overflow, None if target.has_nan else "zero")
    if canonical_nan and target.has_nan and getattr(target, "specials", "") in ("ieee", "fn"):
        codes[np.isnan(values)] = (1 << (target.bits - 1)) - 1
    return codes


def as_float32(value: Any, default: float) -> np.ndarray:
    """One number or a vector, in fp32, as a vector."""
    given = default if value is None else value
    with np.errstate(over="ignore"):
        return np.atleast_1d(np.asarray(given, np.float64).astype(np.float32))
