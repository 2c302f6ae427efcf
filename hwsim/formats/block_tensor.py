"""A tensor in a block format: codes of its elements and of its scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from hwsim.formats.arrays import Array
from hwsim.formats.block_layout import Layout

if TYPE_CHECKING:
    from hwsim.formats.block_format import BlockFormat


@dataclass(frozen=True)
class BlockTensor:
    """What `BlockFormat.quantize` gives."""

    format: BlockFormat
    layout: Layout
    """Which values share a scale."""
    codes: Array
    """Codes of the elements, of the tensor's shape."""
    scales: Array
    """Codes of the scales: the tensor's shape with blocks instead of values along the divided axes."""
    tensor_scale: np.float32 | None
    """The second level, or None."""

    @property
    def multipliers(self) -> Array:
        """What each block's elements are multiplied by: its scale, times the tensor's where there is one."""
        return self.format.multipliers(self.scales, self.tensor_scale)

    def dequantize(self, dtype: DTypeLike = np.float64) -> Array:
        """``scale · element``, exact in float64 for elements of up to 29 significand bits; then of ``dtype``.

        The whole block is NaN where the scale is.
        """
        from hwsim.formats.block_encode import scale_rows

        elements = self.layout.to_blocks(self.format.element.decode(self.codes))
        with np.errstate(invalid="ignore", over="ignore"):
            values = scale_rows(elements, self.multipliers.reshape(-1))
            return self.layout.from_blocks(values).astype(dtype, copy=False)

    @property
    def bits(self) -> int:
        """Bits of all codes, scales included."""
        second = 0 if self.format.tensor_scale is None else self.format.tensor_scale.format.bits
        return int(self.codes.size * self.format.element.bits + self.scales.size * self.format.scale.bits + second)

    def record(self) -> dict[str, Any]:
        """Plain arrays, to be saved (``numpy.savez``)."""
        second = {} if self.tensor_scale is None else {"tensor_scale": self.tensor_scale}
        return {"codes": self.codes, "scales": self.scales, **second}
