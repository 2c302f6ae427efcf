"""Rounding files larger than memory: a part at a time, and the result appears only when it is whole."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.base import Format
from hwsim.formats.names import scalar

PART = 1 << 22
"""Values at a time: 16 MiB of float32."""


def round_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    fmt: Format | str,
    rounding: str = "rne",
    overflow: str | None = None,
    nan: str | None = None,
    *,
    give: Literal["values", "codes"] = "values",
    seed: int = 0,
    random_bits: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Round the array of floats in ``source`` (.npy, C order) into ``target`` (.npy), as values or as codes.

    Memory stays below a few parts of `PART` values whatever the size of the file, and the bits are those of one
    `Format.round` or `Format.encode` of the whole array, of random roundings too. ``progress`` is called with the
    values done and their number. ``target`` is written under another name until it is complete.

    Raises `InputError` for a file that is no such array or cannot be written, and what `Format.encode` raises.
    """
    fmt = scalar(fmt)
    if give not in ("values", "codes"):
        raise InputError(f"expected to give 'values' or 'codes', got '{give}'")
    x = _mapped(source)
    if not Path(target).parent.is_dir():
        raise InputError(f"{target}: there is no such folder")
    if Path(source).resolve() == Path(target).resolve():
        raise InputError(f"{target}: cannot be written over while it is read")
    flat = x.reshape(-1)  # C order, without a copy
    dtype = fmt.code_dtype if give == "codes" else fmt.round(flat[:0], rounding, overflow, nan).dtype
    partial = Path(f"{os.fspath(target)}.partial")
    try:
        with partial.open("wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": x.shape}
            np.lib.format.write_array_header_1_0(file, header)
            for first in range(0, flat.size, PART):
                part = np.array(flat[first : first + PART])
                verb = fmt.encode if give == "codes" else fmt.round
                verb(part, rounding, overflow, nan, seed=seed, first=first, random_bits=random_bits).tofile(file)
                _forget(x)
                if progress is not None:
                    progress(min(first + PART, flat.size), flat.size)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _mapped(source: str | os.PathLike[str]) -> Array:
    try:
        x = np.load(source, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{source}: not a numpy array file: {error}") from None
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.dtype.itemsize > 8:
        found = getattr(x, "dtype", "an archive")
        raise InputError(f"{source}: expected an array of float16, float32 or float64, got {found}")
    if not x.flags.c_contiguous:
        raise InputError(f"{source}: expected an array in C order")
    return x


def _forget(x: Array) -> None:
    """Let the system take back the pages that have been read; only a hint, and not known everywhere."""
    mapping = getattr(x, "_mmap", None)
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
