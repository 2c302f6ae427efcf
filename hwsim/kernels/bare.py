"""How kernels that allocate nothing are compiled: without reference counting, which takes two thirds of short ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def bare(function: Callable[..., Any]) -> Any:
    """`numba.njit` for functions that make no array (an allocation inside is an error when they are compiled)."""
    options: dict[str, Any] = {"cache": True, "_nrt": False}
    return njit(**options)(function)
