"""Formats whose numbers share a scale by blocks: microscaling, NVFP4, block floating point."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.formats import block_scale
from hwsim.formats.arrays import Array, numeric
from hwsim.formats.block_encode import encode_blocks, largest_magnitudes
from hwsim.formats.block_layout import layout
from hwsim.formats.block_tensor import BlockTensor
from hwsim.formats.names import FormatName, scalar
from hwsim.formats.rounding import AnyRounding, Rounding


class TensorScale(Record):
    """A second scale, one for the whole tensor: ``max|x| / (max(element) · max(scale))`` in float32."""

    format: FormatName = Field(default_factory=lambda: scalar("fp32"))
    """Format that it is stored in."""
    product: FormatName | None = None
    """Format that the product of both scales is rounded into before it divides and multiplies. None: values are
    divided by their float32 product, and multiplied by both exactly."""
    stored_first: bool = True
    """Whether block scales are found relative to the stored tensor scale, or to the float32 one before."""


class BlockFormat(Record):
    """Elements of a small format with a scale for each block of them: ``x ≈ scale · element``.

    The scale follows from the largest magnitude of the block by `hwsim.formats.block_scale.Rule`; the quotient
    x / scale, in the type of x, is rounded into the element format and saturates.
    """

    name: str
    element: FormatName
    """Format of the elements. Symmetric integers (int8_symmetric) leave out the most negative value."""
    size: Annotated[int, Field(ge=1, le=4096)] | tuple[int, int] | Literal["tensor"] = 32
    """Values along the axis that share a scale, a tile of the last two axes, or the whole tensor."""
    scale: FormatName = Field(default_factory=lambda: scalar("e8m0fnu"))
    """Format of the scales."""
    rule: block_scale.Rule = "floor"
    """How the scale follows from the largest magnitude of the block."""
    scale_rounding: Rounding = "rne"
    """How ``divide`` rounds into the scale's format."""
    least_scale: float | None = None
    """Smaller scales of ``divide`` become this one."""
    tensor_scale: TensorScale | None = None
    """A second level, with ``divide``."""
    rounding: AnyRounding = "rne"
    """How a quotient is rounded; by chance with the seed that `quantize` is given."""
    nonfinite: Literal["block_nan", "saturate", "elementwise", "error"] = "block_nan"
    """Infinities and NaN. block_nan: the scale is NaN. saturate: an infinity counts as 2**128 (under rceil and round,
    which divide first, as an infinite scale), a NaN makes the scale NaN. elementwise: they do not count for the scale
    and stay what they are where the element has them, else saturate or become zero. error: they are refused."""
    source: str = ""
    """Where these choices come from."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.rule != "divide" and (self.tensor_scale is not None or self.least_scale is not None):
            raise ValueError("a tensor scale and a least scale go with the rule 'divide'")
        if isinstance(self.size, tuple) and not all(1 <= n <= 4096 for n in self.size):
            raise ValueError(f"expected tiles of 1 to 4096 rows and columns, got {list(self.size)}")
        if self.nonfinite in ("block_nan", "saturate") and not self.scale.has_nan:
            raise ValueError(f"a scale of format {self.scale} cannot be NaN: choose nonfinite elementwise or error")
        return self

    # Properties -----------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """ "block"."""
        return "block"

    @property
    def values_per_scale(self) -> int | None:
        """Values that share a scale; None where it is the whole tensor."""
        if self.size == "tensor":
            return None
        return math.prod(self.size) if isinstance(self.size, tuple) else self.size

    @property
    def bits_per_value(self) -> float:
        """Bits of an element and its share of a block's scale; a scale of the whole tensor is not counted."""
        shared = self.values_per_scale
        return self.element.bits + (0 if shared is None else self.scale.bits / shared)

    @property
    def max(self) -> float:
        """Largest value of the element under the largest scale; times the tensor's scale where there is one."""
        return float(self.element.max) * float(self.scale.max)

    @property
    def smallest(self) -> float:
        """Smallest value above zero of the element under the smallest scale; likewise."""
        return float(self.element.smallest) * max(float(self.scale.smallest), self.least_scale or 0.0)

    def __str__(self) -> str:
        return self.name

    # Quantizing -----------------------------------------------------------------------------------

    def quantize(self, x: ArrayLike, axis: int = -1, rounding: str | None = None, *, seed: int = 0) -> BlockTensor:
        """``x`` (float32 or float64, any shape) in this format, blocks running along ``axis``.

        ``rounding`` overrides the record's for the elements: any mode of `Format.encode`, random ones by ``seed``.
        The last block of a row may be shorter; tiles and whole tensors have no use for ``axis``. Under ``divide``
        scales are float32, and float64 values beyond it saturate. Raises `InputError` for a missing axis and for what
        ``nonfinite`` refuses.
        """
        values = numeric(x)
        if values.dtype.kind != "f":
            values = values.astype(np.float64)
        placed = layout(values.shape, self.size, axis)
        blocks = placed.to_blocks(values)
        largest = largest_magnitudes(blocks, self.nonfinite == "elementwise")
        self._check_finite(largest, values)
        codes, tensor_scale = self.scale_codes(largest)
        divisors = self.divisors(codes, tensor_scale)
        mode = self.rounding if rounding is None else rounding
        elements = encode_blocks(self.element, blocks, divisors, mode, self.rule != "divide", seed)
        self._restore(elements, blocks)
        elements[np.isnan(divisors)] = 0
        return BlockTensor(self, placed, placed.from_blocks(elements), placed.arranged(codes), tensor_scale)

    def scale_codes(self, largest: NDArray[np.float64]) -> tuple[Array, np.float32 | None]:
        """Codes of the scales of blocks with these largest magnitudes (maybe infinite or NaN), and the second level."""
        finite = np.where(np.isfinite(largest), largest, 0.0)
        if self.rule == "divide":
            codes, tensor_scale = self._divided(largest)
        else:
            beyond = np.isinf(largest) & (self.nonfinite == "saturate")
            # An infinity has float32's exponent 128; the rules that divide by Q first find an infinite quotient.
            infinite = 2.0**1000 if self.rule in ("rceil", "round") else 2.0**128
            magnitude = np.where(beyond, infinite, finite)
            exponent = block_scale.clipped(block_scale.exponents(magnitude, self.element, self.rule), self.scale)
            least = block_scale.clipped(np.array([-(1 << 20)]), self.scale)[0]
            exponent = np.where(magnitude == 0, least, exponent)
            codes, tensor_scale = self.scale.encode(np.ldexp(1.0, exponent), overflow="saturate"), None
        return np.where(self._is_nan(largest), self._nan_scale(), codes).astype(self.scale.code_dtype), tensor_scale

    def _divided(self, largest: NDArray[np.float64]) -> tuple[Array, np.float32 | None]:
        known = np.isfinite(largest) if self.nonfinite != "saturate" else ~np.isnan(largest)
        with np.errstate(over="ignore"):
            amax = np.where(known, largest, 0.0).astype(np.float32)
        amax = np.where(np.isinf(amax) & np.isfinite(largest), np.finfo(np.float32).max, amax)
        computed = self._tensor_scale(amax)
        stored = computed if self.tensor_scale is None else np.float32(self.tensor_scale.format.round(computed))
        by = stored if self.tensor_scale is None or self.tensor_scale.stored_first else computed
        with np.errstate(over="ignore", under="ignore"):
            scales = amax / np.float32(self.element.max) / by
        if self.least_scale is not None:
            scales = np.maximum(scales, np.float32(self.least_scale))
        codes = self.scale.encode(scales, self.scale_rounding, "saturate")
        return codes, (None if self.tensor_scale is None else stored)

    def _tensor_scale(self, amax: NDArray[np.float32]) -> np.float32:
        if self.tensor_scale is None:
            return np.float32(1)
        finite = amax[np.isfinite(amax)]
        greatest = finite.max() if finite.size else np.float32(0)
        scale = greatest / np.float32(np.float32(self.element.max) * np.float32(self.scale.max))
        return np.float32(scale) if scale > 0 else np.float32(1)

    def multipliers(self, codes: Array, tensor_scale: np.float32 | None) -> NDArray[np.float64]:
        """What elements are multiplied by."""
        if self.tensor_scale is None or tensor_scale is None or self.tensor_scale.product is not None:
            return self.divisors(codes, tensor_scale).astype(np.float64)
        return np.asarray(self.scale.decode(codes, np.float64) * np.float64(tensor_scale))

    def divisors(self, codes: Array, tensor_scale: np.float32 | None) -> Array:
        """What values are divided by: float64 powers of two, or float32 scales (times the tensor's, rounded)."""
        scales = self.scale.decode(codes, np.float64)
        if self.rule != "divide":
            return scales
        if self.tensor_scale is None or tensor_scale is None:
            return scales.astype(np.float32)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            product = scales.astype(np.float32) * tensor_scale
        if self.tensor_scale.product is None:
            return product
        nan = np.isnan(product)
        rounded = self.tensor_scale.product.round(np.where(nan, np.float32(0), product), overflow="saturate")
        return np.where(nan, np.float32(np.nan), rounded.astype(np.float32))

    # Infinities and NaN ---------------------------------------------------------------------------

    def _is_nan(self, largest: NDArray[np.float64]) -> NDArray[np.bool_]:
        nan: NDArray[np.bool_] = np.isnan(largest)
        return nan | np.isinf(largest) if self.nonfinite == "block_nan" else nan

    def _nan_scale(self) -> int:
        return int(self.scale.encode(np.nan)) if self.scale.has_nan else 0

    def _check_finite(self, largest: NDArray[np.float64], x: Array) -> None:
        if self.nonfinite == "error" and not np.isfinite(largest).all():
            raise InputError(f"{self.name}: {(~np.isfinite(x)).sum()} of {x.size} values are infinite or NaN")

    def _restore(self, codes: Array, blocks: Array) -> None:
        """``elementwise``: infinities and NaN as the element has them."""
        if self.nonfinite != "elementwise":
            return
        where = ~np.isfinite(blocks)
        if where.any():
            overflow = "inf" if "inf" in self.element.overflows else "saturate"
            codes[where] = self.element.encode(blocks[where], overflow=overflow, nan="zero")
