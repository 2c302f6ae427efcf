"""Tensors drawn from seeded distributions: the same seed, operator and operand give the same bits.

Every row has its own stream of numpy's Philox 4x64 (Salmon et al., SC'11), keyed by a hash of (seed,
operator, operand) with the row's index in the high words of the counter. A row's values therefore depend
on neither which other rows are drawn nor in which order.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from hwsim.base.quantities import Fraction01
from hwsim.base.record import Record

_ROW_STRIDE = 1 << 128  # counter blocks between rows; no row draws as many


class _Distribution(Record, ABC):
    shape: list[PositiveInt] | None = None
    """The tensor's shape, where the operator does not imply it (a weight's, for example)."""
    outlier_channels: Fraction01 = 0.0
    """Share of the feature channels (a product's k) whose values are multiplied by `outlier_scale`."""
    outlier_scale: PositiveFloat = 20.0
    """Outlier features are up to 20 times larger than the others (LLM.int8(), arXiv:2208.07339, section 4)."""

    @abstractmethod
    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """``count`` values, float64."""


class Normal(_Distribution):
    """Gaussian of standard deviation ``std``."""

    distribution: Literal["normal"] = "normal"
    mean: float = 0.0
    std: PositiveFloat = 1.0

    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        return generator.normal(self.mean, self.std, count)


class Laplace(_Distribution):
    """Double exponential, density exp(−|x − mean|/scale)/(2·scale)."""

    distribution: Literal["laplace"]
    mean: float = 0.0
    scale: PositiveFloat = 1.0

    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        return generator.laplace(self.mean, self.scale, count)


class StudentT(_Distribution):
    """mean + scale·t with ``dof`` degrees of freedom: the smaller, the heavier the tails."""

    distribution: Literal["student_t"]
    dof: PositiveFloat
    mean: float = 0.0
    scale: PositiveFloat = 1.0

    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        return self.mean + self.scale * generator.standard_t(self.dof, count)


class Uniform(_Distribution):
    """Uniform on [mean − scale, mean + scale)."""

    distribution: Literal["uniform"]
    mean: float = 0.0
    scale: PositiveFloat = 1.0

    def sample(self, generator: np.random.Generator, count: int) -> np.ndarray:
        return generator.uniform(self.mean - self.scale, self.mean + self.scale, count)


Distribution = Annotated[Normal | Laplace | StudentT | Uniform, Field(discriminator="distribution")]


class Streams:
    """The random numbers of one operand: a stream for each row, and one for choices about the whole."""

    def __init__(self, seed: int, operator: str, operand: str) -> None:
        digest = hashlib.sha256(repr((seed, operator, operand)).encode()).digest()
        self._key = int.from_bytes(digest[:16], "little")

    def row(self, index: int) -> np.random.Generator:
        """The stream of row ``index``."""
        return self._stream(1 + int(index))

    def choose(self, total: int, count: int) -> np.ndarray:
        """``count`` different indices below ``total``, ascending."""
        return np.sort(self._stream(0).choice(total, count, replace=False))

    def _stream(self, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self._key, counter=number * _ROW_STRIDE))


def draw_rows(distribution: Any, streams: Streams, rows: Iterable[int], length: int) -> np.ndarray:
    """Rows of a [.., length] tensor, float32 [len(rows), length], without outliers."""
    drawn = [distribution.sample(streams.row(row), length) for row in rows]
    return np.stack(drawn).astype(np.float32)


def outlier_factors(distribution: Any, streams: Streams, channels: int) -> np.ndarray:
    """What each channel is multiplied by, float32 [channels]; any share above 0 is at least one channel."""
    factors = np.ones(channels, np.float32)
    if distribution.outlier_channels > 0:
        count = max(1, round(distribution.outlier_channels * channels))
        factors[streams.choose(channels, count)] = distribution.outlier_scale
    return factors
