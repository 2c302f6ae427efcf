"""Any multiplier at all: a table of the products of all pairs of codes, from a file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import PrivateAttr, ValidationInfo, field_validator, model_validator

from hwsim.base.errors import InputError
from hwsim.base.shipped import resolve
from hwsim.datapath.codes import code
from hwsim.datapath.factor import Factor, fraction_bits
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import Part
from hwsim.formats.base import Format
from hwsim.formats.exact import TWO
from hwsim.formats.integer import UniformFormat

TABLE_BITS = 16
"""Operands of this many bits together at most, as in `hwsim.datapath.products`."""

Stamp = tuple[str, int, int]
"""A file as it was read: path, time of its last change in ns, size in bytes."""
Rows = tuple[tuple[Fraction, ...], ...]
EXAMPLE = "multipliers/underdesigned_uint4.csv"


@multipliers.register("table")
class TableMultiplier(Multiplier):
    """The product of codes i of a and j of b is entry [i, j] of a ``.csv`` or ``.npy`` file.

    2**(bits of a) rows of 2**(bits of b) numbers, by the operands' bit patterns (int4's −1 is row 15). Between integers
    and fixed-point numbers entries are integers in units of the operands' last places, which makes them plain products
    of integers; else they are values, each a fraction of a power of two. The rows of an infinity or NaN are not used:
    IEEE 754 says what their products are. Paths are relative to the file that names them, then to the shipped data.
    """

    kind: Literal["table"] = "table"
    file: str
    """``.csv`` (numbers between commas, a line per row; lines that begin with # are not read) or ``.npy``."""

    _stamp: Stamp = PrivateAttr(default=("", 0, 0))

    @classmethod
    def examples(cls) -> list[Self]:
        return [cls(file=EXAMPLE)]

    @field_validator("file")
    @classmethod
    def _found(cls, value: str, info: ValidationInfo) -> str:
        """The path as it is found from here on, whatever file this record is copied into."""
        source = (info.context or {}).get("source", Path("here"))  # without a file: the working directory
        try:
            return str(resolve(source, value, "archs"))
        except InputError as error:
            raise ValueError(str(error).removeprefix(f"{source}: ")) from None

    @model_validator(mode="after")
    def _read(self) -> Self:
        status = Path(self.file).stat()
        self._stamp = (self.file, status.st_mtime_ns, status.st_size)
        rows(self._stamp)
        return self

    def check(self, a: Format, b: Format) -> None:
        if a.bits + b.bits > TABLE_BITS:
            raise ValueError(f"a table takes operands of {TABLE_BITS} bits together, got {a.name} x {b.name}")
        table = rows(self._stamp)
        shape = len(table), len(table[0])
        if shape != (1 << a.bits, 1 << b.bits):
            raise ValueError(
                f"{a.name} x {b.name} needs a table of {1 << a.bits} rows of {1 << b.bits} numbers, "
                f"'{self.file}' has {shape[0]} of {shape[1]}"
            )
        if _whole(a, b):
            broken = next((entry for row in table for entry in row if entry.denominator != 1), None)
            if broken is not None:
                raise ValueError(f"expected integers in '{self.file}' for {a.name} x {b.name}, got {float(broken)}")

    def product(self, x: Factor, y: Factor, a: Format, b: Format) -> Factor:
        entry, exponent = rows(self._stamp)[code(x, a)][code(y, b)], x.exponent + y.exponent
        negative = entry < 0 if entry else x.negative != y.negative
        return Factor(negative, abs(entry) if _whole(a, b) else abs(entry) / TWO**exponent, exponent)

    def fraction_bits(self, a: Format, b: Format) -> int:
        return places(self._stamp, a, b)[0]

    def product_bits(self, a: Format, b: Format) -> int:
        return sum(places(self._stamp, a, b))

    def parts(self, a: Format, b: Format) -> list[Part]:
        """The table itself, as constants; what the user's circuit takes instead is not known."""
        from hwsim.technology.primitives import LookupTable

        return [Part("product table", LookupTable(1 << (a.bits + b.bits), self.product_bits(a, b)))]


def _whole(a: Format, b: Format) -> bool:
    """Whether entries are integers in units of the operands' last places."""
    return isinstance(a, UniformFormat) and isinstance(b, UniformFormat)


@lru_cache(maxsize=16)
def places(stamp: Stamp, a: Format, b: Format) -> tuple[int, int]:
    """Bits after and before the binary point of ``entry / 2**(exponents of the operands)``, enough for all entries."""
    exponents = [0] * (1 << a.bits), [0] * (1 << b.bits)
    if not _whole(a, b):
        exponents = _exponents(a), _exponents(b)
    after = before = 0
    for row, first in zip(rows(stamp), exponents[0], strict=True):
        for entry, second in zip(row, exponents[1], strict=True):
            scaled = abs(entry) / TWO ** (first + second)
            after = max(after, scaled.denominator.bit_length() - 1)
            before = max(before, int(scaled).bit_length())
    return after, before


def _exponents(number_format: Format) -> list[int]:
    """Of each code as multipliers see it (`hwsim.datapath.products.factors`)."""
    parts = number_format.unpack(np.arange(1 << number_format.bits, dtype=np.uint64))
    return [int(exponent) + fraction_bits(number_format) for exponent in parts.exponent]


@lru_cache(maxsize=16)
def rows(stamp: Stamp) -> Rows:
    """The numbers of a file, exactly; `ValueError` with one line for a file that is no table of them."""
    path = Path(stamp[0])
    if path.suffix not in _READERS:
        raise ValueError(f"expected a .csv or .npy file, got '{path}'")
    try:
        table = _READERS[path.suffix](path)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is no readable table: {error}") from None
    if not table or not table[0] or len({len(row) for row in table}) != 1:
        raise ValueError(f"expected rows of equal length in '{path}'")
    for entry in (entry for row in table for entry in row):
        if entry.denominator & (entry.denominator - 1):
            raise ValueError(f"'{path}' has {entry}, which no binary number equals")
    return table


def _from_csv(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as stream:
        lines = (line for line in stream if line.strip() and not line.startswith("#"))
        return tuple(tuple(_number(text, path) for text in row) for row in csv.reader(lines))


def _number(text: str, path: Path) -> Fraction:
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"expected finite numbers in '{path}', got '{text.strip()[:40]}'") from None


def _from_npy(path: Path) -> Rows:
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"'{path}' is no readable table: {str(error).splitlines()[0]}") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "iuf":
        raise ValueError(f"expected an array of numbers with two dimensions in '{path}'")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"expected finite numbers in '{path}'")
    return tuple(tuple(Fraction(entry) for entry in row) for row in array.tolist())


_READERS: dict[str, Callable[[Path], Rows]] = {".csv": _from_csv, ".npy": _from_npy}
