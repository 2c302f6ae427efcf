"""Layer tables in CSV, as SCALE-Sim reads them: a matrix product or a convolution per line, shapes only.

Matrix products: ``Layer, M, N, K``. Convolutions: ``Layer name, IFMAP Height, IFMAP Width, Filter Height,
Filter Width, Channels, Num Filter, Strides``, without padding (tables give padded extents); a stride for each side
may stand in ``Stride height`` and ``Stride width``. All may have a column ``Repeat`` (or ``Batch size``: images are
layers of their own), and SCALE-Sim's ``Sparsity`` (N:M), which it uses only where its configuration says so: layers are
dense here. Columns are found by their heading, in any order and case; from a cell that begins with # a line is a
comment. A layer with DP in its name is depthwise: each channel is a layer of its own. Layers of the same name are told
apart by a number.
"""

from __future__ import annotations

import csv
import itertools
import re
from pathlib import Path
from typing import Any

from hwsim.base.errors import InputError, did_you_mean
from hwsim.workload.windows import output_extent
from hwsim.workload.workload import Workload

_NAME_HEADINGS = ("layer", "layer name", "name")
_GEMM = ("m", "n", "k")
_SIZES = ("ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter")
_CONVOLUTION = (*_SIZES, "strides")
_TWO_STRIDES = (*_SIZES, "stride height", "stride width")
_OPTIONAL = ("repeat", "sparsity")
_SAME = {"stride": "strides", "sparsity ratio": "sparsity", "num filters": "num filter", "batch size": "repeat"}
"""Other spellings of a heading (from tables in circulation)."""
_MAX_BYTES = 8 << 20


def read_layer_table(path: Path) -> Workload:
    """One drawn ``gemm`` per line of the table; convolutions become [OH·OW, C·KH·KW] × [.., filters] with `windows`.

    Output extents are ⌊(size − filter)/stride⌋ + 1. (SCALE-Sim itself rounds up, so that its stride-2
    outputs are one larger where the division is not exact.) 64 × 64 outputs of each layer are computed.
    Raises `InputError` with the line.
    """
    rows = _rows(path)
    number, heading = rows[0] if rows else (1, [])
    columns = _columns(heading)
    if not columns or columns[0] not in _NAME_HEADINGS:
        raise InputError(f"{path}:{number}: expected a heading such as 'Layer, M, N, K'")
    wanted = _GEMM if "m" in columns else _TWO_STRIDES if "stride height" in columns else _CONVOLUTION
    _check_heading(f"{path}:{number}", columns[1:], wanted)
    operators: list[dict[str, Any]] = []
    names: set[str] = set()
    for line, cells in rows[1:]:
        entry = _entry(f"{path}:{line}", columns, cells, wanted)
        operators.append(entry | {"name": _free(entry["name"], names)})
        names.add(operators[-1]["name"])
    if not operators:
        raise InputError(f"{path}: no layers")
    entries = {
        "name": path.stem, "description": f"Layer table {path.name}.", "operators": operators,
        "numerics": {"sample": {"rows": 64, "cols": 64}},
    }  # fmt: skip
    return Workload.model_validate(entries)


def _columns(heading: list[str]) -> list[str]:
    """Headings in lower case, one spelling for each; of two widths of an image the first is its height."""
    columns = [" ".join(text.lower().split()) for text in heading]
    if columns.count("ifmap width") == 2 and "ifmap height" not in columns:
        columns[columns.index("ifmap width")] = "ifmap height"
    return [_SAME.get(text, text) for text in columns]


def _free(name: str, taken: set[str]) -> str:
    numbers = itertools.count(2)
    free = name
    while free in taken:
        free = f"{name}_{next(numbers)}"
    return free


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of every line that is not blank; a trailing comma adds no cell, nor does a comment."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'no UTF-8 text'}") from None
    found = []
    for number, cells in enumerate(csv.reader(text.splitlines()), 1):
        stripped = list(itertools.takewhile(lambda cell: not cell.startswith("#"), (cell.strip() for cell in cells)))
        while stripped and not stripped[-1]:
            stripped.pop()
        if stripped:
            found.append((number, stripped))
    return found


def _check_heading(place: str, columns: list[str], wanted: tuple[str, ...]) -> None:
    for column in columns:
        if column not in (*wanted, *_OPTIONAL):
            raise InputError(f"{place}: unknown column '{column}'{did_you_mean(column, [*wanted, *_OPTIONAL])}")
    for column in wanted:
        if columns.count(column) != 1:
            raise InputError(f"{place}: expected one column '{column}', got {columns.count(column)}")


def _entry(place: str, columns: list[str], cells: list[str], wanted: tuple[str, ...]) -> dict[str, Any]:
    missing = len(columns) - len(cells)
    if missing == 1 and columns[-1] == "sparsity":
        cells = [*cells, "1:1"]
    elif missing:
        raise InputError(f"{place}: expected {len(columns)} cells, got {len(cells)}")
    numbers = {
        column: _positive(f"{place}: {column}", cell)
        for column, cell in zip(columns[1:], cells[1:], strict=True)
        if column != "sparsity"
    }
    for column, cell in zip(columns, cells, strict=True):
        if column == "sparsity" and not re.fullmatch(r"[1-9]\d*:[1-9]\d*", cell):
            raise InputError(f"{place}: sparsity: expected a ratio such as 2:4, got '{cell}'")
    if not cells[0]:
        raise InputError(f"{place}: the layer has no name")
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in cells[0])
    entry: dict[str, Any] = {
        "name": name if name[0].isalpha() else f"_{name}",
        "op": "gemm",
        "repeat": numbers.get("repeat", 1),
    }
    if wanted is _GEMM:
        return entry | {key: numbers[key] for key in _GEMM}
    if "DP" in cells[0]:  # as SCALE-Sim tells depthwise layers
        entry["repeat"] *= numbers["channels"]
        numbers["channels"] = 1
    return entry | _unfolded(place, numbers)


def _unfolded(place: str, numbers: dict[str, int]) -> dict[str, Any]:
    size = numbers["ifmap height"], numbers["ifmap width"]
    kernel = numbers["filter height"], numbers["filter width"]
    both = numbers.get("strides", 1)
    stride = numbers.get("stride height", both), numbers.get("stride width", both)
    rows, cols = output_extent(size, kernel, stride, (0, 0))
    if min(rows, cols) < 1:
        raise InputError(f"{place}: the filter {list(kernel)} is larger than the input {list(size)}")
    windows = {"image": size, "channels": numbers["channels"], "kernel": kernel, "stride": stride}
    extents = {"m": rows * cols, "n": numbers["num filter"], "k": numbers["channels"] * kernel[0] * kernel[1]}
    return extents | {"windows": windows}


def _positive(place: str, cell: str) -> int:
    if not cell.isascii() or not cell.isdigit() or int(cell) < 1:
        raise InputError(f"{place}: expected a whole number above 0, got '{cell}'")
    return int(cell)
