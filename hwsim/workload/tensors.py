"""Where operands come from: a tensor of the workload's file by name, or a seeded distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Discriminator, PositiveInt, Tag

from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.record import Record
from hwsim.workload.distributions import Laplace, Normal, Streams, StudentT, Uniform, draw_rows, outlier_factors
from hwsim.workload.errors import Misfit
from hwsim.workload.tensor_file import TensorFile

Shape = tuple[int, ...]


def _tag(value: Any) -> str | None:
    if isinstance(value, str):
        return "name"
    if isinstance(value, dict):
        return str(value.get("distribution", "normal"))
    return getattr(value, "distribution", None)


def _known(value: Any) -> Any:
    if not isinstance(value, (str, dict, Record)):
        raise ValueError(f"expected a tensor's name or a distribution, got {value!r}")
    if _tag(value) not in _SOURCES:
        raise ValueError(f"unknown distribution '{_tag(value)}'{did_you_mean(_tag(value), _SOURCES[1:])}")
    return value


_SOURCES = ["name", "normal", "laplace", "student_t", "uniform"]

TensorSource = Annotated[
    Annotated[str, Tag("name")]
    | Annotated[Normal, Tag("normal")]
    | Annotated[Laplace, Tag("laplace")]
    | Annotated[StudentT, Tag("student_t")]
    | Annotated[Uniform, Tag("uniform")],
    Discriminator(_tag),
    BeforeValidator(_known),
]
"""A tensor of the workload's ``tensors`` file by name, or a distribution to draw it from."""


class Sample(Record):
    """Which outputs of the drawn operators are computed: exact for these, with the full k."""

    rows: PositiveInt | None = None
    """Rows of the first operand (all, if not given)."""
    cols: PositiveInt | None = None
    """Columns of a product's second operand (all, if not given)."""


MOST_DRAWN = 2**31
"""Values of one operand that are drawn at most (8 GiB as float32)."""


class Tensors:
    """Every operand of one run. ``operand`` is the operator's field, so that errors and streams name it.

    ``unsampled`` names the operators whose whole output is needed, because another one reads it.
    """

    def __init__(
        self,
        file: TensorFile | None = None,
        *,
        seed: int = 0,
        sample: Sample | None = None,
        unsampled: frozenset[str] = frozenset(),
    ) -> None:
        self.file = file
        self.seed = seed
        self.sample = sample or Sample()
        self.unsampled = unsampled

    def shape(self, operator: str, operand: str, source: TensorSource) -> Shape:
        """The shape of a weight or bias, before anything is drawn."""
        if isinstance(source, str):
            return tuple(self._named(operator, operand, source).shape)
        if source.shape is None:
            raise Misfit(operator, f"a {operand} that is drawn needs its shape", operand)
        return tuple(source.shape)

    def array(self, operator: str, operand: str, source: TensorSource, shape: Shape | None = None) -> np.ndarray:
        """The whole tensor; ``shape`` is what the operator implies, if it does."""
        if isinstance(source, str):
            return self._named(operator, operand, source)
        implied = self.shape(operator, operand, source) if shape is None else shape
        return self.drawn(operator, operand, source, implied, np.arange(implied[0]))

    def drawn(self, operator: str, operand: str, source: Any, shape: Shape, rows: Sequence[int] | Any) -> np.ndarray:
        """The given rows (along axis 0) of a drawn tensor of ``shape``, float32 [len(rows), *shape[1:]].

        Feature channels are axis 1 of images [N, C, H, W] and the last axis of everything else.
        """
        self._check_size(operator, operand, len(rows) * math.prod(shape[1:]))
        streams = Streams(self.seed, operator, operand)
        values = draw_rows(source, streams, rows, math.prod(shape[1:])).reshape(len(rows), *shape[1:])
        axis = 1 if len(shape) == 4 else len(shape) - 1
        factors = outlier_factors(source, Streams(self.seed, operator, f"{operand}.outliers"), shape[axis])
        if axis == 0:
            return np.asarray(values * factors[np.asarray(rows)])
        return np.asarray(values * factors.reshape(-1, *(1 for _ in shape[axis + 1 :])))

    def sampled_rows(self, operator: str, total: int) -> np.ndarray:
        """Indices of the rows to compute, ascending."""
        return self._sampled(operator, "rows", self.sample.rows, total)

    def sampled_cols(self, operator: str, total: int) -> np.ndarray:
        """Indices of the columns to compute, ascending."""
        return self._sampled(operator, "cols", self.sample.cols, total)

    def _sampled(self, operator: str, what: str, count: int | None, total: int) -> np.ndarray:
        if count is None or count >= total or operator in self.unsampled:
            self._check_size(operator, what, total)
            return np.arange(total)
        return Streams(self.seed, operator, f"sampled {what}").choose(total, count)

    def _check_size(self, operator: str, what: str, values: int) -> None:
        if values > MOST_DRAWN:
            raise Misfit(
                operator,
                f"{what}: {values} values are more than can be drawn; compute a part of the outputs exactly with "
                "numerics: {sample: {rows: 64, cols: 64}}",
            )

    def _named(self, operator: str, operand: str, name: str) -> np.ndarray:
        if self.file is None:
            raise Misfit(operator, f"tensor '{name}' is named, but the workload has no 'tensors' file", operand)
        try:
            return self.file.array(name)
        except InputError as error:
            raise Misfit(operator, str(error), operand) from None
