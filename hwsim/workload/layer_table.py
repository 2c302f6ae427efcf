"""Layer tables in CSV, as SCALE-Sim reads them: a matrix product or a convolution per line, shapes only.

Matrix products: ``Layer, M, N, K``. Convolutions: ``Layer name, IFMAP Height, IFMAP Width, Filter Height,
Filter Width, Channels, Num Filter, Strides``, without padding (tables give padded extents). Both may have
a column ``Repeat``. Columns are found by their heading, in any order and case.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from hwsim.base.errors import InputError, did_you_mean
from hwsim.workload.windows import output_extent
from hwsim.workload.workload import Workload

_NAME_HEADINGS = ("layer", "layer name", "name")
_GEMM = ("m", "n", "k")
_CONVOLUTION = ("ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter", "strides")
_OPTIONAL = ("repeat",)
_MAX_BYTES = 8 << 20


def read_layer_table(path: Path) -> Workload:
    """One drawn ``gemm`` per line of the table; convolutions become [OH·OW, C·KH·KW] × [.., filters].

    Output extents are ⌊(size − filter)/stride⌋ + 1. (SCALE-Sim itself rounds up, so that its stride-2
    outputs are one larger where the division is not exact.) Raises `InputError` with the line.
    """
    rows = _rows(path)
    number, heading = rows[0] if rows else (1, [])
    columns = [text.lower() for text in heading]
    if not columns or columns[0] not in _NAME_HEADINGS:
        raise InputError(f"{path}:{number}: expected a heading such as 'Layer, M, N, K'")
    wanted = _GEMM if "m" in columns else _CONVOLUTION
    _check_heading(f"{path}:{number}", columns[1:], wanted)
    operators: list[dict[str, Any]] = []
    for line, cells in rows[1:]:
        entry = _entry(f"{path}:{line}", columns, cells, wanted)
        if entry["name"] in [other["name"] for other in operators]:
            raise InputError(f"{path}:{line}: a layer is called '{entry['name']}' already")
        operators.append(entry)
    if not operators:
        raise InputError(f"{path}: no layers")
    entries = {"name": path.stem, "description": f"Layer table {path.name}.", "operators": operators}
    return Workload.model_validate(entries)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of every line that is not blank; a trailing comma adds no cell."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'no UTF-8 text'}") from None
    found = []
    for number, cells in enumerate(csv.reader(text.splitlines()), 1):
        stripped = [cell.strip() for cell in cells]
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
    if len(cells) != len(columns):
        raise InputError(f"{place}: expected {len(columns)} cells, got {len(cells)}")
    numbers = {
        column: _positive(f"{place}: {column}", cell) for column, cell in zip(columns[1:], cells[1:], strict=True)
    }
    m, n, k = (numbers[c] for c in _GEMM) if wanted is _GEMM else _unfolded(place, numbers)
    name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in cells[0])
    name = name if name[0].isalpha() else f"_{name}"
    return {"name": name, "op": "gemm", "m": m, "n": n, "k": k, "repeat": numbers.get("repeat", 1)}


def _unfolded(place: str, numbers: dict[str, int]) -> tuple[int, int, int]:
    size = numbers["ifmap height"], numbers["ifmap width"]
    kernel = numbers["filter height"], numbers["filter width"]
    rows, cols = output_extent(size, kernel, (numbers["strides"], numbers["strides"]), (0, 0))
    if min(rows, cols) < 1:
        raise InputError(f"{place}: the filter {list(kernel)} is larger than the input {list(size)}")
    return rows * cols, numbers["num filter"], numbers["channels"] * kernel[0] * kernel[1]


def _positive(place: str, cell: str) -> int:
    if not cell.isascii() or not cell.isdigit() or int(cell) < 1:
        raise InputError(f"{place}: expected a whole number above 0, got '{cell}'")
    return int(cell)
