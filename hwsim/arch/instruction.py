"""The file of a matrix unit: instructions that share their arithmetic, with formats, shapes and evidence."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from hwsim.arch.instruction_names import Shape
from hwsim.base.document import read_document
from hwsim.base.evidence import Evidence
from hwsim.base.record import Record
from hwsim.base.registry import OneOf
from hwsim.base.shipped import find, shipped
from hwsim.base.validate import validate
from hwsim.datapath import Datapath, Operands, Output
from hwsim.datapath.accumulator import Accumulator, accumulators, spell_out
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.datapath.reductions.sequential import Sequential
from hwsim.formats import FormatName
from hwsim.formats.base import Format
from hwsim.units.matrix_unit import Sparsity


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Formats = Annotated[tuple[FormatName, ...], BeforeValidator(_listed)]


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
