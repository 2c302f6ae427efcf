"""Systolic arrays in sweeps: cycles and accesses of any products on any arrays, millions a second.

>>> counts = count_many(m=[196, 196], n=192, k=384, rows=[128, 16], cols=[128, 16], dataflow="weight_stationary")
>>> counts.cycles.tolist()
[3468, 69696]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwsim.base.errors import InputError
from hwsim.units.base import TileCounts
from hwsim.units.systolic_counts import Dataflow

DATAFLOWS: tuple[Dataflow, ...] = ("output_stationary", "weight_stationary", "input_stationary")
"""By the code that kernels know them by."""


def count_many(
    m: Any, n: Any, k: Any, rows: Any, cols: Any, dataflow: Dataflow | Sequence[Dataflow], *, scalesim: bool = False
) -> TileCounts:
    """Of products [m, k] x [k, n] on ``rows`` × ``cols`` elements; whole numbers or arrays, broadcast to one shape.

    ``scalesim`` counts as `SystolicArray` does with ``timing: scalesim_v3``. Raises `InputError` for an extent
    below one.
    """
    from hwsim.kernels.systolic_closed_form import count_exact, count_scalesim

    names = [dataflow] if isinstance(dataflow, str) else list(dataflow)
    codes = np.array([DATAFLOWS.index(name) for name in names], dtype=np.int64)
    given = [np.asarray(extent, dtype=np.int64) for extent in (m, n, k, rows, cols)]
    if any(extent.size and extent.min() < 1 for extent in given):
        raise InputError("a product and an array have extents of one and more")
    shaped = np.broadcast_arrays(*given, codes[0] if isinstance(dataflow, str) else codes)
    first, second, third, high, wide, flow = (np.ascontiguousarray(each).reshape(-1) for each in shaped)
    out = np.empty((5, first.size), dtype=np.int64)
    count = count_scalesim if scalesim else count_exact
    count(first, second, third, high, wide, flow, out)
    return TileCounts(*(column.reshape(shaped[0].shape) for column in out))
