"""What the verbs of a format refuse: policies by the wrong name, NaN without a policy, and what is no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.arrays import Array
from hwsim.formats.rounding import NAN_POLICIES, OVERFLOWS

if TYPE_CHECKING:
    from hwsim.formats.base import Format


def check_nans(fmt: Format, nans: int, of: int, nan: str) -> None:
    """Raise `InputError` where NaN were met, none is to replace them and the format has none."""
    if nans and nan == "error" and not fmt.has_nan:
        raise InputError(
            f"{fmt.name} has no NaN, but {nans} of {of} values are NaN; "
            "give nan='zero', 'negative_zero' or 'max' to replace them"
        )


def checked_overflow(fmt: Format, overflow: str | None) -> str:
    """The policy meant, the format's first for None; `InputError` for one that it does not have."""
    if overflow is None:
        return fmt.overflows[0]
    if overflow not in fmt.overflows:
        if overflow in OVERFLOWS:
            raise InputError(f"{fmt.name} has no overflow '{overflow}', only {', '.join(fmt.overflows)}")
        raise InputError(f"unknown overflow '{overflow}'{did_you_mean(overflow, OVERFLOWS)}")
    return overflow


def checked_nan(nan: str | None) -> str:
    """The policy meant, ``error`` for None; `InputError` for an unknown one."""
    if nan is None:
        return "error"
    if nan not in NAN_POLICIES:
        raise InputError(f"unknown NaN policy '{nan}'{did_you_mean(nan, NAN_POLICIES)}")
    return nan


def checked_codes(fmt: Format, codes: ArrayLike) -> Array:
    """Codes in C order and of `Format.code_dtype`; `InputError` for what is none, as `Format.decode` says."""
    given = np.asarray(codes)
    if given.dtype.kind not in "iu":
        raise InputError(f"codes of {fmt.name} are integers, got {given.dtype}")
    if given.dtype == fmt.code_dtype and 8 * given.dtype.itemsize == fmt.bits:
        return np.asarray(given, order="C")
    if given.size and (int(given.max()) >= fmt.code_count or int(given.min()) < -(fmt.code_count >> 1)):
        raise InputError(f"a code of {fmt.name} has {fmt.bits} bits, got {given.min()} to {given.max()}")
    if given.dtype == fmt.code_dtype:
        return np.asarray(given, order="C")
    masked = given.astype(np.uint64) & np.uint64(fmt.code_count - 1)
    return masked.astype(fmt.code_dtype, order="C")
