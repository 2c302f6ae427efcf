"""hwsim: what a datapath computes, how long it takes, what energy it draws and how big it is.

>>> import hwsim
>>> hwsim.formats.get("e4m3fn").max
448.0
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwsim import formats
    from hwsim.arch import Architecture
    from hwsim.arch.matrix_units import mma
    from hwsim.base.errors import HwsimError, InputError
    from hwsim.datapath import Datapath
    from hwsim.engine.simulate import compare, simulate
    from hwsim.workload import Workload

    __version__: str

__all__ = [
    "Architecture",
    "Datapath",
    "HwsimError",
    "InputError",
    "Workload",
    "__version__",
    "compare",
    "formats",
    "mma",
    "simulate",
]

_HOMES = {
    "Architecture": "hwsim.arch",
    "Datapath": "hwsim.datapath",
    "HwsimError": "hwsim.base.errors",
    "InputError": "hwsim.base.errors",
    "Workload": "hwsim.workload",
    "compare": "hwsim.engine",
    "mma": "hwsim.arch.matrix_units",
    "simulate": "hwsim.engine",
}
"""Public name to the package it lives in, imported at first use (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name == "formats":
        return importlib.import_module("hwsim.formats")
    if name == "__version__":
        from importlib.metadata import version  # ten milliseconds that most imports do not need

        return version("hwsim")
    if name not in _HOMES:
        raise AttributeError(f"module 'hwsim' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
