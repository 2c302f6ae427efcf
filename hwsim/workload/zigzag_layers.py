"""ZigZag's workload files: a list of layers, each an equation with its loops, as drawn products and vector work.

``O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]`` with ``dimension_relations`` such as ``ix=2*ox+1*fx`` becomes a
``gemm`` with the windows of a convolution. A loop G counts groups, that is repeats; images of a batch are repeats too,
as if their weights were fetched anew. Sums of two operands become ``add``. Pooling has no operator without an input
here and is left out, which the description says. Shapes only: no numbers are computed. Widths are the architecture's.
"""

from __future__ import annotations

import re
from typing import Any

from hwsim.base.document import Document
from hwsim.base.errors import did_you_mean

ROWS = "layers"
_LOOPS = ("B", "G", "K", "C", "OY", "OX", "FY", "FX")
_RELATION = re.compile(r"(i[xy])=(?:(\d+)\*)?(o[xy])\+(?:(\d+)\*)?(f[xy])")


def is_layer_list(document: Document) -> bool:
    """Whether a file is a list of layers in ZigZag's words."""
    rows = document.data.get(ROWS)
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict) and "loop_dims" in rows[0]


def converted(document: Document) -> dict[str, Any]:
    """What the file would say in hwsim's own words; raises `InputError` with the place of what cannot be taken."""
    operators, left_out = [], []
    for place, row in enumerate(document.data[ROWS]):
        operator = _operator(document, place, row)
        if operator is None:
            left_out.append(str(row.get("id", place)))
        else:
            operators.append(operator)
    words = f"; layers left out, as pooling: {', '.join(left_out)}" if left_out else ""
    return {
        "name": document.path.stem,
        "description": f"ZigZag's {document.path.name}{words}.",
        "operators": operators,
        "numerics": {"compute": False},
    }


def _operator(document: Document, place: int, row: dict[str, Any]) -> dict[str, Any] | None:
    at = (ROWS, place)
    kind, name = str(row.get("operator_type", "Conv")), row.get("id", place)
    names, sizes = row.get("loop_dims"), row.get("loop_sizes")
    if not isinstance(names, list) or not isinstance(sizes, list) or len(names) != len(sizes):
        raise document.error(at, "expected as many loop_sizes as loop_dims")
    extents = dict.fromkeys(_LOOPS, 1)
    for loop, size in zip(names, sizes, strict=True):
        if loop not in _LOOPS:
            raise document.error((*at, "loop_dims"), f"unknown loop '{loop}'{did_you_mean(str(loop), _LOOPS)}")
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise document.error((*at, "loop_sizes"), f"expected whole numbers above 0, got {size!r}")
        extents[loop] = size
    shown = f"{re.sub('[^A-Za-z0-9]', '_', kind)}_{name}"
    repeats = extents["B"] * extents["G"]
    if "+=" not in str(row.get("equation", "+=")).replace(" ", ""):
        length = extents["OX"] * extents["OY"]
        return {"name": shown, "op": "add", "rows": repeats * extents["K"], "length": length}
    if "Pool" in kind:
        return None
    stride, dilation = _relations(document, at, row)
    rows, columns, high, wide = (extents[loop] for loop in ("OY", "OX", "FY", "FX"))
    if dilation != (1, 1):
        raise document.error((*at, "dimension_relations"), f"windows with gaps (dilation {dilation}) are not read")
    image = [(rows - 1) * stride[0] + high, (columns - 1) * stride[1] + wide]
    operator: dict[str, Any] = {
        "name": shown, "op": "gemm", "m": rows * columns, "n": extents["K"], "k": extents["C"] * high * wide,
        "repeat": repeats,
    }  # fmt: skip
    if rows * columns * high * wide > 1:
        operator["windows"] = {
            "image": image, "channels": extents["C"], "kernel": [high, wide], "stride": list(stride),
        }  # fmt: skip
    return operator


def _relations(document: Document, at: tuple[Any, ...], row: dict[str, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Strides and dilations along (y, x)."""
    stride, dilation = {"y": 1, "x": 1}, {"y": 1, "x": 1}
    for relation in row.get("dimension_relations", []):
        found = _RELATION.fullmatch(str(relation).replace(" ", ""))
        if found is None:
            raise document.error(
                (*at, "dimension_relations"), f"expected a relation such as 'ix=2*ox+1*fx', got '{relation}'"
            )
        axis = found[1][1]
        stride[axis], dilation[axis] = int(found[2] or 1), int(found[4] or 1)
    return (stride["y"], stride["x"]), (dilation["y"], dilation["x"])
