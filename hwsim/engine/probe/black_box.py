"""A unit as nothing but its answers: dot products in, bit patterns out, and how many were asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.units.matrix_unit import MatrixUnit
from hwsim.units.registry import MatmulUnit

FREE_K = 64
"""Products of one question where the unit takes any number of them."""
LEAST_K = 16
"""Products of one question to an instruction of fewer: several instructions, each taking the one before as c."""


@dataclass(frozen=True)
class Questions:
    """Rows of dot products as codes: a, b [rows, K], c [rows], scales [rows, K/block] where there are any."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    scale_a: np.ndarray | None = None
    scale_b: np.ndarray | None = None

    def __len__(self) -> int:
        return int(self.a.shape[0])

    def rows(self, which: Any) -> Questions:
        """Those that ``which`` (an index, a slice, a mask) selects."""
        return Questions(*(None if x is None else x[which] for x in self.arrays))  # type: ignore[arg-type]

    @property
    def arrays(self) -> tuple[np.ndarray | None, ...]:
        """a, b, c, scale_a, scale_b."""
        return self.a, self.b, self.c, self.scale_a, self.scale_b

    @classmethod
    def together(cls, parts: list[Questions]) -> Self:
        """All rows of ``parts``, in order."""
        columns = list(zip(*(part.arrays for part in parts), strict=True))
        return cls(*(None if x[0] is None else np.concatenate(x) for x in columns))  # type: ignore[arg-type]


@dataclass
class BlackBox:
    """What a probe may know of a unit: the formats of a, b, c, d and of scales, k, and ``dot``."""

    name: str
    a: Format
    b: Format
    c: Format
    d: Format
    k: int
    """Products of one question."""
    dot: Callable[[Questions], np.ndarray]
    instruction_k: int | None = None
    """Products of one instruction; None where a unit takes any number."""
    scale: Format | None = None
    scale_block: int = 32
    takes_c: bool = True
    asked: int = field(default=0)
    """Dot products asked so far."""
    reach: tuple[int, int] | None = field(default=None)
    """Exponents of the largest and of the least product that comes out as it is, once they were found."""

    def ask(self, questions: Questions) -> np.ndarray:
        """Codes of d, one for each row."""
        self.asked += len(questions)
        return self.dot(questions)

    @property
    def whole(self) -> bool:
        """Whether operands and sums are integers."""
        return self.d.kind == "integer"

    def questions(self, a: Any, b: Any, c: Any, scale_a: Any = None, scale_b: Any = None) -> Questions:
        """Values as codes, rounded toward zero where a format does not hold them."""
        if self.scale is not None:
            shape = (len(a), -(-self.k // self.scale_block))
            scale_a, scale_b = (
                self.scale.encode(np.ones(shape) if s is None else s, "rz", "saturate") for s in (scale_a, scale_b)
            )
        pairs = ((a, self.a), (b, self.b), (c, self.c))
        left, right, start = (f.encode(np.asarray(x, np.float64), "rz") for x, f in pairs)
        return Questions(left, right, start, scale_a, scale_b)


def black_box(unit: Any, name: str | None = None) -> BlackBox:
    """``unit`` (a `MatrixUnit`, a `Datapath`, a unit of an architecture) behind its dot products.

    Raises `InputError` for operands that are neither all floats nor all integers.
    """
    if isinstance(unit, MatrixUnit):
        box = _instruction(unit)
    elif isinstance(unit, Datapath):
        box = _datapath(unit)
    elif isinstance(unit, MatmulUnit):
        box = _compute(unit)
    else:
        raise InputError(f"a probe needs a matrix unit, a datapath or a compute unit, got {type(unit).__name__}")
    box.name = name or box.name
    kinds = {f.kind for f in (box.a, box.b, box.d)}
    if kinds not in ({"float"}, {"integer"}):
        raise InputError(f"{box.name}: a probe needs floats or integers throughout, got {', '.join(sorted(kinds))}")
    return box


def _instruction(unit: MatrixUnit) -> BlackBox:
    datapath = unit.datapath
    a, b, d = datapath.operands.a, datapath.operands.b, datapath.result_format
    whole = d.kind == "integer"

    def dot(q: Questions) -> np.ndarray:
        raw = (_raw(q.a, a), _raw(q.b, b), q.c)
        return unit.dot_bits(*raw, q.scale_a, q.scale_b).astype(np.uint64)

    box = BlackBox(
        f"{unit.name} {unit.instruction}", a, b, get("int32") if whole else datapath.c_format,
        get("int32") if whole else d, unit.k * max(2, -(-LEAST_K // unit.k)), dot, unit.k,
    )  # fmt: skip
    box.scale, box.scale_block = datapath.operands.scale, datapath.operands.scale_block
    return box


def _raw(codes: np.ndarray, number_format: Format) -> np.ndarray:
    return codes.astype(np.uint32) << np.uint32(13) if number_format.name == "tf32" else codes


def _datapath(datapath: Datapath) -> BlackBox:
    operands, d = datapath.operands, datapath.result_format
    mask = np.uint64((1 << d.bits) - 1)

    def dot(q: Questions) -> np.ndarray:
        return datapath.dot_codes(*q.arrays).codes.astype(np.uint64) & mask  # type: ignore[arg-type]

    k = FREE_K if datapath.order is None else -(-FREE_K // len(datapath.order)) * len(datapath.order)
    box = BlackBox(datapath.name or "datapath", operands.a, operands.b, datapath.c_format, d, k, dot)
    box.scale, box.scale_block = operands.scale, operands.scale_block
    return box


def _compute(unit: MatmulUnit) -> BlackBox:
    d = unit.result_format
    mask = np.uint64((1 << d.bits) - 1)
    datapath = next((x for x in (getattr(unit, name, None) for name in ("datapath", "pe")) if x is not None), None)

    def dot(q: Questions) -> np.ndarray:
        codes = unit.matmul_codes(q.a[:, None, :], q.b[:, :, None], q.c[:, None, None] if box.takes_c else None).codes
        return np.asarray(codes).reshape(-1).astype(np.uint64) & mask

    c = datapath.c_format if isinstance(datapath, Datapath) else d
    box = BlackBox(unit.kind, unit.a_format, unit.b_format, c, d, FREE_K, dot)
    one = box.questions(np.ones((1, FREE_K)), np.zeros((1, FREE_K)), np.ones(1))
    try:
        box.takes_c = bool(dot(one)[0] != 0)
    except (InputError, TypeError):
        box.takes_c = False
    return box
