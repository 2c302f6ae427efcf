"""`mma`: the matrix units of GPUs by name, each a YAML file of instructions with their arithmetic."""

from __future__ import annotations

import os
from typing import Any

from hwsim.arch.instruction import Instruction, MatrixUnitFile, names
from hwsim.arch.instruction_cycles import measured
from hwsim.arch.instruction_names import KINDS, Shape, qualifiers
from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.evidence import Evidence
from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.units.matrix_unit import MatrixUnit

__all__ = ["Instruction", "MatrixUnitFile", "instructions", "measured_rows", "mma", "names"]

MX_BLOCK = 32
LANES_MAX = 4096


def mma(
    name: str | os.PathLike[str],
    instruction: str | None = None,
    *,
    a: Any = None,
    b: Any = None,
    d: Any = None,
    c: Any = None,
    shape: str | None = None,
    kind: str | None = None,
    scale: Any = None,
    scale_block: int | None = None,
    sparse: bool = False,
    lanes: int | None = None,
) -> MatrixUnit:
    """One instruction of a matrix unit, by the formats of A, B, D (and C), its shape and its qualifiers.

    ``name`` is a shipped unit (`names`) or a YAML file. ``instruction`` gives shape and formats in the vendor's
    spelling instead (``m16n8k32.f32.e4m3.e4m3.f32``, ``f32_16x16x32_fp8_bf8``). ``b`` is as ``a``, ``c`` as ``d``
    when not given. Where only the shape tells two sums apart (e2m1 with ue8m0: k32, k64) it must be given.
    ``sparse`` asks for the form whose a is structured sparse; ``lanes`` then overrides the products per block, which
    are not public (*assumed*: those of the dense form). Raises `InputError` with what the unit offers instead.

    >>> unit = mma("hopper.wgmma", a="e4m3fn", b="e4m3fn", d="fp32")
    >>> unit.shape, unit.datapath.reduction.align_bits
    ((64, 256, 32), 13)
    """
    unit = MatrixUnitFile.load(name)
    asked: dict[str, Any] = {"a": a, "b": b, "c": c, "d": d, "shape": shape, "kind": kind}
    asked |= {"scale": scale, "scale_block": scale_block}
    if instruction is not None:
        asked = _merged(asked, qualifiers(instruction))
    wanted = _Wanted.of(unit, asked)
    rows = [row for row in unit.instructions if wanted.fits(row)]
    if sparse:
        rows = [row for row in rows if row.sparse is not None]
    if not rows:
        raise InputError(f"{unit.name} has no {'sparse ' if sparse else ''}{wanted}; it has {_offers(unit)}")
    row = _only(unit, rows, wanted)
    return _made(unit, row, wanted, sparse, lanes)


def instructions(name: str | os.PathLike[str]) -> list[MatrixUnit]:
    """Every instruction of a unit: one for each pair of operand formats and each shape."""
    unit = MatrixUnitFile.load(name)
    found = []
    for row in unit.instructions:
        for a, b in ((x, y) for x in row.a for y in row.b or row.a if row.takes(x, y)):
            for shape in row.shapes:
                wanted = _Wanted(a, b, row.d, row.c or row.d, Shape.parse(shape), row.kind, row.scale, row.scale_block)
                found.append(_made(unit, row, wanted, False, None))
    return found


def measured_rows(unit: MatrixUnitFile, row: Instruction) -> list[dict[str, Any]]:
    """Rows of the table of cycles for any shape and operands of ``row``, sparse forms included."""
    found: dict[int, dict[str, Any]] = {}
    for a in row.a:
        for b in (x for x in row.b or row.a if row.takes(a, x)):
            for text in row.shapes:
                wanted = _Wanted(a, b, row.d, row.c or row.d, Shape.parse(text), row.kind, row.scale, row.scale_block)
                shape = wanted.shape_in(row)
                assert shape is not None
                lines = [line for n in _widths(text, shape) for line in measured(row, n, (wanted.a, wanted.b), False)]
                found |= {id(line): line for line in lines}
    return list(found.values())


def _widths(text: str, shape: Shape) -> list[Shape]:
    """The shapes that a free n stands for."""
    if "*" not in text:
        return [shape]
    return [shape.model_copy(update={"n": n}) for n in range(8, 257, 8)]


# What is asked for ----------------------------------------------------------------------------------


class _Wanted:
    """Formats, shape and qualifiers of an instruction, None where anything will do."""

    def __init__(
        self, a: Format, b: Format, d: Format | None, c: Format | None, shape: Shape | None, kind: str | None,
        scale: Format | None, scale_block: int | None,
    ) -> None:  # fmt: skip
        self.a, self.b, self.d, self.c = a, b, d, c
        self.shape, self.kind, self.scale, self.scale_block = shape, kind, scale, scale_block

    @classmethod
    def of(cls, unit: MatrixUnitFile, asked: dict[str, Any]) -> _Wanted:
        if asked["a"] is None:
            raise InputError(f"{unit.name}: which operands? Give a, such as a='{unit.instructions[0].a[0].name}'")
        a = get(asked["a"])
        b = a if asked["b"] is None else get(asked["b"])
        for operand in (a, b):
            _check_operand(unit, operand)
        if asked["kind"] is not None:
            asked = asked | {"kind": _known_kind(unit, str(asked["kind"]))}
        d, c, scale = (None if asked[key] is None else get(asked[key]) for key in ("d", "c", "scale"))
        shape = None if asked["shape"] is None else Shape.parse(str(asked["shape"]))
        if shape is None and asked["shape"] is not None:
            raise InputError(f"expected a shape such as m16n8k16 or 16x16x16, got '{asked['shape']}'")
        return cls(a, b, d, c, shape, asked["kind"], scale, asked["scale_block"])

    def fits(self, row: Instruction) -> bool:
        return (
            row.takes(self.a, self.b)
            and self.d in (None, row.d)
            and self.c in (None, row.c or row.d)
            and (self.c is not None or row.c is None or row.c == row.d)
            and (self.kind == row.kind if self.kind is not None else True)
            and self.scale == row.scale
            and (self.scale_block in (None, row.scale_block))
            and (self.shape is None or self.shape_in(row) is not None)
        )

    def shape_in(self, row: Instruction) -> Shape | None:
        """The row's shape that is asked for."""
        for text in row.shapes:
            shape = Shape.parse(text)
            assert shape is not None
            if self.shape is None:
                return shape.model_copy(update={"n": 256}) if shape.n == 0 else shape
            if shape.covers(self.shape) or shape == self.shape:
                return self.shape.model_copy(update={"n": 256}) if self.shape.n == 0 else self.shape
        return None

    def __str__(self) -> str:
        words = [f"{self.a.name} x {self.b.name}" + (f" -> {self.d.name}" if self.d is not None else "")]
        words += [f"c {self.c.name}"] if self.c is not None else []
        words += [f"m{self.shape.m}n{self.shape.n}k{self.shape.k}"] if self.shape is not None else []
        words += [f"kind {self.kind}"] if self.kind is not None else []
        if self.scale is not None:
            words.append(f"scale {self.scale.name}" + (f" per {self.scale_block}" if self.scale_block else ""))
        return ", ".join(words)


def _known_kind(unit: MatrixUnitFile, kind: str) -> str:
    kinds = {row.kind for row in unit.instructions if row.kind is not None}
    meant = KINDS.get(kind, kind)
    if meant not in kinds:
        raise InputError(f"{unit.name} has no kind '{kind}'" + (did_you_mean(kind, sorted(kinds)) if kinds else ""))
    return meant


def _check_operand(unit: MatrixUnitFile, operand: Format) -> None:
    known = {f.name: f for row in unit.instructions for f in (*row.a, *(row.b or ()))}
    if operand.name not in known:
        raise InputError(f"{unit.name} takes no {operand.name}{did_you_mean(operand.name, known)}")


def _merged(asked: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    for key, value in found.items():
        if asked[key] is not None and asked[key] != value:
            raise InputError(f"the instruction says {key} = {value}, not {asked[key]}")
    return asked | found


# What there is --------------------------------------------------------------------------------------


def _only(unit: MatrixUnitFile, rows: list[Instruction], wanted: _Wanted) -> Instruction:
    """The one row that fits: without a qualifier if there is such, else the first of those that compute the same.

    Rows of one kind that differ in their shape are variants, of which the first is meant where no shape is given.
    """
    rows = [row for row in rows if row.kind is None] or rows
    if wanted.scale is not None and wanted.scale_block is None:  # OCP's blocks of 32 where there are several
        rows = [row for row in rows if row.scale_block == MX_BLOCK] or rows
    first = rows[0]
    same = first.datapath(wanted.a, wanted.b)
    for row in rows[1:]:
        variant = row.kind == first.kind and row.scale_block == first.scale_block
        if variant or row.datapath(wanted.a, wanted.b) == same:
            continue
        found = "; ".join(f"kind {r.kind}, {r.shapes[0]}, scales of {r.scale_block}" for r in rows)
        raise InputError(f"{unit.name} has several {wanted}: give shape, kind or scale_block ({found})")
    return first


def _offers(unit: MatrixUnitFile) -> str:
    return "; ".join(dict.fromkeys(_line(row) for row in unit.instructions))


def _line(row: Instruction) -> str:
    operands = "/".join(f.name for f in row.a)
    words = f"{operands} -> {row.d.name}"
    words += f" (kind {row.kind})" if row.kind else ""
    return words + (f" (scale {row.scale.name} per {row.scale_block})" if row.scale is not None else "")


def _made(unit: MatrixUnitFile, row: Instruction, wanted: _Wanted, sparse: bool, lanes: int | None) -> MatrixUnit:
    shape = wanted.shape_in(row)
    assert shape is not None
    datapath, evidence, sparsity = row.datapath(wanted.a, wanted.b), row.evidence, None
    k = shape.k
    if sparse:
        assert row.sparse is not None
        sparsity = row.sparse
        k = k * sparsity.of // sparsity.keep
        evidence = Evidence(grade="assumed", source="products per block of the sparse form are not public")
        if lanes is not None:
            datapath = _with_lanes(datapath, lanes)
    elif lanes is not None:
        raise InputError("lanes belongs to sparse instructions; change the unit's YAML for others")
    text = f"m{shape.m}n{shape.n}k{k}.{row.d.name}.{wanted.a.name}.{wanted.b.name}.{(row.c or row.d).name}"
    text += f".{row.kind}" if row.kind else ""
    return MatrixUnit(
        unit.name, text, (shape.m, shape.n, k), datapath, row.kind, sparsity, evidence,
        tuple(measured(row, shape.model_copy(update={"k": k}), (wanted.a, wanted.b), sparse)),
    )  # fmt: skip


def _with_lanes(datapath: Datapath, lanes: int) -> Datapath:
    if not isinstance(lanes, int) or not 1 <= lanes <= LANES_MAX:
        raise InputError(f"expected lanes from 1 to {LANES_MAX}, got {lanes}")
    reduction = datapath.reduction.model_copy(update={"lanes": lanes})
    return Datapath.model_validate({**dict(datapath), "reduction": reduction})
