"""ZigZag's workload files: a list of layers, each an equation with its loops, as drawn products and vector work.

``O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]`` with ``dimension_relations`` such as ``ix=2*ox+1*fx`` becomes a
``gemm`` with the windows of a convolution, ``O[d][k]+=I[d][c]*W[c][k]`` one without. What a loop is follows from the
operands it stands in: output and weight: a column; output and input: a row; weight and input: part of the sum; all
three: a product of its own, that is a repeat. Images of a convolution's batch are repeats too, as if their weights
were fetched anew. Sums of two operands become ``add``. Pooling has no operator without an input here and is left out,
which the description says. Shapes only: no numbers are computed. Widths are the architecture's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

from hwsim.base.document import Document
from hwsim.base.errors import did_you_mean

ROWS = "layers"
_INDICES = r"((?:\[\w*\])+)"
_EQUATION = re.compile(rf"O{_INDICES}(\+?)=(\w){_INDICES}[*+](\w){_INDICES}")
_RELATION = re.compile(r"(i[xy])=(?:(\d+)\*)?(o[xy])\+(?:(\d+)\*)?(f[xy])")
_FORM = "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]"


def is_layer_list(document: Document) -> bool:
    """Whether a file is a list of layers in ZigZag's words."""
    rows = document.data.get(ROWS)
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict) and "loop_dims" in rows[0]


def converted(document: Document) -> dict[str, Any]:
    """What the file would say in hwsim's own words; raises `InputError` with the place of what cannot be taken."""
    operators, left_out = [], []
    for place, row in enumerate(document.data[ROWS]):
        if not isinstance(row, dict):
            raise document.error((ROWS, place), "expected a layer's equation, loop_dims and loop_sizes")
        if "Pool" in str(row.get("operator_type", "")):
            left_out.append(str(row.get("id", place)))
        else:
            operators.append(_operator(document, place, row))
    words = f"; layers left out, as pooling: {', '.join(left_out)}" if left_out else ""
    return {
        "name": document.path.stem,
        "description": f"ZigZag's {document.path.name}{words}.",
        "operators": operators,
        "numerics": {"compute": False},
    }


@dataclass(frozen=True)
class _Equation:
    """Which loops stand in which operand; where the input has an index of windows, both loops of it."""

    sums: bool
    output: frozenset[str]
    weight: frozenset[str]
    input: frozenset[str]

    @property
    def loops(self) -> frozenset[str]:
        return self.output | self.weight | self.input

    def named(self, *, output: bool, weight: bool, input: bool) -> frozenset[str]:
        """The loops that stand in just these operands."""
        wanted = (output, weight, input)
        operands = (self.output, self.weight, self.input)
        return frozenset(loop for loop in self.loops if tuple(loop in one for one in operands) == wanted)


def _operator(document: Document, place: int, row: dict[str, Any]) -> dict[str, Any]:
    at = (ROWS, place)
    equation, extents = _equation(document, at, row), _extents(document, at, row)
    for loop in extents:
        if loop not in equation.loops:
            raise document.error((*at, "loop_dims"), f"unknown loop '{loop}'{did_you_mean(loop, equation.loops)}")
    kind = re.sub("[^A-Za-z0-9]", "_", str(row.get("operator_type", "Conv")))
    named = {"name": f"{kind}_{row.get('id', place)}"}
    if not equation.sums:
        length = extents.get("OX", 1) * extents.get("OY", 1)
        return {**named, "op": "add", "rows": prod(extents.values()) // length, "length": length}
    return {**named, "op": "gemm", **_product(document, at, row, equation, extents)}


def _product(
    document: Document, at: tuple[Any, ...], row: dict[str, Any], equation: _Equation, extents: dict[str, int]
) -> dict[str, Any]:
    stride = _strides(document, at, row)
    windows = {f"{part}{axis}".upper() for axis in stride for part in "OF"}
    rows = equation.named(output=True, weight=False, input=True)
    sums = equation.named(output=False, weight=True, input=True)
    columns = equation.named(output=True, weight=True, input=False)
    apart = equation.named(output=True, weight=True, input=True)
    odd = sorted(loop for loop in equation.loops - rows - sums - columns - apart if extents.get(loop, 1) > 1)
    if odd:
        raise document.error((*at, "equation"), f"loop '{odd[0]}' stands in one operand only")

    def size(loops: frozenset[str]) -> int:
        return prod(extents.get(loop, 1) for loop in loops)

    images, outputs = size(rows - windows), size(rows & windows)
    channels, kernel = size(sums - windows), size(sums & windows)
    product = {"m": outputs, "n": size(columns), "k": channels * kernel, "repeat": size(apart)}
    if outputs * kernel == 1:
        return {**product, "m": images}
    high, wide, down, right = (extents.get(loop, 1) for loop in ("OY", "OX", "FY", "FX"))
    steps = stride.get("y", 1), stride.get("x", 1)
    image = [(high - 1) * steps[0] + down, (wide - 1) * steps[1] + right]
    found = {"image": image, "channels": channels, "kernel": [down, right], "stride": list(steps)}
    return {**product, "repeat": product["repeat"] * images, "windows": found}


def _equation(document: Document, at: tuple[Any, ...], row: dict[str, Any]) -> _Equation:
    found = _EQUATION.fullmatch(re.sub(r"\s", "", str(row.get("equation"))))
    if found is None or {found[3], found[5]} != {"W", "I"}:
        raise document.error((*at, "equation"), f"expected an equation such as {_FORM}, got '{row.get('equation')}'")
    indices = {"O": found[1], found[3]: found[4], found[5]: found[6]}
    relations = {match[1]: (match[3], match[5]) for match in _relations(document, at, row)}
    loops = {
        operand: frozenset(
            loop.upper() for index in re.findall(r"\w+", text) for loop in relations.get(index, (index,))
        )
        for operand, text in indices.items()
    }
    return _Equation(bool(found[2]), loops["O"], loops["W"], loops["I"])


def _extents(document: Document, at: tuple[Any, ...], row: dict[str, Any]) -> dict[str, int]:
    names, sizes = row.get("loop_dims"), row.get("loop_sizes")
    if not isinstance(names, list) or not isinstance(sizes, list) or len(names) != len(sizes):
        raise document.error(at, "expected as many loop_sizes as loop_dims")
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise document.error((*at, "loop_sizes"), f"expected whole numbers above 0, got {size!r}")
    return dict(zip(map(str, names), sizes, strict=True))


def _strides(document: Document, at: tuple[Any, ...], row: dict[str, Any]) -> dict[str, int]:
    """The stride of each axis that has windows."""
    stride = {}
    for found in _relations(document, at, row):
        if int(found[4] or 1) != 1:
            raise document.error((*at, "dimension_relations"), f"windows with gaps (dilation {found[4]}) are not read")
        stride[found[1][1]] = int(found[2] or 1)
    return stride


def _relations(document: Document, at: tuple[Any, ...], row: dict[str, Any]) -> list[re.Match[str]]:
    written, matches = row.get("dimension_relations") or [], []
    for relation in written if isinstance(written, list) else [written]:
        found = _RELATION.fullmatch(str(relation).replace(" ", ""))
        if found is None:
            raise document.error(
                (*at, "dimension_relations"), f"expected a relation such as 'ix=2*ox+1*fx', got '{relation}'"
            )
        matches.append(found)
    return matches
