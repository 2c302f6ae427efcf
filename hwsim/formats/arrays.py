"""Arrays on their way to a kernel: what may be encoded, magnitudes of integers, patterns, and values by a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.kernels.threads import VECTOR_SPAN, over_threads

Array = NDArray[Any]

FLOAT32 = (23, 127)  # stored significand bits and bias (IEEE 754-2019, table 3.5)
FLOAT64 = (52, 1023)


def numeric(x: ArrayLike) -> Array:
    """``x`` as contiguous float32, float64 or integers, without loss; `InputError` for anything else."""
    values = np.asarray(x)
    if values.dtype.kind in "biu" or values.dtype in (np.float32, np.float64):
        return np.asarray(values, order="C")
    try:
        # ml_dtypes' and numpy's narrow floats are all float32 values.
        narrow = values.dtype.itemsize <= 2 and values.dtype.kind in "fV"
        return values.astype(np.float32 if narrow else np.float64, order="C", casting="safe")
    except TypeError:
        raise InputError(f"expected float32, float64 or integers to encode, got {values.dtype}") from None


def lanes(x: Array) -> tuple[Array, Array]:
    """The patterns of float32 or float64 ``x``, unsigned and signed, for the kernels that work in its width."""
    width = x.dtype.itemsize
    return x.view(f"u{width}"), x.view(f"i{width}")


def magnitudes(values: Array) -> tuple[Array, NDArray[np.uint64]]:
    """Signs and magnitudes of integers of any type."""
    negative = values < 0
    magnitude = values.astype(np.uint64)  # modulo 2**64, so that −2**63 has a magnitude too
    return negative, np.where(negative, np.uint64(0) - magnitude, magnitude)


def int64_patterns(values: list[int]) -> Array:
    """An int64 array with the bit patterns of ``values``, which may reach ``2**64 − 1``."""
    return np.array([v & ((1 << 64) - 1) for v in values], np.uint64).view(np.int64)


def look_up(codes: Array, table: Array, out: Array) -> None:
    """``out[i] = table[codes[i]]`` of flat arrays, eight codes of a byte at a time."""
    from hwsim.kernels import decode as kernels

    whole = codes.size // 8 if codes.dtype == np.uint8 and codes.flags.c_contiguous else 0
    if whole:
        words = codes[: 8 * whole].view(np.uint64)
        over_threads(kernels.look_up_bytes, whole, codes.size // VECTOR_SPAN, words, table, out)
    over_threads(
        kernels.look_up, codes.size - 8 * whole, codes.size // VECTOR_SPAN, codes[8 * whole :], table, out[8 * whole :]
    )
