"""Sliding windows over images: what convolution and pooling read (im2col)."""

from __future__ import annotations

import numpy as np

Extent = tuple[int, int]


def output_extent(size: Extent, kernel: Extent, stride: Extent, padding: Extent, dilation: Extent = (1, 1)) -> Extent:
    """Rows and columns of the output: ⌊(size + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1 along each.

    Zero or negative where the kernel does not fit.
    """
    rows, cols = ((size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(2))
    return rows, cols


def windows(
    images: np.ndarray, kernel: Extent, stride: Extent, padding: Extent, *, dilation: Extent = (1, 1), fill: float = 0.0
) -> np.ndarray:
    """A view [N, C, OH, OW, KH, KW] of [N, C, H, W], padded with ``fill`` on all sides."""
    (above, left), (step_y, step_x) = padding, stride
    if above or left:
        sides = ((0, 0), (0, 0), (above, above), (left, left))
        images = np.pad(images, sides, constant_values=fill)
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(images, reach, axis=(2, 3))
    return view[:, :, ::step_y, ::step_x, :: dilation[0], :: dilation[1]]
