"""`mma`: the matrix units of GPUs by name, each a YAML file of instructions with their arithmetic."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from hwsim.base.document import read_document
from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.evidence import Evidence
from hwsim.base.record import Record
from hwsim.base.registry import OneOf
from hwsim.base.shipped import find, folder, shipped
from hwsim.base.validate import validate
from hwsim.datapath import Datapath, Operands, Output
from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.reductions.sequential import Sequential
from hwsim.formats import FormatName, get
from hwsim.formats.base import Format
from hwsim.units.matrix_unit import MatrixUnit, Sparsity


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Formats = Annotated[tuple[FormatName, ...], BeforeValidator(_listed)]

VENDOR_NAMES = {
    "f16": "fp16", "f32": "fp32", "f64": "fp64", "bf16": "bf16", "tf32": "tf32",
    "e4m3": "e4m3fn", "e5m2": "e5m2", "e3m2": "e3m2fn", "e2m3": "e2m3fn", "e2m1": "e2m1fn",
    "s8": "int8", "u8": "uint8", "s4": "int4", "u4": "uint4", "s32": "int32", "i32": "int32", "i8": "int8",
    "fp8": "e4m3fnuz", "bf8": "e5m2fnuz", "xf32": "tf32", "ue8m0": "e8m0fnu", "ue4m3": "ue4m3",
}  # fmt: skip
"""Type names of NVIDIA's PTX ISA and of AMD's matrix instructions, and what they are called here."""
KINDS = {"bf16_1k": "1k", "nvfp4": "mxf4nvf4", "saturate": "satfinite"}
"""Other words for qualifiers."""
IGNORED = frozenset(
    {"v", "mma", "wgmma", "tcgen05", "mfma", "smfmac", "sync", "async", "aligned", "row", "col", "sp", "ws"}
    | {"block", "cta", "group::1", "group::2", "scale"}
)
"""Words of an instruction's full name that do not bear on its arithmetic."""
SCALE_VECTORS = {"vec::1x": 32, "vec::2x": 32, "vec::4x": 16}
"""PTX ``.scale_vec``: scales along the instruction's k, k32 having one and k64 two or four."""
MX_BLOCK = 32
LANES_MAX = 4096


class Shape(Record):
    """(m, n, k) of an instruction; an n of 0 stands for every multiple of 8 up to 256."""

    m: int
    n: int
    k: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """``m16n8k16``, ``m64n*k16`` or ``16x16x16``."""
        found = re.fullmatch(r"m(\d+)n(\d+|\*)k(\d+)|(\d+)x(\d+)x(\d+)", text)
        if found is None:
            return None
        m, n, k = found.groups()[:3] if found[1] else found.groups()[3:]
        return cls(m=int(m), n=0 if n == "*" else int(n), k=int(k))

    def covers(self, other: Shape) -> bool:
        """Whether ``other`` is this shape, or one of those that a free n stands for."""
        n = other.n % 8 == 0 and 8 <= other.n <= 256 if self.n == 0 else other.n == self.n
        return n and (self.m, self.k) == (other.m, other.k)


class Instruction(Record):
    """Instructions that share their arithmetic: operand formats, result, shapes and the parts of the datapath."""

    a: Formats
    b: Formats | None = None
    """Formats of b; those of a when not given."""
    pairs: Literal["equal", "any"] = "equal"
    """Whether a and b have one format, or any two of those listed."""
    d: FormatName
    c: FormatName | None = None
    """Format of the first addend; that of d when not given."""
    shapes: tuple[str, ...] = Field(min_length=1)
    kind: str | None = None
    """Qualifier that tells instructions of the same operands apart (PTX ``.kind``, AMD's ``_1k``)."""
    scale: FormatName | None = None
    scale_block: int = Field(default=32, ge=1)
    sparse: Sparsity | None = None
    """Structured sparsity that the instruction offers; the sparse form's k is larger by of/keep."""
    convert: FormatName | None = None
    flush: bool = False
    order: tuple[int, ...] | None = None
    reduction: Annotated[Reduction, OneOf(reductions, default="sequential")] = Sequential()
    accumulator: Annotated[Accumulator, OneOf(accumulators), BeforeValidator(spell_out)]
    evidence: Evidence = Evidence()
    timing: dict[str, str] = Field(default_factory=dict)
    """Chip to the instruction's name in the table of cycles, ``{shape}`` standing for its shape."""

    @field_validator("shapes")
    @classmethod
    def _shapes_parse(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if Shape.parse(text) is None:
                raise ValueError(f"expected a shape such as m16n8k16 or 16x16x16, got '{text}'")
        return value

    @model_validator(mode="after")
    def _datapaths_hold(self) -> Self:
        self.datapath(self.a[0], (self.b or self.a)[0])
        return self

    def takes(self, a: Format, b: Format) -> bool:
        """Whether operands of these formats go together here."""
        right = self.b if self.b is not None else self.a
        return a in self.a and b in right and (self.pairs == "any" or self.b is not None or a == b)

    def datapath(self, a: Format, b: Format) -> Datapath:
        """The arithmetic on operands of these formats."""
        whole = self.d.kind == "integer"
        return Datapath(
            operands=Operands(
                a=a, b=b, c=self.c or self.d, convert=self.convert, flush=self.flush, scale=self.scale,
                scale_block=self.scale_block,
            ),
            order=self.order,
            reduction=self.reduction,
            accumulator=self.accumulator,
            output=None if whole else Output(format=self.d),
        )  # fmt: skip


class MatrixUnitFile(Record):
    """A matrix unit: what one kind of instruction of a chip computes."""

    name: str = Field(min_length=1)
    description: str = ""
    instructions: tuple[Instruction, ...] = Field(min_length=1)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The unit of a YAML file, or a shipped one by its name; raises `InputError` with the place of a problem."""
        return validate(cls, read_document(find(path, "matrix_units")))


def names() -> list[str]:
    """The shipped matrix units."""
    return sorted(shipped("matrix_units"))


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
                lines = [line for n in _widths(text, shape) for line in _timing(row, n, wanted, False)]
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


def qualifiers(text: str) -> dict[str, Any]:
    """An instruction's name taken apart: PTX's ``shape.kind::….block….d.a.b.c.scale`` or AMD's ``d_shape_a_b``.

    >>> qualifiers("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32")["b"]
    'e5m2'
    """
    if not isinstance(text, str):
        raise InputError(f"expected an instruction's name, got {text!r}")
    found: dict[str, Any] = {}
    types = []
    for word in re.split(r"[._]", text.strip().lower()):
        fused = re.fullmatch(r"(\d+x\d+x\d+)([a-z]\w*)", word)  # AMD before CDNA3: 16x16x16f16
        for part in fused.groups() if fused else (word,):
            key = _qualifier(part)
            if key is not None:
                found |= key
            elif part in VENDOR_NAMES:
                types.append(VENDOR_NAMES[part])
            elif part not in IGNORED:
                raise InputError(f"'{part}' in '{text}' is no shape, type or qualifier of a matrix instruction")
    if len(types) < 2:
        raise InputError(f"expected a shape, the type of d and the types of a and b in '{text}'")
    found |= dict(zip(("d", "a", "b", "c"), types, strict=False))
    return {**found, "b": found.get("b", found["a"])}


def _qualifier(part: str) -> dict[str, Any] | None:
    """What a word other than a type says, None if it is none of these."""
    if Shape.parse(part) is not None:
        return {"shape": part}
    if part.startswith("kind::"):
        return {"kind": part.removeprefix("kind::")}
    if re.fullmatch(r"block\d+", part):
        return {"scale_block": int(part.removeprefix("block"))}
    if part in ("1k", "satfinite"):
        return {"kind": part}
    if part in SCALE_VECTORS:
        return {"scale_block": SCALE_VECTORS[part]}
    return {"scale": VENDOR_NAMES[part]} if part in ("ue8m0", "ue4m3") else None


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
        tuple(_timing(row, shape.model_copy(update={"k": k}), wanted, sparse)),
    )  # fmt: skip


def _with_lanes(datapath: Datapath, lanes: int) -> Datapath:
    if not isinstance(lanes, int) or not 1 <= lanes <= LANES_MAX:
        raise InputError(f"expected lanes from 1 to {LANES_MAX}, got {lanes}")
    reduction = datapath.reduction.model_copy(update={"lanes": lanes})
    return Datapath.model_validate({**dict(datapath), "reduction": reduction})


def _timing(row: Instruction, shape: Shape, wanted: _Wanted, sparse: bool) -> Iterable[dict[str, Any]]:
    """Rows of the table of cycles for this instruction."""
    spelled = {
        "shape": f"m{shape.m}n{shape.n}k{shape.k}",
        "amd": f"{shape.m}x{shape.n}x{shape.k}",
        "a": _amd(wanted.a),
        "b": _amd(wanted.b),
    }
    for chip, template in row.timing.items():
        name = template.format(**spelled)
        name = name.replace("mma.sync", "mma.sp.sync").replace("mfma", "smfmac") if sparse else name
        for line in cycle_table():
            same_types = line["in_type"] in ("", wanted.a.name, "fp8" if wanted.a.bits == 8 else "")
            same_sum = line["acc_type"] in ("", row.d.name)
            if (line["gpu_or_arch"], line["instruction"]) == (chip, name) and same_types and same_sum:
                yield line


def _amd(f: Format) -> str:
    return {"e4m3fnuz": "fp8", "e5m2fnuz": "bf8", "tf32": "xf32", "fp16": "f16", "fp32": "f32"}.get(f.name, f.name)


@lru_cache(maxsize=1)
def cycle_table() -> list[dict[str, Any]]:
    """Measured latency and throughput of matrix instructions, each row with its condition and source."""
    with (folder("matrix_units") / "mma_cycles.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for key in ("latency_cycles", "throughput"):
            row[key] = _number(row[key])
    return rows


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return None
