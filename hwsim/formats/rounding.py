"""Names of rounding modes, overflow policies and NaN policies, and the numbers kernels know them by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from hwsim.base.errors import InputError, did_you_mean

Rounding = Literal["rne", "rna", "rz", "ru", "rd"]
Overflow = Literal["inf", "saturate", "wrap"]
NanPolicy = Literal["error", "zero", "negative_zero", "max"]

RNE, RNA, RZ, RU, RD = range(5)

MODES: Mapping[str, int] = MappingProxyType({"rne": RNE, "rna": RNA, "rz": RZ, "ru": RU, "rd": RD})
"""IEEE 754-2019 section 4.3: to nearest ties to even, to nearest ties away, toward zero, toward +inf, toward −inf."""

OVERFLOWS = ("inf", "saturate", "wrap")
NAN_POLICIES = ("error", "zero", "negative_zero", "max")
"""What NaN becomes in a format that has none; see `hwsim.formats.base.Format.encode`."""


def mode_number(rounding: str) -> int:
    """The number kernels know ``rounding`` by; raises `InputError` with the nearest name."""
    if rounding not in MODES:
        raise InputError(f"unknown rounding '{rounding}'{did_you_mean(rounding, MODES)}")
    return MODES[rounding]
