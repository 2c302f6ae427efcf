"""What every operator is: a record of the workload's file that knows its shapes, its steps and its value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, NonNegativeInt, PositiveInt, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from hwsim.base.record import Record
from hwsim.base.registry import OneOf, Registry
from hwsim.workload.backend import Backend
from hwsim.workload.distributions import Distribution, Normal
from hwsim.workload.errors import Misfit
from hwsim.workload.steps import Step
from hwsim.workload.tensors import Shape, Tensors


def _listed(value: Any) -> Any:
    if not isinstance(value, (str, list, tuple)):
        raise ValueError(f"expected a name or a list of names, got {value!r}")
    return (value,) if isinstance(value, str) else value


def _paired(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, list, tuple)):
        raise ValueError(f"expected one integer or two, got {value!r}")
    return (value, value) if isinstance(value, int) else value


_NAME = r"^[A-Za-z_][A-Za-z0-9_.\-]*$"
Name = Annotated[str, Field(pattern=_NAME)]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""One name, or a list of names."""


def _pair_schema(minimum: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": minimum}
    return WithJsonSchema({"anyOf": [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]})


Pair = Annotated[tuple[PositiveInt, PositiveInt], BeforeValidator(_paired), _pair_schema(1)]
"""``3`` or ``[3, 3]``: along height and width."""
Padding = Annotated[tuple[NonNegativeInt, NonNegativeInt], BeforeValidator(_paired), _pair_schema(0)]


class Operator(Record, ABC):
    """One line of a workload. Shapes are tuples; images are [N, C, H, W], tokens [N, T, channels].

    ``tensors`` gives the shapes and values of what the operator names or draws itself; all methods raise
    `Misfit` (a one-line `InputError`) naming the operator and the shapes that do not fit.
    """

    op: Any
    name: Name
    """Unique in the workload; later operators read this one's output by it."""
    input: Names = ()
    """The workload's input or an earlier operator, by name."""

    inputs_expected: ClassVar[tuple[int, ...]] = (1,)
    """How many inputs the operator may have."""

    @abstractmethod
    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """The output's shape from the inputs' shapes (without sampling)."""

    @abstractmethod
    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """What hardware has to do, in order; empty for pure re-addressing."""

    @abstractmethod
    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """The output's values, every product and function computed by ``backend``."""

    def check_inputs(self) -> None:
        """Raises `Misfit` where the number of inputs is none of `inputs_expected`."""
        if len(self.input) not in self.inputs_expected:
            expected = " or ".join(str(count) for count in self.inputs_expected)
            raise Misfit(self.name, f"{self.op} takes {expected} inputs, got {len(self.input)}", "input")

    def misfit(self, problem: str, field: str | None = None) -> Misfit:
        """The error to raise, named after this operator."""
        return Misfit(self.name, problem, field)


class RowsOperator(Operator):
    """Vector work on an input, or, in a trace, on ``rows`` × ``length`` drawn values."""

    rows: PositiveInt | None = None
    """Of an operator without input: how many rows."""
    length: PositiveInt | None = None
    """Of an operator without input: elements in a row."""
    repeat: PositiveInt = 1
    """How often the operator is executed; cycles and energy count them all, values are computed once."""
    values: Distribution = Normal()
    """What the rows of an operator without input are drawn from."""

    inputs_expected: ClassVar[tuple[int, ...]] = (0, 1)

    def check_inputs(self) -> None:
        """Raises `Misfit` unless there is either an input or both of rows and length."""
        super().check_inputs()
        given = [field for field in ("rows", "length") if getattr(self, field) is not None]
        if self.input and given:
            raise self.misfit(f"{given[0]} belongs to an operator without input", given[0])
        if not self.input and len(given) < 2:
            raise self.misfit("expected an input, or rows and length")

    def first_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the first operand: the input's, or (rows, length)."""
        return shapes[0] if shapes else (self.rows or 0, self.length or 0)

    def drawn(self, tensors: Tensors, operand: str) -> np.ndarray:
        """The sampled rows of an operand that is drawn."""
        shape = self.first_shape(())
        return tensors.drawn(self.name, operand, self.values, shape, tensors.sampled_rows(self.name, shape[0]))


operators: Registry[type[Operator]] = Registry("operator", "hwsim.workload.operators")


class OneOperator(OneOf):
    """`OneOf` with ``op`` as the key that names the class."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        parts = self.registry.items()
        schemas = {part: handler.generate_schema(part) for part in dict.fromkeys(parts.values())}
        choices = {name: schemas[part] for name, part in parts.items()}
        return core_schema.tagged_union_schema(choices, discriminator="op")


AnyOperator = Annotated[Operator, OneOperator(operators)]
